//! A receiver's thread: takes batches from its queue and has the sink deliver them, until they are
//! accepted, rejected for good, or the process ends.
//!
//! ```text
//! queue ─► batch ─► sink ─┬─ accepted ─► settled
//!            ▲            ├─ rejected ─► logged, counted dead, settled
//!            └── pause ───┴─ retry: what was not accepted comes again, first of all
//! ```
//!
//! A pause grows from `retry.first` to `retry.most`, with jitter; `retry-after` of the sink can only make
//! it longer. A fault is tried again at once, the first time, because the instance is a fresh one.

use std::sync::Arc;
use std::time::Duration;

use weir_event::Document;
use weir_runtime::{Delivered, Failure, LogLimit, Outcome, Said, Sink};

use crate::config::Retry;
use crate::health::Heartbeat;
use crate::ledger::Ledger;
use crate::queue::{Queue, Run, Taken};
use crate::shutdown::{Phase, Shutdown};

/// The longest pause that a sink can ask for: a wrong number must not stop a receiver for days.
const RETRY_AFTER_MOST: Duration = Duration::from_secs(3600);
/// Log lines a second about one receiver's rejected events.
const REJECTION_LINES_A_SECOND_MAX: u32 = 10;

/// Whether a sink may be called now: not by a replica that no longer leads.
pub type MayCall = Arc<dyn Fn() -> bool + Send + Sync>;

/// One receiver's delivery.
pub struct Delivery {
    receiver: usize,
    name: String,
    queue: Arc<Queue>,
    sink: Sink,
    retry: Retry,
    ledger: Arc<Ledger>,
    shutdown: Arc<Shutdown>,
    may_call: MayCall,
    heartbeat: Option<Heartbeat>,
    rejections: LogLimit,
    /// Failed calls in a row.
    failures: u32,
}

/// What a call left to be done.
struct Remainder {
    documents: Vec<Document>,
    runs: Vec<Run>,
    /// Why it comes again.
    reason: String,
    /// The plugin broke, and the next instance is a fresh one.
    fault: bool,
    retry_after: Duration,
}

impl Delivery {
    /// For the receiver with this index and name.
    pub fn new(
        receiver: usize,
        name: &str,
        queue: Arc<Queue>,
        sink: Sink,
        retry: Retry,
        ledger: Arc<Ledger>,
        shutdown: Arc<Shutdown>,
    ) -> Delivery {
        Delivery {
            receiver,
            name: name.to_owned(),
            queue,
            sink,
            retry,
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
            let Some(mut batch) = taken else {
                return;
            };
            loop {
                if !(self.may_call)() {
                    // Who keeps the lease ends the process. What is in the batch is not settled, so it comes again.
                    let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
                    self.shutdown.wait(Duration::MAX, Phase::Aborting);
                    return;
                }
                let Some(remainder) = self.once(batch) else {
                    break;
                };
                if self.pause(&remainder) == Phase::Aborting {
                    return;
                }
                batch = Taken {
                    documents: remainder.documents,
                    runs: remainder.runs,
                    bytes: 0,
                };
            }
        }
    }

    /// One call of the sink. Gives what must come again.
    fn once(&mut self, batch: Taken) -> Option<Remainder> {
        let Taken {
            mut documents,
            runs,
            ..
        } = batch;
        let waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        let answer = self.sink.deliver(&mut documents, Vec::new());
        drop(waiting);
        let (delivered, fault) = match answer {
            Ok(delivered) => (delivered, false),
            Err(failure) => {
                let fault = matches!(failure, Failure::Fault(_));
                let outcome = Outcome::Retry(failure.to_string());
                (
                    Delivered {
                        outcome,
                        said: Vec::new(),
                        retry_after_ms: 0,
                    },
                    fault,
                )
            }
        };
        let Delivered {
            outcome,
            said,
            retry_after_ms,
        } = delivered;
        let retry_after = Duration::from_millis(u64::from(retry_after_ms)).min(RETRY_AFTER_MOST);
        match outcome {
            Outcome::Retry(reason) => Some(Remainder {
                documents,
                runs,
                reason,
                fault,
                retry_after,
            }),
            Outcome::Reject(reason) => {
                documents
                    .iter()
                    .for_each(|document| self.rejected(document, &reason));
                self.decided(0, documents.len());
                self.settle(&runs);
                None
            }
            Outcome::Done if said.iter().all(Option::is_none) => {
                self.decided(documents.len(), 0);
                self.settle(&runs);
                None
            }
            Outcome::Done => self.in_part(documents, runs, said, retry_after),
        }
    }

