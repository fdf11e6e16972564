//! `weir check --connect`: what it finds at a server, before anything is sent to it.

use serde_json::{Value, json};
use weir_tests::delivering::Delivering;
use weir_tests::fake_http::elasticsearch::{Elasticsearch, Product};
use weir_tests::fake_http::loki::Loki;
use weir_tests::fake_http::{FakeHttp, Options};

/// What `check` says of the receiver: whether all works, and its findings as lines.
fn check(sink: Value) -> (bool, String) {
    let (code, said) = Delivering::to("check", sink).check();
    assert_eq!(said["errors"], json!([]), "{said}");
    let connection = &said["connections"][0];
    assert_eq!(connection["receiver"], "out", "{said}");
    let works = connection["ok"].as_bool().expect("a truth value");
    assert_eq!(
        (code, &said["ok"]),
        (Some(i32::from(!works)), &json!(works))
    );
    let findings = connection["findings"].as_array().expect("a list");
    let lines: Vec<&str> = findings.iter().filter_map(Value::as_str).collect();
    (works, lines.join("\n"))
}

fn finds(sink: Value, works: bool, parts: &[&str]) {
    let (does, findings) = check(sink);
    assert_eq!(does, works, "{findings}");
    for part in parts {
        assert!(findings.contains(part), "{part:?} is not in {findings}");
    }
}

fn elasticsearch(fake: &FakeHttp<Elasticsearch>, password: &str) -> Value {
    json!({"elasticsearch": {"hosts": [fake.url()], "username": "weir", "password": password}})
}

#[test]
fn an_elasticsearch_is_asked_for_all_that_delivery_needs() {
    let handler = Elasticsearch::new(Product::Elasticsearch8).user("weir", "right");
    let mut fake = FakeHttp::start(Options::default(), handler);
    let right = [
        "8.18.0",
        "without TLS",
        "accepted, user `weir`",
        "`create_doc` on `kube-events`",
    ];
    finds(elasticsearch(&fake, "right"), true, &right);
    let wrong = ["401", "check the credentials"];
    finds(elasticsearch(&fake, "wrong"), false, &wrong);
    fake.change(|fake| fake.privileges("kube-events", &["read"]));
    let missing = [
        "`create_doc` on `kube-events` is missing",
        "`auto_configure`",
    ];
    finds(elasticsearch(&fake, "right"), false, &missing);
    fake.stop_listening();
    finds(elasticsearch(&fake, "right"), false, &["is it running"]);
    assert_eq!(fake.look(Elasticsearch::count), 0, "nothing is written");
}

#[test]
fn plain_http_to_a_port_of_tls_is_said_and_the_other_way_round() {
    let tls = Options {
        tls: true,
        ..Options::default()
    };
    let fake = FakeHttp::start(tls, Elasticsearch::new(Product::OpenSearch2));
    let plain = format!("http://{}", fake.address());
    finds(
        json!({"opensearch": {"hosts": [plain]}}),
        false,
        &["https://"],
    );
    finds(
        json!({"opensearch": {"hosts": [fake.url()]}}),
        false,
        &["http.tls.caFile"],
    );
    let fake = FakeHttp::start(Options::default(), Elasticsearch::new(Product::OpenSearch2));
    let secure = format!("https://{}", fake.address());
    finds(
        json!({"opensearch": {"hosts": [secure]}}),
        false,
        &["http://"],
    );
    finds(
        json!({"opensearch": {"hosts": [fake.url()]}}),
        true,
        &["2.19.6"],
    );
}

#[test]
fn a_loki_is_asked_for_its_tenants_and_credentials() {
    let handler = Loki::new().multi_tenant().user("weir", "right");
    let mut fake = FakeHttp::start(Options::default(), handler);
    let sink = |password: &str, tenant: Value| {
        let url = fake.url();
        json!({"loki": {"url": url, "username": "weir", "password": password, "tenant": tenant}})
    };
    let right = sink("right", json!("a"));
    finds(right.clone(), true, &["3.5.0"]);
    finds(sink("wrong", json!("a")), false, &["401"]);
    finds(sink("right", Value::Null), false, &["set `tenant`"]);
    fake.stop_listening();
    finds(right, false, &["is it running"]);
    assert_eq!(fake.look(Loki::count), 0, "nothing is written");
}
