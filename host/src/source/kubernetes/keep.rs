//! Keeping positions: where they were at the start, and saving them while events are delivered.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use tokio::time::Instant;
use weir_kubernetes::backoff::Backoff;
use weir_kubernetes::config_map::ConfigMapStore;
use weir_kubernetes::connect::{Connection, is_in_cluster};
use weir_kubernetes::gap::milliseconds;
use weir_kubernetes::lease::{self, Held};
use weir_kubernetes::status::WatchStatus;

use super::plan::shown;
use super::{SourceError, Status};
use crate::ack::Progress;
use crate::config::Checkpoint;
use crate::position::{PositionFile, Positions, WatchPosition};
use crate::receivers::Receivers;

/// The ConfigMap of a weir in a cluster that was told nothing else; `deploy/01-config.yaml` makes it.
const CONFIG_MAP_DEFAULT: &str = "weir-position";
/// How often a changed position is saved: what a crash makes come again.
const SAVE_FILE_EVERY: Duration = Duration::from_secs(1);
/// A ConfigMap is a write to the cluster's etcd.
const SAVE_CONFIG_MAP_EVERY: Duration = Duration::from_secs(10);
/// Pauses before a position that could not be loaded is asked for again.
const LOAD_PAUSE_FIRST: Duration = Duration::from_secs(1);
const LOAD_PAUSE_MOST: Duration = Duration::from_secs(30);
/// How often it is tried to save a first position.
const SAVE_FIRST_EVERY: Duration = Duration::from_millis(50);
/// How often it is said that positions cannot be saved.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);
/// The last save must not hold up the end for longer.
const LAST_SAVE_MOST: Duration = Duration::from_secs(5);

/// How saving goes, for metrics.
#[derive(Debug, Default)]
pub struct CheckpointStatus {
    /// Positions are kept somewhere.
    pub is_kept: AtomicBool,
    /// Positions saved.
    pub saves: AtomicU64,
    /// Positions that could not be saved.
    pub failures: AtomicU64,
    /// When one was last saved, in milliseconds since the Unix epoch; 0 for never.
    pub last_save_ms: AtomicU64,
}

/// Where positions are kept.
pub(super) enum Store {
    None,
    File(PositionFile),
    /// And how it is shown.
    ConfigMap(Box<ConfigMapStore>, String),
    Lease(Box<Held>),
}

impl Store {
    pub(super) fn of(checkpoint: &Checkpoint, connection: &Arc<Connection>) -> Store {
        let config_map = |name: &str| {
            let namespace = connection.namespace().to_owned();
            let place = format!("ConfigMap {namespace}/{name}");
            let store = ConfigMapStore::new(connection.clients(), namespace, name.to_owned());
            Store::ConfigMap(Box::new(store), place)
        };
        match checkpoint {
            Checkpoint::File(path) => Store::File(PositionFile::new(path.clone())),
            Checkpoint::ConfigMap(name) => config_map(name),
            Checkpoint::Default if is_in_cluster() => config_map(CONFIG_MAP_DEFAULT),
            Checkpoint::Default => {
                tracing::warn!(
                    "no checkpoint: a restart begins as the first start does, and may miss events or bring some again; set `checkpoint: {{file: PATH}}`"
                );
                Store::None
            }
        }
    }

    fn place(&self) -> String {
        match self {
            Store::None => "nowhere".to_owned(),
            Store::File(_) => "the file of checkpoint.file".to_owned(),
            Store::ConfigMap(_, place) => place.clone(),
            Store::Lease(_) => "the annotation of the lease".to_owned(),
        }
    }
}

/// The positions at the start.
pub(super) struct Kept {
    receivers: Arc<Receivers>,
    watches: Vec<(String, WatchPosition)>,
}

impl Kept {
    fn new(receivers: &Arc<Receivers>, watches: &[String], positions: &Positions) -> Kept {
        let watch = |name: &String| (name.clone(), positions.of_watch(name));
        Kept {
            receivers: Arc::clone(receivers),
            watches: watches.iter().map(watch).collect(),
        }
    }

    fn of(&self, watch: usize, receiver: &str) -> Option<u64> {
        let (_, position) = &self.watches[watch];
        position.receivers.get(receiver).copied()
    }

