//! One watch of events: the state machine that survives everything that an API server does.
//!
//! kube's `watcher` lists first and forgets where it was; this one starts at a stored resourceVersion, and says what
//! a restart may have cost.
//!
//! ```text
//!          no position                         position p
//!   Begin ────────────► List(0)    Begin ──── newest ≥ p ───► Watch(p)
//!     │ backlog: none                  ├───── newest < p ───► gap(history), List(0)
//!     └────► Watch(newest)             └───── p is 0 ───────► List(0)
//!
//!   List(p):  all pages; the events with p < version ≤ version of the first page, by version ──► Watch(that version)
//!             what is at or below p was seen before (duplicates); what is newer comes from the watch
//!
//!   Watch(v): newest < v (the watch would be silent for ever) ──► gap(history), List(0)
//!             clean end, held up ─────────────────────────────► Watch(last version seen)
//!             410, as a status or as a line ──────────────────► gap(states | events), List(last version seen)
//!             silence ────────────── newest is asked: fails, or is below v ──► as above
//!             anything else fails ──► pause with backoff, connection renewed ──► Watch(last version seen)
//! ```
//!
//! What was handed on is in the order of versions, so that positions mean something. Every failure but a request
//! that can never be right (400) is tried again for ever: a missing role, an expired certificate and a server that
//! is away all get mended while we wait, and events that were not read are still there.
//!
//! The task may be dropped at any point: what was not handed on was never acknowledged, and comes again.

mod handing;
mod listing;
mod reading;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;
use tokio::time::timeout;
use weir_event::{Chunk, EventRef, Reader};

use crate::backoff::Backoff;
use crate::connect::Connection;
use crate::failure::Failure;
use crate::gap::{Gap, GapClass, milliseconds};
use crate::lookup::Enricher;
use crate::request::Selection;
use crate::status::{Phase, Restart, WatchStatus};

/// The first pause after a failure, and the longest.
const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MOST: Duration = Duration::from_secs(30);
/// A stream that lasted so long, or brought anything, was a good one: the next begins at once.
const GOOD_STREAM: Duration = Duration::from_secs(5);
/// A position that cannot be kept holds up the first stream for so long.
const FIRST_KEPT_MOST: Duration = Duration::from_secs(30);
/// What was read and cannot be handed on for so long closes the stream, because an unread one grows the server.
const HELD_UP_MOST: Duration = Duration::from_secs(30);

/// What is read of the events that were there before the first start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backlog {
    /// All.
    All,
    /// None.
    None,
    /// Those that were last seen within this time.
    Within(Duration),
}

/// What a watch is to do.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which events.
    pub selection: Selection,
    /// Where it goes on: all events up to this version are settled. `None` at the first start.
    pub position: Option<u64>,
    /// What is read without a position.
    pub backlog: Backlog,
    /// Events that happened longer ago when they are read are counted and left out.
    pub max_age: Option<Duration>,
    /// Also hand on an event for each gap.
    pub gap_events: bool,
    /// Put into each event; "" keeps what it brings.
    pub cluster_name: String,
}

/// What a watch hands on, in this order.
#[derive(Debug)]
pub enum Message {
    /// Events by version, and the last version that is known behind them: of any line.
    Events {
        /// The watch's index.
        watch: usize,
        /// The events; may be empty.
        chunk: Chunk,
        /// Everything up to this version was handed on.
        seen: u64,
    },
    /// The watch has begun, with a position: the server is at this version.
    Began {
        /// The watch's index.
        watch: usize,
        /// The server's newest version.
        newest: u64,
    },
    /// Versions begin anew.
    Restarted {
        /// The watch's index.
        watch: usize,
    },
}

/// Who counts what a watch does not hand on.
pub trait Accounts: Send + Sync {
    /// An object or line of a watch is no event: how it begins, and why.
    fn malformed(&self, watch: &str, value: &[u8], error: &dyn std::error::Error);
    /// Events that were recognised as read before.
    fn duplicates(&self, events: usize);
    /// Events that were too old.
    fn too_old(&self, events: usize);
}

