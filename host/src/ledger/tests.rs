//! Sums, slots, rows.

use super::*;

#[test]
fn sums_hold_or_are_seen_not_to() {
    let ledger = Ledger::new();
    let (quiet, (_, out)) = (ledger.filter("quiet"), ledger.receiver("out"));
    let mut tally = Tally {
        received: 5,
        emitted: 1,
        routed: 3,
        unrouted: 1,
        ..Tally::default()
    };
    tally.filtered.insert((quiet, "noise".into()), 1);
    tally.dropped.insert(quiet, 1);
    tally.kept.insert(quiet, 2);
    ledger.add(&mut tally);
    assert_eq!(tally.received, 0);
    out.enqueued(3);
    out.delivered(1);
    out.dead(1);
    let snapshot = ledger.snapshot();
    assert!(snapshot.is_balanced(), "{snapshot:?}");
    assert_eq!((snapshot.waiting(), snapshot.errors["quiet"].kept), (1, 2));
    assert!(
        !Snapshot {
            received: 6,
            ..snapshot
        }
        .is_balanced()
    );
}

#[test]
fn what_the_source_leaves_out_was_received() {
    let ledger = Arc::new(Ledger::new());
    let source = Arc::clone(&ledger);
    let counting = std::thread::spawn(move || {
        for turn in 0..1000 {
            source.left_out(turn % 2, 1);
        }
    });
    while !counting.is_finished() {
        let mut tally = Tally {
            received: 1,
            unrouted: 1,
            ..Tally::default()
        };
        ledger.add(&mut tally);
        let snapshot = ledger.snapshot();
        assert!(snapshot.is_balanced(), "in the middle: {snapshot:?}");
    }
    counting.join().expect("no panic");
    let snapshot = ledger.snapshot();
    assert_eq!((snapshot.duplicates, snapshot.too_old), (500, 1000));
    assert_eq!(snapshot.received, 1500 + snapshot.unrouted);
    assert!(snapshot.is_balanced());
}

#[test]
fn reasons_have_a_bounded_number_of_rows() {
    let ledger = Ledger::new();
    let (a, b) = (ledger.filter("a"), ledger.filter("b"));
    for index in 0..300 {
        let mut tally = Tally {
            received: 2,
            ..Tally::default()
        };
        tally.filtered.insert((a, format!("reason {index}")), 1);
        tally.filtered.insert((b, "always the same".into()), 1);
        ledger.add(&mut tally);
    }
    let snapshot = ledger.snapshot();
    assert_eq!(snapshot.filtered["a"].len(), REASONS_MAX + 1);
    assert_eq!(snapshot.filtered["a"][OTHER_REASONS], 200);
    assert_eq!(snapshot.filtered["b"]["always the same"], 300);
    assert!(snapshot.is_balanced());
}

#[test]
fn a_name_keeps_its_slot_and_its_counts() {
    let ledger = Ledger::new();
    let (out, counts) = ledger.receiver("out");
    let (unused, _) = ledger.receiver("unused");
    let (quiet, loud) = (ledger.filter("quiet"), ledger.filter("loud"));
    assert_ne!((out, quiet), (unused, loud));
    ledger.current(&[loud, quiet], &[out, unused]);
    assert_eq!(ledger.filters(), ["quiet", "loud"]);
    let shown = |ledger: &Ledger| ledger.snapshot().receivers.into_keys().collect::<Vec<_>>();
    assert_eq!(shown(&ledger), ["out", "unused"]);
    counts.enqueued(2);
    counts.delivered(2);
    let mut tally = Tally {
        received: 1,
        ..Tally::default()
    };
    tally.filtered.insert((quiet, "noise".into()), 1);
    ledger.add(&mut tally);

    ledger.current(&[loud], &[]);
    assert_eq!(ledger.filters(), ["loud"]);
    assert_eq!(shown(&ledger), ["out"], "what counted stays");
    let snapshot = ledger.snapshot();
    assert_eq!(snapshot.filtered["quiet"]["noise"], 1);
    assert!(snapshot.is_balanced(), "{snapshot:?}");

    assert_eq!(ledger.filter("quiet"), quiet);
    let (again, counts) = ledger.receiver("out");
    assert_eq!(again, out);
    counts.enqueued(1);
    let snapshot = ledger.snapshot();
    assert_eq!(snapshot.receivers["out"].enqueued, 3);
    assert_eq!(snapshot.waiting(), 1);
}

#[test]
fn what_a_queue_left_on_the_disk_is_not_recovered_twice() {
    let ledger = Ledger::new();
    let (_, counts) = ledger.receiver("out");
    let shown = || {
        let snapshot = ledger.snapshot();
        assert!(snapshot.is_balanced(), "{snapshot:?}");
        let out = snapshot.receivers["out"];
        (out.recovered, out.waiting)
    };
    counts.opens_queue();
    counts.recovered(5);
    counts.recovered(4);
    assert_eq!(shown(), (4, 4), "one turned out to be delivered");
    counts.enqueued(10);
    counts.delivered(11);
    assert_eq!(shown(), (4, 3));
    // The same folder again, and one of the three was delivered by another replica.
    counts.opens_queue();
    counts.recovered(3);
    assert_eq!(shown(), (4, 3));
    counts.recovered(2);
    assert_eq!(shown(), (3, 2));
    counts.delivered(2);
    // Another folder, with events of an earlier run.
    counts.opens_queue();
    counts.recovered(7);
    assert_eq!(shown(), (10, 7));
}
