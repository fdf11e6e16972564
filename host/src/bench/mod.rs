//! What a plugin costs: its calls over real events, in processor time, and what an instance takes to make.
//!
//! Several plugins are measured in turn, round by round, so that what else the machine does meets all of them. Nothing gets
//! out: HTTP is answered at once, what is written is thrown away. Called by `weir plugin bench` alone.

mod statistics;
mod ways;

use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_event::{Document, Reader};
use weir_runtime::{
    Failure, Filter, Kind, Limits, Outcome, Plugin, Said, Sink, Use, processor_time,
};

pub use statistics::{Difference, difference, median, quantile};
use ways::Swallow;

use crate::ways::GoTemplates;

/// Real events of a cluster, one for each reason: a choice of `tests/data/events-core-v1.ndjson.gz`.
const EVENTS: &str = include_str!("events.ndjson");
/// Events of a batch for a sink.
pub const BATCH_EVENTS: usize = 100;
/// Of a file, so many are used: a round goes over all of them.
pub const EVENTS_MAX: usize = 10_000;

/// Processor time of a plugin's part in a round, at least: reading the clock does not count then.
const PART_LEAST: Duration = Duration::from_millis(2);
/// Rounds: a longer time makes them longer.
const ROUNDS_MAX: u32 = 500;
/// Calls that are measured each by itself, for quantiles.
const CALLS_KEPT_MAX: usize = 200_000;
/// Instances that are made to see what one costs.
const INSTANCES: usize = 30;
/// Processor time after which no more of them are made.
const INSTANCES_TIME: Duration = Duration::from_millis(200);

/// The events that weir brings.
pub fn own_events() -> Vec<Document> {
    let (mut reader, mut events) = (Reader::new(""), Vec::new());
    for line in EVENTS.lines() {
        // A test holds that each is an event.
        let _ = reader.read(line.as_bytes(), &mut |event| {
            events.extend(event.map(Document::new))
        });
    }
    events
}

/// A plugin that is measured.
pub struct Subject {
    of: Arc<Use>,
    caller: Caller,
    /// Passes over the work in a round.
    passes: usize,
    instances: Vec<Duration>,
    /// Nanoseconds an event, of each round.
    rounds: Vec<f64>,
    /// Nanoseconds an event, of calls.
    calls: Vec<f64>,
    called: u64,
    errors: u64,
    first_error: Option<String>,
}

/// What it is called with, again and again.
enum Caller {
    Filter(Filter, Vec<Document>),
    Sink(Sink, Vec<Vec<Document>>),
}

/// What was found.
#[derive(Debug)]
pub struct Figures {
    /// Processor time to make an instance and set it up, the median.
    pub instance: Duration,
    /// Nanoseconds of processor time an event: the median of the rounds' means.
    pub event_ns: f64,
    /// Of single calls, by event.
    pub p50_ns: f64,
    /// Of single calls, by event.
    pub p99_ns: f64,
    /// Nanoseconds an event, of each round.
    pub rounds: Vec<f64>,
    /// Bytes of memory of its largest instance.
    pub memory_bytes: u64,
    /// All its calls.
    pub called: u64,
    /// Calls that answered an error, and in sinks those that did not take all of a batch.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
}

impl Subject {
    /// Makes instances of it, and calls it once with each event, for at most half of `each`: events that it does not come to are
    /// left out. `each` is the time that [`measure`] will have for it. `answer` is the body of what HTTP requests get.
    ///
    /// # Errors
    /// When its configuration is refused, or it breaks.
    pub fn new(
        plugin: &Arc<Plugin>,
        config: &str,
        events: &[Document],
        (answer, each): (&str, Duration),
    ) -> Result<Subject, Failure> {
        let new_use = || Arc::new(new_use(plugin, config, answer));
        let mut instances = Vec::new();
        let begun = processor_time();
        while instances.len() < INSTANCES
            && (instances.is_empty() || processor_time() - begun < INSTANCES_TIME)
        {
            instances.push(instantiate(plugin, new_use())?);
        }
        let of = new_use();
        let mut subject = Subject {
            caller: Caller::new(plugin, Arc::clone(&of), events)?,
            of,
            passes: 1,
            instances,
            rounds: Vec::new(),
            calls: Vec::new(),
            called: 0,
            errors: 0,
            first_error: None,
        };
        subject.warm_up(each)?;
        Ok(subject)
    }

