//! What events are about, looked up: the whole weir against the fake API server.

use serde_json::{Value, json};
use weir_tests::fake_api::{ADMIN, EventSpec, FakeApi, Options, Rule};
use weir_tests::folder::Folder;
use weir_tests::watching::Watching;

fn pod(name: &str, labels: Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "default", "uid": format!("uid-of-{name}"), "labels": labels,
            "annotations": {"team": "checkout", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": "ru"}],
        },
        "spec": {},
    })
}

fn started(api: &mut FakeApi, user: &str, lookups: bool) -> (Watching, Folder) {
    let folder = Folder::new("lookup-access");
    let kubeconfig = api.kubeconfig(folder.path(), user);
    let mut weir = Watching::new("lookup", &kubeconfig);
    weir.lookups = lookups;
    weir.start("{backlog: all}", "");
    (weir, folder)
}

/// Requests for anything but events.
fn lookups(api: &FakeApi) -> Vec<String> {
    let requests = api.requests().into_iter();
    let others = requests.filter(|request| !request.path.ends_with("/events"));
    others.map(|request| request.path).collect()
}

#[test]
fn documents_have_what_their_objects_have() {
    let mut api = FakeApi::start(Options::default());
    api.put(pod("a", json!({"app.kubernetes.io/name": "shop"})));
    for name in ["a", "a", "gone"] {
        api.create_event(EventSpec::about(name));
    }
    let (mut weir, _folder) = started(&mut api, ADMIN, true);
    weir.take(3);
    weir.stop();
    for document in &weir.documents {
        let about = &document["involvedObject"];
        if about["name"] == "gone" {
            assert_eq!(
                (&about["deleted"], &about["labels"]),
                (&json!(true), &Value::Null)
            );
            continue;
        }
        assert_eq!(about["labels"], json!({"app.kubernetes.io/name": "shop"}));
        assert_eq!(about["annotations"], json!({"team": "checkout"}));
        assert_eq!(about["ownerReferences"][0]["kind"], "ReplicaSet");
        assert_eq!(about["deleted"], false);
    }
    let asked = lookups(&api);
    let of_a = asked.iter().filter(|path| path.ends_with("/pods/a"));
    assert_eq!(of_a.count(), 1, "once for both events: {asked:?}");
}

#[test]
fn a_rule_can_ask_for_labels() {
    let mut api = FakeApi::start(Options::default());
    api.put(pod("a", json!({"app": "shop"})));
    api.put(pod("b", json!({"app": "other"})));
    for name in ["a", "b"] {
        api.create_event(EventSpec::about(name));
    }
    let folder = Folder::new("lookup-access");
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let mut weir = Watching::new("lookup", &kubeconfig);
    weir.lookups = true;
    weir.start_with(
        "{backlog: all}",
        "route: {match: [{labels: {app: ^shop$}, receiver: dump}]}\nreceivers: [{name: dump, stdout: {}, batch: {age: 0s}}]",
    );
    weir.take(1);
    let run = weir.stop();
    assert_eq!(weir.documents[0]["involvedObject"]["name"], "a");
    assert_eq!(run.ledger["unrouted"], 1);
}

#[test]
fn what_may_not_be_looked_up_is_said_once_and_events_go_on() {
    let mut api = FakeApi::start(Options::default());
    api.add_user(
        "events-only",
        [Rule::new(&["list", "watch"], "", &["events"])],
    );
    for number in 0..20 {
        api.put(pod(&format!("p{number}"), json!({"a": "b"})));
        api.create_event(EventSpec::about(&format!("p{number}")));
    }
    let (mut weir, _folder) = started(&mut api, "events-only", true);
    weir.take(20);
    let run = weir.stop();
    let said = run
        .ended
        .stderr
        .lines()
        .filter(|line| line.contains("weir-lookup"));
    assert_eq!(said.count(), 1, "{}", run.ended.stderr);
    assert!(
        weir.documents
            .iter()
            .all(|document| document["involvedObject"]["labels"].is_null())
    );
}

#[test]
fn nothing_is_asked_where_lookups_are_off() {
    let mut api = FakeApi::start(Options::default());
    api.put(pod("a", json!({"app": "shop"})));
    api.create_event(EventSpec::about("a"));
    let (mut weir, _folder) = started(&mut api, ADMIN, false);
    weir.take(1);
    weir.stop();
    assert_eq!(lookups(&api), [""; 0]);
}
