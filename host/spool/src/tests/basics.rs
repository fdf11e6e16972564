//! What the queue does when nothing goes wrong.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::*;
use crate::SpoolError;

#[test]
fn what_is_pushed_is_read_in_order_and_outlives_a_restart() {
    let folder = Folder::new();
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(recovered, Recovered::default());
    push(&spool, "a", 10, &[(10, "{}"), (12, "[1]")]);
    push(&spool, "b", 3, &[(0, "\"ü\"")]);
    let before = all(&spool);
    assert_eq!(before[1].sequence, 2);
    assert_eq!((before[1].version, before[1].below), (12, 10));
    assert_eq!(&*before[2].watch, "b");
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(all(&spool), before);
    assert_eq!((recovered.records, recovered.bytes), (3, spool.bytes()));
    assert_eq!(recovered.marks, [("a".into(), 10), ("b".into(), 3)].into());
    assert_eq!(recovered.above, [("a".into(), BTreeSet::from([12]))].into());
    assert_eq!((recovered.unfinished_bytes, recovered.damage), (0, None));
}

#[test]
fn a_read_is_bounded_and_brings_at_least_one() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "", 0, &[(0, "0123456789"), (0, "1"), (0, "2")]);
    let count = |after, events, bytes| spool.read(after, events, bytes).unwrap().len();
    assert_eq!(count(0, 10, 100), 3);
    assert_eq!(count(0, 2, 100), 2);
    assert_eq!(count(0, 10, 11), 2);
    assert_eq!(count(0, 0, 0), 1);
    assert_eq!(count(2, 10, 100), 1);
    assert_eq!(count(3, 10, 100), 0);
    assert_eq!(count(u64::MAX, 10, 100), 0);
}

#[test]
fn what_is_removed_stays_removed_and_its_numbers_are_not_used_again() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "", 5, &[(0, "1"), (0, "2"), (0, "3")]);
    assert_eq!(spool.remove_through(2).unwrap(), 2);
    assert_eq!(documents(&spool), ["3"]);
    assert_eq!(spool.remove_through(1).unwrap(), 0);
    assert_eq!(spool.drop_oldest(7).unwrap(), 1);
    assert!(spool.is_empty());
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(recovered.marks[""], 5);
    push(&spool, "", 5, &[(0, "4")]);
    assert_eq!(all(&spool)[0].sequence, 4);
}

#[test]
fn marks_grow_only_and_begin_anew_when_told() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "w", 100, &[(100, "old")]);
    push(&spool, "w", 90, &[(110, "below stays 100")]);
    assert_eq!(all(&spool)[1].below, 100);
    spool.save_marks(&[("w", 99), ("v", 7), ("v", 6)]).unwrap();
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(recovered.marks, [("w".into(), 100), ("v".into(), 7)].into());
    spool.restart_marks("w").unwrap();
    push(&spool, "w", 2, &[(2, "new"), (9, "ahead")]);
    // Of the old versions nothing is settled by a version of the new ones.
    assert_eq!(spool.discard_settled("w", 105).unwrap(), 2);
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(recovered.marks["w"], 2);
    assert_eq!(documents(&spool), ["old", "below stays 100"]);
    assert!(recovered.above.is_empty());
}

#[test]
fn saving_marks_that_did_not_grow_writes_nothing() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    spool.save_marks(&[("w", 5)]).unwrap();
    let size = || fs::metadata(&segments(&folder.queue())[0]).unwrap().len();
    let before = size();
    spool.save_marks(&[("w", 5), ("w", 4)]).unwrap();
    assert_eq!(size(), before);
}

