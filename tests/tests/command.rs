//! The commands as a user meets them: what they say, how they end, and what they do when they are stopped.
//!
//! Over 500 lines, because each command's tests share the helpers at the top and little else.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::{DEADLINE, Ended, Running, run};
use weir_tests::{event, input, ledger, number_of};

/// Runs a command to its end, without input.
fn command(arguments: &[&str]) -> Ended {
    run(&mut weir(arguments), b"")
}

/// Every line must be in the text.
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "lacks {part:?}: {text}");
    }
}

fn json(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => panic!("no JSON: {error}: {}", String::from_utf8_lossy(bytes)),
    }
}

/// A folder with a `config.yaml`: a replay of `path` into one receiver `out`, with these further lines.
fn replay(name: &str, path: &str, receiver: &str, more: &str) -> (Folder, String) {
    let folder = Folder::new(name);
    let (bundled, own) = (plugins(), tests("plugins"));
    let config = format!(
        "source: {{replay: {path}}}\nplugins: {{directories: [{bundled:?}, {own:?}]}}\nroute: {{match: [{{receiver: out}}]}}\n\
         receivers: [{{name: out, {receiver}}}]\n{more}\n"
    );
    let path = folder.write("config.yaml", config).display().to_string();
    (folder, path)
}

/// `weir run` of that configuration, with the ledger's path.
fn running(folder: &Folder, config: &str) -> (Running, PathBuf) {
    let ledger = folder.path().join("ledger.json");
    let arguments = ["run", "-c", config, "--ledger"].map(std::ffi::OsStr::new);
    let running = Running::start(weir(arguments).arg(&ledger));
    (running, ledger)
}

/// The ledger, whose sums must hold.
fn balanced(path: &std::path::Path) -> Value {
    let ledger = ledger::read(path);
    assert_eq!(ledger::problems(&ledger), [""; 0], "{ledger}");
    ledger
}

// --- weir check

const MISTAKES: &str = "\
logLevel: loud
source: {replay: {path: x.ndjson, speed: 3}}
filters:
  - {name: quiet, plugin: drop-reasons, onError: retry}
