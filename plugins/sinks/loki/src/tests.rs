//! The sink behind the double of the host, with the answers that Loki gives.

use weir_plugin::Outcome;
use weir_plugin::http::Response;
use weir_plugin::serde_json::{Value, json};
use weir_plugin::testing::{self, Delivered, SinkUnderTest, event};

use super::*;

mod probe;
mod refusals;

const URL: &str = "http://loki:3100/loki/api/v1/push";
/// The time of the sample event, which is the double's present one.
const NOW_NS: u64 = 1_795_445_131_000_000_000;
const STREAM: &str = r#"{job="weir", namespace="shop", service_name="weir", type="Warning"}"#;

fn loki(mut config: Value) -> SinkUnderTest<Loki> {
    let members = config.as_object_mut().unwrap();
    members.entry("url").or_insert_with(|| URL.into());
    testing::sink(config).unwrap()
}

fn refused(config: Value, expected: &str) {
    let error = testing::sink::<Loki>(config).unwrap_err();
    assert_eq!(error.message(), expected);
}

/// Seen this many seconds before the present.
fn aged(seconds: u64, changes: Value) -> Value {
    let mut aged = event(changes);
    aged["lastTimestamp"] = time::show(NOW_NS - seconds * 1_000_000_000).into();
    aged
}

/// The body of the request with this number.
fn body(sink: &SinkUnderTest<Loki>, index: usize) -> Value {
    weir_plugin::serde_json::from_slice(&sink.host.requests[index].body).unwrap()
}

/// Stream by stream, the time of each entry as it is before now, in seconds, and whether it has its own time beside.
fn times(sink: &SinkUnderTest<Loki>, index: usize) -> Vec<Vec<(f64, bool)>> {
    let body = body(sink, index);
    let entry = |entry: &Value| {
        let ns: u64 = entry[0].as_str().unwrap().parse().unwrap();
        let behind = NOW_NS as f64 - ns as f64;
        (behind / 1e9, entry[2]["event_time"].is_string())
    };
    let streams = body["streams"].as_array().unwrap().iter();
    streams
        .map(|stream| {
            stream["values"]
                .as_array()
                .unwrap()
                .iter()
                .map(entry)
                .collect()
        })
        .collect()
}

/// All was accepted, or marked as said.
fn check(run: &Delivered, rejected: &[usize], retried: &[usize]) {
    assert_eq!(run.outcome, Ok(Outcome::Done));
    let marked =
        [&run.rejected, &run.retried].map(|marks| marks.keys().copied().collect::<Vec<_>>());
    assert_eq!(marked, [rejected, retried], "{run:?}");
}

fn header<'a>(sink: &'a SinkUnderTest<Loki>, index: usize, name: &str) -> Option<&'a str> {
    let mut headers = sink.host.requests[index].headers.iter();
    headers
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

#[test]
fn an_event_is_one_entry() {
    let mut sink = loki(json!({}));
    sink.host.respond(204, "");
    let sample = event(json!({"clusterName": "prod", "eventTime": null}));
    check(&sink.deliver([sample.clone()]), &[], &[]);
    let line = sample.to_string();
    assert_eq!(
        body(&sink, 0),
        json!({"streams": [{
            "stream": {"cluster": "prod", "job": "weir", "namespace": "shop", "type": "Warning"},
            "values": [["1795445131000000000", line, {
                "component": "kubelet", "count": "1", "kind": "Pod", "level": "warn", "name": "web-5d4f8c7b9-x2x7q",
                "node": "node-1", "reason": "BackOff", "uid": "5f7f1c34-c83b-490d-b0c8-8f7e2ec8e612",
                "event_id": "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/273",
            }]],
        }]})
    );
    let request = &sink.host.requests[0];
    assert_eq!(
        (request.method.as_str(), request.url.as_str()),
        ("POST", URL)
    );
    assert_eq!(header(&sink, 0, "content-type"), Some("application/json"));
}

