//! From the watches' messages to the lanes: on a thread of its own, because a full lane blocks it.

use std::sync::Arc;

use tokio::sync::mpsc::Receiver;
use tokio::sync::mpsc::error::TryRecvError;
use weir_event::Chunk;
use weir_kubernetes::watch::Message;

use crate::ack::Progress;
use crate::source::{LanesGone, Spread};

/// Takes messages until the watches have ended.
pub struct Intake {
    messages: Receiver<Message>,
    progress: Arc<Progress>,
}

impl Intake {
    pub(super) fn new(messages: Receiver<Message>, progress: Arc<Progress>) -> Intake {
        Intake { messages, progress }
    }

    /// Runs to the end.
    pub fn run(mut self, mut spread: Spread) {
        // Where the lanes have ended the process aborts, and nothing is left to do.
        let _ = self.take(&mut spread);
    }

    fn take(&mut self, spread: &mut Spread) -> Result<(), LanesGone> {
        loop {
            let message = match self.messages.try_recv() {
                Ok(message) => Some(message),
                Err(TryRecvError::Empty) => {
                    spread.flush()?;
                    self.messages.blocking_recv()
                }
                Err(TryRecvError::Disconnected) => None,
            };
            match message {
                Some(message) => self.message(message, spread)?,
                None => return spread.flush(),
            }
        }
    }

    fn message(&self, message: Message, spread: &mut Spread) -> Result<(), LanesGone> {
        match message {
            Message::Events { watch, chunk, seen } => {
                self.events(watch, &chunk, seen, spread)?;
            }
            Message::Began { watch, newest } => self.progress.began(watch, newest),
            Message::Restarted { watch } => {
                spread.flush()?;
                self.progress.restart(watch);
            }
        }
        Ok(())
    }

    fn events(
        &self,
        watch: usize,
        chunk: &Chunk,
        seen: u64,
        spread: &mut Spread,
    ) -> Result<(), LanesGone> {
        for event in chunk.iter() {
            // One without a version of its own comes with what was seen before it.
            let version = event.resource_version().parse().unwrap_or(seen);
            spread.push(watch, version, event)?;
        }
        if seen > 0 {
            // Each of them is in a chunk that is not settled now, or was.
            self.progress.seen(watch, seen);
        }
        Ok(())
    }
}
