//! Watching a cluster: the whole weir against the strict fake API server.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use weir_tests::fake_api::{ADMIN, Credential, EventSpec, FakeApi, Fault, Options, Rule, What};
use weir_tests::folder::Folder;
use weir_tests::program::weir;
use weir_tests::running;
use weir_tests::watching::{State, Watching, state, states_of};

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
fn events_before_and_after_the_start_come_once_and_in_order() {
    for options in [
        Options::default(),
        Options {
            http1_only: true,
            ..Options::default()
        },
        Options {
            plain: true,
            ..Options::default()
        },
    ] {
        let Pair {
            api,
            mut weir,
            _folder,
        } = pair("first-start", options);
        api.seed_recorded(700);
        weir.start("{backlog: all}", "");
        await_watch(&api);
        let event = api.create_event(EventSpec::about("a"));
        let (namespace, name) = file_name(&event);
        api.update_event(&namespace, &name);
        let last = state(&api.update_event(&namespace, &name));
        api.expire_events(|_| true);
        create(&api, 3);
        weir.take_until(&last);
        weir.take(3);
        let run = weir.stop();
        assert_eq!(run.ended.code, Some(0), "{}", run.ended.stderr);
        // Every state that the server had once we were there, each once: repeats are events, deletions are not.
        let had = states_of(&api.journal());
        assert_eq!(weir.states(), had);
        assert_eq!(weir.documents.len(), had.len(), "nothing comes twice");
        let versions: Vec<u64> = weir
            .sequence()
            .into_iter()
            .map(|(_, version)| version)
            .collect();
        let object = |document: &Value| document["involvedObject"]["name"].to_string();
        let mut seen = std::collections::BTreeMap::new();
        for (document, version) in weir.documents.iter().zip(&versions) {
            let before = seen.insert(object(document), *version);
            assert!(before < Some(*version), "order is kept for one object");
        }
        assert_eq!(run.ledger["received"], had.len());
    }
}

#[test]
fn whatever_happens_to_a_stream_every_state_comes_once() {
    let faults: Vec<(&str, Fault)> = vec![
        ("cut", Fault::once(What::CutAfterLines(3)).watches()),
        (
            "cut in a line",
            Fault::once(What::CutInsideLine(2)).watches(),
        ),
        (
            "clean end",
            Fault::once(What::CleanEndAfterLines(2)).watches(),
        ),
        ("reset", Fault::once(What::Reset)),
        (
            "busy",
            Fault::once(What::Status {
                code: 429,
                retry_after_s: Some(1),
                reason: "TooManyRequests".into(),
                message: "slow down".into(),
            })
            .times(2),
        ),
        (
            "server",
            Fault::once(What::status(500, "InternalError", "etcd is away")).times(2),
        ),
        (
            "proxy",
            Fault::once(What::Page {
                code: 502,
                text: "<html>bad gateway</html>".into(),
            }),
        ),
        (
            "garbage",
            Fault::once(What::GarbageLine {
                after_lines: 2,
                text: "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Event\",\"metadata\":5}}".into(),
            })
            .watches(),
        ),
        (
            "error",
            Fault::once(What::Error {
                after_lines: 2,
                code: 500,
                reason: "InternalError".into(),
                message: "storage".into(),
            })
            .watches(),
        ),
        (
            "list cut",
            Fault::once(What::CutAfterBytes(2000)).no_watches(),
        ),
    ];
    for (name, fault) in faults {
        let Pair {
            api,
            mut weir,
            _folder,
        } = pair("fault", Options::default());
        create(&api, 20);
        api.fault(fault);
        weir.start("{backlog: all}", CHECKPOINT);
        weir.take(20);
        await_watch(&api);
        create(&api, 10);
        weir.take(10);
        let run = weir.stop();
        assert_eq!(run.ended.code, Some(0), "{name}: {}", run.ended.stderr);
        assert_eq!(weir.states(), states_of(&api.journal()), "{name}");
        assert_eq!(weir.documents.len(), 30, "{name}: nothing comes twice");
    }
}

#[test]
fn a_server_that_is_restarted_is_found_again() {
    let Pair {
        mut api,
        mut weir,
        _folder,
    } = pair("server-restart", Options::default());
    weir.start("{backlog: all}", CHECKPOINT);
    await_watch(&api);
    create(&api, 3);
    weir.take(3);
    api.stop_listening();
    create(&api, 3);
    weir.running().await_said("will be tried again");
    api.start_listening();
    weir.take(3);
    weir.stop();
    assert_eq!(weir.states(), states_of(&api.journal()));
}

