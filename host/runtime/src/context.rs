//! What a plugin's instance sees of the host: the data behind its imports.
//!
//! One `Context` lives in each store. What outlives an instance (state, counters, secrets) is in the
//! [`Use`], shared by all instances of one use of a plugin.

use std::sync::Arc;

use weir_event::{Document, EventRef, Fields, edit};

use crate::limits::{CallClock, Limiter};
use crate::random::Random;
use crate::uses::Use;

/// Events that one call of `process` may emit.
pub const EMITTED_EVENTS_MAX: usize = 100;
/// Bytes of all events that one call may emit.
pub const EMITTED_BYTES_MAX: usize = 4 << 20;

/// The data of one store.
pub(crate) struct Context {
    pub(crate) of: Arc<Use>,
    pub(crate) hand: Hand,
    pub(crate) limiter: Limiter,
    pub(crate) clock: CallClock,
    pub(crate) random: Random,
    /// Printed bytes that are not a line yet, of standard output and standard error.
    pub(crate) prints: [Vec<u8>; 2],
    /// `probe` runs: no event is at hand, and HTTP is.
    pub(crate) probing: bool,
}

impl Context {
    pub(crate) fn new(of: Arc<Use>) -> Context {
        Context {
            hand: Hand::Empty,
            limiter: Limiter::new(of.limits),
            clock: CallClock::new(of.limits.setup_time()),
            random: Random::default(),
            prints: [Vec::new(), Vec::new()],
            probing: false,
            of,
        }
    }
}

/// What the plugin works on in the call that runs.
pub(crate) enum Hand {
    /// `setup` or `probe`: no event, no batch, no HTTP in `setup`.
    Empty,
    /// A filter's event.
    Event(Working),
    /// A sink's batch.
    Batch(Batch),
}

impl Hand {
    /// The event at hand with all changes so far; none in `setup`.
    pub(crate) fn event(&mut self) -> Option<EventRef<'_>> {
        match self {
            Hand::Empty => None,
            Hand::Event(working) => Some(working.event()),
            Hand::Batch(batch) => batch.documents.get(batch.selected).map(Document::event),
        }
    }
}

/// A filter's event: a copy of the document (copying it costs less than any sharing would) that changes
/// are made in.
#[derive(Default)]
pub(crate) struct Working {
    document: String,
    fields: Fields,
    /// The fields are those of an earlier text.
    stale: bool,
    changed: bool,
    pub(crate) emitted: Vec<String>,
    pub(crate) emitted_bytes: usize,
    pub(crate) scope: String,
}

impl Working {
    pub(crate) fn start(&mut self, event: EventRef<'_>, scope: &str) {
        self.document.clear();
        self.document.push_str(event.document());
        self.fields = *event.fields();
        self.stale = false;
        self.changed = false;
        self.emitted.clear();
        self.emitted_bytes = 0;
        if self.scope != scope {
            scope.clone_into(&mut self.scope);
        }
    }

    pub(crate) fn event(&mut self) -> EventRef<'_> {
        if self.stale {
            // An edit keeps the document valid: `Fields::scan` fails for what is no event any more (a
            // plugin may remove /metadata), and then its fields read as empty.
            self.fields = Fields::scan(&self.document).unwrap_or_default();
            self.stale = false;
        }
        EventRef::new(&self.document, &self.fields)
    }

    pub(crate) fn set(&mut self, pointer: &str, json: &str) -> Result<(), String> {
        edit::set(&mut self.document, pointer, json).map_err(|error| error.to_string())?;
        self.stale = true;
        self.changed = true;
        Ok(())
    }

    pub(crate) fn remove(&mut self, pointer: &str) {
        edit::remove(&mut self.document, pointer);
        self.stale = true;
        self.changed = true;
    }

    /// The changed document and its fields, where anything was changed.
    pub(crate) fn take_change(&mut self) -> Option<(String, Fields)> {
        if !self.changed {
            return None;
        }
        let fields = *self.event().fields();
        Some((std::mem::take(&mut self.document), fields))
    }
}

/// A sink's batch and what it said about its events.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) documents: Vec<Document>,
    pub(crate) selected: usize,
    /// One for each document; `None` where nothing was said.
    pub(crate) said: Vec<Option<Said>>,
    pub(crate) retry_after_ms: u32,
}

/// What a sink said of one event of its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It will never be accepted.
    Reject(String),
    /// It was not accepted this time.
    Retry(String),
}

impl Batch {
    pub(crate) fn new(documents: Vec<Document>) -> Batch {
        Batch {
            said: vec![None; documents.len()],
            documents,
            selected: 0,
            retry_after_ms: 0,
        }
    }
}