#[test]
fn a_full_queue_refuses_and_takes_again() {
    let folder = Folder::new();
    let (spool, _) = Spool::open(&folder.queue(), 1000).unwrap();
    let document = "x".repeat(900);
    let entry = |document| {
        [Entry {
            version: 1,
            document,
        }]
    };
    let kept = |portion: &[Entry<'_>]| spool.push(portion, "w", 1).unwrap() == Pushed::Kept;
    let large = "y".repeat(5000);
    assert!(kept(&entry(&large)), "larger than all, but alone");
    assert!(!kept(&entry("1")));
    spool.remove_through(1).unwrap();
    assert!(kept(&entry(&document)));
    assert!(!kept(&entry(&document)));
    assert_eq!(spool.drop_oldest(1).unwrap(), 1);
    assert!(kept(&entry(&document)));
    // What is discarded takes room until what is before it is removed; here there is nothing.
    assert_eq!(spool.discard_settled("w", 1).unwrap(), 1);
    assert!(kept(&entry(&document)));
}

#[test]
fn space_comes_back_while_it_drains_and_the_files_stay_within_the_bound() {
    let folder = Folder::new();
    let bytes_max = 8 << 20;
    let (spool, _) = Spool::open(&folder.queue(), bytes_max).unwrap();
    let document = "x".repeat(100_000);
    let entry = Entry {
        version: 0,
        document: &document,
    };
    let on_disk = || -> u64 {
        let sizes = segments(&folder.queue()).into_iter();
        sizes.map(|path| fs::metadata(path).unwrap().len()).sum()
    };
    for _ in 0..5 {
        while spool.push(&[entry], "", 0).unwrap() == Pushed::Kept {}
        assert!(on_disk() <= bytes_max + (1 << 20) + 200_000);
        while let Some(record) = spool.read(0, 7, u64::MAX).unwrap().last() {
            spool.remove_through(record.sequence).unwrap();
            assert!(on_disk() <= spool.bytes() + 2 * (1 << 20) + 400_000);
        }
        assert!(on_disk() <= (1 << 20) + 200_000, "{}", on_disk());
    }
}

#[test]
fn a_second_owner_is_refused_and_told_where() {
    let folder = Folder::new();
    let (_spool, _) = open(&folder.queue());
    let error = Spool::open(&folder.queue(), ROOM).unwrap_err();
    assert!(matches!(error, SpoolError::Locked { .. }));
    assert!(error.to_string().contains(folder.queue().to_str().unwrap()));
}

#[test]
fn only_its_owner_can_read_it() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "", 0, &[(0, "1")]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.queue()), 0o700);
    assert_eq!(mode(&segments(&folder.queue())[0]), 0o600);
}

#[test]
fn sizes_beyond_the_limits_are_refused() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    let refused = |document: &str, watch: &str| {
        let entry = Entry {
            version: 0,
            document,
        };
        matches!(spool.push(&[entry], watch, 0), Err(SpoolError::Size { .. }))
    };
    assert!(refused("", ""));
    assert!(refused("1", &"n".repeat(1025)));
    assert!(refused(&"x".repeat((16 << 20) + 1), ""));
    assert!(!refused(&"x".repeat(16 << 20), &"n".repeat(1024)));
    assert_eq!(all(&spool).len(), 1);
}

#[test]
fn four_threads_push_at_once_while_one_reads_and_removes() {
    const EACH: u64 = 200;
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    let mut got: Vec<Record> = Vec::new();
    thread::scope(|scope| {
        for lane in 0..4 {
            let spool = &spool;
            scope.spawn(move || {
                let watch = format!("w{lane}");
                for number in 1..=EACH {
                    let text = format!("{number}");
                    push(spool, &watch, number, &[(number, &text), (0, "1")]);
                }
            });
        }
        let mut after = 0;
        while got.len() < 8 * usize::try_from(EACH).unwrap() {
            let records = spool.read(after, 50, 1 << 20).unwrap();
            if let Some(last) = records.last() {
                after = last.sequence;
                spool.remove_through(after).unwrap();
            }
            got.extend(records);
        }
    });
    let numbers: Vec<u64> = got.iter().map(|record| record.sequence).collect();
    assert_eq!(numbers, (1..=8 * EACH).collect::<Vec<_>>());
    for lane in 0..4 {
        let watch = format!("w{lane}");
        let own = got
            .iter()
            .filter(|record| *record.watch == *watch && record.version > 0);
        let versions: Vec<u64> = own.map(|record| record.version).collect();
        assert_eq!(versions, (1..=EACH).collect::<Vec<_>>());
    }
    drop(spool);
    let (_, recovered) = open(&folder.queue());
    assert_eq!(recovered.records, 0);
    assert!(recovered.marks.values().all(|mark| *mark == EACH));
}
