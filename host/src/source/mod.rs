//! Where events come from.
//!
//! A source runs on a thread of its own, reads until there is no more or it is told to stop, and hands
//! chunks to the lanes through a [`Spread`]. It never decides about an event.

pub mod input;
pub mod kubernetes;
mod letter;
mod pace;
pub mod replay;
mod unpack;

use crossbeam_channel::Sender;
use std::sync::Arc;
use weir_event::{Chunk, EventRef};
use weir_runtime::clean;

use crate::ack::{Ack, Progress};

/// Chunks that may wait in front of a lane: it always has work, and little is under way.
pub const CHUNKS_WAITING_MAX: usize = 4;
/// Log lines a second about malformed input.
const MALFORMED_LINES_A_SECOND_MAX: u32 = 10;
/// Bytes of malformed input that a log line shows.
const SHOWN_BYTES_MAX: usize = 120;

/// How malformed input begins, for a log line: bounded, and safe for any terminal.
fn beginning(value: &[u8]) -> String {
    let start = String::from_utf8_lossy(&value[..value.len().min(SHOWN_BYTES_MAX)]);
    clean(&start, SHOWN_BYTES_MAX)
}

/// Spreads events over the lanes, so that all events of one involved object go through the same.
pub struct Spread {
    lanes: Vec<ToLane>,
    progress: Arc<Progress>,
}

/// The chunk that is being filled for a lane; its acknowledgement is there as soon as it holds an event.
struct ToLane {
    chunk: Chunk,
    ack: Option<Ack>,
    sender: Sender<(Chunk, Ack)>,
}

/// The lanes have ended: the process aborts.
#[derive(Debug)]
pub struct LanesGone;

impl Spread {
    /// Over these lanes.
    pub fn new(lanes: Vec<Sender<(Chunk, Ack)>>, progress: Arc<Progress>) -> Spread {
        let lane = |sender| ToLane {
            chunk: Chunk::new(),
            ack: None,
            sender,
        };
        Spread {
            lanes: lanes.into_iter().map(lane).collect(),
            progress,
        }
    }

    /// Copies an event into its lane's chunk; sends the chunk when it is full. Blocks while the lane has
    /// enough to do: this is how a slow sink holds up the source. Events of one watch come in the order of their
    /// versions; a source without positions gives 0 for both.
    ///
    /// # Errors
    /// When the lanes have ended.
    pub fn push(
        &mut self,
        watch: usize,
        version: u64,
        event: EventRef<'_>,
    ) -> Result<(), LanesGone> {
        self.push_for(None, watch, version, event)
    }

    /// As [`Spread::push`], to the receiver with this slot alone where one is given: past routes and filters.
    ///
    /// # Errors
    /// When the lanes have ended.
    pub fn push_for(
        &mut self,
        receiver: Option<usize>,
        watch: usize,
        version: u64,
        event: EventRef<'_>,
    ) -> Result<(), LanesGone> {
        let count = self.lanes.len() as u64;
        let index =
            usize::try_from(event.object_key() % count).expect("less than the number of lanes");
        let lane = &mut self.lanes[index];
        // A chunk is of one watch, and for one receiver or for all.
        let is_other = |ack: &Ack| (ack.watch(), ack.only()) != (watch, receiver);
        let other = lane.ack.as_ref().is_some_and(is_other);
        if other || !lane.chunk.has_room(event.document().len()) {
            lane.send()?;
        }
        lane.ack.get_or_insert_with(|| {
            let ack = self.progress.start_chunk(watch, version);
            ack.only_for(receiver)
        });
        let fits = lane.chunk.push(event);
        debug_assert!(fits, "an empty chunk takes any event");
        if lane.chunk.is_full() {
            lane.send()
        } else {
            Ok(())
        }
    }

    /// Sends what there is: when the input idles, and at its end.
    ///
    /// # Errors
    /// When the lanes have ended.
    pub fn flush(&mut self) -> Result<(), LanesGone> {
        self.lanes.iter_mut().try_for_each(ToLane::send)
    }
}

impl ToLane {
    fn send(&mut self) -> Result<(), LanesGone> {
        let Some(ack) = self.ack.take() else {
            return Ok(());
        };
        let full = std::mem::take(&mut self.chunk);
        self.sender.send((full, ack)).map_err(|_| LanesGone)
    }
}