/// What a watch needs of others.
pub struct Surroundings {
    /// The way to the server.
    pub connection: Arc<Connection>,
    /// Where events go.
    pub out: mpsc::Sender<Message>,
    /// Who counts.
    pub accounts: Arc<dyn Accounts>,
    /// Who is told how it goes.
    pub status: Arc<WatchStatus>,
    /// Looks up what events are about, where that is wanted.
    pub enricher: Option<Arc<Enricher>>,
    /// Turns true when a position of this watch is kept for the first time. Until then no stream is opened: a process that
    /// is killed before would begin as at the first start, and miss what came meanwhile. `None` where none is kept, or one
    /// was.
    pub kept: Option<tokio::sync::watch::Receiver<bool>>,
}

/// One watch.
pub struct Watch {
    index: usize,
    settings: Settings,
    surroundings: Surroundings,
    reader: Reader,
    backoff: Backoff,
    /// Events that were read and not handed on; full ones first.
    ready: VecDeque<Chunk>,
    /// The same, with what was looked up.
    enriched: VecDeque<Chunk>,
    /// What somebody did not take in time.
    unsent: Option<Message>,
    filling: Chunk,
    /// The last version that was seen in any line.
    seen: u64,
    /// `seen` moved since it was handed on.
    moved: bool,
    /// There was no good stream since the last list.
    listed_in_vain: bool,
}

/// Where the machine is. Versions in it are `Watch::seen`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Begin,
    /// List what is above this version; `first` where `backlog` applies.
    List {
        above: u64,
        first: bool,
    },
    Watch,
}

/// The receivers of the messages are gone: the process ends.
#[derive(Debug)]
struct Gone;

/// Why a step did not lead to the next.
#[derive(Debug)]
enum Stop {
    Failed(Failure),
    Gone,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Stop {
        Stop::Failed(failure)
    }
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Stop {
        Stop::Gone
    }
}

impl Watch {
    /// The watch with this index.
    pub fn new(index: usize, settings: Settings, surroundings: Surroundings) -> Watch {
        let reader = Reader::new(&settings.cluster_name);
        Watch {
            index,
            seen: settings.position.unwrap_or(0),
            settings,
            surroundings,
            reader,
            backoff: Backoff::new(PAUSE_FIRST, PAUSE_MOST),
            ready: VecDeque::new(),
            enriched: VecDeque::new(),
            unsent: None,
            filling: Chunk::new(),
            moved: false,
            listed_in_vain: false,
        }
    }

    /// Watches for ever, or until nobody takes what it hands on.
    ///
    /// # Errors
    /// When the server will never accept what it is asked: a selector that it does not know, for example.
    pub async fn run(mut self) -> Result<(), Failure> {
        let mut state = State::Begin;
        loop {
            let generation = self.surroundings.connection.generation();
            match self.step(state).await {
                Ok(next) => state = next,
                Err(Stop::Gone) => return Ok(()),
                Err(Stop::Failed(failure)) if failure.is_permanent_mistake() => {
                    return Err(failure);
                }
                Err(Stop::Failed(failure)) => self.pause(failure, generation).await,
            }
        }
    }

    async fn step(&mut self, state: State) -> Result<State, Stop> {
        match state {
            State::Begin => self.begin().await,
            State::List { above, first } => self.list(above, first).await,
            State::Watch => self.watch().await,
        }
    }

    async fn begin(&mut self) -> Result<State, Stop> {
        self.surroundings.status.phase(Phase::Connecting);
        let Some(position) = self.settings.position else {
            if self.settings.backlog != Backlog::None {
                return Ok(State::List {
                    above: 0,
                    first: true,
                });
            }
            self.seen = self.newest().await?;
            self.moved = true;
            self.hand_on().await?;
            return Ok(State::Watch);
        };
        if position == 0 {
            // Versions began anew, and not all that came before was settled: everything that is there comes again.
            self.send(Message::Restarted { watch: self.index }).await?;
            return Ok(State::List {
                above: 0,
                first: false,
            });
        }
        let newest = self.newest().await?;
        if newest < position {
            return self.history(newest).await;
        }
        let began = Message::Began {
            watch: self.index,
            newest,
        };
        self.send(began).await?;
        Ok(State::Watch)
    }

    /// Before the first stream of a first start: waits until a position is kept.
    async fn await_kept(&mut self) {
        let Some(mut kept) = self.surroundings.kept.take() else {
            return;
        };
        let waited = timeout(FIRST_KEPT_MOST, kept.wait_for(|kept| *kept)).await;
        if !matches!(waited, Ok(Ok(_))) {
            let watch = self.surroundings.status.name.as_str();
            tracing::error!(
                watch,
                "no position is kept yet; watching without: what comes before one is kept would be missed if weir were killed now"
            );
        }
    }

