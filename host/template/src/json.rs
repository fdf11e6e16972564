//! Values as Go's encoding/json writes them, and JSON read into values.

use std::rc::Rc;

use crate::format::not_finite;
use crate::limits::{Budget, DEPTH_MAX, Output};
use crate::structs::Struct;
use crate::time::{Time, TimeKind};
use crate::time_layout;
use crate::value::{Entries, Value};

/// How JSON is written.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    /// `<`, `>` and `&` become `\u003c` and so on.
    pub(crate) escape_html: bool,
    /// Two spaces a level, and a line for each member.
    pub(crate) pretty: bool,
}

/// The JSON of a value.
///
/// # Errors
/// The text is too long, a value nested too deep, a float that JSON cannot have.
pub(crate) fn write(
    budget: &mut Budget,
    value: &Value<'_>,
    style: Style,
) -> Result<String, String> {
    let mut writer = Writer {
        out: budget.output(),
        style,
        depth: 0,
    };
    writer.value(value)?;
    Ok(writer.out.into_string())
}

struct Writer {
    out: Output,
    style: Style,
    depth: usize,
}

impl Writer {
    fn value(&mut self, value: &Value<'_>) -> Result<(), String> {
        if self.depth > DEPTH_MAX {
            return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
        }
        match value {
            Value::Nil | Value::NilPointer(_) | Value::Labels(None) => self.out.push("null"),
            Value::Bool(value) => self.out.push(if *value { "true" } else { "false" }),
            Value::Int(value, _) | Value::Duration(value) => self.out.push(&value.to_string()),
            Value::Float(value) => self.float(*value),
            Value::Text(text) => self.text(text),
            Value::Bytes(text) => self.text(&base64(text)),
            Value::Version(_, original) => self.text(original),
            Value::Time(time) => self.time(time),
            Value::List(list) if list.nil => self.out.push("null"),
            Value::List(list) => {
                let items = list.items.iter();
                self.items('[', items, ']', |writer, item| writer.value(item))
            }
            Value::Struct(value) => {
                let mut members = Vec::new();
                struct_members(*value, &mut members);
                self.members(members)
            }
            Value::Map(_) | Value::Labels(_) => {
                let members = value.members().unwrap_or_default();
                self.members(members)
            }
        }
    }

    fn members<'a, K: AsText>(&mut self, members: Vec<(K, Value<'a>)>) -> Result<(), String> {
        self.items('{', members, '}', |writer, (key, value)| {
            writer.text(key.as_text())?;
            writer
                .out
                .push(if writer.style.pretty { ": " } else { ":" })?;
            writer.value(&value)
        })
    }

    fn items<T>(
        &mut self,
        opening: char,
        items: impl IntoIterator<Item = T>,
        closing: char,
        mut write: impl FnMut(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push_char(opening)?;
        self.depth += 1;
        let mut any = false;
        for item in items {
            if any {
                self.out.push(",")?;
            }
            any = true;
            self.line()?;
            write(self, item)?;
        }
        self.depth -= 1;
        if any {
            self.line()?;
        }
        self.out.push_char(closing)
    }

    fn line(&mut self) -> Result<(), String> {
        if !self.style.pretty {
            return Ok(());
        }
        self.out.push("\n")?;
        self.out.repeat("  ", self.depth)
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        self.out.push("\"")?;
        let mut plain_from = 0;
        for (at, character) in text.char_indices() {
            let escape = match character {
                '"' => "\\\"".to_owned(),
                '\\' => "\\\\".to_owned(),
                '\n' => "\\n".to_owned(),
                '\r' => "\\r".to_owned(),
                '\t' => "\\t".to_owned(),
                '\u{8}' => "\\b".to_owned(),
                '\u{c}' => "\\f".to_owned(),
                '<' | '>' | '&' if !self.style.escape_html => continue,
                '\0'..' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    format!("\\u{:04x}", u32::from(character))
                }
                _ => continue,
            };
            self.out.push(&text[plain_from..at])?;
            self.out.push(&escape)?;
            plain_from = at + character.len_utf8();
        }
        self.out.push(&text[plain_from..])?;
        self.out.push("\"")
    }

    fn time(&mut self, time: &Time) -> Result<(), String> {
        let layout = match time.kind {
            TimeKind::Meta | TimeKind::Micro if time.is_zero() => return self.out.push("null"),
            TimeKind::Plain => "2006-01-02T15:04:05.999999999Z07:00",
            TimeKind::Meta => "2006-01-02T15:04:05Z07:00",
            TimeKind::Micro => "2006-01-02T15:04:05.000000Z07:00",
        };
        self.text(&time_layout::format(time, layout))
    }

    fn float(&mut self, value: f64) -> Result<(), String> {
        if not_finite(value).is_some() {
            return Err(format!("JSON has no number for {value}"));
        }
        let all = value.abs();
        if all != 0.0 && !(1e-6..1e21).contains(&all) {
            let written = format!("{value:e}");
            let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
            let exponent = match exponent.strip_prefix('-') {
                Some(exponent) => format!("-{exponent:0>1}"),
                None => format!("+{exponent}"),
            };
            return self.out.push(&format!("{digits}e{exponent}"));
        }
        self.out.push(&format!("{value}"))
    }
}

