//! The methods that the event, its times, durations and versions have in Go.

use crate::duration;
use crate::format;
use crate::functions::Arguments;
use crate::json::{self, Style};
use crate::limits::Budget;
use crate::structs::Struct;
use crate::time::{Time, TimeKind};
use crate::time_layout;
use crate::value::{IntKind, Text, Value};

/// Calls a method; `None` when the value has none of that name.
pub(crate) fn call<'a>(
    budget: &mut Budget,
    value: &Value<'a>,
    name: &str,
    arguments: &[Value<'a>],
) -> Option<Result<Value<'a>, String>> {
    let arguments = &Arguments(arguments);
    let called = match value {
        Value::Struct(value) => of_struct(budget, *value, name)?,
        Value::Time(time) => of_time(time, name, arguments)?,
        Value::Duration(nanoseconds) => of_duration(*nanoseconds, name, arguments)?,
        Value::Version(version, original) => of_version(version, original, name, arguments)?,
        _ => return None,
    };
    let wanted = usize::from(TAKE_ONE.contains(&name));
    if arguments.len() != wanted {
        let got = arguments.len();
        return Some(Err(format!(
            "wrong number of arguments: want {wanted}, got {got}"
        )));
    }
    Some(called)
}

/// The methods with an argument.
const TAKE_ONE: &[&str] = &[
    "Format",
    "Sub",
    "After",
    "Before",
    "Equal",
    "Add",
    "Truncate",
    "Round",
    "Compare",
    "LessThan",
    "GreaterThan",
];

fn of_struct<'a>(
    budget: &mut Budget,
    value: Struct<'a>,
    name: &str,
) -> Option<Result<Value<'a>, String>> {
    let (Struct::Event(document, de_dot) | Struct::CoreEvent(document, de_dot)) = value else {
        return None;
    };
    let extended = matches!(value, Struct::Event(..));
    Some(Ok(match name {
        "ToJSON" if extended => {
            let style = Style {
                escape_html: true,
                pretty: false,
            };
            let written = json::write(budget, &Value::Struct(value), style);
            return Some(written.map(|text| Value::Bytes(Text::from(text))));
        }
        "DeDot" if extended => Value::Struct(Struct::Event(document, true)),
        "GetTimestampMs" if extended => {
            Value::int64(Struct::timestamp(document).unix_nanoseconds() / 1_000_000)
        }
        "GetTimestampISO8601" if extended => {
            let time = Struct::timestamp(document);
            Value::text(time_layout::format(&time, "2006-01-02T15:04:05.000Z"))
        }
        // The getters of ObjectMeta.
        _ => Struct::CoreEvent(document, de_dot).field(match name {
            "GetName"
            | "GetNamespace"
            | "GetUID"
            | "GetLabels"
            | "GetAnnotations"
            | "GetGenerateName"
            | "GetResourceVersion"
            | "GetSelfLink"
            | "GetFinalizers"
            | "GetOwnerReferences"
            | "GetCreationTimestamp"
            | "GetGeneration" => &name["Get".len()..],
            _ => return None,
        })?,
    }))
}