#[test]
fn both_forms_of_the_api_give_the_same_documents() {
    let documents = |api_name: &str| {
        let Pair {
            api,
            mut weir,
            _folder,
        } = pair("forms", Options::default());
        let count = api.seed_recorded(200);
        weir.start(&format!("{{backlog: all, api: {api_name}}}"), "");
        weir.take(count);
        weir.stop();
        let asked = api.requests();
        let path = if api_name == "v1" {
            "/api/v1/events"
        } else {
            "/apis/events.k8s.io/v1/events"
        };
        assert!(asked.iter().all(|request| request.path == path));
        weir.documents.clone()
    };
    let (core, newer) = (documents("v1"), documents("events.k8s.io/v1"));
    let ids = |documents: &[Value]| documents.iter().map(state).collect::<BTreeSet<_>>();
    assert_eq!(ids(&core), ids(&newer));
    let by_id = |documents: Vec<Value>| {
        let keyed = documents.into_iter().map(|document| {
            let about = document["involvedObject"].clone();
            (
                state(&document),
                (
                    about,
                    document["message"].clone(),
                    document["count"].clone(),
                ),
            )
        });
        keyed.collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(by_id(core), by_id(newer));
}

#[test]
fn namespaces_are_watched_with_no_more_rights_than_that_needs() {
    let mut api = FakeApi::start(Options::default());
    let rule =
        |namespace: &str| Rule::new(&["list", "watch"], "", &["events"]).in_namespace(namespace);
    api.add_namespace("shop");
    api.add_namespace("cart");
    api.add_user("narrow", [rule("shop"), rule("cart")]);
    let folder = Folder::new("namespaces-access");
    let kubeconfig = api.kubeconfig(folder.path(), "narrow");
    let mut weir = Watching::new("namespaces", &kubeconfig);
    let about =
        |namespace: &str| state(&api.create_event(EventSpec::about("p").namespace(namespace)));
    let expected: BTreeSet<State> = [about("shop"), about("cart")].into();
    about("default");
    weir.start("{backlog: all, namespaces: [shop, cart]}", CHECKPOINT);
    weir.take(2);
    weir.stop();
    assert_eq!(weir.states(), expected);
}

#[test]
fn the_server_leaves_out_what_is_not_wanted() {
    let Pair {
        api,
        mut weir,
        _folder,
    } = pair("selectors", Options::default());
    api.add_namespace("noise");
    let warning = |namespace: &str| EventSpec::about("p").namespace(namespace).warning();
    let wanted = state(&api.create_event(warning("default")));
    api.create_event(warning("noise"));
    api.create_event(EventSpec::about("q"));
    weir.start(
        "{backlog: all, fieldSelector: type=Warning, excludeNamespaces: [noise, kube-system]}",
        "",
    );
    weir.take(1);
    await_watch(&api);
    let later = state(&api.create_event(warning("default")));
    weir.take(1);
    let run = weir.stop();
    assert_eq!(weir.sequence(), [wanted, later]);
    assert_eq!(run.ledger["received"], 2, "the server filters, not weir");
}

#[test]
fn a_selector_that_the_server_does_not_know_ends_with_what_to_change() {
    let Pair {
        api: _api,
        mut weir,
        _folder,
    } = pair("bad-selector", Options::default());
    weir.start("{fieldSelector: nonsense=1}", "");
    let run = weir.await_end();
    assert_eq!(run.ended.code, Some(1));
    assert!(
        run.ended
            .stderr
            .contains("field label not supported: nonsense"),
        "{}",
        run.ended.stderr
    );
    assert!(
        run.ended.stderr.contains("check fieldSelector"),
        "{}",
        run.ended.stderr
    );
}

#[test]
fn a_missing_permission_is_named_and_waited_for() {
    let mut api = FakeApi::start(Options::default());
    api.add_user("nobody", []);
    let folder = Folder::new("forbidden-access");
    let kubeconfig = api.kubeconfig(folder.path(), "nobody");
    let mut weir = Watching::new("forbidden", &kubeconfig);
    create(&api, 2);
    weir.start("{backlog: all}", "");
    let events = |verb: &str| Rule::new(&[verb], "", &["events"]);
    weir.running().await_said(r#"may not list events in the API group \"\" in all namespaces: apply deploy/00-roles.yaml, or grant verb list on events to User \"nobody\""#);
    api.add_user("nobody", [events("list")]);
    weir.take(2);
    weir.running().await_said("may not watch events");
    api.add_user("nobody", [events("list"), events("watch")]);
    await_watch(&api);
    create(&api, 1);
    weir.take(1);
    weir.stop();
}

#[test]
fn a_token_that_is_replaced_is_read_again() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("rotation-access");
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let mut weir = Watching::new("rotation", &kubeconfig);
    weir.start("{backlog: all}", "");
    await_watch(&api);
    api.revoke_tokens(ADMIN);
    api.cut_all_watches();
    weir.running().await_said("does not accept the credentials");
    // The kubeconfig is written anew, as cloud providers' tools do.
    api.kubeconfig(folder.path(), ADMIN);
    create(&api, 2);
    weir.take(2);
    weir.stop();
}

#[test]
fn an_exec_plugin_gives_the_token() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("exec-access");
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let text = std::fs::read(&kubeconfig).expect("it was written");
    let mut config: Value = serde_json::from_slice(&text).expect("the fake writes JSON");
    let credential = serde_json::json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": {"token": api.token(ADMIN)},
    });
    let answer = folder.write("credential.json", credential.to_string());
    config["users"][0]["user"] = serde_json::json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/cat",
        "args": [answer], "interactiveMode": "Never",
    }});
    let kubeconfig = folder.write("kubeconfig-exec.yaml", config.to_string());
    let mut weir = Watching::new("exec", &kubeconfig);
    create(&api, 2);
    weir.start("{backlog: all}", "");
    weir.take(2);
    weir.stop();
    let users = api.requests().into_iter().map(|request| request.user);
    assert_eq!(users.collect::<BTreeSet<_>>().len(), 1);
}

