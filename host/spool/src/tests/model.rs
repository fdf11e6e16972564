//! The queue against a model of it: any calls in any order, with restarts, kills in the middle of a push, and failing
//! disks.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::disk::faults::{CUT, SYNC, WRITE};

const WATCHES: [&str; 3] = ["", "kube-system", "default"];

#[derive(Debug, Clone)]
enum Step {
    Push {
        watch: usize,
        sizes: Vec<usize>,
        ahead: u64,
    },
    /// As a push, but the process is killed in it: this part of its bytes is in the file.
    Killed {
        watch: usize,
        sizes: Vec<usize>,
        part: u8,
    },
    /// As a push, but the disk is full after so many bytes, or does not sync; and maybe cannot undo it.
    Fails {
        watch: usize,
        sizes: Vec<usize>,
        kept: Option<usize>,
        undo: bool,
    },
    Remove(u64),
    Drop(u64),
    Discard(usize, u64),
    Restart(usize),
    Save(usize, u64),
    Reopen,
}

#[derive(Debug, Clone, Default)]
struct Model {
    records: Vec<Record>,
    next: u64,
    marks: BTreeMap<String, u64>,
    /// The first record of the watch's current versions.
    since: BTreeMap<String, u64>,
    /// The last version that a watch had.
    version: BTreeMap<String, u64>,
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    // Some are large, so that segments are finished.
    prop::collection::vec(prop_oneof![9 => 1..200_usize, 1 => Just(600_000)], 1..4)
}

fn step() -> impl Strategy<Value = Step> {
    let watch = 0..WATCHES.len();
    prop_oneof![
        6 => (watch.clone(), sizes(), 0..3_u64)
            .prop_map(|(watch, sizes, ahead)| Step::Push { watch, sizes, ahead }),
        2 => (watch.clone(), sizes(), any::<u8>())
            .prop_map(|(watch, sizes, part)| Step::Killed { watch, sizes, part }),
        2 => (watch.clone(), sizes(), prop::option::of(0..300_usize), any::<bool>())
            .prop_map(|(watch, sizes, kept, undo)| Step::Fails { watch, sizes, kept, undo }),
        3 => (0..8_u64).prop_map(Step::Remove),
        1 => (0..4_u64).prop_map(Step::Drop),
        1 => (watch.clone(), 0..20_u64).prop_map(|(watch, version)| Step::Discard(watch, version)),
        1 => watch.clone().prop_map(Step::Restart),
        1 => (watch, 0..3_u64).prop_map(|(watch, more)| Step::Save(watch, more)),
        2 => Just(Step::Reopen),
    ]
}

impl Model {
    /// The documents of a portion and its mark, `ahead` of which are above it.
    fn portion(&mut self, watch: &str, sizes: &[usize], ahead: u64) -> (Vec<(u64, String)>, u64) {
        let version = self.version.entry(watch.to_owned()).or_default();
        let mut documents = Vec::new();
        for size in sizes {
            *version += 1;
            documents.push((*version, format!("{version}{}", "x".repeat(*size))));
        }
        (documents, version.saturating_sub(ahead))
    }

    fn pushed(&mut self, watch: &str, documents: &[(u64, String)], mark: u64) {
        let known = self.marks.entry(watch.to_owned()).or_default();
        *known = mark.max(*known);
        for (version, document) in documents {
            self.next += 1;
            self.records.push(Record {
                sequence: self.next,
                version: *version,
                below: *known,
                watch: watch.into(),
                document: document.clone(),
            });
        }
    }

    fn check(&self, spool: &Spool) {
        assert_eq!(all(spool), self.records);
    }

    fn check_recovered(&self, recovered: &Recovered) {
        assert_eq!(recovered.marks, self.marks);
        assert_eq!(recovered.records, self.records.len() as u64);
        assert_eq!(recovered.damage, None);
        let mut above: BTreeMap<String, std::collections::BTreeSet<u64>> = BTreeMap::new();
        for record in &self.records {
            let watch = record.watch.to_string();
            let since = self.since.get(&watch).copied().unwrap_or(0);
            if record.sequence >= since && record.version > self.marks[&watch] {
                above.entry(watch).or_default().insert(record.version);
            }
        }
        assert_eq!(recovered.above, above);
    }
}

fn try_push(spool: &Spool, watch: &str, documents: &[(u64, String)], mark: u64) -> bool {
    let portion: Vec<Entry<'_>> = documents
        .iter()
        .map(|(version, document)| Entry {
            version: *version,
            document,
        })
        .collect();
    spool
        .push(&portion, watch, mark)
        .is_ok_and(|pushed| pushed == Pushed::Kept)
}

