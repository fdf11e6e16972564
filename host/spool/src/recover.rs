//! Opening: the files are read from the first byte to the last, and what they say is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::error::SpoolError;
use crate::frame::{Head, Kind};
use crate::put_aside::{self, Keep};
use crate::scan::{Scan, Step};
use crate::segment::{self, PREFIX_BYTES, Segment, Walk};
use crate::state::{Discard, Gap, Mark, State, is_discarded};
use crate::{ABOVE_MAX, Damage, Recovered};

/// A record as the scan sees it, until its group is known to be whole.
struct Waiting {
    head: Head,
    watch: Arc<str>,
}

/// A segment and what it holds.
struct Held {
    segment: Segment,
    records: u64,
    bytes: u64,
    /// The last sequence number.
    last: u64,
    /// The highest version of each watch.
    versions: BTreeMap<Arc<str>, u64>,
}

/// What the files said so far.
#[derive(Default)]
struct Recovery {
    marks: BTreeMap<Arc<str>, Mark>,
    discards: Vec<Discard>,
    known_gaps: Vec<Gap>,
    gaps: Vec<Gap>,
    /// The marks before the first gap that nobody was told of.
    before: Option<BTreeMap<Arc<str>, Mark>>,
    removed: u64,
    /// The next sequence number; 0 before the first segment.
    expected: u64,
    held: Vec<Held>,
    group: Vec<Waiting>,
    names: BTreeSet<Arc<str>>,
    damage: Damage,
    unfinished_bytes: u64,
}

/// Reads what is in the folder, and mends it.
pub(crate) fn recover(folder: &Path) -> Result<(State, Recovered), SpoolError> {
    let firsts = put_aside::tidy(folder)?;
    let mut recovery = Recovery::default();
    for (index, first) in firsts.iter().enumerate() {
        recovery.segment(folder, *first, firsts.get(index + 1).copied())?;
    }
    recovery.finish(folder)
}

impl Recovery {
    /// Reads one segment; `next` is where the one after it begins.
    fn segment(&mut self, folder: &Path, first: u64, next: Option<u64>) -> Result<(), SpoolError> {
        let path = segment::path(folder, first);
        self.expect(first);
        self.held.push(Held {
            segment: Segment { first, end: 0 },
            records: 0,
            bytes: 0,
            last: first - 1,
            versions: BTreeMap::new(),
        });
        let mut scan = Scan::new(&path)?;
        let mut keep = Keep::default();
        let mut seen = first;
        // Where the group begins that is being read.
        let mut group_at = PREFIX_BYTES;
        // Whether that group ended, and has damage in it.
        let mut waiting = false;
        while let Some(step) = scan.next()? {
            match step {
                Step::Frame { offset, head, .. }
                    if head.kind == Kind::Record
                        && next.is_some_and(|next| head.sequence >= next) =>
                {
                    // A write that failed left it; it was written again to the next segment.
                    keep.end(offset.min(group_at));
                    break;
                }
                Step::Frame { offset, head, .. }
                    if head.kind == Kind::Record && head.sequence < seen =>
                {
                    keep.bad(offset, offset + head.frame_bytes());
                }
                Step::Frame {
                    offset,
                    head,
                    watch,
                } => {
                    if waiting {
                        // Something follows, so the group was once whole; at the end it may never have been.
                        self.apply_group();
                        group_at = offset;
                    }
                    if head.kind == Kind::Record {
                        seen = head.sequence + 1;
                    }
                    let watch = self.name(watch);
                    self.group.push(Waiting { head, watch });
                    waiting = head.last && keep.has_bad_since(group_at);
                    if head.last && !waiting {
                        self.apply_group();
                        group_at = offset + head.frame_bytes();
                    }
                }
                Step::Bad { from, to, torn } => {
                    let at_end = to == scan.size();
                    if at_end && (torn || next.is_some_and(|next| self.would_expect() == next)) {
                        keep.end(from);
                    } else {
                        self.before.get_or_insert_with(|| self.marks.clone());
                        keep.bad(from, to);
                    }
                }
            }
        }
        self.end_segment(folder, &path, scan.size(), next, keep, group_at)
    }

