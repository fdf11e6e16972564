//! Configurations that are accepted, and what is made of them.

use serde_json::json;

use super::*;

#[test]
fn values_of_plugins() {
    let text = "source: {replay: {path: $EVENTS}}\nfilters:\n- name: f\n  plugin: p\n  limits: {memory: $SIZE}\n  config: {b: \"123\", a: 123, c: 012, d: on, e: ~, f: 1e3, g: 0.1, h: [true, {x: 18446744073709551615}], i: $NUMBER, j: \"${env:X} $SECRET $x\", $NUMBER: k}\nreceivers:\n- {name: dump, stdout: {deDot: $TRUTH, type: x}, queue: {events: $NUMBER}, batch: {events: 2}}\n";
    let config = accept(text);
    assert_eq!(
        config.filters[0].config.to_string(),
        json!({"b": "123", "a": 123, "c": "012", "d": "on", "e": null, "f": 1000.0, "g": 0.1,
            "h": [true, {"x": 18_446_744_073_709_551_615_u64}], "i": "7", "j": "${env:X} hunter2 $x", "$NUMBER": "k"})
        .to_string()
    );
    assert_eq!(
        config.filters[0].limits,
        Limits {
            memory_bytes: 2 << 20,
            time: FILTER_TIME_DEFAULT
        }
    );
    let receiver = &config.receivers[0];
    assert_eq!(
        (receiver.de_dot, receiver.config.to_string()),
        (true, json!({"type": "x"}).to_string())
    );
    assert_eq!(receiver.queue.events, 7);
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[test]
fn anchors_and_merges() {
    let config = accept(
        "source: {replay: {path: e}}\nroute: {drop: &d [{type: Normal}], routes: [{drop: *d}]}\nreceivers:\n\
         - &r {name: a, stdout: {}, batch: {events: 3}}\n- {<<: *r, name: b}\n- {<<: [{retry: {first: 1s}}, *r], name: c}\n",
    );
    assert_eq!(config.route.routes[0].drop.len(), 1);
    assert_eq!(config.receivers[1].batch.events, 3);
    assert_eq!(
        (
            config.receivers[2].name.as_str(),
            config.receivers[2].retry.first
        ),
        ("c", Duration::from_secs(1))
    );
}

/// In the style of KEE's README.
#[test]
fn configuration_of_kee() {
    let config = accept(
        r#"
logLevel: error
logFormat: pretty
source: {replay: {path: "-"}}
route:
  # Main route
  routes:
    # This route allows dumping all events because it has no fields to match and no drop rules.
    - match:
        - receiver: "dump"
    # This starts another route, drops all the events in *test* namespaces and Normal events
    # for capturing critical events
    - drop:
        - namespace: ".*test.*"
        - type: "Normal"
      match:
        - receiver: "critical"
    - drop:
        - type: "Normal"
        - {minCount: 5, apiversion: "v1"}
      match:
        - labels: {version: "dev", app: }
          kind: "Pod|Deployment"
          namespace: 123
          reason: ""
          receiver: "critical"
receivers:
  - name: "dump"
    stdout: {deDot: true}
  - name: "critical"
    elasticsearch:
      hosts:
        - http://localhost:9200
      index: kube-events
      indexFormat: "kube-events-{2006-01-02}"
      useEventID: true
"#,
    );
    assert_eq!(config.warnings, Vec::new());
    assert_eq!(
        config.log,
        Log {
            level: LogLevel::Error,
            format: LogFormat::Pretty
        }
    );
    let routes = &config.route.routes;
    assert_eq!(routes.len(), 3);
    assert_eq!(
        (routes[0].matches[0].receiver, routes[1].matches[0].receiver),
        (Some(0), Some(1))
    );
    assert_eq!(
        (
            routes[2].drop[1].min_count,
            routes[2].drop[1].api_version.is_some()
        ),
        (Some(5), true)
    );
    let rule = &routes[2].matches[0];
    assert_eq!(rule.labels.len(), 2);
    assert!(rule.labels[1].1.is_match("anything"));
    assert!(rule.reason.is_none());
    assert!(
        rule.namespace
            .as_ref()
            .is_some_and(|pattern| pattern.is_match("x123x"))
    );
    assert_eq!(
        rule.at,
        Position {
            line: 22,
            column: 11
        }
    );
}

/// The example of DESIGN.md, as far as this version has its keys.
#[test]
fn configuration_of_the_design() {
    let config = accept(
        "logLevel: info\nlogFormat: json\nclusterName: prod-eu-1\nsource:\n  replay: {path: events.ndjson}\n\
         plugins:\n  directories: [/usr/share/weir/plugins, plugins]\n  cache: /var/cache/weir\n\
         filters:\n  - name: quiet\n    plugin: drop-reasons\n    config: {reasons: [Pulled, Created]}\n    onError: keep\n    limits: {memory: 32MiB, time: 100ms}\n    allow: []\n\
         route:\n  filters: [quiet]\n  drop: [{type: Normal, namespace: kube-system}]\n  routes:\n    - match: [{receiver: dump}]\n    - match: [{type: Warning, receiver: search}]\n\
         receivers:\n  - name: dump\n    stdout: {}\n  - name: search\n    elasticsearch: {hosts: [\"https://es:9200\"], index: kube-events, apiKey: \"${env:ES_KEY}\"}\n    batch: {events: 500, bytes: 5MiB, age: 1s}\n    queue: {events: 10000, onFull: wait}\n    retry: {first: 500ms, most: 1m}\n    limits: {memory: 64MiB, time: 1s}\n",
    );
    assert_eq!(config.warnings, Vec::new());
    assert_eq!(
        config.plugins.directories,
        [
            PathBuf::from("/usr/share/weir/plugins"),
            "/base/plugins".into()
        ]
    );
    let (dump, search) = (&config.receivers[0], &config.receivers[1]);
    assert_eq!(
        (dump.batch, &dump.queue, dump.retry, dump.limits),
        (search.batch, &search.queue, search.retry, search.limits)
    );
    assert_eq!(config.filters[0].on_error, Some(OnError::Keep));
    assert_eq!(
        (config.route.filters.as_slice(), config.shutdown),
        ([0].as_slice(), Shutdown::default())
    );
}

#[test]
fn files() {
    let folder = std::env::temp_dir().join(format!("weir-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let path = folder.join("config.yaml");
    std::fs::write(&path, format!("{SOURCE}receivers: []\n")).expect("a file");
    let Source::Replay(replay) = Config::load(&path).expect("valid").source else {
        panic!("it is a replay");
    };
    assert_eq!(replay.path, ReplayPath::File(folder.join("e")));
    std::fs::write(&path, b"a: \xff").expect("a file");
    assert!(matches!(
        Config::load(&path),
        Err(LoadError::NotText { offset: 3, .. })
    ));
    std::fs::write(&path, "x").expect("a file");
    let error = Config::load(&path).expect_err("no map").to_string();
    assert!(
        error.starts_with(&format!("{}:1:1: found", path.display())),
        "{error}"
    );
    std::fs::write(&path, vec![b'#'; yaml::TEXT_MOST_BYTES + 1]).expect("a file");
    assert!(matches!(
        Config::load(&path),
        Err(LoadError::TooLarge { .. })
    ));
    assert!(matches!(Config::load(&folder), Err(LoadError::Read { .. })));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert!(matches!(Config::load(&path), Err(LoadError::Read { .. })));
}
