//! What goes wrong with a request, and how often.

use std::sync::Arc;

use super::record::{Reply, Request};

/// What goes wrong. What breaks a connection off breaks all requests of an HTTP/2 connection off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The connection is closed in place of an answer; the request is not processed.
    Close,
    /// The connection is reset in place of an answer; the request is not processed.
    Reset,
    /// The request is processed, and the connection reset in place of the answer.
    LostAnswer,
    /// The request is processed, and the answer breaks off in the middle of its body.
    HalfAnswer,
    /// The request is not processed until it is released.
    Hold,
    /// The request is processed; its answer waits until it is released.
    HoldAnswer,
    /// The request is processed; its answer begins, and the second half of its body waits until it is released.
    HoldBody,
    /// The request is refused with this reply, and not processed.
    Refuse(Reply),
}

impl Fault {
    /// A refusal with this status, and text that says so.
    pub fn status(code: u16) -> Fault {
        Fault::Refuse(Reply::text(code, "the test has this fail\n"))
    }

    /// HTTP 429 with `Retry-After` in seconds.
    pub fn too_many(retry_after_s: u32) -> Fault {
        let reply = Reply::text(429, "too many requests\n");
        Fault::Refuse(reply.with("retry-after", &retry_after_s.to_string()))
    }
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// To the next so many requests that fit.
    Next(u32),
    /// To each, until [`super::FakeHttp::heal`].
    Always,
}

type IsSo = Arc<dyn Fn(&Request) -> bool + Send + Sync>;

/// A fault that waits for its requests.
pub(super) struct Rule {
    times: Times,
    fault: Fault,
    is_so: IsSo,
}

impl Rule {
    pub(super) fn new(
        times: Times,
        fault: Fault,
        is_so: impl Fn(&Request) -> bool + Send + Sync + 'static,
    ) -> Rule {
        Rule {
            times,
            fault,
            is_so: Arc::new(is_so),
        }
    }
}

/// Takes what goes wrong with a request.
pub(super) fn take(rules: &mut Vec<Rule>, request: &Request) -> Option<Fault> {
    let at = rules
        .iter()
        .position(|rule| rule.times != Times::Next(0) && (rule.is_so)(request))?;
    let rule = &mut rules[at];
    let fault = rule.fault.clone();
    if let Times::Next(left) = &mut rule.times {
        *left -= 1;
        if *left == 0 {
            rules.remove(at);
        }
    }
    Some(fault)
}
