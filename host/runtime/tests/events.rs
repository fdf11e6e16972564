//! The event at hand: every getter, pointers, changes and emitted events, as plugins see them.

mod common;

use common::*;
use weir_event::Fields;
use weir_runtime::{Decision, EMITTED_EVENTS_MAX};

const CORE: &str = r#"{"apiVersion":"v1","kind":"Event",
  "metadata":{"name":"web.1","namespace":"shop","uid":"u-1","resourceVersion":"7",
    "creationTimestamp":"2026-01-02T03:04:01Z","managedFields":[{"manager":"kubelet"}]},
  "involvedObject":{"kind":"Pod","namespace":"shop","name":"web-1"},
  "reason":"BackOff","message":"back-off \"x\" größe","source":{"component":"kubelet","host":"node-a"},
  "firstTimestamp":"2026-01-02T03:04:02Z","lastTimestamp":"2026-01-02T03:04:05Z","count":12,"type":"Warning",
  "eventTime":null,"reportingComponent":"","reportingInstance":""}"#;

const SERIES: &str = r#"{"apiVersion":"events.k8s.io/v1","kind":"Event",
  "metadata":{"name":"web.2","namespace":"shop","uid":"u-2","resourceVersion":"9",
    "creationTimestamp":"2026-01-02T03:04:01Z"},
  "eventTime":"2026-01-02T03:04:01.250000Z","series":{"count":5,"lastObservedTime":"2026-01-02T03:04:06.500000Z"},
  "reportingController":"job-controller","reportingInstance":"job-controller-0","action":"Create",
  "reason":"Created","regarding":{"kind":"Job","name":"nightly"},"note":"made it","type":"Normal"}"#;

#[test]
fn every_getter_of_a_core_event() {
    let mut filter = filter("getters");
    assert_eq!(
        answered(filter.process(document(CORE).event())),
        "u-1/7|Warning|BackOff|back-off \"x\" größe|shop|Pod|web-1|kubelet|node-a|12|1767323045000|"
    );
}

#[test]
fn every_getter_of_a_series() {
    let mut filter = filter("getters");
    assert_eq!(
        answered(filter.process(document(SERIES).event())),
        "u-2/9|Normal|Created|made it|shop|Job|nightly|job-controller|job-controller-0|5|1767323046500|"
    );
}

#[test]
fn what_an_event_lacks_reads_as_nothing() {
    let mut filter = filter("getters");
    let bare = document(
        r#"{"kind":"Event","metadata":{"uid":"u","resourceVersion":"1"},"involvedObject":{}}"#,
    );
    assert_eq!(answered(filter.process(bare.event())), "u/1|||||||||1|0|");
}

/// What the plugin reads at the pointer.
fn check_read(plugin: &str, json: &str, pointer: &str, expected: &str) {
    let mut filter = filter_with(plugin, &format!("\"{pointer}\""));
    let event = document(json);
    assert_eq!(
        dropped(filter.process(event.event())),
        expected,
        "{plugin} {pointer}"
    );
}

#[test]
fn text_is_a_string_without_quotes_or_none() {
    check_read("text", CORE, "/message", "back-off \"x\" größe");
    check_read("text", CORE, "/metadata/name", "web.1");
    check_read("text", SERIES, "/message", "made it"); // the core/v1 form, whichever came
    check_read("text", SERIES, "/involvedObject/kind", "Job");
    for none in [
        "/count",
        "/metadata",
        "/nothing",
        "/metadata/name/x",
        "",
        "message",
        "/~2",
    ] {
        check_read("text", CORE, none, "(none)");
    }
}

