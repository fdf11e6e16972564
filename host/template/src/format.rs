//! How Go prints values: `%v`, what an action prints, and the spaces of `print`.

use crate::duration;
use crate::limits::{DEPTH_MAX, Output};
use crate::structs::Struct;
use crate::time::Time;
use crate::time_layout;
use crate::value::Value;

/// What an action such as `{{ .Count }}` prints.
///
/// # Errors
/// The output is full.
pub(crate) fn action(out: &mut Output, value: &Value<'_>) -> Result<(), String> {
    match value {
        Value::Nil => out.push("<no value>"),
        Value::NilPointer("v1.EventSeries" | "v1.ObjectReference") => out.push("nil"),
        Value::Struct(value) => stringer(out, *value),
        other => plain(out, other, 0),
    }
}

/// `%v`.
///
/// # Errors
/// The output is full, or the value nested too deep.
pub(crate) fn plain(out: &mut Output, value: &Value<'_>, depth: usize) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    match value {
        Value::Text(text) => out.push(text),
        Value::Nil | Value::NilPointer(_) => out.push("<nil>"),
        Value::Bool(value) => out.push(if *value { "true" } else { "false" }),
        Value::Int(value, _) => out.push(&value.to_string()),
        Value::Float(value) => out.push(&shortest(*value)),
        Value::Time(value) => out.push(&time(value)),
        Value::Duration(value) => out.push(&duration::format(*value)),
        Value::Version(version, _) => out.push(&version.to_string()),
        Value::Bytes(bytes) => {
            let bytes = bytes.bytes().map(|byte| byte.to_string());
            separated(out, '[', bytes, ']', |out, byte| out.push(&byte))
        }
        Value::List(list) => separated(out, '[', list.items.iter(), ']', |out, item| {
            plain(out, item, depth + 1)
        }),
        Value::Struct(Struct::Event(document, false)) if depth == 0 => {
            stringer(out, Struct::Event(document, false))
        }
        Value::Struct(value) => braces(out, *value, depth),
        Value::Map(_) | Value::Labels(_) => {
            out.push("map")?;
            let members = value.members().unwrap_or_default();
            separated(out, '[', members, ']', |out, (key, value)| {
                out.push(&key)?;
                out.push_char(':')?;
                plain(out, &value, depth + 1)
            })
        }
    }
}

/// Items between brackets with a space between each.
fn separated<T>(
    out: &mut Output,
    opening: char,
    items: impl IntoIterator<Item = T>,
    closing: char,
    mut print: impl FnMut(&mut Output, T) -> Result<(), String>,
) -> Result<(), String> {
    out.push_char(opening)?;
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push_char(' ')?;
        }
        print(out, item)?;
    }
    out.push_char(closing)
}

/// A struct as `%v` prints it: its fields between braces.
fn braces(out: &mut Output, value: Struct<'_>, depth: usize) -> Result<(), String> {
    if value.is_pointer() && depth == 0 {
        return stringer(out, value);
    }
    let fields = value
        .fields()
        .iter()
        .filter_map(|field| value.field(field.name));
    separated(out, '{', fields, '}', |out, field| {
        plain(out, &field, depth + 1)
    })
}

/// A struct as its generated `String` prints it.
fn stringer(out: &mut Output, value: Struct<'_>) -> Result<(), String> {
    let shown = match value {
        Struct::Event(document, de_dot) => Struct::CoreEvent(document, de_dot),
        Struct::Object(object, _) => Struct::Reference(object, false),
        other => other,
    };
    if let Struct::Event(_, true) = value {
        return braces(out, value, 1);
    }
    out.push_char('&')?;
    members(out, shown)
}

/// `Name{Field:value,…}`.
fn members(out: &mut Output, value: Struct<'_>) -> Result<(), String> {
    let name = value.type_name();
    out.push(name.rsplit('.').next().unwrap_or(name))?;
    out.push_char('{')?;
    for field in stringer_fields(value) {
        let Some(member) = value.field(field) else {
            continue;
        };
        out.push(field)?;
        out.push_char(':')?;
        member_value(out, value, field, &member)?;
        out.push_char(',')?;
    }
    out.push_char('}')
}

