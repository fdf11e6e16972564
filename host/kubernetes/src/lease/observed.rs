//! What a candidate has seen of the lease, and whether it may be taken. No input or output.
//!
//! A record counts as abandoned when it was seen unchanged for the whole time that it asks for, measured by the
//! candidate's own monotonic clock from the moment it first saw it. The times within the record come from another
//! machine's clock and are never used. This is safe because the holder counts from before it *sent* its renewal,
//! and stops earlier (`renewDeadline`) than others may take over (`leaseDuration`).

use std::time::Duration;

use tokio::time::Instant;

use super::record::Record;

/// The last thing that was seen.
#[derive(Debug, Default)]
pub(crate) struct Observed {
    seen: Option<Seen>,
}

#[derive(Debug)]
struct Seen {
    /// The resourceVersion; `None`: there was no lease.
    version: Option<String>,
    /// Who held it; for a lease that is gone: who held it before.
    holder: Option<String>,
    duration: Duration,
    /// When it was first seen so.
    since: Instant,
}

/// What a candidate may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Take it now: write with the resourceVersion that was seen.
    Take,
    /// It is held by `leader`, and may not be taken before `until`.
    Wait {
        /// Whom it belongs to.
        leader: String,
        /// If it does not change before.
        until: Instant,
    },
}

impl Observed {
    /// Remembers what was read (`None`: there is no lease), where the answer came at `now`, and decides for the
    /// candidate `me`. `duration` is for a record that does not say how long it holds.
    pub(crate) fn look(
        &mut self,
        record: Option<&Record>,
        me: &str,
        duration: Duration,
        now: Instant,
    ) -> Decision {
        let version = record.map(Record::version);
        let seen = match self.seen.take() {
            Some(seen) if seen.version.as_deref() == version => seen,
            before => Seen::first(record, before, duration, now),
        };
        let until = seen.since + seen.duration;
        let decision = match &seen.holder {
            Some(leader) if leader != me && now < until => Decision::Wait {
                leader: leader.clone(),
                until,
            },
            _ => Decision::Take,
        };
        self.seen = Some(seen);
        decision
    }
}

impl Seen {
    fn first(
        record: Option<&Record>,
        before: Option<Self>,
        duration: Duration,
        now: Instant,
    ) -> Self {
        match (record, before) {
            (Some(record), _) => Self {
                version: Some(record.version().to_owned()),
                holder: record.holder().map(str::to_owned),
                duration: record.duration(duration),
                since: now,
            },
            // Somebody deleted it under its holder, who notices at its next renewal: until then it still works.
            (None, Some(before)) => Self {
                version: None,
                since: now,
                ..before
            },
            (None, None) => Self {
                version: None,
                holder: None,
                duration,
                since: now,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn record(version: &str, holder: &str) -> Record {
        let text = json!({
            "kind": "Lease",
            "metadata": {"resourceVersion": version},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
        });
        Record::parse(text.to_string().as_bytes()).unwrap()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    fn wait(leader: &str, until: Instant) -> Decision {
        Decision::Wait {
            leader: leader.to_owned(),
            until,
        }
    }

    /// The second, what is there, and for whom and until which second it is waited (`None`: it is taken).
    type Look = (u64, Option<Record>, Option<(&'static str, u64)>);

    /// Looks at each record at its second, and compares.
    fn check(steps: &[Look]) {
        let start = Instant::now();
        let mut observed = Observed::default();
        for (second, record, expected) in steps {
            let expected = match expected {
                None => Decision::Take,
                Some((leader, until)) => wait(leader, after(start, *until)),
            };
            let now = after(start, *second);
            let found = observed.look(record.as_ref(), "me", DURATION, now);
            assert_eq!(found, expected, "at {second} s");
        }
    }

    #[test]
    fn missing_released_or_own_is_taken_at_once() {
        check(&[(0, None, None)]);
        check(&[(0, Some(record("1", "")), None)]);
        check(&[(0, Some(record("1", "me")), None)]);
        check(&[
            (0, Some(record("1", "other")), Some(("other", 15))),
            (1, Some(record("2", "")), None),
        ]);
    }

    #[test]
    fn unchanged_for_its_duration_is_taken() {
        check(&[
            (0, Some(record("1", "other")), Some(("other", 15))),
            (14, Some(record("1", "other")), Some(("other", 15))),
            (15, Some(record("1", "other")), None),
        ]);
    }

    #[test]
    fn each_change_starts_the_wait_again() {
        check(&[
            (0, Some(record("1", "other")), Some(("other", 15))),
            (14, Some(record("2", "other")), Some(("other", 29))),
            (28, Some(record("3", "third")), Some(("third", 43))),
            (43, Some(record("3", "third")), None),
        ]);
    }

    #[test]
    fn deleted_under_its_holder_is_waited_for() {
        check(&[
            (0, Some(record("1", "other")), Some(("other", 15))),
            (10, None, Some(("other", 25))),
            (20, None, Some(("other", 25))),
            (25, None, None),
        ]);
    }

    #[test]
    fn deleted_after_its_release_is_taken_at_once() {
        check(&[(0, Some(record("1", "")), None), (1, None, None)]);
    }
}
