//! Watches: where they begin, what they say, how they end.

use serde_json::json;
use weir_tests::fake_api::{EventSpec, Options};

use crate::client::{End, plain, plain_with};

const EXPIRED: &str = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"The resourceVersion for the provided watch is too old.","reason":"Expired","code":410}}"#;

fn named(name: &str) -> serde_json::Value {
    json!({"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": "p"}})
}

#[test]
fn a_watch_says_what_happens_behind_its_revision() {
    let (api, client) = plain();
    api.create_event(named("a"));
    let from = api.revision();
    api.create_event(named("b"));
    let mut watch = client.watch(&format!("resourceVersion={from}"));
    assert!(watch.head.contains("transfer-encoding: chunked"));
    assert_eq!(watch.brief(), format!("ADDED b {}", from + 1));
    api.update_event("default", "a");
    let line = watch.line();
    assert_eq!(
        (&line["type"], &line["object"]["count"]),
        (&json!("MODIFIED"), &json!(2))
    );
    assert_eq!(
        line["object"]["metadata"]["resourceVersion"],
        (from + 2).to_string()
    );
    assert_eq!(line["object"]["kind"], "Event");
    // One revision for all that expire together, and it is a newer one.
    assert_eq!(api.expire_events(|_| true), 2);
    assert_eq!(watch.brief(), format!("DELETED a {}", from + 3));
    assert_eq!(watch.brief(), format!("DELETED b {}", from + 3));
    api.end_all_watches();
    assert_eq!(watch.end(), End::Clean);
    // The revision of a deletion can be gone on from.
    let mut watch = client.watch(&format!("resourceVersion={}", from + 3));
    api.create_event(named("c"));
    assert_eq!(watch.brief(), format!("ADDED c {}", from + 4));
    assert_eq!(api.watch_count(), 1);
    drop(watch);
    api.wait_until("the watch is closed", |view| view.watches() == 0);
}

#[test]
fn lines_are_as_recorded() {
    let (api, client) = plain();
    let file = weir_tests::program::tests("data/watch-core-v1.ndjson.gz");
    let bytes = std::fs::read(file).expect("the recording is there");
    let recorded = String::from_utf8(weir_tests::input::unpack(bytes)).expect("it is text");
    let mut watch = client.watch("resourceVersion=1");
    let mut compared = 0;
    for line in recorded.lines() {
        let wanted: serde_json::Value = serde_json::from_str(line).expect("it is JSON");
        let metadata = wanted["object"]["metadata"].clone();
        // What was there before the recording began comes as another type.
        let path = (metadata["namespace"].as_str(), metadata["name"].as_str());
        let (Some(namespace), Some(name)) = path else {
            continue;
        };
        let there = api.object("Event", namespace, name).is_some();
        if there == (wanted["type"] == "ADDED") || !api.seed_line(line) {
            continue;
        }
        let revision = format!("\"resourceVersion\":{}", metadata["resourceVersion"]);
        let given = watch.text().expect("a line comes");
        let given_revision = format!("\"resourceVersion\":\"{}\"", api.revision());
        assert_eq!(given.replacen(&given_revision, &revision, 1), line);
        compared += 1;
    }
    assert!(compared > 300, "{compared} lines were compared");
}

#[test]
fn an_expired_revision_is_an_error_line() {
    let (api, client) = plain();
    api.advance(300);
    let revision = api.compact();
    let mut watch = client.watch("resourceVersion=208");
    assert_eq!(watch.code, 200);
    assert_eq!(watch.text().as_deref(), Ok(EXPIRED));
    assert_eq!(watch.end(), End::Clean);
    let mut newer = client.send(
        "GET",
        "/apis/events.k8s.io/v1/events?watch=1&resourceVersion=208",
        &[],
        "",
    );
    assert_eq!(newer.text().as_deref(), Ok(EXPIRED));
    // The last revision before the compacted one needs nothing that is gone.
    let mut watch = client.watch(&format!("resourceVersion={}", revision - 1));
    api.create_event(named("a"));
    assert_eq!(watch.brief(), format!("ADDED a {}", revision + 1));
    // A watch that is open outlives compaction.
    api.create_event(named("b"));
    api.compact();
    assert_eq!(watch.brief(), format!("ADDED b {}", revision + 2));
}

#[test]
fn an_expired_revision_can_be_a_status() {
    let (api, client) = plain_with(Options {
        expired_watch_is_status: true,
        ..Options::default()
    });
    api.advance(300);
    api.compact();
    let watch = client.watch("resourceVersion=208");
    assert_eq!(watch.code, 410);
}

#[test]
fn a_future_revision_is_silence_and_no_number_an_error() {
    let (api, client) = plain();
    let mut watch = client.watch(&format!(
        "resourceVersion={}&timeoutSeconds=1",
        api.revision() + 100
    ));
    api.create_event(named("a"));
    assert_eq!(watch.code, 200);
    assert_eq!(watch.end(), End::Clean, "the timeout came before any line");
    let initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=99999";
    let mut refused = client.watch(initial);
    assert_eq!(
        (refused.code, &refused.line()["object"]["code"]),
        (200, &json!(504))
    );
    assert_eq!(refused.end(), End::Clean);
    let refused = client.get("/api/v1/events?watch=true&resourceVersion=abc");
    let recorded = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
  "code": 500
}"#;
    assert_eq!((refused.code, refused.text()), (500, recorded));
    assert_eq!(refused.header("content-length"), Some("208"));
}

