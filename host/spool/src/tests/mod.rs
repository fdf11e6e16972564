//! Tests of the queue as its caller sees it: model, faults, damage.

mod basics;
mod damage;
mod faults;
mod kill;
mod model;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Entry, Pushed, Record, Recovered, Spool};

/// Enough for what a test queues.
const ROOM: u64 = 256 << 20;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("weir-spool-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn queue(&self) -> PathBuf {
        self.0.join("queue")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open(path: &Path) -> (Spool, Recovered) {
    Spool::open(path, ROOM).unwrap()
}

/// What the files hold, as a process sees it that is started after a kill.
fn copy_of(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// The segments, in order.
fn segments(folder: &Path) -> Vec<PathBuf> {
    files(folder, |name| name.ends_with(".log"))
}

fn files(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| wanted(path.file_name().unwrap().to_str().unwrap()))
        .collect();
    found.sort();
    found
}

fn push(spool: &Spool, watch: &str, mark: u64, documents: &[(u64, &str)]) {
    let portion: Vec<Entry<'_>> = documents
        .iter()
        .map(|(version, document)| Entry {
            version: *version,
            document,
        })
        .collect();
    assert_eq!(spool.push(&portion, watch, mark).unwrap(), Pushed::Kept);
}

/// All that waits, read in small steps.
fn all(spool: &Spool) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.sequence);
        let more = spool.read(after, 3, 10_000).unwrap();
        if more.is_empty() {
            break;
        }
        records.extend(more);
    }
    assert_eq!(records.len() as u64, spool.len());
    let bytes = |record: &Record| crate::frame::record_bytes(&record.watch, &record.document);
    assert_eq!(records.iter().map(bytes).sum::<u64>(), spool.bytes());
    records
}

fn documents(spool: &Spool) -> Vec<String> {
    all(spool)
        .into_iter()
        .map(|record| record.document)
        .collect()
}