fn run(steps: &[Step]) {
    let folder = Folder::new();
    let mut queue = folder.queue();
    let mut model = Model::default();
    let mut spool = open(&queue).0;
    for (index, step) in steps.iter().enumerate() {
        match step {
            Step::Push {
                watch,
                sizes,
                ahead,
            } => {
                let watch = WATCHES[*watch];
                let (documents, mark) = model.portion(watch, sizes, *ahead);
                assert!(try_push(&spool, watch, &documents, mark));
                model.pushed(watch, &documents, mark);
            }
            Step::Killed { watch, sizes, part } => {
                let watch = WATCHES[*watch];
                // Its own segment list is what a kill leaves, but for files that the push itself removed.
                drop(spool);
                spool = open(&queue).0;
                let (documents, mark) = model.portion(watch, sizes, 0);
                let before_folder = folder.0.join(format!("before-{index}"));
                copy_of(&queue, &before_folder);
                assert!(try_push(&spool, watch, &documents, mark));
                let crashed = folder.0.join(format!("crashed-{index}"));
                let whole = crash(&queue, &before_folder, &crashed, *part);
                drop(spool);
                if whole {
                    model.pushed(watch, &documents, mark);
                }
                queue = crashed;
                let (again, recovered) = open(&queue);
                spool = again;
                model.check_recovered(&recovered);
            }
            Step::Fails {
                watch,
                sizes,
                kept,
                undo,
            } => {
                let watch = WATCHES[*watch];
                let (documents, mark) = model.clone().portion(watch, sizes, 0);
                match kept {
                    Some(bytes) => WRITE.set(Some(*bytes)),
                    None => SYNC.set(true),
                }
                CUT.set(!undo && kept.is_some());
                let pushed = try_push(&spool, watch, &documents, mark);
                CUT.set(false);
                assert!(!pushed);
            }
            Step::Remove(count) => {
                let through = model.records.first().map_or(0, |first| first.sequence) + count;
                let removed = spool.remove_through(through).unwrap();
                let before = model.records.len();
                model.records.retain(|record| record.sequence > through);
                assert_eq!(removed, (before - model.records.len()) as u64);
            }
            Step::Drop(count) => {
                let removed = spool.drop_oldest(*count).unwrap();
                assert_eq!(removed, (*count).min(model.records.len() as u64));
                model.records.drain(..usize::try_from(removed).unwrap());
            }
            Step::Discard(watch, version) => {
                let watch = WATCHES[*watch];
                let since = model.since.get(watch).copied().unwrap_or(0);
                let before = model.records.len();
                model.records.retain(|record| {
                    *record.watch != *watch || record.version > *version || record.sequence < since
                });
                let removed = spool.discard_settled(watch, *version).unwrap();
                assert_eq!(removed, (before - model.records.len()) as u64);
            }
            Step::Restart(watch) => {
                let watch = WATCHES[*watch].to_owned();
                spool.restart_marks(&watch).unwrap();
                model.marks.insert(watch.clone(), 0);
                model.version.insert(watch.clone(), 0);
                model.since.insert(watch, model.next + 1);
            }
            Step::Save(watch, more) => {
                let watch = WATCHES[*watch];
                let mark = model.version.get(watch).copied().unwrap_or(0) + more;
                spool.save_marks(&[(watch, mark)]).unwrap();
                model.version.insert(watch.to_owned(), mark);
                if mark > model.marks.get(watch).copied().unwrap_or(0) {
                    model.marks.insert(watch.to_owned(), mark);
                }
            }
            Step::Reopen => {
                drop(spool);
                let (again, recovered) = open(&queue);
                spool = again;
                model.check_recovered(&recovered);
            }
        }
        model.check(&spool);
    }
    drop(spool);
    let (spool, recovered) = open(&queue);
    model.check_recovered(&recovered);
    model.check(&spool);
}

/// What a kill leaves after this part of a push's bytes; whether the push counts then.
fn crash(after: &Path, before: &Path, crashed: &Path, part: u8) -> bool {
    let last = segments(after).pop().unwrap();
    let old = before.join(last.file_name().unwrap());
    let bytes = fs::read(&last).unwrap();
    let old_bytes = fs::read(&old).unwrap_or_default();
    let appended = !old_bytes.is_empty() && bytes.starts_with(&old_bytes);
    if part == u8::MAX {
        copy_of(after, crashed);
        return true;
    }
    copy_of(before, crashed);
    let begins_at = if appended { old_bytes.len() } else { 0 };
    let written = begins_at + (bytes.len() - begins_at) * usize::from(part) / usize::from(u8::MAX);
    let name = crashed.join(last.file_name().unwrap());
    if appended {
        fs::write(name, &bytes[..written]).unwrap();
    } else {
        fs::write(name.with_extension("new"), &bytes[..written]).unwrap();
    }
    false
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_does_what_its_model_does(steps in prop::collection::vec(step(), 1..40)) {
        run(&steps);
    }
}
