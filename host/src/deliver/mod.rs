//! A receiver's thread: takes batches from its queue and has the sink deliver them, until they are
//! accepted, given up for good, or the process ends.
//!
//! ```text
//! queue ─► batch ─► the first events of it ─► sink ─┬─ accepted ─► settled
//!            ▲                                      ├─ rejected ─► dead letter, settled
//!            ├── at the front, after a pause ───────┼─ retry
//!            └── set aside, until it is clear ──────┴─ the plugin breaks
//! ```
//!
//! **A sink that is down is probed, not hammered.** A pause grows from `retry.first` to `retry.most`, with jitter;
//! `retry-after` of the sink can only make it longer. Each failure of a whole call also halves how many events the next one
//! gets, down to one; each success doubles it. So a dead server sees a request for one event now and then, and one that
//! comes back is not met with all at once.
//!
//! **An event that nobody can deliver does not stop the others.** One that fails alone is set aside and another one is tried next;
//! when there is no other, it is tried again, in front of the next batch. A call that breaks the plugin is made again in a fresh instance; if that breaks too, with half of the events, down to
//! one. An event that breaks it alone is set aside. When the sink then delivers another one, the event is to blame and goes to
//! the dead letters; when it breaks on that as well, the plugin is to blame: then nothing is given up, and all is tried again.

mod backoff;
mod dead_letters;
mod exchange;
mod round;

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_runtime::{LogLimit, Sink};
use weir_template::Layout;

use crate::config::Retry;
use crate::health::Heartbeat;
use crate::ledger::ReceiverCounts;
use crate::queue::{Item, Queue, Receipt, Taken};
use crate::shutdown::{Phase, Shutdown};

pub use dead_letters::{DeadLetterError, DeadLetters};
pub use exchange::{Change, Exchange, NewSink};

use backoff::backoff;
use round::{Answer, Round};

/// The longest pause that a sink can ask for: a wrong number must not stop a receiver for days.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);
/// Log lines a second about one receiver's rejected events.
const REJECTION_LINES_A_SECOND_MAX: u32 = 10;

/// Whether a sink may be called now: not by a replica that no longer leads.
pub type MayCall = Arc<dyn Fn() -> bool + Send + Sync>;

/// How one receiver delivers. It may change while events flow.
#[derive(Clone)]
pub struct Settings {
    /// What it counts.
    pub counts: Arc<ReceiverCounts>,
    /// Its name.
    pub name: String,
    /// `retry`.
    pub retry: Retry,
    /// `batch.events`: what one call gets at most.
    pub batch_events: usize,
    /// How long a queue on disk is emptied after the process was told to stop; what is left then waits for the next start.
    pub drain_for: Duration,
    /// What is sent for each event; none: the event.
    pub layout: Option<Arc<Layout>>,
    /// Where events go that will never be accepted; none: they are logged.
    pub dead_letters: Option<Arc<DeadLetters>>,
}

/// One receiver's delivery.
pub struct Delivery {
    settings: Settings,
    queue: Arc<Queue>,
    /// None where its file is gone: events wait.
    sink: Option<Sink>,
    exchange: Arc<Exchange>,
    shutdown: Arc<Shutdown>,
    may_call: MayCall,
    heartbeat: Option<Heartbeat>,
    rejections: LogLimit,
    /// Failed calls in a row.
    failures: u32,
    /// How many events the next call gets at most.
    window: usize,
    /// The sink asked for no call before.
    not_before: Option<Instant>,
    /// Since when the process drains, as far as this thread saw.
    draining_since: Option<Instant>,
    /// The sink was replaced in the middle of a call's answer.
    replaced: bool,
}

/// Events that were taken and are not settled.
struct Batch {
    /// In the order in which they are tried.
    waiting: Vec<Item>,
    /// Those that failed alone: they come again when the others have been tried.
    stubborn: Vec<Item>,
    /// Those that broke the plugin alone, with how it broke.
    suspects: Vec<(Item, String)>,
    receipt: Receipt,
    /// The call before broke the plugin.
    broke: bool,
}

