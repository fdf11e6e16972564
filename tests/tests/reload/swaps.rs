//! One version of a plugin follows another, and no event is lost, doubled, or treated by two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_tests::live::resident_kib;

use super::scene::{STAMPED, Scene, stamping};

/// Swaps of the volume, so many in a storm, and events sent between two of them.
const SWAPS: u32 = 10_000;
const STORM: u32 = 100;
const EVENTS_A_SWAP: usize = 10;

#[test]
fn a_swap_is_live_and_what_ran_before_is_gone() {
    let mut scene = Scene::new("reload-swap");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    for version in 2..=4 {
        scene.volume.put("stamp.wat", stamping(version));
        live.await_version(&version.to_string());
    }
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lives = ended
        .stderr
        .lines()
        .filter(|line| line.contains("\"live\""));
    let changed = |line: &str| -> Value {
        let line: Value = line.parse().expect("JSON");
        line["changed"].clone()
    };
    let changed: Vec<Value> = lives.map(changed).collect();
    assert_eq!(
        changed,
        ["start", "filter stamp", "filter stamp", "filter stamp"]
    );
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["out"]["delivered"], ledger["received"]);
}

/// A storm: a hundred times a hundred swaps as fast as the volume can be written, while events flow. After each hundred the last
/// one has to become live.
#[test]
fn ten_thousand_swaps_lose_nothing_and_never_go_back() {
    let mut scene = Scene::new("reload-storm");
    scene.volume.put("stamp.wat", stamping(0));
    scene.configure(
        "filters: [{name: first, plugin: stamp}, {name: last, plugin: stamp}]
route: {filters: [first, last], match: [{receiver: out}]}
receivers: [{name: out, stdout: {}, batch: {age: 10ms}}]
",
    );
    let mut live = scene.start();
    let mut seen = Seen::default();
    let mut resident_kib_first = None;
    for version in 1..=SWAPS {
        scene.volume.put("stamp.wat", stamping(version));
        (0..EVENTS_A_SWAP).for_each(|_| {
            live.send();
        });
        while let Some(line) = live.running.line_now() {
            seen.note(&line);
        }
        if version % STORM == 0 {
            while seen.newest < u64::from(version) {
                live.send();
                seen.note(&live.running.line());
            }
        }
        if version == SWAPS / 10 {
            resident_kib_first = Some(resident_kib(&live.running.pid()));
        }
    }
    let resident_kib_last = resident_kib(&live.running.pid());
    let sent = live.sent();
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    String::from_utf8_lossy(&ended.stdout)
        .lines()
        .for_each(|line| seen.note(line));
    assert_eq!(seen.numbers.len(), sent, "none is missing");
    assert!(
        seen.versions >= (SWAPS / STORM) as usize,
        "{}",
        seen.versions
    );
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["out"]["delivered"], sent);
    let first = resident_kib_first.expect("it was measured");
    assert!(
        resident_kib_last < first + (8 << 10),
        "{first} KiB, then {resident_kib_last} KiB"
    );
}

/// What came out.
#[derive(Default)]
struct Seen {
    numbers: BTreeSet<usize>,
    /// For each object, the version that its last event met.
    last: BTreeMap<String, u64>,
    newest: u64,
    /// Different versions that events met.
    versions: usize,
}

impl Seen {
    fn note(&mut self, line: &str) {
        let document: Value = line.parse().expect("JSON");
        let is_new = self.numbers.insert(weir_tests::number_of(line));
        assert!(is_new, "it came twice: {line}");
        let label = document["metadata"]["labels"]["version"].as_str();
        let version: u64 = label.and_then(|label| label.parse().ok()).expect("a label");
        let pod = document["involvedObject"]["name"].to_string();
        let before = self.last.insert(pod, version);
        assert!(
            before.is_none_or(|before| before <= version),
            "{before:?} before {line}"
        );
        if version > self.newest {
            self.newest = version;
            self.versions += 1;
        }
    }
}