    /// Calls it once with everything, and sees how much it does in a round.
    fn warm_up(&mut self, each: Duration) -> Result<(), Failure> {
        let (begun, clock) = (processor_time(), Instant::now());
        for index in 0..self.caller.len() {
            self.call(index)?;
            if clock.elapsed() > each / 2 {
                self.caller.truncate(index + 1);
                break;
            }
        }
        let took = (processor_time() - begun).max(Duration::from_nanos(1));
        // So that the rounds fill the time.
        let part = (each / ROUNDS_MAX).max(PART_LEAST);
        let passes = part.as_nanos().div_ceil(took.as_nanos());
        self.passes = usize::try_from(passes).unwrap_or(1).max(1);
        Ok(())
    }

    /// Its part of a round: a number of passes measured together, and one with each call measured.
    fn part(&mut self, clock_cost: Duration) -> Result<(), Failure> {
        let mut took = Duration::ZERO;
        for _ in 0..self.passes {
            self.of.forget_state();
            let begun = processor_time();
            for index in 0..self.caller.len() {
                self.call(index)?;
            }
            took += processor_time() - begun;
        }
        let events = self.passes * self.caller.events();
        self.rounds.push(nanoseconds(took, events));
        self.of.forget_state();
        for index in 0..self.caller.len() {
            let begun = processor_time();
            self.call(index)?;
            let took = (processor_time() - begun).saturating_sub(clock_cost);
            if self.calls.len() < CALLS_KEPT_MAX {
                self.calls
                    .push(nanoseconds(took, self.caller.events_of(index)));
            }
        }
        Ok(())
    }

    fn call(&mut self, index: usize) -> Result<(), Failure> {
        self.called += 1;
        let error = match &mut self.caller {
            Caller::Filter(filter, events) => match filter.process_once(events[index].event()) {
                Ok(_) => return Ok(()),
                Err(failure @ Failure::Answered { .. }) => failure.to_string(),
                Err(failure) => return Err(failure),
            },
            Caller::Sink(sink, batches) => match sink.deliver(&mut batches[index], Vec::new()) {
                Ok(delivered) => match not_taken(&delivered.outcome, &delivered.said) {
                    Some(error) => error,
                    None => return Ok(()),
                },
                Err(failure @ Failure::Answered { .. }) => failure.to_string(),
                Err(failure) => return Err(failure),
            },
        };
        self.errors += 1;
        self.first_error.get_or_insert(error);
        Ok(())
    }

    fn figures(self) -> Figures {
        Figures {
            instance: middle(self.instances),
            event_ns: median(&self.rounds),
            p50_ns: quantile(&self.calls, 0.5),
            p99_ns: quantile(&self.calls, 0.99),
            rounds: self.rounds,
            memory_bytes: self.of.calls().memory_bytes,
            called: self.called,
            errors: self.errors,
            first_error: self.first_error,
        }
    }
}

/// The one in the middle; zero where there is none.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Measures all of them in turn, for at most so long each. One that breaks on the way leaves its failure.
pub fn measure(subjects: Vec<Subject>, each: Duration) -> Vec<Result<Figures, Failure>> {
    let clock_cost = clock_cost();
    let most = each.saturating_mul(u32::try_from(subjects.len()).unwrap_or(u32::MAX));
    let mut subjects: Vec<Result<Subject, Failure>> = subjects.into_iter().map(Ok).collect();
    let begun = Instant::now();
    for _ in 0..ROUNDS_MAX {
        for place in &mut subjects {
            if let Ok(subject) = place
                && let Err(failure) = subject.part(clock_cost)
            {
                *place = Err(failure);
            }
        }
        if begun.elapsed() >= most {
            break;
        }
    }
    let figures = |subject: Result<Subject, Failure>| subject.map(Subject::figures);
    subjects.into_iter().map(figures).collect()
}

