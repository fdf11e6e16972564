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
//! **An event that nobody can deliver does not stop the others.** Where one event alone fails, another one is tried next. A
//! call that breaks the plugin is made again in a fresh instance; if that breaks too, with half of the events, down to
//! one. An event that breaks it alone is set aside. When the sink then delivers another one, the event is to blame and goes to
//! the dead letters; when it breaks on that as well, the plugin is to blame: then nothing is given up, and all is tried again.

mod backoff;
mod dead_letters;
mod round;

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_runtime::{LogLimit, Sink};
use weir_template::Layout;

use crate::config::Retry;
use crate::health::Heartbeat;
use crate::ledger::Ledger;
use crate::queue::{Item, Queue, Receipt, Taken};
use crate::shutdown::{Phase, Shutdown};

pub use dead_letters::{DeadLetterError, DeadLetters};

use backoff::backoff;
use round::{Answer, Round};

/// The longest pause that a sink can ask for: a wrong number must not stop a receiver for days.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);
/// Log lines a second about one receiver's rejected events.
const REJECTION_LINES_A_SECOND_MAX: u32 = 10;
/// How long a dead letter that cannot be written is held before the next try.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(5);

/// Whether a sink may be called now: not by a replica that no longer leads.
pub type MayCall = Arc<dyn Fn() -> bool + Send + Sync>;

/// How one receiver delivers.
pub struct Settings {
    /// Its index.
    pub receiver: usize,
    /// Its name.
    pub name: String,
    /// `retry`.
    pub retry: Retry,
    /// `batch.events`: what one call gets at most.
    pub batch_events: usize,
    /// What is sent for each event; none: the event.
    pub layout: Option<Arc<Layout>>,
    /// Where events go that will never be accepted; none: they are logged.
    pub dead_letters: Option<Arc<DeadLetters>>,
}

/// One receiver's delivery.
pub struct Delivery {
    settings: Settings,
    queue: Arc<Queue>,
    sink: Sink,
    ledger: Arc<Ledger>,
    shutdown: Arc<Shutdown>,
    may_call: MayCall,
    heartbeat: Option<Heartbeat>,
    rejections: LogLimit,
    /// Failed calls in a row.
    failures: u32,
    /// How many events the next call gets at most.
    window: usize,
}

/// Events that were taken and are not settled.
struct Batch {
    /// In the order in which they are tried.
    waiting: Vec<Item>,
    /// Those that broke the plugin alone, with how it broke.
    suspects: Vec<(Item, String)>,
    receipt: Receipt,
    /// When the first call for it failed.
    failed_since: Option<Instant>,
    /// The call before broke the plugin.
    broke: bool,
}

impl Batch {
    fn new(taken: Taken) -> Batch {
        Batch {
            waiting: taken.items,
            suspects: Vec::new(),
            receipt: taken.receipt,
            failed_since: None,
            broke: false,
        }
    }

    fn is_settled(&self) -> bool {
        self.waiting.is_empty() && self.suspects.is_empty()
    }

    /// What was set aside comes again, last of all.
    fn take_suspects_back(&mut self) {
        let suspects = std::mem::take(&mut self.suspects);
        self.waiting
            .extend(suspects.into_iter().map(|(item, _)| item));
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
        ledger: Arc<Ledger>,
        shutdown: Arc<Shutdown>,
    ) -> Delivery {
        Delivery {
            window: settings.batch_events,
            settings,
            queue,
            sink,
            ledger,
            shutdown,
            may_call: Arc::new(|| true),
            heartbeat: None,
            rejections: LogLimit::new(REJECTION_LINES_A_SECOND_MAX),
            failures: 0,
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
            if self.batch(Batch::new(taken)).is_err() {
                return;
            }
        }
    }

    fn batch(&mut self, mut batch: Batch) -> Result<(), Ended> {
        self.lay_out_or_reject(&mut batch)?;
        while !batch.is_settled() {
            if !(self.may_call)() {
                // Who keeps the lease ends the process. What is in the batch is not settled, so it comes again.
                let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
                self.shutdown.wait(Duration::MAX, Phase::Aborting);
                return Err(Ended);
            }
            if batch.waiting.is_empty() {
                self.only_suspects(&mut batch)?;
                continue;
            }
            let answer = self.call(&mut batch);
            self.answered(&mut batch, answer)?;
            batch.receipt.flush();
        }
        batch.receipt.flush();
        Ok(())
    }

    /// What no layout can be made of will never be delivered: the rest must not wait for it.
    fn lay_out_or_reject(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        let Some(layout) = &self.settings.layout else {
            return Ok(());
        };
        let broken = |item: &Item| round::lay_out(layout, item).err();
        let reasons: Vec<Option<String>> = batch.waiting.iter().map(broken).collect();
        if reasons.iter().all(Option::is_none) {
            return Ok(());
        }
        let (mut dead, mut good) = (Vec::new(), Vec::new());
        for (item, reason) in batch.waiting.drain(..).zip(reasons) {
            match reason {
                Some(reason) => dead.push((item, reason)),
                None => good.push(item),
            }
        }
        batch.waiting = good;
        self.bury(&batch.receipt, dead)
    }

