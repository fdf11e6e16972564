//! Handing on what was read: chunks, enriched, in order; then how far the watch has come.

use std::time::Duration;

use tokio::time::timeout;
use weir_event::Chunk;

use super::{Gone, Message, Watch};

impl Watch {
    /// Hands on all that was read, however long that takes.
    pub(super) async fn hand_on(&mut self) -> Result<(), Gone> {
        self.close_chunk();
        self.hand_on_within(None).await.map(drop)
    }

    /// What is being filled is ready.
    pub(super) fn close_chunk(&mut self) {
        if !self.filling.is_empty() {
            self.ready.push_back(std::mem::take(&mut self.filling));
        }
    }

    /// Hands on what is ready; `false` where somebody had to be waited for longer than that. What is left then is
    /// handed on by the next call.
    pub(super) async fn hand_on_within(
        &mut self,
        patience: Option<Duration>,
    ) -> Result<bool, Gone> {
        loop {
            let message = match self.next_message().await {
                Some(message) => message,
                None => return Ok(true),
            };
            let room = self.surroundings.out.reserve();
            let permit = match patience {
                None => room.await,
                Some(patience) => match timeout(patience, room).await {
                    Ok(permit) => permit,
                    Err(_) => {
                        self.unsent = Some(message);
                        return Ok(false);
                    }
                },
            };
            permit.map_err(|_| Gone)?.send(message);
        }
    }

    /// What is to be handed on next.
    pub(super) async fn next_message(&mut self) -> Option<Message> {
        if let Some(message) = self.unsent.take() {
            return Some(message);
        }
        let watch = self.index;
        if self.enriched.is_empty()
            && let Some(chunk) = self.ready.pop_front()
        {
            match &self.surroundings.enricher {
                Some(enricher) => self.enriched.extend(enricher.enrich(chunk).await),
                None => self.enriched.push_back(chunk),
            }
        }
        if let Some(chunk) = self.enriched.pop_front() {
            // By version: all up to its last one was handed on with it.
            let seen = last_version(&chunk).min(self.seen);
            return Some(Message::Events { watch, chunk, seen });
        }
        // Only where nothing is being filled: it is below what was seen.
        if !self.moved || !self.filling.is_empty() {
            return None;
        }
        self.moved = false;
        Some(Message::Events {
            watch,
            chunk: Chunk::new(),
            seen: self.seen,
        })
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), Gone> {
        self.surroundings.out.send(message).await.map_err(|_| Gone)
    }
}

/// The version of a chunk's last event; 0 where there is none.
fn last_version(chunk: &Chunk) -> u64 {
    let last = chunk.len().checked_sub(1).map(|last| chunk.get(last));
    last.and_then(|event| event.resource_version().parse().ok())
        .unwrap_or(0)
}