impl Caller {
    fn new(plugin: &Arc<Plugin>, of: Arc<Use>, events: &[Document]) -> Result<Caller, Failure> {
        let plugin = Arc::clone(plugin);
        if plugin.kind == Kind::Filter {
            return Ok(Caller::Filter(Filter::new(plugin, of)?, events.to_vec()));
        }
        // The last batch is filled up: all cost the same.
        let batches = events.len().div_ceil(BATCH_EVENTS);
        let mut events = events.iter().cycle().cloned();
        let batches = (0..batches).map(|_| events.by_ref().take(BATCH_EVENTS).collect());
        let batches = batches.collect();
        Ok(Caller::Sink(Sink::new(plugin, of)?, batches))
    }

    /// Calls in a pass.
    fn len(&self) -> usize {
        match self {
            Caller::Filter(_, events) => events.len(),
            Caller::Sink(_, batches) => batches.len(),
        }
    }

    /// Events in a pass.
    fn events(&self) -> usize {
        (0..self.len()).map(|index| self.events_of(index)).sum()
    }

    /// Events of a call.
    fn events_of(&self, index: usize) -> usize {
        match self {
            Caller::Filter(..) => 1,
            Caller::Sink(_, batches) => batches[index].len(),
        }
    }

    fn truncate(&mut self, calls: usize) {
        match self {
            Caller::Filter(_, events) => events.truncate(calls),
            Caller::Sink(_, batches) => batches.truncate(calls),
        }
    }
}

fn new_use(plugin: &Plugin, config: &str, answer: &str) -> Use {
    let limits = match plugin.kind {
        Kind::Filter => Limits::FILTER,
        Kind::Sink | Kind::SinkProbe => Limits::SINK,
    };
    let swallow = Arc::new(Swallow::answering(answer));
    Use::new("bench", &plugin.name, config.to_owned(), limits)
        .with_outbound(Arc::clone(&swallow) as _)
        .with_output(Arc::clone(&swallow) as _)
        .with_files(swallow)
        .with_templates(Arc::new(GoTemplates::default()))
        .recorded(Arc::new(|_, _| {}))
}

fn instantiate(plugin: &Arc<Plugin>, of: Arc<Use>) -> Result<Duration, Failure> {
    let plugin = Arc::clone(plugin);
    let begun = processor_time();
    // What was made is dropped after the clock was read.
    Ok(match plugin.kind {
        Kind::Filter => {
            let made = Filter::new(plugin, of)?;
            (processor_time() - begun, drop(made)).0
        }
        Kind::Sink | Kind::SinkProbe => {
            let made = Sink::new(plugin, of)?;
            (processor_time() - begun, drop(made)).0
        }
    })
}

/// What a sink said that is not "accepted".
fn not_taken(outcome: &Outcome, said: &[Option<Said>]) -> Option<String> {
    match outcome {
        Outcome::Retry(reason) => Some(format!("deliver answered retry: {reason}")),
        Outcome::Reject(reason) => Some(format!("deliver answered reject: {reason}")),
        Outcome::Done => said.iter().flatten().next().map(|said| match said {
            Said::Retry(reason) => format!("an event was to be tried again: {reason}"),
            Said::Reject(reason) => format!("an event was rejected: {reason}"),
        }),
    }
}

/// What reading the clock twice costs by itself.
fn clock_cost() -> Duration {
    let costs = (0..1000)
        .map(|_| {
            let begun = processor_time();
            processor_time() - begun
        })
        .collect();
    middle(costs)
}

fn nanoseconds(took: Duration, events: usize) -> f64 {
    took.as_secs_f64() * 1e9 / events.max(1) as f64
}

#[cfg(test)]
mod tests;
