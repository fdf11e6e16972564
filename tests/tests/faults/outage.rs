//! A sink that is away for longer than a queue in memory holds.

use rustix::process::Signal;

use crate::scene::{DISK, HOOK, Scene};

/// Many more than `queue.events` (100).
const EVENTS: usize = 600;

#[test]
fn what_a_queue_on_disk_holds_does_not_hold_up_another_receiver() {
    let mut scene = Scene::new("outage-disk");
    scene.start_watching();
    scene.sinks[DISK].stop_listening();
    scene.create(EVENTS);
    scene.await_all(HOOK);
    scene
        .weir
        .running()
        .await_said("not delivered, will be tried again");
    let waits = scene.weir.end(Signal::TERM);
    assert_eq!(waits.ended.code, Some(0), "{}", waits.ended.stderr);
    let expected = scene.expected().len();
    assert_eq!(waits.ledger["receivers"]["disk"]["waiting"], expected);
    assert_eq!(waits.ledger["receivers"]["hook"]["waiting"], 0);
    scene.sinks[DISK].start_listening();
    scene.start_usual();
    scene.await_all(DISK);
    scene.stop_all_delivered();
    for sink in &scene.sinks {
        sink.look(|counting| assert_eq!(counting.repeats(), 0));
    }
}

#[test]
fn what_a_queue_in_memory_cannot_hold_waits_in_the_cluster() {
    let mut scene = Scene::new("outage-memory");
    scene.start_watching();
    scene.sinks[HOOK].stop_listening();
    scene.create(EVENTS);
    scene
        .weir
        .running()
        .await_said("not delivered, will be tried again");
    scene.sinks[HOOK].start_listening();
    scene.await_all(HOOK);
    scene.await_all(DISK);
    let run = scene.stop_all_delivered();
    assert_eq!(run.ledger["receivers"]["hook"]["dropped"], 0);
    for sink in &scene.sinks {
        sink.look(|counting| assert_eq!(counting.repeats(), 0));
    }
}
