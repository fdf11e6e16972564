//! `kill -9` of a process that pushes and removes as fast as it can, again and again on the same queue: 60 times, or
//! `WEIR_SPOOL_KILLS` times.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process, thread};

use crate::{Entry, Pushed, Spool};

const CHILD: &str = "WEIR_SPOOL_TEST_FOLDER";
const BYTES_MAX: u64 = 4 << 20;
const LANES: [&str; 3] = ["a", "b", "c"];

/// Of each lane: the last version of a push that returned and of a removal that began, and what was removed at the last start.
#[derive(Debug, Default, Clone, Copy)]
struct Said {
    pushed: u64,
    removing: u64,
    removed: u64,
}

/// What is killed. As a test of its own it does nothing.
#[test]
fn child() {
    let Some(folder) = env::var_os(CHILD) else {
        return;
    };
    let (spool, recovered) = Spool::open(Path::new(&folder), BYTES_MAX).unwrap();
    thread::scope(|scope| {
        for lane in LANES {
            let mark = recovered.marks.get(lane).copied().unwrap_or(0);
            let spool = &spool;
            scope.spawn(move || push_on(spool, lane, mark));
        }
        remove_on(&spool);
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Once the parent is gone there is no more to do.
    if writeln!(out, "@{line}").and_then(|()| out.flush()).is_err() {
        process::exit(0);
    }
}

fn push_on(spool: &Spool, lane: &str, mut mark: u64) {
    loop {
        let versions: Vec<u64> = (mark + 1..=mark + 1 + mark % 20).collect();
        let texts: Vec<String> = versions
            .iter()
            .map(|version| {
                format!(
                    "{version} {}",
                    "x".repeat(usize::try_from(version % 3000).unwrap())
                )
            })
            .collect();
        let entries = versions.iter().zip(&texts);
        let portion: Vec<Entry<'_>> = entries
            .map(|(version, document)| Entry {
                version: *version,
                document,
            })
            .collect();
        let last = *versions.last().unwrap();
        if spool.push(&portion, lane, last).unwrap() == Pushed::Kept {
            mark = last;
            say(&format!("pushed {lane} {mark}"));
        }
    }
}

fn remove_on(spool: &Spool) {
    let mut after = 0;
    loop {
        let records = spool.read(after, 17, 1 << 20).unwrap();
        let Some(last) = records.last() else { continue };
        after = last.sequence;
        let lasts: BTreeMap<&str, u64> = records
            .iter()
            .map(|record| (&*record.watch, record.version))
            .collect();
        for (lane, version) in &lasts {
            say(&format!("removing {lane} {version}"));
        }
        spool.remove_through(after).unwrap();
    }
}

#[test]
fn a_process_that_is_killed_at_any_time_loses_nothing_and_keeps_the_order() {
    let kills = env::var("WEIR_SPOOL_KILLS").map_or(60, |text| text.parse().unwrap());
    let folder = env::temp_dir().join(format!("weir-spool-kill-{}", process::id()));
    let _ = fs::remove_dir_all(&folder);
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    for round in 0..kills {
        run_and_kill(&folder, 3 + round * 7 % 60, &mut said);
        check(&folder, &mut said);
    }
    assert!(said.values().all(|lane| lane.removed > 100), "{said:?}");
    fs::remove_dir_all(folder).unwrap();
}

/// Lets a child run until it said so many lines, and takes note of all that it said.
fn run_and_kill(folder: &PathBuf, lines: usize, said: &mut BTreeMap<String, Said>) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "tests::kill::child", "--nocapture"])
        .env(CHILD, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut count = 0;
    for line in out.lines() {
        let line = line.unwrap();
        // The harness writes to the same line before the first.
        let Some((_, line)) = line.split_once('@') else {
            continue;
        };
        note(line, said);
        count += 1;
        if count == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(count >= lines, "the child ended by itself");
}

fn note(line: &str, said: &mut BTreeMap<String, Said>) {
    let words: Vec<&str> = line.split(' ').collect();
    let [what, lane, version] = words[..] else {
        // The kill cut it.
        return;
    };
    let version = version.parse().unwrap();
    let lane = said.entry(lane.to_owned()).or_default();
    match what {
        "pushed" => lane.pushed = version,
        "removing" => lane.removing = version,
        _ => panic!("{line}"),
    }
}

fn check(folder: &Path, said: &mut BTreeMap<String, Said>) {
    let (spool, recovered) = Spool::open(folder, BYTES_MAX).unwrap();
    assert_eq!(recovered.damage, None);
    let records = spool.read(0, usize::MAX, u64::MAX).unwrap();
    assert_eq!(records.len() as u64, recovered.records);
    assert!(records.is_sorted_by(|one, next| one.sequence + 1 == next.sequence));
    for (lane, said) in said {
        let own = records.iter().filter(|record| *record.watch == **lane);
        let versions: Vec<u64> = own.map(|record| record.version).collect();
        assert!(
            versions.is_sorted_by(|one, next| one + 1 == *next),
            "{lane}: {versions:?}"
        );
        let mark = recovered.marks[lane];
        assert!(
            mark >= said.pushed,
            "{lane}: a push is lost: {said:?}, mark {mark}"
        );
        let (before, last) = match versions[..] {
            [first, .., last] => (first - 1, last),
            [only] => (only - 1, only),
            [] => (mark, mark),
        };
        assert_eq!(mark, last, "{lane}: the mark is not that of the data");
        assert!(
            before <= said.removing,
            "{lane}: a record is lost: {said:?}, {versions:?}"
        );
        assert!(
            before >= said.removed,
            "{lane}: a record came back: {said:?}, {versions:?}"
        );
        said.pushed = mark;
        said.removed = before;
    }
}
