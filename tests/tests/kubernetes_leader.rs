//! Several replicas and one lease: the whole weir against the fake API server.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;
use weir_tests::fake_api::{ADMIN, EventSpec, FakeApi, Options};
use weir_tests::folder::Folder;
use weir_tests::watching::{State, Watching, state, states_of};

const SOURCE: &str = "{backlog: all, leaderElection: {enabled: true, leaseDuration: 5s, renewDeadline: 2s, retryPeriod: 200ms}}";

fn replicas(count: usize) -> (FakeApi, Vec<Watching>, Folder) {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("leader-access");
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let replica = |_| Watching::new("leader", &kubeconfig);
    let replicas = (0..count).map(replica).collect();
    (api, replicas, folder)
}

fn create(api: &FakeApi, count: usize) -> Vec<State> {
    let event =
        |number: usize| state(&api.create_event(EventSpec::about(&format!("pod-{number}"))));
    (0..count).map(event).collect()
}

/// The position of the receiver `dump` in the lease.
fn position(api: &FakeApi) -> u64 {
    let lease = api
        .object("Lease", "default", "weir")
        .expect("there is a lease");
    let text = lease["metadata"]["annotations"]["weir.dev/position"].as_str();
    let kept: Value = text.map_or(Value::Null, |text| {
        serde_json::from_str(text).expect("JSON")
    });
    let version = kept["watches"][""]["receivers"]["dump"].as_str();
    version.map_or(0, |version| version.parse().expect("a version"))
}

fn set(states: &[State]) -> BTreeSet<State> {
    states.iter().cloned().collect()
}

#[test]
fn a_killed_leader_is_followed_by_a_standby_that_loses_nothing() {
    let (api, mut replicas, _folder) = replicas(2);
    let [first, second] = &mut replicas[..] else {
        panic!("two")
    };
    create(&api, 3);
    first.start(SOURCE, "");
    first.take(3);
    second.start(SOURCE, "");
    second.running().await_said("standby");
    create(&api, 20);
    first.take(20);
    first.kill();
    let kept = position(&api);
    let away = create(&api, 5);
    second.take_until(away.last().expect("five"));
    second.stop();
    let mut came = first.states();
    came.extend(second.states());
    assert_eq!(came, states_of(&api.journal()));
    for (_, version) in second.sequence() {
        assert!(
            version > kept,
            "{version} was settled at the last renewal, {kept}"
        );
    }
}

#[test]
fn a_leader_that_stops_hands_over_at_once_and_without_repeats() {
    let (api, mut replicas, _folder) = replicas(2);
    let [first, second] = &mut replicas[..] else {
        panic!("two")
    };
    first.start(SOURCE, "");
    api.wait_until("the first watches", |view| view.watches() == 1);
    second.start(SOURCE, "");
    second.running().await_said("standby");
    let before = create(&api, 10);
    first.take(10);
    assert_eq!(first.stop().ended.code, Some(0));
    let (_, last) = before.last().expect("ten");
    assert!(position(&api) >= *last, "the release has the last position");
    let after = create(&api, 3);
    second.take(3);
    second.stop();
    assert_eq!(
        (set(&first.sequence()), set(&second.sequence())),
        (set(&before), set(&after))
    );
}

#[test]
fn a_leader_that_cannot_renew_ends_before_another_begins() {
    let (api, mut replicas, _folder) = replicas(1);
    let first = &mut replicas[0];
    first.start(SOURCE, "");
    api.wait_until("it watches", |view| view.watches() == 1);
    create(&api, 2);
    first.take(2);
    // Somebody takes the lease by force.
    let mut lease = api
        .object("Lease", "default", "weir")
        .expect("there is a lease");
    lease["spec"]["holderIdentity"] = "somebody-else".into();
    lease["metadata"]["resourceVersion"].take();
    api.put(lease);
    let run = first.await_end();
    assert_eq!(run.ended.code, Some(1));
    assert!(
        run.ended
            .stderr
            .contains("the lease is held by somebody-else"),
        "{}",
        run.ended.stderr
    );
}

#[test]
fn a_standby_stops_when_it_is_told_to() {
    let (_api, mut replicas, _folder) = replicas(2);
    let [first, second] = &mut replicas[..] else {
        panic!("two")
    };
    first.start(SOURCE, "");
    first.running().await_said("position loaded");
    second.start(SOURCE, "");
    second.running().await_said("standby");
    assert_eq!(second.end(Signal::TERM).ended.code, Some(0));
}
