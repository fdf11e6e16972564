//! Tests of whole configurations: what is accepted, and the exact text of what is refused.

use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const SOURCE: &str = "source: {replay: {path: e}}\n";
const RECEIVERS: &str =
    "receivers: [{name: dump, stdout: {}}, {name: search, elasticsearch: {}}]\n";

fn environment(name: &str) -> Option<String> {
    match name {
        "EVENTS" => Some("events.ndjson".to_owned()),
        "NUMBER" => Some("7".to_owned()),
        "TRUTH" => Some("true".to_owned()),
        "SIZE" => Some("2MiB".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        "BROKEN" => Some("(hunter2".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text, "c", Path::new("/base"), &environment)
}

/// The errors of a text, one a line; "" if it is accepted.
#[track_caller]
fn check(text: &str, expected: &str) {
    let found = match parse(text) {
        Ok(_) => String::new(),
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(
                !format!("{errors} {errors:?}").contains("hunter2"),
                "{errors}"
            );
            errors.to_string()
        }
    };
    assert_eq!(found, expected, "\n{text}");
}

/// As [`check`], with a source, and with receivers `dump` and `search`, behind the text.
#[track_caller]
fn check_with(text: &str, expected: &str) {
    check(&format!("{text}\n{SOURCE}{RECEIVERS}"), expected);
}

/// As [`check`], with a source behind the text.
#[track_caller]
fn check_receivers(text: &str, expected: &str) {
    check(&format!("receivers:\n{text}\n{SOURCE}"), expected);
}

#[track_caller]
fn accept(text: &str) -> Config {
    match parse(text) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}\n{text}"),
    }
}

#[track_caller]
fn check_warnings(text: &str, expected: &str) {
    assert_eq!(
        ConfigErrors(accept(text).warnings).to_string(),
        expected,
        "\n{text}"
    );
}

#[test]
fn no_configuration() {
    const EXPECTED: &str = "(expected a map with the keys source, route and receivers)";
    check("", &format!("c:1:1: the file is empty {EXPECTED}"));
    check(
        "# a comment\n",
        &format!("c:1:1: the file is empty {EXPECTED}"),
    );
    check("[]", &format!("c:1:1: found a list {EXPECTED}"));
    check("x", &format!("c:1:1: found the text \"x\" {EXPECTED}"));
    check("--- 5", &format!("c:1:5: found 5 {EXPECTED}"));
}

#[test]
fn no_yaml() {
    check(
        "a: 1\n---\nb: 2\n",
        "c:2:1: a second document starts here; remove the `---` (expected one document: a configuration is one map)",
    );
    check(
        "source:\n\treplay: x\n",
        "c:2:2: no valid YAML: tabs disallowed within this context (block indentation); indent with spaces: YAML does not allow tabs there",
    );
    check("a: [1, 2\n", "c:1:4: no valid YAML: unclosed bracket '['");
    check(
        "a: {b: ${X}}\n",
        "c:1:9: no valid YAML: while parsing a flow mapping, did not find expected ',' or '}'; write \"${NAME}\" in quotes, or $NAME, inside of {…} and […]",
    );
    check(
        "a: *b\n",
        "c:1:4: no valid YAML: while parsing node, found unknown anchor",
    );
    check(
        "a: &a [*a]\n",
        "c:1:8: a[0]: an alias stands inside of what it names",
    );
    let deep = format!("a: {}", "[".repeat(150) + &"]".repeat(150));
    assert!(
        parse(&deep)
            .expect_err("deep")
            .to_string()
            .contains("nested too deeply (expected at most 100 levels)")
    );
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let alias = format!("*a{},", level - 1).repeat(9);
        bomb.push_str(&format!("a{level}: &a{level} [{alias}]\n"));
    }
    assert!(
        parse(&bomb)
            .expect_err("bomb")
            .to_string()
            .contains("too large, with aliases counted in full")
    );
    let long = format!("a: &a {}\nb: [{}]", "x".repeat(1 << 20), "*a,".repeat(100));
    assert!(
        parse(&long)
            .expect_err("long")
            .to_string()
            .contains("too large, with aliases counted in full")
    );
}

#[test]
fn keys_of_yaml() {
    check_with(
        "logLevel: info\nlogLevel: warn",
        "c:2:1: logLevel: a second time; the first is at 1:1; remove one of them",
    );
    check_with(
        "route:\n  routes:\n  - drop: []\n  - {drop: [], \"drop\": []}",
        "c:4:16: route.routes[1].drop: a second time; the first is at 4:6; remove one of them",
    );
    check_with(
        "~: 1",
        "c:1:1: nothing is used as a key (expected text as a key)",
    );
    check_with(
        "? [x]\n: {a: 1}",
        "c:1:3: a list is used as a key (expected text as a key)",
    );
    check_with(
        "<<: 1",
        "c:1:1: 1 cannot be merged with `<<` (expected a map, or a list of maps)",
    );
    check_with(
        "clusterName: !foo x",
        "c:1:19: clusterName: the tag !foo has no meaning here; remove the tag",
    );
    check_with("clusterName: !!str 5", "");
}

