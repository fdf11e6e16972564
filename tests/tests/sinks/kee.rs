//! A configuration of kubernetes-event-exporter means what it meant: its keys do something, and the right thing.

use serde_json::{Value, json};
use weir_tests::delivering::few;
use weir_tests::event;
use weir_tests::fake_http::elasticsearch::{Elasticsearch, Product};
use weir_tests::fake_http::loki::Loki;
use weir_tests::fake_http::webhook::Webhook;
use weir_tests::fake_http::{FakeHttp, Options};
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::run;

/// Runs a document of KEE, to which only the events and the folder of plugins are added.
fn deliver(folder: &Folder, document: &str, events: Option<&str>) -> String {
    let path = match events {
        Some(events) => folder.write("events.ndjson", events),
        None => tests("data/few.ndjson"),
    };
    let (path, plugins) = (path.display(), plugins());
    let added = format!(
        "source: {{replay: {{path: \"{path}\"}}}}\nplugins: {{directories: [\"{}\"]}}\n",
        plugins.display()
    );
    let file = folder.write("config.yaml", format!("{document}\n{added}"));
    let file = file.to_string_lossy().into_owned();
    let ended = run(&mut weir(["run", "-c", &file]), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    String::from_utf8(ended.stdout).expect("UTF-8")
}

const ROUTE: &str = "logLevel: error\nlogFormat: json\nroute:\n  routes:\n    - match:\n        - receiver: \"dump\"\n";

/// An event about an object with a label that has dots, made and seen on two days.
fn dotted() -> String {
    event(7, "a", 0)
        .replacen(
            "\"uid\"",
            "\"creationTimestamp\":\"2026-01-31T23:59:59Z\",\"uid\"",
            1,
        )
        .replacen(
            "\"kind\":\"Pod\"",
            "\"kind\":\"Pod\",\"labels\":{\"app.kubernetes.io/name\":\"x.y\"}",
            1,
        )
        .replacen(
            "\"reason\"",
            "\"lastTimestamp\":\"2026-02-01T00:00:01Z\",\"reason\"",
            1,
        )
}

#[test]
fn elasticsearch_has_its_layout_index_headers_tls_and_event_id() {
    let tls = Options {
        tls: true,
        ..Options::default()
    };
    let handler = Elasticsearch::new(Product::Elasticsearch8).user("elastic", "changeme");
    let fake = FakeHttp::start(tls, handler);
    let folder = Folder::new("kee-es");
    let ca = folder.write("ca.crt", fake.authority_pem());
    let document = format!(
        r#"{ROUTE}receivers:
  - name: "dump"
    elasticsearch:
      hosts:
        - {}
      index: kube-events
      indexFormat: "kube-events-{{2006-01-02}}"
      username: elastic
      password: changeme
      useEventID: true
      deDot: true
      headers:
        X-Found-By: "kee"
      tls:
        insecureSkipVerify: false
        caFile: "{}"
      layout:
        about: "{{{{ .InvolvedObject.Kind }}}}/{{{{ .InvolvedObject.Name }}}}"
        labels: "{{{{ toJson .InvolvedObject.Labels }}}}"
        nested:
          why: ["{{{{ .Reason }}}}"]
"#,
        fake.url(),
        ca.display()
    );
    deliver(&folder, &document, Some(&dotted()));
    let document = fake.look(|fake| fake.document("kube-events-2026-01-31", "uid-7").cloned());
    let mut source = document.expect("in the index of when it was made").source;
    source.as_object_mut().expect("a map").remove("@timestamp");
    let expected = json!({
        "about": "Pod/a", "labels": "{\"app_kubernetes_io/name\":\"x.y\"}", "nested": {"why": ["Test"]},
    });
    assert_eq!(source, expected);
    let journal = fake.journal();
    assert!(journal.iter().all(|it| it.header("x-found-by") == "kee"));
}

#[test]
fn skipping_the_verification_reaches_a_server_of_an_unknown_authority() {
    let tls = Options {
        tls: true,
        ..Options::default()
    };
    let fake = FakeHttp::start(tls, Elasticsearch::new(Product::OpenSearch2));
    let document = format!(
        "{ROUTE}receivers:\n  - name: dump\n    opensearch:\n      hosts: [{}]\n      index: kube-events\n      tls:\n        insecureSkipVerify: true\n",
        fake.url()
    );
    deliver(&Folder::new("kee-skip"), &document, None);
    assert_eq!(fake.look(Elasticsearch::count), few().len());
}

#[test]
fn loki_has_its_labels_its_headers_and_its_layout() {
    let fake = FakeHttp::start(Options::default(), Loki::new().multi_tenant());
    fake.change(|loki| loki.set_now("2026-02-01T00:00:10Z".parse().expect("a time")));
    let document = format!(
        r#"{ROUTE}receivers:
  - name: "dump"
    loki:
      url: {}/loki/api/v1/push
      streamLabels:
        foo: bar
      headers:
        X-Scope-OrgID: "{{{{ .InvolvedObject.Namespace }}}}"
      layout:
        why: "{{{{ .Reason }}}}"
"#,
        fake.url()
    );
    deliver(&Folder::new("kee-loki"), &document, Some(&dotted()));
    let streams = fake.look(|loki| loki.streams("default"));
    assert_eq!(streams.len(), 1);
    for stream in streams.values() {
        assert_eq!(stream.labels["foo"], "bar");
        let lines: Vec<&str> = stream.entries.iter().map(|it| it.line.as_str()).collect();
        assert_eq!(lines, [r#"{"why":"Test"}"#]);
    }
}

#[test]
fn a_webhook_has_its_templated_headers_and_its_layout() {
    let fake = FakeHttp::start(Options::default(), Webhook::new());
    let document = format!(
        r#"{ROUTE}receivers:
  - name: "dump"
    webhook:
      endpoint: "{}/hook"
      headers:
        X-API-KEY: "123"
        User-Agent: "kube-event-exporter 1.0"
        X-Name: "{{{{ .InvolvedObject.Name }}}}"
      layout:
        endpoint: "localhost2"
        eventType: "kube-event"
        createdAt: "{{{{ .GetTimestampMs }}}}"
        details:
          message: "{{{{ .Message }}}}"
"#,
        fake.url()
    );
    deliver(
        &Folder::new("kee-hook"),
        &document,
        Some(&event(3, "pod-a", 0)),
    );
    let journal = fake.journal();
    assert_eq!(journal.len(), 1);
    for (name, value) in [
        ("x-api-key", "123"),
        ("user-agent", "kube-event-exporter 1.0"),
        ("x-name", "pod-a"),
    ] {
        assert_eq!(journal[0].header(name), value);
    }
    let body = journal[0].json();
    assert_eq!(
        (&body["endpoint"], &body["eventType"]),
        (&"localhost2".into(), &"kube-event".into())
    );
    assert_eq!(body["details"], json!({"message": "number 3 "}));
    assert!(body["createdAt"].is_string(), "{body}");
}

#[test]
fn dots_go_from_labels_where_it_is_told_to() {
    for (key, expected) in [
        ("deDot: true", "app_kubernetes_io/name"),
        ("deDot: false", "app.kubernetes.io/name"),
    ] {
        let document = format!("{ROUTE}receivers:\n  - name: dump\n    stdout: {{{key}}}\n");
        let out = deliver(&Folder::new("kee-dot"), &document, Some(&dotted()));
        let document: Value = serde_json::from_str(&out).expect("one document");
        assert_eq!(
            document["involvedObject"]["labels"][expected], "x.y",
            "{out}"
        );
    }
}
