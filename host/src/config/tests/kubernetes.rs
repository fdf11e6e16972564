//! `source.kubernetes`, in its own keys and in KEE's.

mod values;

use super::*;

/// What is watched without any key.
fn defaults() -> Kubernetes {
    Kubernetes {
        api: EventsApi::Core,
        namespaces: Vec::new(),
        exclude_namespaces: Vec::new(),
        field_selector: String::new(),
        label_selector: String::new(),
        backlog: Backlog::Within(Duration::from_secs(300)),
        gap_events: false,
        max_age: None,
        leader_election: None,
        lookup: Some(lookup_defaults()),
        at: Position::default(),
    }
}

fn lookup_defaults() -> Lookup {
    Lookup {
        labels: true,
        annotations: true,
        owners: true,
        namespace_labels: false,
        node_labels: false,
        cache: 4096,
        qps: 20.0,
        burst: 40,
        deadline: Duration::from_secs(2),
        on_missing: OnMissing::Without,
    }
}

fn election(lease_name: &str) -> LeaderElection {
    LeaderElection {
        lease_name: lease_name.to_owned(),
        lease_namespace: None,
        lease_duration: Duration::from_secs(15),
        renew_deadline: Duration::from_secs(10),
        retry_period: Duration::from_secs(2),
    }
}

/// The source of a text that is accepted, wherever it stands.
#[track_caller]
fn kubernetes(text: &str) -> Kubernetes {
    match accept(text).source {
        Source::Kubernetes(kubernetes) => Kubernetes {
            at: Position::default(),
            ..*kubernetes
        },
        Source::Replay(_) => panic!("it is a replay"),
    }
}

#[track_caller]
fn own(block: &str) -> Kubernetes {
    kubernetes(&format!("source: {{kubernetes: {{{block}}}}}"))
}

/// The errors of a block; it begins at 1:23.
#[track_caller]
fn check_own(block: &str, expected: &str) {
    check(&format!("source: {{kubernetes: {{{block}}}}}"), expected);
}

/// The warnings of a block; it begins at 1:23.
#[track_caller]
fn check_own_warnings(block: &str, expected: &str) {
    check_warnings(
        &format!(
            "source: {{kubernetes: {{{block}}}}}\nreceivers: [{{name: a, stdout: {{}}}}]\nroute: {{match: [{{receiver: a}}]}}"
        ),
        expected,
    );
}

#[test]
fn without_keys() {
    for text in [
        "clusterName: x",
        "source:",
        "source: {kubernetes: }",
        "source: {kubernetes: {}}",
        "source: {kubernetes: {namespaces: [], excludeNamespaces: [], fieldSelector: '', labelSelector: ''}}",
        "kubeQPS: 0.0",
        "namespace: ''\nmaxEventAgeSeconds: 0\nkubeQPS: 0\nkubeBurst: 0\ncacheSize: 0\nomitLookup: false\nleaderElection: {enabled: false}",
    ] {
        assert_eq!(kubernetes(text), defaults(), "{text}");
    }
    let at = |text: &str| match accept(text).source {
        Source::Kubernetes(kubernetes) => kubernetes.at,
        Source::Replay(replay) => replay.at,
    };
    assert_eq!(at("clusterName: x"), Position::default());
    let position = Position { line: 2, column: 3 };
    assert_eq!(at("source:\n  kubernetes: {}"), position);
}

#[test]
fn every_key() {
    let text = "maxEventAgeSeconds: 60
source:
  kubernetes:
    api: events.k8s.io/v1
    excludeNamespaces: [kube-system, 123]
    fieldSelector: type=Warning,regarding.kind!=Node
    labelSelector: app in (a, b)
    backlog: 1h
    gapEvents: true
    leaderElection: {enabled: true, leaseName: a.b, leaseNamespace: c, leaseDuration: 1m, renewDeadline: 57s, retryPeriod: 100ms}
    lookup: {labels: false, annotations: false, owners: false, namespaceLabels: true, nodeLabels: true,
             cache: 1, qps: 0.5, burst: 10000, deadline: 10ms, onMissing: hold}
";
    let expected = Kubernetes {
        api: EventsApi::EventsV1,
        namespaces: Vec::new(),
        exclude_namespaces: vec!["kube-system".to_owned(), "123".to_owned()],
        field_selector: "type=Warning,regarding.kind!=Node".to_owned(),
        label_selector: "app in (a, b)".to_owned(),
        backlog: Backlog::Within(Duration::from_secs(3600)),
        gap_events: true,
        max_age: Some(Duration::from_secs(60)),
        leader_election: Some(LeaderElection {
            lease_name: "a.b".to_owned(),
            lease_namespace: Some("c".to_owned()),
            lease_duration: Duration::from_secs(60),
            renew_deadline: Duration::from_secs(57),
            retry_period: Duration::from_millis(100),
        }),
        lookup: Some(Lookup {
            labels: false,
            annotations: false,
            owners: false,
            namespace_labels: true,
            node_labels: true,
            cache: 1,
            qps: 0.5,
            burst: 10_000,
            deadline: Duration::from_millis(10),
            on_missing: OnMissing::Hold,
        }),
        at: Position::default(),
    };
    assert_eq!(kubernetes(text), expected);
}

