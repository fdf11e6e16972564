//! Tests of whole configurations: what is accepted, and the exact text of what is refused.

mod accepted;
mod delivery;
mod kubernetes;
mod source;
mod uses;

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
        "c:2:1: a second document starts here; remove the `---` (expected one document)",
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
        "c:3:18: route.match[0].receiver: no receiver has the name \"dmp\"; did you mean \"dump\"? (expected dump)\n\
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
    const KEYS: &str = "(expected one of: logLevel, logFormat, clusterName, source, maxEventAgeSeconds, checkpoint, metricsNamePrefix, admin, plugins, filters, route, receivers, secrets, shutdown)";
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
        "c:1:14: clusterName: found the text \"x${env:SECRET}\"; a secret (`${env:…}`) is only possible in a plugin's configuration and in admin.token; use `${NAME}` (expected text)",
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
}

#[test]
fn errors_as_json() {
    let error = &parse("source: {relay: 1}").expect_err("wrong").0[0];
    assert_eq!(
        serde_json::to_value(error).expect("JSON"),
        json!({"file": "c", "line": 1, "column": 10, "path": "source.relay", "kind": "unknown-key", "problem": "unknown key",
            "found": "relay", "expected": "one of: kubernetes, replay", "help": "did you mean \"replay\"?"})
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
