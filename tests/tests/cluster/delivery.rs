//! What is delivered, in a namespace of its own: starts, stops, kills, several replicas.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use weir_tests::cluster::place::{Place, states};
use weir_tests::watching::{State, Watching};

const CHECKPOINT: &str = "checkpoint: {file: position}";
const LEASE_S: u64 = 6;
/// How often the lease is renewed, and looked at.
const RETRY_S: u64 = 1;

fn weir(name: &str, place: &Place) -> Watching {
    Watching::new(name, place.kubectl.kubeconfig())
}

fn set(events: &[Value]) -> BTreeSet<State> {
    states(events).into_iter().collect()
}

pub fn first_start(place: &Place) {
    let there = place.create(300);
    let mut record = place.record();
    let mut weir = weir("cluster-first", place);
    weir.start(&place.source(""), "");
    weir.take(there.len());
    let came = place.create(200);
    record.take_until(&states(&came));
    weir.take_all(record.states());
    let run = weir.stop();
    assert_eq!(run.ended.code, Some(0), "{}", run.ended.stderr);
    assert_eq!(&weir.states(), record.states());
    assert_eq!(weir.documents.len(), 500, "nothing comes twice");
    assert_eq!(run.ledger["received"], 500);
}

pub fn repeats(place: &Place) {
    let mut record = place.record();
    let mut weir = weir("cluster-repeats", place);
    weir.start(&place.source(""), "");
    let mut events = place.create(20);
    weir.take(events.len());
    for _ in 0..3 {
        events = place.repeat(&events);
    }
    record.take_until(&states(&events));
    weir.take_all(record.states());
    weir.stop();
    assert_eq!(&weir.states(), record.states());
    assert_eq!(weir.documents.len(), 80, "each state is an event, once");
    for uid in events.iter().map(|event| &event["metadata"]["uid"]) {
        let mine = weir
            .documents
            .iter()
            .filter(|document| document["metadata"]["uid"] == *uid);
        let counts: Vec<u64> = mine
            .map(|document| document["count"].as_u64().expect("a count"))
            .collect();
        assert_eq!(counts, [1, 2, 3, 4], "in order for one object");
    }
}

pub fn restart(place: &Place) {
    let mut record = place.record();
    let mut weir = weir("cluster-restart", place);
    weir.start(&place.source(""), CHECKPOINT);
    let first = place.create(30);
    weir.take(first.len());
    assert_eq!(weir.stop().ended.code, Some(0));
    // The server still has all states: none is missing, not even those in between.
    let away = place.create(30);
    place.repeat(&first);
    let last = place.repeat(&first);
    record.take_until(&states(&[away, last].concat()));
    weir.start(&place.source(""), CHECKPOINT);
    weir.take_all(record.states());
    let run = weir.stop();
    weir.came_once(record.states());
    assert_eq!(run.ledger["duplicates"], 0);
}

pub fn kill(place: &Place) {
    let mut record = place.record();
    let mut weir = weir("cluster-kill", place);
    for _ in 0..3 {
        weir.start(&place.source(""), CHECKPOINT);
        let came = place.create(100);
        weir.take(50);
        weir.kill();
        let kept = weir.positions_of(&place.namespace);
        let kept = kept.get("dump").copied().unwrap_or(0);
        let before = weir.documents.len();
        let away = place.create(20);
        record.take_until(&states(&[came, away].concat()));
        weir.start(&place.source(""), CHECKPOINT);
        weir.take_all(record.states());
        for (_, version) in &weir.sequence()[before..] {
            assert!(*version > kept, "{version} was settled before {kept}");
        }
        weir.stop();
    }
    assert_eq!(&weir.states(), record.states());
}

pub fn both_forms(place: &Place) {
    let mut record = place.record();
    let [mut core, mut newer] = ["v1", "events.k8s.io/v1"].map(|api| {
        let mut weir = weir("cluster-forms", place);
        weir.start(&place.source(&format!(", api: {api}")), "");
        weir
    });
    let events = place.create(50);
    let events = place.repeat(&events);
    record.take_until(&states(&events));
    for weir in [&mut core, &mut newer] {
        weir.take_all(record.states());
        weir.stop();
        assert_eq!(&weir.states(), record.states());
        assert_eq!(weir.documents.len(), 100);
    }
    let told = |weir: &Watching| -> BTreeSet<String> {
        let keys = [
            "metadata",
            "involvedObject",
            "reason",
            "message",
            "count",
            "type",
        ];
        let told = |document: &Value| {
            let mut document = document.clone();
            document["metadata"] = document["metadata"]["uid"].clone();
            keys.map(|key| document[key].to_string()).join(" ")
        };
        weir.documents.iter().map(told).collect()
    };
    assert_eq!(told(&core), told(&newer));
}