#[test]
fn a_client_certificate_is_enough() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("certificate-access");
    let kubeconfig = api.kubeconfig_with(folder.path(), ADMIN, Credential::Certificate);
    let mut weir = Watching::new("certificate", &kubeconfig);
    create(&api, 2);
    weir.start("{backlog: all}", "");
    weir.take(2);
    weir.stop();
}

#[test]
fn without_a_way_to_a_cluster_nothing_starts() {
    let folder = Folder::new("no-cluster");
    let config = folder.write("config.yaml", "receivers: []\n");
    let run = |arguments: &[&str]| {
        let mut command = weir(["run", "-c"]);
        command
            .arg(&config)
            .args(arguments)
            .env("HOME", folder.path());
        running::run(&mut command, b"")
    };
    let ended = run(&[]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("no way to a cluster"),
        "{}",
        ended.stderr
    );
    let missing = folder.path().join("nothing.yaml");
    let ended = run(&["--kubeconfig", missing.to_str().expect("a path")]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("nothing.yaml"), "{}", ended.stderr);
    let kubeconfig = folder.write("kubeconfig", "apiVersion: v1\nkind: Config\ncontexts: []\n");
    let ended = run(&[
        "--kubeconfig",
        kubeconfig.to_str().expect("a path"),
        "--context",
        "prod",
    ]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("prod"), "{}", ended.stderr);
}

#[test]
fn events_are_captured_for_replay() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("capture");
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    api.seed_recorded(30);
    create(&api, 2);
    let captured = capture(&kubeconfig, &["--count", "2"]);
    assert_eq!(captured.code, Some(0), "{}", captured.stderr);
    let captured = captured.stdout;
    assert_eq!(
        captured.iter().filter(|byte| **byte == b'\n').count(),
        2,
        "the recorded ones are old"
    );
    let config = folder.write("replay.yaml", "source: {replay: {path: \"-\"}}\nroute: {match: [{receiver: dump}]}\nreceivers: [{name: dump, stdout: {}}]\n");
    let mut replay = weir(["run", "-c"]);
    replay.arg(config);
    let lines = |bytes: &[u8]| {
        bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect::<BTreeSet<_>>()
    };
    let replayed = running::run(&mut replay, &captured).stdout;
    assert!(
        lines(&replayed) == lines(&captured),
        "{}",
        String::from_utf8_lossy(&replayed)
    );
}

fn capture(kubeconfig: &Path, arguments: &[&str]) -> running::Ended {
    let mut command = weir(["capture", "--kubeconfig"]);
    command.arg(kubeconfig).args(arguments);
    running::run(&mut command, b"")
}
