//! Receivers that come and go while events flow.

use super::*;

#[test]
fn a_receiver_that_comes_begins_with_what_is_in_the_pipeline() {
    let progress = progress(1, 2);
    let passed_on = progress.start_chunk(0, 10);
    passed_on.expect_all(&[(0, 1)]);
    let (without, with) = (progress.start_chunk(0, 12), progress.start_chunk(0, 14));
    progress.seen(0, 19);
    progress.seen(1, 3);

    progress.add(1);
    let positions = || [0, 1].map(|slot| progress.position(slot, 0));
    assert_eq!(positions(), [Some(9), Some(11)]);
    assert_eq!(
        progress.position(1, 1),
        Some(3),
        "nothing of this watch is under way"
    );
    with.expect_all(&[(1, 2)]);
    without.expect_all(&[(0, 1)]);
    assert_eq!(positions(), [Some(9), Some(13)]);
    with.settle(1, 2);
    assert_eq!(positions(), [Some(9), Some(19)]);

    passed_on.settle(0, 1);
    assert_eq!(positions(), [Some(11), Some(19)]);
    without.settle(0, 1);
    assert!(progress.is_complete());
}

#[test]
fn to_add_who_is_there_changes_nothing() {
    let progress = progress(1, 1);
    let ack = progress.start_chunk(0, 10);
    progress.seen(0, 10);
    ack.expect_all(&[(0, 1)]);
    progress.add(0);
    assert_eq!(progress.position(0, 0), Some(9));
    ack.settle(0, 1);
    assert!(progress.is_complete());
}

#[test]
fn a_receiver_that_has_gone_holds_up_nothing_and_has_no_position() {
    let progress = progress(2, 1);
    let (first, second) = (progress.start_chunk(0, 10), progress.start_chunk(0, 12));
    progress.seen(0, 15);
    first.expect_all(&[(1, 1)]);
    progress.retire(1);
    assert_eq!(progress.position(1, 0), None);
    assert_eq!((progress.mark(1, 0), second.mark(1)), (0, 0));
    assert!(!second.had(1, 5));
    second.expect_all(&[(1, 3)]);
    assert!(progress.is_complete());
    first.settle(1, 1);
    second.settle(1, 2);
    progress.hold(1, 0, 3);
    progress.retire(1);
    progress.retire(100);
    assert_eq!(progress.position(0, 0), Some(15));
    assert_eq!(progress.position(100, 0), None);
}

#[test]
fn a_name_that_comes_back_begins_anew() {
    let progress = progress(1, 1);
    let old = progress.start_chunk(0, 10);
    progress.seen(0, 10);
    old.expect_all(&[(0, 2)]);
    progress.hold(0, 0, 9);
    progress.retire(0);
    let under_way = progress.start_chunk(0, 20);
    progress.seen(0, 21);
    progress.add(0);
    assert_eq!(progress.position(0, 0), Some(19), "not held any more");
    old.settle(0, 2);
    assert_eq!(progress.position(0, 0), Some(19));
    under_way.expect_all(&[(0, 1)]);
    under_way.settle(0, 1);
    assert_eq!(progress.position(0, 0), Some(21));
}

#[test]
fn who_comes_before_a_watch_is_resumed_is_resumed_with_the_others() {
    let progress = progress(1, 2);
    progress.resume_watch(1, |_| Some(5));
    let queue = Queue::new(None, &[]);
    queue.keeps(&progress, 1);
    progress.add(1);
    assert_eq!(queue.told(), ["resume 1 None"]);
    progress.resume_watch(0, |slot| Some([300, 200][slot]));
    assert_eq!(queue.told(), ["resume 0 Some(200)"]);
    progress.began(0, 400);
    progress.began(1, 6);
    assert_eq!(
        [0, 1].map(|watch| progress.position(1, watch)),
        [Some(200), Some(6)]
    );
}