impl Batch {
    fn new(taken: Taken) -> Batch {
        Batch {
            waiting: taken.items,
            stubborn: Vec::new(),
            suspects: Vec::new(),
            receipt: taken.receipt,
            broke: false,
        }
    }

    fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.stubborn.is_empty() && self.suspects.is_empty()
    }

    /// What was set aside comes again, first of all.
    fn take_back(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        let aside = std::mem::take(&mut self.stubborn).into_iter();
        let aside = aside.chain(suspects.into_iter().map(|(item, _)| item));
        self.waiting.splice(0..0, aside);
    }

    /// Adds what was taken later.
    fn join(&mut self, later: Taken) {
        let mut taken = Taken {
            items: std::mem::take(&mut self.waiting),
            receipt: std::mem::take(&mut self.receipt),
        };
        // What is set aside keeps its place in the receipt: later ones are put behind.
        taken.join(later);
        self.waiting = taken.items;
        self.receipt = taken.receipt;
    }

    /// Takes out what failed first so long ago.
    fn expired(&mut self, limit: Duration) -> Vec<Item> {
        let is_over = |item: &Item| {
            item.failed_since
                .is_some_and(|since| since.elapsed() >= limit)
        };
        let mut over = Vec::new();
        for items in [&mut self.waiting, &mut self.stubborn] {
            over.extend(items.extract_if(.., |item| is_over(item)));
        }
        over
    }
}

/// The process ends, or the queue keeps the rest for the next start.
struct Ended;

impl Delivery {
    /// Of the receiver's queue to its sink.
    pub fn new(
        settings: Settings,
        queue: Arc<Queue>,
        sink: Sink,
        exchange: Arc<Exchange>,
        shutdown: Arc<Shutdown>,
    ) -> Delivery {
        Delivery {
            window: settings.batch_events,
            settings,
            queue,
            sink: Some(sink),
            exchange,
            shutdown,
            may_call: Arc::new(|| true),
            heartbeat: None,
            rejections: LogLimit::new(REJECTION_LINES_A_SECOND_MAX),
            failures: 0,
            not_before: None,
            draining_since: None,
            replaced: false,
        }
    }

    /// Its sink is called only while this holds, asked before each call.
    pub fn only_while(self, may_call: MayCall) -> Delivery {
        Delivery { may_call, ..self }
    }

    /// With a heartbeat.
    pub fn beating(self, heartbeat: Heartbeat) -> Delivery {
        let heartbeat = Some(heartbeat);
        Delivery { heartbeat, ..self }
    }

    /// Delivers until the queue is closed and empty, or the process aborts.
    pub fn run(mut self) {
        loop {
            let waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
            let taken = self.queue.take();
            drop(waiting);
            let Some(taken) = taken else {
                return;
            };
            self.take_change();
            if self.exchange.is_given_up() && self.queue.outlives() {
                self.queue.leave();
                return;
            }
            if self.has_drained_enough() || self.batch(Batch::new(taken)).is_err() {
                // Nobody makes room in the queue any more.
                self.queue.leave();
                return;
            }
        }
    }

    /// A queue that outlives the process is not emptied until the deadline: the last call should end, too.
    fn has_drained_enough(&mut self) -> bool {
        if self.shutdown.phase() < Phase::Draining {
            return false;
        }
        let since = *self.draining_since.get_or_insert_with(Instant::now);
        self.queue.outlives() && since.elapsed() >= self.settings.drain_for
    }