/// What can be the key of a member.
trait AsText {
    fn as_text(&self) -> &str;
}

impl AsText for &'static str {
    fn as_text(&self) -> &str {
        self
    }
}

impl AsText for crate::value::Text<'_> {
    fn as_text(&self) -> &str {
        self
    }
}

/// The JSON members of a struct: embedded ones are in it, and an outer one hides the inner of its key.
fn struct_members<'a>(value: Struct<'a>, to: &mut Vec<(&'static str, Value<'a>)>) {
    for field in value.fields() {
        let Some(member) = value.field(field.name) else {
            continue;
        };
        match member {
            Value::Struct(embedded) if field.key.is_empty() => struct_members(embedded, to),
            member if field.omit_empty && is_empty(&member) => {}
            member => {
                to.retain(|(key, _)| *key != field.key);
                to.push((field.key, member));
            }
        }
    }
}

fn is_empty(value: &Value<'_>) -> bool {
    match value {
        Value::Bool(_) | Value::Struct(_) | Value::Time(_) => false,
        Value::Nil | Value::NilPointer(_) => true,
        other => !other.is_true(),
    }
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// JSON as Go reads it into an `interface{}`: every number is a float64.
///
/// # Errors
/// What is wrong with the JSON, or it makes too many values.
pub(crate) fn read<'a>(budget: &mut Budget, text: &str) -> Result<Value<'a>, String> {
    let parsed: serde_json::Value =
        serde_json::from_str(text).map_err(|error| error.to_string())?;
    convert(budget, parsed)
}

fn convert<'a>(budget: &mut Budget, value: serde_json::Value) -> Result<Value<'a>, String> {
    budget.steps(1)?;
    budget.memory(size_of::<Value<'_>>())?;
    Ok(match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or(0.0)),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => {
            let items: Result<Vec<_>, _> = items
                .into_iter()
                .map(|item| convert(budget, item))
                .collect();
            Value::list(items?)
        }
        serde_json::Value::Object(members) => {
            let mut entries = Entries::new();
            for (key, member) in members {
                entries.insert(Rc::from(key), convert(budget, member)?);
            }
            Value::map(entries)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn floats_have_gos_forms() {
        let style = Style {
            escape_html: true,
            pretty: false,
        };
        let check = |value: f64, expect: &str| {
            let mut budget = Budget::new(Limits::default());
            let written = write(&mut budget, &Value::Float(value), style).expect("finite");
            assert_eq!(written, expect);
        };
        check(1.0, "1");
        check(0.1, "0.1");
        check(1e21, "1e+21");
        check(1e-7, "1e-7");
        check(-2.5e-9, "-2.5e-9");
    }
}
