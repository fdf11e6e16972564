//! Events in an index, each once, whatever happens on the way.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, few, id};
use weir_tests::event;
use weir_tests::fake_http::elasticsearch::{Elasticsearch, Product};
use weir_tests::fake_http::{FakeHttp, Fault, Options, Reply, Times};
use weir_tests::running::Ended;

const INDEX: &str = "kube-events";

type Fake = FakeHttp<Elasticsearch>;

fn fake(handler: Elasticsearch) -> Fake {
    FakeHttp::start(Options::default(), handler)
}

fn new() -> Elasticsearch {
    Elasticsearch::new(Product::Elasticsearch8)
}

fn sink(fake: &Fake) -> Value {
    json!({"elasticsearch": {"hosts": [fake.url()]}})
}

/// The ids of documents: a `/` is none that everybody takes.
fn ids(events: &[Value]) -> BTreeSet<String> {
    events.iter().map(|it| id(it).replace('/', "-")).collect()
}

/// Every event is in the index, was created once, and never replaced.
fn each_once(fake: &Fake, index: &str, expected: &BTreeSet<String>) {
    fake.look(|fake| {
        let documents = fake.documents(index);
        let there: BTreeSet<String> = documents.iter().map(|it| it.id.clone()).collect();
        assert_eq!(&there, expected);
        for document in documents {
            let how = (document.created, document.updated);
            assert_eq!(how, (1, 0), "{document:?}");
        }
    });
}

/// All of the few, nothing dead.
fn all_delivered(fake: &Fake, scene: &Delivering, ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let events = few();
    each_once(fake, INDEX, &ids(&events));
    assert_eq!(scene.count("out", "delivered"), events.len() as i64);
    assert!(scene.letters("out").is_empty());
}

/// How many documents each bulk request had.
fn sizes(fake: &Fake) -> Vec<usize> {
    let journal = fake.journal();
    let bulk = journal.iter().filter(|request| request.path == "/_bulk");
    bulk.map(|request| request.text().lines().count() / 2)
        .collect()
}

#[test]
fn every_event_is_in_the_index_once_by_either_name() {
    for (name, product) in [
        ("elasticsearch", Product::Elasticsearch7),
        ("elasticsearch", Product::Elasticsearch9),
        ("opensearch", Product::OpenSearch1),
        ("opensearch", Product::OpenSearch3),
    ] {
        let fake = fake(Elasticsearch::new(product));
        let scene = Delivering::to("es-once", json!({name: {"hosts": [fake.url()]}}));
        all_delivered(&fake, &scene, &scene.run());
        for event in few() {
            let id = id(&event).replace('/', "-");
            let document = fake.look(|fake| fake.document(INDEX, &id).cloned());
            let source = document.expect("it is there").source;
            for field in ["reason", "message", "type"] {
                assert_eq!(source[field], event[field], "{id}");
            }
            assert_eq!(
                source["involvedObject"]["name"],
                event["involvedObject"]["name"]
            );
            assert!(source["@timestamp"].is_string(), "{source}");
            assert!(source["metadata"].get("managedFields").is_none());
        }
    }
}

#[test]
fn an_event_that_does_not_fit_the_index_is_dead_and_says_what_to_change() {
    let fake = fake(new().whole_number("odd"));
    let odd = event(2, "a", 0).replacen("\"reason\"", "\"odd\":\"seven\",\"reason\"", 1);
    let lines = [event(1, "a", 0), odd, event(3, "a", 0)].concat();
    let scene = Delivering::to("es-mapping", sink(&fake)).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let letters = scene.letters("out");
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["id"], "uid-2/2");
    let reason = letters[0]["reason"].as_str().expect("text");
    for part in ["[odd]", "seven", "index template", "layout"] {
        assert!(reason.contains(part), "{part} is not in {reason}");
    }
    let expected = ["uid-1-1", "uid-3-3"].map(str::to_owned);
    each_once(&fake, INDEX, &expected.into());
}

