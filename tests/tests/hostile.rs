//! Bad plugins in the whole program: every event arrives as `onError` says, the log says which plugin and why,
//! and what is refused at the start ends with 2. `host/runtime/tests` has each of them in detail.

use std::ffi::OsStr;

use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::{Ended, run};
use weir_tests::{event, ledger};

const EVENTS: usize = 3;

/// Runs a few events through one hostile filter; gives how it ended, and the ledger where it ran.
fn through(plugin: &str, on_error: &str) -> (Ended, Option<serde_json::Value>) {
    let folder = Folder::new(&format!("hostile-{plugin}-{on_error}"));
    let events: Vec<String> = (0..EVENTS).map(|number| event(number, "pod", 0)).collect();
    folder.write("events.ndjson", events.join("\n"));
    let config = format!(
        "source: {{replay: {{path: events.ndjson}}}}\nplugins: {{directories: [{:?}, {:?}]}}\n\
         filters: [{{name: bad, plugin: {plugin}, onError: {on_error}, limits: {{memory: 2MiB, time: 30ms}}}}]\n\
         route: {{filters: [bad], match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}}}]\n",
        plugins(),
        tests("hostile")
    );
    let config = folder.write("config.yaml", config);
    let ledger_file = folder.path().join("ledger.json");
    let mut command = weir([OsStr::new("run"), OsStr::new("-c"), config.as_os_str()]);
    let ended = run(command.arg("--ledger").arg(&ledger_file), b"");
    let ledger = ledger_file.exists().then(|| ledger::read(&ledger_file));
    (ended, ledger)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a filter that fails on every event does to them.
fn check_faults(plugin: &str, class: &str) {
    for (on_error, kept, dropped) in [("keep", EVENTS, 0), ("drop", 0, EVENTS)] {
        let (ended, ledger) = through(plugin, on_error);
        let log = &ended.stderr;
        assert_eq!(ended.code, Some(0), "{plugin}: {log}");
        assert_eq!(
            text(&ended.stdout).lines().count(),
            kept,
            "{plugin}, {on_error}"
        );
        let ledger = ledger.expect("a run writes its ledger");
        assert_eq!(ledger::problems(&ledger), [""; 0], "{ledger}");
        let errors = &ledger["errors"]["bad"];
        assert_eq!(
            (errors["kept"].as_u64(), errors["dropped"].as_u64()),
            (Some(kept as u64), Some(dropped as u64))
        );
        let said = log
            .lines()
            .find(|line| line.contains(&format!(r#""class":"{class}""#)));
        let said = said.unwrap_or_else(|| panic!("{plugin}: no line of class {class}: {log}"));
        for part in [r#""filter":"bad""#, &format!("{plugin}.wat"), "process"] {
            assert!(said.contains(part), "{plugin}: lacks {part}: {said}");
        }
    }
}

#[test]
fn a_loop_ends() {
    check_faults("loop-process", "time");
}

#[test]
fn a_trap_is_one_events_affair() {
    check_faults("trap", "trap");
}

#[test]
fn recursion_ends() {
    check_faults("stack", "stack");
}

#[test]
fn memory_is_bounded() {
    check_faults("memory-grow", "memory");
}

#[test]
fn a_lying_pointer_is_seen() {
    check_faults("pointer-outside", "contract");
}

#[test]
fn an_answered_error_is_no_fault_but_counts() {
    check_faults("answered-error", "answered");
}

#[test]
fn an_http_call_is_denied_and_said() {
    let (ended, ledger) = through("http", "keep");
    assert_eq!(ended.code, Some(0));
    assert_eq!(
        ledger::problems(&ledger.expect("a run writes its ledger")),
        [""; 0]
    );
    let log = &ended.stderr;
    assert!(
        log.contains("not granted") && log.contains(r#""use":"bad""#),
        "{log}"
    );
}

#[test]
fn a_refused_setup_ends_the_start_with_the_plugins_own_text() {
    let (ended, ledger) = through("setup-refused", "keep");
    let said = &ended.stderr;
    assert_eq!((ended.code, ledger), (Some(2), None), "{said}");
    for part in [
        "config.yaml:3:",
        "filters[0] (bad)",
        "setup-refused.wat",
        "reasons: expected a list",
    ] {
        assert!(said.contains(part), "lacks {part}: {said}");
    }
}

#[test]
fn floods_are_bounded_over_a_chain_of_filters() {
    let folder = Folder::new("hostile-flood");
    folder.write("events.ndjson", event(0, "pod", 0));
    let uses = ["a", "b", "c"]
        .map(|name| format!("{{name: {name}, plugin: emit-flood}}"))
        .join(", ");
    let config = format!(
        "source: {{replay: {{path: events.ndjson}}}}\nplugins: {{directories: [{:?}, {:?}]}}\nfilters: [{uses}]\n\
         route: {{filters: [a, b, c], match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}}}]\n",
        plugins(),
        tests("hostile")
    );
    let config = folder.write("config.yaml", config);
    let ended = run(
        &mut weir([OsStr::new("run"), OsStr::new("-c"), config.as_os_str()]),
        b"",
    );
    let lines = text(&ended.stdout).lines().count();
    assert!((1..=101).contains(&lines), "{lines} events of one");
}
