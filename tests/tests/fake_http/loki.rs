//! The fake Loki: what it stores and what it refuses.

use jiff::Timestamp;
use serde_json::{Value, json};
use weir_tests::client::{Answer, Client};
use weir_tests::fake_http::loki::{Limits, Loki};
use weir_tests::fake_http::{FakeHttp, Options};

/// 2026-01-01T00:00:00Z, in seconds.
const NOW: i64 = 1_767_225_600;
const PUSH: &str = "/loki/api/v1/push";

fn start(mut loki: Loki) -> (FakeHttp<Loki>, Client) {
    loki.set_now(Timestamp::from_second(NOW).expect("it is a time"));
    let fake = FakeHttp::start(Options::default(), loki);
    let client = fake.client();
    (fake, client)
}

/// Nanoseconds as Loki wants them: so many seconds before now.
fn ago(seconds: i64) -> String {
    ((NOW - seconds) * 1_000_000_000).to_string()
}

fn push(client: &Client, streams: &Value) -> Answer {
    client
        .post(PUSH, &json!({"streams": streams}))
        .expect("it answers")
}

fn stream(app: &str, values: Value) -> Value {
    json!({"stream": {"app": app}, "values": values})
}

#[test]
fn entries_are_stored_by_stream_with_their_metadata() {
    let (fake, client) = start(Loki::new());
    let values = json!([[ago(2), "one"], [ago(1), "two", {"uid": "7"}], [ago(1), "two"]]);
    assert_eq!(push(&client, &json!([stream("a", values)])).code, 204);
    let streams = fake.look(|loki| loki.streams("fake"));
    let entries = &streams["{app=\"a\"}"].entries;
    assert_eq!(entries.len(), 2, "the same line at the same time is one");
    assert_eq!(entries[1].metadata["uid"], "7");
    assert_eq!(entries[1].pushed, 2);
    assert_eq!(fake.look(Loki::lines), ["one", "two"]);
    let labels = client.get("/loki/api/v1/labels").unwrap();
    assert_eq!(labels.json()["data"], json!(["app"]));
    assert_eq!(client.get("/ready").unwrap().code, 200);
    let about = client.get("/loki/api/v1/status/buildinfo").unwrap();
    assert!(about.json()["version"].is_string());
}

#[test]
fn what_is_too_far_behind_is_refused_and_the_rest_stored() {
    let (fake, client) = start(Loki::new());
    let values = json!([
        [ago(0), "new"],
        [ago(3600), "late"],
        [ago(3601), "too late"]
    ]);
    let answer = push(&client, &json!([stream("a", values)]));
    assert_eq!(answer.code, 400);
    let expected = "entry with timestamp 2025-12-31 22:59:59 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2025-12-31T22:59:59Z, oldest acceptable timestamp is: 2025-12-31T23:00:00Z',\nuser 'fake', total ignored: 1 out of 3 for stream: {app=\"a\"}\n";
    assert_eq!(answer.text(), expected);
    assert_eq!(fake.look(Loki::lines), ["new", "late"]);
    let other = json!([stream("b", json!([[ago(7200), "another stream"]]))]);
    assert_eq!(push(&client, &other).code, 204);
}

#[test]
fn the_last_stream_s_answer_hides_those_before_it() {
    let (fake, client) = start(Loki::new());
    let behind = json!([[ago(0), "new"], [ago(9000), "lost"]]);
    let good = json!([[ago(0), "good"]]);
    let streams = json!([stream("a", behind), stream("b", good)]);
    assert_eq!(push(&client, &streams).code, 204);
    assert_eq!(fake.look(Loki::lines), ["new", "good"]);
    assert_eq!(fake.look(Loki::refused), 1);
}

#[test]
fn what_is_too_old_or_too_new_is_refused_and_the_rest_stored() {
    let (fake, client) = start(Loki::new());
    let week = 7 * 24 * 3600;
    let values = json!([
        [ago(week + 1), "old"],
        [ago(-601), "future"],
        [ago(-600), "soon"]
    ]);
    let answer = push(&client, &json!([stream("a", values)]));
    assert_eq!(answer.code, 400);
    let expected = "1 errors like: entry for stream '{app=\"a\"}' has timestamp too old: 2025-12-24T23:59:59Z, oldest acceptable timestamp is: 2025-12-25T00:00:00Z; 1 errors like: entry for stream '{app=\"a\"}' has timestamp too new: 2026-01-01T00:10:01Z\n";
    assert_eq!(answer.text(), expected);
    assert_eq!(fake.look(Loki::lines), ["soon"]);
    let answer = push(&client, &json!([stream("a", json!([[ago(week), "just"]]))]));
    assert_eq!(answer.code, 400, "it is too far behind: {}", answer.text());
    assert_eq!(
        push(&client, &json!([stream("b", json!([[ago(week), "just"]]))])).code,
        204
    );
}