fn of_time<'a>(
    time: &Time,
    name: &str,
    arguments: &Arguments<'_, 'a>,
) -> Option<Result<Value<'a>, String>> {
    let civil = time.civil();
    let int = |number: i64| Value::int(number);
    Some(Ok(match name {
        "Format" => {
            return Some(
                arguments
                    .text(0)
                    .map(|layout| Value::text(time_layout::format(time, layout))),
            );
        }
        "String" => Value::text(format::time(time)),
        "Time" => Value::Time(time.with_kind(TimeKind::Plain)),
        "UTC" | "Local" => Value::Time(time.in_offset(0, true).with_kind(TimeKind::Plain)),
        "Unix" => Value::int64(time.seconds),
        "UnixMilli" => Value::int64(time.unix_milliseconds()),
        "UnixMicro" => Value::int64(
            time.unix_milliseconds().wrapping_mul(1000) + i64::from(time.nanoseconds / 1000 % 1000),
        ),
        "UnixNano" => Value::int64(time.unix_nanoseconds()),
        "IsZero" => Value::Bool(time.is_zero()),
        "Year" => int(civil.year().into()),
        "Month" => Value::text(time_layout::format(time, "January")),
        "Day" => int(civil.day().into()),
        "Hour" => int(civil.hour().into()),
        "Minute" => int(civil.minute().into()),
        "Second" => int(civil.second().into()),
        "Nanosecond" => int(time.nanoseconds.into()),
        "Weekday" => Value::text(time_layout::format(time, "Monday")),
        "YearDay" => int(civil.date().day_of_year().into()),
        "Sub" => return Some(other(arguments).map(|other| Value::Duration(time.since(&other)))),
        "After" => return Some(other(arguments).map(|other| Value::Bool(time.since(&other) > 0))),
        "Before" => return Some(other(arguments).map(|other| Value::Bool(time.since(&other) < 0))),
        "Equal" => return Some(other(arguments).map(|other| Value::Bool(time.since(&other) == 0))),
        "Add" => {
            return Some(
                nanoseconds(arguments)
                    .map(|by| Value::Time(time.add(by).with_kind(TimeKind::Plain))),
            );
        }
        "Truncate" => {
            return Some(
                nanoseconds(arguments)
                    .map(|to| Value::Time(time.truncate(to).with_kind(TimeKind::Plain))),
            );
        }
        _ => return None,
    }))
}

fn other(arguments: &Arguments<'_, '_>) -> Result<Time, String> {
    match arguments.get(0) {
        Value::Time(time) => Ok(*time),
        value => Err(format!("expected a time, got {}", value.type_name())),
    }
}

fn nanoseconds(arguments: &Arguments<'_, '_>) -> Result<i64, String> {
    match arguments.get(0) {
        Value::Duration(nanoseconds) | Value::Int(nanoseconds, _) => Ok(*nanoseconds),
        value => Err(format!("expected a duration, got {}", value.type_name())),
    }
}

fn of_duration<'a>(
    value: i64,
    name: &str,
    arguments: &Arguments<'_, 'a>,
) -> Option<Result<Value<'a>, String>> {
    Some(Ok(match name {
        "String" => Value::text(duration::format(value)),
        "Nanoseconds" => Value::int64(value),
        "Microseconds" => Value::int64(value / 1_000),
        "Milliseconds" => Value::int64(value / 1_000_000),
        "Seconds" => Value::Float(value as f64 / 1e9),
        "Minutes" => Value::Float(value as f64 / 60e9),
        "Hours" => Value::Float(value as f64 / 3600e9),
        "Round" => {
            return Some(
                nanoseconds(arguments).map(|to| Value::Duration(duration::round(value, to))),
            );
        }
        "Truncate" => {
            return Some(
                nanoseconds(arguments)
                    .map(|to| Value::Duration(if to > 0 { value - value % to } else { value })),
            );
        }
        _ => return None,
    }))
}

fn of_version<'a>(
    version: &semver::Version,
    original: &Text<'a>,
    name: &str,
    arguments: &Arguments<'_, 'a>,
) -> Option<Result<Value<'a>, String>> {
    let number =
        |number: u64| Value::Int(i64::try_from(number).unwrap_or(i64::MAX), IntKind::Uint64);
    let compared = || match arguments.get(0) {
        Value::Version(other, _) => Ok(version.cmp_precedence(other)),
        value => Err(format!("expected a version, got {}", value.type_name())),
    };
    Some(Ok(match name {
        "Major" => number(version.major),
        "Minor" => number(version.minor),
        "Patch" => number(version.patch),
        "Prerelease" => Value::text(version.pre.as_str()),
        "Metadata" => Value::text(version.build.as_str()),
        "Original" => Value::Text(original.clone()),
        "String" => Value::text(version.to_string()),
        "Compare" => return Some(compared().map(|order| Value::int(order as i64))),
        "Equal" => return Some(compared().map(|order| Value::Bool(order.is_eq()))),
        "LessThan" => return Some(compared().map(|order| Value::Bool(order.is_lt()))),
        "GreaterThan" => return Some(compared().map(|order| Value::Bool(order.is_gt()))),
        _ => return None,
    }))
}
