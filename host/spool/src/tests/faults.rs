//! A disk that is full or broken.

use std::process::Command;

use super::*;
use crate::SpoolError;
use crate::disk::faults::{CUT, SYNC, WRITE};

/// Something fails at the second push; then the third must work, and the first and third be there.
fn check(fail: impl Fn(), same_file: bool) {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "w", 1, &[(1, "\"first\"")]);
    let before = all(&spool);
    fail();
    let entry = Entry {
        version: 2,
        document: "\"second\"",
    };
    let error = spool.push(&[entry, entry], "w", 2).unwrap_err();
    assert!(matches!(error, SpoolError::Disk { .. }), "{error}");
    assert_eq!(all(&spool), before);
    let crashed = folder.0.join("crashed");
    copy_of(&folder.queue(), &crashed);
    if same_file {
        let (copy, recovered) = open(&crashed);
        assert_eq!(all(&copy), before);
        assert_eq!((&recovered.damage, recovered.marks["w"]), (&None, 1));
    }
    push(&spool, "w", 3, &[(3, "\"third\"")]);
    let after = all(&spool);
    assert_eq!(after[1].sequence, 2);
    assert_eq!(after[1].document, "\"third\"");
    assert_eq!(after.len(), 2);
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(all(&spool), after);
    assert_eq!((recovered.damage, recovered.marks["w"]), (None, 3));
}

#[test]
fn a_full_disk_at_any_byte_of_a_push_keeps_nothing_of_it() {
    for bytes in 0..120 {
        check(|| WRITE.set(Some(bytes)), true);
    }
}

#[test]
fn a_failed_write_that_cannot_be_undone_is_void() {
    for bytes in [0, 1, 39, 40, 49, 60, 97] {
        let fail = || {
            WRITE.set(Some(bytes));
            CUT.set(true);
        };
        check(fail, true);
    }
}

#[test]
fn a_failed_sync_is_never_taken_for_success() {
    check(|| SYNC.set(true), true);
    // All of the portion is in the file then: it counts until a later push says that it does not.
    let fail = || {
        SYNC.set(true);
        CUT.set(true);
    };
    check(fail, false);
}

#[test]
fn a_segment_that_cannot_be_begun_leaves_nothing() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    let entry = Entry {
        version: 2,
        document: "1",
    };
    for bytes in [0, 10, 50, 100] {
        WRITE.set(Some(bytes));
        let error = spool.push(&[entry], "w", 2).unwrap_err();
        assert!(error.to_string().contains("make room"), "{error}");
    }
    SYNC.set(true);
    spool.save_marks(&[("w", 1)]).unwrap_err();
    assert_eq!(files(&folder.queue(), |name| name != "lock").len(), 0);
    push(&spool, "w", 2, &[(2, "1")]);
    assert_eq!(documents(&spool), ["1"]);
}

#[test]
fn removing_works_on_a_full_disk() {
    let folder = Folder::new();
    let (spool, _) = open(&folder.queue());
    push(&spool, "w", 1, &[(1, "1"), (1, "2")]);
    WRITE.set(Some(7));
    assert_eq!(spool.remove_through(1).unwrap(), 1);
    assert_eq!(documents(&spool), ["2"]);
    push(&spool, "w", 2, &[(2, "3")]);
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(documents(&spool), ["2", "3"]);
    assert_eq!(recovered.damage, None);
}

/// A real one, where the test may mount it; else the tests above have to do.
#[test]
fn a_full_file_system_is_survived() {
    struct Mounted<'a>(&'a Path);
    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg(self.0).status();
        }
    }
    let folder = Folder::new();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=4m", "weir-spool-test"])
        .arg(&folder.0)
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        eprintln!("no right to mount a file system: not tried");
        return;
    }
    let _mounted = Mounted(&folder.0);
    // With the smallest segments, so that space comes back on a disk this small.
    let (spool, _) = Spool::open(&folder.queue(), 64 << 20).unwrap();
    let document = "x".repeat(50_000);
    let mut pushed = 0_u64;
    let mut fill = |spool: &Spool| {
        let error = loop {
            let version = pushed + 1;
            let entry = Entry {
                version,
                document: &document,
            };
            match spool.push(&[entry; 3], "w", version) {
                Ok(_) => pushed += 1,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("make room"), "{error}");
        pushed
    };
    let first = fill(&spool);
    assert_eq!(spool.len(), first * 3);
    assert_eq!(spool.remove_through(45).unwrap(), 45);
    let second = fill(&spool);
    assert!(second > first, "what was removed made room");
    let before = all(&spool);
    drop(spool);
    let (spool, recovered) = open(&folder.queue());
    assert_eq!(all(&spool), before);
    assert_eq!((recovered.damage, recovered.marks["w"]), (None, second));
}
