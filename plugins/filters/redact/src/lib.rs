//! The filter `redact`: masks secrets in the text of events. `README.md` says what it covers and what not.
//!
//! Strings are searched in the fields that `fields` names; values at `pointers` are masked whole. Nothing is
//! changed where nothing was found. The counter `masked` says how much was. An event that it fails on is
//! dropped, unless the use says otherwise: an event that could not be searched must not pass.

mod mask;

use regex_lite::Regex;
use serde::Deserialize;
use weir_plugin::serde_json::Value;
use weir_plugin::{Event, Filter, Result, Verdict, host};

/// Where Kubernetes puts free text.
const DEFAULT_FIELD: &str = "/message";
const DEFAULT_MASK: &str = "***";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Redact {
    /// Regular expressions: what to mask, wherever it stands in the fields.
    #[serde(default)]
    patterns: Vec<String>,
    /// Pointers to what is searched: a string, or an object or array in which every string is searched.
    #[serde(default = "default_fields")]
    fields: Vec<String>,
    /// Pointers to what is masked whole, whatever it holds.
    #[serde(default)]
    pointers: Vec<String>,
    #[serde(default = "default_mask")]
    mask: String,
    /// The patterns, compiled by `setup`.
    #[serde(skip)]
    compiled: Vec<Regex>,
}

fn default_fields() -> Vec<String> {
    vec![DEFAULT_FIELD.to_owned()]
}

fn default_mask() -> String {
    DEFAULT_MASK.to_owned()
}

impl Filter for Redact {
    fn setup(&mut self) -> Result {
        if self.patterns.is_empty() && self.pointers.is_empty() {
            Err("nothing to mask: expected at least one of `patterns` or `pointers`")?;
        }
        if self.fields.is_empty() && !self.patterns.is_empty() {
            Err("fields: expected at least one, or no `patterns`")?;
        }
        for (index, pattern) in self.patterns.iter().enumerate() {
            let regex = Regex::new(pattern).map_err(|why| {
                format!("patterns[{index}]: `{pattern}` is not a regular expression: {why}")
            })?;
            self.compiled.push(regex);
        }
        check_pointers("fields", &self.fields)?;
        check_pointers("pointers", &self.pointers)?;
        if let Some(index) = self.pointers.iter().position(String::is_empty) {
            Err(format!(
                "pointers[{index}]: the whole event cannot be masked"
            ))?;
        }
        Ok(())
    }

    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        let mut masked = 0;
        for pointer in &self.pointers {
            if event.json(pointer).is_some() {
                event.set(pointer, &self.mask)?;
                masked += 1;
            }
        }
        if !self.patterns.is_empty() {
            for pointer in &self.fields {
                masked += self.search(event, pointer)?;
            }
        }
        if masked > 0 {
            host::count("masked", masked);
        }
        Ok(Verdict::Keep)
    }
}

impl Redact {
    /// Masks in the string at a pointer, or in every string below it; answers how often.
    fn search(&self, event: &mut Event, pointer: &str) -> Result<u32> {
        let mut found = Vec::new();
        if let Some(text) = event.text(pointer) {
            self.search_text(pointer, &text, &mut found);
        } else if let Some(value) = event.get(pointer)? {
            self.search_value(&mut pointer.to_owned(), &value, &mut found);
        }
        let mut masked = 0;
        for Found {
            pointer,
            text,
            count,
        } in found
        {
            event.set(&pointer, &text)?;
            masked += count;
        }
        Ok(masked)
    }

    fn search_value(&self, pointer: &mut String, value: &Value, found: &mut Vec<Found>) {
        let length = pointer.len();
        match value {
            Value::String(text) => self.search_text(pointer, text, found),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    pointer.push('/');
                    pointer.push_str(&index.to_string());
                    self.search_value(pointer, item, found);
                    pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                for (name, member) in members {
                    pointer.push('/');
                    pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                    self.search_value(pointer, member, found);
                    pointer.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn search_text(&self, pointer: &str, text: &str, found: &mut Vec<Found>) {
        if let Some((text, count)) = mask::mask(text, &self.compiled, &self.mask) {
            found.push(Found {
                pointer: pointer.to_owned(),
                text,
                count,
            });
        }
    }
}

/// RFC 6901; "" is the whole event.
fn check_pointers(setting: &str, pointers: &[String]) -> Result {
    for (index, pointer) in pointers.iter().enumerate() {
        let begins = pointer.is_empty() || pointer.starts_with('/');
        let escapes = pointer
            .split('~')
            .skip(1)
            .all(|rest| rest.starts_with(['0', '1']));
        if !begins || !escapes {
            Err(format!(
                "{setting}[{index}]: `{pointer}` is not a JSON pointer, expected one as `/metadata/annotations`"
            ))?;
        }
    }
    Ok(())
}

/// A string to replace.
struct Found {
    pointer: String,
    text: String,
    count: u32,
}

weir_plugin::register!(filter: Redact, on_error: "drop");

#[cfg(test)]
mod tests;