    fn batch(&mut self, mut batch: Batch) -> Result<(), Ended> {
        while !batch.is_settled() {
            if self.take_change() | std::mem::take(&mut self.replaced) {
                // What broke the one before, this one has not seen.
                batch.take_back();
                batch.broke = false;
            }
            if self.exchange.is_given_up() {
                return self.give_up(batch);
            }
            if self.sink.is_none() {
                // Its events wait for it, in the queue and here.
                self.wait(Duration::MAX)?;
                continue;
            }
            if !(self.may_call)() {
                // Who keeps the lease ends the process. What is in the batch is not settled, so it comes again.
                let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
                self.shutdown.wait(Duration::MAX, Phase::Aborting);
                return Err(Ended);
            }
            if batch.waiting.is_empty() {
                self.only_set_aside(&mut batch)?;
                continue;
            }
            self.wait_as_asked()?;
            if self.exchange.is_there() {
                continue;
            }
            let round = self.next_round(&mut batch)?;
            if let (Some(round), Some(sink)) = (round, &mut self.sink) {
                let waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
                let answer = round.deliver(sink);
                drop(waiting);
                self.answered(&mut batch, answer)?;
            }
        }
        Ok(())
    }

    fn wait_as_asked(&mut self) -> Result<(), Ended> {
        let Some(until) = self.not_before.take() else {
            return Ok(());
        };
        self.wait(until.saturating_duration_since(Instant::now()))
    }

    /// The first events of the batch, with what is sent for each. What no layout can be made of will never be delivered:
    /// the rest does not wait for it.
    fn next_round(&mut self, batch: &mut Batch) -> Result<Option<Round>, Ended> {
        let count = self.window.clamp(1, batch.waiting.len());
        let rest = batch.waiting.split_off(count);
        let items = std::mem::replace(&mut batch.waiting, rest);
        let (round, dead) = Round::new(items, self.settings.layout.as_deref());
        self.bury(&batch.receipt, dead)?;
        Ok(round)
    }

    fn answered(&mut self, batch: &mut Batch, answer: Answer) -> Result<(), Ended> {
        let broke_before = std::mem::take(&mut batch.broke);
        match answer {
            Answer::Decided {
                accepted,
                rejected,
                again,
                reason,
                retry_after,
            } => {
                accepted.iter().for_each(|item| batch.receipt.settle(item));
                // Before any wait: a process that is killed in it has delivered these.
                batch.receipt.flush();
                self.decided(accepted.len(), rejected.len());
                self.bury(&batch.receipt, rejected)?;
                self.window = (self.window * 2).min(self.settings.batch_events);
                self.blame(batch)?;
                if again.is_empty() {
                    let asked = retry_after.min(RETRY_AFTER_MOST);
                    self.not_before = (!asked.is_zero()).then(|| Instant::now() + asked);
                    return Ok(());
                }
                batch.waiting.splice(0..0, again);
                self.failed(batch, &reason, retry_after)
            }
            Answer::Again {
                mut items,
                reason,
                retry_after,
            } => {
                let alone = items.len() == 1;
                self.window = (items.len() / 2).max(1);
                if alone {
                    // It may be this event that the server cannot take: the next try is with another one.
                    batch.stubborn.append(&mut items);
                } else {
                    batch.waiting.splice(0..0, items);
                }
                self.failed(batch, &reason, retry_after)
            }
            Answer::Broke { items, fault } => self.broke(batch, items, fault, broke_before),
        }
    }

    /// The plugin broke: at first that is no reason to believe anything.
    fn broke(
        &mut self,
        batch: &mut Batch,
        mut items: Vec<Item>,
        fault: String,
        broke_before: bool,
    ) -> Result<(), Ended> {
        batch.broke = !broke_before;
        self.note_failure(items.len(), &fault, Duration::ZERO);
        let alone = items.len() == 1 && broke_before;
        if !alone {
            if broke_before {
                self.window = (items.len() / 2).max(1);
            }
            batch.waiting.splice(0..0, items);
            return self.go_on_unless_aborting();
        }
        self.window = 1;
        batch.suspects.extend(items.pop().map(|item| (item, fault)));
        if batch.suspects.len() < 2 {
            return self.go_on_unless_aborting();
        }
        batch.take_back();
        self.failed(batch, "the plugin breaks on every event", Duration::ZERO)
    }

