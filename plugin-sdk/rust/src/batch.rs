//! The events that a sink has to deliver in one call.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::time::Duration;

use crate::raw::batch;
use crate::{Event, host};

thread_local! {
    /// What the host has at hand, so that it is told only of a change.
    static SELECTED: Cell<u32> = const { Cell::new(0) };
}

/// The events of one call of [`Sink::deliver`](crate::Sink::deliver), by index. An index past the end traps.
#[derive(Debug)]
pub struct Batch {
    _made_by_this_crate: (),
}

impl Batch {
    /// The batch of the call that begins now: the host has selected index 0.
    pub(crate) fn at_hand() -> Batch {
        SELECTED.set(0);
        Batch {
            _made_by_this_crate: (),
        }
    }

    /// How many events there are.
    #[must_use]
    pub fn size(&self) -> u32 {
        batch::size()
    }

    /// The event at an index. Cheap: nothing is read until it is asked for.
    #[must_use]
    pub fn event(&self, index: u32) -> BatchEvent<'_> {
        BatchEvent {
            index,
            event: Event::in_batch(index, select),
            batch: PhantomData,
        }
    }

    /// All events in order.
    pub fn events(&self) -> impl Iterator<Item = BatchEvent<'_>> {
        (0..self.size()).map(|index| self.event(index))
    }

    /// The document to send: the receiver's layout where it has one, else the event.
    #[must_use]
    pub fn document(&self, index: u32) -> String {
        batch::document(index)
    }

    /// The documents of a range, each followed by a newline.
    #[must_use]
    pub fn documents(&self, range: Range<u32>) -> Vec<u8> {
        batch::documents(range.start, range.end)
    }

    /// This event will never be accepted: it goes to the dead letters, with the reason.
    pub fn reject(&self, index: u32, reason: &str) {
        batch::reject(index, reason);
    }

    /// This event was not accepted this time.
    pub fn retry(&self, index: u32, reason: &str) {
        batch::retry(index, reason);
    }

    /// Asks for no call before this much time has passed (whole milliseconds, 49 days at most).
    pub fn retry_after(&self, wait: Duration) {
        batch::retry_after(host::milliseconds(wait));
    }
}

fn select(index: u32) {
    if SELECTED.replace(index) != index {
        batch::select(index);
    }
}

/// One event of a batch: everything that [`Event`] can tell, and what became of it.
///
/// Any number of them can be held at once; the host is told when another one is read.
#[derive(Debug)]
pub struct BatchEvent<'batch> {
    index: u32,
    event: Event,
    batch: PhantomData<&'batch Batch>,
}

impl BatchEvent<'_> {
    /// Where in the batch it is, from 0.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Has the host look at this event: for what it does with the event at hand.
    pub(crate) fn at_hand(&self) {
        select(self.index);
    }

    /// See [`Batch::document`].
    #[must_use]
    pub fn document(&self) -> String {
        batch::document(self.index)
    }

    /// See [`Batch::reject`].
    pub fn reject(&self, reason: &str) {
        batch::reject(self.index, reason);
    }

    /// See [`Batch::retry`].
    pub fn retry(&self, reason: &str) {
        batch::retry(self.index, reason);
    }
}

/// Reading only: a sink cannot change an event.
impl Deref for BatchEvent<'_> {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}
