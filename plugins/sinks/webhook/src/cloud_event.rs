//! CloudEvents 1.0 over HTTP: an event's attributes in an envelope or in headers.

use weir_plugin::serde_json;
use weir_plugin::sink_http::quoted;
use weir_plugin::time::Time;
use weir_plugin::{BatchEvent, Result};

const SPECIFICATION: &str = "1.0";
const TYPE: &str = "io.weir.kubernetes.event";
/// Where no cluster has a name: a source must not be empty.
const NAMELESS: &str = "kubernetes";

struct Attributes {
    id: String,
    source: String,
    subject: String,
    time: String,
}

impl Attributes {
    fn of(event: &BatchEvent<'_>) -> Attributes {
        let cluster = event.text("/clusterName").unwrap_or_default();
        let source = match cluster.as_str() {
            "" => NAMELESS.to_owned(),
            name => percent_encoded(name, |byte| {
                byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
            }),
        };
        let (kind, name) = (event.object_kind(), event.object_name());
        let about = [event.namespace(), kind, name];
        let about: Vec<_> = about.into_iter().filter(|part| !part.is_empty()).collect();
        Attributes {
            id: event.id(),
            source,
            subject: about.join("/"),
            time: Time::new(event.timestamp()).iso(),
        }
    }
}

/// The envelope around a document.
///
/// # Errors
/// The document is not JSON.
pub(crate) fn structured(event: &BatchEvent<'_>, document: &str) -> Result<String> {
    serde_json::from_str::<serde::de::IgnoredAny>(document)
        .map_err(|error| format!("body: cloudEvents: structured wants JSON: {error}"))?;
    let Attributes {
        id,
        source,
        subject,
        time,
    } = Attributes::of(event);
    let mut envelope = String::from("{");
    for (name, value) in [
        ("specversion", SPECIFICATION),
        ("id", &id),
        ("source", &source),
        ("type", TYPE),
        ("subject", &subject),
        ("time", &time),
        ("datacontenttype", "application/json"),
    ] {
        if !value.is_empty() {
            envelope.push_str(&format!("\"{name}\":{},", quoted(value)));
        }
    }
    // The document as it is: its numbers and the order of its keys stay.
    Ok(format!("{envelope}\"data\":{document}}}"))
}

/// The headers beside a document.
pub(crate) fn headers(event: &BatchEvent<'_>) -> Vec<(String, String)> {
    let Attributes {
        id,
        source,
        subject,
        time,
    } = Attributes::of(event);
    let attributes = [
        ("ce-specversion", SPECIFICATION.to_owned()),
        ("ce-id", id),
        ("ce-source", source),
        ("ce-type", TYPE.to_owned()),
        ("ce-subject", subject),
        ("ce-time", time),
    ];
    let filled = attributes
        .into_iter()
        .filter(|(_, value)| !value.is_empty());
    filled
        .map(|(name, value)| (name.to_owned(), header_value(&value)))
        .collect()
}

/// As the specification has it: what is not printable ASCII, `"` and `%` are percent-encoded.
fn header_value(text: &str) -> String {
    percent_encoded(text, |byte| {
        byte.is_ascii_graphic() && !b"\"%".contains(&byte)
    })
}

fn percent_encoded(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if stays(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_values_are_ascii() {
        assert_eq!(header_value("a/b \"é\"%"), "a/b%20%22%C3%A9%22%25");
    }
}