    fn go_on_unless_aborting(&self) -> Result<(), Ended> {
        if self.shutdown.phase() == Phase::Aborting {
            return Err(Ended);
        }
        Ok(())
    }

    /// All that is left was set aside: one that failed alone, or broke the plugin and nothing says yet that others would not. The
    /// next events go with them, unless there are many of these already.
    fn only_set_aside(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        let suspected = !batch.suspects.is_empty();
        let few = batch.stubborn.len() < self.settings.batch_events;
        let more = if few { self.queue.take_now() } else { None };
        let joined = more.is_some();
        if let Some(more) = more {
            batch.join(more);
        }
        if suspected && joined {
            // Others first: they show who is to blame.
            return Ok(());
        }
        self.window = 1;
        batch.take_back();
        if suspected {
            return self.failed(batch, "the plugin breaks on it", Duration::ZERO);
        }
        Ok(())
    }

    /// The sink works on others: what broke it is to blame.
    fn blame(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        if batch.suspects.is_empty() {
            return Ok(());
        }
        let suspects = std::mem::take(&mut batch.suspects);
        let dead = suspects.into_iter().map(|(item, fault)| {
            let reason = format!("the plugin breaks on this event, and not on others: {fault}");
            (item, reason)
        });
        self.bury(&batch.receipt, dead.collect())
    }

    /// The sink gave a final answer for so many events: whatever was wrong with it is over.
    fn decided(&mut self, delivered: usize, dead: usize) {
        let counts = &self.settings.counts;
        counts.delivered(delivered);
        if self.failures > 0 && delivered + dead > 0 {
            let receiver = &self.settings.name;
            tracing::info!(receiver, delivered, dead, "the sink answers again");
            self.failures = 0;
        }
    }

    /// Waits before the next call, or gives the batch up where its time is over.
    fn failed(
        &mut self,
        batch: &mut Batch,
        reason: &str,
        retry_after: Duration,
    ) -> Result<(), Ended> {
        let now = Instant::now();
        for item in batch.waiting.iter_mut().chain(&mut batch.stubborn) {
            item.failed_since.get_or_insert(now);
        }
        if let Some(limit) = self.settings.retry.limit {
            let over = batch.expired(limit);
            let tried = limit.as_secs();
            let reason = format!("not delivered in {tried} s (retry.for): {reason}");
            let dead = over.into_iter().map(|item| (item, reason.clone()));
            self.bury(&batch.receipt, dead.collect())?;
            if batch.is_settled() {
                return Ok(());
            }
        }
        let pause = backoff(self.settings.retry, self.failures + 1);
        let pause = pause.max(retry_after.min(RETRY_AFTER_MOST));
        let events = batch.waiting.len() + batch.stubborn.len();
        self.note_failure(events, reason, pause);
        self.wait(pause)
    }

    /// Says so, once a call and so no more often than the pauses allow.
    fn note_failure(&mut self, events: usize, reason: &str, pause: Duration) {
        self.settings.counts.retried();
        self.failures = self.failures.saturating_add(1);
        let plugin = self.sink.as_ref().map(Sink::plugin);
        tracing::warn!(
            receiver = self.settings.name,
            plugin = plugin.map(|plugin| plugin.name.as_str()),
            file = plugin.map(|plugin| plugin.path.display().to_string()),
            events,
            failures = self.failures,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "not delivered, will be tried again: {reason}"
        );
    }

    /// Waits so long, or until something is changed. A queue that outlives the process need not be emptied before it ends: what
    /// failed once is left to the next start.
    fn wait(&self, pause: Duration) -> Result<(), Ended> {
        let over = || self.exchange.ends_waits();
        let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        let until = if self.queue.outlives() {
            Phase::Draining
        } else {
            Phase::Aborting
        };
        if self.shutdown.wait_unless(pause, until, over) >= until {
            return Err(Ended);
        }
        Ok(())
    }
}