#[test]
fn the_line_is_what_the_layout_makes_and_any_text_passes() {
    let mut sink = loki(json!({"structuredMetadata": false, "labels": []}));
    sink.host.layout = Some(|event| event["message"].as_str().unwrap().to_owned());
    sink.host.respond(204, "");
    sink.deliver([event(json!({"message": "«a»\n\"b\"\u{1b}\\ 🔑"}))]);
    assert_eq!(
        body(&sink, 0),
        json!({"streams": [{"stream": {"job": "weir"}, "values": [["1795445131000000000", "«a»\n\"b\"\u{1b}\\ 🔑"]]}]})
    );
}

#[test]
fn streams_hold_their_entries_in_order_of_time() {
    let mut sink = loki(json!({}));
    sink.host.respond(204, "");
    let micro = |time: &str| event(json!({"eventTime": time, "lastTimestamp": null}));
    sink.deliver([
        aged(5, json!({})),
        aged(20, json!({"type": "Normal"})),
        micro("2026-11-23T14:45:30.000900Z"),
        micro("2026-11-23T14:45:30.000100Z"),
        aged(9, json!({})),
    ]);
    assert_eq!(sink.host.requests.len(), 1);
    let expected = [vec![20.0], vec![9.0, 5.0, 0.9999, 0.9991]];
    let found = times(&sink, 0);
    for (found, expected) in found.iter().zip(&expected) {
        for ((found, _), expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn labels_come_from_the_event_and_the_configuration() {
    let mut sink = loki(json!({
        "labels": ["kind", "namespace"],
        "streamLabels": {"job": "", "team.io/name": "{{ .InvolvedObject.Name }}", "namespace": "one", "none": "{{ .Action }}"},
    }));
    sink.host.respond(204, "");
    sink.deliver([event(
        json!({"involvedObject": {"name": format!("{}é", "n".repeat(2047))}}),
    )]);
    let labels = &body(&sink, 0)["streams"][0]["stream"];
    assert_eq!(
        *labels,
        json!({"kind": "Pod", "namespace": "one", "team_io_name": "n".repeat(2047)})
    );
    let mut sink = loki(json!({"labels": [], "streamLabels": {"job": ""}}));
    sink.host.respond(204, "");
    sink.deliver([event(json!({}))]);
    assert_eq!(
        body(&sink, 0)["streams"][0]["stream"],
        json!({"job": "weir"})
    );
}

#[test]
fn streams_without_end_are_blurred() {
    let mut sink =
        loki(json!({"maxStreams": 2, "streamLabels": {"pod": "{{ .InvolvedObject.Name }}"}}));
    let pods = |names: &[&str]| -> Vec<Value> {
        names
            .iter()
            .map(|name| event(json!({"involvedObject": {"name": name}})))
            .collect()
    };
    sink.host.respond(204, "");
    sink.deliver(pods(&["a", "b", "c", "a", "d"]));
    let streams = body(&sink, 0)["streams"].clone();
    let labels: Vec<_> = streams
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| &stream["stream"])
        .collect();
    let of = |namespace: &str, pod: &str| json!({"job": "weir", "type": "Warning", "namespace": namespace, "pod": pod});
    assert_eq!(
        labels,
        [
            &of("__other__", "__other__"),
            &of("shop", "a"),
            &of("shop", "b")
        ]
    );
    let beside = &streams[0]["values"][1][2];
    assert_eq!(
        (&beside["pod"], &beside["namespace"]),
        (&json!("d"), &json!("shop"))
    );
    assert_eq!(sink.host.logs.len(), 1, "{:?}", sink.host.logs);
    assert_eq!(sink.host.counters["blurred_streams"], 2);

    sink.host.now_ms += 3_600_000;
    sink.host.respond(204, "");
    sink.deliver(pods(&["c"]));
    assert_eq!(
        body(&sink, 1)["streams"][0]["stream"],
        of("shop", "c"),
        "an hour later there is room"
    );
}

#[test]
fn each_tenant_has_its_own_request_and_its_own_fate() {
    let mut sink = loki(json!({"tenant": "{{ .Namespace }}", "headers": {"X-From": "weir"}}));
    sink.host
        .respond(429, "ingestion rate limit exceeded for user a");
    sink.host.respond(204, "");
    let of = |namespace: &str| event(json!({"metadata": {"namespace": namespace}}));
    let run = sink.deliver([of("b"), of("a"), of("b")]);
    check(&run, &[], &[1]);
    assert!(run.retried[&1].contains("ingestion_rate_mb"), "{run:?}");
    assert_eq!(
        [0, 1].map(|index| header(&sink, index, "x-scope-orgid")),
        [Some("a"), Some("b")]
    );
    assert_eq!(header(&sink, 1, "x-from"), Some("weir"));

    let mut sink = loki(json!({"headers": {"X-Scope-OrgID": "{{ .Namespace }}"}}));
    sink.host.respond(204, "");
    sink.host.respond(204, "");
    check(&sink.deliver([of("b"), of("a")]), &[], &[]);
    assert_eq!(header(&sink, 0, "x-scope-orgid"), Some("a"));
}

#[test]
fn credentials_go_in_the_header() {
    for (config, expected) in [
        (json!({"bearerToken": "t"}), "Bearer t"),
        (json!({"username": "u", "password": "p"}), "<basic u:p>"),
        (json!({"url": "http://u:p@loki:3100"}), "<basic u:p>"),
    ] {
        let mut sink = loki(config);
        sink.host.respond(204, "");
        sink.deliver([event(json!({}))]);
        assert_eq!(header(&sink, 0, "authorization"), Some(expected));
        assert_eq!(sink.host.requests[0].url, URL);
    }
}

#[test]
fn a_wrong_configuration_is_refused_with_its_field() {
    refused(json!({}), "missing field `url`");
    refused(
        json!({"url": "loki:3100"}),
        "url: expected an address that begins with http:// or https://",
    );
    refused(
        json!({"url": URL, "maxStreams": 0}),
        "maxStreams: 0, expected 1 to 200000",
    );
    refused(
        json!({"url": URL, "tenant": "a", "headers": {"x-scope-orgid": "b"}}),
        "tenant: the header X-Scope-OrgID in `headers` says it already",
    );
    refused(
        json!({"url": URL, "password": "p"}),
        "password: expected `username` as well",
    );
    refused(
        json!({"url": URL, "username": "u", "bearerToken": "t"}),
        "credentials: expected one of `username` and `password`, `bearerToken`, or those in `url`",
    );
    refused(
        json!({"url": URL, "streamLabels": {"__x": "1"}}),
        "streamLabels.__x: Loki keeps names that begin with `__` for itself",
    );
    refused(
        json!({"url": URL, "streamLabels": {"a-b": "1", "a.b": "2"}}),
        "streamLabels.a.b: another label becomes `a_b` as well",
    );
    let many: std::collections::BTreeMap<String, &str> =
        (0..12).map(|index| (format!("l{index}"), "")).collect();
    refused(
        json!({"url": URL, "streamLabels": many}),
        "streamLabels: 16 labels with those of `labels` and `job`, expected at most 15: Loki refuses more; put the rest \
         into the layout",
    );
    refused(
        json!({"url": URL, "labels": ["pod"]}),
        "labels: `pod` is none, expected some of cluster, namespace, type, kind, reason, component, node; others go in \
         `streamLabels`",
    );
}

#[test]
fn an_event_that_no_header_can_be_made_for_is_rejected_alone() {
    let mut sink = loki(json!({"tenant": "{{ .Reason }}"}));
    sink.host.respond(204, "");
    let run = sink.deliver([event(json!({"reason": "ä"})), event(json!({}))]);
    check(&run, &[0], &[]);
    assert_eq!(
        run.rejected[&0],
        "tenant: expected ASCII characters, as Loki's tenants have"
    );
}
