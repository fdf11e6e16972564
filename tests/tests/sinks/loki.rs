//! Events in Loki: each once, with its time and its labels, in order, and with the tenant it belongs to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, few, id};
use weir_tests::event;
use weir_tests::fake_http::loki::{Entry, Limits, Loki};
use weir_tests::fake_http::{FakeHttp, Fault, Options, Times};
use weir_tests::running::Ended;

type Fake = FakeHttp<Loki>;

fn fake(loki: Loki) -> Fake {
    let fake = FakeHttp::start(Options::default(), loki);
    fake.change(|loki| loki.set_now("2026-11-24T00:00:00Z".parse().expect("a time")));
    fake
}

fn sink(fake: &Fake) -> Value {
    json!({"loki": {"url": fake.url()}})
}

/// All entries of a tenant, with the labels of their streams.
fn entries(fake: &Fake, tenant: &str) -> Vec<(BTreeMap<String, String>, Entry)> {
    let streams = fake.look(|loki| loki.streams(tenant));
    let streams = streams.into_values();
    streams
        .flat_map(|it| {
            let labels = it.labels;
            it.entries
                .into_iter()
                .map(move |entry| (labels.clone(), entry))
        })
        .collect()
}

fn document(entry: &Entry) -> Value {
    serde_json::from_str(&entry.line).expect("a line is a document")
}

fn ids(events: impl IntoIterator<Item = Value>) -> BTreeSet<String> {
    events.into_iter().map(|it| id(&it)).collect()
}

/// All of the few, each stored once.
fn all_delivered(fake: &Fake, scene: &Delivering, ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let there = entries(fake, "fake");
    let found = ids(there.iter().map(|(_, entry)| document(entry)));
    assert_eq!(found, ids(few()));
    assert_eq!(there.len(), few().len(), "none is there twice");
    assert_eq!(scene.count("out", "delivered"), few().len() as i64);
    assert!(scene.letters("out").is_empty());
}

/// An event of a second of 2026-11-23, in a namespace.
fn at(number: usize, second: u32, namespace: &str) -> String {
    let time = format!(
        "2026-11-23T{:02}:{:02}:{:02}Z",
        second / 3600,
        second / 60 % 60,
        second % 60
    );
    event(number, "a", 0)
        .replace("\"default\"", &format!("\"{namespace}\""))
        .replacen(
            "\"reason\"",
            &format!("\"lastTimestamp\":\"{time}\",\"reason\""),
            1,
        )
}

#[test]
fn every_event_is_there_with_its_time_its_labels_and_in_order() {
    let fake = fake(Loki::new());
    let scene = Delivering::to("loki", sink(&fake));
    all_delivered(&fake, &scene, &scene.run());
    for (labels, entry) in entries(&fake, "fake") {
        let event = document(&entry);
        assert_eq!(event["type"], labels["type"].as_str());
        let namespace = event["involvedObject"]["namespace"].as_str();
        let label = labels.get("namespace").map(String::as_str);
        assert!(label == namespace || label == event["metadata"]["namespace"].as_str());
        let time = [
            &event["lastTimestamp"],
            &event["eventTime"],
            &event["metadata"]["creationTimestamp"],
        ];
        let time = time.into_iter().find_map(Value::as_str).expect("a time");
        let time: jiff::Timestamp = time.parse().expect("a time");
        assert_eq!(entry.timestamp.as_second(), time.as_second(), "{event}");
    }
    for stream in fake.look(|loki| loki.streams("fake")).values() {
        let times: Vec<_> = stream.entries.iter().map(|it| it.timestamp).collect();
        assert!(times.is_sorted(), "{times:?}");
    }
}

#[test]
fn each_tenant_gets_its_own_out_of_one_batch() {
    let fake = fake(Loki::new().multi_tenant());
    let namespaces = ["red", "green", "blue"];
    let lines: String = (0..30)
        .map(|number| at(number, number as u32, namespaces[number % 3]))
        .collect();
    let tenant = json!({"loki": {"url": fake.url(), "tenant": "{{ .Namespace }}"}});
    let scene = Delivering::to("loki-tenants", tenant).events(&lines);
    // One of the three cannot take anything at first; the others do not wait for it.
    fake.fail_if(Times::Next(1), Fault::status(500), |request| {
        request.header("x-scope-orgid") == "green"
    });
    let ended = scene.run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for namespace in namespaces {
        let there = entries(&fake, namespace);
        assert_eq!(there.len(), 10, "{namespace}");
        for (_, entry) in there {
            assert_eq!(document(&entry)["involvedObject"]["namespace"], namespace);
            assert_eq!(entry.pushed, 1);
        }
    }
    assert!(
        fake.journal().len() <= 4,
        "one request a tenant, and one again"
    );
}

