//! How many events an input holds: counted by a JSON library, independently of weir's own reader.

use std::io::Read;

use serde_json::Value;

/// The bytes, unpacked where they are gzip.
pub fn unpack(bytes: Vec<u8>) -> Vec<u8> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return bytes;
    }
    let mut plain = Vec::new();
    flate2::read::MultiGzDecoder::new(&bytes[..])
        .read_to_end(&mut plain)
        .expect("it is gzip");
    plain
}

/// Events in NDJSON, watch lines, or pretty-printed values.
pub fn count_events(bytes: &[u8]) -> u64 {
    let whole: Result<Vec<Value>, _> = serde_json::Deserializer::from_slice(bytes)
        .into_iter()
        .collect();
    match whole {
        Ok(values) => values.iter().map(events_in).sum(),
        // Something in it is malformed; then it is one value a line.
        Err(_) => bytes
            .split(|byte| *byte == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .map(|value| events_in(&value))
            .sum(),
    }
}

fn events_in(value: &Value) -> u64 {
    if let Some(items) = value["items"].as_array() {
        return items.iter().map(|item| u64::from(is_event(item))).sum();
    }
    match (value["type"].as_str(), &value["object"]) {
        (Some("ADDED" | "MODIFIED"), object) if object.is_object() => u64::from(is_event(object)),
        (_, object) if object.is_object() => 0,
        _ => u64::from(is_event(value)),
    }
}

fn is_event(value: &Value) -> bool {
    let object = value["involvedObject"].is_object() || value["regarding"].is_object();
    object
        && value["metadata"].is_object()
        && [&Value::Null, &"Event".into()].contains(&&value["kind"])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_counted() {
        let event = r#"{"metadata":{},"involvedObject":{}}"#;
        let newer = r#"{"kind":"Event","metadata":{},"regarding":{}}"#;
        for (input, expected) in [
            (format!("{event}\n{newer}\n"), 2),
            (format!("{event}\n{{broken\n{event}"), 2),
            (format!(r#"{{"type":"MODIFIED","object":{event}}}"#), 1),
            (format!(r#"{{"type":"DELETED","object":{event}}}"#), 0),
            (r#"{"type":"ERROR","object":{"kind":"Status"}}"#.into(), 0),
            (
                format!("{{\n\"kind\":\"List\",\n\"items\":[\n{event},\n{event}]}}"),
                2,
            ),
            (
                r#"{"kind":"Pod","metadata":{},"involvedObject":{}}"#.into(),
                0,
            ),
        ] {
            assert_eq!(count_events(input.as_bytes()), expected, "{input}");
        }
    }
}