    /// The position of the receiver that is furthest behind; `None` where nothing was kept.
    fn lowest(&self, watch: usize) -> Option<u64> {
        let receivers = self.receivers.now();
        let positions = receivers
            .iter()
            .filter_map(|(name, _)| self.of(watch, name));
        positions.min()
    }

    /// Nobody is there whose position could be kept.
    fn is_for_nobody(&self) -> bool {
        self.receivers.now().is_empty()
    }

    /// Tells where each receiver was. Gives where the watch must begin for the one that has least, in its queue or behind
    /// it; `None` where none has anything.
    pub(super) fn resume(&self, watch: usize, progress: &Progress) -> Option<u64> {
        progress.resume_watch(watch, |slot| {
            let receivers = self.receivers.now();
            let (name, _) = receivers.iter().find(|(_, of)| *of == slot)?;
            self.of(watch, name)
        })
    }

    pub(super) fn watch_status(&self, watch: usize, name: &str) -> WatchStatus {
        let open_s = self.watches[watch].1.open_s;
        let open = open_s.map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
        WatchStatus::new(shown(name), open)
    }

    /// Which watches have positions in there, or need none.
    fn watches_in(&self, positions: &Positions) -> Vec<usize> {
        let watches = self.watches.iter().enumerate();
        let nobody = self.is_for_nobody();
        let there = watches.filter(|(_, (name, _))| nobody || positions.watches.contains_key(name));
        there.map(|(watch, _)| watch).collect()
    }

    /// The positions now; what has not begun is where it was.
    fn now(&self, progress: &Progress, status: &Status) -> Positions {
        let mut positions = Positions::default();
        let receivers = self.receivers.now();
        let statuses = status.watches.get();
        for (watch, (name, before)) in self.watches.iter().enumerate() {
            let open = statuses.and_then(|statuses| statuses[watch].open());
            let mut now = WatchPosition {
                open_s: open.map(|open| milliseconds(open) / 1000).or(before.open_s),
                ..WatchPosition::default()
            };
            for (receiver, slot) in &*receivers {
                let position = progress.position(*slot, watch);
                if let Some(position) = position.or_else(|| self.of(watch, receiver)) {
                    now.receivers.insert(receiver.clone(), position);
                }
            }
            if !now.receivers.is_empty() {
                positions.watches.insert(name.clone(), now);
            }
        }
        positions
    }
}

/// Saves positions, in the way of their store.
pub(super) struct Keeping {
    store: Store,
    /// For each watch, whether a position of it is kept. A watch that begins for the first time waits for it.
    kept: Vec<watch::Sender<bool>>,
}

impl Keeping {
    pub(super) fn new(store: Store) -> Keeping {
        Keeping {
            store,
            kept: Vec::new(),
        }
    }

    /// What tells a watch that its first position is kept; `None` where one was, or none will ever be.
    pub(super) fn first_kept(&self, watch: usize) -> Option<watch::Receiver<bool>> {
        let kept = &self.kept[watch];
        let waits = !matches!(self.store, Store::None) && !*kept.borrow();
        waits.then(|| kept.subscribe())
    }

    /// Reads the positions. A cluster that does not answer is asked again for ever: to begin without them would lose
    /// events, or flood.
    pub(super) async fn load(
        &mut self,
        receivers: &Arc<Receivers>,
        watches: &[String],
    ) -> Result<Kept, SourceError> {
        let text = match &mut self.store {
            Store::None => None,
            Store::File(file) => {
                // What cannot be saved later should be known now.
                file.probe()?;
                file.load()?
            }
            Store::ConfigMap(store, _) => load_patiently(store).await,
            Store::Lease(held) => held.position().map(str::to_owned),
        };
        let positions = match text {
            Some(text) => Positions::parse(&text, &self.store.place())?,
            None => Positions::default(),
        };
        let kept = Kept::new(receivers, watches, &positions);
        // Without receivers there is nothing to keep.
        let is_kept = |watch| kept.is_for_nobody() || kept.lowest(watch).is_some();
        self.kept = (0..watches.len())
            .map(|watch| watch::Sender::new(is_kept(watch)))
            .collect();
        for (watch, name) in watches.iter().enumerate() {
            let (watch, position) = (shown(name), kept.lowest(watch));
            tracing::info!(
                watch,
                position,
                place = self.store.place(),
                "position loaded"
            );
        }
        Ok(kept)
    }

