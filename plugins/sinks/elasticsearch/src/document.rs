//! What is changed in a document before it is indexed, on its text: `@timestamp`, and dots in keys of labels.
//!
//! Elasticsearch reads `a.b` as `b` inside of an object `a`. So the labels `app` and `app.kubernetes.io/name`, both of which
//! every Helm chart sets, cannot be in one index: `app` is a text and an object. With `_` for each dot they can.
//! Only keys change, nothing is lost, and each label stays a field that can be searched.

use std::collections::BTreeMap;

use weir_plugin::serde_json;
use weir_plugin::time::Time;

/// Objects whose keys are other people's words.
const FREE_KEYS: [&str; 4] = [
    "\"labels\"",
    "\"annotations\"",
    "\"namespaceLabels\"",
    "\"nodeLabels\"",
];

/// The document with `@timestamp`, unless it has one. What is no object is left to Elasticsearch to refuse.
pub(crate) fn with_timestamp(document: String, milliseconds: u64) -> String {
    let Some(inside) = document.trim_start().strip_prefix('{') else {
        return document;
    };
    if has_timestamp(&document) {
        return document;
    }
    let time = Time::new(milliseconds).iso();
    let comma = if inside.trim_start().starts_with('}') {
        ""
    } else {
        ","
    };
    format!("{{\"@timestamp\":\"{time}\"{comma}{inside}")
}

fn has_timestamp(document: &str) -> bool {
    if !document.contains("\"@timestamp\"") {
        return false;
    }
    // It may stand deeper, or be a value.
    let members: Result<BTreeMap<String, serde::de::IgnoredAny>, _> =
        serde_json::from_str(document);
    members.is_ok_and(|members| members.contains_key("@timestamp"))
}

/// The document with `_` for `.` in the keys of all labels and annotations, at any depth.
pub(crate) fn without_dots(document: String) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for (start, end) in objects_with_free_keys(&document) {
        let keys = keys(&document, start, end);
        let text = |(from, to): &(usize, usize)| &document[*from..*to];
        if !keys.iter().any(|key| text(key).contains('.')) {
            continue;
        }
        let mut taken: Vec<String> = keys
            .iter()
            .map(text)
            .filter(|key| !key.contains('.'))
            .map(str::to_owned)
            .collect();
        for key in keys.iter().filter(|key| text(key).contains('.')) {
            let mut name = text(key).replace('.', "_");
            // A key that is there twice is refused.
            while taken.contains(&name) {
                name.push('_');
            }
            out.push_str(&document[copied..key.0]);
            out.push_str(&name);
            copied = key.1;
            taken.push(name);
        }
    }
    if copied == 0 {
        return document;
    }
    out.push_str(&document[copied..]);
    out
}

/// Where the objects behind those keys begin and end, in order, both after their opening brace.
///
/// A quote without a backslash before it always delimits a string, so that a text which only looks like such a
/// key is never taken for one.
fn objects_with_free_keys(document: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for name in FREE_KEYS {
        for (at, _) in document.match_indices(name) {
            let after = at + name.len();
            let value = document[after..].trim_start().strip_prefix(':');
            let object = value.and_then(|value| value.trim_start().strip_prefix('{'));
            if let Some(inside) = object.filter(|_| !document[..at].ends_with('\\')) {
                let start = document.len() - inside.len();
                found.push((start, end_of_object(document, start)));
            }
        }
    }
    found.sort_unstable();
    // An object inside of another of them was changed with it.
    let mut end_before = 0;
    found.retain(|(start, end)| {
        let is_outer = *start >= end_before;
        end_before = end_before.max(*end);
        is_outer
    });
    found
}

/// The strings of an object that are keys, in order: from after the opening to before the closing quote.
fn keys(document: &str, start: usize, end: usize) -> Vec<(usize, usize)> {
    let bytes = document.as_bytes();
    let mut keys = Vec::new();
    let (mut at, mut depth) = (start, 0_u32);
    while at < end {
        match bytes[at] {
            b'"' => {
                let closing = end_of_string(bytes, at + 1);
                let rest = document.get(closing + 1..end).unwrap_or_default();
                if depth == 0 && rest.trim_start().starts_with(':') {
                    keys.push((at + 1, closing));
                }
                at = closing;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    keys
}

/// Where the brace that closes an object is.
fn end_of_object(document: &str, start: usize) -> usize {
    let bytes = document.as_bytes();
    let (mut at, mut depth) = (start, 0_u32);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' => depth += 1,
            b'}' if depth == 0 => return at,
            b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Where the quote that closes a string is.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_added_where_there_is_none() {
        for (before, after) in [
            (
                r#"{"a":1}"#,
                r#"{"@timestamp":"1970-01-01T00:00:00.007Z","a":1}"#,
            ),
            ("{}", r#"{"@timestamp":"1970-01-01T00:00:00.007Z"}"#),
            (r#"{"@timestamp":"x"}"#, r#"{"@timestamp":"x"}"#),
            (
                r#"{"a":{"@timestamp":1}}"#,
                r#"{"@timestamp":"1970-01-01T00:00:00.007Z","a":{"@timestamp":1}}"#,
            ),
            (
                r#"{"a":"\"@timestamp\"","b":"@timestamp"}"#,
                r#"{"@timestamp":"1970-01-01T00:00:00.007Z","a":"\"@timestamp\"","b":"@timestamp"}"#,
            ),
            ("[1]", "[1]"),
            ("\"text\"", "\"text\""),
        ] {
            assert_eq!(with_timestamp(before.to_owned(), 7), after);
        }
    }

    fn check(before: &str, after: &str) {
        assert_eq!(without_dots(before.to_owned()), after);
    }

    #[test]
    fn keys_of_labels_lose_their_dots_and_nothing_else_does() {
        check(
            r#"{"a.b":"c.d","metadata":{"labels":{"app":"x.y","app.kubernetes.io/name":"z.\"w"}},"k":"1.5"}"#,
            r#"{"a.b":"c.d","metadata":{"labels":{"app":"x.y","app_kubernetes_io/name":"z.\"w"}},"k":"1.5"}"#,
        );
        check(
            r#"{"annotations" : { "a.b" : "{\"c.d\":{}}" },"nodeLabels":{"x.y":{"in.side":["q.r"]}}}"#,
            r#"{"annotations" : { "a_b" : "{\"c.d\":{}}" },"nodeLabels":{"x_y":{"in.side":["q.r"]}}}"#,
        );
        check(r#"{"labels":{"a":"b.c"}}"#, r#"{"labels":{"a":"b.c"}}"#);
        check(
            r#"{"labels":{"labels":{"a.b":1},"c.d":2},"annotations":{"e.f":3}}"#,
            r#"{"labels":{"labels":{"a.b":1},"c_d":2},"annotations":{"e_f":3}}"#,
        );
    }

    #[test]
    fn no_key_is_there_twice() {
        check(
            r#"{"labels":{"a.b":1,"a_b":2,"a.b.":3,"a_b_":4}}"#,
            r#"{"labels":{"a_b__":1,"a_b":2,"a_b___":3,"a_b_":4}}"#,
        );
    }

    #[test]
    fn a_text_that_looks_like_labels_is_left() {
        for text in [
            r#"{"message":"\"labels\":{\"a.b\":1}"}"#,
            r#"{"x\"labels":{"a.b":1}}"#,
            r#"{"labels":"a.b"}"#,
            r#"{"labels":["a.b"]}"#,
            r#"{"labels":{"a.b"#,
            r#"{"labels":{"#,
            "",
        ] {
            check(text, text);
        }
    }
}