#[test]
fn labels_are_few_and_have_good_names() {
    let (fake, client) = start(Loki::new());
    let with = |labels: &Value| json!([{"stream": labels, "values": [[ago(0), "x"]]}]);
    let many = |count: usize| -> Value {
        let pairs = (0..count).map(|at| (format!("l{at}"), json!("v")));
        Value::Object(pairs.collect())
    };
    for (labels, why) in [
        (json!({}), "at least one label pair"),
        (json!({"a-b": "c"}), "Error parsing labels"),
        (json!({"1a": "c"}), "Error parsing labels"),
        (many(16), "has 16 label names; limit 15"),
        (json!({"a": "x".repeat(2049)}), "has label value too long"),
        (json!({"a".repeat(1025): "x"}), "has label name too long"),
    ] {
        let answer = push(&client, &with(&labels));
        assert_eq!(answer.code, 400);
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    let mut fifteen = many(15);
    fifteen["service_name"] = json!("not counted");
    assert_eq!(push(&client, &with(&fifteen)).code, 204);
    assert_eq!(fake.look(Loki::count), 1);
}

#[test]
fn a_body_that_is_no_push_is_refused() {
    let (fake, client) = start(Loki::new());
    let good = json!({"streams": [stream("a", json!([[ago(0), "x"]]))]}).to_string();
    let post = |content_type: &str, body: &str| {
        let headers = [("content-type", content_type)];
        client
            .request("POST", PUSH, &headers, body.to_owned())
            .unwrap()
            .code
    };
    assert_eq!(post("application/x-protobuf", &good), 415);
    assert_eq!(
        client
            .request("POST", PUSH, &[], good.clone())
            .unwrap()
            .code,
        400
    );
    assert_eq!(post("application/json", &good[1..]), 400);
    assert_eq!(post("application/json", "{\"streams\":[]}"), 422);
    for values in [
        json!([[1_767_225_600, "a number"]]),
        json!([["soon", "no number"]]),
        json!([[ago(0), 7]]),
        json!([[ago(0)]]),
        json!([[ago(0), "x", {"n": 1}]]),
        json!([[ago(0), "x", "y"]]),
    ] {
        let answer = push(&client, &json!([stream("a", values.clone())]));
        assert_eq!(answer.code, 400, "{values}");
    }
    assert_eq!(fake.look(Loki::count), 0);
    assert_eq!(post("application/json; charset=utf-8", &good), 204);
}

#[test]
fn lines_and_metadata_have_limits() {
    let limits = Limits {
        line_bytes_max: 3,
        metadata_pairs_max: 1,
        metadata_bytes_max: 4,
        ..Limits::default()
    };
    let (fake, client) = start(Loki::new().limits(limits));
    for (entry, why) in [
        (json!([ago(0), "long"]), "Max entry size '3' bytes exceeded"),
        (
            json!([ago(0), "x", {"a": "1", "b": "2"}]),
            "too many structured metadata labels: '2'",
        ),
        (
            json!([ago(0), "x", {"a": "1234"}]),
            "structured metadata too large: '5' bytes",
        ),
    ] {
        let answer = push(&client, &json!([stream("a", json!([entry]))]));
        assert_eq!(answer.code, 400);
        assert!(answer.text().contains(why), "{}", answer.text());
    }
    assert_eq!(fake.look(Loki::count), 0);
}

#[test]
fn tenants_are_kept_apart() {
    let (fake, client) = start(Loki::new().multi_tenant().user("weir", "secret"));
    let body = json!({"streams": [stream("a", json!([[ago(0), "x"]]))]}).to_string();
    let basic = "Basic d2VpcjpzZWNyZXQ=";
    let post = |headers: &[(&str, &str)]| {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        client.request("POST", PUSH, &all, body.clone()).unwrap()
    };
    assert_eq!(post(&[("x-scope-orgid", "one")]).code, 401);
    let answer = post(&[("authorization", basic)]);
    assert_eq!((answer.code, answer.text().as_str()), (401, "no org id\n"));
    for tenant in ["one", "two"] {
        let answer = post(&[("authorization", basic), ("x-scope-orgid", tenant)]);
        assert_eq!(answer.code, 204);
        assert_eq!(fake.look(|loki| loki.lines_of(tenant)), ["x"]);
    }
}

#[test]
fn a_push_over_the_rate_stores_nothing() {
    let (fake, client) = start(Loki::new());
    fake.change(|loki| loki.limit_rate(1));
    let streams = json!([stream("a", json!([[ago(0), "x"]]))]);
    let answer = push(&client, &streams);
    assert_eq!(answer.code, 429);
    assert!(
        answer
            .text()
            .starts_with("Ingestion rate limit exceeded for user fake")
    );
    assert_eq!(fake.look(Loki::count), 0);
    assert_eq!(push(&client, &streams).code, 204);
}
