//! A property: whatever comes in, cut as it may be, order is kept for one involved object, and every event
//! arrives exactly once at every receiver.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::Running;
use weir_tests::{event, ledger, number_of};

/// A run: each event's object and size, where the input is cut, how many receivers, and their batches.
#[derive(Clone, Debug)]
struct Input {
    events: Vec<(u8, usize)>,
    cuts: Vec<usize>,
    receivers: usize,
    batch: usize,
}

fn input() -> impl Strategy<Value = Input> {
    // Most events are small; some fill a chunk (64 KiB) alone.
    let padding = prop_oneof![40 => 0..400usize, 4 => 2_000..6_000usize, 1 => 60_000..70_000usize];
    let events = prop::collection::vec((0..5u8, padding), 1..300);
    // Long pieces outweigh the short ones, or writing them would take longer than all else.
    let cut = prop_oneof![1..200usize, 200..50_000usize];
    let cuts = prop::collection::vec(cut, 20..40);
    (events, cuts, 1..=3usize, 1..50usize).prop_map(|(events, cuts, receivers, batch)| Input {
        events,
        cuts,
        receivers,
        batch,
    })
}

fn config(input: &Input) -> String {
    let (bundled, own, batch) = (plugins(), tests("plugins"), input.batch);
    let names: Vec<String> = (0..input.receivers)
        .map(|index| format!("r{index}"))
        .collect();
    let rules: Vec<String> = names
        .iter()
        .map(|name| format!("{{receiver: {name}}}"))
        .collect();
    let receivers: String = names
        .iter()
        .map(|name| format!("  - {{name: {name}, tag-sink: {{receiver: {name}}}, batch: {{events: {batch}, age: 2ms}}}}\n"))
        .collect();
    format!(
        "source: {{replay: {{path: \"-\"}}}}\nplugins: {{directories: [{bundled:?}, {own:?}]}}\n\
         route: {{match: [{}]}}\nreceivers:\n{receivers}",
        rules.join(", ")
    )
}

/// Writes the input in pieces that are cut anywhere.
fn write(running: &mut Running, input: &Input) {
    let lines = input.events.iter().enumerate();
    let text: String = lines
        .map(|(number, (object, padding))| event(number, &format!("pod-{object}"), *padding))
        .collect();
    let mut rest = text.as_bytes();
    for cut in input.cuts.iter().cycle() {
        let (piece, after) = rest.split_at((*cut).min(rest.len()));
        running.write(piece);
        rest = after;
        if rest.is_empty() {
            return;
        }
    }
}

fn check(input: &Input) {
    let folder = Folder::new("order");
    let config = folder.write("config.yaml", config(input));
    let ledger = folder.path().join("ledger.json");
    let mut command = weir(["run", "--ledger"]);
    let mut running = Running::start(command.arg(&ledger).arg("-c").arg(&config));
    write(&mut running, input);
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ledger::problems(&ledger::read(&ledger)), [""; 0]);

    let mut found: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    let text = String::from_utf8(ended.stdout).expect("UTF-8");
    for line in text.lines() {
        let document: Value = serde_json::from_str(line).expect("a whole document");
        let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let key = (
            name(&document["receiver"]),
            name(&document["involvedObject"]["name"]),
        );
        found.entry(key).or_default().push(number_of(line));
    }
    let mut expected: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for receiver in 0..input.receivers {
        for (number, (object, _)) in input.events.iter().enumerate() {
            let key = (format!("r{receiver}"), format!("pod-{object}"));
            expected.entry(key).or_default().push(number);
        }
    }
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_time: 60_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn order_is_kept_for_one_object_and_nothing_is_lost_or_doubled(input in input()) {
        check(&input);
    }
}
