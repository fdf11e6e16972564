//! Receivers change while a cluster is watched: nothing is missed, and positions are those of the receivers that there are.

use std::collections::BTreeSet;

use weir_tests::fake_api::Options;
use weir_tests::live::to_files;
use weir_tests::running::await_so;
use weir_tests::watching::{Pair, State, Watching, await_watch, create, pair, set};

/// With receivers that write to files of their names.
fn receivers(names: &[&str]) -> String {
    format!("checkpoint: {{file: position}}\n{}", to_files(names))
}

/// What is in the file of a receiver.
fn delivered(weir: &Watching, name: &str) -> BTreeSet<State> {
    let text = std::fs::read_to_string(weir.file(&format!("{name}.ndjson"))).unwrap_or_default();
    let document = |line: &str| serde_json::from_str(line).expect("a document a line");
    text.lines()
        .map(|line| weir_tests::watching::state(&document(line)))
        .collect()
}

fn await_delivered(weir: &Watching, name: &str, all: &BTreeSet<State>) {
    let so = || delivered(weir, name).is_superset(all);
    await_so(&format!("{name} has all"), so);
}

#[test]
fn a_renamed_receiver_goes_on_where_it_was_and_its_position_is_kept() {
    let Pair {
        api,
        mut weir,
        folder: _folder,
    } = pair("reload", Options::default());
    weir.start_with("{backlog: all}", &receivers(&["a", "both"]));
    await_watch(&api);
    let first = create(&api, 30);
    await_delivered(&weir, "both", &set(&first));
    weir.configure("{backlog: all}", &receivers(&["both", "b"]));
    // Events come while one takes the place of the other.
    let mut all = first;
    all.extend(create(&api, 100));
    weir.running()
        .await_said("the receiver that was removed has ended");
    all.extend(create(&api, 30));
    await_delivered(&weir, "both", &set(&all));
    assert_eq!(weir.stop().ended.code, Some(0));
    let (a, b) = (delivered(&weir, "a"), delivered(&weir, "b"));
    assert_eq!(a.union(&b).cloned().collect::<BTreeSet<_>>(), set(&all));
    assert!(a.is_disjoint(&b));
    let positions = weir.positions();
    assert_eq!(positions.keys().collect::<Vec<_>>(), ["b", "both"]);
    assert!(
        positions
            .values()
            .all(|position| *position == api.revision())
    );
    // A restart goes on for both, and repeats nothing.
    let away = create(&api, 10);
    weir.start_with("{backlog: all}", &receivers(&["both", "b"]));
    await_delivered(&weir, "b", &set(&away));
    await_delivered(&weir, "both", &set(&away));
    let run = weir.stop();
    assert_eq!(
        run.ledger["receivers"]["b"]["delivered"], 10,
        "{}",
        run.ledger
    );
    assert_eq!(run.ledger["receivers"]["both"]["delivered"], 10);
}
