//! Dates. Zones are UTC (also for `Local`: containers are) and fixed offsets; names of zones are not known.

use crate::duration;
use crate::functions::{Arguments, Function, function};
use crate::limits::Budget;
use crate::time::{Time, TimeKind, zone_offset};
use crate::time_layout;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("now", 0, 0, |_, _| Ok(Value::Time(Time::now()))),
    function("date", 2, 2, |_, arguments| {
        date(arguments.text(0)?, arguments.get(1), "UTC")
    }),
    function("dateInZone", 3, 3, date_in_zone),
    function("date_in_zone", 3, 3, date_in_zone),
    function("htmlDate", 1, 1, |_, arguments| {
        date("2006-01-02", arguments.get(0), "UTC")
    }),
    function("htmlDateInZone", 2, 2, |_, arguments| {
        date("2006-01-02", arguments.get(0), arguments.text(1)?)
    }),
    function("dateModify", 2, 2, |_, arguments| modify(arguments, false)),
    function("date_modify", 2, 2, |_, arguments| modify(arguments, false)),
    function("mustDateModify", 2, 2, |_, arguments| {
        modify(arguments, true)
    }),
    function("must_date_modify", 2, 2, |_, arguments| {
        modify(arguments, true)
    }),
    function("toDate", 2, 2, |_, arguments| {
        let parsed = time_layout::parse(arguments.text(0)?, arguments.text(1)?);
        Ok(Value::Time(parsed.unwrap_or(Time::ZERO)))
    }),
    function("mustToDate", 2, 2, |_, arguments| {
        time_layout::parse(arguments.text(0)?, arguments.text(1)?).map(Value::Time)
    }),
    function("unixEpoch", 1, 1, |_, arguments| match arguments.get(0) {
        Value::Time(time) => Ok(Value::text(time.seconds.to_string())),
        other => Err(format!("expected a time, got {}", other.type_name())),
    }),
    function("ago", 1, 1, |_, arguments| {
        let since = Time::now().since(&time_of(arguments.get(0)));
        Ok(Value::text(duration::format(duration::round(
            since,
            1_000_000_000,
        ))))
    }),
    function("duration", 1, 1, |_, arguments| {
        let seconds = match arguments.get(0) {
            Value::Text(text) => text.parse().unwrap_or(0),
            Value::Int(seconds, crate::value::IntKind::Int64) => *seconds,
            _ => 0_i64,
        };
        Ok(Value::text(duration::format(
            seconds.wrapping_mul(1_000_000_000),
        )))
    }),
    function("durationRound", 1, 1, |_, arguments| {
        let nanoseconds = match arguments.get(0) {
            Value::Text(text) => duration::parse(text).unwrap_or(0),
            Value::Int(nanoseconds, crate::value::IntKind::Int64) => *nanoseconds,
            Value::Duration(nanoseconds) => *nanoseconds,
            Value::Time(time) => Time::now().since(time),
            _ => 0,
        };
        Ok(Value::text(rounded(nanoseconds.unsigned_abs())))
    }),
];

/// The units of `durationRound`, the largest first, in seconds.
const UNITS: &[(u64, &str)] = &[
    (365 * 86_400, "y"),
    (30 * 86_400, "mo"),
    (86_400, "d"),
    (3_600, "h"),
    (60, "m"),
    (1, "s"),
];

fn rounded(nanoseconds: u64) -> String {
    let found = UNITS
        .iter()
        .find(|(seconds, _)| nanoseconds > seconds * 1_000_000_000);
    match found {
        Some((seconds, name)) => format!("{}{name}", nanoseconds / (seconds * 1_000_000_000)),
        None => "0s".to_owned(),
    }
}

/// The moment that a value stands for: a time, or seconds since 1970; now for everything else. sprig
/// takes now for the event's own timestamps as well, which nobody can want.
fn time_of(value: &Value<'_>) -> Time {
    match value {
        Value::Time(time) => time.with_kind(TimeKind::Plain),
        Value::Int(seconds, _) => Time::from_seconds(*seconds),
        _ => Time::now(),
    }
}

fn date<'a>(layout: &str, value: &Value<'_>, zone: &str) -> Result<Value<'a>, String> {
    let offset = zone_offset(zone).ok_or_else(|| {
        format!("the zone {zone:?} is not known; weir has UTC and fixed offsets such as +02:00")
    })?;
    let time = time_of(value).in_offset(offset, offset == 0);
    Ok(Value::text(time_layout::format(&time, layout)))
}

fn date_in_zone<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    date(arguments.text(0)?, arguments.get(1), arguments.text(2)?)
}

fn modify<'a>(arguments: &Arguments<'_, 'a>, must: bool) -> Result<Value<'a>, String> {
    let text = arguments.text(0)?;
    let Value::Time(time) = arguments.get(1) else {
        return Err(format!(
            "expected a time, got {}",
            arguments.get(1).type_name()
        ));
    };
    match duration::parse(text) {
        Some(by) => Ok(Value::Time(time.with_kind(TimeKind::Plain).add(by))),
        None if must => Err(format!(
            "invalid duration {text:?}; expected a form such as 1h30m"
        )),
        None => Ok(Value::Time(*time)),
    }
}
