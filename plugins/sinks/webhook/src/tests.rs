//! The sink behind the double of the host.

use weir_plugin::Error;
use weir_plugin::serde_json::{self, Value, json};
use weir_plugin::testing::{self, SinkUnderTest, event};

use super::*;

const ENDPOINT: &str = "https://hook.example.net/in?key=1";

fn sink(mut config: Value) -> SinkUnderTest<Webhook> {
    if config["endpoint"].is_null() {
        config["endpoint"] = json!(ENDPOINT);
    }
    testing::sink(config).map_err(Error::into_message).unwrap()
}

fn refused(config: Value, expected: &str) {
    let Err(error) = testing::sink::<Webhook>(config) else {
        panic!("taken, expected: {expected}");
    };
    assert_eq!(error.message(), expected);
}

fn of(reason: &str) -> Value {
    event(json!({ "reason": reason }))
}

/// Delivers with as many answers of 200 as there are requests, and gives the requests.
fn sent(config: Value, events: &[Value]) -> Vec<Request> {
    let mut sink = sink(config);
    for _ in events {
        sink.host.respond(200, "");
    }
    let run = sink.deliver(events.to_vec());
    assert_eq!(run.outcome, Ok(Outcome::Done));
    assert!(run.rejected.is_empty() && run.retried.is_empty(), "{run:?}");
    sink.host.requests
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    headers
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn json_of(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn each_event_is_a_request() {
    let config = json!({"headers": {"X-Kind": "{{ .InvolvedObject.Kind }}", "X-Plain": 1}});
    let requests = sent(config, &[of("A"), of("B")]);
    assert_eq!(requests.len(), 2);
    let first = &requests[0];
    assert_eq!(
        (first.method.as_str(), first.url.as_str()),
        ("POST", ENDPOINT)
    );
    assert_eq!(header(first, "content-type"), Some("application/json"));
    assert_eq!(
        (header(first, "x-kind"), header(first, "x-plain")),
        (Some("Pod"), Some("1"))
    );
    assert_eq!(header(first, "authorization"), None);
    assert_eq!((json_of(first), json_of(&requests[1])), (of("A"), of("B")));
}

#[test]
fn method_body_type_and_credentials_are_as_written() {
    let config = json!({"method": "PUT", "body": "why={{ .Reason }}", "contentType": "text/plain",
        "bearer": "t0k"});
    let request = sent(config, &[of("A")]).remove(0);
    assert_eq!(
        (request.method.as_str(), request.body.as_slice()),
        ("PUT", &b"why=A"[..])
    );
    assert_eq!(header(&request, "content-type"), Some("text/plain"));
    assert_eq!(header(&request, "authorization"), Some("Bearer t0k"));

    let basic = json!({"endpoint": "https://u:p@h/x", "basic": {"username": "a", "password": "b"}});
    let request = sent(basic, &[of("A")]).remove(0);
    assert_eq!(header(&request, "authorization"), Some("<basic a:b>"));
    assert_eq!(request.url, "https://h/x");
    let own = json!({"endpoint": "https://u:p@h/x", "headers": {"Authorization": "Splunk x"}});
    let request = sent(own, &[of("A")]).remove(0);
    assert_eq!(header(&request, "authorization"), Some("Splunk x"));
    let request = sent(json!({"endpoint": "https://u:p@h/x"}), &[of("A")]).remove(0);
    assert_eq!(header(&request, "authorization"), Some("<basic u:p>"));
}

#[test]
fn several_events_are_an_array_or_lines() {
    let events = [of("A"), of("B")];
    let requests = sent(json!({"batch": "array"}), &events);
    assert_eq!((requests.len(), json_of(&requests[0])), (1, json!(events)));

    let requests = sent(
        json!({"batch": "ndjson", "body": "{\"r\":\n\"{{ .Reason }}\"}"}),
        &events,
    );
    let expected = "{\"r\": \"A\"}\n{\"r\": \"B\"}\n";
    assert_eq!(requests[0].body, expected.as_bytes());
    assert_eq!(
        header(&requests[0], "content-type"),
        Some("application/x-ndjson")
    );
}

#[test]
fn a_batch_goes_by_its_headers() {
    let config = json!({"batch": "array", "headers": {"X": "{{ .Reason }}"}});
    let requests = sent(config, &[of("A"), of("B"), of("A")]);
    assert_eq!(requests.len(), 2);
    assert_eq!(json_of(&requests[0]), json!([of("A"), of("A")]));
    assert_eq!(header(&requests[1], "x"), Some("B"));
}

/// `printf '%s' '{"a":"A"}' | openssl dgst -sha256 -hmac Jefe` made the signature.
#[test]
fn the_body_is_signed() {
    let body = json!({"body": "{\"a\":\"{{ .Reason }}\"}", "hmac": {"secret": "Jefe"}});
    let request = sent(body, &[of("A")]).remove(0);
    assert_eq!(header(&request, "x-hub-signature-256"), Some(SIGNED));
    let own = json!({"body": "{\"a\":\"{{ .Reason }}\"}", "hmac": {"secret": "Jefe", "header": "X-Sig", "prefix": ""}});
    let request = sent(own, &[of("A")]).remove(0);
    assert_eq!(header(&request, "x-sig"), SIGNED.strip_prefix("sha256="));
}

const SIGNED: &str = "sha256=293817d20ec585fba0295acd254a3f664c30ce41bf107e01775d0c8f5761a99a";

#[test]
fn cloud_events_have_an_envelope_or_headers() {
    let clustered = event(json!({"clusterName": "prod eu:1"}));
    let id = "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/273";
    let request = sent(
        json!({"cloudEvents": "structured"}),
        std::slice::from_ref(&clustered),
    )
    .remove(0);
    assert_eq!(
        header(&request, "content-type"),
        Some("application/cloudevents+json")
    );
    let expected = json!({
        "specversion": "1.0", "id": id, "source": "prod%20eu%3A1", "type": "io.weir.kubernetes.event",
        "subject": "shop/Pod/web-5d4f8c7b9-x2x7q", "time": "2026-11-23T14:45:31.000Z",
        "datacontenttype": "application/json", "data": clustered,
    });
    assert_eq!(json_of(&request), expected);

    let batched = sent(
        json!({"cloudEvents": "structured", "batch": "array"}),
        &[of("A"), clustered],
    );
    assert_eq!(
        header(&batched[0], "content-type"),
        Some("application/cloudevents-batch+json")
    );
    assert_eq!(json_of(&batched[0])[1], expected);

    let request = sent(json!({"cloudEvents": "binary"}), &[of("A")]).remove(0);
    assert_eq!(json_of(&request), of("A"));
    assert_eq!(header(&request, "content-type"), Some("application/json"));
    for (name, value) in [
        ("ce-specversion", "1.0"),
        ("ce-id", id),
        ("ce-source", "kubernetes"),
        ("ce-type", "io.weir.kubernetes.event"),
        ("ce-subject", "shop/Pod/web-5d4f8c7b9-x2x7q"),
        ("ce-time", "2026-11-23T14:45:31.000Z"),
    ] {
        assert_eq!(header(&request, name), Some(value), "{name}");
    }
}

#[test]
fn a_body_that_is_no_json_fits_no_envelope() {
    for (config, answers) in [
        (
            json!({"cloudEvents": "structured", "body": "{{ .Reason }}"}),
            1,
        ),
        (
            json!({"cloudEvents": "structured", "body": "{{ .Reason }}", "batch": "array"}),
            1,
        ),
    ] {
        let mut sink = sink(config);
        for _ in 0..answers {
            sink.host.respond(200, "");
        }
        let run = sink.deliver([of("7"), of("A")]);
        assert_eq!(run.outcome, Ok(Outcome::Done));
        assert_eq!(run.rejected.len(), 1);
        assert!(run.rejected[&1].starts_with("body: cloudEvents: structured wants JSON: "));
        assert_eq!(sink.host.requests.len(), 1);
    }
}

#[test]
fn answers_mean_what_they_do_everywhere() {
    let mut each = sink(json!({}));
    for status in [200, 422, 500, 204, 503] {
        each.host.respond(status, "");
    }
    let run = each.deliver(["1", "2", "3", "4", "5", "6"].map(of));
    assert_eq!(run.rejected.keys().copied().collect::<Vec<_>>(), [1]);
    assert_eq!(run.retried.keys().copied().collect::<Vec<_>>(), [2, 4, 5]);

    let mut array = sink(json!({"batch": "array"}));
    for status in [400, 200, 400] {
        array.host.respond(status, "");
    }
    let run = array.deliver([of("1"), of("2")]);
    assert_eq!(
        run.rejected.into_iter().collect::<Vec<_>>(),
        [(1, "answered 400".to_owned())]
    );
    array.host.refuse("connect: refused");
    let run = array.deliver([of("1"), of("2")]);
    assert_eq!(run.outcome, Ok(Outcome::retry("connect: refused")));
    array.host.respond(404, "");
    let run = array.deliver([of("1"), of("2")]);
    let expected = "answered 404: nothing is there: check the path of the address";
    assert_eq!(run.outcome, Ok(Outcome::retry(expected)));
}

#[test]
fn the_probe_asks_for_options_only() {
    let mut sink = sink(json!({"bearer": "t", "headers": {"X-A": "1", "X-B": "{{ .Name }}"}}));
    sink.host.respond(204, "");
    let origin = "https://hook.example.net";
    assert_eq!(
        sink.probe().unwrap(),
        format!("{origin}: OPTIONS answered 204")
    );
    let request = &sink.host.requests[0];
    assert_eq!(
        (request.method.as_str(), request.body.len()),
        ("OPTIONS", 0)
    );
    assert_eq!(
        (header(request, "x-a"), header(request, "x-b")),
        (Some("1"), None)
    );
    assert_eq!(header(request, "authorization"), Some("Bearer t"));

    sink.host.respond(405, "");
    assert!(
        sink.probe()
            .unwrap()
            .ends_with("whether POST is taken shows with the first event")
    );
    sink.host.respond(401, "");
    let error = sink.probe().unwrap_err();
    assert_eq!(
        error.message(),
        format!("{origin}: OPTIONS answered 401: check the credentials")
    );
    sink.host.respond(503, "");
    assert!(sink.probe().is_err());
    sink.host.refuse("connect: refused");
    assert_eq!(sink.probe().unwrap_err().message(), "connect: refused");
}

#[test]
fn wrong_settings_are_refused() {
    refused(json!({}), "missing field `endpoint`");
    let with = |key: &str, value: Value| json!({"endpoint": ENDPOINT, key: value});
    refused(
        json!({"endpoint": "hook"}),
        "endpoint: expected an address that begins with http:// or https://",
    );
    refused(
        with("method", json!("GET")),
        "method: `GET`: expected POST, PUT or PATCH",
    );
    refused(
        with("hmac", json!({"secret": ""})),
        "hmac.secret: expected a key, as in ${env:KEY}",
    );
    refused(
        with("bearer", json!("")),
        "bearer: expected a token, found nothing",
    );
    refused(
        with("batch", json!("all")),
        "batch: unknown variant `all`, expected one of `single`, `array`, `ndjson`",
    );
    let both = json!({"endpoint": ENDPOINT, "bearer": "a", "basic": {"username": "b"}});
    refused(both, "expected `basic` or `bearer`, not both");
    let binary = json!({"endpoint": ENDPOINT, "cloudEvents": "binary", "batch": "array"});
    refused(
        binary,
        "cloudEvents: binary has its attributes in headers, so it needs `batch: single`",
    );
    let lines = json!({"endpoint": ENDPOINT, "cloudEvents": "structured", "batch": "ndjson"});
    refused(
        lines,
        "cloudEvents: structured goes with `batch: single` or `array`",
    );
    let typed = json!({"endpoint": ENDPOINT, "cloudEvents": "structured", "contentType": "a/b"});
    refused(
        typed,
        "contentType: cloudEvents: structured has its own, leave it out",
    );
}
