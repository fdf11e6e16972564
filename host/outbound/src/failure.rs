//! What went wrong with a request: a class and a text, with the origin and nothing else of the address.

use std::fmt;

/// What kind of failure; its label is how the text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// The origin, or the address that its name stands for, may not be reached by this use.
    NotGranted,
    /// It could not be made into an HTTP request.
    BadRequest,
    /// No address for the name.
    NameLookup,
    /// No connection to the server, or to the proxy.
    Connect,
    /// No TLS with the server.
    Tls,
    /// A limit of time was reached.
    Timeout,
    /// The answer is larger than the limit.
    TooLarge,
    /// The server did answer, but not with all of an HTTP answer.
    BrokenAnswer,
    /// weir is ending.
    Stopping,
}

impl Class {
    /// Fixed, for metrics and for the beginning of the text.
    pub fn label(self) -> &'static str {
        match self {
            Class::NotGranted => "not granted",
            Class::BadRequest => "bad request",
            Class::NameLookup => "name lookup",
            Class::Connect => "connect",
            Class::Tls => "TLS",
            Class::Timeout => "timeout",
            Class::TooLarge => "too large",
            Class::BrokenAnswer => "broken answer",
            Class::Stopping => "stopping",
        }
    }
}

/// Why there is no answer: `<class>: <origin>: <what happened and what to do>`. The origin is that of the address as
/// the plugin wrote it, with placeholders; no path, query, header value or secret is ever in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    pub(crate) class: Class,
    pub(crate) origin: String,
    pub(crate) detail: String,
}

impl SendError {
    /// What kind of failure.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SendError {
            class,
            origin,
            detail,
        } = self;
        write!(out, "{}: {origin}: {detail}", class.label())
    }
}

impl std::error::Error for SendError {}

/// A failure before it is known whose it is. Not shown as it is: the text has not been through `hide`.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) class: Class,
    pub(crate) detail: String,
}

impl Failure {
    pub(crate) fn new(class: Class, detail: impl Into<String>) -> Failure {
        let detail = detail.into();
        Failure { class, detail }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Failure {
        Failure::new(Class::BadRequest, detail)
    }
}
