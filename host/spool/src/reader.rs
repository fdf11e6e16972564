//! Reading in order, and removing: at the front, by number, or what is settled elsewhere.
//!
//! All of it takes turns, so that no file goes while it is read. Writing goes on meanwhile.

use std::fs;
use std::sync::Arc;

use crate::Record;
use crate::commit::Shared;
use crate::error::SpoolError;
use crate::frame::Kind;
use crate::segment::{Found, PREFIX_BYTES, Segment, Walk};
use crate::state::{Discard, Passed, State};

/// Where the last read ended: the record, and the frame after it.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Cursor {
    after: u64,
    place: Option<(u64, u64)>,
}

/// What a look at a record has the walk do.
enum Next {
    /// Go past it.
    Pass,
    /// Stop before it.
    Stop,
}

impl Cursor {
    /// Records after one, see [`crate::Spool::read`].
    pub(crate) fn read(
        &mut self,
        shared: &Shared,
        after: u64,
        events_max: usize,
        bytes_max: u64,
    ) -> Result<Vec<Record>, SpoolError> {
        let (segments, discards, start, after) = {
            let state = shared.lock();
            let after = after.max(state.removed);
            let place = self.place.filter(|_| self.after == after);
            let start = place.unwrap_or_else(|| start(&state, after));
            (
                segments_from(&state, start.0),
                state.discards.clone(),
                start,
                after,
            )
        };
        let mut records = Vec::new();
        let mut bytes = 0;
        self.place = None;
        for segment in segments {
            let begins = segment.first == start.0;
            let offset = if begins { start.1 } else { PREFIX_BYTES };
            let mut walk = Walk::new(&shared.folder, segment, offset)?;
            loop {
                let place = (segment.first, walk.offset());
                let Some(found) = walk.next()? else {
                    self.stand(after, &records, place);
                    break;
                };
                let head = found.head;
                let wanted = head.kind == Kind::Record
                    && head.sequence > after
                    && !crate::state::is_discarded(
                        &discards,
                        head.sequence,
                        &found.watch,
                        head.version,
                    );
                if !wanted {
                    walk.skip(&found)?;
                    continue;
                }
                bytes += head.document_bytes as u64;
                if !records.is_empty() && (records.len() >= events_max || bytes > bytes_max) {
                    self.stand(after, &records, place);
                    return Ok(records);
                }
                let document = walk.document(&found)?;
                records.push(record(found, document));
            }
        }
        Ok(records)
    }

    fn stand(&mut self, after: u64, records: &[Record], place: (u64, u64)) {
        self.after = records.last().map_or(after, |record| record.sequence);
        self.place = Some(place);
    }

    /// Removes up to a record, see [`crate::Spool::remove_through`].
    pub(crate) fn remove_through(
        &mut self,
        shared: &Shared,
        sequence: u64,
    ) -> Result<u64, SpoolError> {
        self.remove_while(shared, |found, _| found.head.sequence <= sequence)
    }

    /// Removes the oldest, see [`crate::Spool::drop_oldest`].
    pub(crate) fn drop_oldest(&mut self, shared: &Shared, events: u64) -> Result<u64, SpoolError> {
        let mut left = events;
        self.remove_while(shared, |_, discarded| {
            let goes = discarded || left > 0;
            left -= u64::from(!discarded && goes);
            goes
        })
    }

    /// Removes from the front as long as told to; how many that still counted.
    fn remove_while(
        &mut self,
        shared: &Shared,
        mut goes: impl FnMut(&Found, bool) -> bool,
    ) -> Result<u64, SpoolError> {
        let (segments, discards, head, removed) = {
            let state = shared.lock();
            let segments = segments_from(&state, state.head.0);
            (segments, state.discards.clone(), state.head, state.removed)
        };
        let mut passed = Passed::default();
        let (mut through, mut place) = (None, head);
        walk_records(shared, &segments, head.1, |found, segment, end| {
            let head = &found.head;
            if head.sequence <= removed {
                return Next::Pass;
            }
            let discarded =
                crate::state::is_discarded(&discards, head.sequence, &found.watch, head.version);
            if !goes(found, discarded) {
                return Next::Stop;
            }
            passed.held_bytes += head.frame_bytes();
            if !discarded {
                passed.records += 1;
                passed.record_bytes += head.frame_bytes();
            }
            through = Some(head.sequence);
            place = (segment.first, end);
            Next::Pass
        })?;
        if let Some(through) = through {
            shared.lock().remove(through, &passed, place);
        }
        give_back(shared);
        Ok(passed.records)
    }

