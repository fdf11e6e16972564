//! What is changed in a document before it is indexed, on its text: `@timestamp`, and dots in keys of labels.
//!
//! Elasticsearch reads `a.b` as `b` inside of an object `a`. So the labels `app` and `app.kubernetes.io/name`, both of which
//! every Helm chart sets, cannot be in one index: `app` is a text and an object. With `_` for each dot they can.
//! Only keys change, nothing is lost, and each label stays a field that can be searched.

use std::ops::Range;

use weir_plugin::time::Time;

use crate::json;

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
    const NAME: &str = "@timestamp";
    // It may stand deeper, or be a value.
    document.contains(NAME)
        && document.find('{').is_some_and(|open| {
            let mut members = keys(document, open + 1).into_iter();
            members.any(|key| &document[key] == NAME)
        })
}

/// The document with `_` for `.` in the keys of all labels and annotations, at any depth.
pub(crate) fn without_dots(document: String) -> String {
    let mut out = String::new();
    let mut copied = 0;
    for start in objects_with_free_keys(&document) {
        let (dotted, plain): (Vec<_>, Vec<_>) = keys(&document, start)
            .into_iter()
            .partition(|key| document[key.clone()].contains('.'));
        let mut taken: Vec<String> = plain
            .into_iter()
            .map(|key| document[key].to_owned())
            .collect();
        for key in dotted {
            let mut name = document[key.clone()].replace('.', "_");
            // A key that is there twice is refused.
            while taken.contains(&name) {
                name.push('_');
            }
            out.push_str(&document[copied..key.start]);
            out.push_str(&name);
            copied = key.end;
            taken.push(name);
        }
    }
    if copied == 0 {
        return document;
    }
    out.push_str(&document[copied..]);
    out
}

/// Where the objects behind those keys begin, in order, after their opening brace.
///
/// A quote without a backslash before it always delimits a string, so that a text which only looks like such a
/// key is never taken for one.
fn objects_with_free_keys(document: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, name)) = next_free_key(document, from) {
        let after = at + name.len();
        let value = document[after..].trim_start().strip_prefix(':');
        let object = value.and_then(|value| value.trim_start().strip_prefix('{'));
        from = after;
        if let Some(inside) = object.filter(|_| !document[..at].ends_with('\\')) {
            let start = document.len() - inside.len();
            found.push(start);
            // What is inside of it is left as it is.
            from = json::end_of_value(document.as_bytes(), start - 1);
        }
    }
    found
}

fn next_free_key(document: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = &document[from..];
    let found = FREE_KEYS
        .iter()
        .filter_map(|name| Some((rest.find(name)?, *name)));
    let (at, name) = found.min_by_key(|(at, _)| *at)?;
    Some((from + at, name))
}

/// The keys of an object whose first member begins at a place.
fn keys(document: &str, start: usize) -> Vec<Range<usize>> {
    json::children(document, start - 1)
        .map(|child| child.key)
        .collect()
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