#[test]
fn who_comes_to_a_watch_that_has_begun_starts_at_now() {
    let progress = progress(1, 1);
    progress.resume_watch(0, |_| Some(40));
    progress.began(0, 90);
    progress.add(1);
    assert_eq!(
        progress.position(1, 0),
        Some(40),
        "what is still to come of before may be for it: it may be another under a new name"
    );
    let catching_up = progress.start_chunk(0, 41);
    assert!(!catching_up.had(1, 41) && !catching_up.had(1, 90));
    progress.add(2);
    assert_eq!(progress.position(2, 0), Some(40));
    assert!(
        !catching_up.had(2, 41),
        "it is in the pipeline, and may be for it"
    );
    progress.seen(0, 95);
    catching_up.expect_all(&[(2, 1)]);
    assert_eq!(
        [0, 1, 2].map(|slot| progress.position(slot, 0)),
        [Some(95), Some(95), Some(40)]
    );
    progress.restart(0);
    progress.add(3);
    let anew = progress.start_chunk(0, 7);
    assert!(!anew.had(1, 7) && !anew.had(3, 7));
}

#[test]
fn who_comes_with_a_queue_on_disk_is_held_by_what_waits_there() {
    let progress = progress(0, 1);
    progress.resume_watch(0, |_| None);
    progress.seen(0, 90);
    let queue = Queue::new(Some(60), &[63]);
    queue.keeps(&progress, 0);
    progress.add(0);
    assert_eq!(queue.told(), ["resume 0 None"]);
    progress.hold(0, 0, 60);
    assert_eq!(progress.position(0, 0), Some(90), "it begins at now");
    let ack = progress.start_chunk(0, 91);
    assert!(!ack.repeats(), "nothing of what it has is read again");

    // One that says so while it is told of the watch.
    let holding = Arc::new(Holding(Arc::clone(&progress)));
    let stored: Arc<dyn Stored> = holding.clone();
    progress.stores(1, Arc::downgrade(&stored));
    progress.add(1);
    assert_eq!(progress.position(1, 0), None, "nobody knows what waits");
    progress.hold(1, 0, 60);
    assert_eq!(progress.position(1, 0), Some(60));
    progress.hold(1, 0, u64::MAX);
    assert_eq!(progress.position(1, 0), Some(90));
}

/// A queue on disk in which something waits.
struct Holding(Arc<Progress>);

impl Stored for Holding {
    fn resume(&self, watch: usize, _position: Option<u64>) -> Has {
        self.0.hold(1, watch, POSITION_UNKNOWN);
        Has::default()
    }

    fn restart(&self, _watch: usize) {}
}

#[test]
fn marks_of_versions_that_are_no_more_skip_nothing() {
    let progress = progress(0, 1);
    progress.resume_watch(0, |_| None);
    progress.seen(0, 90);
    let queue = Queue::new(Some(5000), &[5001]);
    queue.keeps(&progress, 0);
    progress.add(0);
    assert_eq!(queue.told(), ["resume 0 None", "restart 0"]);
    let ack = progress.start_chunk(0, 91);
    assert!(!ack.had(0, 91) && !ack.had(0, 5001));
    assert_eq!(progress.position(0, 0), Some(90));
}

#[test]
fn who_comes_and_goes_while_chunks_flow_misses_nothing_and_holds_up_nothing() {
    const CHUNKS: u64 = 3000;
    let progress = progress(1, 1);
    let (to_lane, chunks) = std::sync::mpsc::sync_channel::<Ack>(4);
    let source = {
        let progress = Arc::clone(&progress);
        std::thread::spawn(move || {
            for version in 1..=CHUNKS {
                let ack = progress.start_chunk(0, version);
                progress.seen(0, version);
                to_lane.send(ack).unwrap();
            }
        })
    };
    // The lane knows who is there: it is told after they were added, and before they are retired.
    let routed = Arc::new(Mutex::new(vec![0]));
    let lane = {
        let routed = Arc::clone(&routed);
        std::thread::spawn(move || {
            for ack in chunks {
                let slots = routed.lock().unwrap();
                let expected: Vec<(usize, usize)> = slots.iter().map(|slot| (*slot, 1)).collect();
                ack.expect_all(&expected);
                expected.iter().for_each(|(slot, _)| ack.settle(*slot, 1));
            }
        })
    };
    let mut last = None;
    while !lane.is_finished() {
        progress.add(1);
        routed.lock().unwrap().push(1);
        let position = progress.position(0, 0);
        assert!(last <= position, "it went back");
        last = position;
        routed.lock().unwrap().pop();
        progress.retire(1);
    }
    source.join().unwrap();
    lane.join().unwrap();
    assert!(progress.is_complete());
    progress.add(1);
    assert_eq!(
        [0, 1].map(|slot| progress.position(slot, 0)),
        [Some(CHUNKS); 2]
    );
}