#[test]
fn several_errors_at_once_by_position() {
    check(
        "route:\n  match:\n    - {receiver: dmp}\n    - receivr: dump\nreceivers:\n  - {name: dump, stdout: {}, queue: {events: none}}\nlogLevel: loud\n",
        "c:1:1: source: missing; without it weir would watch Kubernetes, which is not in this version yet; use `source: {replay: {path: events.ndjson}}` (expected a map with the key replay)\n\
         c:3:18: route.match[0].receiver: no receiver has the name \"dmp\"; did you mean \"dump\"? (expected dump)\n\
         c:4:7: route.match[1].receivr: unknown key; did you mean \"receiver\"? (expected one of: labels, annotations, message, apiVersion, kind, namespace, reason, type, component, host, minCount, receiver)\n\
         c:6:46: receivers[0].queue.events: found the text \"none\" (expected a whole number from 1 to 10000000)\n\
         c:7:11: logLevel: found the text \"loud\" (expected one of: trace, debug, info, warn, error)",
    );
    let many = format!("{SOURCE}route: {{drop: [{}]}}", "1,".repeat(500));
    let errors = parse(&many).expect_err("many").0;
    assert_eq!(errors.len(), 100);
    assert_eq!(errors[99].help.as_deref(), Some("and 400 more errors"));
}

#[test]
fn top_level() {
    const KEYS: &str = "(expected one of: logLevel, logFormat, clusterName, source, plugins, filters, route, receivers, secrets, shutdown)";
    check_with(
        "reciever: []",
        &format!("c:1:1: reciever: unknown key; did you mean \"receivers\"? {KEYS}"),
    );
    check_with("x: 1", &format!("c:1:1: x: unknown key {KEYS}"));
    check_with(
        "\"a b\": 1",
        &format!("c:1:1: [\"a b\"]: unknown key {KEYS}"),
    );
    check_with(
        "logFormat: jsno",
        "c:1:12: logFormat: found the text \"jsno\"; did you mean \"json\"? (expected one of: json, pretty)",
    );
    check_with(
        "clusterName: []",
        "c:1:14: clusterName: found a list (expected text)",
    );
    check_with(
        "clusterName: x${env:SECRET}",
        "c:1:14: clusterName: found the text \"x${env:SECRET}\"; a secret (`${env:…}`) is only possible in a plugin's configuration; use `${NAME}` (expected text)",
    );
    check_with(
        "plugins: {directories: /x, cache: ''}",
        "c:1:24: plugins.directories: found the text \"/x\" (expected a list of paths of directories)\n\
         c:1:35: plugins.cache: found the text \"\" (expected the path of a directory)",
    );
    check_with(
        "shutdown: {deadline: 25}",
        "c:1:22: shutdown.deadline: found 25; write the unit, such as 25s (expected a duration such as 500ms, 30s, 5m or 1h30m)",
    );
    check_with(
        "shutdown: {deadline: 2h}",
        "c:1:22: shutdown.deadline: found the text \"2h\" (expected a duration from 0ms to 1h)",
    );
    for name in ["checkpoint", "admin"] {
        let error = parse(&format!("{name}: {{}}\n{SOURCE}")).expect_err(name);
        assert_eq!((error.0.len(), error.0[0].kind), (1, ErrorKind::NotYet));
    }
}

