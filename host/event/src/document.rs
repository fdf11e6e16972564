//! What waits in queues: one event in one allocation, shared by receivers.

use triomphe::{Arc, HeaderSlice};

use crate::event::EventRef;
use crate::fields::Fields;

/// An event of its own: exactly one allocation with its fields and its text, cheap to clone.
///
/// The `Arc` is a fat one over `HeaderSlice<Fields, str>` (16 bytes instead of 8): the text stays a
/// `str`, so that nothing is checked again when it is read and no `unsafe` is needed.
#[derive(Clone)]
pub struct Document(Arc<HeaderSlice<Fields, str>>);

impl Document {
    /// Copies the event.
    pub fn new(event: EventRef<'_>) -> Self {
        Self(Arc::from_header_and_str(*event.fields(), event.document()))
    }

    /// The event.
    pub fn event(&self) -> EventRef<'_> {
        EventRef::new(&self.0.slice, &self.0.header)
    }

    /// One line of compact JSON, without the newline.
    pub fn as_str(&self) -> &str {
        &self.0.slice
    }

    /// What it takes in memory, about: for queues that are bounded in bytes.
    pub fn memory_bytes(&self) -> usize {
        self.as_str().len() + size_of::<Fields>() + size_of::<usize>()
    }
}

impl From<EventRef<'_>> for Document {
    fn from(event: EventRef<'_>) -> Self {
        Self::new(event)
    }
}

impl std::fmt::Debug for Document {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Document")
            .field(&self.as_str())
            .finish()
    }
}
