//! Positions over chunks, restarts, queues on disk; receivers that come and go are in `changes`, random orders of it all in
//! `property`.

mod changes;
mod property;

use std::sync::Mutex;

use super::*;

/// With so many receivers and watches.
fn progress(receivers: usize, watches: usize) -> Arc<Progress> {
    let progress = Progress::new(watches);
    (0..receivers).for_each(|slot| progress.add(slot));
    progress
}

/// A queue on disk: has all up to a mark, and some above it; notes what it is told.
#[derive(Default)]
struct Queue {
    mark: Option<u64>,
    above: BTreeSet<u64>,
    told: Mutex<Vec<String>>,
}

impl Queue {
    fn new(mark: Option<u64>, above: &[u64]) -> Arc<Queue> {
        Arc::new(Queue {
            mark,
            above: above.iter().copied().collect(),
            told: Mutex::default(),
        })
    }

    /// Of the receiver with this slot.
    fn keeps(self: &Arc<Queue>, progress: &Progress, slot: usize) {
        let stored: Arc<dyn Stored> = self.clone();
        progress.stores(slot, Arc::downgrade(&stored));
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }
}

impl Stored for Queue {
    fn resume(&self, watch: usize, position: Option<u64>) -> Has {
        let told = format!("resume {watch} {position:?}");
        self.told.lock().unwrap().push(told);
        Has {
            all_up_to: position.max(self.mark),
            above: self.above.clone(),
        }
    }

    fn restart(&self, watch: usize) {
        self.told.lock().unwrap().push(format!("restart {watch}"));
    }
}

#[test]
fn a_position_is_just_below_what_is_not_settled() {
    let progress = progress(2, 1);
    assert_eq!(progress.position(0, 0), None, "nothing is known yet");
    let (first, second) = (progress.start_chunk(0, 10), progress.start_chunk(0, 12));
    progress.seen(0, 15);
    first.expect_all(&[(0, 2)]);
    second.expect_all(&[(1, 1), (0, 1)]);
    assert_eq!(
        (progress.position(0, 0), progress.position(1, 0)),
        (Some(9), Some(11))
    );
    second.settle(0, 1);
    assert_eq!(progress.position(0, 0), Some(9), "the first is not settled");
    first.settle(0, 1);
    assert_eq!(
        progress.position(0, 0),
        Some(9),
        "one of its two is not settled"
    );
    first.settle(0, 1);
    assert_eq!(
        progress.position(0, 0),
        Some(15),
        "with none under way, the last seen"
    );
    assert!(!progress.is_complete());
    second.settle(1, 1);
    assert!(progress.is_complete());
}

#[test]
fn what_no_lane_has_passed_on_is_not_complete() {
    let progress = progress(0, 1);
    let ack = progress.start_chunk(0, 1);
    assert!(!progress.is_complete());
    ack.expect_all(&[]);
    assert!(progress.is_complete());
}

#[test]
fn watches_have_positions_of_their_own() {
    let progress = progress(1, 2);
    let ack = progress.start_chunk(1, 5);
    progress.seen(0, 7);
    progress.seen(1, 8);
    assert_eq!(
        (progress.position(0, 0), progress.position(0, 1)),
        (Some(7), Some(4))
    );
    ack.expect_all(&[(0, 0)]);
    assert_eq!(progress.position(0, 1), Some(8));
}

#[test]
fn a_receiver_never_falls_behind_where_it_was() {
    let progress = progress(2, 1);
    let begins = progress.resume_watch(0, |slot| Some([100, 40][slot]));
    assert_eq!(begins, Some(40));
    let ack = progress.start_chunk(0, 41);
    progress.seen(0, 45);
    assert!(ack.repeats());
    assert!(ack.had(0, 100) && !ack.had(0, 101) && ack.had(1, 40) && !ack.had(1, 41));
    assert_eq!(
        (progress.position(0, 0), progress.position(1, 0)),
        (Some(100), Some(40))
    );
    let later = progress.start_chunk(0, 101);
    assert!(!later.repeats());
}

#[test]
fn a_receiver_without_a_position_begins_where_the_server_is() {
    let progress = progress(2, 1);
    assert_eq!(
        progress.resume_watch(0, |slot| [Some(40), None][slot]),
        Some(40)
    );
    progress.began(0, 90);
    assert_eq!(
        (progress.position(0, 0), progress.position(1, 0)),
        (Some(40), Some(90))
    );
    let ack = progress.start_chunk(0, 41);
    assert!(!ack.had(0, 41) && ack.had(1, 90) && !ack.had(1, 91));
}

#[test]
fn what_was_under_way_when_versions_began_anew_holds_the_position_at_nothing() {
    let progress = progress(1, 1);
    progress.resume_watch(0, |_| Some(900));
    let old = progress.start_chunk(0, 1000);
    old.expect_all(&[(0, 1)]);
    progress.seen(0, 1000);
    progress.restart(0);
    progress.start_chunk(0, 20).expect_all(&[]);
    progress.seen(0, 30);
    assert_eq!(progress.position(0, 0), Some(0));
    old.settle(0, 1);
    assert_eq!(progress.position(0, 0), Some(30));
}

#[test]
fn what_a_queue_on_disk_has_is_skipped_and_holds_the_position() {
    let progress = Progress::new(1);
    let queue = Queue::new(Some(60), &[63]);
    queue.keeps(&progress, 0);
    progress.add(0);
    progress.add(1);
    let begins = progress.resume_watch(0, |slot| Some([40, 50][slot]));
    assert_eq!(begins, Some(50), "the queue has all up to 60");
    assert_eq!(queue.told(), ["resume 0 Some(40)"]);
    progress.hold(0, 0, 40);
    let ack = progress.start_chunk(0, 61);
    progress.seen(0, 70);
    assert!(ack.repeats(), "there are versions above the mark");
    let had: Vec<u64> = (59..=65).filter(|version| ack.had(0, *version)).collect();
    assert_eq!(had, [59, 60, 63]);
    assert!(!ack.had(1, 60));
    ack.expect_all(&[(0, 2)]);
    assert_eq!((ack.mark(0), progress.position(0, 0)), (60, Some(40)));
    ack.settle(0, 2);
    assert_eq!(
        (progress.mark(0, 0), progress.position(0, 0)),
        (70, Some(40))
    );
    progress.hold(0, 0, 60);
    assert_eq!(
        progress.position(0, 0),
        Some(60),
        "some of it was delivered"
    );
    progress.hold(0, 0, u64::MAX);
    assert_eq!(progress.position(0, 0), Some(70), "all of it was");
    progress.restart(0);
    assert_eq!(queue.told(), ["restart 0"]);
}

#[test]
fn events_of_before_in_a_queue_on_disk_do_not_pass_for_delivered() {
    let progress = Progress::new(1);
    let queue = Queue::new(None, &[7]);
    queue.keeps(&progress, 0);
    (0..2).for_each(|slot| progress.add(slot));
    progress.resume_watch(0, |slot| [None, Some(40)][slot]);
    progress.hold(0, 0, POSITION_UNKNOWN);
    progress.began(0, 90);
    assert_eq!(progress.position(0, 0), None);
    progress.hold(0, 0, 0);
    assert_eq!(
        progress.position(0, 0),
        Some(1),
        "not the 90 that would give them up, nor the 0 that begins anew"
    );
    progress.hold(0, 0, u64::MAX);
    assert_eq!(progress.position(0, 0), Some(90));
}
