//! A plugin's own configuration: from the tree to JSON.
//!
//! The order of keys is kept; numbers are exact or refused; secrets (`${env:X}`, `${file:/p}`) stay as they
//! are, and only their form is checked: the plugin runtime resolves them. No value is in an error text, since
//! it may be a password.

use serde_json::{Map, Number, Value};

use super::error::ErrorKind;
use super::fields::Field;
use super::report::{Report, join};
use super::tree::{Kind, Node};

/// A plugin's configuration as JSON, without the keys of the host.
pub(crate) fn plugin_config(
    field: &Field<'_>,
    host_keys: &[&str],
    report: &mut Report<'_>,
) -> Option<Value> {
    let Kind::Map(entries) = &field.node.kind else {
        // Not what was found: it may be a password.
        report
            .error(
                ErrorKind::Type,
                field.node.at,
                &field.path,
                "not a map".to_owned(),
            )
            .expected("the plugin's configuration, a map");
        return None;
    };
    let mut object = Map::new();
    for entry in entries
        .iter()
        .filter(|entry| !host_keys.contains(&entry.key.as_str()))
    {
        let value = to_json(&entry.value, &join(&field.path, &entry.key), report);
        object.insert(entry.key.clone(), value);
    }
    Some(Value::Object(object))
}

/// As [`plugin_config`] does it, for a value in which no secret stands.
pub(crate) fn plain_json(node: &Node, path: &str, report: &mut Report<'_>) -> Value {
    to_json(node, path, report)
}

fn to_json(node: &Node, path: &str, report: &mut Report<'_>) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::String(text) => {
            check_secret(node, path, report);
            Value::String(text.clone())
        }
        Kind::Integer(value) => match (u64::try_from(*value), i64::try_from(*value)) {
            (Ok(value), _) => Value::from(value),
            (_, Ok(value)) => Value::from(value),
            _ => inexact(node, path, report),
        },
        Kind::Float(value) => {
            let digits_only = node
                .written
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'+');
            match Number::from_f64(*value) {
                Some(number) if !digits_only => Value::Number(number),
                _ => inexact(node, path, report),
            }
        }
        Kind::List(items) => {
            let item = |(index, node)| to_json(node, &format!("{path}[{index}]"), report);
            Value::Array(items.iter().enumerate().map(item).collect())
        }
        Kind::Map(entries) => {
            let mut object = Map::new();
            for entry in entries {
                object.insert(
                    entry.key.clone(),
                    to_json(&entry.value, &join(path, &entry.key), report),
                );
            }
            Value::Object(object)
        }
    }
}

fn inexact(node: &Node, path: &str, report: &mut Report<'_>) -> Value {
    report
        .error(
            ErrorKind::Value,
            node.at,
            path,
            "a number that JSON cannot hold".to_owned(),
        )
        .expected("a finite number; whole ones from -2^63 to 2^64-1")
        .help("in quotes it is text, and stays as it is");
    Value::Null
}

/// A secret must be written so that it can be found later: the plugin would get its text otherwise.
fn check_secret(node: &Node, path: &str, report: &mut Report<'_>) {
    for (start, what) in [
        ("${env:", "the name of a variable"),
        ("${file:", "the absolute path of a file"),
    ] {
        for (index, _) in node.written.match_indices(start) {
            let inner = node.written[index + start.len()..]
                .split_once('}')
                .map(|(inner, _)| inner);
            let valid = inner.is_some_and(|inner| match start {
                "${env:" => {
                    !inner.is_empty()
                        && inner.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
                }
                _ => inner.starts_with('/'),
            });
            if !valid {
                report
                    .error(
                        ErrorKind::Value,
                        node.at,
                        path,
                        format!("a secret `{start}…}}` that names nothing"),
                    )
                    .expected(format!("{what}, then `}}`"));
            }
        }
    }
}
