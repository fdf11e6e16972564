//! Files that were cut, changed or lost.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::segment::{self, PREFIX_BYTES};
use crate::{Damage, SpoolError};

/// Three portions: 1 and 2, 3 and 4, 5 and 6. The versions are the numbers, the mark is each portion's last.
fn three_portions(folder: &Folder) -> Vec<Record> {
    let (spool, _) = open(&folder.queue());
    push(&spool, "w", 2, &[(1, "\"one\""), (2, "\"two\"")]);
    push(&spool, "w", 4, &[(3, "\"three\""), (4, "\"four\"")]);
    push(&spool, "w", 6, &[(5, "\"five\""), (6, "\"six\"")]);
    all(&spool)
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    let before = bytes.clone();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    before
}

fn place_of(bytes: &[u8], text: &str) -> usize {
    let found = bytes
        .windows(text.len())
        .position(|part| part == text.as_bytes());
    found.unwrap()
}

#[test]
fn a_changed_byte_costs_its_record_and_takes_the_mark_back() {
    let folder = Folder::new();
    three_portions(&folder);
    let path = &segments(&folder.queue())[0];
    let before = change(path, |bytes| {
        let at = place_of(bytes, "three");
        bytes[at] ^= 1;
    });
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(
        documents(&spool),
        ["\"one\"", "\"two\"", "\"four\"", "\"five\"", "\"six\""]
    );
    let damage = recovered.damage.unwrap();
    assert_eq!((damage.records_lost, damage.bytes), (1, 40 + 1 + 7));
    assert_eq!(
        fs::read(&damage.files[0]).unwrap(),
        before_with_change(before, "three")
    );
    assert_eq!(recovered.marks["w"], 2);
    assert_eq!(recovered.above["w"], BTreeSet::from([4, 5, 6]));
    // It is told once, and the mark grows again from there.
    push(&spool, "w", 6, &[(3, "\"three again\"")]);
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!((recovered.damage, recovered.marks["w"]), (None, 6));
    assert_eq!(spool.len(), 6);
}

fn before_with_change(mut bytes: Vec<u8>, text: &str) -> Vec<u8> {
    let at = place_of(&bytes, text);
    bytes[at] ^= 1;
    bytes
}

#[test]
fn of_a_damaged_last_portion_nothing_counts() {
    for text in ["five", "six"] {
        let folder = Folder::new();
        let before = three_portions(&folder);
        change(&segments(&folder.queue())[0], |bytes| {
            let at = place_of(bytes, text);
            bytes[at] = b'?';
        });
        let (spool, recovered) = open(&folder.queue());
        assert_eq!(all(&spool), before[..4]);
        assert_eq!(recovered.marks["w"], 4);
        assert_eq!(recovered.damage.unwrap().files.len(), 1);
    }
}

#[test]
fn a_file_that_is_cut_anywhere_keeps_the_portions_before() {
    let folder = Folder::new();
    let before = three_portions(&folder);
    let whole = fs::read(&segments(&folder.queue())[0]).unwrap();
    for length in 0..whole.len() {
        let path = segments(&folder.queue()).remove(0);
        fs::write(&path, &whole[..length]).unwrap();
        let (spool, recovered) = open(&folder.queue());
        let kept = all(&spool);
        assert_eq!(kept.len() % 2, 0);
        assert_eq!(kept, before[..kept.len()]);
        let mark = recovered.marks.get("w").copied().unwrap_or(0);
        assert_eq!(mark, kept.len() as u64);
        drop(spool);
        let _ = fs::remove_dir_all(folder.queue());
        fs::create_dir(folder.queue()).unwrap();
        fs::write(&path, &whole).unwrap();
    }
}

#[test]
fn a_lost_segment_is_noticed() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    let large = "x".repeat(5 << 20);
    for version in 1..=4 {
        push(&spool, "w", version, &[(version, &large)]);
    }
    drop(spool);
    let paths = segments(&folder.queue());
    assert_eq!(paths.len(), 4);
    fs::remove_file(&paths[1]).unwrap();
    let (spool, recovered) = open(&folder.queue());
    let expected = Damage {
        records_lost: 1,
        ..Damage::default()
    };
    assert_eq!(recovered.damage, Some(expected));
    assert_eq!((spool.len(), recovered.marks["w"]), (3, 1));
    drop(spool);
    let (_, recovered) = open(&folder.queue());
    assert_eq!((recovered.damage, recovered.marks["w"]), (None, 1));
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = Folder::new();
    three_portions(&folder);
    let path = segments(&folder.queue()).remove(0);
    change(&path, |bytes| {
        bytes[..16].copy_from_slice(&segment::prefix(7))
    });
    let before = fs::read(&path).unwrap();
    let error = Spool::open(&folder.queue(), ROOM).unwrap_err();
    assert!(matches!(
        error,
        SpoolError::NewerFormat {
            found: 7,
            known: 1,
            ..
        }
    ));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_damaged_beginning_costs_no_record() {
    let folder = Folder::new();
    let before = three_portions(&folder);
    change(&segments(&folder.queue())[0], |bytes| {
        bytes[..20].fill(b'?')
    });
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(all(&spool), before);
    assert_eq!(recovered.damage.unwrap().records_lost, 0);
}