pub fn config_map(place: &Place) {
    let mut record = place.record();
    let folder = weir("cluster-context", place);
    // The ConfigMap is where the kubeconfig's context is: a namespace that is ours.
    let kubeconfig = context_in(place, &folder);
    let mut weir = Watching::new("cluster-config-map", &kubeconfig);
    let checkpoint = "checkpoint: {configMap: weir-position}";
    weir.start(&place.source(""), checkpoint);
    let came = place.create(10);
    weir.take(came.len());
    weir.stop();
    let arguments = ["get", "configmap", "weir-position", "-n", &place.namespace];
    let kept = place.kubectl.object(&arguments);
    assert!(
        kept["data"]["position"]
            .as_str()
            .is_some_and(|text| text.contains("dump")),
        "{kept}"
    );
    let away = place.create(10);
    record.take_until(&states(&away));
    weir.start(&place.source(""), checkpoint);
    weir.take_all(record.states());
    weir.stop();
    assert_eq!(weir.documents.len(), 20, "nothing comes twice");
}

/// A kubeconfig with the place's namespace in its context, in a weir's folder.
fn context_in(place: &Place, weir: &Watching) -> std::path::PathBuf {
    let arguments = ["config", "view", "--raw", "--flatten", "--minify"];
    let mut config = place.kubectl.object(&arguments);
    config["contexts"][0]["context"]["namespace"] = place.namespace.clone().into();
    let path = weir.file("own.kubeconfig");
    std::fs::write(&path, config.to_string()).expect("a file can be written");
    path
}

fn with_election(place: &Place) -> String {
    let namespace = &place.namespace;
    place.source(&format!(
        ", leaderElection: {{enabled: true, leaseNamespace: {namespace}, leaseDuration: {LEASE_S}s, renewDeadline: 3s, retryPeriod: {RETRY_S}s}}"
    ))
}

/// The position that the leader wrote last.
fn position(place: &Place) -> u64 {
    let lease = place
        .kubectl
        .object(&["get", "lease", "weir", "-n", &place.namespace]);
    let text = lease["metadata"]["annotations"]["weir.dev/position"].as_str();
    let kept: Value = text.map_or(Value::Null, |text| {
        serde_json::from_str(text).expect("JSON")
    });
    let version = kept["watches"][&place.namespace]["receivers"]["dump"].as_str();
    version.map_or(0, |version| version.parse().expect("a version"))
}

fn leader_and_standby(place: &Place) -> [Watching; 2] {
    let [mut first, mut second] = ["leader", "standby"].map(|name| weir(name, place));
    first.start(&with_election(place), "");
    first
        .running()
        .await_said("leading: this process holds the lease");
    second.start(&with_election(place), "");
    second
        .running()
        .await_said("standby: another process holds the lease");
    [first, second]
}

pub fn killed_leader(place: &Place) {
    let mut record = place.record();
    let [mut first, mut second] = leader_and_standby(place);
    let before = place.create(50);
    first.take(before.len());
    place.create(50);
    let killed = Instant::now();
    first.kill();
    let kept = position(place);
    let away = place.create(20);
    second
        .running()
        .await_said("leading: this process holds the lease");
    let took = killed.elapsed();
    // It has seen a renewal at most one (jittered) period after it was made, and looks again a period later; what is
    // left is for a slow machine.
    let most = Duration::from_secs(LEASE_S + 2 * RETRY_S + 2);
    assert!(took < most, "it took over after {took:?}");
    record.take_until(&states(&away));
    let came = first.states();
    let missing: BTreeSet<State> = record.states().difference(&came).cloned().collect();
    second.take_all(&missing);
    second.stop();
    let all: BTreeSet<State> = first.states().union(&second.states()).cloned().collect();
    assert_eq!(&all, record.states());
    for (_, version) in second.sequence() {
        assert!(
            version > kept,
            "{version} was settled at the last renewal, {kept}"
        );
    }
    assert_eq!(second.documents.len(), second.states().len());
}

pub fn stopped_leader(place: &Place) {
    let [mut first, mut second] = leader_and_standby(place);
    let before = place.create(20);
    first.take(before.len());
    let stopped = Instant::now();
    assert_eq!(first.stop().ended.code, Some(0));
    second
        .running()
        .await_said("leading: this process holds the lease");
    let took = stopped.elapsed();
    assert!(
        took < Duration::from_secs(LEASE_S),
        "it took over after {took:?}"
    );
    let after = place.create(10);
    second.take(after.len());
    second.stop();
    assert_eq!(first.states(), set(&before));
    assert_eq!(second.states(), set(&after), "and repeats nothing");
}
