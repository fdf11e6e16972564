//! The sink behind the double of the host: requests, settings; answers and the probe in files of their own.

mod answers;
mod probe;

use weir_plugin::http::Request;
use weir_plugin::serde_json::{self, Value, json};
use weir_plugin::testing::{self, SinkUnderTest, event};

use super::*;

const ACCEPTED: &str = r#"{"errors":false}"#;

fn sink(config: Value) -> SinkUnderTest<Elasticsearch> {
    testing::sink(config).map_err(Error::into_message).unwrap()
}

fn at_es(mut config: Value) -> SinkUnderTest<Elasticsearch> {
    config["hosts"] = json!(["https://es.example.net:9200"]);
    sink(config)
}

fn refused(config: Value, expected: &str) {
    let Err(error) = testing::sink::<Elasticsearch>(config) else {
        panic!("taken, expected: {expected}");
    };
    assert_eq!(error.message(), expected);
}

/// The lines of a body.
fn lines(request: &Request) -> Vec<Value> {
    let text = std::str::from_utf8(&request.body).unwrap();
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let mut headers = request.headers.iter();
    headers
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

fn version(version: &str) -> Value {
    event(json!({"metadata": {"resourceVersion": version}}))
}

#[test]
fn an_observation_is_created_once() {
    let mut sink = at_es(json!({"username": "u", "password": "p"}));
    sink.host.respond(200, ACCEPTED);
    let run = sink.deliver([version("273"), version("274")]);
    assert_eq!(run.outcome, Ok(Outcome::Done));
    assert!(run.rejected.is_empty() && run.retried.is_empty());

    let request = &sink.host.requests[0];
    assert_eq!(request.method, "POST");
    assert_eq!(
        request.url,
        "https://es.example.net:9200/_bulk?filter_path=errors,error,status,items.*.status,items.*.error"
    );
    assert_eq!(
        header(request, "content-type"),
        Some("application/x-ndjson")
    );
    assert_eq!(header(request, "authorization"), Some("<basic u:p>"));
    let lines = lines(request);
    let id = "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9-273";
    assert_eq!(
        lines[0],
        json!({"create": {"_index": "kube-events", "_id": id}})
    );
    assert_eq!(lines[1]["@timestamp"], "2026-11-23T14:45:31.000Z");
    assert_eq!(lines[1]["eventTime"], Value::Null, "null is valid");
    assert_eq!(lines[2]["create"]["_id"], id.replace("-273", "-274"));
    assert_eq!(lines.len(), 4);
}

#[test]
fn half_an_identity_is_none() {
    let mut sink = at_es(json!({}));
    sink.host.respond(200, ACCEPTED);
    sink.deliver([
        event(json!({"metadata": {"resourceVersion": null}})),
        event(json!({"metadata": {"uid": null}})),
    ]);
    let lines = lines(&sink.host.requests[0]);
    assert_eq!(lines[0], json!({"create": {"_index": "kube-events"}}));
    assert_eq!(lines[2], lines[0]);
}

#[test]
fn one_document_an_event_is_updated_by_version_in_the_index_of_its_creation() {
    let mut sink = at_es(json!({"useEventID": true, "indexFormat": "k-{2006-01-02}"}));
    sink.host.respond(200, ACCEPTED);
    let later = json!({"lastTimestamp": "2026-11-25T00:00:00Z"});
    let odd = json!({"metadata": {"resourceVersion": "x7", "creationTimestamp": null}});
    sink.deliver([
        event(later),
        event(odd),
        event(json!({"metadata": {"uid": null}})),
    ]);
    let lines = lines(&sink.host.requests[0]);
    let uid = "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9";
    let versioned =
        json!({"_index": "k-2026-11-23", "_id": uid, "version": 273, "version_type": "external"});
    assert_eq!(lines[0], json!({ "index": versioned }));
    assert_eq!(lines[1]["@timestamp"], "2026-11-25T00:00:00.000Z");
    assert_eq!(
        lines[2],
        json!({"index": {"_index": "k-2026-11-23", "_id": uid}}),
        "no number: the last one wins"
    );
    assert_eq!(lines[4], json!({"index": {"_index": "k-2026-11-23"}}));
}

#[test]
fn the_index_is_of_the_events_time_not_of_now() {
    let mut sink = at_es(json!({"index": "unused", "indexFormat": "kube-events-{2006-01}"}));
    assert_eq!(sink.host.logs.len(), 1);
    sink.host.respond(200, ACCEPTED);
    sink.deliver([event(json!({"lastTimestamp": "2025-02-01T00:00:00Z"}))]);
    let lines = lines(&sink.host.requests[0]);
    assert_eq!(lines[0]["create"]["_index"], "kube-events-2025-02");
}

#[test]
fn labels_never_conflict_unless_asked_for() {
    let labelled = || {
        event(
            json!({"involvedObject": {"labels": {"app": "a", "app.kubernetes.io/name": "b"}},
            "nodeLabels": {"x.y": "z"}}),
        )
    };
    for (config, name, node) in [
        (json!({}), "app_kubernetes_io/name", "x_y"),
        (json!({"labels": "deDot"}), "app_kubernetes_io/name", "x_y"),
        (json!({"labels": "keep"}), "app.kubernetes.io/name", "x.y"),
    ] {
        let mut sink = at_es(config);
        sink.host.respond(200, ACCEPTED);
        sink.deliver([labelled()]);
        let document = lines(&sink.host.requests[0]).remove(1);
        let expected = json!({"app": "a", name: "b"});
        assert_eq!(document["involvedObject"]["labels"], expected);
        assert_eq!(document["nodeLabels"], json!({node: "z"}));
    }
}

#[test]
fn a_layout_is_the_document_with_a_time() {
    let mut sink = at_es(json!({}));
    sink.host.layout = Some(|event| format!("{{\n \"why\": {} }}", event["reason"]));
    sink.host.respond(200, ACCEPTED);
    sink.deliver([event(json!({}))]);
    let expected = json!({"@timestamp": "2026-11-23T14:45:31.000Z", "why": "BackOff"});
    assert_eq!(lines(&sink.host.requests[0])[1], expected);
}

#[test]
fn templated_headers_make_requests_of_their_own() {
    let mut sink = at_es(
        json!({"apiKey": "a2V5", "headers": {"X-Team": "{{ .Namespace }}", "Content-Type": "x/y"}}),
    );
    sink.host.respond(200, ACCEPTED);
    sink.host.respond(200, ACCEPTED);
    let of = |namespace: &str| event(json!({"metadata": {"namespace": namespace}}));
    sink.deliver([of("a"), of("b"), of("a")]);
    let [first, second] = &sink.host.requests[..] else {
        panic!("{:?}", sink.host.requests);
    };
    assert_eq!((lines(first).len(), lines(second).len()), (4, 2));
    assert_eq!(header(first, "X-Team"), Some("a"));
    assert_eq!(header(first, "authorization"), Some("ApiKey a2V5"));
    assert_eq!(
        (header(first, "Content-Type"), header(first, "content-type")),
        (Some("x/y"), None)
    );
}

#[test]
fn a_large_batch_is_split_before_it_is_sent() {
    let mut sink = at_es(json!({}));
    sink.host.respond(200, ACCEPTED);
    sink.host.respond(200, ACCEPTED);
    let large = || event(json!({"message": "x".repeat(5 << 20)}));
    let run = sink.deliver([large(), large()]);
    assert_eq!(
        (run.outcome, sink.host.requests.len()),
        (Ok(Outcome::Done), 2)
    );
    assert!(run.retried.is_empty() && run.rejected.is_empty());
}

#[test]
fn hosts_are_any_address_and_cloud_ids() {
    let url = |config: Value| {
        let mut sink = sink(config);
        sink.host.respond(200, ACCEPTED);
        sink.deliver([event(json!({}))]);
        let request = sink.host.requests.remove(0);
        let authorization = header(&request, "authorization").map(str::to_owned);
        (
            request.url.split_once("/_bulk").unwrap().0.to_owned(),
            authorization,
        )
    };
    let (address, none) = url(json!({"hosts": ["https://proxy.example.net/es/"]}));
    assert_eq!(
        (address.as_str(), none),
        ("https://proxy.example.net/es", None)
    );
    let (address, basic) = url(json!({"hosts": ["https://u:p@es"]}));
    assert_eq!(
        (address.as_str(), basic.as_deref()),
        ("https://es", Some("<basic u:p>"))
    );
    // found.io$abc$kib
    let cloud = json!({"cloudID": "dev:Zm91bmQuaW8kYWJjJGtpYg==", "apiKey": "k", "username": "u"});
    let (address, key) = url(cloud);
    assert_eq!(
        (address.as_str(), key.as_deref()),
        ("https://abc.found.io", Some("ApiKey k"))
    );
    assert_eq!(url(json!({})).0, "http://localhost:9200");
}

#[test]
fn nobody_grants_what_nobody_wrote() {
    let mut sink = sink(json!({}));
    sink.host.refuse("not granted: POST http://localhost:9200");
    let expected = "not granted: POST http://localhost:9200: neither `hosts` nor `cloudID` is set, and a plugin sees \
        no $ELASTICSEARCH_URL: write `hosts`";
    assert_eq!(
        sink.deliver([event(json!({}))]).outcome,
        Ok(Outcome::retry(expected))
    );
}

#[test]
fn wrong_settings_are_refused() {
    refused(
        json!({"hosts": ["http://a"], "cloudID": "a:b"}),
        "expected `hosts` or `cloudID`, not both",
    );
    refused(
        json!({"apiKey": "id:secret"}),
        "apiKey: expected the Base64 form (`encoded` in what made the key), not `id:key`",
    );
    refused(
        json!({"apiKey": "ApiKey abc"}),
        "apiKey: expected the token alone, without `ApiKey`",
    );
    refused(
        json!({"password": "p"}),
        "password: expected a `username` beside it",
    );
    refused(
        json!({"hosts": ["es:9200"]}),
        "hosts[0]: expected an address that begins with http:// or https://",
    );
    refused(
        json!({"labels": "drop"}),
        "labels: `drop`: expected `deDot` or `keep`",
    );
    refused(
        json!({"index": "Kube"}),
        "index: `Kube` is no name of an index: it has to be in lower case",
    );
    let Err(error) = testing::sink::<Elasticsearch>(json!({"indeX": "a"})) else {
        panic!("an unknown setting was taken");
    };
    let message = error.message();
    assert!(
        message.starts_with("unknown field `indeX`, expected one of `hosts`"),
        "{message}"
    );
    refused(
        json!({"useEventID": "yes"}),
        "useEventID: invalid type: string \"yes\", expected a boolean",
    );
}

#[test]
fn a_type_goes_only_to_servers_that_have_them() {
    let of = |kind: &str, answer: &str| {
        let mut sink = at_es(json!({"type": kind}));
        sink.host.respond(200, answer);
        sink.host.respond(200, ACCEPTED);
        sink.host.respond(200, ACCEPTED);
        for _ in 0..2 {
            assert_eq!(sink.deliver([event(json!({}))]).outcome, Ok(Outcome::Done));
        }
        assert_eq!(sink.host.requests.len(), 3, "the version is asked once");
        let sent = lines(&sink.host.requests[1])[0]["create"]["_type"].clone();
        (sent, sink.host.logs.pop().map(|(_, line)| line))
    };
    let es = |number: &str| format!(r#"{{"cluster_name":"c","version":{{"number":"{number}"}}}}"#);
    assert_eq!(of("_doc", &es("6.8.23")), (json!("_doc"), None));
    assert_eq!(of("event", &es("5.6.1")), (json!("event"), None));
    assert_eq!(of("_doc", &es("7.17.0")), (Value::Null, None));
    let warning = "type: Elasticsearch 9.0.1 has no types, so `event` is left out; remove it";
    assert_eq!(
        of("event", &es("9.0.1")),
        (Value::Null, Some(warning.to_owned()))
    );
    let opensearch = r#"{"version":{"number":"1.3.0","distribution":"opensearch"}}"#;
    assert_eq!(of("_doc", opensearch), (Value::Null, None));
}

#[test]
fn a_version_that_cannot_be_asked_brings_the_batch_back() {
    let mut sink = at_es(json!({"type": "_doc"}));
    sink.host.respond(200, "<html>Sign in</html>");
    let error = sink.deliver([event(json!({}))]).outcome.unwrap_err();
    assert_eq!(
        error.message(),
        "GET / answered 200 (<html>Sign in</html>): that is neither Elasticsearch nor OpenSearch: check the address"
    );
}
