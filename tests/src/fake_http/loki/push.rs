//! A push: read from JSON, and checked as a distributor does.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::super::Request;
use super::text::rfc3339;
use super::{Entry, Limits, text};

/// A stream of a push.
pub(super) struct Pushed {
    pub labels: BTreeMap<String, String>,
    pub entries: Vec<Entry>,
}

/// Why a push is not even looked at.
pub(super) struct Refused {
    pub code: u16,
    pub why: String,
}

fn bad(why: impl Into<String>) -> Refused {
    Refused {
        code: 400,
        why: why.into(),
    }
}

/// Reads a push.
pub(super) fn read(request: &Request) -> Result<Vec<Pushed>, Refused> {
    match request.media_type().as_str() {
        "application/json" => {}
        "" => return Err(bad("mime: no media type")),
        other => {
            return Err(Refused {
                code: 415,
                why: format!("this fake reads application/json, not {other}"),
            });
        }
    }
    let body: Value =
        serde_json::from_slice(&request.body).map_err(|error| bad(error.to_string()))?;
    let body = body
        .as_object()
        .ok_or_else(|| bad("a push is no JSON object"))?;
    if let Some(name) = body.keys().find(|name| *name != "streams") {
        return Err(bad(format!("a push has no field {name:?}")));
    }
    let streams = body.get("streams").and_then(Value::as_array);
    let streams = streams.map(Vec::as_slice).unwrap_or_default();
    if streams.is_empty() {
        return Err(Refused {
            code: 422,
            why: "error at least one valid stream is required for ingestion".to_owned(),
        });
    }
    streams.iter().map(stream).collect()
}

fn stream(stream: &Value) -> Result<Pushed, Refused> {
    let fields = stream
        .as_object()
        .ok_or_else(|| bad("a stream is no JSON object"))?;
    if let Some(name) = fields
        .keys()
        .find(|name| !["stream", "values"].contains(&name.as_str()))
    {
        return Err(bad(format!("a stream has no field {name:?}")));
    }
    let labels = pairs(&stream["stream"]).ok_or_else(|| bad("\"stream\" is no object of texts"))?;
    let values = stream["values"].as_array();
    let values = values.ok_or_else(|| bad("\"values\" is no list"))?;
    let entries: Result<Vec<Entry>, Refused> = values.iter().map(entry).collect();
    Ok(Pushed {
        labels,
        entries: entries?,
    })
}

fn entry(entry: &Value) -> Result<Entry, Refused> {
    let parts = entry.as_array().map(Vec::as_slice).unwrap_or_default();
    let (timestamp, line, metadata) = match parts {
        [timestamp, line] => (timestamp, line, None),
        [timestamp, line, metadata] => (timestamp, line, Some(metadata)),
        _ => {
            return Err(bad(
                "an entry is not [\"<nanoseconds>\", \"<line>\"], perhaps with metadata",
            ));
        }
    };
    let (Some(timestamp), Some(line)) = (timestamp.as_str(), line.as_str()) else {
        return Err(bad("Value is string, but can't find closing '\"' symbol"));
    };
    let nanoseconds: i64 = timestamp.parse().map_err(|_| {
        bad(format!(
            "strconv.ParseInt: parsing {timestamp:?}: invalid syntax"
        ))
    })?;
    let timestamp = Timestamp::from_nanosecond(nanoseconds.into());
    let metadata = match metadata {
        None => BTreeMap::new(),
        Some(metadata) => pairs(metadata)
            .ok_or_else(|| bad("Value looks like object, but can't find closing '}' symbol"))?,
    };
    Ok(Entry {
        timestamp: timestamp.map_err(|error| bad(error.to_string()))?,
        line: line.to_owned(),
        metadata,
        pushed: 1,
    })
}

fn pairs(value: &Value) -> Option<BTreeMap<String, String>> {
    let pairs = value.as_object()?.iter();
    pairs
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

/// Why all entries of a stream are refused.
pub(super) fn check_labels(pushed: &Pushed, limits: &Limits) -> Result<(), String> {
    let labels = &pushed.labels;
    let all = text::labels(labels);
    if labels.is_empty() {
        return Err("error at least one label pair is required per stream".to_owned());
    }
    if let Some(name) = labels.keys().find(|name| !is_name(name)) {
        return Err(format!(
            "Error parsing labels '{all}' with error: 1:2: parse error: unexpected character inside braces: {name:?}"
        ));
    }
    let count = labels.keys().filter(|name| *name != "service_name").count();
    if count > limits.labels_max {
        return Err(format!(
            "entry for stream '{all}' has {count} label names; limit {}",
            limits.labels_max
        ));
    }
    for (name, value) in labels {
        if name.len() > limits.name_bytes_max {
            return Err(format!("stream '{all}' has label name too long: '{name}'"));
        }
        if value.len() > limits.value_bytes_max {
            return Err(format!(
                "stream '{all}' has label value too long: '{value}'"
            ));
        }
    }
    Ok(())
}

/// What Prometheus takes for a label's name.
fn is_name(name: &str) -> bool {
    let is_start = |character: char| character.is_ascii_alphabetic() || character == '_';
    name.starts_with(is_start)
        && name
            .chars()
            .all(|character| is_start(character) || character.is_ascii_digit())
}

/// Why an entry is refused.
pub(super) fn check_entry(
    labels: &str,
    entry: &Entry,
    now: Timestamp,
    limits: &Limits,
) -> Option<String> {
    let ago = |duration| now - SignedDuration::try_from(duration).expect("it is a limit");
    let oldest = ago(limits.max_age);
    if entry.timestamp < oldest {
        return Some(format!(
            "entry for stream '{labels}' has timestamp too old: {}, oldest acceptable timestamp is: {}",
            rfc3339(entry.timestamp),
            rfc3339(oldest)
        ));
    }
    let newest = now + SignedDuration::try_from(limits.grace).expect("it is a limit");
    if entry.timestamp > newest {
        return Some(format!(
            "entry for stream '{labels}' has timestamp too new: {}",
            rfc3339(entry.timestamp)
        ));
    }
    let length = entry.line.len();
    if length > limits.line_bytes_max {
        return Some(format!(
            "Max entry size '{}' bytes exceeded for stream '{labels}' while adding an entry with length '{length}' bytes",
            limits.line_bytes_max
        ));
    }
    let pairs = entry.metadata.iter();
    let bytes: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits.metadata_bytes_max {
        return Some(format!(
            "stream '{labels}' has structured metadata too large: '{bytes}' bytes, limit: '{}' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it.",
            limits.metadata_bytes_max
        ));
    }
    let count = entry.metadata.len();
    (count > limits.metadata_pairs_max).then(|| {
        format!(
            "stream '{labels}' has too many structured metadata labels: '{count}', limit: '{}'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it.",
            limits.metadata_pairs_max
        )
    })
}
