//! Positions: what a restart, a kill, an outage of a receiver or of the server's history costs.

use std::collections::BTreeSet;

use serde_json::Value;
use weir_tests::fake_api::{ADMIN, EventSpec, FakeApi, Options};
use weir_tests::folder::Folder;
use weir_tests::watching::{State, Watching, last_states_of, state, states_of};

/// What keeps a position in the test's folder.
const CHECKPOINT: &str = "checkpoint: {file: position}";

/// A server and a weir for it.
struct Pair {
    api: FakeApi,
    weir: Watching,
    _folder: Folder,
}

fn pair(name: &str, options: Options) -> Pair {
    let mut api = FakeApi::start(options);
    let folder = Folder::new(&format!("{name}-access"));
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let weir = Watching::new(name, &kubeconfig);
    Pair {
        api,
        weir,
        _folder: folder,
    }
}

/// So many new events about as many pods; gives their states.
fn create(api: &FakeApi, count: usize) -> Vec<State> {
    let event =
        |number: usize| state(&api.create_event(EventSpec::about(&format!("pod-{number}"))));
    (0..count).map(event).collect()
}

/// Of different objects, which may come in any order.
fn set(states: &[State]) -> BTreeSet<State> {
    states.iter().cloned().collect()
}

fn await_watch(api: &FakeApi) {
    api.wait_until("a watch is open", |view| view.watches() > 0);
}

fn file_name(event: &Value) -> (String, String) {
    let text = |name: &str| {
        event["metadata"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}

#[test]
fn a_restart_goes_on_where_deliveries_were() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("restart", Options::default());
    create(&api, 5);
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take(5);
    assert_eq!(weir.stop().ended.code, Some(0));
    assert_eq!(weir.positions()["dump"], api.revision());
    let away = create(&api, 4);
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take(4);
    let run = weir.stop();
    assert_eq!(set(&weir.sequence()[5..]), set(&away));
    assert_eq!(run.ledger["duplicates"], 0);
}

#[test]
fn after_a_kill_only_what_follows_the_kept_position_comes_again() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("kill", Options::default());
    weir.start("{backlog: all}", CHECKPOINT);
    await_watch(&api);
    let mut had = create(&api, 50);
    weir.take(50);
    weir.kill();
    let kept = weir.positions().get("dump").copied().unwrap_or(0);
    let before = weir.documents.len();
    had.extend(create(&api, 10));
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take_until(had.last().expect("there are some"));
    weir.stop();
    assert_eq!(weir.states(), had.into_iter().collect());
    for (_, version) in &weir.sequence()[before..] {
        assert!(*version > kept, "{version} was settled before {kept}");
    }
}

#[test]
fn what_was_compacted_meanwhile_is_listed() {
    for expired_watch_is_status in [false, true] {
        let Pair {
            api,
            mut weir,
            _folder,
        } = pair(
            "compacted",
            Options {
                expired_watch_is_status,
                ..Options::default()
            },
        );
        create(&api, 5);
        weir.start("{backlog: all}", CHECKPOINT);
        weir.take(5);
        weir.stop();
        let event = api.create_event(EventSpec::about("repeated"));
        let (namespace, name) = file_name(&event);
        let last = state(&api.update_event(&namespace, &name));
        create(&api, 600);
        api.compact();
        weir.start("{backlog: all}", CHECKPOINT);
        weir.take(601);
        let run = weir.stop();
        assert!(
            run.ended.stderr.contains(r#""class":"states""#),
            "{}",
            run.ended.stderr
        );
        assert!(weir.states().is_superset(&last_states_of(&api.journal())));
        assert!(weir.states().contains(&last) && !weir.states().contains(&state(&event)));
        assert_eq!(weir.documents.len(), 606, "nothing comes twice");
        assert_eq!(run.ledger["duplicates"], 5);
    }
}

#[test]
fn a_cluster_that_was_restored_is_read_anew() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("restored", Options::default());
    let backed_up = create(&api, 5);
    let backup = api.revision();
    create(&api, 50);
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take(55);
    weir.stop();
    api.restore(backup);
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take(5);
    assert_eq!(set(&weir.sequence()[55..]), set(&backed_up));
    weir.running().await_said("restored from a backup");
    let new = create(&api, 2);
    weir.take(2);
    weir.stop();
    assert_eq!(set(&weir.sequence()[60..]), set(&new));
    assert_eq!(weir.positions()["dump"], api.revision());
}