    /// Saves positions when they change; ends only when a lease is lost.
    pub(super) async fn run(
        &mut self,
        kept: &Kept,
        progress: &Progress,
        status: &Status,
    ) -> SourceError {
        let is_kept = !matches!(self.store, Store::None);
        status.checkpoint.is_kept.store(is_kept, Ordering::Relaxed);
        let every = match &mut self.store {
            Store::None => return std::future::pending().await,
            Store::Lease(held) => {
                let renewals = Renewals::new(&self.kept, held.status(), &status.checkpoint);
                let position = || {
                    let now = kept.now(progress, status);
                    renewals.before(kept.watches_in(&now));
                    Some(now.text())
                };
                return SourceError::LeaseLost(held.renew_loop(position).await);
            }
            Store::File(_) => SAVE_FILE_EVERY,
            Store::ConfigMap(..) => SAVE_CONFIG_MAP_EVERY,
        };
        let mut saved = String::new();
        let mut complained: Option<Instant> = None;
        loop {
            // Who waits for a first position should not wait long.
            let first = self.kept.iter().any(|kept| !*kept.borrow());
            let turn = if first { SAVE_FIRST_EVERY } else { every };
            tokio::time::sleep(turn.min(every)).await;
            let now = kept.now(progress, status);
            let text = now.text();
            if kept.is_for_nobody() {
                mark(&self.kept, &kept.watches_in(&now));
            }
            if text == saved || now == Positions::default() {
                continue;
            }
            match self.save(text.clone(), &status.checkpoint).await {
                Ok(()) => {
                    saved = text;
                    mark(&self.kept, &kept.watches_in(&now));
                }
                Err(error) => {
                    if complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
                        complained = Some(Instant::now());
                        tracing::error!(
                            "the position is not saved; a restart would deliver again what follows the last saved one: {error}"
                        );
                    }
                }
            }
        }
    }

    /// Saves the last positions; gives a lease back where no sink is called any more (`quiet`), else lets it expire.
    pub(super) async fn end(
        mut self,
        kept: &Kept,
        progress: &Progress,
        status: &Status,
        quiet: bool,
    ) {
        let text = kept.now(progress, status).text();
        let ending = async {
            if let Store::Lease(held) = self.store {
                // Without it others wait for its time, and begin at the last renewal.
                if quiet && let Err(failure) = held.release(Some(text)).await {
                    tracing::warn!("the lease is not given back: {failure}");
                }
            } else if let Err(error) = self.save(text, &status.checkpoint).await {
                tracing::error!(
                    "the last position is not saved; the next start delivers again what follows the one before: {error}"
                );
            }
        };
        if tokio::time::timeout(LAST_SAVE_MOST, ending).await.is_err() {
            tracing::error!(
                "saving the last position takes too long; the next start delivers again what follows the one before"
            );
        }
    }

    async fn save(&mut self, text: String, counts: &CheckpointStatus) -> Result<(), SourceError> {
        let saved = match &mut self.store {
            Store::None | Store::Lease(_) => return Ok(()),
            Store::File(file) => {
                let file = file.clone();
                // It waits for the disk, and events must not.
                let saved = tokio::task::spawn_blocking(move || file.save(&text)).await;
                match saved {
                    Ok(saved) => saved.map_err(SourceError::from),
                    Err(error) => Err(std::io::Error::other(error).into()),
                }
            }
            Store::ConfigMap(store, _) => store.save(&text).await.map_err(SourceError::from),
        };
        let count = if saved.is_ok() {
            counts
                .last_save_ms
                .store(milliseconds(SystemTime::now()), Ordering::Relaxed);
            &counts.saves
        } else {
            &counts.failures
        };
        count.fetch_add(1, Ordering::Relaxed);
        saved
    }
}

/// Says that positions of these watches are kept.
fn mark(kept: &[watch::Sender<bool>], watches: &[usize]) {
    for watch in watches {
        kept[*watch].send_if_modified(|kept| !std::mem::replace(kept, true));
    }
}

