//! What a test does to the server: restart, restore, journal.

use weir_tests::fake_api::{Action, EventSpec};

use crate::client::{End, plain};

#[test]
fn a_server_comes_back_at_the_same_address_with_its_objects() {
    let (mut api, client) = plain();
    api.create_event(EventSpec::about("a"));
    let from = api.revision();
    let mut watch = client.watch(&format!("resourceVersion={from}"));
    api.create_event(EventSpec::about("b"));
    watch.line();
    for _ in 0..3 {
        api.stop_listening();
        assert!(std::net::TcpStream::connect(api.address()).is_err());
        assert_eq!(api.watch_count(), 0);
        api.start_listening();
    }
    assert_eq!(watch.end(), End::Broken);
    api.create_event(EventSpec::about("c"));
    let mut watch = client.watch(&format!("resourceVersion={}", from + 1));
    assert_eq!(watch.line()["object"]["message"], "about c");
}

#[test]
fn a_restored_backup_goes_back_and_gives_revisions_again() {
    let (api, client) = plain();
    api.create_event(EventSpec::about("a"));
    let backup = api.revision();
    let gone = api.create_event(EventSpec::about("b"));
    let mut watch = client.watch(&format!("resourceVersion={}", api.revision()));
    api.restore(backup);
    assert_eq!(watch.end(), End::Broken);
    let list = client.get("/api/v1/events");
    assert_eq!(list.names().len(), 1);
    assert_eq!(
        list.json()["metadata"]["resourceVersion"],
        backup.to_string()
    );
    let mut ahead = client.watch(&format!("resourceVersion={}", backup + 1));
    let new = api.create_event(EventSpec::about("c"));
    assert_eq!(
        new["metadata"]["resourceVersion"],
        gone["metadata"]["resourceVersion"]
    );
    api.create_event(EventSpec::about("d"));
    assert_eq!(
        ahead.line()["object"]["message"],
        "about d",
        "c was never seen"
    );
    let journal = api.journal();
    let brief: Vec<_> = journal
        .iter()
        .map(|entry| (entry.message.as_str(), entry.restored))
        .collect();
    assert_eq!(
        brief,
        [
            ("about a", 0),
            ("about b", 0),
            ("about c", 1),
            ("about d", 1)
        ]
    );
}

#[test]
fn the_journal_has_every_state() {
    let (api, _client) = plain();
    let old = api.create_event(EventSpec::about("web"));
    let new = api.create_event(EventSpec::about("db").newer());
    for event in [&old, &new, &new] {
        let name = event["metadata"]["name"].as_str().expect("it has a name");
        api.update_event("default", name);
    }
    api.expire_events(|event| event["involvedObject"]["name"] == "web");
    let journal = api.journal();
    let states: Vec<_> = journal
        .iter()
        .map(|entry| (entry.action, entry.object.as_str(), entry.count))
        .collect();
    assert_eq!(
        states,
        [
            (Action::Added, "default/Pod/web", 1),
            (Action::Added, "default/Pod/db", 1),
            (Action::Modified, "default/Pod/web", 2),
            (Action::Modified, "default/Pod/db", 2),
            (Action::Modified, "default/Pod/db", 3),
            (Action::Deleted, "default/Pod/web", 2),
        ]
    );
    assert!(journal.is_sorted_by_key(|entry| entry.revision));
    assert_eq!(journal[0].uid, old["metadata"]["uid"]);
}
