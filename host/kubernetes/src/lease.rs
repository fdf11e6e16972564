//! Leader election with a Lease of coordination.k8s.io/v1: of several replicas one is active.
//!
//! ```text
//!           missing, released, or unchanged for its duration
//!   Standby ────────────────────────────────────────────────► Leading ──► Lost (deadline, or another holds it)
//!      ▲            Elector::acquire, one write                  │  ▲
//!      └── seen held by another (409, or read)      renew each ──┘  └── release: nobody holds it
//! ```
//!
//! Who is right when clocks differ: the holder counts `renew_deadline` from before it *sent* its last successful
//! write; a candidate counts the record's duration from when it first *saw* that write. So the holder stops first,
//! by at least `duration - renew_deadline`, whatever the wall clocks say and however long requests take. Each write
//! names the resourceVersion that it was decided on, so that of two writers one is told.
//!
//! Not covered: a machine that is suspended as a whole. It may act for as long as it takes to notice, as with
//! every lease.
//!
//! The position of the source travels in an annotation of the lease, in each renewal. Nothing here knows what is in
//! it. Nothing here ends what the leader does: the host asks [`Status::holds`] before each call, and ends running
//! ones when [`Held::renew_loop`] returns.

mod elector;
mod held;
mod observed;
mod record;
mod status;
mod store;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use elector::Elector;
pub use held::{Held, Lost};
pub use record::{ANNOTATIONS_BYTES_MAX, POSITION_ANNOTATION};
pub use status::{Counts, Snapshot, Status};

use crate::failure::Failure;
use crate::random::Random;
use crate::report::Report;

/// How the election works. The host checks the bounds ([`Settings`] of `leaderElection`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The Lease's name.
    pub name: String,
    /// The Lease's namespace.
    pub namespace: String,
    /// This process's name in the lease; never that of another process: see [`identity`].
    pub identity: String,
    /// How long others wait after the last renewal, in whole seconds. Default of the host: 15 s.
    pub duration: Duration,
    /// After so long without a renewal this process stops; less than `duration`. Default of the host: 10 s.
    pub renew_deadline: Duration,
    /// How often the lease is renewed or looked at; less than `renew_deadline`. Default of the host: 2 s.
    pub retry_period: Duration,
}

impl Settings {
    /// How long one request may take: so that one that hangs leaves time for another.
    fn request_timeout(&self) -> Duration {
        self.renew_deadline / 2
    }
}

/// A name for this process, from that of its pod or host: with a random suffix, since two processes with one name
/// would both lead.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{:016x}", Random::new().number())
}

/// `period` and up to a fifth more: replicas that started together drift apart.
fn jittered(period: Duration, random: &mut Random) -> Duration {
    period.mul_f64(1.0 + random.fraction() / 5.0)
}

/// Logs a failure of a request for the lease, if that is due.
fn failed(report: &mut Report, failure: &Failure, leading: bool) {
    if let Some(left_out) = report.due(failure.label()) {
        tracing::warn!(
            %failure,
            class = failure.label(),
            leading,
            left_out,
            "a request for the lease failed"
        );
    }
}
