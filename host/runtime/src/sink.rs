//! A sink as one receiver uses it: one instance, called with one batch at a time.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lift};
use weir_event::Document;

use crate::context::{Batch, Hand, Said};
use crate::error::Failure;
use crate::instance::Live;
use crate::limits::processor_time;
use crate::logs::clean;
use crate::plugin::{Kind, Plugin};
use crate::uses::Use;

/// Bytes of the reason for a retry or rejection of a batch.
const REASON_BYTES_MAX: usize = 1024;
/// Bytes of a probe's findings.
const FINDINGS_BYTES_MAX: usize = 16 * 1024;

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum WireOutcome {
    #[component(name = "done")]
    Done,
    #[component(name = "retry")]
    Retry(String),
    #[component(name = "reject")]
    Reject(String),
}

/// What a sink said of a batch as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was not rejected or marked for retry has been accepted.
    Done,
    /// Nothing was accepted; the whole batch comes again.
    Retry(String),
    /// Nothing will ever be accepted.
    Reject(String),
}

/// What became of a batch.
#[derive(Debug)]
pub struct Delivered {
    /// The batch as a whole.
    pub outcome: Outcome,
    /// One for each event: what was said of it alone.
    pub said: Vec<Option<Said>>,
    /// Milliseconds that must pass before the next call; 0 where nothing was asked for.
    pub retry_after_ms: u32,
}

/// A sink, as one receiver uses it.
pub struct Sink {
    plugin: Arc<Plugin>,
    of: Arc<Use>,
    live: Option<Live<WireOutcome>>,
    /// Where it counts its calls.
    shard: usize,
}

impl Sink {
    /// Makes the first instance and sets it up.
    ///
    /// # Errors
    /// When the configuration is refused (`Failure::Answered`) or the plugin breaks.
    pub fn new(plugin: Arc<Plugin>, of: Arc<Use>) -> Result<Sink, Failure> {
        let live = Live::start(&plugin, &of, "deliver")?;
        Ok(Sink {
            shard: of.standing.shard(),
            plugin,
            of,
            live: Some(live),
        })
    }

    /// The use this is of.
    pub fn of(&self) -> &Arc<Use> {
        &self.of
    }

    /// The plugin.
    pub fn plugin(&self) -> &Arc<Plugin> {
        &self.plugin
    }

    /// Has the plugin deliver a batch. The documents are lent, and come back whatever happens. `laid_out` has what is
    /// sent for each of them, where the receiver has a layout, else nothing. After a fault, and
    /// where the instance had used nearly all of its memory, the next call is in a fresh one.
    ///
    /// # Errors
    /// When the plugin answers an error or breaks: the whole batch is to come again.
    pub fn deliver(
        &mut self,
        documents: &mut Vec<Document>,
        laid_out: Vec<String>,
    ) -> Result<Delivered, Failure> {
        self.of.standing.called(self.shard);
        let begun = processor_time();
        let answer = self.call(documents, laid_out);
        self.of.times.add(processor_time().saturating_sub(begun));
        if let Err(failure) = &answer {
            self.of.standing.failed(failure);
        }
        answer
    }

    fn call(
        &mut self,
        documents: &mut Vec<Document>,
        laid_out: Vec<String>,
    ) -> Result<Delivered, Failure> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.plugin, &self.of, "deliver")?,
        };
        live.store.data_mut().hand = Hand::Batch(Batch::new(std::mem::take(documents), laid_out));
        let answer = live.call(self.of.limits.time);
        let Hand::Batch(batch) = std::mem::replace(&mut live.store.data_mut().hand, Hand::Empty)
        else {
            unreachable!("the batch was put at hand before the call, and no import takes it away")
        };
        *documents = batch.documents;
        self.of.used_memory(live.memory_bytes());
        if !matches!(answer, Err(Failure::Fault(_))) {
            self.live = live.unless_worn(&self.of);
        }
        let outcome = match answer? {
            WireOutcome::Done => Outcome::Done,
            WireOutcome::Retry(reason) => Outcome::Retry(clean(&reason, REASON_BYTES_MAX)),
            WireOutcome::Reject(reason) => Outcome::Reject(clean(&reason, REASON_BYTES_MAX)),
        };
        Ok(Delivered {
            outcome,
            said: batch.said,
            retry_after_ms: batch.retry_after_ms,
        })
    }

    /// Asks the sink whether it would work; `None` where it cannot be asked.
    ///
    /// # Errors
    /// What the sink found wrong, or how it broke.
    pub fn probe(plugin: &Plugin, of: &Arc<Use>) -> Result<Option<String>, Failure> {
        if plugin.kind != Kind::SinkProbe {
            return Ok(None);
        }
        let mut live: Live<String> = Live::start(plugin, of, "probe")?;
        live.store.data_mut().probing = true;
        live.call(of.limits.time)
            .map(|findings| Some(clean_lines(&findings)))
    }
}

fn clean_lines(findings: &str) -> String {
    let lines: Vec<String> = findings
        .lines()
        .map(|line| clean(line, FINDINGS_BYTES_MAX))
        .collect();
    lines.join("\n")
}
