//! Enrichment: what an event does not say of its object, asked of the API server.
//!
//! Events about an object name it, and no more. An [`Enricher`] asks for the object's metadata and writes into each
//! document what is enabled:
//!
//! | member | what it is |
//! |---|---|
//! | `/involvedObject/labels`, `/annotations`, `/ownerReferences` | the object's own, where it has any |
//! | `/involvedObject/deleted` | `true` if the object is being deleted, is not there, or is there with another uid |
//! | `/namespaceLabels` | the labels of the event's namespace |
//! | `/nodeLabels` | the labels of the node that the event is about, else of the one that reported it |
//!
//! Only metadata is asked for (`PartialObjectMetadata`), never what an object holds; and of Secrets nothing at all.
//! The annotation `kubectl.kubernetes.io/last-applied-configuration` is left out: it is large, and a copy of the
//! whole object. An event that brings any of labels, annotations and ownerReferences keeps what it brings, and its
//! object is not asked for.
//!
//! What is asked for is bounded: by a cache, by a rate limit of its own, and by a deadline for each chunk of
//! events. Where something cannot be looked up in time, what was found before counts, however old; where nothing
//! was, the event goes on without it, and is counted.
//!
//! ```text
//! chunk ─► plan: a slot for each part of each event ─► settle: wait for the slots ─► write ─► chunks
//!            │ target: key                  ▲ answers
//!            ▼                              │
//!          cache ─miss─► flight (a task for each object) ─► discovery ─► requests (limit) ─► metadata
//! ```

mod cache;
mod counters;
mod discovery;
mod flight;
mod metadata;
mod requests;
mod splice;
mod target;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};
use weir_event::{CHUNK_BYTES_MAX, Chunk, DOCUMENT_BYTES_MAX, EventRef};

use cache::Answer;
use counters::add;
pub use counters::{Counters, Snapshot};
use flight::{Lookups, Slot};
use requests::Requests;
use splice::{Additions, splice};
use target::{Part, write_key};

/// After how long what is held back is tried again first; then twice that, and so on.
const HOLD_PAUSE_FIRST: Duration = Duration::from_millis(250);

/// After how long what is held back is tried again at most.
const HOLD_PAUSE_MOST: Duration = Duration::from_secs(5);

/// What is looked up, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The labels of the involved object. Default: true.
    pub labels: bool,
    /// The annotations of the involved object. Default: true.
    pub annotations: bool,
    /// The ownerReferences of the involved object. Default: true.
    pub owners: bool,
    /// The labels of the event's namespace. Default: false.
    pub namespace_labels: bool,
    /// The labels of the node. Default: false.
    pub node_labels: bool,
    /// How many objects are remembered, and at 2 KiB each how much memory they may take. At least 1. Default: 4096.
    pub cache: usize,
    /// Requests a second, above 0. Default: 20.
    pub qps: f64,
    /// Requests at once, and in flight; at least 1. Default: 40.
    pub burst: u32,
    /// How long a chunk of events waits at most. Default: 2 s.
    pub deadline: Duration,
    /// Events wait on, past the deadline, until the lookup works: for everything but what is forbidden, what is not
    /// there and what the server answers in a way that would not change. Default: false.
    pub hold: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            labels: true,
            annotations: true,
            owners: true,
            namespace_labels: false,
            node_labels: false,
            cache: 4096,
            qps: 20.0,
            burst: 40,
            deadline: Duration::from_secs(2),
            hold: false,
        }
    }
}

impl Settings {
    fn wants_object(&self) -> bool {
        self.labels || self.annotations || self.owners
    }
}

/// Looks up what events lack. Shared by all watches; dropping it ends its requests.
#[derive(Debug)]
pub struct Enricher {
    lookups: Arc<Lookups>,
    tasks: Mutex<JoinSet<()>>,
}

/// What is known of an event's parts, in the order of [`Part::ALL`].
type Slots = [Slot; Part::ALL.len()];

impl Enricher {
    /// `client` is asked for a client before each request, so that it can give a new one where the credentials have
    /// changed. Nothing is sent yet.
    pub fn new(
        client: impl Fn() -> kube::Client + Send + Sync + 'static,
        settings: Settings,
        counters: Arc<Counters>,
    ) -> Self {
        let requests = Requests::new(
            Box::new(client),
            settings.qps,
            settings.burst,
            Arc::clone(&counters),
        );
        Self {
            lookups: Arc::new(Lookups::new(requests, settings, counters)),
            tasks: Mutex::default(),
        }
    }