    /// The server's newest version.
    async fn newest(&self) -> Result<u64, Failure> {
        let client = self.surroundings.connection.client();
        self.settings.selection.newest(&client).await
    }

    /// The server is at a lower version than we were.
    async fn history(&mut self, newest: u64) -> Result<State, Stop> {
        self.gap(Gap {
            class: GapClass::History,
            from: self.last_open(),
            to: SystemTime::now(),
        });
        let watch = self.surroundings.status.name.as_str();
        let position = self.seen;
        tracing::error!(watch, position, newest, "{}", GapClass::History.meaning());
        self.surroundings.status.restarted(Restart::History);
        self.hand_on().await?;
        self.seen = 0;
        self.send(Message::Restarted { watch: self.index }).await?;
        Ok(State::List {
            above: 0,
            first: false,
        })
    }

    /// What the server had next is not there any more.
    async fn expired(&mut self) -> State {
        if std::mem::replace(&mut self.listed_in_vain, true) {
            // Versions live for minutes. Where they do not, listing again and again would be all that we do.
            tokio::time::sleep(self.backoff.next(None)).await;
        }
        let gap = Gap::since(self.last_open());
        let watch = self.surroundings.status.name.as_str();
        let lasted_s = gap
            .to
            .duration_since(gap.from)
            .unwrap_or_default()
            .as_secs();
        let (class, meaning) = (gap.class.label(), gap.class.meaning());
        match gap.class {
            GapClass::States => {
                tracing::info!(
                    watch,
                    class,
                    lasted_s,
                    "the server no longer has the events that follow; listing: {meaning}"
                );
            }
            GapClass::Events | GapClass::History => {
                tracing::error!(
                    watch,
                    class,
                    lasted_s,
                    "the server no longer has the events that follow; listing: {meaning}"
                );
            }
        }
        self.surroundings.status.restarted(Restart::Expired);
        self.gap(gap);
        State::List {
            above: self.seen,
            first: false,
        }
    }

    fn last_open(&self) -> SystemTime {
        self.surroundings
            .status
            .open()
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }

    fn gap(&mut self, gap: Gap) {
        self.surroundings.status.gap(gap.class);
        if !self.settings.gap_events {
            return;
        }
        let namespace = self.settings.selection.namespace.as_deref();
        let text = gap.event(namespace, self.seen);
        let mut event = Ok(());
        let mut filling = std::mem::take(&mut self.filling);
        let read = self.reader.read(text.as_bytes(), &mut |made| {
            event = made.map(|made| fill(&mut filling, &mut self.ready, made));
        });
        self.filling = filling;
        self.moved = true;
        if let Err(error) = read.map(|_| ()).and(event) {
            tracing::error!("cannot make an event of a gap: this is a bug in weir: {error}");
        }
    }

    async fn pause(&mut self, failure: Failure, generation: u64) {
        let pause = self.backoff.next(failure.retry_after());
        let status = &self.surroundings.status;
        status.failed(&failure);
        status.restarted(Restart::Failure);
        let (watch, class) = (status.name.as_str(), failure.label());
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(
            watch,
            class,
            pause_ms,
            "not watching, will be tried again: {failure}"
        );
        tokio::time::sleep(pause).await;
        // Whatever it was: new files, a new connection. One that is dead and does not know it would fail for ever.
        if let Err(failure) = self.surroundings.connection.renew(generation).await {
            tracing::warn!(watch, "the connection is not renewed: {failure}");
        }
    }
}

/// Adds an event to the chunk that is being filled; a full one moves to those that are ready.
fn fill(filling: &mut Chunk, ready: &mut VecDeque<Chunk>, event: EventRef<'_>) {
    if !filling.push(event) {
        ready.push_back(std::mem::take(filling));
        let fits = filling.push(event);
        debug_assert!(fits, "an empty chunk takes any event");
    }
}

/// Events that happened before this are too old now.
fn oldest_ms(within: Option<Duration>) -> Option<u64> {
    let within_ms = u64::try_from(within?.as_millis()).unwrap_or(u64::MAX);
    Some(milliseconds(SystemTime::now()).saturating_sub(within_ms))
}
