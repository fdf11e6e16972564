//! How the values of metrics are read from [`Figures`]: small functions for the rows of `families`.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Checkpoint, Counts, Figures, Kubernetes, Lookup, Watch};
use crate::ledger::ReceiverLedger;

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