#[test]
fn a_config_map_keeps_the_position() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("config-map", Options::default());
    let checkpoint = "checkpoint: {configMap: weir-position}";
    create(&api, 3);
    weir.start("{backlog: all}", checkpoint);
    weir.take(3);
    weir.stop();
    let kept = api
        .object("ConfigMap", "default", "weir-position")
        .expect("it was made");
    let text = kept["data"]["position"].as_str().expect("the position");
    assert!(text.contains("\"dump\""), "{text}");
    let away = create(&api, 2);
    weir.start("{backlog: all}", checkpoint);
    weir.take(2);
    weir.stop();
    assert_eq!(set(&weir.sequence()[3..]), set(&away));
}

#[test]
fn a_dead_receiver_costs_the_others_nothing() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("dead-receiver", Options::default());
    let config = |late: &str, deadline: &str| {
        format!(
            "{CHECKPOINT}\nshutdown: {{deadline: {deadline}}}\nroute: {{match: [{{receiver: well}}, {{receiver: late}}]}}\nreceivers:\n  - {{name: well, tag-sink: {{receiver: well}}, batch: {{age: 0s}}}}\n  - {{name: late, {late}: {{receiver: late}}, batch: {{age: 0s}}}}\n"
        )
    };
    create(&api, 4);
    weir.start_with("{backlog: all}", &config("sink-error", "0s"));
    weir.take(4);
    // The position of the one that works is kept, with that of the other.
    let revision = api.revision();
    while weir.positions().get("well") != Some(&revision) {
        std::thread::yield_now();
    }
    assert_eq!(
        weir.end(rustix::process::Signal::TERM).ended.code,
        Some(1),
        "some are not delivered"
    );
    let away = create(&api, 2);
    weir.start_with("{backlog: all}", &config("tag-sink", "25s"));
    weir.take(2 + 6);
    let run = weir.stop();
    let of = |name: &str| {
        let mine = weir.documents[4..]
            .iter()
            .filter(|document| document["receiver"] == name);
        mine.map(state).collect::<Vec<_>>()
    };
    assert_eq!(set(&of("well")), set(&away), "it gets only what is new");
    assert_eq!(set(&of("late")), states_of(&api.journal()));
    assert_eq!(run.ended.code, Some(0), "{}", run.ended.stderr);
}

#[test]
fn a_receiver_that_is_added_starts_at_now() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("new-receiver", Options::default());
    create(&api, 3);
    weir.start("{backlog: all}", CHECKPOINT);
    weir.take(3);
    weir.stop();
    create(&api, 2);
    let both = format!(
        "{CHECKPOINT}\nroute: {{match: [{{receiver: dump}}, {{receiver: new}}]}}\nreceivers:\n  - {{name: dump, stdout: {{}}, batch: {{age: 0s}}}}\n  - {{name: new, tag-sink: {{receiver: new}}, batch: {{age: 0s}}}}\n"
    );
    weir.start_with("{backlog: all}", &both);
    weir.take(2);
    await_watch(&api);
    let later = create(&api, 1);
    weir.take(2);
    weir.stop();
    let new: Vec<_> = weir
        .documents
        .iter()
        .filter(|document| document["receiver"] == "new")
        .map(state)
        .collect();
    assert_eq!(new, later);
}

#[test]
fn a_position_that_cannot_be_read_is_never_guessed() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("broken-position", Options::default());
    create(&api, 1);
    std::fs::write(weir.file("position"), "{\"version\": 9}").expect("it can be written");
    weir.start("{backlog: all}", CHECKPOINT);
    let run = weir.await_end();
    assert_eq!(run.ended.code, Some(1));
    assert!(
        run.ended
            .stderr
            .contains("it has version 9, and this weir knows 1"),
        "{}",
        run.ended.stderr
    );
    assert_eq!(weir.documents.len(), 0);
}
