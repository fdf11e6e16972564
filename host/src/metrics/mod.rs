//! The figures of `/metrics`, and their text.
//!
//! [`Figures`] is plain data, taken anew for each scrape: the ledger's snapshot, and what the Kubernetes source and the
//! process say of themselves. There is no registry that lives on and nothing is counted here, so no metric can
//! differ from what it is taken from. `families` is the one table of all metrics; `docs/metrics.md` has it for people,
//! and a test compares the two.
//!
//! Labels have values of closed sets only: names of the configuration, the ledger's bounded reasons, fixed strings of
//! ours; and names that a plugin gives its own counters, of which the runtime takes a hundred. `admin` calls this; the source
//! fills [`Kubernetes`].

mod families;
mod samples;

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, prometheus_text, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::{ledger, status};
use families::{FAMILIES, Family, Kind};
use samples::Value;

/// All that is exposed, at one moment.
#[derive(Debug)]
pub struct Figures {
    /// When it was taken: lags are up to here.
    pub now: SystemTime,
    /// The names of all filters, so that a filter that never failed has a 0.
    pub filters: Vec<String>,
    /// The accounts.
    pub ledger: ledger::Snapshot,
    /// `None` without `source.kubernetes`.
    pub kubernetes: Option<Kubernetes>,
    /// The process.
    pub process: Process,
    /// What runs; `None` where nobody knows.
    pub plugins: Option<status::Report>,
    /// `metricsNamePrefix`: before KEE's own names. Ends with `_`, or is empty.
    pub prefix: String,
}

/// What the system says of this process. `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// When it started.
    pub started: Option<SystemTime>,
    /// Memory that is resident.
    pub resident_bytes: Option<u64>,
    /// Processor time of all threads, user and system.
    pub cpu_seconds: f64,
    /// Open files, sockets and the like.
    pub open_files: Option<u64>,
}

/// Counts by fixed strings. One that is there from the start, with 0, lets a rate see its first step.
pub type Counts = BTreeMap<&'static str, u64>;

/// What the Kubernetes source says of itself.
#[derive(Clone, Debug, Default)]
pub struct Kubernetes {
    /// Each watch.
    pub watches: Vec<Watch>,
    /// `None` where nothing is looked up.
    pub lookup: Option<Lookup>,
    /// Whether this process leads; `None` without leader election.
    pub leader: Option<bool>,
    /// `None` where no position is stored.
    pub checkpoint: Option<Checkpoint>,
}

/// One watch.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    /// Its namespace, or `all`.
    pub name: String,
    /// Its stream is open.
    pub connected: bool,
    /// When the last line of any kind came, by our clock.
    pub last_line: Option<SystemTime>,
    /// The time of the last event that was read, by the event itself.
    pub last_event: Option<SystemTime>,
    /// The last resourceVersion that was seen; 0 before the first.
    pub resource_version: u64,
    /// By receiver: all up to this resourceVersion is settled. Only where it is known.
    pub positions: BTreeMap<String, u64>,
    /// How often the stream was opened anew, by reason.
    pub restarts: Counts,
    /// Failed requests and streams, by class.
    pub failures: Counts,
    /// Gaps that were reported, by class.
    pub gaps: Counts,
}

/// Lookups of the objects that events are about.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lookup {
    /// Answered by the cache.
    pub hits: u64,
    /// Not answered by the cache.
    pub misses: u64,
    /// Requests to the API server; several events may wait for one.
    pub requests: u64,
    /// Requests that failed. An object that is not there is no failure.
    pub failures: u64,
    /// Events that went on without.
    pub without: u64,
}

/// The storing of positions.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checkpoint {
    /// Positions stored.
    pub saves: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// When the last one was stored; `None` before the first.
    pub last_save: Option<SystemTime>,
}

/// The two text forms that scrapers ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// OpenMetrics 1.0, which Prometheus asks for.
    OpenMetrics,
    /// The older form of Prometheus, 0.0.4, which everything reads.
    Prometheus,
}

impl Form {
    /// The form that a request's `Accept` asks for; where it is empty, the older.
    pub fn accepted(accept: &str) -> Form {
        if accept.contains("application/openmetrics-text") {
            Form::OpenMetrics
        } else {
            Form::Prometheus
        }
    }

    /// The `Content-Type` of the answer.
    pub fn content_type(self) -> &'static str {
        match self {
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Form::Prometheus => prometheus_text::CONTENT_TYPE,
        }
    }
}

impl Figures {
    /// All metrics as text.
    pub fn text(self, form: Form) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        match form {
            Form::OpenMetrics => text::encode(&mut text, &registry),
            Form::Prometheus => prometheus_text::encode(&mut text, &registry),
        }
        .expect("a String takes all that is written");
        text
    }
}

impl Collector for Figures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        FAMILIES
            .iter()
            .try_for_each(|family| encode(self, family, &mut encoder))
    }
}

/// One family with its samples; without any, nothing.
fn encode(figures: &Figures, family: &Family, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let samples = (family.samples)(figures);
    if samples.is_empty() {
        return Ok(());
    }
    let (prefix, kind) = match family.kind {
        Kind::Counter => ("", MetricType::Counter),
        Kind::Gauge => ("", MetricType::Gauge),
        Kind::KeeGauge => (figures.prefix.as_str(), MetricType::Gauge),
        Kind::KeeCounter => (figures.prefix.as_str(), MetricType::Unknown),
    };
    // The encoder adds it to what is a counter.
    let name = family.name.strip_suffix("_total").unwrap_or(family.name);
    let name = format!("{prefix}{name}");
    let mut metric = encoder.encode_descriptor(&name, family.help, None, kind)?;
    for sample in samples {
        let names = family.labels.iter().copied();
        let labels: Vec<(&str, String)> = names.zip(sample.labels).collect();
        let mut row = metric.encode_family(&labels)?;
        match (kind, sample.value) {
            (MetricType::Counter, Value::Count(count)) => {
                row.encode_counter::<NoLabelSet, u64, f64>(&count, None)?;
            }
            (MetricType::Counter, Value::Real(real)) => {
                row.encode_counter::<NoLabelSet, f64, f64>(&real, None)?;
            }
            (_, Value::Count(count)) => row.encode_gauge(&count)?,
            (_, Value::Real(real)) => row.encode_gauge(&real)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
