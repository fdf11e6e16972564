//! Receivers come, go, and change while events flow.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

use weir_tests::live::to_files;

use super::scene::Scene;

fn numbers(path: &Path) -> Vec<usize> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut numbers: Vec<usize> = text.lines().map(weir_tests::number_of).collect();
    // Order is kept for each object only.
    numbers.sort_unstable();
    numbers
}

#[test]
fn a_new_one_starts_now_and_a_removed_one_delivers_what_it_has() {
    let scene = Scene::new("reload-receivers");
    scene.configure(&to_files(&["a", "b"]));
    let mut live = scene.start();
    (0..100).for_each(|_| {
        live.send();
    });
    scene.configure(&to_files(&["b", "c"]));
    live.running
        .await_said("the receiver that was removed has ended");
    (0..100).for_each(|_| {
        live.send();
    });
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let [a, b, c] = ["a", "b", "c"].map(|name| numbers(&scene.path(&format!("{name}.ndjson"))));
    assert_eq!(b, (1..=200).collect::<Vec<_>>(), "b never noticed");
    // Where one ended the other began: whatever chunk that was.
    let both: BTreeSet<usize> = a.iter().chain(&c).copied().collect();
    assert_eq!(
        both.len(),
        200,
        "nothing is lost where one follows the other"
    );
    assert_eq!(a.len() + c.len(), 200, "and nothing is in both");
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["b"]["delivered"], 200);
}

#[test]
fn one_that_is_renamed_under_load_loses_nothing() {
    let scene = Scene::new("reload-renamed");
    let names: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
    scene.configure(&to_files(&[&names[0]]));
    let mut live = scene.start();
    for name in &names[1..] {
        (0..200).for_each(|_| {
            live.send();
        });
        scene.configure(&to_files(&[name]));
        live.running.await_said(&format!("receiver {name}"));
    }
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let mut all: Vec<usize> = names
        .iter()
        .flat_map(|name| numbers(&scene.path(&format!("{name}.ndjson"))))
        .collect();
    all.sort_unstable();
    assert_eq!(all, (1..=19 * 200).collect::<Vec<_>>());
    scene.ledger();
}

/// A sink that never takes anything is removed: what it has is given up at the deadline, and counted.
#[test]
fn one_that_cannot_deliver_is_given_up_when_it_is_removed() {
    let mut scene = Scene::new("reload-given-up");
    let broken =
        std::fs::read(weir_tests::program::tests("hostile/sink-error.wat")).expect("there");
    scene.volume.put("broken.wat", broken);
    let receivers = |broken: &str| {
        format!(
            "shutdown: {{deadline: 100ms}}\nroute: {{match: [{{receiver: good}}{}]}}\nreceivers:\n- {{name: good, stdout: {{}}, batch: {{age: 0s}}}}\n{broken}",
            if broken.is_empty() {
                ""
            } else {
                ", {receiver: bad}"
            },
        )
    };
    scene.configure(&receivers(
        "- {name: bad, broken: {}, queue: {events: 500}, retry: {first: 1h, most: 1h}}\n",
    ));
    let mut live = scene.start();
    (0..10).for_each(|_| {
        live.round();
    });
    scene.configure(&receivers(""));
    live.running.await_said("events are given up");
    live.running
        .await_said("the receiver that was removed has ended");
    live.round();
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger: Value = scene.ledger();
    assert_eq!(ledger["receivers"]["bad"]["dropped"], 10);
    assert_eq!(ledger["receivers"]["good"]["delivered"], 11);
}
