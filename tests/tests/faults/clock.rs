//! A wall clock that goes backwards. Neither the order of a queue, nor a retry, nor a position may depend on it.
//!
//! Times of files and of events go backwards in any case. That the process itself sees such a clock takes libfaketime (of
//! Debian's package of that name); where it is missing, that test says that it did not run. Not covered: the monotonic
//! clock, which does not go backwards.

use std::fs::FileTimes;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rustix::process::Signal;
use serde_json::Value;
use weir_tests::fake_api::EventSpec;

use crate::scene::{DISK, HOOK, Scene, segments};

const EVENTS: usize = 40;

fn years(count: u64) -> Duration {
    Duration::from_secs(count * 365 * 24 * 3600)
}

#[test]
fn times_of_files_and_events_decide_nothing() {
    let mut scene = Scene::new("file-times");
    scene.sinks[DISK].stop_listening();
    scene.start_watching();
    for number in 0..EVENTS {
        let mut event = Value::from(EventSpec::about("one-pod"));
        // Each is a year older than the one before.
        let time = format!("{}-01-01T00:00:00Z", 2060 - number);
        event["firstTimestamp"] = time.as_str().into();
        event["lastTimestamp"] = time.into();
        scene.api.create_event(event);
    }
    scene.await_all(HOOK);
    let stopped = scene.weir.end(Signal::TERM);
    assert_eq!(stopped.ended.code, Some(0), "{}", stopped.ended.stderr);
    let files = segments(&scene.weir.file("queue"));
    for (number, path) in files
        .into_iter()
        .chain([scene.weir.file("position")])
        .enumerate()
    {
        let time = match number % 2 {
            0 => SystemTime::now() + years(50),
            _ => SystemTime::now() - years(20),
        };
        let file = std::fs::File::options().write(true).open(path);
        let file = file.expect("it can be opened");
        file.set_times(FileTimes::new().set_modified(time))
            .expect("it is ours");
    }
    scene.sinks[DISK].start_listening();
    scene.start_usual();
    scene.await_all(DISK);
    scene.stop_all_delivered();
    for sink in &scene.sinks {
        sink.look(|counting| {
            assert_eq!(counting.repeats(), 0);
            let order = counting.order();
            assert!(order.is_sorted_by_key(|(_, version)| *version), "{order:?}");
        });
    }
}

/// Debian's, on any machine.
fn libfaketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let paths = folders.flatten().map(|folder| folder.path());
    let mut paths = paths.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    paths.find(|path| path.exists())
}

#[test]
fn a_clock_that_goes_backwards_costs_nothing() {
    let Some(library) = libfaketime() else {
        println!(
            "NOT RUN: libfaketime is not installed: a clock that goes backwards under the process is not tested"
        );
        return;
    };
    let mut scene = Scene::new("clock");
    let clock = scene.weir.file("clock");
    let set_clock = |to: &str| std::fs::write(&clock, to).expect("it can be written");
    set_clock("+400d");
    scene.weir.environment = vec![
        ("LD_PRELOAD", library.display().to_string()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
    ];
    for sink in &mut scene.sinks {
        sink.stop_listening();
    }
    scene.start_watching();
    scene.create(EVENTS);
    let said = scene.weir.running();
    let early = said.await_line("not delivered, will be tried again");
    // While it runs: pauses between retries, the age of batches, what is saved when.
    set_clock("-400d");
    for sink in &mut scene.sinks {
        sink.start_listening();
    }
    scene.await_all(HOOK);
    scene.await_all(DISK);
    scene.await_positions(scene.api.revision());
    let late = scene.weir.running().await_line("the sink answers again");
    assert!(
        year_of(&late) < year_of(&early),
        "the clock did not go backwards: {early} {late}"
    );
    // Between runs.
    set_clock("-1500d");
    scene.sinks[DISK].stop_listening();
    scene.create(EVENTS);
    scene.await_all(HOOK);
    scene.weir.kill();
    set_clock("-3000d");
    scene.sinks[DISK].start_listening();
    scene.start_usual();
    scene.await_all(DISK);
    // What was killed may have delivered it all without keeping so: then the last run has yet to read it again.
    scene.await_positions(scene.api.revision());
    scene.stop_all_delivered();
}

/// Of the line's `timestamp`.
fn year_of(line: &str) -> i64 {
    let line: Value = serde_json::from_str(line).expect("a line of the log is JSON");
    let time = line["timestamp"].as_str().expect("it has a time");
    time[..4].parse().expect("it begins with the year")
}
