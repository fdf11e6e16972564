//! Texts as Loki writes them: label sets, times, lists of errors.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `{a="b", c="d"}`, sorted by name.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value:?}"))
        .collect();
    format!("{{{}}}", pairs.join(", "))
}

/// In seconds, as Go's RFC 3339 has it.
pub(super) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// As Go prints a time: with as many decimals as it has.
pub(super) fn go_time(time: Timestamp) -> String {
    let time = time.to_zoned(TimeZone::UTC);
    time.strftime("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string()
}

/// One error, or how many there are of each kind.
pub(super) fn grouped(errors: &[String]) -> String {
    if let [one] = errors {
        return one.clone();
    }
    let mut counts: Vec<(&String, usize)> = Vec::new();
    for error in errors {
        match counts.iter_mut().find(|(there, _)| *there == error) {
            Some((_, count)) => *count += 1,
            None => counts.push((error, 1)),
        }
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(error, count)| format!("{count} errors like: {error}"))
        .collect();
    counts.join("; ")
}
