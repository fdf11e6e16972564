//! `source.replay` where its input is odd: cut off, idle, gone, a FIFO, packed, a directory.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, weir};
use weir_tests::running::{DEADLINE, Ended, Running, run};
use weir_tests::{input, ledger};

/// The `number`th event, on one line; all are about one object.
fn numbered(number: usize) -> String {
    let metadata = format!(r#"{{"name":"e.{number}","namespace":"d","uid":"{number}"}}"#);
    let object = r#"{"kind":"Pod","namespace":"d","name":"p"}"#;
    format!(
        r#"{{"kind":"Event","apiVersion":"v1","metadata":{metadata},"involvedObject":{object},"reason":"R","type":"Normal"}}"#
    ) + "\n"
}

fn events(count: usize) -> String {
    (0..count).map(numbered).collect()
}

/// A folder with a configuration that replays `replay` to standard output.
fn replaying(replay: &str) -> (Folder, PathBuf) {
    let folder = Folder::new("source");
    let bundled = plugins();
    let config = format!(
        "source: {{replay: {replay}}}\nplugins: {{directories: [{bundled:?}]}}\n\
         route: {{match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}, batch: {{age: 5ms}}}}]\n"
    );
    let config = folder.write("config.yaml", config);
    (folder, config)
}

fn command(verb: &str, config: &Path) -> std::process::Command {
    let mut command = weir([verb, "-c"]);
    command.arg(config);
    if verb == "run" {
        command
            .arg("--ledger")
            .arg(config.with_file_name("ledger.json"));
    }
    command
}

fn start(config: &Path) -> Running {
    Running::start(&mut command("run", config))
}

/// The ledger; all that was received must have come out.
fn delivered(ended: &Ended, config: &Path, lines_before: u64) -> Value {
    let ledger = ledger::read(&config.with_file_name("ledger.json"));
    assert_eq!(ledger::problems(&ledger), [""; 0], "{ledger}");
    let lines = input::count_events(&ended.stdout) + lines_before;
    assert_eq!(ledger["received"], lines, "{}", ended.stderr);
    assert_eq!(ledger["receivers"]["out"]["delivered"], lines);
    ledger
}

/// Packed, but not ended: what was written can be unpacked, and more may follow.
fn packing(text: &str) -> GzEncoder<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(text.as_bytes()).expect("memory takes it");
    packer.flush().expect("memory takes it");
    packer
}

fn pack(text: &str) -> Vec<u8> {
    packing(text).finish().expect("memory takes it")
}

fn fifo(folder: &Folder) -> PathBuf {
    let path = folder.path().join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO can be made");
    path
}

/// Waits until a process has a file open.
fn await_open(child: &Child, path: &Path) {
    let path = path.canonicalize().expect("it is there");
    let folder = format!("/proc/{}/fd", child.id());
    let is_open = || {
        let mut open = std::fs::read_dir(&folder).expect("it runs").flatten();
        open.any(|fd| std::fs::read_link(fd.path()).is_ok_and(|target| target == path))
    };
    await_that("the file is open", is_open);
}

fn await_that(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::yield_now();
    }
}

// --- gzip

#[test]
fn what_came_before_the_cut_is_delivered() {
    let (folder, config) = replaying("{path: in.gz}");
    let packed = pack(&events(50));
    // All but the checksum.
    folder.write("in.gz", &packed[..packed.len() - 8]);
    let ended = start(&config).end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("cut off"), "{}", ended.stderr);
    assert_eq!(delivered(&ended, &config, 0)["received"], 50);
    // In the middle of an event: that one is malformed.
    let packed = packing(&events(5).as_str()[..numbered(0).len() * 4 + 50]);
    folder.write("in.gz", packed.get_ref());
    let ended = start(&config).end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let ledger = delivered(&ended, &config, 0);
    assert_eq!(
        (&ledger["received"], &ledger["malformed"]),
        (&4.into(), &1.into())
    );
}

#[test]
fn an_idle_gzip_pipe_hands_on_what_came_and_can_be_stopped() {
    let (_folder, config) = replaying("{path: \"-\"}");
    let mut running = start(&config);
    let mut packer = packing("");
    for number in 0..3 {
        packer
            .write_all(numbered(number).as_bytes())
            .expect("memory takes it");
        packer.flush().expect("memory takes it");
        let packed = std::mem::take(packer.get_mut());
        let (first, rest) = packed.split_at(1);
        running.write(first);
        running.write(rest);
        assert!(running.line().contains(&format!("e.{number}")));
    }
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    delivered(&ended, &config, 3);
}

#[test]
fn a_gzip_file_is_not_followed() {
    let (folder, config) = replaying("{path: in.ndjson, follow: true}");
    let path = folder.write("in.ndjson", pack(&events(3)));
    let ended = start(&config).await_end();
    assert_eq!(ended.code, Some(1));
    let text = "a gzip file cannot be followed: unpack it, or remove `follow`";
    assert!(ended.stderr.contains(text), "{}", ended.stderr);
    assert_eq!(delivered(&ended, &config, 0)["received"], 0);
    // Also where a plain one is replaced by one.
    folder.write("in.ndjson", events(2));
    let mut running = start(&config);
    running.line();
    running.line();
    let packed = folder.write("next", pack(&events(3)));
    std::fs::rename(packed, path).expect("it can be renamed");
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains(text), "{}", ended.stderr);
    assert_eq!(delivered(&ended, &config, 2)["received"], 2);
}

