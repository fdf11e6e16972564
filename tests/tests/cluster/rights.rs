//! `deploy/` at a real API server: the manifests, the rights that they grant, and what weir says without them.

use std::path::PathBuf;

use serde_json::{Value, json};
use weir_tests::cluster::kubectl::Kubectl;
use weir_tests::cluster::place::{Place, states};
use weir_tests::cluster::server::Server;
use weir_tests::program::{plugins, workspace};
use weir_tests::watching::Watching;

/// What is applied, in this order.
const MANIFESTS: [&str; 4] = [
    "00-roles.yaml",
    "01-config.yaml",
    "02-deployment.yaml",
    "namespaced.yaml",
];
const ACCOUNT: &str = "system:serviceaccount:weir:weir";
const ELECTION: &str =
    "leaderElection: {enabled: true, leaseDuration: 5s, renewDeadline: 2s, retryPeriod: 200ms}";

fn manifest(name: &str) -> PathBuf {
    workspace().join("deploy").join(name)
}

fn apply(server: &Server, name: &str) {
    let path = manifest(name);
    let path = path.to_str().expect("a path of this workspace");
    server
        .kubectl
        .run(&["apply", "--validate=strict", "-f", path], b"");
}

/// Roles and objects as `deploy/` has them, and a kubectl with the rights of weir's ServiceAccount.
fn installed(server: &Server) -> Kubectl {
    apply(server, "00-roles.yaml");
    apply(server, "01-config.yaml");
    wait_for(server, "yes", &["watch", "events", "--all-namespaces"]);
    let token = server
        .kubectl
        .run(&["create", "token", "weir", "--namespace", "weir"], b"");
    let token = String::from_utf8(token).expect("a token is text");
    server.kubectl_with("weir", token.trim(), "weir")
}

/// Waits until the server has noticed a change of roles.
fn wait_for(server: &Server, answer: &str, right: &[&str]) {
    let common = ["auth", "can-i", "--as", ACCOUNT, "--namespace", "weir"];
    let arguments = [&common[..], right].concat();
    server
        .kubectl
        .until(&arguments, |said| said.trim() == answer);
}

pub fn manifests(server: &mut Server) {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "weir"}});
    // Nothing can be tried in a namespace that is not there.
    server
        .kubectl
        .run(&["apply", "-f", "-"], namespace.to_string().as_bytes());
    for name in MANIFESTS {
        let path = manifest(name);
        let path = path.to_str().expect("a path of this workspace");
        let tried = [
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            path,
        ];
        server.kubectl.run(&tried, b"");
    }
    MANIFESTS.iter().for_each(|name| apply(server, name));
    let yaml = std::fs::read_dir(workspace().join("deploy")).expect("it is there");
    let names = yaml.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name")
    });
    for name in names.filter(|name| name.ends_with(".yaml") && name != "config.yaml") {
        assert!(
            MANIFESTS.contains(&name.as_str()),
            "{name} is applied nowhere in this test"
        );
    }
    // What weir wrote stays when the files are applied again.
    let patch = r#"{"data": {"position": "kept"}}"#;
    let map = ["configmap", "weir-position", "--namespace", "weir"];
    server.kubectl.run(
        &[&["patch"][..], &map, &["--type=merge", "-p", patch]].concat(),
        b"",
    );
    apply(server, "01-config.yaml");
    let kept = server.kubectl.object(&[&["get"][..], &map].concat());
    assert_eq!(kept["data"]["position"], "kept");
    server
        .kubectl
        .run(&["delete", "namespace", "weir", "--wait=false"], b"");
    finalize(server, "weir");
}

/// Without controllers nobody else lets a namespace go.
fn finalize(server: &Server, name: &str) {
    server.kubectl.run(
        &[
            "delete",
            "configmaps,leases,deployments,serviceaccounts,roles,rolebindings",
            "--all",
            "--namespace",
            name,
        ],
        b"",
    );
    let path = format!("/api/v1/namespaces/{name}/finalize");
    let empty = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": []}});
    server.kubectl.run(
        &["replace", "--raw", &path, "-f", "-"],
        empty.to_string().as_bytes(),
    );
}

