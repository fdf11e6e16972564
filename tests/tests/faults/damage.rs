//! Files of a queue on disk that were damaged between two runs.

use std::os::unix::fs::FileExt;
use std::path::Path;

use crate::scene::{DISK, HOOK, Scene, queue_holds, segments};

const EVENTS: usize = 60;
const SAID: &str = "queue.disk: some of it is damaged and was put aside";

/// A weir that was killed while all its events waited on disk, in the queue's one segment.
fn killed_with_all_on_disk(name: &str) -> Scene {
    let mut scene = Scene::new(name);
    scene.sinks[DISK].stop_listening();
    scene.start_watching();
    scene.create(EVENTS);
    scene.await_all(HOOK);
    let expected = scene.expected();
    let newest = expected.iter().map(|(_, version)| version).max();
    let newest = format!(
        "\"resourceVersion\":\"{}\"",
        newest.expect("there are some")
    );
    let queue = scene.weir.file("queue");
    weir_tests::running::await_so("the last event is on the disk", || {
        queue_holds(&queue, &newest)
    });
    // Only then was everything before it handed on, and the other receiver's position can pass it.
    scene.await_positions_of(HOOK, scene.api.revision());
    scene.weir.kill();
    assert_eq!(segments(&queue).len(), 1);
    scene.sinks[DISK].start_listening();
    scene
}

/// Starts it again: all of it is delivered, each state once, by asking again for what the disk lost.
fn nothing_is_lost(mut scene: Scene, said: &str) {
    scene.start_usual();
    scene.await_all(DISK);
    let run = scene.stop_all_delivered();
    assert!(run.ended.stderr.contains(said), "{}", run.ended.stderr);
    for sink in &scene.sinks {
        sink.look(|counting| assert_eq!(counting.repeats(), 0));
    }
}

fn flip(path: &Path, offset: u64) {
    let file = std::fs::File::options().read(true).write(true).open(path);
    let file = file.expect("the segment can be opened");
    let mut byte = [0];
    file.read_exact_at(&mut byte, offset).expect("it is there");
    byte[0] ^= 0x10;
    file.write_all_at(&byte, offset).expect("it can be written");
}

fn only_segment(scene: &Scene) -> (std::path::PathBuf, u64) {
    let path = segments(&scene.weir.file("queue")).remove(0);
    let size = std::fs::metadata(&path).expect("it is there").len();
    (path, size)
}

#[test]
fn flipped_bits_cost_a_question_to_the_api_server() {
    let scene = killed_with_all_on_disk("flipped");
    let (path, size) = only_segment(&scene);
    for part in 1..8 {
        flip(&path, size * part / 8);
    }
    nothing_is_lost(scene, SAID);
}

#[test]
fn a_last_record_that_is_broken_costs_a_question_to_the_api_server() {
    let scene = killed_with_all_on_disk("last-record");
    let (path, size) = only_segment(&scene);
    flip(&path, size - 20);
    nothing_is_lost(scene, "queue.disk: ");
}

#[test]
fn a_truncated_file_costs_a_question_to_the_api_server() {
    for eighths in [0, 3, 7] {
        let scene = killed_with_all_on_disk("truncated");
        let (path, size) = only_segment(&scene);
        let file = std::fs::File::options().write(true).open(&path);
        let file = file.expect("the segment can be opened");
        // In the middle of a record, or of nothing at all.
        file.set_len((size * eighths / 8).saturating_sub(7))
            .expect("it can be cut");
        nothing_is_lost(scene, "");
    }
}

#[test]
fn a_file_of_zeros_and_one_that_is_gone_cost_a_question_to_the_api_server() {
    let scene = killed_with_all_on_disk("zeros");
    let (path, size) = only_segment(&scene);
    let zeros = vec![0; usize::try_from(size).expect("it is small")];
    std::fs::write(&path, zeros).expect("it can be written");
    // A loss of power may leave such a file where nothing was synced yet.
    nothing_is_lost(scene, "queue.disk: an unfinished write was cut off");
    let scene = killed_with_all_on_disk("gone");
    std::fs::remove_dir_all(scene.weir.file("queue")).expect("it can be removed");
    nothing_is_lost(scene, "");
}
