//! JSON as the API server writes it: Go's escapes, indentation for people's clients, gzip of long lists.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

/// Longer than this, a list is packed for who accepts it.
const GZIP_BYTES_MIN: usize = 128 * 1024;

/// On one line, with the newline that Go's encoder ends a value with.
pub(super) fn line(value: &Value) -> String {
    let mut text = escape(&value.to_string());
    text.push('\n');
    text
}

/// Indented by two, without an end of line: for curl and browsers.
pub(super) fn indented(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("a value has string keys");
    escape(&text)
}

/// Whether the server indents for this client (`pretty` of the query decides before that).
pub(super) fn wants_indented(user_agent: &str) -> bool {
    ["curl", "Wget", "Mozilla/5.0"]
        .iter()
        .any(|client| user_agent.starts_with(client))
}

/// Packed, where it is long enough.
pub(super) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() <= GZIP_BYTES_MIN {
        return None;
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(body).expect("memory takes it");
    Some(packed.finish().expect("memory takes it"))
}

/// Go escapes for HTML, and what is invalid as UTF-8 stands as an escape. Outside of strings none of it occurs.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 64);
    for character in text.chars() {
        match character {
            '<' => escaped.push_str("\\u003c"),
            '>' => escaped.push_str("\\u003e"),
            '&' => escaped.push_str("\\u0026"),
            '\u{2028}' => escaped.push_str("\\u2028"),
            '\u{2029}' => escaped.push_str("\\u2029"),
            '\u{fffd}' => escaped.push_str("\\ufffd"),
            other => escaped.push(other),
        }
    }
    escaped
}
