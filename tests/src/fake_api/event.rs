//! Events in both forms. They are stored as core/v1 writes them, without kind and apiVersion; events.k8s.io/v1 is a
//! view, member by member as in the recording. What a test gives is completed like the server does, in its order.

use serde_json::{Map, Value, json};

/// Members of a stored event, in the order of the server, with what stands for one that is absent; nothing where
/// the server leaves it out.
const MEMBERS: &[(&str, Option<&str>)] = &[
    ("metadata", Some("{}")),
    ("involvedObject", Some("{}")),
    ("reason", None),
    ("message", None),
    ("source", Some("{}")),
    ("firstTimestamp", Some("null")),
    ("lastTimestamp", Some("null")),
    ("count", None),
    ("type", None),
    ("eventTime", Some("null")),
    ("series", None),
    ("action", None),
    ("related", None),
    ("reportingComponent", Some("\"\"")),
    ("reportingInstance", Some("\"\"")),
];

/// Members of events.k8s.io/v1 in its order, the core/v1 name of each, and whether it stands there when empty.
const EVENTS_MEMBERS: &[(&str, &str, bool)] = &[
    ("metadata", "metadata", true),
    ("eventTime", "eventTime", true),
    ("series", "series", false),
    ("reportingController", "reportingComponent", false),
    ("reportingInstance", "reportingInstance", false),
    ("action", "action", false),
    ("reason", "reason", false),
    ("regarding", "involvedObject", true),
    ("related", "related", false),
    ("note", "message", false),
    ("type", "type", false),
    ("deprecatedSource", "source", true),
    ("deprecatedFirstTimestamp", "firstTimestamp", true),
    ("deprecatedLastTimestamp", "lastTimestamp", true),
    ("deprecatedCount", "count", false),
];

/// Members of a reference to an object.
const REFERENCE: &[&str] = &[
    "kind",
    "namespace",
    "name",
    "uid",
    "apiVersion",
    "resourceVersion",
    "fieldPath",
];

/// An event of either form (or of neither) as it is stored.
pub(super) fn stored(event: &Value) -> Value {
    let newer = event["regarding"].is_object();
    let given = |core: &str| {
        let name = if newer { newer_name(core) } else { core };
        event.get(name).filter(|value| !is_empty(value)).cloned()
    };
    let mut whole = Map::new();
    for (name, default) in MEMBERS {
        let default = default.map(|text| serde_json::from_str(text).expect("it is JSON"));
        let value = given(name).or(default);
        if let Some(mut value) = value {
            if ["involvedObject", "related"].contains(name) {
                value = reference(&value);
            }
            whole.insert((*name).into(), value);
        }
    }
    Value::Object(whole)
}

/// The core/v1 form's members as events.k8s.io/v1 has them.
pub(super) fn as_events_k8s_io(stored: &Value) -> Value {
    let mut view = Map::new();
    for (name, core, always) in EVENTS_MEMBERS {
        match stored.get(core) {
            Some(value) if *always || !is_empty(value) => {
                view.insert((*name).into(), value.clone());
            }
            _ => {}
        }
    }
    Value::Object(view)
}

/// Repeats it as its recorder does: the legacy one raises `count`, the new one has a `series` from the second on.
pub(super) fn repeat(stored: &mut Value, now: &str, now_micro: &str) {
    if stored["eventTime"].is_null() {
        let count = stored["count"].as_u64().unwrap_or(1);
        stored["count"] = (count + 1).into();
        stored["lastTimestamp"] = now.into();
    } else {
        let count = stored["series"]["count"].as_u64().unwrap_or(1);
        stored["series"] = json!({"count": count + 1, "lastObservedTime": now_micro});
    }
    *stored = self::stored(stored);
}

/// What `metadata.creationTimestamp` of a recorded event would be: the first time that it knows.
pub(super) fn first_time(stored: &Value) -> Option<String> {
    let times = ["firstTimestamp", "eventTime"];
    let time = times.iter().find_map(|name| stored[*name].as_str())?;
    let second = time.get(..19)?;
    Some(format!("{second}Z"))
}

/// A reference to an object, in the order of the server.
fn reference(given: &Value) -> Value {
    let mut whole = Map::new();
    for member in REFERENCE {
        if let Some(value) = given.get(*member).filter(|value| !is_empty(value)) {
            whole.insert((*member).into(), value.clone());
        }
    }
    Value::Object(whole)
}

fn newer_name(core: &str) -> &str {
    let found = EVENTS_MEMBERS.iter().find(|(_, name, _)| *name == core);
    found.map_or(core, |(name, _, _)| name)
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value == ""
}
