//! From one type to another. What cannot be converted is 0, as in sprig.

use crate::format::text_of;
use crate::functions::{Function, function};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("atoi", 1, 1, |_, arguments| {
        Ok(Value::int(arguments.text(0)?.parse().unwrap_or(0)))
    }),
    function("int", 1, 1, |_, arguments| {
        Ok(Value::int(int(arguments.get(0))))
    }),
    function("int64", 1, 1, |_, arguments| {
        Ok(Value::int64(int(arguments.get(0))))
    }),
    function("float64", 1, 1, |_, arguments| {
        Ok(Value::Float(float(arguments.get(0))))
    }),
    function("toString", 1, 1, |budget, arguments| {
        text_of(budget.output(), arguments.get(0)).map(Value::text)
    }),
    function("toDecimal", 1, 1, |budget, arguments| {
        let text = text_of(budget.output(), arguments.get(0))?;
        Ok(Value::int64(i64::from_str_radix(&text, 8).unwrap_or(0)))
    }),
];

/// cast.ToInt64.
pub(super) fn int(value: &Value<'_>) -> i64 {
    match value {
        Value::Int(number, _) => *number,
        Value::Float(number) => *number as i64,
        Value::Bool(flag) => i64::from(*flag),
        Value::Text(text) => parse_int(text).unwrap_or(0),
        _ => 0,
    }
}

/// cast.ToFloat64.
pub(super) fn float(value: &Value<'_>) -> f64 {
    match value {
        Value::Int(number, _) => *number as f64,
        Value::Float(number) => *number,
        Value::Bool(flag) => f64::from(u8::from(*flag)),
        Value::Text(text) => text.parse().unwrap_or(0.0),
        _ => 0.0,
    }
}

/// Go's ParseInt with base 0: the prefix says the base.
fn parse_int(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let digits = digits.replace('_', "");
    if digits.starts_with(['+', '-']) {
        return None;
    }
    i64::from_str_radix(&format!("{sign}{digits}"), radix).ok()
}