route:
  filters: [quiet]
  match: [{receiver: dmp}, {reason: \"(\"}]
receivers:
  - name: dump
    stdout: {}
    batch: {events: 0}
";

#[test]
fn check_reports_every_mistake_with_its_place() {
    let folder = Folder::new("check");
    let config = folder.write("config.yaml", MISTAKES).display().to_string();
    for arguments in [["check", "-c", &config], ["run", "-c", &config]] {
        let ended = command(&arguments);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
        // Line and column counted by hand in the text above.
        let expected = [
            "config.yaml:1:11: logLevel: found the text \"loud\"",
            "config.yaml:2:35: source.replay.speed: unknown key",
            "config.yaml:4:50: filters[0].onError: found the text \"retry\"",
            "config.yaml:7:22: route.match[0].receiver: no receiver has the name \"dmp\"; did you mean \"dump\"?",
            "config.yaml:7:37: route.match[1].reason: no valid pattern",
            "config.yaml:11:21: receivers[0].batch.events: found 0",
            "6 mistakes in ",
        ];
        has(&ended.stderr, &expected);
        assert_eq!(
            ended.stderr.lines().count(),
            expected.len(),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn check_prints_the_same_as_json() {
    let folder = Folder::new("check-json");
    let config = folder.write("config.yaml", MISTAKES).display().to_string();
    let ended = command(&["check", "-c", &config, "--output", "json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(2), ""));
    let report = json(&ended.stdout);
    assert_eq!(report["ok"], false);
    let places = report["errors"].as_array().expect("a list").iter();
    let places: Vec<_> = places
        .map(|error| (error["line"].as_u64(), error["column"].as_u64()))
        .collect();
    let expected = [(1, 11), (2, 35), (4, 50), (7, 22), (7, 37), (11, 21)];
    assert_eq!(
        places,
        expected.map(|(line, column)| (Some(line), Some(column)))
    );
}

#[test]
fn a_right_configuration_is_right() {
    let (_folder, config) = replay("right", "{path: \"-\"}", "stdout: {}", "");
    let ended = command(&["check", "-c", &config]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(0), 0));
    has(&ended.stderr, &["is right"]);
    let ended = command(&["check", "-c", &config, "--output", "json"]);
    assert_eq!(
        (ended.code, &json(&ended.stdout)["ok"]),
        (Some(0), &Value::from(true))
    );
}

#[test]
fn plugins_that_do_not_fit_are_told_all_at_once() {
    let filters = "filters: [{name: a, plugin: drop-reason}, {name: b, plugin: stdout}, {name: c, plugin: refuse}, \
                   {name: d, plugin: drop-reasons, config: {reasons: []}}]";
    let (_folder, config) = replay("unfit", "{path: \"-\"}", "redact: {}", filters);
    for verb in ["check", "run"] {
        let ended = command(&[verb, "-c", &config]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        has(
            &ended.stderr,
            &[
                "config.yaml:5:11: filters[0] (a): no plugin `drop-reason` in ",
                "did you mean `drop-reasons`?",
                "config.yaml:5:43: filters[1] (b): plugin `stdout` (",
                "is a sink; expected a filter",
                "filters[2] (c): plugin refuse (",
                "setup answered an error: colour: expected red, found blue",
                "filters[3] (d): plugin drop-reasons ",
                "setup answered an error: reasons: expected at least one",
                "receivers[0] (out): plugin `redact` (",
                "is a filter; expected a sink",
            ],
        );
    }
}

#[test]
fn two_files_with_one_stem_are_refused() {
    let folder = Folder::new("stem");
    folder.write("plugins/twice.wat", "(module)");
    folder.write("plugins/twice.wasm", "");
    let text = "source: {replay: {path: \"-\"}}\nplugins: {directories: [plugins]}\n";
    let config = folder.write("config.yaml", text).display().to_string();
    for verb in ["check", "run"] {
        let ended = command(&[verb, "-c", &config]);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        has(
            &ended.stderr,
            &["two files for plugin `twice`", "twice.wasm", "twice.wat"],
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    for verb in ["check", "run"] {
        let ended = command(&[verb, "-c", "there/is/none.yaml"]);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
        has(&ended.stderr, &["there/is/none.yaml"]);
    }
    let (_folder, config) = replay("no-input", "{path: none.ndjson}", "stdout: {}", "");
    for verb in ["check", "run"] {
        let ended = command(&[verb, "-c", &config]);
        assert_eq!(ended.code, Some(2));
        has(
            &ended.stderr,
            &["source.replay.path: cannot read ", "none.ndjson"],
        );
    }
}

// --- weir plugin

#[test]
fn plugin_list_shows_every_plugin_also_a_broken_one() {
    let bundled = plugins().display().to_string();
    let ended = command(&["plugin", "list", "--plugins", &bundled]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = String::from_utf8_lossy(&ended.stdout);
    has(
        &text,
        &["NAME", "drop-reasons", "redact", "stdout", "filter", "sink"],
    );

    let folder = Folder::new("list");
    folder.write("broken.wasm", "this is no plugin");
    let own = folder.path().display().to_string();
    let ended = command(&[
        "plugin",
        "list",
        "--plugins",
        &bundled,
        "--plugins",
        &own,
        "--output",
        "json",
    ]);
    assert_eq!(ended.code, Some(1), "one cannot be loaded");
    let list = json(&ended.stdout);
    let row = |name: &str| {
        let rows = list.as_array().expect("a list");
        rows.iter()
            .find(|row| row["name"] == name)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(
        (&row("stdout")["kind"], &row("redact")["kind"]),
        (&"sink".into(), &"filter".into())
    );
    assert!(row("broken")["error"].is_string(), "{list}");
}

#[test]
fn plugin_inspect_shows_what_a_plugin_may_use() {
    let bundled = plugins().display().to_string();
    let ended = command(&["plugin", "inspect", "redact", "--plugins", &bundled]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = String::from_utf8_lossy(&ended.stdout);
    has(
        &text,
        &[
            "world        filter",
            "contract     0.1.0",
            "changes the event: set",
            "onError      drop",
            "sha256:",
        ],
    );
    let emit = tests("plugins/emit.wat").display().to_string();
    let ended = command(&[
        "plugin",
        "inspect",
        &emit,
        "--plugins",
        &bundled,
        "--output",
        "json",
    ]);
    let row = json(&ended.stdout);
    assert_eq!(
        (&row["name"], &row["imports"]),
        (
            &"emit".into(),
            &serde_json::json!(["change.emit", "event.json"])
        )
    );
    let ended = command(&["plugin", "inspect", "redakt", "--plugins", &bundled]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    has(&ended.stderr, &["did you mean `redact`?"]);
}

#[test]
fn plugin_test_shows_verdicts_and_changes() {
    let (few, own) = (tests("data/few.ndjson"), tests("plugins"));
    let (few, own) = (few.display().to_string(), own.display().to_string());
    let bundled = plugins().display().to_string();
    let with = "{reasons: [SuccessfulCreate]}";
    let arguments = [
        "plugin",
        "test",
        "drop-reasons",
        &few,
        "--with",
        with,
        "--plugins",
        &bundled,
    ];
    let ended = command(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has(&ended.stderr, &["34 events: 7 dropped, 27 kept"]);
    has(
        &String::from_utf8_lossy(&ended.stdout),
        &["because: reason SuccessfulCreate"],
    );

    let ended = command(&[
        "plugin",
        "test",
        "stamp",
        &few,
        "--with",
        "by: me",
        "--plugins",
        &own,
    ]);
    has(
        &String::from_utf8_lossy(&ended.stdout),
        &["changed ", "+ /stamp/by: \"me\""],
    );

    let ended = command(&[
        "plugin",
        "test",
        "fail",
        &few,
        "--plugins",
        &own,
        "--output",
        "json",
    ]);
    assert_eq!(ended.code, Some(1), "the filter fails for warnings");
    has(&ended.stderr, &["34 events: 17 failed, 17 kept"]);
    let rows: Vec<Value> = ended
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(json)
        .collect();
    let failed = rows.iter().filter(|row| row["verdict"] == "failed").count();
    assert_eq!((rows.len(), failed), (34, 17));

    let ended = command(&["plugin", "test", "stdout", &few, "--plugins", &bundled]);
    assert_eq!(
        (ended.code, input::count_events(&ended.stdout)),
        (Some(0), 34)
    );
}

#[test]
fn a_packed_plugin_is_unpacked() {
    let folder = Folder::new("packed");
    let plain = std::fs::read(plugins().join("drop-reasons.wasm")).expect("it is bundled");
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(&plain).expect("memory takes it");
    folder.write("packed.wasm.gz", packer.finish().expect("memory takes it"));
    let own = folder.path().display().to_string();
    let few = tests("data/few.ndjson").display().to_string();
    let with = "{reasons: [Pulled]}";
    let ended = command(&[
        "plugin",
        "test",
        "packed",
        &few,
        "--with",
        with,
        "--plugins",
        &own,
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has(&ended.stderr, &["34 events: 1 dropped, 33 kept"]);
}

// --- help

#[test]
fn help_version_and_completions() {
    let ended = command(&["--help"]);
    assert_eq!(ended.code, Some(0));
    has(
        &String::from_utf8_lossy(&ended.stdout),
        &[
            "run",
            "check",
            "plugin",
            "completions",
            "Exit codes: 0 done",
        ],
    );
    let ended = command(&["--version"]);
    assert_eq!(
        ended.stdout,
        format!("weir {}\n", env!("CARGO_PKG_VERSION")).as_bytes()
    );
    let ended = command(&["completions", "bash"]);
    assert_eq!(ended.code, Some(0));
    has(
        &String::from_utf8_lossy(&ended.stdout),
        &["complete -F", "--ledger"],
    );
    for wrong in [&["rnu"][..], &["run", "--leger", "x"], &[]] {
        let ended = command(wrong);
        assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0), "{wrong:?}");
        has(&ended.stderr, &["Usage: weir"]);
    }
}

// --- weir run: input that stays open

const QUICK: &str = "stdout: {}, batch: {age: 5ms}";

#[test]
fn lines_come_out_while_the_input_stays_open() {
    let (folder, config) = replay("idle", "{path: \"-\"}", QUICK, "");
    let (mut running, ledger) = running(&folder, &config);
    for number in 0..3 {
        let line = event(number, "a", 0);
        let (start, end) = line.split_at(number * 50);
        running.write(start.as_bytes());
        running.write(end.as_bytes());
        assert_eq!(number_of(&running.line()), number);
    }
    let ended = running.end();
    assert_eq!(
        (ended.code, ended.stdout.len()),
        (Some(0), 0),
        "{}",
        ended.stderr
    );
    assert_eq!(balanced(&ledger)["received"], 3);
}

#[test]
fn a_signal_ends_an_idle_input() {
    for signal in [Signal::TERM, Signal::INT] {
        let (folder, config) = replay("idle-signal", "{path: \"-\"}", QUICK, "");
        let (mut running, ledger) = running(&folder, &config);
        running.write(event(0, "a", 0).as_bytes());
        running.line();
        running.signal(signal);
        let ended = running.await_end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(balanced(&ledger)["receivers"]["out"]["delivered"], 1);
    }
}

#[test]
fn a_followed_file_may_grow_shrink_and_be_replaced() {
    let (folder, config) = replay("follow", "{path: in.ndjson, follow: true}", QUICK, "");
    let first = [event(0, "a", 0), event(1, "a", 0)].concat();
    let path = folder.write("in.ndjson", &first);
    let append = |text: &str| {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .expect("it is there");
        file.write_all(text.as_bytes()).expect("it can be written");
    };
    let (mut running, ledger) = running(&folder, &config);
    assert_eq!(
        [running.line(), running.line()].map(|line| number_of(&line)),
        [0, 1]
    );
    // It grows, by half a line at first.
    let grown = event(2, "a", 0);
    append(&grown[..40]);
    append(&grown[40..]);
    assert_eq!(number_of(&running.line()), 2);
    // It is cut, and begins anew.
    folder.write("in.ndjson", event(3, "a", 0));
    assert_eq!(number_of(&running.line()), 3);
    // It is rotated; its last line has no newline, and nobody had time to read it before.
    append(event(4, "a", 0).trim_end());
    std::fs::rename(&path, folder.path().join("in.ndjson.1")).expect("it can be renamed");
    folder.write("in.ndjson", event(5, "a", 0));
    assert_eq!(
        [running.line(), running.line()].map(|line| number_of(&line)),
        [4, 5]
    );
    append(&event(6, "a", 0));
    assert_eq!(number_of(&running.line()), 6);
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(
        (ended.code, ended.stdout.len()),
        (Some(0), 0),
        "{}",
        ended.stderr
    );
    let ledger = balanced(&ledger);
    assert_eq!(
        (&ledger["received"], &ledger["malformed"]),
        (&7.into(), &0.into())
    );
}

#[test]
fn a_signal_delivers_what_was_read_from_a_followed_file() {
    // The batch would wait an hour for more: only draining brings it out.
    let receiver = "stdout: {}, batch: {age: 1h, events: 1000}";
    let path = "{path: in.ndjson, follow: true}";
    let (folder, config) = replay("drain", path, receiver, "logLevel: debug");
    let mut input = String::new();
    (0..100).for_each(|number| input.push_str(&event(number, "a", 1000)));
    folder.write("in.ndjson", &input);
    let (running, ledger) = running(&folder, &config);
    // Whether all, some or none were read when it comes: all that were must come out.
    running.signal_when_started(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let received = ledger::number(&balanced(&ledger)["received"]);
    assert_eq!(
        i64::try_from(input::count_events(&ended.stdout)),
        Ok(received)
    );
}

#[test]
fn a_second_signal_stops_at_once() {
    let (folder, config) = replay(
        "twice",
        "{path: \"-\"}",
        "odd-sink: {never: true}, retry: {first: 1h, most: 1h}, batch: {age: 5ms}",
        "",
    );
    let (mut running, ledger) = running(&folder, &config);
    running.write(event(0, "a", 0).as_bytes());
    running.await_said("not delivered, will be tried again");
    running.signal(Signal::INT);
    running.await_said("stopping: delivering what was read");
    running.signal(Signal::INT);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    has(&ended.stderr, &["stopping at once"]);
    assert_eq!(balanced(&ledger)["receivers"]["out"]["waiting"], 1);
}

#[test]
fn the_deadline_ends_what_does_not_drain() {
    let receiver = "odd-sink: {never: true}, retry: {first: 1h, most: 1h}, batch: {age: 5ms}";
    let (folder, config) = replay(
        "deadline",
        "{path: \"-\"}",
        receiver,
        "shutdown: {deadline: 50ms}",
    );
    let (mut running, ledger) = running(&folder, &config);
    running.write(event(0, "a", 0).as_bytes());
    running.await_said("not delivered, will be tried again");
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    has(&ended.stderr, &["the deadline for stopping has passed"]);
    assert_eq!(balanced(&ledger)["receivers"]["out"]["waiting"], 1);
}

// --- weir run: output

#[test]
fn a_closed_output_ends_the_run() {
    // For ever, if nobody noticed.
    let (folder, config) = replay("head", "{path: in.ndjson, repeat: 0}", "stdout: {}", "");
    let mut input = String::new();
    (0..100).for_each(|number| input.push_str(&event(number, "a", 500)));
    folder.write("in.ndjson", &input);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let running = Running::start_to(weir(["run", "-c", &config]), Stdio::from(writer));
    let mut line = String::new();
    BufReader::new(reader)
        .read_line(&mut line)
        .expect("a line comes");
    assert_eq!(number_of(&line), 0);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    has(&ended.stderr, &["standard output was closed by its reader"]);
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

#[test]
fn commands_do_not_panic_where_nobody_reads() {
    let bundled = plugins().display().to_string();
    for arguments in [
        &["plugin", "list", "--plugins", &bundled][..],
        &["plugin", "inspect", "redact", "--plugins", &bundled],
        &["--help"],
        &["completions", "bash"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = Running::start_to(weir(arguments), Stdio::from(writer)).end();
        assert!(
            !ended.stderr.contains("panicked"),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
}

#[test]
fn a_queue_that_drops_its_oldest_never_holds_up_the_source() {
    const EVENTS: usize = 3000;
    let receiver = "stdout: {}, batch: {events: 10}, queue: {events: 20, onFull: dropOldest}";
    let (folder, config) = replay("drop-oldest", "{path: \"-\"}", receiver, "");
    let ledger = folder.path().join("ledger.json");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut run = weir(["run", "-c", &config, "--ledger"]);
    run.arg(&ledger);
    let mut running = Running::start_to(run, Stdio::from(writer));
    let mut stdin = running.stdin.take().expect("it is piped");
    // Nobody reads what comes out until all of this was taken: some 3 MB, where pipes hold 64 KiB.
    let (sender, written) = channel();
    std::thread::spawn(move || {
        let wrote =
            (0..EVENTS).try_for_each(|number| stdin.write_all(event(number, "a", 800).as_bytes()));
        drop(stdin);
        sender.send(wrote)
    });
    let written = written
        .recv_timeout(DEADLINE)
        .expect("the source is not held up");
    written.expect("it reads its input");
    let numbers: Vec<usize> = BufReader::new(reader)
        .lines()
        .map(|line| number_of(&line.expect("a line")))
        .collect();
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = balanced(&ledger);
    let out = &ledger["receivers"]["out"];
    let (delivered, dropped) = (
        ledger::number(&out["delivered"]),
        ledger::number(&out["dropped"]),
    );
    assert_eq!(usize::try_from(delivered), Ok(numbers.len()));
    assert!(numbers.is_sorted(), "what is delivered is in order");
    assert_eq!(numbers.last(), Some(&(EVENTS - 1)), "the newest is kept");
    // Under way at once are at most: both pipes, the reader's buffer, 5 chunks, the queue and a batch.
    assert!(dropped > 1000, "{ledger}");
}

#[test]
fn a_rate_is_held() {
    const EVENTS: u32 = 40;
    let (folder, config) = replay("rate", "{path: in.ndjson, rate: 100}", "stdout: {}", "");
    let input: String = (0..EVENTS as usize)
        .map(|number| event(number, "a", 0))
        .collect();
    folder.write("in.ndjson", &input);
    let start = Instant::now();
    let ended = command(&["run", "-c", &config]);
    // Never faster; how much slower is the machine's affair.
    assert!(start.elapsed() >= Duration::from_millis(10) * (EVENTS - 1));
    assert_eq!(input::count_events(&ended.stdout), u64::from(EVENTS));
}