#[test]
fn source() {
    check(
        "source: {}",
        "c:1:9: source.replay: missing (expected a map such as {path: events.ndjson})",
    );
    check(
        "source: {kubernetes: {}}",
        "c:1:10: source.kubernetes: `kubernetes` is not in this version of weir yet; use source.replay",
    );
    check(
        "source: {relay: {path: x}}",
        "c:1:10: source.relay: unknown key; did you mean \"replay\"? (expected replay)",
    );
    check(
        "source: {replay: {path: 012, follow: on, rate: 1.5, repeat: -1, folow: 1}}",
        "c:1:38: source.replay.follow: found the text \"on\"; write true (expected true or false)\n\
         c:1:48: source.replay.rate: found 1.5 (expected a whole number from 0 to 4294967295)\n\
         c:1:61: source.replay.repeat: found -1 (expected a whole number from 0 to 4294967295)\n\
         c:1:65: source.replay.folow: unknown key; did you mean \"follow\"? (expected one of: path, follow, rate, repeat)",
    );
    check(
        "source: {replay: {path: x, rate: 010, repeat: \"3\"}}",
        "c:1:34: source.replay.rate: found the text \"010\"; remove the leading zero: some readers of YAML take such a number for an octal one (expected a whole number from 0 to 4294967295)\n\
         c:1:47: source.replay.repeat: found the text \"3\"; remove the quotes (expected a whole number from 0 to 4294967295)",
    );
    check(
        "source: {replay: {path: \"-\", repeat: 2}}",
        "c:1:38: source.replay.repeat: found 2; standard input cannot be read again (expected 1 with standard input)",
    );
    check(
        "source: {replay: {path: x, follow: true, repeat: 0}}",
        "c:1:50: source.replay.repeat: found 0; a file that is followed has no end after which it could be repeated (expected 1 with `follow`)",
    );
    let Source::Replay(replay) =
        accept("source: {replay: {path: a/b, rate: 0x10, repeat: 0}}").source;
    assert_eq!(replay.path, ReplayPath::File("/base/a/b".into()));
    assert_eq!(
        (
            replay.rate.map(NonZeroU32::get),
            replay.repeat,
            replay.follow
        ),
        (Some(16), Repeat::Forever, false)
    );
}

#[test]
fn rules() {
    let rule = |rule: &str, expected: &str| {
        check_with(&format!("route: {{match: [{{{rule}}}]}}"), expected)
    };
    rule(
        "kind: [a]",
        "c:1:24: route.match[0].kind: found a list; one pattern can match any of several: `a|b` (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "namespace: '*test*'",
        "c:1:29: route.match[0].namespace: no valid pattern: nothing before `*` that it could repeat; this is a regular expression, not a glob: write `test` (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "labels: {a/b: '('}",
        "c:1:32: route.match[0].labels[\"a/b\"]: no valid pattern: missing closing ) (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "message: $BROKEN",
        "c:1:27: route.match[0].message: no valid pattern: missing closing ) (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "minCount: three",
        "c:1:28: route.match[0].minCount: found the text \"three\" (expected a whole number)",
    );
    rule(
        "minCount: 1, mincount: 1",
        "c:1:31: route.match[0].mincount: set together with minCount; remove it: it is the old spelling of minCount",
    );
    rule(
        "receiver: $SECRET",
        "c:1:28: route.match[0].receiver: no receiver has the name \"$SECRET\" (expected one of: dump, search)",
    );
    check_with(
        "route: {match: {receiver: dump}}",
        "c:1:16: route.match: found a map (expected a list of rules, such as [{type: Warning}])",
    );
    check_with(
        "route: {match: [dump]}",
        "c:1:17: route.match[0]: found the text \"dump\" (expected a rule: a map of conditions, such as {type: Warning})",
    );
    check_with(
        "route: {filters: [quiet]}",
        "c:1:19: route.filters[0]: no filter has the name \"quiet\" (expected a name from `filters`, which has none)",
    );
}

#[test]
fn traps_of_kee() {
    let rule = |rule: &str, expected: &str| check_with(&format!("route: {rule}"), expected);
    rule(
        "{drop: [{name: x}]}",
        "c:1:17: route.drop[0].name: a rule cannot ask for the name of an object; KEE ignored it, and so dropped everything",
    );
    rule(
        "{match: [{name: x, kind: y}]}",
        "c:1:18: route.match[0].name: a rule cannot ask for the name of an object; KEE ignored it, and so matched more than this says",
    );
    rule(
        "{match: [{drop: []}]}",
        "c:1:18: route.match[0].drop: `drop` is a key of a route, not of a rule; KEE ignored it here; write it beside `match`",
    );
    rule(
        "{match: [{maxEventAgeSeconds: 5}]}",
        "c:1:18: route.match[0].maxEventAgeSeconds: this is a key of the top level, not of a rule; KEE ignored it here",
    );
    rule(
        "{drop: [{kind: x, receiver: dump}]}",
        "c:1:26: route.drop[0].receiver: a rule under `drop` sends nothing, so it has no receiver; remove it (KEE ignored it), or move the rule to `match`",
    );
    check_warnings(
        &format!(
            "route: {{drop: [{{}}], match: [{{receiver: dump}}]}}\n{SOURCE}{RECEIVERS}filters: [{{name: f, plugin: p}}]\n"
        ),
        "c:1:16: route.drop[0]: warning: an empty rule matches everything, so this drops every event of the route; remove it, or give it a condition\n\
         c:3:39: receivers[1]: warning: no rule sends to this receiver\n\
         c:4:11: filters[0]: warning: no route uses this filter",
    );
    check_warnings(
        &format!(
            "{SOURCE}maxEventAgeSeconds: 5\nkubeQPS: 2.5\nmetricsNamePrefix: weir_\nleaderElection: {{enabled: false}}\nreceivers: []\n"
        ),
        "c:2:1: maxEventAgeSeconds: warning: has no effect with source.replay\n\
         c:3:1: kubeQPS: warning: has no effect with source.replay\n\
         c:4:1: metricsNamePrefix: warning: has no effect: this version of weir has no metrics yet\n\
         c:5:1: leaderElection: warning: has no effect with source.replay\n\
         c:6:1: receivers: warning: no receivers: nothing is sent anywhere",
    );
    check_with(
        "maxEventAgeSeconds: 5\nthrottlePeriod: 5\nomitLookup: yes\nmetricsNamePrefix: weir",
        "c:2:1: throttlePeriod: set together with maxEventAgeSeconds; remove it: it is the old name of maxEventAgeSeconds\n\
         c:3:13: omitLookup: found the text \"yes\"; write true (expected true or false)\n\
         c:4:20: metricsNamePrefix: found the text \"weir\" (expected letters, digits, `_` and `:`, first a letter, last a `_`)",
    );
}

