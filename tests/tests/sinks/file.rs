//! Events in a file: put aside when it is large enough, and not writable at all.

use std::collections::BTreeSet;
use std::io::Read;

use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, few, id};
use weir_tests::{event, number_of};

/// All lines of the files of a folder, with how many files there are: compressed ones, and others.
fn lines(scene: &Delivering, folder: &str) -> (Vec<String>, usize, usize) {
    let (mut lines, mut packed, mut plain) = (Vec::new(), 0, 0);
    for entry in std::fs::read_dir(scene.path(folder)).expect("it made the folder") {
        let path = entry.expect("it can be read").path();
        let bytes = std::fs::read(&path).expect("it can be read");
        let mut text = String::new();
        if path.extension().is_some_and(|it| it == "gz") {
            packed += 1;
            let mut unpacked = flate2::read::MultiGzDecoder::new(bytes.as_slice());
            unpacked.read_to_string(&mut text).expect("it is whole");
        } else {
            plain += 1;
            text = String::from_utf8(bytes).expect("UTF-8");
        }
        assert!(text.is_empty() || text.ends_with('\n'), "{path:?}");
        lines.extend(text.lines().map(str::to_owned));
    }
    (lines, packed, plain)
}

#[test]
fn a_file_that_is_large_enough_is_put_aside_and_compressed() {
    for compress in [false, true] {
        let settings = json!({"path": "out/events.ndjson", "maxsize": 1, "compress": compress});
        let lines: String = (0..700).map(|number| event(number, "a", 5000)).collect();
        let scene = Delivering::to(
            "file",
            json!({"file": settings, "batch": {"bytes": "256KiB"}}),
        )
        .events(&lines);
        std::fs::create_dir(scene.path("out")).expect("a folder can be made");
        let ended = scene.run();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let (lines, packed, plain) = self::lines(&scene, "out");
        let numbers: Vec<usize> = lines.iter().map(|line| number_of(line)).collect();
        assert_eq!(numbers.len(), 700, "none is there twice");
        let numbers: BTreeSet<usize> = numbers.into_iter().collect();
        assert_eq!(numbers.len(), 700);
        assert!(packed + plain >= 4, "{packed} and {plain} files");
        assert_eq!(packed > 0, compress);
        assert!(!compress || plain == 1, "only the newest is not compressed");
    }
}

#[test]
fn a_path_that_is_a_folder_is_said_and_can_become_a_file() {
    let scene = Delivering::to("file-folder", json!({"file": {"path": "events.ndjson"}}));
    std::fs::create_dir(scene.path("events.ndjson")).expect("a folder can be made");
    let mut running = scene.start();
    let said = running.await_line("not delivered, will be tried again");
    for part in ["events.ndjson", "irectory"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    std::fs::remove_dir(scene.path("events.ndjson")).expect("it is empty");
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = std::fs::read_to_string(scene.path("events.ndjson")).expect("it was written");
    let found: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event a line"))
        .collect();
    let ids = |events: &[Value]| events.iter().map(id).collect::<BTreeSet<String>>();
    assert_eq!((found.len(), ids(&found)), (few().len(), ids(&few())));
}

#[test]
fn a_path_that_stays_a_folder_does_not_keep_weir_from_ending() {
    let scene = Delivering::to("file-stuck", json!({"file": {"path": "events.ndjson"}}))
        .with("shutdown", json!({"deadline": "1s"}))
        .live();
    std::fs::create_dir(scene.path("events.ndjson")).expect("a folder can be made");
    let mut running = scene.start();
    running.write(event(1, "a", 0).as_bytes());
    running.await_said("not delivered, will be tried again");
    running.signal(Signal::TERM);
    let ended = running.await_end();
    // In memory only: it is not delivered, and the exit code says so.
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(scene.count("out", "delivered"), 0);
    assert_eq!(scene.count("out", "waiting"), 1);
}