/// Which watches are in the renewal under way; they are kept when there was one more.
struct Renewals<'a> {
    kept: &'a [watch::Sender<bool>],
    lease: Arc<lease::Status>,
    checkpoint: &'a CheckpointStatus,
    under_way: RefCell<(u64, Vec<usize>)>,
}

impl Renewals<'_> {
    fn new<'a>(
        kept: &'a [watch::Sender<bool>],
        lease: Arc<lease::Status>,
        checkpoint: &'a CheckpointStatus,
    ) -> Renewals<'a> {
        Renewals {
            kept,
            lease,
            checkpoint,
            under_way: RefCell::default(),
        }
    }

    /// Before a renewal with positions of these watches.
    fn before(&self, watches: Vec<usize>) {
        let lease::Counts {
            renewed, failed, ..
        } = self.lease.snapshot().counts;
        self.checkpoint.saves.store(renewed, Ordering::Relaxed);
        self.checkpoint.failures.store(failed, Ordering::Relaxed);
        let (before, under_way) = self.under_way.replace((renewed, watches));
        if renewed > before {
            let now_ms = milliseconds(SystemTime::now());
            self.checkpoint
                .last_save_ms
                .store(now_ms, Ordering::Relaxed);
            mark(self.kept, &under_way);
        }
    }
}

async fn load_patiently(store: &mut ConfigMapStore) -> Option<String> {
    let mut backoff = Backoff::new(LOAD_PAUSE_FIRST, LOAD_PAUSE_MOST);
    loop {
        match store.load().await {
            Ok(text) => return text,
            Err(failure) => {
                let pause = backoff.next(failure.retry_after());
                let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                tracing::warn!(
                    pause_ms,
                    "the position cannot be read, will be tried again; no event is read before: {failure}"
                );
                tokio::time::sleep(pause).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<(String, usize)> {
        let slot = |name: &&str| (*name).to_owned();
        names.iter().map(slot).zip(0..).collect()
    }

    #[test]
    fn positions_are_kept_of_the_receivers_that_there_are() {
        let text = r#"{"version": 1, "watches": {"": {"receivers": {"dump": "40", "gone": "7"}}}}"#;
        let positions = Positions::parse(text, "a test").expect("positions");
        let receivers = Arc::new(Receivers::new(named(&["dump"])));
        let kept = Kept::new(&receivers, &[String::new()], &positions);
        let (progress, status) = (Progress::new(1), Status::default());
        progress.add(0);
        let now = || {
            let now = kept.now(&progress, &status);
            let positions = now.of_watch("").receivers.into_iter();
            positions.collect::<Vec<(String, u64)>>()
        };
        let of = |name: &str, position| (name.to_owned(), position);
        assert_eq!(kept.resume(0, &progress), Some(40));
        assert_eq!(now(), [of("dump", 40)], "it has not begun");
        progress.began(0, 90);

        receivers.replace(named(&["dump", "new"]));
        assert_eq!(now(), [of("dump", 40)], "it is not added yet");
        progress.add(1);
        assert_eq!(now(), [of("dump", 40), of("new", 40)]);
        progress.seen(0, 95);
        assert_eq!(now(), [of("dump", 95), of("new", 95)]);

        receivers.replace([("new".to_owned(), 1)]);
        progress.retire(0);
        assert_eq!(now(), [of("new", 95)]);
        assert!(!kept.is_for_nobody());
        receivers.replace([]);
        assert_eq!(
            kept.watches_in(&kept.now(&progress, &status)),
            [0],
            "nobody waits for what is never kept"
        );
    }

    #[test]
    fn a_receiver_that_came_before_its_watch_is_resumed_where_it_was() {
        let text =
            r#"{"version": 1, "watches": {"": {"receivers": {"dump": "40", "back": "30"}}}}"#;
        let positions = Positions::parse(text, "a test").expect("positions");
        let receivers = Arc::new(Receivers::new(named(&["dump"])));
        let kept = Kept::new(&receivers, &[String::new()], &positions);
        let progress = Progress::new(1);
        progress.add(0);
        receivers.replace(named(&["dump", "back"]));
        progress.add(1);
        assert_eq!(kept.lowest(0), Some(30));
        assert_eq!(kept.resume(0, &progress), Some(30));
    }
}