/// KEE's keys of the top level, in the style of its README and its chart.
#[test]
fn configuration_of_kee() {
    let text = r#"
logLevel: info
logFormat: json
throttlePeriod: 5
clusterName: prod
namespace: shop
leaderElection:
  enabled: True
  leaderElectionID: ""
kubeQPS: 60
kubeBurst: 80
cacheSize: 1024
metricsNamePrefix: event_exporter_
route:
  routes:
    - match:
        - receiver: dump
          labels: {version: dev}
receivers:
  - name: dump
    elasticsearch: {hosts: ["http://localhost:9200"], indexFormat: "kube-events-{2006-01-02}"}
"#;
    let expected = Kubernetes {
        namespaces: vec!["shop".to_owned()],
        max_age: Some(Duration::from_secs(5)),
        leader_election: Some(election("kubernetes-event-exporter")),
        lookup: Some(Lookup {
            cache: 1024,
            qps: 60.0,
            burst: 80,
            ..lookup_defaults()
        }),
        ..defaults()
    };
    assert_eq!(kubernetes(text), expected);
    check_warnings(
        text,
        "c:13:1: metricsNamePrefix: warning: has no effect without `admin`; KEE always listens on :2112; write `admin: {listen: \":2112\"}`",
    );
    let named = kubernetes("leaderElection: {enabled: true, leaderElectionID: mine}");
    assert_eq!(named.leader_election, Some(election("mine")));
    assert_eq!(kubernetes("omitLookup: true\nkubeQPS: 5").lookup, None);
}

#[test]
fn a_key_in_both_places() {
    const HELP: &str = "remove one of them: they mean the same";
    for (kee, block, own) in [
        ("namespace: ''", "namespaces: [a]", "namespaces"),
        ("kubeQPS: 1", "lookup: {qps: 1}", "lookup.qps"),
        ("kubeBurst: 1", "lookup: {burst: 1}", "lookup.burst"),
        ("cacheSize: 1", "lookup: {cache: 1}", "lookup.cache"),
        (
            "leaderElection: {enabled: true}",
            "leaderElection: {enabled: true}",
            "leaderElection",
        ),
    ] {
        let column = if own.starts_with("lookup") { 32 } else { 23 };
        let (key, _) = kee.split_once(':').expect("a key");
        check(
            &format!("source: {{kubernetes: {{{block}}}}}\n{kee}"),
            &format!(
                "c:2:1: {key}: set together with source.kubernetes.{own} at 1:{column}; {HELP}"
            ),
        );
        check(
            &format!("{kee}\nsource: {{kubernetes: {{{block}}}}}"),
            &format!(
                "c:2:{column}: source.kubernetes.{own}: set together with {key} at 1:1; {HELP}"
            ),
        );
    }
    check(
        "throttlePeriod: 5\nmaxEventAgeSeconds: 5",
        "c:2:1: maxEventAgeSeconds: set together with throttlePeriod at 1:1; remove throttlePeriod: it is the old name of maxEventAgeSeconds",
    );
    check(
        "omitLookup: true\nsource: {kubernetes: {lookup: {}}}",
        "c:2:23: source.kubernetes.lookup: set together with omitLookup at 1:1; remove one of them: omitLookup turns all lookups off",
    );
    assert_eq!(
        kubernetes("omitLookup: false\nsource: {kubernetes: {lookup: {}}}"),
        defaults()
    );
}

#[test]
fn rules_without_a_lookup() {
    let route = "route: {drop: [{labels: {a: b}}], routes: [{match: [{receiver: a}, {receiver: a, labels: {a: b}, annotations: {c: d}}]}]}\nreceivers: [{name: a, stdout: {}}]";
    const LABELS: &str = "labels are not looked up, so this matches only events that bring labels themselves; set source.kubernetes.lookup.labels to true, without omitLookup";
    const ANNOTATIONS: &str = "annotations are not looked up, so this matches only events that bring annotations themselves; set source.kubernetes.lookup.annotations to true, without omitLookup";
    check_warnings(route, "");
    check_warnings(
        &format!("{route}\nomitLookup: true"),
        &format!(
            "c:1:16: route.drop[0]: warning: {LABELS}\n\
             c:1:68: route.routes[0].match[1]: warning: {LABELS}\n\
             c:1:68: route.routes[0].match[1]: warning: {ANNOTATIONS}"
        ),
    );
    check_warnings(
        &format!("{route}\nsource: {{kubernetes: {{lookup: {{annotations: false}}}}}}"),
        &format!("c:1:68: route.routes[0].match[1]: warning: {ANNOTATIONS}"),
    );
}

/// The comments of deploy/config.yaml, which show every key with its default.
#[test]
fn the_configuration_of_every_key_shows_the_defaults() {
    let shown = include_str!("../../../../deploy/config.yaml");
    let (_, after) = shown.split_once("  # kubernetes:").expect("the block");
    let (block, rest) = after.split_once("\n\n").expect("its end");
    let block = format!("source:\n  kubernetes:{}", block.replace("\n  # ", "\n  "));
    assert_eq!(kubernetes(&block), defaults());
    let known = parse(&block.replace("labels:", "label:")).expect_err("it is no key");
    let all = known.to_string();
    let (_, names) = all.split_once("one of: ").expect("the keys");
    for name in names.trim_end_matches(')').split(", ") {
        assert!(block.contains(&format!("    {name}: ")), "{name}");
    }
    let (rest, _) = rest.split_once("\nplugins:").expect("what comes next");
    let top: String = rest
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| !line.starts_with(|c: char| c.is_ascii_uppercase()))
        .filter(|line| !line.starts_with("throttlePeriod"))
        .map(|line| format!("{line}\n"))
        .collect();
    let config = accept(&top);
    assert_eq!(kubernetes(&top), defaults());
    assert_eq!(
        config.checkpoint,
        Checkpoint::File("/var/lib/weir/position".into())
    );
    assert!(config.admin.is_some());
}