/// Generated `String` methods have the order of the protobuf numbers.
fn stringer_fields(value: Struct<'_>) -> Vec<&'static str> {
    if let Struct::Owner(_) = value {
        return vec![
            "Kind",
            "Name",
            "UID",
            "APIVersion",
            "Controller",
            "BlockOwnerDeletion",
        ];
    }
    let names = value.fields().iter().map(|field| field.name);
    names.filter(|name| *name != "TypeMeta").collect()
}

fn member_value(
    out: &mut Output,
    within: Struct<'_>,
    field: &str,
    member: &Value<'_>,
) -> Result<(), String> {
    match (within, member) {
        (Struct::CoreEvent(..), Value::NilPointer(_)) => out.push("nil"),
        (Struct::CoreEvent(..), Value::Struct(inner)) if field != "ObjectMeta" => {
            if inner.is_pointer() {
                out.push_char('&')?;
            }
            members(out, *inner)
        }
        // The pointer to a time is printed by fmt.
        (Struct::Meta(..), Value::NilPointer("v1.Time")) => out.push("<nil>"),
        (Struct::Meta(..) | Struct::Owner(_), Value::NilPointer(_)) => out.push("nil"),
        (Struct::Meta(..), Value::List(list)) if list.element.starts_with("v1.") => {
            let element = list.element.trim_start_matches("v1.");
            out.push(&format!("[]{element}{{"))?;
            for item in list.items.iter() {
                if let Value::Struct(owner) = item {
                    members(out, *owner)?;
                    out.push_char(',')?;
                }
            }
            out.push_char('}')
        }
        (Struct::Meta(..), Value::Map(_) | Value::Labels(_)) => {
            out.push("map[string]string{")?;
            for (key, value) in member.members().unwrap_or_default() {
                out.push(&key)?;
                out.push(": ")?;
                plain(out, &value, 1)?;
                out.push_char(',')?;
            }
            out.push_char('}')
        }
        (Struct::Owner(_), Value::Bool(flag)) => out.push(if *flag { "*true" } else { "*false" }),
        _ => plain(out, member, 1),
    }
}

/// A time as Go's `String` prints it.
pub(crate) fn time(time: &Time) -> String {
    time_layout::format(time, "2006-01-02 15:04:05.999999999 -0700 MST")
}

/// What `print` (or `println`) makes of its arguments.
///
/// # Errors
/// The output is full.
pub(crate) fn print(out: &mut Output, values: &[Value<'_>], line: bool) -> Result<(), String> {
    let is_text = |value: &Value<'_>| matches!(value, Value::Text(_));
    for (at, value) in values.iter().enumerate() {
        let space = at > 0 && (line || !is_text(value) && !is_text(&values[at - 1]));
        if space {
            out.push_char(' ')?;
        }
        plain(out, value, 0)?;
    }
    if line { out.push_char('\n') } else { Ok(()) }
}

/// The text of a value, as sprig's `strval` has it.
///
/// # Errors
/// The text is too long.
pub(crate) fn text_of(mut out: Output, value: &Value<'_>) -> Result<String, String> {
    match value {
        Value::Text(text) | Value::Bytes(text) => out.push(text)?,
        other => plain(&mut out, other, 0)?,
    }
    Ok(out.into_string())
}

/// A float in the fewest digits that tell it from its neighbours (`%v`).
pub(crate) fn shortest(value: f64) -> String {
    general(value, None, false)
}

/// `%g`: with an exponent when that is below -4, or at least the precision; 6 when there is none.
pub(crate) fn general(value: f64, precision: Option<usize>, keep: bool) -> String {
    if let Some(text) = not_finite(value) {
        return text;
    }
    let written = match precision {
        None => format!("{value:e}"),
        Some(precision) => format!("{value:.*e}", precision.max(1) - 1),
    };
    let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = if keep || !digits.contains('.') {
        digits
    } else {
        digits.trim_end_matches('0').trim_end_matches('.')
    };
    let from = match precision {
        None => 6,
        Some(precision) => i32::try_from(precision.max(1)).unwrap_or(i32::MAX),
    };
    if exponent < -4 || exponent >= from {
        return with_exponent(digits, exponent);
    }
    let places = digits
        .len()
        .saturating_sub(usize::from(value.is_sign_negative()) + 2);
    let places = i32::try_from(places).unwrap_or(0) - exponent;
    format!("{value:.*}", usize::try_from(places.max(0)).unwrap_or(0))
}

/// `%e` with so many digits after the point.
pub(crate) fn scientific(value: f64, precision: usize) -> String {
    not_finite(value).unwrap_or_else(|| {
        let written = format!("{value:.precision$e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        with_exponent(digits, exponent.parse().unwrap_or(0))
    })
}

fn with_exponent(digits: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// NaN and the infinities, as Go writes them.
pub(crate) fn not_finite(value: f64) -> Option<String> {
    match value {
        _ if value.is_nan() => Some("NaN".to_owned()),
        f64::INFINITY => Some("+Inf".to_owned()),
        f64::NEG_INFINITY => Some("-Inf".to_owned()),
        _ => None,
    }
}
