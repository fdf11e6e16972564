//! Events on their way between stages: one buffer, many events.

use crate::event::EventRef;
use crate::fields::Fields;

/// How many events a chunk holds at most.
pub const CHUNK_EVENTS_MAX: usize = 256;

/// How many bytes of documents a chunk holds at most; a larger event is alone in its chunk.
pub const CHUNK_BYTES_MAX: usize = 64 * 1024;

/// Up to [`CHUNK_EVENTS_MAX`] events or [`CHUNK_BYTES_MAX`] bytes, in the order they were pushed.
///
/// Pushing copies the document once, so that a reader can sort the events of one read into the
/// chunks of several lanes.
#[derive(Debug, Default, Clone)]
pub struct Chunk {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    start: usize,
    fields: Fields,
}

impl Chunk {
    /// An empty chunk without memory of its own yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty chunk with room for this much without growing.
    pub fn with_capacity(events: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            entries: Vec::with_capacity(events),
        }
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// It holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The bytes of all its documents.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// It takes no further event, however small.
    pub fn is_full(&self) -> bool {
        self.len() >= CHUNK_EVENTS_MAX || self.bytes() >= CHUNK_BYTES_MAX
    }

    /// It would take a document of this many bytes. An empty chunk takes any.
    pub fn has_room(&self, document_bytes: usize) -> bool {
        self.is_empty()
            || (self.len() < CHUNK_EVENTS_MAX && self.bytes() + document_bytes <= CHUNK_BYTES_MAX)
    }

    /// Appends a copy of the event. `false` where there is no room for it: the chunk is as it was;
    /// send it on and push to an empty one, which takes any event.
    #[must_use = "an event that found no room must go to the next chunk"]
    pub fn push(&mut self, event: EventRef<'_>) -> bool {
        if !self.has_room(event.document().len()) {
            return false;
        }
        self.entries.push(Entry {
            start: self.text.len(),
            fields: *event.fields(),
        });
        self.text.push_str(event.document());
        true
    }

    /// The event at an index.
    ///
    /// # Panics
    ///
    /// The index is not below [`len`](Self::len).
    pub fn get(&self, index: usize) -> EventRef<'_> {
        let entry = &self.entries[index];
        let end = self
            .entries
            .get(index + 1)
            .map_or(self.text.len(), |next| next.start);
        EventRef::new(&self.text[entry.start..end], &entry.fields)
    }

    /// Its events in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Forgets its events and keeps its memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }
}