#[test]
fn only_the_items_of_a_full_queue_are_sent_again() {
    let fake = fake(new());
    fake.change(|fake| fake.reject_items(5));
    let scene = Delivering::to("es-429", sink(&fake));
    all_delivered(&fake, &scene, &scene.run());
    assert_eq!(sizes(&fake), [34, 5]);
}

#[test]
fn what_was_stored_before_the_answer_got_lost_is_not_stored_again() {
    for fault in [Fault::LostAnswer, Fault::HalfAnswer] {
        let fake = fake(new());
        fake.fail(Times::Next(1), fault);
        let scene = Delivering::to("es-lost", sink(&fake));
        all_delivered(&fake, &scene, &scene.run());
        let conflicts = fake.look(|fake| {
            let documents = fake.documents(INDEX);
            documents.iter().map(|it| it.conflicts).sum::<u32>()
        });
        assert_eq!(conflicts, 34, "409 says that it is there");
    }
}

#[test]
fn a_body_that_is_too_large_is_split_and_a_single_one_is_dead() {
    let fake = fake(new());
    fake.change(|fake| fake.set_body_bytes_max(6000));
    let scene = Delivering::to("es-413", sink(&fake));
    all_delivered(&fake, &scene, &scene.run());
    assert!(sizes(&fake).len() > 4, "{:?}", sizes(&fake));
    let lines = [event(1, "a", 0), event(2, "a", 9000), event(3, "a", 0)].concat();
    let scene = Delivering::to("es-413-one", sink(&fake)).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let letters = scene.letters("out");
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["id"], "uid-2/2");
    let reason = letters[0]["reason"].as_str().expect("text");
    assert!(reason.contains("http.max_content_length"), "{reason}");
}

/// Runs until the first failure is said, mends it, and runs to the end. Gives what was said.
fn mended(fake: &mut Fake, mut sink: Value, mend: impl FnOnce(&mut Fake)) -> String {
    sink["elasticsearch"]["hosts"] = json!([fake.url()]);
    let scene = Delivering::to("es-mended", sink);
    let mut running = scene.start();
    let said = running.await_line("not delivered, will be tried again");
    mend(fake);
    all_delivered(fake, &scene, &running.end());
    said
}

/// As another that is made by value.
fn with(fake: &Fake, make: impl FnOnce(Elasticsearch) -> Elasticsearch) {
    fake.change(|fake| {
        let taken = std::mem::replace(fake, new());
        *fake = make(taken);
    });
}

