//! Kinds and types by name, and deep equality.

use crate::functions::{Function, function};
use crate::limits::{Budget, DEPTH_MAX};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("typeOf", 1, 1, |_, arguments| {
        Ok(Value::text(arguments.get(0).type_name()))
    }),
    function("typeIs", 2, 2, |_, arguments| {
        Ok(Value::Bool(
            arguments.text(0)? == arguments.get(1).type_name(),
        ))
    }),
    function("typeIsLike", 2, 2, |_, arguments| {
        let (wanted, found) = (arguments.text(0)?, arguments.get(1).type_name());
        Ok(Value::Bool(
            wanted == found || found.strip_prefix('*') == Some(wanted),
        ))
    }),
    function("kindOf", 1, 1, |_, arguments| {
        Ok(Value::borrowed(arguments.get(0).kind()))
    }),
    function("kindIs", 2, 2, |_, arguments| {
        Ok(Value::Bool(arguments.text(0)? == arguments.get(1).kind()))
    }),
    function("deepEqual", 2, 2, |budget, arguments| {
        deep_equal(budget, arguments.get(0), arguments.get(1), 0).map(Value::Bool)
    }),
];

/// Go's reflect.DeepEqual: types have to be the same.
pub(super) fn deep_equal(
    budget: &mut Budget,
    left: &Value<'_>,
    right: &Value<'_>,
    depth: usize,
) -> Result<bool, String> {
    budget.steps(1)?;
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    if left.type_name() != right.type_name() {
        return Ok(false);
    }
    Ok(match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(left, _), Value::Int(right, _)) => left == right,
        (Value::Duration(left), Value::Duration(right)) => left == right,
        (Value::Float(left), Value::Float(right)) => left == right,
        (Value::Text(left) | Value::Bytes(left), Value::Text(right) | Value::Bytes(right)) => {
            **left == **right
        }
        (Value::Time(left), Value::Time(right)) => left.since(right) == 0,
        (Value::Version(left, _), Value::Version(right, _)) => left == right,
        (Value::List(left), Value::List(right)) => {
            if left.items.len() != right.items.len() || left.nil != right.nil {
                return Ok(false);
            }
            for (left, right) in left.items.iter().zip(right.items.iter()) {
                if !deep_equal(budget, left, right, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Struct(left), Value::Struct(right)) => {
            for field in left.fields() {
                let (left, right) = (left.field(field.name), right.field(field.name));
                let (left, right) = (left.unwrap_or(Value::Nil), right.unwrap_or(Value::Nil));
                if !deep_equal(budget, &left, &right, depth + 1)? {
                    return Ok(false);
                }
            }
            true
        }
        (Value::Map(left), Value::Map(right)) if left.address() == right.address() => true,
        _ => match (left.members(), right.members()) {
            (Some(left), Some(right)) => {
                if left.len() != right.len() {
                    return Ok(false);
                }
                for ((left_key, left), (right_key, right)) in left.iter().zip(&right) {
                    if **left_key != **right_key || !deep_equal(budget, left, right, depth + 1)? {
                        return Ok(false);
                    }
                }
                true
            }
            // Nil and nil pointers, of the same type as was checked.
            _ => true,
        },
    })
}
