//! The filter behind the double of the host, with events as Kubernetes writes them.

use weir_plugin::serde_json::json;
use weir_plugin::testing::{self, FilterUnderTest, event};

use super::*;

fn redact(config: Value) -> FilterUnderTest<Redact> {
    testing::filter(config).unwrap()
}

/// Runs an event with these members; afterwards it has those, and the counter says how much was masked.
fn check(config: Value, before: Value, after: Value, masked: u64) {
    let mut filter = redact(config);
    let run = filter.process(event(before));
    assert_eq!((run.verdict, run.event), (Ok(Verdict::Keep), event(after)));
    assert_eq!(
        filter.host.counters.get("masked").copied().unwrap_or(0),
        masked
    );
}

fn refused(config: Value, expected: &str) {
    let error = testing::filter::<Redact>(config).unwrap_err();
    assert_eq!(error.message(), expected);
}

#[test]
fn the_message_is_searched_by_default() {
    check(
        json!({"patterns": [r"password=\S+"]}),
        json!({"message": "Error: exec \"mysql --password=hunter2 -u root\": password=x failed"}),
        json!({"message": "Error: exec \"mysql --*** -u root\": *** failed"}),
        2,
    );
    check(
        json!({"patterns": ["(?i)bearer ([a-z0-9._-]+)"], "mask": "[masked]"}),
        json!({"message": "Readiness probe failed: Authorization: Bearer eyJhbGci.x-y\nHTTP 401"}),
        json!({"message": "Readiness probe failed: Authorization: Bearer [masked]\nHTTP 401"}),
        1,
    );
}

#[test]
fn an_event_without_secrets_is_left_as_it_is() {
    check(
        json!({"patterns": ["hunter2"], "pointers": ["/metadata/labels"]}),
        json!({}),
        json!({}),
        0,
    );
    let elsewhere = json!({"message": null, "reason": "hunter2", "metadata": {"annotations": {"a": "hunter2"}}});
    check(
        json!({"patterns": ["hunter2"]}),
        elsewhere.clone(),
        elsewhere,
        0,
    );
}

#[test]
fn every_string_below_a_field_is_searched() {
    let applied = r#"{"spec":{"env":[{"name":"DB_PASSWORD","value":"hunter2"}]}}"#;
    let hidden = r#"{"spec":{"env":[{"name":"DB_PASSWORD","value":"***"}]}}"#;
    let annotations = |applied: &str, note: &str| {
        json!({"metadata": {"annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": applied,
            "tilde~slash/": note,
            "list": [note, 7, null, true, ["deep", note]],
        }}})
    };
    check(
        json!({"patterns": [r#"PASSWORD","value":"([^"]*)"#, "note-[0-9]+"], "fields": ["/message", "/metadata/annotations"]}),
        annotations(applied, "a note-1"),
        annotations(hidden, "a ***"),
        4,
    );
}

#[test]
fn the_empty_pointer_searches_the_whole_event() {
    check(
        json!({"patterns": ["hunter2"], "fields": [""]}),
        json!({"message": "hunter2", "series": {"note": "hunter2"}, "involvedObject": {"name": "db-hunter2"}}),
        json!({"message": "***", "series": {"note": "***"}, "involvedObject": {"name": "db-***"}}),
        3,
    );
}

#[test]
fn values_at_pointers_are_masked_whole_where_there_are_any() {
    check(
        json!({"pointers": ["/metadata/annotations/token", "/source", "/count", "/none/at/all"]}),
        json!({"metadata": {"annotations": {"token": "t", "kept": "k"}}, "message": "t"}),
        json!({"metadata": {"annotations": {"token": "***", "kept": "k"}}, "message": "t", "source": "***", "count": "***"}),
        3,
    );
}

#[test]
fn a_mask_is_taken_literally() {
    let after = json!({"message": "a $0${1}\\\" b"});
    check(
        json!({"patterns": ["s(e)cret"], "mask": "$0"}),
        json!({"message": "secret"}),
        json!({"message": "s$0cret"}),
        1,
    );
    check(
        json!({"patterns": ["x+"], "mask": "$0${1}\\\""}),
        json!({"message": "a xxx b"}),
        after,
        1,
    );
    check(
        json!({"patterns": ["x+"], "mask": ""}),
        json!({"message": "a xxx b"}),
        json!({"message": "a  b"}),
        1,
    );
}

#[test]
fn an_event_that_cannot_be_searched_is_an_error() {
    let mut deep = json!("hunter2");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let run = redact(json!({"patterns": ["hunter2"], "fields": ["/deep"]}))
        .process(event(json!({"deep": deep})));
    let error = run.verdict.unwrap_err();
    assert!(
        error
            .message()
            .starts_with("/deep: recursion limit exceeded"),
        "{error:?}"
    );
}

#[test]
fn a_wrong_configuration_is_refused_with_its_field() {
    refused(
        json!({}),
        "nothing to mask: expected at least one of `patterns` or `pointers`",
    );
    refused(
        json!({"patterns": ["a"], "fields": []}),
        "fields: expected at least one, or no `patterns`",
    );
    refused(
        json!({"pointers": ["/a", ""]}),
        "pointers[1]: the whole event cannot be masked",
    );
    refused(
        json!({"patterns": ["a", "(b"]}),
        "patterns[1]: `(b` is not a regular expression: found open group without closing ')'",
    );
    refused(
        json!({"pointers": ["message"]}),
        "pointers[0]: `message` is not a JSON pointer, expected one as `/metadata/annotations`",
    );
    refused(
        json!({"patterns": ["a"], "fields": ["/a~b"]}),
        "fields[0]: `/a~b` is not a JSON pointer, expected one as `/metadata/annotations`",
    );
    refused(
        json!({"patterns": ["a", 7]}),
        "patterns[1]: invalid type: integer `7`, expected a string",
    );
    refused(
        json!({"pattern": "a"}),
        "pattern: unknown field `pattern`, expected one of `patterns`, `fields`, `pointers`, `mask`",
    );
}