#[test]
fn receivers() {
    const NAME: &str = "(expected 1 to 253 of A-Z a-z 0-9 . _ -, first a letter or digit)";
    const SINK: &str = "(expected one key that is the name of a sink plugin, with its configuration, such as `stdout: {}`)";
    const KEYS: &str = "(expected one of: name, batch, queue, retry, limits, or one key that is the name of a sink plugin)";
    check_receivers(
        "- {name: a}",
        &format!("c:2:3: receivers[0]: no sink {SINK}"),
    );
    check_receivers(
        "- {stdout: {}}",
        &format!("c:2:3: receivers[0].name: missing {NAME}"),
    );
    check_receivers(
        "- {name: a b, stdout: {}}",
        &format!("c:2:10: receivers[0].name: found the text \"a b\" {NAME}"),
    );
    check_receivers(
        "- {name: a, stdout: {}}\n- {name: a, file: {}}",
        "c:3:10: receivers[1].name: a second receiver with the name \"a\"; the first is receivers[0] at 2:3",
    );
    check_receivers(
        "- {name: a, stdout: {}, file: {}}",
        &format!(
            "c:2:25: receivers[0].file: a second sink beside \"stdout\", or an unknown key; write a receiver for each sink {SINK}"
        ),
    );
    check_receivers(
        "- {name: a, stdout: {}, bach: {}}",
        &format!("c:2:25: receivers[0].bach: unknown key; did you mean \"batch\"? {KEYS}"),
    );
    check_receivers(
        "- {name: a, stdout: {}, deDot: true}",
        &format!(
            "c:2:25: receivers[0].deDot: unknown key; write it in the sink's block, as in `stdout: {{deDot: …}}` {KEYS}"
        ),
    );
    check_receivers(
        "- {name: a, stdout: hunter2}",
        "c:2:21: receivers[0].stdout: not a map (expected the plugin's configuration, a map)",
    );
    check_receivers(
        "- {name: a, ../x: {}}",
        "c:2:13: receivers[0][\"../x\"]: \"../x\" is no name of a plugin (expected the stem of a plugin's file, such as drop-reasons for drop-reasons.wasm)",
    );
    check_receivers(
        "- {name: a, stdout: {tls: {}, layout: {}}, http: {}, queue: {disk: {}}, retry: {for: 1h}}",
        "c:2:22: receivers[0].stdout.tls: `tls` is not in this version of weir yet; leave it out: sinks cannot use HTTP yet\n\
         c:2:31: receivers[0].stdout.layout: `layout` is not in this version of weir yet; leave it out: the sink gets the whole event\n\
         c:2:44: receivers[0].http: `http` is not in this version of weir yet; leave it out: sinks cannot use HTTP yet\n\
         c:2:62: receivers[0].queue.disk: `disk` is not in this version of weir yet; leave it out: queues are in memory\n\
         c:2:81: receivers[0].retry.for: `for` is not in this version of weir yet; leave it out: what cannot be delivered is retried for ever",
    );
    check_receivers(
        "- {name: a, stdout: {}, batch: {events: 0, bytes: 5Mi}, queue: {events: 9, onFull: drop}, retry: {first: 2m, most: 1m}, limits: {memory: 1KiB, time: 2h}}",
        "c:2:41: receivers[0].batch.events: found 0 (expected a whole number from 1 to 100000)\n\
         c:2:51: receivers[0].batch.bytes: found the text \"5Mi\" (expected a size such as 32MiB, 5MB or 1048576 (KiB, MiB, GiB count 1024; kB, MB, GB 1000))\n\
         c:2:73: receivers[0].queue.events: found 9; a batch could never be full (expected at least batch.events, 500)\n\
         c:2:84: receivers[0].queue.onFull: found the text \"drop\" (expected one of: wait, dropOldest)\n\
         c:2:116: receivers[0].retry.most: found the text \"1m\" (expected at least retry.first)\n\
         c:2:138: receivers[0].limits.memory: found the text \"1KiB\" (expected a size from 64KiB to 4GiB)\n\
         c:2:150: receivers[0].limits.time: found the text \"2h\" (expected a duration from 1ms to 1h)",
    );
    check_receivers(
        "- {name: a, stdout: {}, batch: {bytes: 64MiB}}",
        "c:2:40: receivers[0].batch.bytes: found the text \"64MiB\"; a batch must fit the memory of the sink: raise limits.memory (expected less than limits.memory)",
    );
    check_warnings(
        &format!("{SOURCE}receivers: [{{name: a, stdout: }}]\nroute: {{match: [{{receiver: a}}]}}"),
        "c:2:23: receivers[0].stdout: warning: a sink without a configuration; write `{}`: KEE takes this for no sink at all, and sends nothing",
    );
}

