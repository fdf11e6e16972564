//! Asking Loki whether it would work.

use super::*;

#[test]
fn the_probe_reads_only() {
    let mut sink = loki(json!({"tenant": "a", "bearerToken": "t"}));
    sink.host.respond(200, "ready\n");
    sink.host
        .respond(200, r#"{"version": "2.8.4", "revision": "x"}"#);
    sink.host.respond(200, r#"{"status": "success"}"#);
    assert_eq!(
        sink.probe().unwrap(),
        "ready\nLoki 2.8.4\na release before 2.9 knows no structured metadata: set `structuredMetadata: false`\n\
         the credentials and the tenant are accepted"
    );
    let urls: Vec<_> = sink
        .host
        .requests
        .iter()
        .map(|request| (request.method.as_str(), request.url.as_str()))
        .collect();
    assert_eq!(
        urls,
        [
            ("GET", "http://loki:3100/ready"),
            ("GET", "http://loki:3100/loki/api/v1/status/buildinfo"),
            ("GET", "http://loki:3100/loki/api/v1/labels"),
        ]
    );
    assert_eq!(
        (
            header(&sink, 2, "x-scope-orgid"),
            header(&sink, 2, "authorization")
        ),
        (Some("a"), Some("Bearer t"))
    );
}

#[test]
fn the_probe_says_what_to_change() {
    fn probe(config: Value, answers: [(u16, &str); 3]) -> Result<String> {
        let mut sink = loki(config);
        answers
            .iter()
            .for_each(|(status, body)| sink.host.respond(*status, *body));
        sink.probe()
    }
    let version = (404, "");
    let error = |config: Value, labels: (u16, &'static str)| {
        probe(config, [(200, ""), version, labels])
            .unwrap_err()
            .into_message()
    };
    assert_eq!(
        error(json!({}), (401, "no org id\n")),
        "Loki has tenants: set `tenant`"
    );
    assert!(error(json!({}), (401, "")).contains("`bearerToken`"));
    assert!(error(json!({}), (500, "empty ring")).contains("empty ring"));
    let waiting = probe(
        json!({}),
        [
            (503, "Ingester not ready: waiting for 15s"),
            version,
            version,
        ],
    );
    assert!(
        waiting
            .unwrap_err()
            .message()
            .starts_with("Loki is not ready: answered 503")
    );
    let by_event = probe(
        json!({"tenant": "{{ .Namespace }}"}),
        [(200, ""), version, (401, "no org id")],
    );
    assert!(by_event.unwrap().contains("which one comes from the event"));
    let gateway = probe(
        json!({"url": "https://gate/x"}),
        [(404, ""), version, (403, "")],
    )
    .unwrap();
    assert_eq!(gateway.lines().count(), 4, "{gateway}");

    let mut sink = loki(json!({}));
    sink.host.refuse("connect: refused");
    assert_eq!(
        sink.probe().unwrap_err().message(),
        "http://loki:3100: connect: refused"
    );
}
