//! Where a receiver's thread finds what was changed for it while it runs, and how it goes by that.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use weir_runtime::Sink;

use super::{Batch, Delivery, Ended, Settings};
use crate::queue::{Item, Queue, Receipt};
use crate::shutdown::Shutdown;

/// What a receiver goes by from its next call on.
pub struct Change {
    /// How it delivers.
    pub settings: Settings,
    /// Its sink.
    pub sink: NewSink,
    /// Dropped when the change is live.
    pub live: Option<Arc<dyn std::any::Any + Send + Sync>>,
}

/// The sink of a changed receiver.
pub enum NewSink {
    /// The one that it has.
    Same,
    /// Another one, set up.
    Fresh(Box<Sink>),
    /// None: its file is gone.
    Gone,
}

/// Shared by a receiver's thread and by who changes it.
#[derive(Default)]
pub struct Exchange {
    next: Mutex<Option<Change>>,
    is_given_up: AtomicBool,
}

impl Exchange {
    /// Hands over a change; what was handed over before and is not taken yet goes with it.
    pub fn put(&self, change: Change, queue: &Queue, shutdown: &Shutdown) {
        let mut next = self.next();
        let before = next.take();
        *next = Some(match (before, change) {
            (
                Some(before),
                Change {
                    settings,
                    sink: NewSink::Same,
                    live,
                },
            ) => Change {
                settings,
                sink: before.sink,
                live: live.or(before.live),
            },
            (_, change) => change,
        });
        drop(next);
        queue.wake();
        shutdown.nudge();
    }

    /// The receiver is no more, and what its sink does not take now is given up.
    pub fn give_up(&self, queue: &Queue, shutdown: &Shutdown) {
        self.is_given_up.store(true, Ordering::Release);
        queue.wake();
        shutdown.nudge();
    }

    pub(super) fn is_there(&self) -> bool {
        self.next().is_some()
    }

    /// Whether a wait ends now: nothing waits for what the sink before asked for.
    pub(super) fn ends_waits(&self) -> bool {
        let is_other = |change: &Change| !matches!(change.sink, NewSink::Same);
        self.next().as_ref().is_some_and(is_other) || self.is_given_up()
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up.load(Ordering::Acquire)
    }

    pub(super) fn take(&self) -> Option<Change> {
        self.next().take()
    }

    fn next(&self) -> MutexGuard<'_, Option<Change>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Delivery {
    /// Goes by what was changed, if anything was. A sink that was replaced is called at once, with all that one call may have.
    /// Gives whether it is another sink.
    pub(super) fn take_change(&mut self) -> bool {
        let Some(Change {
            settings,
            sink,
            live,
        }) = self.exchange.take()
        else {
            return false;
        };
        self.window = self.window.min(settings.batch_events);
        self.settings = settings;
        if let NewSink::Same = sink {
            return false;
        }
        let was_there = self.sink.is_some();
        self.sink = match sink {
            NewSink::Fresh(sink) => Some(*sink),
            NewSink::Same | NewSink::Gone => None,
        };
        if self.sink.is_none() && was_there {
            let receiver = &self.settings.name;
            tracing::warn!(receiver, "its plugin's file is gone: its events wait");
        }
        self.failures = 0;
        self.not_before = None;
        self.window = self.settings.batch_events;
        drop(live);
        true
    }

    /// The receiver was taken out of the configuration, and its sink did not take the rest in time. What is on a disk
    /// stays there.
    pub(super) fn give_up(&mut self, batch: Batch) -> Result<(), Ended> {
        let suspects = batch.suspects.iter().map(|(item, _)| item);
        let left = batch.waiting.iter().chain(&batch.stubborn).chain(suspects);
        self.give_up_items(&batch.receipt, left)
    }

    pub(super) fn give_up_items<'a>(
        &self,
        receipt: &Receipt,
        items: impl Iterator<Item = &'a Item>,
    ) -> Result<(), Ended> {
        if self.queue.outlives() {
            return Err(Ended);
        }
        let events = items.map(|item| receipt.settle(item)).count();
        receipt.flush();
        self.settings.counts.dropped(events);
        tracing::error!(
            receiver = self.settings.name,
            events,
            "events are given up: the receiver was removed, and its sink did not take them in time"
        );
        Ok(())
    }
}