    /// One call of the sink, for the first events of the batch.
    fn call(&mut self, batch: &mut Batch) -> Answer {
        let count = self.window.clamp(1, batch.waiting.len());
        let rest = batch.waiting.split_off(count);
        let round = std::mem::replace(&mut batch.waiting, rest);
        let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        Round::new(round, self.settings.layout.as_deref()).deliver(&mut self.sink)
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
                let decided = !accepted.is_empty() || !rejected.is_empty();
                accepted.iter().for_each(|item| batch.receipt.settle(item));
                self.decided(accepted.len(), rejected.len());
                self.bury(&batch.receipt, rejected)?;
                if decided {
                    self.window = (self.window * 2).min(self.settings.batch_events);
                    batch.failed_since = None;
                    self.blame(batch)?;
                }
                if again.is_empty() {
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
                    batch.waiting.append(&mut items);
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
        batch.take_suspects_back();
        self.failed(batch, "the plugin breaks on every event", Duration::ZERO)
    }

    fn go_on_unless_aborting(&self) -> Result<(), Ended> {
        if self.shutdown.phase() == Phase::Aborting {
            return Err(Ended);
        }
        Ok(())
    }

    /// All that is left broke the plugin, and nothing says yet that others would not: ask the next events.
    fn only_suspects(&mut self, batch: &mut Batch) -> Result<(), Ended> {
        match self.queue.take_now() {
            Some(more) => {
                let mut taken = Taken {
                    items: std::mem::take(&mut batch.waiting),
                    receipt: std::mem::take(&mut batch.receipt),
                };
                taken.join(more);
                batch.waiting = taken.items;
                batch.receipt = taken.receipt;
                self.lay_out_or_reject(batch)
            }
            None => {
                batch.take_suspects_back();
                self.failed(batch, "the plugin breaks on it", Duration::ZERO)
            }
        }
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

    /// Events that will never be delivered: they are settled once their dead letters are on the disk.
    fn bury(&mut self, receipt: &Receipt, dead: Vec<(Item, String)>) -> Result<(), Ended> {
        if dead.is_empty() {
            return Ok(());
        }
        if let Some(letters) = self.settings.dead_letters.clone() {
            let letters_of = |(item, reason): &(Item, String)| {
                dead_letters::letter(&self.settings.name, &item.document, reason)
            };
            let text: String = dead.iter().map(letters_of).collect();
            while let Err(error) = letters.write(&text) {
                tracing::error!(
                    receiver = self.settings.name,
                    events = dead.len(),
                    "dead letters: {error}; the events are kept, and it is tried again"
                );
                self.wait(DEAD_LETTER_PAUSE)?;
            }
        }
        for (item, reason) in &dead {
            self.say_rejected(item, reason);
            receipt.settle(item);
        }
        self.ledger
            .receiver(self.settings.receiver)
            .dead(dead.len());
        Ok(())
    }

    fn say_rejected(&self, item: &Item, reason: &str) {
        if let Some(left_out) = self.rejections.admit() {
            let event = item.document.event().id();
            let kept = if self.settings.dead_letters.is_some() {
                "it is among the dead letters"
            } else {
                "without deadLetters it is lost"
            };
            tracing::error!(
                receiver = self.settings.name,
                event,
                reason,
                left_out,
                "an event will never be delivered; {kept}"
            );
        }
    }

    /// The sink gave a final answer for so many events: whatever was wrong with it is over.
    fn decided(&mut self, delivered: usize, dead: usize) {
        let counts = self.ledger.receiver(self.settings.receiver);
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
        let since = *batch.failed_since.get_or_insert_with(Instant::now);
        let limit = self.settings.retry.limit;
        if limit.is_some_and(|limit| since.elapsed() >= limit) {
            let tried = since.elapsed().as_secs();
            let reason = format!("not delivered in {tried} s (retry.for): {reason}");
            batch.take_suspects_back();
            let waiting = std::mem::take(&mut batch.waiting);
            let dead = waiting.into_iter().map(|item| (item, reason.clone()));
            return self.bury(&batch.receipt, dead.collect());
        }
        let pause = backoff(self.settings.retry, self.failures + 1);
        let pause = pause.max(retry_after.min(RETRY_AFTER_MOST));
        self.note_failure(batch.waiting.len(), reason, pause);
        self.wait(pause)
    }

    /// Says so, once a call and so no more often than the pauses allow.
    fn note_failure(&mut self, events: usize, reason: &str, pause: Duration) {
        self.ledger.receiver(self.settings.receiver).retried();
        self.failures = self.failures.saturating_add(1);
        let plugin = self.sink.plugin();
        tracing::warn!(
            receiver = self.settings.name,
            plugin = plugin.name,
            file = %plugin.path.display(),
            events,
            failures = self.failures,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "not delivered, will be tried again: {reason}"
        );
    }

    /// Waits so long. A queue that outlives the process need not be emptied before it ends: what failed once is left to the
    /// next start.
    fn wait(&self, pause: Duration) -> Result<(), Ended> {
        let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        let until = if self.queue.outlives() {
            Phase::Draining
        } else {
            Phase::Aborting
        };
        if self.shutdown.wait(pause, until) >= until {
            return Err(Ended);
        }
        Ok(())
    }
}
