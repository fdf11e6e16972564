//! A double of the host, so that a plugin's unit tests run natively with `cargo test`.
//!
//! ```
//! # use serde::Deserialize;
//! # use weir_plugin::{Event, Filter, Result, Verdict};
//! # #[derive(Deserialize)]
//! # struct DropReasons { reasons: Vec<String> }
//! # impl Filter for DropReasons {
//! #     fn process(&mut self, event: &mut Event) -> Result<Verdict> {
//! #         let listed = self.reasons.contains(&event.reason());
//! #         Ok(if listed { Verdict::drop("listed") } else { Verdict::Keep })
//! #     }
//! # }
//! use weir_plugin::serde_json::json;
//! use weir_plugin::testing;
//!
//! # fn main() -> Result {
//! let mut filter = testing::filter::<DropReasons>(json!({"reasons": ["Pulled"]}))?;
//! let run = filter.process(testing::event(json!({"reason": "Pulled"})));
//! assert_eq!(run.verdict, Ok(Verdict::drop("listed")));
//! # Ok(())
//! # }
//! ```
//!
//! The double does what the contract says, without the host's limits: time, memory, sizes, the number of
//! emitted events, and grants for HTTP and files. Of templates it knows fields alone, `{{ .InvolvedObject.Kind }}`: functions
//! are the host's, and a test that needs one belongs to `weir plugin test`.

mod document;
pub(crate) mod double;
mod fields;
mod host;
mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

pub use host::Host;

use crate::{Batch, Event, Filter, Outcome, Probe, Result, Sink, Verdict, config};
use double::with_host;

/// A filter behind the double of the host.
#[derive(Debug)]
pub struct FilterUnderTest<F> {
    /// The double: what it shall answer, and what was asked of it.
    pub host: Host,
    filter: F,
}

/// A sink behind the double of the host.
#[derive(Debug)]
pub struct SinkUnderTest<S> {
    /// The double: what it shall answer, and what was asked of it.
    pub host: Host,
    sink: S,
}

/// What a filter did with an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Processed {
    /// Its answer.
    pub verdict: Result<Verdict>,
    /// The event afterwards: changed only if it was kept.
    pub event: Value,
    /// What it emitted: nothing after an error.
    pub emitted: Vec<Value>,
}

/// What a sink did with a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivered {
    /// Its answer.
    pub outcome: Result<Outcome>,
    /// The events that will never be accepted, by index, with the reason.
    pub rejected: BTreeMap<usize, String>,
    /// The events that were not accepted this time, by index, with the reason.
    pub retried: BTreeMap<usize, String>,
    /// How long to wait before the next call.
    pub retry_after: Option<Duration>,
}

/// Sets a filter up, as the host does.
///
/// # Errors
/// The filter refuses the configuration.
#[expect(
    clippy::needless_pass_by_value,
    reason = "tests write `json!(…)` in place"
)]
pub fn filter<F: Filter>(config: Value) -> Result<FilterUnderTest<F>> {
    let mut host = Host::default();
    let filter = with_host(&mut host, || {
        let mut filter: F = config::read(&config.to_string())?;
        filter.setup().map(|()| filter)
    })?;
    Ok(FilterUnderTest { host, filter })
}

/// Sets a sink up, as the host does.
///
/// # Errors
/// The sink refuses the configuration.
#[expect(
    clippy::needless_pass_by_value,
    reason = "tests write `json!(…)` in place"
)]
pub fn sink<S: Sink>(config: Value) -> Result<SinkUnderTest<S>> {
    let mut host = Host::default();
    let sink = with_host(&mut host, || {
        let mut sink: S = config::read(&config.to_string())?;
        sink.setup().map(|()| sink)
    })?;
    Ok(SinkUnderTest { host, sink })
}

impl<F: Filter> FilterUnderTest<F> {
    /// Calls the filter with an event in the core/v1 form.
    pub fn process(&mut self, event: Value) -> Processed {
        self.host.begin(vec![event.clone()]);
        let verdict = with_host(&mut self.host, || {
            self.filter.process(&mut Event::at_hand())
        });
        let changed = self
            .host
            .events
            .pop()
            .filter(|_| verdict == Ok(Verdict::Keep));
        let mut emitted = std::mem::take(&mut self.host.emitted);
        if verdict.is_err() {
            emitted.clear();
        }
        Processed {
            verdict,
            event: changed.unwrap_or(event),
            emitted,
        }
    }
}

impl<S: Sink> SinkUnderTest<S> {
    /// Calls the sink with events in the core/v1 form.
    pub fn deliver(&mut self, events: impl IntoIterator<Item = Value>) -> Delivered {
        self.host.begin(events.into_iter().collect());
        let outcome = with_host(&mut self.host, || self.sink.deliver(&Batch::at_hand()));
        Delivered {
            outcome,
            rejected: std::mem::take(&mut self.host.rejected),
            retried: std::mem::take(&mut self.host.retried),
            retry_after: self.host.retry_after.take(),
        }
    }

    /// Asks the sink whether it would work.
    ///
    /// # Errors
    /// What the sink finds.
    pub fn probe(&mut self) -> Result<String>
    where
        S: Probe,
    {
        with_host(&mut self.host, || self.sink.probe())
    }
}

/// A recorded event with some members replaced: objects are merged, `null` removes (RFC 7396).
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "tests write `json!(…)` in place"
)]
pub fn event(changes: Value) -> Value {
    let mut event = json!({
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {
            "name": "web-5d4f8c7b9-x2x7q.18eab3d5afe8386e",
            "namespace": "shop",
            "uid": "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9",
            "resourceVersion": "273",
            "creationTimestamp": "2026-11-23T14:45:31Z"
        },
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": "shop",
            "name": "web-5d4f8c7b9-x2x7q",
            "uid": "5f7f1c34-c83b-490d-b0c8-8f7e2ec8e612",
            "fieldPath": "spec.containers{web}"
        },
        "reason": "BackOff",
        "message": "Back-off restarting failed container web in pod web-5d4f8c7b9-x2x7q_shop",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-11-23T14:45:31Z",
        "lastTimestamp": "2026-11-23T14:45:31Z",
        "count": 1,
        "type": "Warning",
        "eventTime": null,
        "reportingComponent": "kubelet",
        "reportingInstance": "node-1"
    });
    merge(&mut event, &changes);
    event
}

fn merge(target: &mut Value, changes: &Value) {
    match (target, changes) {
        (Value::Object(members), Value::Object(changes)) => {
            for (name, change) in changes {
                if change.is_null() {
                    members.remove(name);
                } else {
                    merge(members.entry(name.as_str()).or_insert(Value::Null), change);
                }
            }
        }
        (target, changes) => *target = changes.clone(),
    }
}

#[cfg(test)]
mod tests;
