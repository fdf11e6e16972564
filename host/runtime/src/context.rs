//! What a plugin's instance sees of the host: the data behind its imports.
//!
//! One `Context` lives in each store. What outlives an instance (state, counters, secrets) is in the
//! [`Use`], shared by all instances of one use of a plugin.

use std::sync::Arc;

use tracing::Level;
use weir_event::{Document, EventRef, Fields, edit};

use crate::engine::Running;
use crate::limits::{CallClock, Limiter};
use crate::random::Random;
use crate::uses::Use;

/// Events that one call of `process` may emit, and all filters together for one event that was read.
pub const EMITTED_EVENTS_MAX: usize = 100;
/// Bytes of all events that one call may emit.
pub const EMITTED_BYTES_MAX: usize = 4 << 20;

/// Bytes of a printed line; what is longer is shown in pieces.
const PRINTED_LINE_BYTES_MAX: usize = 4096;

/// The data of one store.
pub(crate) struct Context {
    pub(crate) of: Arc<Use>,
    pub(crate) hand: Hand,
    pub(crate) limiter: Limiter,
    pub(crate) clock: CallClock,
    pub(crate) random: Random,
    pub(crate) running: Running,
    /// Printed bytes that are not a line yet, of standard output and standard error.
    pub(crate) prints: [Vec<u8>; 2],
    /// `probe` runs: no event is at hand, and HTTP is.
    pub(crate) probing: bool,
}

impl Context {
    pub(crate) fn new(of: Arc<Use>, running: Running) -> Context {
        Context {
            hand: Hand::Empty,
            limiter: Limiter::new(of.limits),
            clock: CallClock::new(of.limits.setup_time()),
            random: Random::default(),
            running,
            prints: [Vec::new(), Vec::new()],
            probing: false,
            of,
        }
    }
}

impl Context {
    /// Collects what is printed into lines, since a language's runtime may print them in pieces.
    pub(crate) fn print(&mut self, fd: u8, bytes: &[u8]) {
        let stream = usize::from(fd != 1);
        let mut rest = bytes;
        while !rest.is_empty() {
            let room = PRINTED_LINE_BYTES_MAX - self.prints[stream].len();
            let part = &rest[..rest.len().min(room)];
            let line_end = part.iter().position(|byte| *byte == b'\n');
            let taken = line_end.map_or(part.len(), |at| at + 1);
            self.prints[stream].extend_from_slice(&rest[..taken]);
            rest = &rest[taken..];
            if line_end.is_some() {
                self.flush_print(stream);
            } else if self.prints[stream].len() == PRINTED_LINE_BYTES_MAX {
                let cut = self.prints[stream].split_off(whole_characters(&self.prints[stream]));
                self.flush_print(stream);
                self.prints[stream] = cut;
            }
        }
    }

    /// Logs what was printed without a line feed.
    pub(crate) fn flush_prints(&mut self) {
        self.flush_print(0);
        self.flush_print(1);
    }

    fn flush_print(&mut self, stream: usize) {
        let line = String::from_utf8_lossy(&self.prints[stream]);
        if !line.trim().is_empty() {
            self.of.log.line([Level::INFO, Level::WARN][stream], &line);
        }
        self.prints[stream].clear();
    }
}

/// Bytes up to a character that more bytes would complete; all of them where there is none.
fn whole_characters(bytes: &[u8]) -> usize {
    // The last three bytes decide: a character has four at most.
    let tail = bytes.len().saturating_sub(3)..bytes.len();
    let lead = tail.rev().find(|at| bytes[*at] & 0xc0 != 0x80);
    let wanted = |lead: u8| match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    };
    match lead {
        Some(at) if at > 0 && at + wanted(bytes[at]) > bytes.len() => at,
        _ => bytes.len(),
    }
}

/// What the plugin works on in the call that runs.
#[allow(
    clippy::large_enum_variant,
    reason = "there is one for each instance, and it stays where it is"
)]
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
    /// Events that this call may still emit, all that it emits counted.
    pub(crate) emits_max: usize,
    pub(crate) scope: String,
    /// The event's identity as it came, where it was changed since.
    id: Option<String>,
}

impl Working {
    pub(crate) fn start(&mut self, event: EventRef<'_>, scope: &str, emits_max: usize) {
        self.document.clear();
        self.document.push_str(event.document());
        self.fields = *event.fields();
        self.stale = false;
        self.changed = false;
        self.emitted.clear();
        self.emitted_bytes = 0;
        self.emits_max = emits_max.min(EMITTED_EVENTS_MAX);
        self.id = None;
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

    /// The identity of the event as it came: an edit may have changed what it is made of.
    pub(crate) fn id(&mut self) -> String {
        self.remember_id();
        self.id.clone().unwrap_or_default()
    }

    fn remember_id(&mut self) {
        if self.id.is_none() {
            self.id = Some(self.event().id());
        }
    }

    pub(crate) fn set(&mut self, pointer: &str, json: &str) -> Result<(), String> {
        self.remember_id();
        edit::set(&mut self.document, pointer, json).map_err(|error| error.to_string())?;
        self.note_change();
        Ok(())
    }

    pub(crate) fn remove(&mut self, pointer: &str) {
        self.remember_id();
        let bytes = self.document.len();
        edit::remove(&mut self.document, pointer);
        if self.document.len() != bytes {
            self.note_change();
        }
    }

    fn note_change(&mut self) {
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
    /// What the receiver's layout makes of each; empty where it has none.
    pub(crate) laid_out: Vec<String>,
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
    pub(crate) fn new(documents: Vec<Document>, laid_out: Vec<String>) -> Batch {
        Batch {
            said: vec![None; documents.len()],
            documents,
            laid_out,
            selected: 0,
            retry_after_ms: 0,
        }
    }

    /// What is to be sent for the event at an index.
    pub(crate) fn text(&self, index: usize) -> &str {
        match self.laid_out.get(index) {
            Some(text) => text,
            None => self.documents[index].as_str(),
        }
    }
}