#[test]
fn a_tenant_that_is_missing_is_said_and_nothing_is_lost() {
    let fake = fake(Loki::new().multi_tenant());
    let scene = Delivering::to("loki-no-tenant", sink(&fake));
    let mut running = scene.start();
    let said = running.await_line("not delivered, will be tried again");
    assert!(said.contains("set `tenant`"), "{said}");
    running.signal(rustix::process::Signal::KILL);
    running.await_end();
    assert!(scene.letters("out").is_empty());
}

#[test]
fn a_failure_that_passes_costs_no_event_and_doubles_none() {
    for fault in [
        Fault::too_many(0),
        Fault::status(500),
        Fault::status(503),
        Fault::Reset,
        Fault::LostAnswer,
        Fault::HalfAnswer,
    ] {
        let fake = fake(Loki::new());
        fake.fail(Times::Next(2), fault);
        let scene = Delivering::to("loki-fault", sink(&fake));
        all_delivered(&fake, &scene, &scene.run());
    }
    let fake = fake(Loki::new());
    fake.change(|loki| loki.limit_rate(2));
    let scene = Delivering::to("loki-rate", sink(&fake));
    all_delivered(&fake, &scene, &scene.run());
}

#[test]
fn a_push_that_is_too_large_is_split() {
    let fake = fake(Loki::new());
    fake.fail_if(Times::Always, Fault::status(413), |request| {
        request.body.len() > 8000
    });
    let scene = Delivering::to("loki-413", sink(&fake));
    all_delivered(&fake, &scene, &scene.run());
}

#[test]
fn a_line_that_is_too_long_is_dead_and_the_others_are_stored() {
    let limits = Limits {
        line_bytes_max: 2000,
        ..Limits::default()
    };
    let fake = fake(Loki::new().limits(limits));
    let long = at(2, 2, "default").replace("number 2", &"x".repeat(3000));
    let lines = [at(1, 1, "default"), long, at(3, 3, "default")].concat();
    let scene = Delivering::to("loki-long", sink(&fake)).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let letters = scene.letters("out");
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["id"], "uid-2/2");
    let reason = letters[0]["reason"].as_str().expect("text");
    assert!(reason.contains("max_line_size"), "{reason}");
    let there = entries(&fake, "fake");
    let found = ids(there.iter().map(|(_, entry)| document(entry)));
    assert_eq!(found, BTreeSet::from(["uid-1/1".into(), "uid-3/3".into()]));
}

#[test]
fn a_server_that_is_down_gets_everything_when_it_is_up() {
    let mut fake = fake(Loki::new());
    fake.stop_listening();
    let scene = Delivering::to("loki-down", sink(&fake));
    let mut running = scene.start();
    running.await_said("is it running");
    fake.start_listening();
    all_delivered(&fake, &scene, &running.end());
}

#[test]
fn an_entry_too_far_behind_is_stored_once_with_the_present_time() {
    let fake = fake(Loki::new());
    // Loki's own time: what is moved gets the machine's.
    fake.change(|loki| loki.set_now(jiff::Timestamp::now()));
    let now = jiff::Timestamp::now();
    let ago = |minutes: i64| now - jiff::SignedDuration::from_mins(minutes);
    let times = [ago(30), ago(600), ago(30), ago(500), ago(60 * 24 * 30)];
    let lines: String = (1..)
        .zip(times)
        .map(|(number, time)| {
            let time = format!("\"lastTimestamp\":\"{time:.0}\",\"reason\"");
            event(number, "a", 0).replacen("\"reason\"", &time, 1)
        })
        .collect();
    // Behind is what came before: a batch is put in order.
    let mut sink = sink(&fake);
    sink["batch"] = json!({"events": 1});
    let scene = Delivering::to("loki-behind", sink).events(&lines);
    let ended = scene.run();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let there = entries(&fake, "fake");
    assert_eq!(there.len(), 5, "{there:?}");
    let found = ids(there.iter().map(|(_, entry)| document(entry)));
    assert_eq!(found.len(), 5);
    let moved = there.iter().filter(|(_, entry)| entry.timestamp >= ago(0));
    assert_eq!(moved.count(), 3, "{there:?}");
    let own = there
        .iter()
        .filter(|(_, entry)| entry.metadata.contains_key("event_time"));
    assert_eq!(own.count(), 3, "their own time stands beside them");
    assert!(
        ended.stderr.contains("get the present time"),
        "{}",
        ended.stderr
    );
    assert_eq!(scene.count("out", "delivered"), 5);
}