#[test]
fn json_is_the_text_of_a_value_or_none() {
    check_read("json", CORE, "/count", "12");
    check_read("json", CORE, "/message", r#""back-off \"x\" größe""#);
    check_read(
        "json",
        CORE,
        "/source",
        r#"{"component":"kubelet","host":"node-a"}"#,
    );
    check_read(
        "json",
        SERIES,
        "/series",
        r#"{"count":5,"lastObservedTime":"2026-01-02T03:04:06.500000Z"}"#,
    );
    check_read("json", CORE, "/metadata/managedFields", "(none)"); // taken out
    check_read("json", CORE, "/nothing", "(none)");
    let bare = r#"{"metadata":{},"involvedObject":{}}"#;
    check_read(
        "json",
        bare,
        "",
        r#"{"metadata":{},"involvedObject":{"deleted":false},"clusterName":""}"#,
    );
}

#[test]
fn reads_see_the_changes_of_the_same_call() {
    let mut filter = filter("reread");
    assert_eq!(dropped(filter.process(event("A").event())), "Changed");
    assert_eq!(dropped(filter.process(event("A").event())), "Changed");
}

#[test]
fn a_change_is_the_document_and_its_fields() {
    let mut filter = filter_with("set", r#"/metadata/labels/team={"a":  1}"#);
    let processed = filter.process(event("A").event()).expect("it keeps");
    let Decision::Change(document, fields) = processed.decision else {
        panic!("expected a change, found {:?}", processed.decision)
    };
    assert_eq!(
        document,
        r#"{"metadata":{"name":"web.1","namespace":"shop","uid":"u-1","resourceVersion":"7","labels":{"team":{"a":1}}},"involvedObject":{"kind":"Pod","name":"web-1","deleted":false},"reason":"A","message":"m","type":"Normal","count":3,"clusterName":""}"#
    );
    assert_eq!(Fields::scan(&document).expect("an event"), fields);
}

#[test]
fn identity_can_be_edited_and_removed() {
    let mut setter = filter_with("set", r#"/metadata/uid="other""#);
    assert!(changed(setter.process(event("A").event())).contains(r#""uid":"other""#));
    let mut remover = filter_with("remove", "\"/metadata/uid\"");
    assert!(!changed(remover.process(event("A").event())).contains("u-1"));
    // Without its metadata it would be no event: it is emptied.
    let mut remover = filter_with("remove", "\"/metadata\"");
    assert!(changed(remover.process(event("A").event())).contains(r#""metadata":{}"#));
}

#[test]
fn removing_nothing_is_no_change() {
    for pointer in ["/nothing", "/metadata/labels/x", "", "no pointer", "/~9"] {
        let mut filter = filter_with("remove", &format!("\"{pointer}\""));
        let processed = filter.process(event("A").event()).expect("it keeps");
        assert!(
            matches!(processed.decision, Decision::Keep),
            "{pointer}: {processed:?}"
        );
    }
}

/// The refusal's text; the event is as it was.
fn check_refused(config: &str, expected: &str) {
    let mut filter = filter_with("set", config);
    let refusal = dropped(filter.process(event("A").event()));
    assert!(refusal.contains(expected), "{config}: {refusal}");
}

#[test]
fn bad_changes_are_refused_with_a_reason() {
    check_refused("/reason=", "invalid JSON");
    check_refused("/reason={\"a\":}", "invalid JSON");
    check_refused("/reason=1 2", "invalid JSON");
    check_refused("reason=1", "no JSON pointer: 'reason'");
    check_refused("/~7=1", "no JSON pointer");
    check_refused("/reason/x=1", "on the way is a string");
    check_refused("/metadata=1", "an object, without which it is no event");
    check_refused("={}", "metadata to be an object");
    check_refused("/message/-=1", "on the way is a string");
    check_refused("/new/-=1", "no array to append to");
}

#[test]
fn a_pointer_of_any_length_is_refused_before_it_is_taken_apart() {
    let mut filter = filter("pointer-long");
    assert_eq!(
        dropped(filter.process(event("A").event())),
        "set: a pointer of 30000000 bytes; expected at most 16384"
    );
}

#[test]
fn emitted_events_have_ids_of_the_event_at_hand() {
    let config = r#"{"metadata":{"uid":"mine","name":"x"},"involvedObject":{"kind":"Pod"},"reason":"Split"}"#;
    let mut filter = filter_with("emit", config);
    let processed = filter.process(event("A").event()).expect("it drops");
    assert!(matches!(&processed.decision, Decision::Drop(reason) if reason == "split"));
    let ids: Vec<String> = processed
        .emitted
        .iter()
        .map(|json| document(json).event().id())
        .collect();
    assert_eq!(ids, ["u-1/7#test.1", "u-1/7#test.2"]);
    assert!(
        processed.emitted[0].contains(r#""reason":"Split""#),
        "{}",
        processed.emitted[0]
    );
}

#[test]
fn what_was_emitted_keeps_the_id_of_the_event_as_it_came() {
    let mut filter = filter("change-and-emit");
    let processed = filter.process(event("A").event()).expect("it keeps");
    let ids: Vec<String> = processed
        .emitted
        .iter()
        .map(|json| document(json).event().id())
        .collect();
    assert_eq!(ids, ["u-1/7#test.1"]);
    assert!(changed(Ok(processed)).contains(r#""uid":"new""#));
}

#[test]
fn what_is_no_event_is_not_emitted() {
    for (config, expected) in [
        ("{}", "emit: expected an event with an object metadata"),
        ("[1,2]", "emit: expected an Event, found an array"),
        (
            "{\"kind\":\"Pod\"}",
            "emit: expected an Event, found kind Pod",
        ),
        ("{\"metadata\"", "emit: invalid JSON"),
        (
            r#"{"kind":"List","items":[{"kind":"Event","metadata":{},"involvedObject":{}},1]}"#,
            "emit: expected one event, found 2",
        ),
        (
            r#"{"kind":"List","items":[]}"#,
            "emit: expected one event, found 0",
        ),
    ] {
        let mut filter = filter_with("emit", config);
        let processed = filter.process(event("A").event()).expect("it drops");
        assert!(processed.emitted.is_empty(), "{config}");
        let Decision::Drop(refusal) = processed.decision else {
            panic!("{config}: it drops")
        };
        assert!(refusal.starts_with(expected), "{config}: {refusal}");
    }
}

#[test]
fn emits_of_one_call_are_bounded() {
    let mut filter = filter("emit-flood");
    for calls in 1..=2 {
        let processed = filter.process(event("A").event()).expect("it keeps");
        assert_eq!(processed.emitted.len(), EMITTED_EVENTS_MAX);
        assert_eq!(filter.of().standing.counters()["refused"], calls * 100);
    }
}

#[test]
fn there_is_no_event_in_setup() {
    let started = filter_of("event-in-setup", a_use("event-in-setup", LIMITS));
    assert_eq!(
        answered(started.map(|_| "it started")),
        "there is no event at hand: change it in process"
    );
}

#[test]
fn a_good_filter_drops_what_it_should() {
    let mut filter = filter("drop-pulled");
    assert_eq!(dropped(filter.process(event("Pulled").event())), "Pulled");
    for kept in ["Pulling", "Pull", "", "pulled", "Killed"] {
        let processed = filter.process(event(kept).event()).expect("it keeps");
        assert!(matches!(processed.decision, Decision::Keep), "{kept}");
    }
}