#[test]
fn filters() {
    const STEM: &str =
        "(expected the stem of a plugin's file, such as drop-reasons for drop-reasons.wasm)";
    let filter = |filter: &str, expected: &str| {
        check_with(&format!("filters: [{{name: f, {filter}}}]"), expected)
    };
    filter(
        "config: {}",
        &format!("c:1:11: filters[0].plugin: missing {STEM}"),
    );
    filter(
        "plugin: a/b.wasm",
        &format!(
            "c:1:29: filters[0].plugin: found the text \"a/b.wasm\"; write \"b\"; where plugins are is said by plugins.directories {STEM}"
        ),
    );
    filter(
        "plugin: b, onError: kep",
        "c:1:41: filters[0].onError: found the text \"kep\"; did you mean \"keep\"? (expected one of: keep, drop, hold)",
    );
    filter(
        "plugin: b, config: [hunter2]",
        "c:1:40: filters[0].config: not a map (expected the plugin's configuration, a map)",
    );
    filter(
        "plugin: b, allow: ['https://a/b', 'http://a:1', '*']",
        "c:1:40: filters[0].allow[0]: found the text \"https://a/b\" (expected an origin such as https://host:8443, without a path)\nc:1:69: filters[0].allow[2]: found the text \"*\" (expected an origin such as https://host:8443, without a path)",
    );
    filter(
        "plugin: b, config: {a: .inf, b: [99999999999999999999], c: '${env:}', d: '${file:x}'}",
        "c:1:44: filters[0].config.a: a number that JSON cannot hold; in quotes it is text, and stays as it is (expected a finite number; whole ones from -2^63 to 2^64-1)\n\
         c:1:54: filters[0].config.b[0]: a number that JSON cannot hold; in quotes it is text, and stays as it is (expected a finite number; whole ones from -2^63 to 2^64-1)\n\
         c:1:80: filters[0].config.c: a secret `${env:…}` that names nothing (expected the name of a variable, then `}`)\n\
         c:1:94: filters[0].config.d: a secret `${file:…}` that names nothing (expected the absolute path of a file, then `}`)",
    );
}

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
        (dump.batch, dump.queue, dump.retry, dump.limits),
        (search.batch, search.queue, search.retry, search.limits)
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
    let Source::Replay(replay) = Config::load(&path).expect("valid").source;
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

#[test]
fn errors_as_json() {
    let error = &parse("source: {relay: 1}").expect_err("wrong").0[0];
    assert_eq!(
        serde_json::to_value(error).expect("JSON"),
        json!({"file": "c", "line": 1, "column": 10, "path": "source.relay", "kind": "unknown-key", "problem": "unknown key",
            "found": "relay", "expected": "replay", "help": "did you mean \"replay\"?"})
    );
}

proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,200}") {
        let _ = parse(&text);
    }

    #[test]
    fn never_panics_on_what_looks_like_yaml(
        text in "(source|route|receivers|filters|match|drop|name|labels|replay|path|x|[-&*!]a|<<|\\$NUMBER|[:,?|>'\"#~]|: |- |\n|\n  |\n    |\\[|\\]|\\{|\\}|12){0,60}"
    ) {
        let _ = parse(&text);
    }
}
