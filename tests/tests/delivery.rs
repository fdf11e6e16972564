//! Delivery: what becomes of events that nobody can take, and of those that wait when the process ends.

use std::collections::BTreeSet;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::{Ended, Running, run};

/// Events in `tests/data/few.ndjson`, and the one of them whose reason begins with U.
const EVENTS: usize = 34;
const UNMANAGED: &str = "UnmanagedPods";

/// A configuration with one receiver, `out`, over some events, in a folder of its own.
struct Scene {
    folder: Folder,
}

impl Scene {
    fn new(name: &str) -> Scene {
        Scene {
            folder: Folder::new(name),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, events: &str, receiver: &str) -> std::process::Command {
        let (bundled, own) = (plugins(), tests("plugins"));
        let config = format!(
            "source: {{replay: {{path: \"{events}\"}}}}\nplugins: {{directories: [\"{}\", \"{}\"]}}\nroute: {{match: [{{receiver: out}}]}}\nreceivers:\n- name: out\n  {receiver}\n",
            bundled.display(),
            own.display()
        );
        let config = self.folder.write("config.yaml", config);
        let config = config.to_string_lossy().into_owned();
        let ledger = self.path("ledger.json").to_string_lossy().into_owned();
        weir(["run", "-c", &config, "--ledger", &ledger])
    }

    /// Runs to the end over the few recorded events.
    fn run(&self, receiver: &str) -> Ended {
        run(&mut self.command(&few(), receiver), &[])
    }

    fn ledger(&self) -> Value {
        let text = std::fs::read_to_string(self.path("ledger.json")).expect("it was written");
        let ledger: Value = serde_json::from_str(&text).expect("JSON");
        ledger["receivers"]["out"].clone()
    }

    fn letters(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("dead.ndjson")).expect("it was written");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

fn few() -> String {
    tests("data/few.ndjson").display().to_string()
}

/// The reasons of the events in some lines.
fn reasons(lines: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(lines);
    let reason = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("an event a line");
        event["reason"].as_str().unwrap_or_default().to_owned()
    };
    text.lines().map(reason).collect()
}

fn names(lines: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(lines);
    let name = |line: &str| {
        let event: Value = serde_json::from_str(line).expect("an event a line");
        event["metadata"].to_string()
    };
    text.lines().map(name).collect()
}

#[test]
fn a_dead_letter_can_be_sent_again_to_its_receiver_alone() {
    let scene = Scene::new("letters");
    let ended = scene.run("odd-sink: {picky: true}\n  deadLetters: {path: dead.ndjson}");
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let letters = scene.letters();
    assert_eq!(
        letters.len() as u64,
        scene.ledger()["dead"].as_u64().expect("a number")
    );
    for letter in &letters {
        assert_eq!(
            (&letter["receiver"], &letter["reason"]),
            (&"out".into(), &"no warnings".into())
        );
        let metadata = &letter["event"]["metadata"];
        let id = format!(
            "{}/{}",
            metadata["uid"].as_str().expect("text"),
            metadata["resourceVersion"].as_str().expect("text")
        );
        assert_eq!(letter["id"], id.as_str());
        assert_eq!(letter["event"]["type"], "Warning");
    }
    // A second receiver gets everything that is routed: nothing is.
    let two = "stdout: {}\n- name: other\n  odd-sink: {batch: true}";
    let again = run(&mut scene.command("dead.ndjson", two), &[]);
    assert_eq!(again.code, Some(0), "{}", again.stderr);
    assert_eq!(reasons(&again.stdout).len(), letters.len());
    assert_eq!(scene.ledger()["delivered"], letters.len());
}

#[test]
fn a_letter_for_nobody_is_malformed_and_says_so() {
    let scene = Scene::new("nobody");
    scene.folder.write(
        "dead.ndjson",
        "{\"receiver\":\"gone\",\"reason\":\"\",\"time\":\"\",\"id\":\"\",\"event\":{}}\n",
    );
    let ended = run(&mut scene.command("dead.ndjson", "stdout: {}"), &[]);
    assert!(
        ended.stderr.contains("for the receiver `gone`"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, b"");
}

#[test]
fn an_event_that_breaks_the_plugin_is_isolated() {
    let scene = Scene::new("poison");
    let ended =
        scene.run("odd-sink: {x: 1}\n  deadLetters: {path: dead.ndjson}\n  retry: {first: 10ms}");
    let letters = scene.letters();
    assert_eq!(letters.len(), 1, "{}", ended.stderr);
    assert_eq!(letters[0]["event"]["reason"], UNMANAGED);
    let reason = letters[0]["reason"].as_str().expect("text");
    assert!(
        reason.starts_with("the plugin breaks on this event, and not on others"),
        "{reason}"
    );
    let delivered = reasons(&ended.stdout);
    assert_eq!(delivered.len(), EVENTS - 1);
    assert!(!delivered.contains(&UNMANAGED.to_owned()));
}

#[test]
fn a_plugin_that_breaks_on_everything_costs_no_event() {
    let scene = Scene::new("broken");
    let mut running = Running::start(&mut scene.command(
        &few(),
        "odd-sink: {y: 1}\n  deadLetters: {path: dead.ndjson}\n  retry: {first: 10ms, most: 20ms}\n  queue: {disk: {path: queue}}",
    ));
    running.await_said("the plugin breaks on every event");
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(
        ended.code,
        Some(0),
        "what waits is on the disk: {}",
        ended.stderr
    );
    assert_eq!(
        (scene.ledger()["dead"].as_u64(), scene.letters().len()),
        (Some(0), 0)
    );
    assert_eq!(scene.ledger()["waiting"], EVENTS);
}

#[test]
fn an_event_that_the_server_never_takes_does_not_stop_the_others() {
    let scene = Scene::new("stubborn");
    let receiver = "odd-sink: {z: 1}\n  deadLetters: {path: dead.ndjson}\n  retry: {first: 1ms, most: 5ms, for: 1s}";
    let ended = scene.run(receiver);
    let letters = scene.letters();
    assert_eq!(letters.len(), 1, "{}", ended.stderr);
    assert_eq!(letters[0]["event"]["reason"], UNMANAGED);
    let reason = letters[0]["reason"].as_str().expect("text");
    assert!(
        reason.contains("retry.for") && reason.contains("not at first"),
        "{reason}"
    );
    assert_eq!(reasons(&ended.stdout).len(), EVENTS - 1);
}

#[test]
fn what_waits_on_the_disk_is_delivered_by_the_next_run_each_once() {
    let scene = Scene::new("disk");
    let disk = "retry: {first: 10ms, most: 20ms}\n  queue: {disk: {path: queue}}";
    for kill in [Signal::TERM, Signal::KILL] {
        let never = format!("odd-sink: {{never: 1}}\n  {disk}");
        let mut running = Running::start(&mut scene.command(&few(), &never));
        running.await_said("not delivered, will be tried again");
        running.signal(kill);
        running.await_end();
        scene.folder.write("none.ndjson", "");
        let ended = run(
            &mut scene.command("none.ndjson", &format!("stdout: {{}}\n  {disk}")),
            &[],
        );
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(reasons(&ended.stdout).len(), EVENTS);
        assert_eq!(names(&ended.stdout).len(), EVENTS);
        let ledger = scene.ledger();
        assert_eq!(
            (&ledger["recovered"], &ledger["delivered"]),
            (&EVENTS.into(), &EVENTS.into())
        );
        let ended = run(
            &mut scene.command("none.ndjson", &format!("stdout: {{}}\n  {disk}")),
            &[],
        );
        assert_eq!(ended.stdout, b"", "delivered once");
    }
}

#[test]
fn two_processes_do_not_share_a_queue() {
    let scene = Scene::new("locked");
    let receiver = "odd-sink: {never: 1}\n  queue: {disk: {path: queue}}";
    let mut first = Running::start(&mut scene.command("-", receiver));
    first.await_said("plugin loaded");
    let status = scene.path("queue/lock");
    let deadline = std::time::Instant::now() + weir_tests::running::DEADLINE;
    while !status.exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "it never opened its queue"
        );
        std::thread::yield_now();
    }
    let second = run(&mut scene.command("-", receiver), &[]);
    assert_eq!(second.code, Some(2), "{}", second.stderr);
    assert!(
        second
            .stderr
            .contains("config.yaml:5:3: receivers[0] (out): queue.disk: "),
        "{}",
        second.stderr
    );
    first.end();
}

#[test]
fn a_layout_is_what_is_sent() {
    let scene = Scene::new("layout");
    let layout = "stdout:\n    layout:\n      kind: '{{ .InvolvedObject.Kind }}'\n      why: ['{{ .Reason | lower }}']";
    let ended = scene.run(layout);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    assert!(
        text.lines()
            .any(|line| line == r#"{"kind":"Node","why":["starting"]}"#),
        "{text}"
    );
    assert_eq!(text.lines().count(), EVENTS);
}