#[test]
fn credentials_that_are_mended_later_cost_no_event() {
    let mut fake = fake(new());
    fake.change(Elasticsearch::revoke);
    let sink = json!({"elasticsearch": {"apiKey": "a2V5"}});
    let said = mended(&mut fake, sink, |fake| {
        with(fake, |fake| fake.api_key("a2V5"));
    });
    for part in ["401", "check `apiKey`", "Base64"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn privileges_that_are_given_later_cost_no_event() {
    let mut fake = fake(new().user("weir", "secret"));
    fake.change(|fake| fake.privileges(INDEX, &["read"]));
    let sink = json!({"elasticsearch": {"username": "weir", "password": "secret"}});
    let said = mended(&mut fake, sink, |fake| {
        fake.change(|fake| fake.privileges(INDEX, &["create_doc", "auto_configure"]));
    });
    for part in ["security_exception", "`create_doc`", "`auto_configure`"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
}

#[test]
fn a_failure_that_passes_costs_no_event() {
    let unavailable = Reply::text(503, "not now\n").with("retry-after", "1");
    let page = Reply::text(200, "<html>log in</html>");
    for (fault, expected) in [
        (Fault::Reset, "broken answer"),
        (Fault::Close, "broken answer"),
        (Fault::Refuse(unavailable), "503"),
        (Fault::status(502), "502"),
        (Fault::Refuse(page), "no answer of `_bulk`"),
        (Fault::too_many(1), "429"),
    ] {
        let mut fake = fake(new());
        fake.fail(Times::Always, fault.clone());
        let said = mended(&mut fake, json!({"elasticsearch": {}}), |fake| fake.heal());
        assert!(said.contains(expected), "{fault:?}: {said}");
    }
}

#[test]
fn an_answer_that_does_not_come_in_time_costs_no_event() {
    for fault in [Fault::Hold, Fault::HoldAnswer, Fault::HoldBody] {
        let mut fake = fake(new());
        fake.fail(Times::Next(1), fault);
        let sink = json!({"elasticsearch": {}, "http": {"timeout": "200ms"}});
        let said = mended(&mut fake, sink, |_| {});
        assert!(said.contains("timeout"), "{said}");
    }
}

#[test]
fn a_server_that_is_down_gets_everything_when_it_is_up() {
    let mut fake = fake(new());
    fake.stop_listening();
    let said = mended(&mut fake, json!({"elasticsearch": {}}), |fake| {
        fake.start_listening();
    });
    assert!(said.contains("is it running"), "{said}");
}

#[test]
fn a_host_that_is_down_is_left_for_the_other() {
    let mut down = fake(new());
    down.stop_listening();
    let up = fake(new());
    let hosts = json!([down.url(), up.url()]);
    let scene = Delivering::to("es-two", json!({"elasticsearch": {"hosts": hosts}}));
    all_delivered(&up, &scene, &scene.run());
}

/// Another observation of the event that [`event`] makes.
fn observation(number: usize, version: usize, made: &str) -> String {
    let own = format!("\"resourceVersion\":\"{number}\"");
    let new = format!("\"resourceVersion\":\"{version}\",\"creationTimestamp\":\"{made}\"");
    event(number, "a", 0).replace(&own, &new).replace(
        "\"message\":\"number",
        &format!("\"message\":\"version {version}"),
    )
}

#[test]
fn with_use_event_id_there_is_one_document_with_the_newest_version() {
    let made = "2026-11-23T10:00:00Z";
    let lines = [9, 11, 10]
        .map(|version| observation(1, version, made))
        .concat();
    let fake = fake(new());
    let sink = json!({"elasticsearch": {"hosts": [fake.url()], "useEventID": true}});
    let scene = Delivering::to("es-update", sink).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let documents: Vec<_> = fake.look(|fake| {
        let documents = fake.documents(INDEX).into_iter();
        documents.cloned().collect()
    });
    assert_eq!(documents.len(), 1, "{documents:?}");
    assert_eq!(
        (documents[0].id.as_str(), documents[0].version),
        ("uid-1", 11)
    );
    let message = documents[0].source["message"].as_str().expect("text");
    assert!(message.starts_with("version 11"), "{message}");
    assert_eq!(scene.count("out", "delivered"), 3);
}

#[test]
fn an_index_is_named_by_the_time_of_the_event() {
    let at = |number: usize, day: &str| {
        let times = format!("\"lastTimestamp\":\"{day}T23:59:59Z\",\"reason\"");
        event(number, "a", 0).replacen("\"reason\"", &times, 1)
    };
    let lines = [
        at(1, "2026-01-31"),
        at(2, "2026-02-01"),
        at(3, "2026-01-31"),
    ]
    .concat();
    let fake = fake(new());
    let sink =
        json!({"elasticsearch": {"hosts": [fake.url()], "indexFormat": "kube-{2006-01-02}"}});
    let scene = Delivering::to("es-format", sink).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ids = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    each_once(&fake, "kube-2026-01-31", &ids(&["uid-1-1", "uid-3-3"]));
    each_once(&fake, "kube-2026-02-01", &ids(&["uid-2-2"]));
}

#[test]
fn a_data_stream_takes_every_event_once() {
    let fake = fake(new().data_streams("logs-"));
    fake.fail(Times::Next(1), Fault::LostAnswer);
    let sink = json!({"elasticsearch": {"hosts": [fake.url()], "index": "logs-kube-default"}});
    let scene = Delivering::to("es-stream", sink);
    let ended = scene.run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    each_once(&fake, "logs-kube-default", &ids(&few()));
}