    /// The sink said something of single events: each is settled alone.
    fn in_part(
        &mut self,
        documents: Vec<Document>,
        runs: Vec<Run>,
        said: Vec<Option<Said>>,
        retry_after: Duration,
    ) -> Option<Remainder> {
        let mut again = Remainder {
            documents: Vec::new(),
            runs: Vec::new(),
            reason: String::new(),
            fault: false,
            retry_after,
        };
        let (mut delivered, mut dead) = (0, 0);
        let mut each = documents.into_iter().zip(said);
        for run in runs {
            let mut waiting = 0;
            for (document, said) in each.by_ref().take(run.events) {
                match said {
                    None => delivered += 1,
                    Some(Said::Reject(reason)) => {
                        self.rejected(&document, &reason);
                        dead += 1;
                    }
                    Some(Said::Retry(reason)) => {
                        again.reason = reason;
                        again.documents.push(document);
                        waiting += 1;
                    }
                }
            }
            if run.events > waiting {
                run.ack.settle(self.receiver, run.events - waiting);
            }
            if waiting > 0 {
                again.runs.push(Run {
                    ack: run.ack,
                    events: waiting,
                });
            }
        }
        self.decided(delivered, dead);
        (!again.documents.is_empty()).then_some(again)
    }

    /// The sink gave a final answer for so many events: whatever was wrong with it is over.
    fn decided(&mut self, delivered: usize, dead: usize) {
        let counts = self.ledger.receiver(self.receiver);
        counts.delivered(delivered);
        counts.dead(dead);
        if self.failures > 0 && delivered + dead > 0 {
            tracing::info!(
                receiver = self.name,
                delivered,
                dead,
                "the sink answers again"
            );
            self.failures = 0;
        }
    }

    fn settle(&self, runs: &[Run]) {
        runs.iter()
            .for_each(|run| run.ack.settle(self.receiver, run.events));
    }

    fn rejected(&self, document: &Document, reason: &str) {
        if let Some(left_out) = self.rejections.admit() {
            let event = document.event().id();
            tracing::error!(
                receiver = self.name,
                event,
                reason,
                left_out,
                "the sink rejected an event for good"
            );
        }
    }

    /// Waits before the next call; says so, once a call and so no more often than the pauses allow.
    fn pause(&mut self, remainder: &Remainder) -> Phase {
        self.ledger.receiver(self.receiver).retried();
        self.failures += 1;
        let pause = if remainder.fault && self.failures == 1 {
            Duration::ZERO
        } else {
            backoff(self.retry, self.failures).max(remainder.retry_after)
        };
        let plugin = self.sink.plugin();
        tracing::warn!(
            receiver = self.name,
            plugin = plugin.name,
            file = %plugin.path.display(),
            events = remainder.documents.len(),
            failures = self.failures,
            pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            "not delivered, will be tried again: {}",
            remainder.reason
        );
        let _waiting = self.heartbeat.as_ref().map(Heartbeat::waiting);
        self.shutdown.wait(pause, Phase::Aborting)
    }
}

/// Doubles from `first` to `most`; half of it is random, so that many weirs do not knock together.
fn backoff(retry: Retry, failures: u32) -> Duration {
    let doubled = retry
        .first
        .saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause = doubled.min(retry.most);
    let mut random = [0; 2];
    // Without random numbers the pause is the whole one.
    let share = if getrandom::fill(&mut random).is_ok() {
        u16::from_le_bytes(random)
    } else {
        u16::MAX
    };
    pause / 2 + (pause / 2).mul_f64(f64::from(share) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most() {
        let retry = Retry {
            first: Duration::from_millis(500),
            most: Duration::from_secs(60),
        };
        for (failures, whole_ms) in [
            (1, 500),
            (2, 1000),
            (3, 2000),
            (8, 60_000),
            (u32::MAX, 60_000),
        ] {
            let pause = backoff(retry, failures);
            let whole = Duration::from_millis(whole_ms);
            assert!(
                pause >= whole / 2 && pause <= whole,
                "{failures}: {pause:?}"
            );
        }
    }
}
