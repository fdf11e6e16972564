//! The real binary delivers to a real OpenSearch and a real Elasticsearch.

use std::collections::BTreeSet;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, id};
use weir_tests::fake_http::webhook::Webhook;
use weir_tests::fake_http::{FakeHttp, Options};
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::real::search::{Node, Product};
use weir_tests::running::{DEADLINE, run};
use weir_tests::{event, input};

const INDEX: &str = "kube-events";
const RECORDED: &str = "data/events-core-v1.ndjson.gz";

fn sink(product: Product) -> &'static str {
    match product {
        Product::OpenSearch => "opensearch",
        Product::Elasticsearch => "elasticsearch",
    }
}

/// All recorded events.
fn recorded() -> Vec<Value> {
    let packed = std::fs::read(tests(RECORDED)).expect("it is in the tree");
    let text = String::from_utf8(input::unpack(packed)).expect("UTF-8");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect()
}

fn as_document_id(event: &Value) -> String {
    id(event).replace('/', "-")
}

/// How many documents a query finds.
fn found(node: &Node, query: &Value) -> u64 {
    let answer = node.post(&format!("/{INDEX}/_count"), &json!({"query": query}));
    answer["count"].as_u64().expect("a count has a count")
}

/// Six lines of configuration, and everything is there and found by its namespace and its time.
pub fn six_lines(product: Product) {
    let folder = Folder::new("real-six-lines");
    let node = Node::start(product, &folder.path().join("data"));
    let config = format!(
        "source: {{replay: {{path: \"{}\"}}}}\nplugins: {{directories: [\"{}\"]}}\nroute: {{match: [{{receiver: search}}]}}\nreceivers:\n- name: search\n  {}: {{hosts: [\"{}\"]}}\n",
        tests(RECORDED).display(),
        plugins().display(),
        sink(product),
        node.url()
    );
    assert_eq!(config.lines().count(), 6);
    let file = folder.write("config.yaml", config);
    let file = file.to_string_lossy().into_owned();
    let checked = run(&mut weir(["check", "--connect", "-c", &file]), &[]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let ended = run(&mut weir(["run", "-c", &file]), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let events = recorded();
    let expected: BTreeSet<String> = events.iter().map(as_document_id).collect();
    let documents = node.documents(INDEX);
    let there: BTreeSet<String> = documents
        .iter()
        .map(|it| it["_id"].as_str().expect("a hit has an id").to_owned())
        .collect();
    assert_eq!(there, expected);
    assert!(
        documents.iter().all(|it| it["_version"] == 1),
        "each was written once"
    );
    found_by_namespace_and_time(&node, &events, expected.len() as u64);
    // Once more: it is all there already.
    let again = run(&mut weir(["run", "-c", &file]), &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(node.documents(INDEX), documents);
}

fn found_by_namespace_and_time(node: &Node, events: &[Value], all: u64) {
    let namespace = |event: &Value| {
        let namespace = event["involvedObject"]["namespace"].as_str();
        namespace.map(str::to_owned)
    };
    let namespaces: BTreeSet<String> = events.iter().filter_map(namespace).collect();
    assert!(namespaces.len() > 1, "{namespaces:?}");
    for wanted in namespaces {
        let ids: BTreeSet<String> = events
            .iter()
            .filter(|event| namespace(event).as_ref() == Some(&wanted))
            .map(id)
            .collect();
        let query = json!({"term": {"involvedObject.namespace.keyword": wanted}});
        assert_eq!(found(node, &query), ids.len() as u64, "{wanted}");
    }
    let range = |range: Value| json!({"range": {"@timestamp": range}});
    let past = json!({"gte": "2026-01-01T00:00:00Z", "lt": "2027-01-01T00:00:00Z"});
    assert_eq!(found(node, &range(past)), all);
    assert_eq!(
        found(node, &range(json!({"lt": "2026-01-01T00:00:00Z"}))),
        0
    );
}

/// Events of the outage test, and how many of them come at a time.
const EVENTS: usize = 3000;
const PART: usize = 500;

/// The server is killed under load; weir goes on with its queue, is ended, killed, and started again; then the server
/// comes back. All is there, each once, and the other receiver has not waited for it.
pub fn outage(product: Product) {
    let folder = Folder::new("real-outage");
    let mut node = Node::start(product, folder.path());
    let hook = FakeHttp::start(Options::default(), Webhook::new());
    let search = json!({
        sink(product): {"hosts": [node.url()]}, "batch": {"events": 50, "age": "10ms"},
        "queue": {"disk": {"path": "queue"}}, "retry": {"first": "10ms", "most": "200ms"},
    });
    let endpoint = format!("{}/hook", hook.url());
    let other = json!({
        "webhook": {"endpoint": endpoint, "batch": "array"}, "queue": {"disk": {"path": "queue-hook"}},
    });
    let scene = Delivering::to("real-outage-weir", search)
        .and("hook", other)
        .with("shutdown", json!({"deadline": "2s"}))
        .live();
    // In the first part the server is killed, at some point between its first document and its last.
    let mut running = scene.start();
    running.write(part(0).as_bytes());
    wait_for("the first documents", || arrived(&node) > 0);
    node.kill();
    running.write(part(1).as_bytes());
    received(&hook, 2);
    running.await_said("not delivered, will be tried again");
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut running = scene.start();
    running.write([part(2), part(3)].concat().as_bytes());
    received(&hook, 4);
    running.await_said("not delivered, will be tried again");
    running.signal(Signal::KILL);
    running.await_end();
    let mut running = scene.start();
    running.write([part(4), part(5)].concat().as_bytes());
    // The server is still down, and the other receiver has everything.
    received(&hook, EVENTS / PART);
    node.start_again();
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ids = node.ids(INDEX);
    let expected: BTreeSet<String> = (0..EVENTS).map(|it| format!("uid-{it}-{it}")).collect();
    assert_eq!(ids.len(), EVENTS, "none is there twice");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(node.documents(INDEX).iter().all(|it| it["_version"] == 1));
}

fn part(number: usize) -> String {
    let numbers = number * PART..(number + 1) * PART;
    numbers.map(|number| event(number, "a", 0)).collect()
}

/// How many documents there are to see; 0 while there is no index.
fn arrived(node: &Node) -> u64 {
    let client = node.client();
    // Answers with 404 until the first document is there.
    let _ = client.get(&format!("/{INDEX}/_refresh"));
    let count = client.get(&format!("/{INDEX}/_count"));
    let count = count.ok().filter(|answer| answer.code == 200);
    count.map_or(0, |answer| answer.json()["count"].as_u64().unwrap_or(0))
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never {what}");
        std::thread::yield_now();
    }
}

/// Waits until the other receiver has all events of so many parts.
fn received(hook: &FakeHttp<Webhook>, parts: usize) {
    hook.wait_until("all of these parts", |hook| {
        let arrays = hook.without_id().iter();
        let events = arrays.filter_map(Value::as_array).flatten();
        let ids: BTreeSet<String> = events.map(id).collect();
        ids.len() >= parts * PART
    });
}