    /// A group that is not whole at the end of the queue never was, or is damaged: it does not count.
    fn end_segment(
        &mut self,
        folder: &Path,
        path: &Path,
        size: u64,
        next: Option<u64>,
        mut keep: Keep,
        group_at: u64,
    ) -> Result<(), SpoolError> {
        match next {
            Some(_) => self.apply_group(),
            None if self.group.is_empty() => {}
            None => {
                if keep.is_damaged() {
                    self.damage.records_lost += self.would_expect() - self.expected;
                }
                self.group.clear();
                keep.end(group_at);
            }
        }
        let end = keep.end_of(size);
        let kept = if keep.is_damaged() {
            self.damage.bytes += keep.bad_bytes(size);
            let (aside, kept) = put_aside::mend(folder, path, &keep, size)?;
            self.damage.files.push(aside);
            kept
        } else {
            self.unfinished_bytes += size - end;
            if end < size {
                put_aside::cut(path, end)?;
            }
            end
        };
        let held = self.held.last_mut().expect("it was put there before");
        held.segment.end = kept;
        Ok(())
    }

    fn name(&mut self, watch: String) -> Arc<str> {
        if let Some(name) = self.names.get(watch.as_str()) {
            return Arc::clone(name);
        }
        let name: Arc<str> = watch.into();
        self.names.insert(Arc::clone(&name));
        name
    }

    /// The sequence number after all that is read, the open group too.
    fn would_expect(&self) -> u64 {
        let records = self.group.iter().rev();
        let mut sequences = records
            .filter(|waiting| waiting.head.kind == Kind::Record)
            .map(|waiting| waiting.head.sequence + 1);
        sequences.next().unwrap_or(self.expected)
    }

    /// What comes next has this number: what is missing before it is lost.
    fn expect(&mut self, sequence: u64) {
        if self.expected > 0 && sequence > self.expected {
            self.before.get_or_insert_with(|| self.marks.clone());
            self.gaps.push(Gap {
                from: self.expected,
                through: sequence - 1,
            });
        }
        self.expected = self.expected.max(sequence);
    }

    fn apply_group(&mut self) {
        for waiting in std::mem::take(&mut self.group) {
            self.apply(&waiting.head, waiting.watch);
        }
    }

    fn apply(&mut self, head: &Head, watch: Arc<str>) {
        match head.kind {
            Kind::Begin => {
                self.marks.clear();
                self.discards.clear();
            }
            Kind::Record => self.record(head, watch),
            Kind::Mark => {
                let mark = Mark {
                    mark: head.version,
                    since: head.sequence,
                };
                self.marks.insert(watch, mark);
            }
            Kind::Removed => self.removed = self.removed.max(head.sequence),
            Kind::Discard => self.discards.push(Discard {
                watch,
                from: head.below,
                through: head.sequence,
                version: head.version,
            }),
            Kind::Gap => {
                let gap = Gap {
                    from: head.sequence,
                    through: head.version,
                };
                if !self.known_gaps.contains(&gap) {
                    self.known_gaps.push(gap);
                }
            }
        }
    }

    fn record(&mut self, head: &Head, watch: Arc<str>) {
        self.expect(head.sequence);
        self.expected = head.sequence + 1;
        let held = self.held.last_mut().expect("a segment is being read");
        held.records += 1;
        held.bytes += head.frame_bytes();
        held.last = head.sequence;
        let highest = held.versions.entry(Arc::clone(&watch)).or_default();
        *highest = head.version.max(*highest);
        let mark = self.marks.entry(watch).or_default();
        if head.below < mark.mark {
            // Marks only grow: that the versions began anew stood in what cannot be read.
            mark.since = head.sequence;
        }
        mark.mark = head.below;
    }

