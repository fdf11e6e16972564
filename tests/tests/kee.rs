//! A configuration of kubernetes-event-exporter: every key of the sinks that ship is accepted, by the host or by the sink.

use weir_tests::folder::Folder;
use weir_tests::program::{plugins, weir};
use weir_tests::running::run;

/// All keys of its documentation for these receivers, and of its types (peers.md has them from its source).
const RECEIVERS: &str = r#"
  - name: elasticsearch
    elasticsearch:
      hosts: ["http://127.0.0.1:9"]
      index: kube-events
      indexFormat: "kube-events-{2006-01-02}"
      useEventID: true
      deDot: true
      username: u
      password: p
      apiKey: a2V5
      headers: {X-One: "1"}
      type: _doc
      tls: {insecureSkipVerify: false, serverName: "", caFile: "", keyFile: "", certFile: ""}
      layout: {message: "{{ .Message }}"}
  - name: cloud
    elasticsearch:
      cloudID: "name:dXMtZWFzdC0xLmF3cy5mb3VuZC5pbyRhYmMkZGVm"
      apiKey: a2V5
  - name: opensearch
    opensearch:
      hosts: ["http://127.0.0.1:9"]
      index: kube-events
      indexFormat: "kube-events-{2006-01-02}"
      useEventID: true
      deDot: true
      username: u
      password: p
      type: _doc
      tls: {insecureSkipVerify: false, serverName: "", caFile: "", keyFile: "", certFile: ""}
      layout: {message: "{{ .Message }}"}
  - name: loki
    loki:
      url: http://127.0.0.1:9/loki/api/v1/push
      streamLabels: {foo: bar}
      headers: {X-Scope-OrgID: "{{ .Namespace }}"}
      tls: {insecureSkipVerify: false, serverName: "", caFile: "", keyFile: "", certFile: ""}
      layout: {message: "{{ .Message }}"}
  - name: webhook
    webhook:
      endpoint: http://127.0.0.1:9/hook
      headers: {X-API-KEY: "123", User-Agent: "exporter 1.0", X-Name: "{{ .Name }}"}
      tls: {insecureSkipVerify: false, serverName: "", caFile: "", keyFile: "", certFile: ""}
      layout:
        message: "{{ .Message }}"
        reason: "{{ .Reason }}"
        createdAt: "{{ .GetTimestampISO8601 }}"
        labels: "{{ toJson .InvolvedObject.Labels }}"
        nested: {kind: "{{ .InvolvedObject.Kind }}", all: ["{{ .Source.Component }}"]}
  - name: file
    file:
      path: events.log
      maxsize: 10
      maxage: 3
      maxbackups: 5
      deDot: true
      layout: {message: "{{ .Message }}"}
  - name: stdout
    stdout:
      deDot: true
      layout: {message: "{{ .Message }}", region: "us-west-2"}
"#;

#[test]
fn every_key_of_the_sinks_that_ship_is_accepted() {
    let folder = Folder::new("kee");
    let names = [
        "elasticsearch",
        "cloud",
        "opensearch",
        "loki",
        "webhook",
        "file",
        "stdout",
    ];
    let rules = names.map(|name| format!("{{receiver: {name}}}")).join(", ");
    let config = format!(
        "logLevel: error\nlogFormat: json\nsource: {{replay: {{path: events.ndjson}}}}\nplugins: {{directories: [\"{}\"]}}\nroute:\n  routes: [{{match: [{rules}]}}]\nreceivers:{RECEIVERS}",
        plugins().display()
    );
    folder.write("events.ndjson", "");
    let file = folder.write("config.yaml", config);
    let file = file.to_string_lossy().into_owned();
    let ended = run(&mut weir(["check", "-c", &file]), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
