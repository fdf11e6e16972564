//! Defaults, JSON, and `fail`.

use crate::functions::{Arguments, Function, MANY, function};
use crate::json::{self, Style};
use crate::limits::Budget;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("default", 1, MANY, |_, arguments| {
        let given = arguments.get(1);
        Ok(if empty(given) {
            arguments.get(0)
        } else {
            given
        }
        .clone())
    }),
    function("empty", 1, 1, |_, arguments| {
        Ok(Value::Bool(empty(arguments.get(0))))
    }),
    function("coalesce", 0, MANY, |_, arguments| {
        let found = arguments.0.iter().find(|value| !empty(value));
        Ok(found.cloned().unwrap_or(Value::Nil))
    }),
    function("all", 0, MANY, |_, arguments| {
        Ok(Value::Bool(!arguments.0.iter().any(empty)))
    }),
    function("any", 0, MANY, |_, arguments| {
        Ok(Value::Bool(!arguments.0.iter().all(empty)))
    }),
    function("ternary", 3, 3, |_, arguments| {
        let at = usize::from(!arguments.bool(2)?);
        Ok(arguments.get(at).clone())
    }),
    function("fail", 1, 1, |_, arguments| {
        Err(arguments.text(0)?.to_owned())
    }),
    function(
        "fromJson",
        1,
        1,
        |budget, arguments| match serde_json::from_str::<serde::de::IgnoredAny>(arguments.text(0)?)
        {
            Ok(_) => json::read(budget, arguments.text(0)?),
            Err(_) => Ok(Value::Nil),
        },
    ),
    function("mustFromJson", 1, 1, |budget, arguments| {
        json::read(budget, arguments.text(0)?)
    }),
    function("toJson", 1, 1, to_json),
    function("mustToJson", 1, 1, to_json),
    function("toPrettyJson", 1, 1, to_pretty_json),
    function("mustToPrettyJson", 1, 1, to_pretty_json),
    function("toRawJson", 1, 1, to_raw_json),
    function("mustToRawJson", 1, 1, to_raw_json),
];

/// sprig's `empty`: what is not true. A struct never is.
pub(super) fn empty(value: &Value<'_>) -> bool {
    !value.is_true()
}

fn to_json<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    write(budget, arguments, true, false)
}

fn to_pretty_json<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
) -> Result<Value<'a>, String> {
    write(budget, arguments, true, true)
}

fn to_raw_json<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
) -> Result<Value<'a>, String> {
    write(budget, arguments, false, false)
}

fn write<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    escape_html: bool,
    pretty: bool,
) -> Result<Value<'a>, String> {
    let style = Style {
        escape_html,
        pretty,
    };
    json::write(budget, arguments.get(0), style).map(Value::text)
}
