//! A real OpenSearch and a real Elasticsearch.

use serde_json::{Value, json};
use weir_tests::client::{Answer, Client};
use weir_tests::fake_http::{FakeHttp, Options, elasticsearch as fake};
use weir_tests::folder::Folder;
use weir_tests::real::search::{Node, Product};

const NDJSON: &str = "application/x-ndjson";

/// The status of each item of a bulk answer.
fn statuses(answer: &Value) -> Vec<u64> {
    let items = answer["items"].as_array().expect("a bulk answer has items");
    let status = |item: &Value| {
        let done = item.as_object().and_then(|item| item.values().next());
        done.and_then(|done| done["status"].as_u64())
            .expect("an item has a status")
    };
    items.iter().map(status).collect()
}

/// Three documents by hand, through a kill.
pub fn restarts(product: Product) {
    let folder = Folder::new("real-restarts");
    let mut node = Node::start(product, folder.path());
    let version = node.get("/")["version"].clone();
    let number = version["number"].as_str().expect("a server has a version");
    match product {
        Product::OpenSearch => assert!(number.starts_with("2.19."), "{version}"),
        Product::Elasticsearch => assert!(number.starts_with("7.17."), "{version}"),
    }
    let lines: String = ["a", "b", "c"]
        .iter()
        .map(|id| format!("{{\"create\":{{\"_index\":\"three\",\"_id\":\"{id}\"}}}}\n{{}}\n"))
        .collect();
    assert_eq!(statuses(&node.bulk(&lines)), [201, 201, 201]);
    let url = node.url();
    node.kill();
    node.start_again();
    assert_eq!(node.url(), url);
    assert_eq!(node.ids("three"), ["a", "b", "c"]);
    assert_eq!(statuses(&node.bulk(&lines)), [409, 409, 409]);
    assert_eq!(node.count("three"), 3);
    node.stop();
}

/// What sinks rely on: the fake answers as the real one, item by item and refusal by refusal.
pub fn bulk(product: Product) {
    let folder = Folder::new("real-bulk");
    let node = Node::start(product, folder.path());
    let (fake_product, streams) = match product {
        Product::OpenSearch => (fake::Product::OpenSearch2, true),
        Product::Elasticsearch => (fake::Product::Elasticsearch7, false),
    };
    let fake = fake::Elasticsearch::new(fake_product).whole_number("n");
    let fake = FakeHttp::start(Options::default(), fake.data_streams("stream-"));
    let mapping = json!({"mappings": {"properties": {"n": {"type": "long"}}}});
    node.put("/events", &mapping);
    if streams {
        let template = json!({"index_patterns": ["stream-*"], "data_stream": {}});
        node.put("/_index_template/stream", &template);
    }
    for (about, body) in bodies() {
        if about != "data stream" || streams {
            both(&node, &fake, about, NDJSON, body);
        }
    }
    both(&node, &fake, "another type", "text/plain", "x".to_owned());
    let documents = node.documents("events");
    let stored = fake.look(|fake| {
        let documents = fake.documents("events").into_iter();
        documents
            .map(|it| (it.id.clone(), it.version, it.source.clone()))
            .collect::<Vec<_>>()
    });
    let real: Vec<_> = documents
        .iter()
        .map(|it| {
            let id = it["_id"].as_str().expect("a hit has an id").to_owned();
            let version = it["_version"].as_u64().expect("a hit has a version");
            (id, version, it["_source"].clone())
        })
        .collect();
    assert_eq!(stored, real);
}

/// Asks both for the same.
fn both(node: &Node, fake: &FakeHttp<fake::Elasticsearch>, about: &str, kind: &str, body: String) {
    let ask = |client: &Client| {
        let answer = client.request("POST", "/_bulk", &[("content-type", kind)], body.clone());
        comparable(&answer.unwrap_or_else(|why| panic!("{about}: {why}")))
    };
    assert_eq!(ask(&fake.client()), ask(&node.client()), "{about}");
}

/// Bulk requests, good and bad.
fn bodies() -> Vec<(&'static str, String)> {
    let item =
        |action: &str, to: Value, document: &str| format!("{}\n{document}\n", json!({action: to}));
    let event = |action: &str, id: &str, document: &str| {
        item(action, json!({"_index": "events", "_id": id}), document)
    };
    let version = |version: u64| {
        let to =
            json!({"_index": "events", "_id": "v", "version": version, "version_type": "external"});
        item("index", to, &json!({"n": version}).to_string())
    };
    let time = r#"{"@timestamp":"2026-01-01T00:00:00Z"}"#;
    let stream = |action: &str, id: &str, document: &str| {
        item(action, json!({"_index": "stream-a", "_id": id}), document)
    };
    let good = event("create", "a", "{}");
    vec![
        (
            "create twice",
            good.clone() + &event("create", "a", r#"{"n":1}"#),
        ),
        (
            "replace",
            event("index", "a", r#"{"n":2}"#) + &event("index", "b", "{}"),
        ),
        ("versions", [5, 5, 4, 7].map(version).concat()),
        (
            "mapping",
            event("create", "c", r#"{"n":"x"}"#) + &event("create", "d", r#"{"n":"7"}"#),
        ),
        (
            "bad name",
            item("create", json!({"_index": "Events", "_id": "a"}), "{}"),
        ),
        (
            "bad start",
            item("create", json!({"_index": "_events", "_id": "a"}), "{}"),
        ),
        (
            "data stream",
            stream("create", "a", time)
                + &stream("index", "b", time)
                + &stream("create", "c", "{}")
                + &stream("create", "a", time),
        ),
        ("nothing", String::new()),
        ("an empty line", "\n".to_owned()),
        ("no end", good.trim_end().to_owned()),
        ("no index", item("create", json!({"_id": "a"}), "{}")),
        (
            "unknown parameter",
            item("create", json!({"_index": "events", "x": 1}), "{}"),
        ),
        (
            "version of a create",
            item(
                "create",
                json!({"_index": "events", "_id": "e", "version": 1, "version_type": "external"}),
                "{}",
            ),
        ),
        (
            "internal version",
            item(
                "index",
                json!({"_index": "events", "_id": "e", "version": 1}),
                "{}",
            ),
        ),
        (
            "external without a version",
            item(
                "index",
                json!({"_index": "events", "_id": "e", "version_type": "external"}),
                "{}",
            ),
        ),
        ("long id", event("index", &"x".repeat(513), "{}")),
        ("empty id", event("index", "", "{}")),
    ]
}

/// An answer without what is of one run.
fn comparable(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    strip(&mut body);
    (answer.code, body)
}

fn strip(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(strip),
        Value::Object(fields) => {
            for name in [
                "took",
                "_shards",
                "_seq_no",
                "_primary_term",
                "index_uuid",
                "_type",
            ] {
                fields.remove(name);
            }
            fields.values_mut().for_each(strip);
        }
        _ => {}
    }
}
