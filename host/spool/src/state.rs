//! What is known of the queue in memory: a few numbers for each file and each watch, nothing for each record.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use crate::error::SpoolError;
use crate::frame::{Frame, Kind};
use crate::segment::{self, PREFIX_BYTES, Segment};

/// What is known of one watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Everything up to this version is here, was here, or was of no concern.
    pub mark: u64,
    /// The first record since its versions began anew; 0 if they never did.
    pub since: u64,
}

/// Records that count as removed, wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discard {
    pub watch: Arc<str>,
    pub from: u64,
    pub through: u64,
    pub version: u64,
}

/// Sequence numbers that are lost, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub from: u64,
    pub through: u64,
}

/// Frames that are written together and succeed or fail together.
#[derive(Default)]
pub(crate) struct Batch {
    pub bytes: Vec<u8>,
    pub records: u64,
    pub record_bytes: u64,
    pub marks: Vec<(Arc<str>, Mark)>,
    pub discards: Vec<Discard>,
    pub outcome: Arc<OnceLock<Result<(), SpoolError>>>,
}

/// The file that is being written.
pub(crate) struct Tail {
    pub file: File,
    pub path: PathBuf,
}

/// All that is known.
pub(crate) struct State {
    /// In order. Empty only before the first write.
    pub segments: VecDeque<Segment>,
    /// The last segment's file; `None` before the first write and after a failed one: then the next write begins a
    /// segment.
    pub tail: Option<Arc<Tail>>,
    /// Up to where the tail is known to be on the disk.
    pub synced: u64,
    pub synced_at: Instant,
    /// The sequence number of the next record that is queued.
    pub next: u64,
    /// The same, of what is on the disk.
    pub durable_next: u64,
    /// Everything up to this sequence number is removed.
    pub removed: u64,
    /// Whether the files do not say so yet.
    pub removed_unsaved: bool,
    /// Where the first record that is not removed is searched from: a segment, and a frame in it.
    pub head: (u64, u64),
    /// Records that are neither removed nor discarded, and the size of their frames.
    pub records: u64,
    pub record_bytes: u64,
    /// Size of the frames that are not removed, discarded ones too: what the bound is about.
    pub held_bytes: u64,
    /// Size of the frames that are on their way to the disk.
    pub coming_bytes: u64,
    pub marks: BTreeMap<Arc<str>, Mark>,
    /// The marks as they will be when all that is coming is there: only those that differ.
    pub marks_coming: BTreeMap<Arc<str>, Mark>,
    pub discards: Vec<Discard>,
    pub gaps: Vec<Gap>,
    pub pending: Batch,
    /// Whether a thread writes just now.
    pub writing: bool,
}

impl State {
    /// An empty queue whose first record gets the number `next`.
    pub(crate) fn new(next: u64) -> Self {
        Self {
            segments: VecDeque::new(),
            tail: None,
            synced: 0,
            synced_at: Instant::now(),
            next,
            durable_next: next,
            removed: next - 1,
            removed_unsaved: false,
            head: (next, PREFIX_BYTES),
            records: 0,
            record_bytes: 0,
            held_bytes: 0,
            coming_bytes: 0,
            marks: BTreeMap::new(),
            marks_coming: BTreeMap::new(),
            discards: Vec::new(),
            gaps: Vec::new(),
            pending: Batch::default(),
            writing: false,
        }
    }

    /// The mark of a watch when all that is coming is there.
    pub(crate) fn mark_coming(&self, watch: &str) -> Mark {
        let coming = self.marks_coming.get(watch);
        coming
            .or_else(|| self.marks.get(watch))
            .copied()
            .unwrap_or_default()
    }

    /// Has a mark written with what is pending.
    pub(crate) fn set_mark(&mut self, watch: &str, mark: Mark) {
        let watch: Arc<str> = watch.into();
        self.pending.marks.push((Arc::clone(&watch), mark));
        self.marks_coming.insert(watch, mark);
    }

    /// What a new segment says first: all that former ones said and that still counts.
    pub(crate) fn preamble(&self) -> Vec<u8> {
        let mut bytes = segment::prefix(segment::FORMAT).to_vec();
        let mut begin = Frame::new(Kind::Begin, self.durable_next, 0);
        begin.last = false;
        begin.write(&mut bytes);
        for (watch, mark) in &self.marks {
            mark_frame(watch, *mark, false).write(&mut bytes);
        }
        for gap in &self.gaps {
            gap_frame(*gap, false).write(&mut bytes);
        }
        for discard in &self.discards {
            discard_frame(discard, false).write(&mut bytes);
        }
        Frame::new(Kind::Removed, self.removed, 0).write(&mut bytes);
        bytes
    }

    /// Everything up to `through` is removed: that many records that still counted, and frames of that size in all.
    pub(crate) fn remove(&mut self, through: u64, passed: &Passed, head: (u64, u64)) {
        self.removed = through;
        self.removed_unsaved = true;
        self.records -= passed.records;
        self.record_bytes -= passed.record_bytes;
        self.held_bytes -= passed.held_bytes;
        self.head = head;
        if self.records == 0 {
            // What is left is discarded.
            self.removed = self.durable_next - 1;
            self.held_bytes = 0;
        }
        self.discards
            .retain(|discard| discard.through > self.removed);
        self.gaps.retain(|gap| gap.through > self.removed);
    }

    /// Takes the segments off the list that hold nothing but what is removed.
    pub(crate) fn take_finished(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut finished = Vec::new();
        while self.segments.len() > 1 && self.segments[1].first <= self.removed + 1 {
            if let Some(first) = self.segments.pop_front() {
                finished.push(segment::path(folder, first.first));
            }
        }
        if let Some(first) = self.segments.front()
            && first.first > self.head.0
        {
            self.head = (first.first, PREFIX_BYTES);
        }
        finished
    }
}

/// What a walk went past.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Passed {
    pub records: u64,
    pub record_bytes: u64,
    pub held_bytes: u64,
}

/// Whether one of these covers the record.
pub(crate) fn is_discarded(discards: &[Discard], sequence: u64, watch: &str, version: u64) -> bool {
    version > 0
        && discards.iter().any(|discard| {
            (discard.from..=discard.through).contains(&sequence)
                && version <= discard.version
                && *discard.watch == *watch
        })
}

/// The frame that keeps a mark.
pub(crate) fn mark_frame(watch: &str, mark: Mark, last: bool) -> Frame<'_> {
    Frame {
        watch,
        last,
        ..Frame::new(Kind::Mark, mark.since, mark.mark)
    }
}

/// The frame that keeps a discard.
pub(crate) fn discard_frame(discard: &Discard, last: bool) -> Frame<'_> {
    Frame {
        watch: &discard.watch,
        below: discard.from,
        last,
        ..Frame::new(Kind::Discard, discard.through, discard.version)
    }
}

/// The frame that keeps what is lost.
pub(crate) fn gap_frame(gap: Gap, last: bool) -> Frame<'static> {
    Frame {
        last,
        ..Frame::new(Kind::Gap, gap.from, gap.through)
    }
}
