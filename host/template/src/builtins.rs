//! Go's own template functions, less `and` and `or`, which evaluate lazily, and `call`: there are no
//! function values here.

use std::cmp::Ordering;

use crate::format;
use crate::functions::{Arguments, Function, MANY, function};
use crate::limits::Budget;
use crate::printf::sprintf;
use crate::quote;
use crate::value::Value;

/// The table. `slice` is sprig's.
pub(crate) static FUNCTIONS: &[Function] = &[
    function("not", 1, 1, |_, arguments| {
        Ok(Value::Bool(!arguments.get(0).is_true()))
    }),
    function("len", 1, 1, length),
    function("index", 1, MANY, index),
    function("print", 0, MANY, |budget, arguments| {
        print(budget, arguments, false)
    }),
    function("println", 0, MANY, |budget, arguments| {
        print(budget, arguments, true)
    }),
    function("printf", 1, MANY, |budget, arguments| {
        sprintf(budget, arguments.text(0)?, arguments.from(1)).map(Value::text)
    }),
    function("html", 0, MANY, |budget, arguments| {
        escape(budget, arguments, quote::html)
    }),
    function("js", 0, MANY, |budget, arguments| {
        escape(budget, arguments, quote::js)
    }),
    function("urlquery", 0, MANY, |budget, arguments| {
        escape(budget, arguments, quote::url_query)
    }),
    function("eq", 1, MANY, equal),
    function("ne", 2, 2, |_, arguments| {
        same(arguments.get(0), arguments.get(1)).map(|same| Value::Bool(!same))
    }),
    function("lt", 2, 2, |_, arguments| order(arguments, Ordering::is_lt)),
    function("le", 2, 2, |_, arguments| order(arguments, Ordering::is_le)),
    function("gt", 2, 2, |_, arguments| order(arguments, Ordering::is_gt)),
    function("ge", 2, 2, |_, arguments| order(arguments, Ordering::is_ge)),
];

fn length<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let value = arguments.get(0);
    match value.length() {
        Some(length) => Ok(Value::int(length as i64)),
        None => Err(format!("{} has no length", value.type_name())),
    }
}

fn index<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut value = arguments.get(0).clone();
    for key in arguments.from(1) {
        value = match (&value, key) {
            (Value::Map(_) | Value::Labels(_), Value::Text(key)) => {
                value.member(key).unwrap_or_else(|| value.missing())
            }
            (Value::List(_) | Value::Text(_) | Value::Bytes(_), Value::Int(at, _)) => {
                item(&value, *at)?
            }
            (Value::Nil, _) => return Err("index of untyped nil".to_owned()),
            (Value::Map(_) | Value::Labels(_), _) => {
                return Err(format!(
                    "value has type {}; should be string",
                    key.type_name()
                ));
            }
            (Value::List(_) | Value::Text(_) | Value::Bytes(_), _) => {
                return Err(format!(
                    "cannot index slice/array with type {}",
                    key.type_name()
                ));
            }
            _ => return Err(format!("can't index item of type {}", value.type_name())),
        };
    }
    Ok(value)
}

fn item<'a>(value: &Value<'a>, at: i64) -> Result<Value<'a>, String> {
    let place = usize::try_from(at).ok();
    let found = match value {
        Value::List(list) => place.and_then(|at| list.items.get(at).cloned()),
        Value::Text(text) | Value::Bytes(text) => place
            .and_then(|at| text.as_bytes().get(at))
            .map(|byte| Value::int(i64::from(*byte))),
        _ => None,
    };
    found.ok_or_else(|| format!("index out of range: {at}"))
}

fn print<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, '_>,
    line: bool,
) -> Result<Value<'a>, String> {
    let mut out = budget.output();
    format::print(&mut out, arguments.0, line)?;
    Ok(Value::text(out.into_string()))
}

fn escape<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, '_>,
    escape: fn(&str) -> String,
) -> Result<Value<'a>, String> {
    let mut out = budget.output();
    format::print(&mut out, arguments.0, false)?;
    let mut escaped = budget.output();
    escaped.push(&escape(out.as_str()))?;
    Ok(Value::text(escaped.into_string()))
}

fn equal<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    if arguments.len() < 2 {
        return Err("missing argument for comparison".to_owned());
    }
    for other in arguments.from(1) {
        if same(arguments.get(0), other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// Whether two values are the same, as `eq` has it.
fn same(left: &Value<'_>, right: &Value<'_>) -> Result<bool, String> {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Ok(left == right),
        (
            Value::Int(left, _) | Value::Duration(left),
            Value::Int(right, _) | Value::Duration(right),
        ) => Ok(left == right),
        (Value::Float(left), Value::Float(right)) => Ok(left == right),
        (Value::Text(left), Value::Text(right)) => Ok(**left == **right),
        (Value::Time(left), Value::Time(right)) => Ok(left.since(right) == 0),
        (Value::Nil | Value::NilPointer(_), Value::Nil | Value::NilPointer(_)) => Ok(true),
        (Value::Nil, _) | (_, Value::Nil) => Ok(false),
        _ if left.kind() == right.kind() => {
            Err(format!("non-comparable type {}", left.type_name()))
        }
        _ => Err(incompatible(left, right)),
    }
}

fn incompatible(left: &Value<'_>, right: &Value<'_>) -> String {
    format!(
        "incompatible types for comparison: {} and {}",
        left.type_name(),
        right.type_name()
    )
}

fn order<'a>(
    arguments: &Arguments<'_, '_>,
    wanted: fn(Ordering) -> bool,
) -> Result<Value<'a>, String> {
    let (left, right) = (arguments.get(0), arguments.get(1));
    let ordering = match (left, right) {
        (
            Value::Int(left, _) | Value::Duration(left),
            Value::Int(right, _) | Value::Duration(right),
        ) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        (Value::Text(left), Value::Text(right)) => Some((**left).cmp(right)),
        (Value::Bool(_), Value::Bool(_)) => {
            return Err("invalid type for comparison: bool".to_owned());
        }
        _ => return Err(incompatible(left, right)),
    };
    Ok(Value::Bool(ordering.is_some_and(wanted)))
}
