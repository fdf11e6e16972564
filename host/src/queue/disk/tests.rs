//! Positions and counts of a queue on disk, over restarts.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::ack::Ack;
use crate::config::OnFull;
use crate::queue::{BatchLimits, Portion, Pushed};

const NO_WAIT: BatchLimits = BatchLimits {
    events: 3,
    bytes: usize::MAX,
    age: Duration::ZERO,
};

/// The folder of a queue, which outlives the queues in it.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let name = format!("weir-queue-{}-{name}", std::process::id());
        Place(std::env::temp_dir().join(name))
    }

    fn disk(&self, bytes: u64) -> Disk {
        Disk {
            path: self.0.clone(),
            bytes,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One run of a receiver: its queue, positions, what it counts as recovered.
struct Run {
    queue: Arc<DiskQueue>,
    progress: Arc<Progress>,
    recovered: Arc<AtomicU64>,
}

impl Run {
    fn start(place: &Place, position: Option<u64>) -> Run {
        Run::bounded(place, position, OnFull::Wait, 1 << 20)
    }

    fn bounded(place: &Place, position: Option<u64>, on_full: OnFull, bytes: u64) -> Run {
        let progress = Progress::new(1);
        let recovered = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&recovered);
        let watches = vec!["shop".to_owned()];
        let disk = place.disk(bytes);
        let limits = QueueLimits {
            events_max: usize::MAX,
            on_full,
            batch: NO_WAIT,
        };
        let told = Told {
            recovered: Box::new(move |events| count.store(events, Ordering::Relaxed)),
            damaged: Box::new(|| panic!("nothing is damaged")),
        };
        let queue = DiskQueue::open((0, "out"), &disk, limits, watches, &progress, told);
        let queue = queue.expect("the folder can be used");
        progress.add(0);
        progress.resume_watch(0, |_| position);
        Run {
            queue,
            progress,
            recovered,
        }
    }

    /// A chunk with these versions, as a lane pushes it.
    fn push(&self, versions: &[u64]) -> Pushed {
        let ack = self.chunk(versions);
        self.queue.push(&portion(versions), &ack, || ())
    }

    fn chunk(&self, versions: &[u64]) -> Arc<Ack> {
        let ack = self.progress.start_chunk(0, versions[0]);
        ack.expect_all(&[(0, versions.len())]);
        self.progress.seen(0, versions[versions.len() - 1]);
        Arc::new(ack)
    }

    fn position(&self) -> Option<u64> {
        self.progress.position(0, 0)
    }

    fn take(&self) -> Taken {
        self.queue.take().expect("something waits")
    }
}

fn portion(versions: &[u64]) -> Portion {
    let mut portion = Portion::default();
    for version in versions {
        let event = format!(
            r#"{{"metadata":{{"uid":"u","resourceVersion":"{version}"}},"involvedObject":{{}}}}"#
        );
        let fields = Fields::scan(&event).expect("an event");
        portion.push(Document::new(EventRef::new(&event, &fields)), *version);
    }
    portion
}

fn versions(taken: &Taken) -> Vec<u64> {
    let version = |item: &Item| {
        let event = item.document.event();
        event.resource_version().parse().expect("a number")
    };
    taken.items.iter().map(version).collect()
}

fn settle(taken: &Taken, some: impl IntoIterator<Item = usize>) {
    for index in some {
        taken.receipt.settle(&taken.items[index]);
    }
    taken.receipt.flush();
}

#[test]
fn a_position_follows_what_is_delivered_not_what_is_queued() {
    let place = Place::new("position");
    let run = Run::start(&place, Some(5));
    assert_eq!(run.push(&[10, 12]), Pushed::Queued { dropped: 0 });
    run.push(&[20, 21]);
    assert!(run.progress.is_complete(), "the disk has all of it");
    // Nothing up to 9 was for this receiver.
    assert_eq!(run.position(), Some(9));
    let first = run.take();
    assert_eq!(versions(&first), [10, 12, 20]);
    settle(&first, [0, 2]);
    assert_eq!(run.position(), Some(9), "12 is not delivered");
    settle(&first, [1]);
    assert_eq!(run.position(), Some(19), "21 is not delivered");
    let second = run.take();
    settle(&second, [0]);
    assert_eq!(run.position(), Some(21), "the queue is empty");
    run.queue.close();
    assert!(run.queue.take().is_none());
}

#[test]
fn the_next_run_has_what_waits_and_asks_for_nothing_twice() {
    let place = Place::new("restart");
    {
        let run = Run::start(&place, Some(5));
        run.push(&[10, 12]);
        run.push(&[20, 21]);
        let first = run.take();
        settle(&first, [0]);
        // Killed: nothing is finished.
    }
    let run = Run::start(&place, Some(5));
    assert_eq!(run.recovered.load(Ordering::Relaxed), 3);
    let ack = run.progress.start_chunk(0, 10);
    let had: Vec<u64> = (9..=22).filter(|version| ack.had(0, *version)).collect();
    // The mark of the last portion is 19; 20 and 21 are on the disk above it.
    assert_eq!(had, (9..=21).collect::<Vec<u64>>());
    ack.expect_all(&[]);
    assert_eq!(versions(&run.take()), [12, 20, 21]);
}

#[test]
fn what_another_replica_delivered_is_not_delivered_again() {
    let place = Place::new("replica");
    {
        let run = Run::start(&place, None);
        run.push(&[10, 12]);
        run.push(&[20]);
    }
    let run = Run::start(&place, Some(12));
    assert_eq!(run.recovered.load(Ordering::Relaxed), 1);
    let taken = run.take();
    assert_eq!(versions(&taken), [20]);
    run.progress.began(0, 20);
    assert_eq!(run.position(), Some(12));
    settle(&taken, [0]);
    run.queue.close();
    assert!(run.queue.take().is_none());
}

#[test]
fn versions_that_begin_anew_hold_the_position_at_nothing_until_the_old_are_delivered() {
    let place = Place::new("anew");
    let run = Run::start(&place, Some(5));
    run.push(&[900, 901]);
    run.progress.restart(0);
    run.push(&[20]);
    assert_eq!(run.position(), Some(0));
    let taken = run.take();
    assert_eq!(versions(&taken), [900, 901, 20]);
    settle(&taken, [0, 1]);
    assert_eq!(run.position(), Some(0), "20 is not delivered");
    settle(&taken, [2]);
    assert_eq!(run.position(), Some(20));
}

#[test]
fn a_full_queue_gives_up_its_oldest_where_that_is_wanted() {
    let place = Place::new("oldest");
    let run = Run::bounded(&place, None, OnFull::DropOldest, 1 << 20);
    // More than a bound of 1 MiB holds of events of 100 bytes and what a record takes beside.
    let mut pushed = 0;
    let mut dropped = 0;
    while dropped == 0 {
        let from = 1 + pushed;
        let more: Vec<u64> = (from..from + 200).collect();
        pushed += 200;
        if let Pushed::Queued { dropped: now } = run.push(&more) {
            dropped += now as u64;
        }
        assert!(pushed < 100_000, "the bound is not held");
    }
    assert_eq!(run.queue.waiting(), pushed - dropped);
    assert_eq!(versions(&run.take())[0], dropped + 1, "the oldest are gone");
}

#[test]
fn a_full_queue_holds_up_who_pushes_until_there_is_room_or_the_process_ends() {
    let place = Place::new("full");
    let run = Arc::new(Run::bounded(&place, None, OnFull::Wait, 1 << 20));
    let all: Vec<u64> = (1..=20_000).collect();
    run.push(&all);
    let pusher = {
        let run = Arc::clone(&run);
        std::thread::spawn(move || run.push(&[20_001]))
    };
    // A portion that is larger than the bound was let in: it has to go first.
    deliver_all(&run);
    assert_eq!(
        pusher.join().expect("no panic"),
        Pushed::Queued { dropped: 0 }
    );
    deliver_all(&run);
    run.push(&(20_002..=60_000).collect::<Vec<u64>>());
    let pusher = {
        let run = Arc::clone(&run);
        std::thread::spawn(move || run.push(&[60_001]))
    };
    run.queue.abort();
    assert_eq!(pusher.join().expect("no panic"), Pushed::Aborted);
}

/// Takes and settles until nothing waits.
fn deliver_all(run: &Run) {
    while run.queue.waiting() > 0 {
        let taken = run.take();
        settle(&taken, 0..taken.items.len());
    }
}