    /// Puts it together.
    fn finish(mut self, folder: &Path) -> Result<(State, Recovered), SpoolError> {
        let mut state = State::new(self.expected.max(1).max(self.removed + 1));
        let removed_before = self.held.first().map_or(1, |held| held.segment.first) - 1;
        state.removed = self.removed.max(removed_before).min(state.next - 1);
        self.settle_gaps(&mut state);
        state.marks = std::mem::take(&mut self.marks);
        let discards = std::mem::take(&mut self.discards);
        let alive = discards
            .into_iter()
            .filter(|discard| discard.through > state.removed);
        state.discards = alive.collect();
        let above = self.tally(folder, &mut state)?;
        state.segments = self.held.iter().map(|held| held.segment).collect();
        state.head = state
            .segments
            .front()
            .map_or((state.next, PREFIX_BYTES), |first| {
                (first.first, PREFIX_BYTES)
            });
        for path in state.take_finished(folder) {
            // What stays is removed at the next start.
            let _ = fs::remove_file(path);
        }
        let damaged = self.damage != Damage::default();
        let recovered = Recovered {
            records: state.records,
            bytes: state.record_bytes,
            marks: state
                .marks
                .iter()
                .map(|(watch, mark)| (watch.to_string(), mark.mark))
                .collect(),
            above,
            unfinished_bytes: self.unfinished_bytes,
            damage: damaged.then_some(self.damage),
        };
        Ok((state, recovered))
    }

    /// What is lost, and was not said before, takes the marks back to before it: the events can be asked for again.
    fn settle_gaps(&mut self, state: &mut State) {
        let removed = state.removed;
        let alive = |gap: &Gap| gap.through > removed;
        let known = |gap: &Gap| {
            self.known_gaps
                .iter()
                .any(|known| known.from <= gap.from && gap.through <= known.through)
        };
        let news: Vec<Gap> = self
            .gaps
            .iter()
            .map(|gap| Gap {
                from: gap.from.max(removed + 1),
                through: gap.through,
            })
            .filter(|gap| alive(gap) && !known(gap))
            .collect();
        self.damage.records_lost += news
            .iter()
            .map(|gap| gap.through - gap.from + 1)
            .sum::<u64>();
        state.gaps = self.known_gaps.iter().copied().filter(alive).collect();
        if news.is_empty() {
            return;
        }
        let first = news[0].from;
        state.gaps.extend(news);
        let before = self.before.take().unwrap_or_default();
        for (watch, mark) in &mut self.marks {
            if mark.since <= first {
                let earlier = before.get(watch).copied().unwrap_or_default();
                mark.mark = mark.mark.min(earlier.mark);
            }
        }
    }

    /// Counts what is not removed, and finds the versions above their marks.
    fn tally(
        &self,
        folder: &Path,
        state: &mut State,
    ) -> Result<BTreeMap<String, BTreeSet<u64>>, SpoolError> {
        let mut above: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for held in self.held.iter().filter(|held| held.last > state.removed) {
            let Segment { first, .. } = held.segment;
            let simple = first > state.removed
                && state
                    .discards
                    .iter()
                    .all(|discard| discard.through < first || held.last < discard.from)
                && held.versions.iter().all(|(watch, version)| {
                    state
                        .marks
                        .get(watch)
                        .is_some_and(|mark| *version <= mark.mark)
                });
            if simple {
                state.records += held.records;
                state.record_bytes += held.bytes;
                state.held_bytes += held.bytes;
                continue;
            }
            let mut walk = Walk::new(folder, held.segment, PREFIX_BYTES)?;
            while let Some(found) = walk.next()? {
                let head = found.head;
                walk.skip(&found)?;
                if head.kind != Kind::Record || head.sequence <= state.removed {
                    continue;
                }
                state.held_bytes += head.frame_bytes();
                if is_discarded(&state.discards, head.sequence, &found.watch, head.version) {
                    continue;
                }
                state.records += 1;
                state.record_bytes += head.frame_bytes();
                let mark = state.marks.get(&found.watch).copied().unwrap_or_default();
                if head.version > mark.mark && head.sequence >= mark.since {
                    let versions = above.entry(found.watch.to_string()).or_default();
                    versions.insert(head.version);
                    if versions.len() > ABOVE_MAX {
                        versions.pop_last();
                    }
                }
            }
        }
        Ok(above)
    }
}
