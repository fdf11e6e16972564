//! Where events come from.
//!
//! A source runs on a thread of its own, reads until there is no more or it is told to stop, and hands
//! chunks to the lanes through a [`Spread`]. It never decides about an event.

pub mod input;
mod pace;
pub mod replay;
mod unpack;

use crossbeam_channel::Sender;
use std::sync::Arc;
use weir_event::{Chunk, EventRef};

use crate::ack::{Ack, Progress};

/// Chunks that may wait in front of a lane: it always has work, and little is under way.
pub const CHUNKS_WAITING_MAX: usize = 4;

/// Spreads events over the lanes, so that all events of one involved object go through the same.
pub struct Spread {
    lanes: Vec<(Chunk, Sender<(Chunk, Ack)>)>,
    progress: Arc<Progress>,
}

/// The lanes have ended: the process aborts.
#[derive(Debug)]
pub struct LanesGone;

impl Spread {
    /// Over these lanes.
    pub fn new(lanes: Vec<Sender<(Chunk, Ack)>>, progress: Arc<Progress>) -> Spread {
        Spread {
            lanes: lanes.into_iter().map(|lane| (Chunk::new(), lane)).collect(),
            progress,
        }
    }

    /// Copies an event into its lane's chunk; sends the chunk when it is full. Blocks while the lane has
    /// enough to do: this is how a slow sink holds up the source.
    ///
    /// # Errors
    /// When the lanes have ended.
    pub fn push(&mut self, event: EventRef<'_>) -> Result<(), LanesGone> {
        let count = self.lanes.len() as u64;
        let index =
            usize::try_from(event.object_key() % count).expect("less than the number of lanes");
        if !self.lanes[index].0.push(event) {
            self.send(index)?;
            let fits = self.lanes[index].0.push(event);
            debug_assert!(fits, "an empty chunk takes any event");
        }
        if self.lanes[index].0.is_full() {
            self.send(index)
        } else {
            Ok(())
        }
    }

    /// Sends what there is: when the input idles, and at its end.
    ///
    /// # Errors
    /// When the lanes have ended.
    pub fn flush(&mut self) -> Result<(), LanesGone> {
        (0..self.lanes.len()).try_for_each(|index| self.send(index))
    }

    fn send(&mut self, index: usize) -> Result<(), LanesGone> {
        let (chunk, lane) = &mut self.lanes[index];
        if chunk.is_empty() {
            return Ok(());
        }
        let full = std::mem::take(chunk);
        lane.send((full, self.progress.start_chunk()))
            .map_err(|_| LanesGone)
    }
}
