//! A filter in one lane: one instance, reused from event to event, replaced after a fault or when its memory is nearly full.

use std::sync::Arc;

use wasmtime::component::{ComponentType, Lift};
use weir_event::{EventRef, Fields};

use crate::context::{EMITTED_EVENTS_MAX, Hand, Working};
use crate::error::Failure;
use crate::instance::Live;
use crate::limits::processor_time;
use crate::logs::clean;
use crate::plugin::Plugin;
use crate::uses::Use;

/// Bytes of the reason for a drop: it is a row in the metrics.
const REASON_BYTES_MAX: usize = 256;
/// One call in so many is measured: reading the clock costs as much as a small call.
const MEASURED_OF: u32 = 16;

#[derive(ComponentType, Lift)]
#[component(variant)]
pub(crate) enum Verdict {
    #[component(name = "keep")]
    Keep,
    #[component(name = "drop")]
    Drop(String),
}

/// What a filter made of an event.
#[derive(Debug)]
pub struct Processed {
    /// What it decided.
    pub decision: Decision,
    /// Documents of the events that it emitted, in order.
    pub emitted: Vec<String>,
}

impl Processed {
    /// What a filter that does nothing makes of an event.
    pub fn unchanged() -> Processed {
        Processed {
            decision: Decision::Keep,
            emitted: Vec::new(),
        }
    }
}

/// What a filter decided about an event.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one at a time, on the stack; a box would cost each change an allocation"
)]
pub enum Decision {
    /// It goes on as it was.
    Keep,
    /// It goes on changed.
    Change(String, Fields),
    /// It ends here, for this reason.
    Drop(String),
}

/// A filter, as one lane uses it. Not shared: each lane has its own.
pub struct Filter {
    plugin: Arc<Plugin>,
    of: Arc<Use>,
    live: Option<Live<Verdict>>,
    /// Where it counts its calls.
    shard: usize,
    /// Its calls, for which of them are measured.
    calls: u32,
}

impl Filter {
    /// Makes the first instance and sets it up.
    ///
    /// # Errors
    /// When the configuration is refused (`Failure::Answered`) or the plugin breaks.
    pub fn new(plugin: Arc<Plugin>, of: Arc<Use>) -> Result<Filter, Failure> {
        let live = Live::start(&plugin, &of, "process")?;
        Ok(Filter {
            shard: of.standing.shard(),
            plugin,
            of,
            live: Some(live),
            calls: 0,
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

    /// Has the plugin decide about an event. After a fault it is asked once more, in a fresh instance.
    ///
    /// # Errors
    /// When the plugin answers an error, or both tries end in a fault: `onError` decides then.
    pub fn process(&mut self, event: EventRef<'_>) -> Result<Processed, Failure> {
        self.process_within(event, EMITTED_EVENTS_MAX)
    }

    /// As [`process`](Filter::process), with room for so many emitted events: emitting one more is an error
    /// that the plugin sees. Never more than [`EMITTED_EVENTS_MAX`].
    ///
    /// # Errors
    /// As [`process`](Filter::process).
    pub fn process_within(
        &mut self,
        event: EventRef<'_>,
        emits_max: usize,
    ) -> Result<Processed, Failure> {
        match self.once(event, emits_max) {
            Err(Failure::Fault(fault)) => {
                self.of.note_retry(&fault);
                let second = self.once(event, emits_max);
                if let Err(Failure::Fault(fault)) = &second {
                    self.of.gave_up(fault);
                }
                second
            }
            answer => answer,
        }
    }

    /// As [`process`](Filter::process), without the second try: for whoever wants to know of every fault.
    ///
    /// # Errors
    /// When the plugin answers an error or breaks.
    pub fn process_once(&mut self, event: EventRef<'_>) -> Result<Processed, Failure> {
        self.once(event, EMITTED_EVENTS_MAX)
    }

    /// Notes the memory that the instance has now, which a call does only now and then: for whoever asks how much it was.
    pub fn note_memory(&self) {
        if let Some(live) = &self.live {
            self.of.used_memory(live.memory_bytes());
        }
    }

    /// One call, counted, and measured now and then.
    fn once(&mut self, event: EventRef<'_>, emits_max: usize) -> Result<Processed, Failure> {
        self.of.standing.called(self.shard);
        let is_measured = self.calls.is_multiple_of(MEASURED_OF);
        self.calls = self.calls.wrapping_add(1);
        let begun = is_measured.then(processor_time);
        let answer = self.call(event, emits_max);
        let of = &self.of;
        if let Some(begun) = begun {
            of.times.add(processor_time().saturating_sub(begun));
            self.note_memory();
        }
        match &answer {
            Ok(_) | Err(Failure::Answered { .. }) => of.quarantine.answered(),
            Err(Failure::Fault(_)) => {}
        }
        if let Err(failure) = &answer {
            of.note_failure(failure);
        }
        answer
    }

    fn call(&mut self, event: EventRef<'_>, emits_max: usize) -> Result<Processed, Failure> {
        let mut live = match self.live.take() {
            Some(live) => live,
            None => Live::start(&self.plugin, &self.of, "process")?,
        };
        let context = live.store.data_mut();
        if !matches!(context.hand, Hand::Event(_)) {
            context.hand = Hand::Event(Working::default());
        }
        if let Hand::Event(working) = &mut context.hand {
            working.start(event, &self.of.name, emits_max);
        }
        let answer = live.call(self.of.limits.time);
        if matches!(answer, Err(Failure::Fault(_))) {
            self.of.used_memory(live.memory_bytes());
            return Err(answer.err().expect("it is an error")); // and the instance is dropped
        }
        let processed = answer.map(|verdict| processed(&mut live, verdict));
        self.live = live.unless_worn(&self.of);
        processed
    }
}

fn processed(live: &mut Live<Verdict>, verdict: Verdict) -> Processed {
    let Hand::Event(working) = &mut live.store.data_mut().hand else {
        unreachable!("the event was put at hand before the call, and no import takes it away")
    };
    let decision = match verdict {
        Verdict::Drop(reason) => Decision::Drop(clean(&reason, REASON_BYTES_MAX)),
        Verdict::Keep => match working.take_change() {
            Some((document, fields)) => Decision::Change(document, fields),
            None => Decision::Keep,
        },
    };
    Processed {
        decision,
        emitted: std::mem::take(&mut working.emitted),
    }
}