/// The configuration of `01-config.yaml`, with folders and a port of this machine.
fn deployed_config(server: &Server, weir: &Watching, more: &str) -> String {
    let map = server
        .kubectl
        .object(&["get", "configmap", "weir-config", "--namespace", "weir"]);
    let text = map["data"]["config.yaml"].as_str().expect("it has it");
    let mut config: Value = serde_yaml::from_str(text).expect("it is YAML");
    config["plugins"] = json!({"directories": [plugins()], "cache": weir.file("cache")});
    config["admin"]["listen"] = "127.0.0.1:0".into();
    config["receivers"][0]["batch"] = json!({"age": "0s"});
    if !more.is_empty() {
        let election: Value = serde_yaml::from_str(more).expect("it is YAML");
        config["source"]["kubernetes"]["leaderElection"] = election["leaderElection"].clone();
        config.as_object_mut().expect("a map").remove("checkpoint");
    }
    config.to_string()
}

pub fn default_role(server: &mut Server) {
    let kubectl = installed(server);
    let place = Place::new(&server.kubectl);
    // With the ConfigMap of the manifest, then with its lease.
    for more in ["", ELECTION] {
        let mut weir = Watching::new("cluster-role", kubectl.kubeconfig());
        let config = deployed_config(server, &weir, more);
        weir.start_as_written(&config);
        let came = place.create(20);
        weir.take_all(&states(&came).into_iter().collect());
        let first = weir.stop();
        assert_eq!(first.ended.code, Some(0), "{}", first.ended.stderr);
        let before = weir.documents.len();
        let away = place.create(10);
        weir.start_as_written(&config);
        weir.take(away.len());
        let second = weir.stop();
        let again: Vec<_> = weir.sequence()[before..].to_vec();
        assert_eq!(again.len(), away.len(), "it goes on where it was");
        for run in [first, second] {
            let said = run.ended.stderr;
            assert!(!said.contains("may not"), "{said}");
            assert!(!said.contains(r#""level":"ERROR""#), "{said}");
        }
    }
}

/// A right, how it is needed, and what is asked of the server about it.
struct Right {
    role: &'static str,
    group: &'static str,
    resource: &'static str,
    verb: &'static str,
    asked: &'static str,
    source: &'static str,
    more: &'static str,
}

const EVENTS: Right = Right {
    role: "clusterrole/weir-events",
    group: "",
    resource: "events",
    verb: "list",
    asked: "events",
    source: "{backlog: all}",
    more: "",
};
const NEWER: Right = Right {
    group: "events.k8s.io",
    asked: "events.events.k8s.io",
    source: "{backlog: all, api: events.k8s.io/v1}",
    ..EVENTS
};
const POSITION: Right = Right {
    role: "role/weir-position",
    resource: "configmaps",
    verb: "get",
    asked: "configmaps/weir-position",
    more: "checkpoint: {configMap: weir-position}",
    ..EVENTS
};
const LEASE: Right = Right {
    group: "coordination.k8s.io",
    resource: "leases",
    asked: "leases.coordination.k8s.io/weir",
    source: "{backlog: all, leaderElection: {enabled: true, leaseDuration: 5s, renewDeadline: 2s, retryPeriod: 200ms}}",
    more: "",
    ..POSITION
};
const RIGHTS: &[Right] = &[
    EVENTS,
    Right {
        verb: "watch",
        ..EVENTS
    },
    NEWER,
    Right {
        verb: "watch",
        ..NEWER
    },
    POSITION,
    Right {
        verb: "patch",
        ..POSITION
    },
    LEASE,
    Right {
        verb: "update",
        ..LEASE
    },
];

impl Right {
    fn asked(&self) -> Vec<&str> {
        let mut asked = vec![self.verb, self.asked];
        if self.role.starts_with("clusterrole/") {
            asked.push("--all-namespaces");
        }
        asked
    }

    fn said(&self) -> [String; 2] {
        let (verb, resource) = (self.verb, self.resource);
        [
            format!("may not {verb} {resource}"),
            format!("apply deploy/00-roles.yaml, or grant verb {verb} on {resource}"),
        ]
    }
}

/// Takes a right away; gives how many verbs the role's rules have in all.
fn take_away(server: &Server, right: &Right) -> usize {
    let mut role = server
        .kubectl
        .object(&["get", right.role, "--namespace", "weir"]);
    let mut verbs_left = 0;
    for rule in role["rules"].as_array_mut().expect("it has rules") {
        let is_it = rule["apiGroups"][0] == right.group && rule["resources"][0] == right.resource;
        let verbs = rule["verbs"].as_array_mut().expect("a rule has verbs");
        if is_it {
            verbs.retain(|verb| *verb != right.verb);
        }
        verbs_left += verbs.len();
    }
    server
        .kubectl
        .run(&["replace", "-f", "-"], role.to_string().as_bytes());
    wait_for(server, "no", &right.asked());
    verbs_left
}

pub fn missing_rights(server: &mut Server) {
    let kubectl = installed(server);
    let mut verbs = 0;
    for right in RIGHTS {
        verbs = verbs.max(take_away(server, right) + 1);
        let mut weir = Watching::new("cluster-right", kubectl.kubeconfig());
        weir.start(right.source, right.more);
        for said in right.said() {
            weir.running().await_said(&said);
        }
        weir.kill();
        apply(server, "00-roles.yaml");
        wait_for(server, "yes", &right.asked());
    }
    assert_eq!(
        (verbs, RIGHTS.len()),
        (4, 8),
        "each verb of both roles was taken away once"
    );
}

pub fn granted_later(server: &mut Server) {
    let kubectl = installed(server);
    let place = Place::new(&server.kubectl);
    let there = place.create(5);
    for right in [&RIGHTS[0], &RIGHTS[1]] {
        take_away(server, right);
        let mut weir = Watching::new("cluster-later", kubectl.kubeconfig());
        weir.start(right.source, right.more);
        weir.running().await_said(&right.said()[0]);
        apply(server, "00-roles.yaml");
        weir.take_all(&states(&there).into_iter().collect());
        let came = place.create(5);
        weir.take_all(&states(&came).into_iter().collect());
        weir.stop();
    }
}

pub fn namespaced(server: &mut Server) {
    let kubectl = installed(server);
    let places = [0, 1, 2].map(|_| Place::new(&server.kubectl));
    let [shop, cart, other] = &places;
    server
        .kubectl
        .run(&["delete", "clusterrolebinding", "weir-events"], b"");
    wait_for(server, "no", &["watch", "events", "--all-namespaces"]);
    let text = std::fs::read_to_string(manifest("namespaced.yaml")).expect("it is there");
    for place in [shop, cart] {
        let text = text.replace(
            "namespace: default",
            &format!("namespace: {}", place.namespace),
        );
        server.kubectl.run(&["apply", "-f", "-"], text.as_bytes());
        let arguments = [
            "auth",
            "can-i",
            "--as",
            ACCOUNT,
            "--namespace",
            &place.namespace,
            "watch",
            "events",
        ];
        server
            .kubectl
            .until(&arguments, |said| said.trim() == "yes");
    }
    let mut weir = Watching::new("cluster-namespaced", kubectl.kubeconfig());
    let source = format!(
        "{{backlog: all, namespaces: [{}, {}]}}",
        shop.namespace, cart.namespace
    );
    let there = [shop.create(5), cart.create(5)].concat();
    other.create(5);
    weir.start(&source, "checkpoint: {configMap: weir-position}");
    weir.take(there.len());
    let came = [shop.create(5), cart.create(5)].concat();
    other.create(5);
    weir.take(came.len());
    let run = weir.stop();
    assert!(
        !run.ended.stderr.contains("may not"),
        "{}",
        run.ended.stderr
    );
    assert_eq!(
        weir.states(),
        states(&[there, came].concat()).into_iter().collect()
    );
    assert_eq!(weir.documents.len(), 20, "nothing comes twice");
    // The others are not ours to see.
    let mut weir = Watching::new("cluster-not-namespaced", kubectl.kubeconfig());
    weir.start("{backlog: all}", "");
    weir.running()
        .await_said("may not list events in the API group");
    weir.running()
        .await_said("in all namespaces: apply deploy/00-roles.yaml");
    weir.kill();
    apply(server, "00-roles.yaml");
}