    /// The chunk's events in their order, each with what could be looked up. As documents grow, they may no longer
    /// fit into one chunk; there is at least one.
    ///
    /// It is back after [`Settings::deadline`] at the latest, unless [`Settings::hold`] is set. It may be dropped at
    /// any time; requests that are under way go on and are remembered.
    ///
    /// # Panics
    ///
    /// Something has to be asked for outside of a tokio runtime with time.
    pub async fn enrich(&self, chunk: Chunk) -> Vec<Chunk> {
        let deadline = Instant::now() + self.lookups.settings.deadline;
        let mut slots = self.plan(&chunk, deadline);
        self.settle(&chunk, &mut slots, deadline).await;
        self.write(chunk, &slots)
    }

    fn plan(&self, chunk: &Chunk, deadline: Instant) -> Vec<Slots> {
        let mut key = String::new();
        let events = chunk.iter();
        events
            .map(|event| Part::ALL.map(|part| self.ask(event, part, deadline, &mut key)))
            .collect()
    }

    fn ask(&self, event: EventRef<'_>, part: Part, deadline: Instant, key: &mut String) -> Slot {
        match write_key(event, part, &self.lookups.settings, key) {
            Some(version) => self.lookups.ask(key, version, deadline, &self.tasks),
            None => Slot::Unwanted,
        }
    }

    async fn settle(&self, chunk: &Chunk, slots: &mut [Slots], mut deadline: Instant) {
        let mut pause = HOLD_PAUSE_FIRST;
        loop {
            for slot in slots.iter_mut().flatten() {
                slot.wait(deadline, &self.lookups.counters).await;
            }
            let failed = |slot: &Slot| matches!(slot.answer(), Some(Answer::Failed));
            if !self.lookups.settings.hold || !slots.iter().flatten().any(failed) {
                return;
            }
            sleep(pause).await;
            pause = (pause * 2).min(HOLD_PAUSE_MOST);
            deadline = Instant::now() + self.lookups.settings.deadline;
            let mut key = String::new();
            for (event, slots) in chunk.iter().zip(slots.iter_mut()) {
                for (part, slot) in Part::ALL.into_iter().zip(slots) {
                    if failed(slot) {
                        *slot = self.ask(event, part, deadline, &mut key);
                    }
                }
            }
        }
    }

    /// Writes what is known into the documents.
    fn write(&self, chunk: Chunk, slots: &[Slots]) -> Vec<Chunk> {
        let mut without = 0;
        let mut text = String::new();
        let mut chunks = Chunks::new(&chunk);
        for (event, slots) in chunk.iter().zip(slots) {
            let lacks =
                |slot: &Slot| matches!(slot.answer(), Some(Answer::Failed | Answer::Refused));
            let mut lacking = slots.iter().any(lacks);
            match splice(event, additions(slots), &mut text) {
                Some(fields) if text.len() <= DOCUMENT_BYTES_MAX => {
                    chunks.push(EventRef::new(&text, &fields));
                }
                Some(_) => {
                    // There is no room in it for what was looked up.
                    lacking = true;
                    chunks.push(event);
                }
                None => chunks.push(event),
            }
            without += u64::from(lacking);
        }
        add(&self.lookups.counters.without, without);
        chunks.finish()
    }
}

fn additions(slots: &Slots) -> Additions<'_> {
    let [object, namespace, node] = slots;
    Additions {
        object: object.answer(),
        namespace_labels: labels(namespace),
        node_labels: labels(node),
    }
}

fn labels(slot: &Slot) -> &str {
    match slot.answer() {
        Some(Answer::Found(found)) => found.labels(),
        _ => "",
    }
}

/// Chunks that are being filled.
struct Chunks {
    full: Vec<Chunk>,
    open: Chunk,
}

impl Chunks {
    /// With room for the events of a chunk, grown.
    fn new(chunk: &Chunk) -> Self {
        let bytes = (chunk.bytes() * 2).min(CHUNK_BYTES_MAX);
        Self {
            full: Vec::new(),
            open: Chunk::with_capacity(chunk.len(), bytes),
        }
    }

    fn push(&mut self, event: EventRef<'_>) {
        if self.open.push(event) {
            return;
        }
        self.full.push(std::mem::take(&mut self.open));
        let pushed = self.open.push(event);
        debug_assert!(pushed, "an empty chunk takes any event");
    }

    fn finish(mut self) -> Vec<Chunk> {
        self.full.push(self.open);
        self.full
    }
}
