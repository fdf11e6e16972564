//! What a real API server refuses of events in events.k8s.io/v1: its strict validation, and nothing of the legacy one.

use serde_json::Value;

use super::status;

const NAMESPACES: &str = "/apis/events.k8s.io/v1/namespaces/";

/// Refuses an event that must not be created.
pub(super) fn refuse_new(path: &str, event: &Value) -> Option<(u16, Value)> {
    let (namespace, resource) = path.strip_prefix(NAMESPACES)?.split_once('/')?;
    assert_eq!(resource, "events", "a path of its own");
    if event["apiVersion"] != "events.k8s.io/v1" || event["kind"] != "Event" {
        let text = "the API version in the data does not match the expected API version";
        return Some(status(400, "BadRequest", text.to_owned()));
    }
    if event["metadata"]["namespace"] != namespace {
        let text =
            "the namespace of the provided object does not match the namespace sent on the request";
        return Some(status(400, "BadRequest", text.to_owned()));
    }
    let wrong = invalid_fields(event).or_else(|| invalid_series(event))?;
    Some(status(422, "Invalid", wrong.to_owned()))
}

/// Refuses a change of more than the series, or to a wrong one.
pub(super) fn refuse_change(path: &str, old: &Value, new: &Value) -> Option<(u16, Value)> {
    path.strip_prefix(NAMESPACES)?;
    let (mut before, mut after) = (old.clone(), new.clone());
    for event in [&mut before, &mut after] {
        event.as_object_mut()?.remove("series");
    }
    let wrong = match before == after {
        true => invalid_series(new)?,
        false => "field is immutable",
    };
    Some(status(422, "Invalid", wrong.to_owned()))
}

fn invalid_fields(event: &Value) -> Option<&'static str> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let is_long = |name: &str| !(1..=128).contains(&text(&event[name]).len());
    let name = text(&event["metadata"]["name"]);
    let regarding = &event["regarding"];
    let unset = [
        "deprecatedCount",
        "deprecatedFirstTimestamp",
        "deprecatedLastTimestamp",
        "deprecatedSource",
    ];
    match () {
        () if !is_subdomain(&name) => Some("metadata.name: a lowercase RFC 1123 subdomain"),
        () if !is_micro_time(&event["eventTime"]) => Some("eventTime: Required value"),
        () if !is_qualified_name(&text(&event["reportingController"])) => {
            Some("reportingController: name part must consist of alphanumeric characters")
        }
        () if is_long("reportingInstance") => Some("reportingInstance: at most 128 characters"),
        () if is_long("action") => Some("action: at most 128 characters"),
        () if is_long("reason") => Some("reason: at most 128 characters"),
        () if text(&event["note"]).len() > 1024 => Some("message: at most 1024 characters"),
        () if event["type"] != "Normal" && event["type"] != "Warning" => {
            Some("type: has invalid value")
        }
        () if unset.iter().any(|name| !event[*name].is_null()) => Some("needs to be unset"),
        // A server looks only whether it is there; a wrong one makes an event that nobody finds.
        () if regarding["namespace"] != event["metadata"]["namespace"] => {
            Some("involvedObject.namespace: does not match event.namespace")
        }
        () => None,
    }
}

fn invalid_series(event: &Value) -> Option<&'static str> {
    let series = &event["series"];
    if series.is_null() {
        return None;
    }
    if series["count"].as_i64().is_none_or(|count| count < 2) {
        return Some("series.count: should be at least 2");
    }
    (!is_micro_time(&series["lastObservedTime"]))
        .then_some("series.lastObservedTime: Required value")
}

/// client-go reads exactly six digits.
fn is_micro_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == "2026-11-23T14:52:36.500000Z".len()
        && text.ends_with('Z')
        && text.parse::<jiff::Timestamp>().is_ok()
}

fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_qualified_name(name: &str) -> bool {
    let (prefix, name) = match name.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, name),
    };
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    prefix.is_none_or(is_subdomain)
        && (1..=63).contains(&name.len())
        && name.bytes().all(inside)
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric())
}
