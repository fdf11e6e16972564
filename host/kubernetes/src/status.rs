//! What a watch says of itself while it runs: for probes, metrics and the position's store. Atomics and one small
//! lock; it is read at any time and never waits for the watch.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::failure::Failure;
use crate::gap::{GapClass, milliseconds};

/// What a watch is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It has not begun.
    Starting,
    /// It asks the server where it is.
    Connecting,
    /// It reads a list.
    Listing,
    /// A stream is open.
    Watching,
    /// What was read cannot be handed on: a sink is slow, or down. The stream is closed and goes on later.
    HeldUp,
    /// A request failed; it waits before the next.
    Waiting,
}

impl Phase {
    /// A fixed label.
    pub fn label(self) -> &'static str {
        match self {
            Phase::Starting => "starting",
            Phase::Connecting => "connecting",
            Phase::Listing => "listing",
            Phase::Watching => "watching",
            Phase::HeldUp => "held-up",
            Phase::Waiting => "waiting",
        }
    }
}

/// Why a stream ended and another began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Restart {
    /// The server closed it in order.
    End,
    /// The server no longer had what came next.
    Expired,
    /// The server's versions began anew.
    History,
    /// What was read could not be handed on.
    HeldUp,
    /// It broke, or could not be opened.
    Failure,
}

impl Restart {
    /// A fixed label.
    pub fn label(self) -> &'static str {
        match self {
            Restart::End => "end",
            Restart::Expired => "expired",
            Restart::History => "history",
            Restart::HeldUp => "held-up",
            Restart::Failure => "failure",
        }
    }
}

/// One watch.
#[derive(Debug)]
pub struct WatchStatus {
    /// What is watched: a namespace, or `all`.
    pub name: String,
    inner: Mutex<Inner>,
    /// It has listed or watched at least once.
    begun: AtomicBool,
    last_line_ms: AtomicU64,
    open_ms: AtomicU64,
    last_event_ms: AtomicU64,
    version: AtomicU64,
}

#[derive(Debug)]
struct Inner {
    phase: Phase,
    problem: Option<String>,
    restarts: BTreeMap<&'static str, u64>,
    failures: BTreeMap<&'static str, u64>,
    gaps: BTreeMap<&'static str, u64>,
}

/// A moment of a [`WatchStatus`].
#[derive(Debug, Clone)]
pub struct WatchSnapshot {
    /// What is watched.
    pub name: String,
    /// What it is doing.
    pub phase: Phase,
    /// It has listed or watched at least once.
    pub begun: bool,
    /// The failure that it waits after.
    pub problem: Option<String>,
    /// When the last line of a stream or page of a list came.
    pub last_line: Option<SystemTime>,
    /// When the last event happened that was read.
    pub last_event: Option<SystemTime>,
    /// The last resourceVersion that was seen; 0 at first.
    pub version: u64,
    /// Streams that ended, by why.
    pub restarts: BTreeMap<&'static str, u64>,
    /// Failed requests and streams, by class.
    pub failures: BTreeMap<&'static str, u64>,
    /// Gaps by class.
    pub gaps: BTreeMap<&'static str, u64>,
}

impl WatchStatus {
    /// Of a watch that has not begun. `open` is when one was last open, before this process.
    pub fn new(name: &str, open: Option<SystemTime>) -> WatchStatus {
        WatchStatus {
            name: name.to_owned(),
            inner: Mutex::new(Inner {
                phase: Phase::Starting,
                problem: None,
                restarts: BTreeMap::new(),
                failures: BTreeMap::new(),
                gaps: GapClass::ALL.map(|class| (class.label(), 0)).into(),
            }),
            begun: AtomicBool::new(false),
            last_line_ms: AtomicU64::new(0),
            open_ms: AtomicU64::new(open.map_or(0, milliseconds)),
            last_event_ms: AtomicU64::new(0),
            version: AtomicU64::new(0),
        }
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It does something else now.
    pub fn phase(&self, phase: Phase) {
        let mut inner = self.inner();
        inner.phase = phase;
        if phase == Phase::Watching {
            inner.problem = None;
            self.begun.store(true, Ordering::Release);
        }
    }

    /// A request failed.
    pub fn failed(&self, failure: &Failure) {
        let mut inner = self.inner();
        inner.phase = Phase::Waiting;
        inner.problem = Some(failure.to_string());
        *inner.failures.entry(failure.label()).or_default() += 1;
    }

    /// A stream ended.
    pub fn restarted(&self, why: Restart) {
        *self.inner().restarts.entry(why.label()).or_default() += 1;
    }

    /// Something may have been missed.
    pub fn gap(&self, class: GapClass) {
        *self.inner().gaps.entry(class.label()).or_default() += 1;
    }

    /// A line came, now.
    pub fn line(&self) {
        self.last_line_ms
            .store(milliseconds(SystemTime::now()), Ordering::Relaxed);
        self.alive();
    }

    /// The stream is known to be open and complete, now.
    pub fn alive(&self) {
        self.open_ms
            .store(milliseconds(SystemTime::now()), Ordering::Release);
    }

    /// What was seen: a version, and when the event happened (milliseconds since the epoch), if it was one.
    pub fn seen(&self, version: u64, event_ms: Option<u64>) {
        self.version.store(version, Ordering::Relaxed);
        if let Some(event_ms) = event_ms {
            self.last_event_ms.store(event_ms, Ordering::Relaxed);
        }
    }

    /// When the watch was last known to be open, in this process or before.
    pub fn open(&self) -> Option<SystemTime> {
        time(self.open_ms.load(Ordering::Acquire))
    }

    /// Now.
    pub fn snapshot(&self) -> WatchSnapshot {
        let inner = self.inner();
        WatchSnapshot {
            name: self.name.clone(),
            phase: inner.phase,
            begun: self.begun.load(Ordering::Acquire),
            problem: inner.problem.clone(),
            last_line: time(self.last_line_ms.load(Ordering::Relaxed)),
            last_event: time(self.last_event_ms.load(Ordering::Relaxed)),
            version: self.version.load(Ordering::Relaxed),
            restarts: inner.restarts.clone(),
            failures: inner.failures.clone(),
            gaps: inner.gaps.clone(),
        }
    }
}

fn time(ms: u64) -> Option<SystemTime> {
    (ms > 0).then(|| UNIX_EPOCH + Duration::from_millis(ms))
}
