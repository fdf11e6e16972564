//! A disk that is full: a tmpfs of a few MiB. Only root can mount one; elsewhere these tests say that they did not run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use weir_tests::event;
use weir_tests::fake_http::{self, FakeHttp};
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::{Running, await_so};

use crate::counting::Counting;

/// 20 MB of documents into 8 MiB.
const EVENTS: usize = 5_000;
const PADDING: usize = 4_000;

/// A small file system at a folder.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and said, where this is not possible.
    fn mount(at: &Path, bytes: &str) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).expect("a folder can be made");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"]);
        let status = mount.arg(at).stderr(Stdio::null()).status();
        if status.is_ok_and(|status| status.success()) {
            return Some(SmallDisk(at.to_owned()));
        }
        println!(
            "NOT RUN: no tmpfs can be mounted here (that takes root): what a full disk does is not tested"
        );
        None
    }

    /// Takes all room that is left, until the file is removed.
    fn fill(&self) -> PathBuf {
        use std::io::Write;
        let path = self.0.join("filler");
        let mut file = std::fs::File::create(&path).expect("a file can be made");
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Nothing is open in it any more, or it goes when that is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Starts a weir with one receiver, `out`, over these events.
fn start(folder: &Folder, events: &Path, receiver: &str) -> Running {
    let config = format!(
        "source: {{replay: {{path: {events:?}}}}}\nplugins: {{directories: [{:?}, {:?}]}}\nroute: {{match: [{{receiver: out}}]}}\nreceivers:\n- name: out\n  {receiver}\n",
        plugins(),
        tests("plugins"),
    );
    let config = folder.write("config.yaml", config);
    let mut command = weir(["run", "-c"]);
    command
        .arg(config)
        .arg("--ledger")
        .arg(folder.path().join("ledger.json"));
    Running::start(&mut command)
}

fn ledger(folder: &Folder) -> Value {
    weir_tests::ledger::read(&folder.path().join("ledger.json"))["receivers"]["out"].clone()
}

#[test]
fn a_queue_whose_disk_is_full_holds_up_the_source_and_loses_nothing() {
    let folder = Folder::new("full-queue");
    let Some(_disk) = SmallDisk::mount(&folder.path().join("queue"), "8m") else {
        return;
    };
    let mut sink = FakeHttp::start(fake_http::Options::default(), Counting::default());
    sink.stop_listening();
    let events: String = (1..=EVENTS).map(|n| event(n, "pod", PADDING)).collect();
    let events = folder.write("events.ndjson", events);
    let receiver = format!(
        "webhook: {{endpoint: {:?}, batch: array, cloudEvents: structured}}\n  retry: {{first: 1ms, most: 50ms}}\n  queue: {{disk: {{path: queue, bytes: 64MiB}}}}",
        sink.url()
    );
    let mut running = start(&folder, &events, &receiver);
    running.await_said("No space left on device");
    sink.start_listening();
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .contains("events wait in memory, and the source with them"),
        "{}",
        ended.stderr
    );
    let ledger = ledger(&folder);
    assert_eq!(ledger["delivered"], EVENTS);
    assert_eq!(
        (&ledger["dropped"], &ledger["dead"]),
        (&0.into(), &0.into())
    );
    sink.look(|counting| assert_eq!((counting.states(), counting.repeats()), (EVENTS, 0)));
}

#[test]
fn dead_letters_that_cannot_be_written_are_kept_until_they_can() {
    let folder = Folder::new("full-letters");
    let letters = folder.path().join("letters");
    let Some(disk) = SmallDisk::mount(&letters, "256k") else {
        return;
    };
    let filler = disk.fill();
    let receiver = "odd-sink: {batch: true}\n  deadLetters: {path: letters/dead.ndjson}\n  queue: {disk: {path: queue}}";
    let mut running = start(&folder, &tests("data/few.ndjson"), receiver);
    running.await_said("the events are kept, and it is tried again");
    // Killed now, the next run has them all.
    running.signal(rustix::process::Signal::KILL);
    let killed = running.await_end();
    assert!(
        killed.stderr.contains("No space left on device"),
        "{}",
        killed.stderr
    );
    let file = letters.join("dead.ndjson");
    let lines = || std::fs::read_to_string(&file).map_or(0, |text| text.lines().count());
    assert_eq!(lines(), 0, "not a part of a letter");
    let nothing = folder.write("none.ndjson", "");
    let mut running = start(&folder, &nothing, receiver);
    running.await_said("the events are kept, and it is tried again");
    std::fs::remove_file(filler).expect("it is ours");
    let all = few();
    await_so("all letters are written", || lines() == all);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(1), "some will never be delivered");
    let ledger = ledger(&folder);
    assert_eq!(
        (&ledger["recovered"], &ledger["dead"], &ledger["waiting"]),
        (&all.into(), &all.into(), &0.into())
    );
}

/// Events in `tests/data/few.ndjson`.
fn few() -> usize {
    let text = std::fs::read_to_string(tests("data/few.ndjson")).expect("it is there");
    text.lines().count()
}
