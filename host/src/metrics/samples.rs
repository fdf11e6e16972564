//! How the values of metrics are read from [`Figures`]: small functions for the rows of `families`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use weir_runtime::clean;

use super::{Checkpoint, Counts, Figures, Kubernetes, Lookup, Watch};
use crate::ledger::ReceiverLedger;
use crate::status::{Report, Use, show::short_digest};

/// Of a name that a plugin gives: what the runtime takes of one.
const LABEL_BYTES_MAX: usize = 64;

/// One value, with the values of its labels in the order of their names.
pub(super) struct Sample {
    pub labels: Vec<String>,
    pub value: Value,
}

/// A number.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value {
    Count(u64),
    Real(f64),
}

pub(super) fn sample<const N: usize>(labels: [&str; N], value: Value) -> Sample {
    Sample {
        labels: labels.map(str::to_owned).into(),
        value,
    }
}

pub(super) fn one(count: u64) -> Vec<Sample> {
    maybe(Some(Value::Count(count)))
}

pub(super) fn maybe(value: Option<Value>) -> Vec<Sample> {
    value.map(|value| sample([], value)).into_iter().collect()
}

pub(super) fn truth(is: bool) -> Value {
    Value::Count(is.into())
}

/// Seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> Value {
    elapsed(time, UNIX_EPOCH)
}

/// From one to the other; 0 where clocks disagree about which is later.
pub(super) fn elapsed(to: SystemTime, from: SystemTime) -> Value {
    Value::Real(to.duration_since(from).unwrap_or_default().as_secs_f64())
}

pub(super) fn filter_dropped(figures: &Figures) -> Vec<Sample> {
    let filters = figures.ledger.filtered.iter();
    let rows = filters.flat_map(|(filter, reasons)| {
        reasons
            .iter()
            .map(|(reason, count)| sample([filter.as_str(), reason.as_str()], Value::Count(*count)))
    });
    rows.collect()
}

pub(super) fn filter_errors(figures: &Figures) -> Vec<Sample> {
    // Of those that there are, and of those that counted any before they were removed.
    let filters: BTreeSet<&String> = figures
        .filters
        .iter()
        .chain(figures.ledger.errors.keys())
        .collect();
    let rows = filters.into_iter().flat_map(|filter| {
        let errors = figures.ledger.errors.get(filter);
        let errors = errors.copied().unwrap_or_default();
        [("kept", errors.kept), ("dropped", errors.dropped)]
            .map(|(action, count)| sample([filter, action], Value::Count(count)))
    });
    rows.collect()
}

pub(super) fn by_receiver(figures: &Figures, count: fn(&ReceiverLedger) -> u64) -> Vec<Sample> {
    let receivers = figures.ledger.receivers.iter();
    receivers
        .map(|(name, receiver)| sample([name], Value::Count(count(receiver))))
        .collect()
}

fn watches(figures: &Figures) -> &[Watch] {
    figures
        .kubernetes
        .as_ref()
        .map_or(&[], |kubernetes: &Kubernetes| &kubernetes.watches)
}

pub(super) fn by_watch(figures: &Figures, value: impl Fn(&Watch) -> Option<Value>) -> Vec<Sample> {
    let rows = watches(figures)
        .iter()
        .filter_map(|watch| Some(sample([&watch.name], value(watch)?)));
    rows.collect()
}

pub(super) fn by_class(figures: &Figures, counts: fn(&Watch) -> &Counts) -> Vec<Sample> {
    let rows = watches(figures).iter().flat_map(|watch| {
        counts(watch)
            .iter()
            .map(|(class, count)| sample([watch.name.as_str(), *class], Value::Count(*count)))
    });
    rows.collect()
}

pub(super) fn positions(figures: &Figures) -> Vec<Sample> {
    let rows = watches(figures).iter().flat_map(|watch| {
        watch.positions.iter().map(|(receiver, position)| {
            sample(
                [watch.name.as_str(), receiver.as_str()],
                Value::Count(*position),
            )
        })
    });
    rows.collect()
}

pub(super) fn lookup(figures: &Figures) -> Option<&Lookup> {
    figures.kubernetes.as_ref()?.lookup.as_ref()
}

pub(super) fn of_lookup(figures: &Figures, count: fn(&Lookup) -> u64) -> Vec<Sample> {
    maybe(lookup(figures).map(|lookup| Value::Count(count(lookup))))
}