    /// Discards what is settled, see [`crate::Spool::discard_settled`].
    pub(crate) fn discard(
        &mut self,
        shared: &Shared,
        watch: &str,
        version: u64,
    ) -> Result<u64, SpoolError> {
        let (segments, discards, head, discard) = {
            let state = shared.lock();
            let since = state.marks.get(watch).map_or(0, |mark| mark.since);
            let discard = Discard {
                watch: watch.into(),
                from: since.max(state.removed + 1),
                through: state.durable_next - 1,
                version,
            };
            let segments = segments_from(&state, state.head.0);
            (segments, state.discards.clone(), state.head, discard)
        };
        let (mut records, mut bytes) = (0, 0);
        walk_records(shared, &segments, head.1, |found, _, _| {
            let head = &found.head;
            if head.sequence > discard.through {
                return Next::Stop;
            }
            let covers = |discards: &[Discard]| {
                crate::state::is_discarded(discards, head.sequence, &found.watch, head.version)
            };
            if covers(std::slice::from_ref(&discard)) && !covers(&discards) {
                records += 1;
                bytes += head.frame_bytes();
            }
            Next::Pass
        })?;
        if records == 0 {
            return Ok(0);
        }
        let mut state = shared.lock();
        crate::state::discard_frame(&discard, true).write(&mut state.pending.bytes);
        state.pending.discards.push(discard);
        shared.commit(state)?;
        let mut state = shared.lock();
        state.records -= records;
        state.record_bytes -= bytes;
        if state.records == 0 {
            let (removed, head) = (state.removed, state.head);
            state.remove(removed, &Passed::default(), head);
        }
        drop(state);
        give_back(shared);
        Ok(records)
    }
}

fn record(found: Found, document: String) -> Record {
    Record {
        sequence: found.head.sequence,
        version: found.head.version,
        below: found.head.below,
        watch: Arc::clone(&found.watch),
        document,
    }
}

/// Where to search for what follows a record.
fn start(state: &State, after: u64) -> (u64, u64) {
    let segment = state
        .segments
        .iter()
        .rev()
        .find(|segment| segment.first <= after.saturating_add(1));
    match segment {
        Some(segment) if segment.first > state.head.0 => (segment.first, PREFIX_BYTES),
        _ => state.head,
    }
}

/// The segments from one on, but for a last one without records: that may be replaced at any time.
fn segments_from(state: &State, first: u64) -> Vec<Segment> {
    let wanted = first..state.durable_next;
    let segments = state.segments.iter().copied();
    segments
        .filter(|segment| wanted.contains(&segment.first))
        .collect()
}

/// Shows each record that is not removed, its segment and where it ends, until told to stop.
fn walk_records(
    shared: &Shared,
    segments: &[Segment],
    offset: u64,
    mut look: impl FnMut(&Found, Segment, u64) -> Next,
) -> Result<(), SpoolError> {
    let mut offset = Some(offset);
    for segment in segments {
        let begin = offset.take().unwrap_or(PREFIX_BYTES);
        let mut walk = Walk::new(&shared.folder, *segment, begin)?;
        while let Some(found) = walk.next()? {
            let end = walk.offset() + found.head.frame_bytes();
            if found.head.kind == Kind::Record && matches!(look(&found, *segment, end), Next::Stop)
            {
                return Ok(());
            }
            walk.skip(&found)?;
        }
    }
    Ok(())
}

/// Removes the files that hold nothing but what is removed, and has the rest say what is.
fn give_back(shared: &Shared) {
    let finished = shared.lock().take_finished(&shared.folder);
    for path in finished {
        // What stays is removed at the next start.
        let _ = fs::remove_file(path);
    }
    shared.save_removed(shared.lock());
}
