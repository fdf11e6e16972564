//! Self-tests as a user meets them: a plugin that fails its own is not taken, and `weir plugin test` says why. And what that
//! command says beside.

use std::path::Path;

use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{examples, plugins, tests, weir};
use weir_tests::running::{Ended, run};

fn command(arguments: &[&str]) -> Ended {
    run(&mut weir(arguments), b"")
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn out(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

/// A folder with `drop-reasons` as the plugin `quiet`, with these self-tests, and a configuration that uses it twice.
fn quiet(name: &str, tests: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    let plugin = std::fs::read(plugins().join("drop-reasons.wasm")).expect("it is bundled");
    folder.write("plugins/quiet.wasm", plugin);
    folder.write("plugins/quiet.test.yaml", tests);
    folder.write("events.ndjson", weir_tests::event(0, "pod", 0));
    let config = format!(
        "source: {{replay: {{path: events.ndjson}}}}\nplugins: {{directories: [{:?}, plugins]}}\n\
         filters:\n- {{name: one, plugin: quiet, config: {{reasons: [a]}}}}\n\
         - {{name: two, plugin: quiet, config: {{reasons: [b]}}}}\n\
         route: {{filters: [one, two], match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}}}]\n",
        plugins()
    );
    let config = text(&folder.write("config.yaml", config));
    (folder, config)
}

const GOOD: &str =
    "[{config: {reasons: [Pulled]}, event: {reason: Pulled}, expect: {drop: reason Pulled}}]";
const BAD: &str = "\
- name: drops
  config: {reasons: [Pulled]}
  event: {reason: Failed}
  expect: drop
- config: {reasons: [Pulled]}
  event: {reason: Failed}
  expect: keep
";

#[test]
fn a_plugin_that_passes_is_taken_and_the_log_counts() {
    let (_folder, config) = quiet("self-tests-good", GOOD);
    let ended = command(&["check", "-c", &config]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = command(&["run", "-c", &config]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let counted = ended.stderr.matches(r#""self_tests":1"#).count();
    assert_eq!(counted, 2, "{}", ended.stderr);
    assert_eq!(out(&ended).lines().count(), 1);
}

#[test]
fn a_plugin_that_fails_is_not_taken_and_that_is_said_once() {
    let (_folder, config) = quiet("self-tests-bad", BAD);
    for command_name in ["check", "run"] {
        let ended = command(&[command_name, "-c", &config]);
        assert_eq!((ended.code, out(&ended).as_str()), (Some(2), ""));
        let said = &ended.stderr;
        assert_eq!(
            said.matches("1 of 2 self-tests failed").count(),
            1,
            "{said}"
        );
        assert!(
            said.contains("config.yaml:4:3: filters[0] (one): plugin quiet "),
            "{said}"
        );
        let place = "quiet.test.yaml:1:3: drops: expected drop; got keep";
        assert!(said.contains(place), "{said}");
    }
    let ended = command(&["check", "-c", &config, "--output", "json"]);
    let report: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!(
        report["errors"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
}

#[test]
fn a_wrong_file_is_told_with_all_its_mistakes() {
    let (_folder, config) = quiet(
        "self-tests-wrong",
        "[{event: {}, expect: kep}, {expct: keep}]",
    );
    let ended = command(&["check", "-c", &config]);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    for part in [
        "its self-tests cannot be read:",
        "quiet.test.yaml:1:22: tests[0].expect: found the text \"kep\"; did you mean \"keep\"?",
        "quiet.test.yaml:1:29: tests[1].expct: unknown key; did you mean \"expect\"?",
    ] {
        assert!(
            ended.stderr.contains(part),
            "lacks {part}: {}",
            ended.stderr
        );
    }
}

#[test]
fn plugin_test_prints_a_line_each() {
    let (folder, _) = quiet("self-tests-command", BAD);
    let own = text(&folder.path().join("plugins"));
    let path = text(&folder.path().join("plugins/quiet.wasm"));
    // By its name, and by its path.
    for arguments in [
        &["plugin", "test", "quiet", "--plugins", &own][..],
        &["plugin", "test", &path, "--plugins", &own],
    ] {
        let ended = command(arguments);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let lines = out(&ended);
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[0].starts_with("FAILED  drops (") && lines[0].ends_with("quiet.test.yaml:1:3)")
        );
        assert_eq!(
            lines[1..],
            ["    expected drop; got keep", "ok      test 2"]
        );
        assert!(
            ended.stderr.contains("2 self-tests: 1 failed"),
            "{}",
            ended.stderr
        );
    }
    let ended = command(&[
        "plugin",
        "test",
        "quiet",
        "--plugins",
        &own,
        "--output",
        "json",
    ]);
    let rows: Vec<Value> = out(&ended)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let shown: Vec<_> = rows
        .iter()
        .map(|row| (&row["ok"], &row["problem"]))
        .collect();
    let expected = (&Value::Bool(false), &Value::from("expected drop; got keep"));
    assert_eq!(shown, [expected, (&Value::Bool(true), &Value::Null)]);
}

#[test]
fn plugin_test_says_how_to_write_the_first() {
    let own = text(&tests("plugins"));
    let ended = command(&["plugin", "test", "stamp", "--plugins", &own]);
    assert_eq!((ended.code, out(&ended).as_str()), (Some(2), ""));
    for part in [
        "has no self-tests",
        "stamp.test.yaml",
        "expect: drop",
        "events.ndjson",
    ] {
        assert!(
            ended.stderr.contains(part),
            "lacks {part}: {}",
            ended.stderr
        );
    }
    let ended = command(&[
        "plugin",
        "test",
        "stamp",
        "--with",
        "a: 1",
        "--plugins",
        &own,
    ]);
    assert_eq!(
        ended.code,
        Some(2),
        "a self-test brings its own configuration"
    );
}

#[test]
fn what_ships_and_what_is_printed_passes_its_own() {
    let (bundled, printed) = (text(&plugins()), text(&examples()));
    for (name, folder) in [
        ("drop-reasons", &bundled),
        ("redact", &bundled),
        ("ten-lines", &printed),
    ] {
        let ended = command(&["plugin", "test", name, "--plugins", folder]);
        assert_eq!(ended.code, Some(0), "{}{}", out(&ended), ended.stderr);
    }
}

#[test]
fn hostile_plugins_fail_their_own_and_are_not_taken() {
    let hostile = text(&tests("hostile"));
    for (name, expected) in [
        ("self-test-loop", "process ran past its time limit"),
        ("self-test-trap", "process trapped"),
        ("self-test-memory", "process ran past its memory limit"),
    ] {
        let ended = command(&["plugin", "test", name, "--plugins", &hostile]);
        assert_eq!(ended.code, Some(1), "{name}: {}", ended.stderr);
        let printed = out(&ended);
        assert!(
            printed.contains(&format!("expected keep; got a fault: {expected}")),
            "{printed}"
        );
        assert!(printed.starts_with("FAILED  it keeps ("), "{printed}");
    }
}

/// Self-tests of the bundled sink `webhook`: what it sends, and what it makes of the answers.
const WEBHOOK: &str = "\
- name: a batch is one request
  config: {endpoint: \"http://collector.test/events\", batch: ndjson}
  events: [{reason: Pulled, message: größer}, {reason: Failed}]
  answers: [{status: 200}]
  requests: [{method: POST, url: \"http://collector.test/events\", headers: {Content-Type: application/x-ndjson}, body: documents, lines: 2}]
  expect: done
- name: an event comes again when the server is busy
  config: {endpoint: \"http://collector.test/events\"}
  events: [{reason: Pulled}, {reason: Failed}]
  answers: [{status: 204}, {status: 503}]
  expect: {done: true, retried: {1: \"503\"}}
- name: nobody answers
  config: {endpoint: \"http://collector.test/events\"}
  event: {reason: Pulled}
  answers: [{error: \"connect: refused\"}]
  expect: {retry: \"connect: refused\"}
";

#[test]
fn a_named_file_tests_a_sink_whose_server_it_plays() {
    let folder = Folder::new("self-tests-sink");
    let good = text(&folder.write("good.yaml", WEBHOOK));
    let wrong = WEBHOOK
        .replace("lines: 2", "lines: 3")
        .replace("answers: [{status: 204}", "answers: [{status: 400}");
    let wrong = text(&folder.write("wrong.yaml", wrong));
    let bundled = text(&plugins());
    let arguments = [
        "plugin",
        "test",
        "webhook",
        "--plugins",
        &bundled,
        "--tests",
    ];
    let ended = command(&[&arguments[..], &[&good]].concat());
    assert_eq!(ended.code, Some(0), "{}{}", out(&ended), ended.stderr);
    assert!(
        ended.stderr.contains("3 self-tests: 0 failed"),
        "{}",
        ended.stderr
    );

    let ended = command(&[&arguments[..], &[&wrong]].concat());
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let printed = out(&ended);
    for part in [
        "wrong.yaml:1:3)\n    request 1: expected a body of 3 lines; got 2\n",
        "    the batch's event 0: expected accepted; got rejected \"",
    ] {
        assert!(printed.contains(part), "lacks {part}: {printed}");
    }
    // Words of a filter are none of a sink.
    let keeps = text(&folder.write("keeps.yaml", "[{event: {}, expect: keep}]"));
    let ended = command(&[&arguments[..], &[&keeps]].concat());
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    let said = "keeps.yaml:1:22: tests[0].expect: found the text \"keep\"; `keep` is about a filter, and this plugin is a sink";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    for (name, said) in [
        ("none.yaml", "cannot read the self-tests none.yaml: "),
        ("empty.yaml", "no self-tests in "),
    ] {
        let empty = text(&folder.write("empty.yaml", "[]"));
        let name = if name == "empty.yaml" { &empty } else { name };
        let ended = command(&[&arguments[..], &[name]].concat());
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
}

#[test]
fn without_a_plugin_it_is_the_one_of_the_folder() {
    let folder = Folder::new("self-tests-own");
    let here = |arguments: &[&str]| run(weir(arguments).current_dir(folder.path()), b"");
    let ended = here(&["plugin", "test"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended
            .stderr
            .contains("There is no plugin.yaml in this folder"),
        "{}",
        ended.stderr
    );
    folder.write("plugin.yaml", "name: quiet\nlanguage: c\n");
    let ended = here(&["plugin", "test"]);
    assert_eq!(ended.code, Some(2));
    assert!(
        ended.stderr.contains("there is no ./quiet.wasm: build it"),
        "{}",
        ended.stderr
    );
    let plugin = std::fs::read(plugins().join("drop-reasons.wasm")).expect("it is bundled");
    folder.write("quiet.wasm", plugin);
    folder.write("quiet.test.yaml", GOOD);
    let ended = here(&["plugin", "test"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(out(&ended), "ok      test 1\n");
    // One name alone is the plugin's.
    folder.write("events.ndjson", weir_tests::event(0, "pod", 0));
    let ended = here(&["plugin", "test", "events.ndjson"]);
    assert_eq!(ended.code, Some(2));
    let said = "for events name the plugin before them: weir plugin test NAME events.ndjson";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}

#[test]
fn log_lines_stand_below_what_caused_them() {
    let folder = Folder::new("self-tests-log");
    let file = "[{name: a, event: {}, expect: trap}, {name: b, event: {}, expect: keep}]";
    let file = text(&folder.write("t.yaml", file));
    let plugin = text(&tests("hostile/print-then-trap.wat"));
    let says =
        |more: &[&str]| command(&[&["plugin", "test", &plugin, "--tests", &file], more].concat());
    let ended = says(&[]);
    let printed = out(&ended);
    let (_, failed) = printed.split_once("ok      a\nFAILED  b (").expect("both");
    assert!(
        failed.ends_with("\n    log: warn panic: no way!\n"),
        "{printed}"
    );
    for part in [
        "2 self-tests: 1 failed\n",
        "1 log line not shown; --verbose shows them\n",
        "memory: 0.1 MiB at most in an instance, of 32.0 MiB\n",
    ] {
        assert!(
            ended.stderr.contains(part),
            "lacks {part}: {}",
            ended.stderr
        );
    }
    let printed = out(&says(&["-v"]));
    let first = "ok      a\n    log: warn panic: no way!\nFAILED  b (";
    assert!(printed.starts_with(first), "{printed}");
    let ended = says(&["--output", "json"]);
    let row = out(&ended);
    let row: Value = serde_json::from_str(row.lines().next().expect("a line")).expect("JSON");
    assert_eq!(row["log"], serde_json::json!(["warn panic: no way!"]));
    assert_eq!(row["memory"], 65536);
}

#[test]
fn events_show_log_lines_counters_and_memory() {
    let folder = Folder::new("self-tests-events");
    let events = text(&folder.write("events.ndjson", weir_tests::event(0, "pod", 0)));
    let of = |name: &str, more: &[&str]| {
        let plugin = text(&tests(name));
        command(&[&["plugin", "test", &plugin, &events], more].concat())
    };
    let ended = of("hostile/trap.wat", &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let printed = out(&ended);
    let said =
        "(in give_up ← process)\n         log: warn trying the event again in a fresh instance";
    assert!(printed.contains(said), "{printed}");
    for part in ["counter tries: 2\n", "memory: 0.1 MiB at most"] {
        assert!(
            ended.stderr.contains(part),
            "lacks {part}: {}",
            ended.stderr
        );
    }
    let ended = of("hostile/log-long.wat", &[]);
    assert!(
        ended
            .stderr
            .contains("2 log lines not shown; --verbose shows them"),
        "{}",
        ended.stderr
    );
    let printed = out(&of("hostile/log-long.wat", &["--verbose"]));
    assert_eq!(printed.matches("\n         log: ").count(), 2, "{printed}");
    let ended = of("hostile/http.wat", &[]);
    let said = "1 HTTP request refused (POST http://u:p@169.254.169.254/x): `weir plugin test` makes none; a self-test with `answers` says what they get";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
}