// --- files that come and go

#[test]
fn a_file_that_goes_between_two_rounds_loses_nothing() {
    let (folder, config) = replaying("{path: in.ndjson, repeat: 0, rate: 3000}");
    let path = folder.write("in.ndjson", events(3));
    let mut running = start(&config);
    running.line();
    std::fs::remove_file(path).expect("it is there");
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot open"), "{}", ended.stderr);
    // Each round that began is whole.
    let received = ledger::number(&delivered(&ended, &config, 1)["received"]);
    assert_eq!(received % 3, 0);
}

#[test]
fn an_empty_file_is_looked_at_again_for_ever() {
    let (folder, config) = replaying("{path: in.ndjson, repeat: 0}");
    let path = folder.write("in.ndjson", "");
    let mut running = start(&config);
    // Renamed, so that no round sees a half of it.
    let filled = folder.write("next", numbered(7));
    std::fs::rename(filled, &path).expect("it can be renamed");
    assert!(running.line().contains("e.7"));
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    delivered(&ended, &config, 1);
}

#[test]
fn a_followed_file_that_is_gone_is_waited_for() {
    let (folder, config) = replaying("{path: in.ndjson, follow: true}");
    let path = folder.write("in.ndjson", numbered(0));
    let mut running = start(&config);
    running.line();
    let other = folder.path().join("old");
    std::fs::rename(&path, &other).expect("it is there");
    running.await_said("cannot look at the followed file");
    // Its writer does not know yet.
    let mut old = OpenOptions::new()
        .append(true)
        .open(other)
        .expect("it is there");
    old.write_all(numbered(1).as_bytes())
        .expect("it can be written");
    assert!(running.line().contains("e.1"));
    let next = folder.write("next", numbered(2));
    std::fs::rename(next, path).expect("it can be renamed");
    running.await_said("the followed file is there again");
    assert!(running.line().contains("e.2"));
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    delivered(&ended, &config, 3);
    assert_eq!(ended.stderr.matches("cannot look at").count(), 1);
}

// --- FIFOs, directories, standard input

#[test]
fn a_fifo_is_read_from_its_first_writer_to_the_end_of_its_last() {
    let (folder, config) = replaying("{path: fifo}");
    let path = fifo(&folder);
    // This writer waits for a reader; a check that opened the FIFO would let it go on, and fail.
    let writing = path.clone();
    let writer = std::thread::spawn(move || std::fs::write(writing, events(100)));
    let ended = run(&mut command("check", &config), b"");
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = start(&config).await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(delivered(&ended, &config, 0)["received"], 100);
    let written = writer.join().expect("writing does not panic");
    written.expect("nobody closed the FIFO");
}

#[test]
fn a_fifo_without_a_writer_is_waited_for() {
    for signal in [true, false] {
        let (folder, config) = replaying("{path: fifo}");
        let path = fifo(&folder);
        let piped = command("run", &config)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = piped.expect("weir can be started");
        await_open(&child, &path);
        if signal {
            kill_process(Pid::from_child(&child), Signal::TERM).expect("it runs");
        } else {
            // Opening it for both never waits.
            let fifo = OpenOptions::new().read(true).write(true).open(&path);
            let written = fifo.and_then(|mut fifo| fifo.write_all(numbered(0).as_bytes()));
            written.expect("it reads");
        }
        await_that("it ends", || child.try_wait().expect("a child").is_some());
        let output = child.wait_with_output().expect("it has ended");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let ended = Ended {
            code: output.status.code(),
            stdout: output.stdout,
            stderr,
        };
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert_eq!(
            delivered(&ended, &config, 0)["received"],
            u64::from(!signal)
        );
    }
}

#[test]
fn a_directory_is_refused() {
    let (folder, config) = replaying("{path: in.ndjson}");
    folder.write("in.ndjson/x", "");
    for verb in ["check", "run"] {
        let ended = run(&mut command(verb, &config), b"");
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        let parts = ["source.replay.path", "is a directory; expected a file"];
        for part in parts {
            assert!(ended.stderr.contains(part), "{}", ended.stderr);
        }
    }
}

#[test]
fn standard_input_may_be_a_file_or_nothing() {
    let (folder, config) = replaying("{path: \"-\"}");
    // As some Windows tools write it.
    let crlf = events(5).replace('\n', "\r\n");
    let plain = folder.write("in.ndjson", crlf);
    let packed = folder.write("in.gz", pack(&events(5)));
    let file = |path: &Path| Stdio::from(File::open(path).expect("it is there"));
    for (stdin, code, received) in [
        (file(&plain), 0, 5),
        (file(&packed), 0, 5),
        (Stdio::null(), 0, 0),
        (file(folder.path()), 1, 0),
    ] {
        let output = command("run", &config).stdin(stdin).output();
        let output = output.expect("weir can be started");
        let ended = Ended {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        };
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        let ledger = delivered(&ended, &config, 0);
        assert_eq!(
            (&ledger["received"], &ledger["malformed"]),
            (&received.into(), &0.into())
        );
    }
}

// --- rate

#[test]
fn a_rate_does_not_hold_up_the_end() {
    let (folder, config) = replaying("{path: in.ndjson, rate: 1}");
    folder.write("in.ndjson", events(100));
    let mut running = start(&config);
    running.line();
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    // All was read at once, and what was read is delivered.
    assert_eq!(delivered(&ended, &config, 1)["received"], 100);
}