pub(super) fn leader(figures: &Figures) -> Vec<Sample> {
    let kubernetes = figures.kubernetes.as_ref();
    maybe(
        kubernetes
            .and_then(|kubernetes| kubernetes.leader)
            .map(truth),
    )
}

pub(super) fn of_checkpoint(
    figures: &Figures,
    value: fn(&Checkpoint) -> Option<Value>,
) -> Vec<Sample> {
    let kubernetes = figures.kubernetes.as_ref();
    let checkpoint = kubernetes.and_then(|kubernetes| kubernetes.checkpoint.as_ref());
    maybe(checkpoint.and_then(value))
}

fn uses(figures: &Figures) -> &[Use] {
    figures.plugins.as_ref().map_or(&[], |report| &report.uses)
}

pub(super) fn by_use(figures: &Figures, value: fn(&Use) -> Value) -> Vec<Sample> {
    let rows = uses(figures)
        .iter()
        .map(|of| sample([of.name.as_str(), of.role.as_str()], value(of)));
    rows.collect()
}

pub(super) fn plugin_info(figures: &Figures) -> Vec<Sample> {
    let rows = uses(figures).iter().map(|of| {
        // What a plugin says of itself.
        let version = clean(&of.version, LABEL_BYTES_MAX);
        let digest = short_digest(&of.digest);
        sample(
            [&of.name, &of.role, &of.plugin, &version, &digest],
            Value::Count(1),
        )
    });
    rows.collect()
}

pub(super) fn plugin_times(figures: &Figures) -> Vec<Sample> {
    let called = uses(figures).iter().filter(|of| of.calls > 0);
    let rows = called.flat_map(|of| {
        [("0.5", of.time.p50), ("0.99", of.time.p99)]
            .map(|(quantile, seconds)| sample([&of.name, &of.role, quantile], Value::Real(seconds)))
    });
    rows.collect()
}

pub(super) fn plugin_counters(figures: &Figures) -> Vec<Sample> {
    let mut rows = Vec::new();
    for of in uses(figures) {
        // Two that look alike are one: a scraper refuses all where a row is there twice.
        let mut counters = BTreeMap::<String, u64>::new();
        for (name, count) in &of.counters {
            let sum = counters.entry(clean(name, LABEL_BYTES_MAX)).or_default();
            *sum = sum.saturating_add(*count);
        }
        let of_use = counters
            .iter()
            .map(|(name, count)| sample([&of.name, &of.role, name], Value::Count(*count)));
        rows.extend(of_use);
    }
    rows
}

pub(super) fn of_reload(figures: &Figures, value: fn(&Report) -> Value) -> Vec<Sample> {
    maybe(figures.plugins.as_ref().map(value))
}

pub(super) fn restart_would_fail(figures: &Figures) -> Vec<Sample> {
    of_reload(figures, |report| {
        let pending = report.pending.as_ref();
        let is_removed = |of: &Use| of.state == "removed";
        let would_fail = pending.is_some_and(|pending| pending.restart_would_fail);
        truth(would_fail || report.uses.iter().any(is_removed))
    })
}

pub(super) fn kee_build_info(_: &Figures) -> Vec<Sample> {
    let version = env!("CARGO_PKG_VERSION");
    // Not of Go: what is asked for is there and empty, so that queries that join by it go on.
    let [revision, go_version] = ["", ""];
    let (system, processor) = (std::env::consts::OS, go_processor(std::env::consts::ARCH));
    vec![sample(
        [version, revision, go_version, system, processor],
        Value::Count(1),
    )]
}

/// Go's name of a processor.
fn go_processor(ours: &str) -> &str {
    match ours {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// What KEE calls sent: what it goes on with after it looked at the age.
pub(super) fn kee_processed(figures: &Figures) -> u64 {
    let ledger = &figures.ledger;
    ledger
        .received
        .saturating_sub(ledger.too_old + ledger.duplicates)
}

pub(super) fn kee_watch_errors(figures: &Figures) -> u64 {
    watches(figures)
        .iter()
        .flat_map(|watch| watch.failures.values())
        .sum()
}

pub(super) fn kee_send_errors(figures: &Figures) -> u64 {
    let receivers = figures.ledger.receivers.values();
    receivers
        .map(|receiver| receiver.retries + receiver.dead)
        .sum()
}
