//! What a lane goes by, and how one configuration follows another while events flow.

use std::any::Any;
use std::sync::{Arc, Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender};
use weir_runtime::OnError;

use super::filter::LaneFilter;
use crate::config::Route;
use crate::ledger::ReceiverCounts;
use crate::queue::Queue;

/// Where a lane's events go.
pub struct Outlet {
    /// The receiver's queue. It is closed when nobody holds this any more.
    pub door: Arc<Door>,
    /// Whether its documents have their keys' dots replaced.
    pub de_dot: bool,
}

/// The way into a receiver's queue. When the last lane lets go of it, nothing can come any more, and the queue is closed.
pub struct Door {
    /// The queue.
    pub queue: Arc<Queue>,
    /// The receiver's slot.
    pub slot: usize,
    /// What it counts.
    pub counts: Arc<ReceiverCounts>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// What a lane goes by until the next one: all of a configuration, taken over between two chunks.
pub struct Generation {
    /// The routes, over the indices of what follows.
    pub route: Arc<Route>,
    /// The filters.
    pub filters: Vec<NewFilter>,
    /// The receivers.
    pub outlets: Vec<Outlet>,
    /// Dropped when the lane goes by it.
    pub live: Option<Arc<dyn Any + Send + Sync>>,
}

/// A filter of a generation.
pub enum NewFilter {
    /// An instance of its own.
    Fresh(Box<LaneFilter>),
    /// The one that the lane has for this slot goes on.
    Same {
        /// The filter's slot.
        slot: usize,
        /// What `onError` says now.
        on_error: OnError,
    },
}

impl NewFilter {
    pub(super) fn slot(&self) -> usize {
        match self {
            NewFilter::Fresh(filter) => filter.slot,
            NewFilter::Same { slot, .. } => *slot,
        }
    }
}

impl Generation {
    /// This one, where the one before, if there is one, was not taken over: what goes on in it goes on from there.
    pub(super) fn after(mut self, before: Option<Generation>) -> Generation {
        let Some(mut before) = before else {
            return self;
        };
        for filter in &mut self.filters {
            let slot = filter.slot();
            if let NewFilter::Same { on_error, .. } = filter
                && let Some(at) = before.filters.iter().position(|of| of.slot() == slot)
                && let NewFilter::Fresh(mut fresh) = before.filters.swap_remove(at)
            {
                fresh.on_error = *on_error;
                *filter = NewFilter::Fresh(fresh);
            }
        }
        self
    }
}

/// Where generations for a lane are put. One waits at most: what comes before the lane has taken it follows it.
pub struct ToLane {
    next: Arc<Mutex<Option<Generation>>>,
    wake: Sender<()>,
}

/// Where a lane finds its next generation.
pub struct Control {
    next: Arc<Mutex<Option<Generation>>>,
    /// Something was put there.
    pub(super) wake: Receiver<()>,
}

/// Both ends.
pub fn control() -> (ToLane, Control) {
    let (sender, wake) = crossbeam_channel::bounded(1);
    let next = Arc::default();
    let to_lane = ToLane {
        next: Arc::clone(&next),
        wake: sender,
    };
    (to_lane, Control { next, wake })
}

impl ToLane {
    /// Has the lane go by this after its chunk.
    pub fn send(&self, generation: Generation) {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(generation.after(next.take()));
        drop(next);
        // Full: the lane will look anyway. Gone: it goes by nothing any more.
        let _ = self.wake.try_send(());
    }
}

impl Control {
    pub(super) fn is_there(&self) -> bool {
        let next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.is_some()
    }

    pub(super) fn take(&self) -> Option<Generation> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.take()
    }
}
