//! The keys that are known but not in this version of weir: one table.
//!
//! Whoever builds the part that a key belongs to removes its row here and reads the key in the checks. A key
//! here is refused, because a configuration without it would mean something else.

/// Which map a key stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
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

/// All of them, each with what to do: `<key> is not in this version of weir yet; <text>`.
pub(crate) const LATER: &[(Scope, &str, &str)] = &[
    (
        Scope::Receiver,
        "layout",
        "leave it out: the sink gets the whole event",
    ),
    (
        Scope::Receiver,
        "deadLetters",
        "leave it out: what cannot be delivered is retried for ever",
    ),
    (
        Scope::Receiver,
        "http",
        "leave it out: sinks cannot use HTTP yet",
    ),
    (Scope::Queue, "disk", "leave it out: queues are in memory"),
    (
        Scope::Retry,
        "for",
        "leave it out: what cannot be delivered is retried for ever",
    ),
    (
        Scope::Sink,
        "tls",
        "leave it out: sinks cannot use HTTP yet",
    ),
    (
        Scope::Sink,
        "layout",
        "leave it out: the sink gets the whole event",
    ),
    (
        Scope::Sink,
        "headers",
        "leave it out: sinks cannot use HTTP yet",
    ),
];

/// What to do about a key, if it is one of them.
pub(crate) fn find(scope: Scope, key: &str) -> Option<&'static str> {
    LATER
        .iter()
        .find(|(row_scope, row_key, _)| *row_scope == scope && *row_key == key)
        .map(|(.., text)| *text)
}

/// The keys of a map that are refused.
pub(crate) fn not_yet(scope: Scope) -> impl Iterator<Item = &'static str> {
    LATER
        .iter()
        .filter(move |(row_scope, ..)| *row_scope == scope)
        .map(|(_, key, _)| *key)
}