#[test]
fn initial_events_come_by_name_and_end_with_a_bookmark() {
    let (api, client) = plain();
    for name in ["b", "a"] {
        api.create_event(named(name));
    }
    api.advance(6);
    let revision = api.revision();
    let core = format!(
        r#"{{"type":"BOOKMARK","object":{{"kind":"Event","apiVersion":"v1","metadata":{{"resourceVersion":"{revision}","annotations":{{"k8s.io/initial-events-end":"true"}}}},"involvedObject":{{}},"source":{{}},"firstTimestamp":null,"lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""}}}}"#
    );
    let newer = format!(
        r#"{{"type":"BOOKMARK","object":{{"kind":"Event","apiVersion":"events.k8s.io/v1","metadata":{{"resourceVersion":"{revision}","annotations":{{"k8s.io/initial-events-end":"true"}}}},"eventTime":null,"regarding":{{}},"deprecatedSource":{{}},"deprecatedFirstTimestamp":null,"deprecatedLastTimestamp":null}}}}"#
    );
    let streaming = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
    for (path, parameters, bookmark) in [
        ("/api/v1/events", streaming, &core),
        ("/apis/events.k8s.io/v1/events", streaming, &newer),
        ("/api/v1/events", "resourceVersion=0", &core),
        ("/api/v1/events", "", &core),
    ] {
        let path = format!("{path}?watch=true&allowWatchBookmarks=true&{parameters}");
        let mut watch = client.send("GET", &path, &[], "");
        assert!(watch.brief().starts_with("ADDED a"));
        assert!(watch.brief().starts_with("ADDED b"));
        assert_eq!(watch.text().as_ref(), Ok(bookmark));
    }
    let mut later = client.watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
    api.create_event(named("c"));
    assert_eq!(later.brief(), format!("ADDED c {}", revision + 1));
}

#[test]
fn a_selected_watch_says_what_comes_into_the_selection_and_leaves_it() {
    let (api, client) = plain();
    api.create_event(EventSpec::about("web").reason("Pulled"));
    let event = api.create_event(EventSpec::about("db").reason("Pulling"));
    let name = event["metadata"]["name"]
        .as_str()
        .expect("it has one")
        .to_owned();
    let revision = api.revision();
    let mut watch = client.watch(&format!(
        "resourceVersion={revision}&fieldSelector=reason=Pulled"
    ));
    api.change_event("default", &name, |event| event["reason"] = "Pulled".into());
    assert_eq!(watch.brief(), format!("ADDED {name} {}", revision + 1));
    api.change_event("default", &name, |event| event["reason"] = "Killing".into());
    let line = watch.line();
    assert_eq!(
        (&line["type"], &line["object"]["reason"]),
        (&json!("DELETED"), &json!("Pulled"))
    );
    let path =
        format!("/api/v1/namespaces/kube-system/events?watch=true&resourceVersion={revision}");
    let mut namespaced = client.send("GET", &path, &[], "");
    api.create_event(EventSpec::about("web"));
    let mine = api.create_event(EventSpec::about("dns").namespace("kube-system"));
    assert_eq!(
        namespaced.line()["object"]["metadata"]["name"],
        mine["metadata"]["name"]
    );
}

#[test]
fn a_watch_cache_sends_bookmarks_and_has_its_own_words() {
    let (api, client) = plain_with(Options {
        watch_cache: Some(1000),
        ..Options::default()
    });
    api.advance(180_494);
    let revision = api.compact();
    let mut old = client.watch("resourceVersion=208");
    let recorded = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old resource version: 208 (180497)","reason":"Expired","code":410}}"#;
    assert_eq!(
        old.text().as_deref(),
        Ok(recorded.replace("180497", &revision.to_string()).as_str())
    );
    let from = format!("resourceVersion={revision}");
    let mut told = client.watch(&format!("{from}&allowWatchBookmarks=true"));
    let mut untold = client.watch(&from);
    api.advance(2);
    api.bookmark();
    api.create_event(named("a"));
    let bookmark = r#"{"type":"BOOKMARK","object":{"kind":"Event","apiVersion":"v1","metadata":{"resourceVersion":"N"},"involvedObject":{},"source":{},"firstTimestamp":null,"lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""}}"#;
    let bookmark = bookmark.replace('N', &(revision + 2).to_string());
    assert_eq!(told.text().as_deref(), Ok(bookmark.as_str()));
    assert_eq!(told.brief(), format!("ADDED a {}", revision + 3));
    assert_eq!(untold.brief(), format!("ADDED a {}", revision + 3));
}

#[test]
fn a_slow_reader_is_cut_off_by_a_watch_cache_only() {
    for (watch_cache, cut) in [(None, false), (Some(20), true)] {
        let (api, client) = plain_with(Options {
            watch_cache,
            ..Options::default()
        });
        let mut watch = client.watch(&format!("resourceVersion={}", api.revision()));
        // More than the sockets' buffers hold, while nobody reads.
        for _ in 0..150 {
            api.create_event(EventSpec::about("web").message(&"x".repeat(100_000)));
        }
        let mut lines = 0;
        if cut {
            while watch.text().is_ok() {
                lines += 1;
            }
            assert!(lines < 150, "it was cut off");
        } else {
            while lines < 150 {
                watch.line();
                lines += 1;
            }
        }
    }
}
