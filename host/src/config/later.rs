//! The keys that are known but do nothing in this version of weir: one table.
//!
//! Whoever builds the part that a key belongs to removes its row here and reads the key in the checks. A row
//! either refuses the key, because a configuration without it would mean something else, or only warns,
//! because what it tunes does not exist with the sources there are.

/// Which map a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The top level.
    Top,
    /// `source`.
    Source,
    /// An item of `receivers`.
    Receiver,
    /// `queue` of a receiver.
    Queue,
    /// `retry` of a receiver.
    Retry,
    /// The block of a sink in a receiver.
    Sink,
    /// A map without such keys.
    Other,
}

/// What to say about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// An error: `<key> is not in this version of weir yet; <text>`.
    NotYet(&'static str),
    /// A warning; the value is still checked.
    NoEffect(&'static str),
}

use Answer::{NoEffect, NotYet};

const NOT_WITH_REPLAY: &str = "has no effect with source.replay";

/// All of them.
pub(crate) const LATER: &[(Scope, &str, Answer)] = &[
    (Scope::Source, "kubernetes", NotYet("use source.replay")),
    (
        Scope::Top,
        "checkpoint",
        NotYet("leave it out: source.replay keeps no position"),
    ),
    (
        Scope::Top,
        "admin",
        NotYet("leave it out: there are no metrics and probes yet, `--ledger FILE` counts events"),
    ),
    (
        Scope::Receiver,
        "layout",
        NotYet("leave it out: the sink gets the whole event"),
    ),
    (
        Scope::Receiver,
        "deadLetters",
        NotYet("leave it out: what cannot be delivered is retried for ever"),
    ),
    (
        Scope::Receiver,
        "http",
        NotYet("leave it out: sinks cannot use HTTP yet"),
    ),
    (
        Scope::Queue,
        "disk",
        NotYet("leave it out: queues are in memory"),
    ),
    (
        Scope::Retry,
        "for",
        NotYet("leave it out: what cannot be delivered is retried for ever"),
    ),
    (
        Scope::Sink,
        "tls",
        NotYet("leave it out: sinks cannot use HTTP yet"),
    ),
    (
        Scope::Sink,
        "layout",
        NotYet("leave it out: the sink gets the whole event"),
    ),
    (
        Scope::Sink,
        "headers",
        NotYet("leave it out: sinks cannot use HTTP yet"),
    ),
    (Scope::Top, "maxEventAgeSeconds", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "throttlePeriod", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "namespace", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "leaderElection", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "kubeQPS", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "kubeBurst", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "omitLookup", NoEffect(NOT_WITH_REPLAY)),
    (Scope::Top, "cacheSize", NoEffect(NOT_WITH_REPLAY)),
    (
        Scope::Top,
        "metricsNamePrefix",
        NoEffect("has no effect: this version of weir has no metrics yet"),
    ),
];

/// What to say about a key, if it is one of them.
pub(crate) fn find(scope: Scope, key: &str) -> Option<Answer> {
    LATER
        .iter()
        .find(|(row_scope, row_key, _)| *row_scope == scope && *row_key == key)
        .map(|(.., answer)| *answer)
}

/// The keys of a map that are refused.
pub(crate) fn not_yet(scope: Scope) -> impl Iterator<Item = &'static str> {
    LATER
        .iter()
        .filter(move |(row_scope, _, answer)| *row_scope == scope && matches!(answer, NotYet(_)))
        .map(|(_, key, _)| *key)
}