#[test]
fn a_start_that_was_killed_while_mending_is_finished() {
    let folder = Folder::new();
    let before = three_portions(&folder);
    let path = segments(&folder.queue()).remove(0);
    fs::copy(&path, path.with_extension("salvaged")).unwrap();
    fs::rename(&path, path.with_extension("log.damaged-1")).unwrap();
    let (spool, _) = open(&folder.queue());
    assert_eq!(all(&spool), before);
    drop(spool);
    // Before the renaming the copy may not be whole.
    let path = segments(&folder.queue()).remove(0);
    fs::write(path.with_extension("salvaged"), "half").unwrap();
    fs::write(path.with_extension("new"), "half").unwrap();
    let (spool, recovered) = open(&folder.queue());
    assert_eq!((all(&spool), recovered.damage), (before, None));
}

#[test]
fn a_file_that_changes_while_it_is_open_is_an_error() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "w", 2, &[(1, "\"one\"")]);
    change(&segments(&folder.queue())[0], |bytes| {
        let at = place_of(bytes, "one");
        bytes[at] = b'O';
    });
    let error = spool.read(0, 10, 1000).unwrap_err();
    assert!(matches!(error, SpoolError::Damaged { .. }), "{error}");
}

/// A change of the bytes of a queue.
#[derive(Debug, Clone)]
enum Harm {
    Flip(usize, u8),
    Zero(usize, usize),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Repeat(usize, usize),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = 0..700_usize;
    prop_oneof![
        (at.clone(), 1..=255_u8).prop_map(|(at, bits)| Harm::Flip(at, bits)),
        (at.clone(), 1..200_usize).prop_map(|(at, count)| Harm::Zero(at, count)),
        at.clone().prop_map(Harm::Cut),
        (at.clone(), prop::collection::vec(any::<u8>(), 1..60))
            .prop_map(|(at, bytes)| Harm::Insert(at, bytes)),
        (at, 1..200_usize).prop_map(|(at, count)| Harm::Repeat(at, count)),
    ]
}

fn inflict(bytes: &mut Vec<u8>, harm: &Harm) {
    let size = bytes.len();
    match harm {
        Harm::Flip(at, bits) => bytes[at % size] ^= bits,
        Harm::Zero(at, count) => {
            let from = at % size;
            bytes[from..(from + count).min(size)].fill(0);
        }
        Harm::Cut(at) => bytes.truncate((at % size).max(1)),
        Harm::Insert(at, what) => {
            let from = at % size;
            bytes.splice(from..from, what.iter().copied());
        }
        Harm::Repeat(at, count) => {
            let from = at % size;
            let part = bytes[from..(from + count).min(size)].to_vec();
            bytes.splice(from..from, part);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the bytes: what is read is what was written, in order and once; marks are not ahead of what is
    /// lost; and the queue goes on working.
    #[test]
    fn no_damage_makes_up_records_or_stops_the_queue(harms in prop::collection::vec(harm(), 1..4)) {
        let folder = Folder::new();
        let before = three_portions(&folder);
        change(&segments(&folder.queue())[0], |bytes| {
            for harm in &harms {
                inflict(bytes, harm);
            }
        });
        let (spool, recovered) = open(&folder.queue());
        let kept = all(&spool);
        let mut rest = before.iter();
        for record in &kept {
            prop_assert!(rest.any(|known| known == record), "{record:?} is not of {before:?}");
        }
        let mark = recovered.marks.get("w").copied().unwrap_or(0);
        for version in 1..=mark {
            prop_assert!(kept.iter().any(|record| record.version == version), "{version} is lost, mark {mark}");
        }
        push(&spool, "w", mark, &[(9, "\"later\"")]);
        drop(spool);
        let (spool, recovered) = open(&folder.queue());
        prop_assert_eq!(recovered.damage, None);
        prop_assert_eq!(spool.len(), kept.len() as u64 + 1);
        prop_assert!(fs::metadata(&segments(&folder.queue())[0]).unwrap().len() >= PREFIX_BYTES);
    }
}
