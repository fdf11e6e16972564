//! What may have been missed: an interval in which no watch was open, and what the server no longer tells of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a cluster keeps an event unless its `--event-ttl` says otherwise.
pub const EVENT_TTL: Duration = Duration::from_secs(3600);

/// What a gap may have cost, from the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapClass {
    /// Every event that lives was listed; of one that was repeated meanwhile, only the last state was seen.
    States,
    /// It was longer than the cluster keeps events: some may have come and gone unseen.
    Events,
    /// The server's versions are below the position: another cluster, or one restored from a backup. What it has now
    /// was listed in full.
    History,
}

impl GapClass {
    /// All of them.
    pub const ALL: [GapClass; 3] = [GapClass::States, GapClass::Events, GapClass::History];

    /// Of a gap that lasted so long.
    pub fn of(lasted: Duration) -> GapClass {
        if lasted < EVENT_TTL {
            GapClass::States
        } else {
            GapClass::Events
        }
    }

    /// A fixed label.
    pub fn label(self) -> &'static str {
        match self {
            GapClass::States => "states",
            GapClass::Events => "events",
            GapClass::History => "history",
        }
    }

    /// What it means, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            GapClass::States => {
                "all events that the cluster has are read; of an event that was repeated meanwhile, states in between may be missing"
            }
            GapClass::Events => {
                "it was longer than a cluster keeps events by default (1 h): events that came and went meanwhile are missing"
            }
            GapClass::History => {
                "the server's resourceVersion is below the position: it was restored from a backup, or it is another cluster; all events that it has are read again"
            }
        }
    }
}

/// A gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// What it may have cost.
    pub class: GapClass,
    /// When a watch was last known to be open.
    pub from: SystemTime,
    /// When it was noticed.
    pub to: SystemTime,
}

impl Gap {
    /// One that ends now.
    pub fn since(from: SystemTime) -> Gap {
        let to = SystemTime::now();
        let lasted = to.duration_since(from).unwrap_or_default();
        Gap {
            class: GapClass::of(lasted),
            from,
            to,
        }
    }

    /// As an event of core/v1, about the namespace that is watched: for who wants gaps among the events.
    /// `version` is what stands for its resourceVersion.
    pub fn event(&self, namespace: Option<&str>, version: u64) -> String {
        let (from, to) = (rfc3339(self.from), rfc3339(self.to));
        let in_namespace = namespace.unwrap_or("default");
        let class = self.class.label();
        let uid = format!(
            "weir-gap-{}-{}",
            milliseconds(self.from),
            milliseconds(self.to)
        );
        let message = format!(
            "Between {from} and {to} weir saw no events of {}: {}",
            namespace.map_or("any namespace".to_owned(), |name| format!(
                "namespace {name}"
            )),
            self.class.meaning()
        );
        serde_json::json!({
            "metadata": {
                "name": format!("weir.{uid}"), "namespace": in_namespace, "uid": uid,
                "resourceVersion": version.to_string(), "creationTimestamp": to,
                "annotations": {"weir.dev/gap": class},
            },
            "involvedObject": {"kind": "Namespace", "name": in_namespace, "apiVersion": "v1"},
            "reason": "EventsMissed",
            "message": message,
            "source": {"component": "weir"},
            "firstTimestamp": from, "lastTimestamp": to, "count": 1,
            "type": "Warning", "eventTime": null,
            "reportingComponent": "weir", "reportingInstance": "",
        })
        .to_string()
    }
}

/// Milliseconds since the Unix epoch; 0 for what lies before it.
pub fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn rfc3339(time: SystemTime) -> String {
    let seconds = i64::try_from(milliseconds(time) / 1000).unwrap_or(0);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_worth_what_the_cluster_forgot_meanwhile() {
        for (seconds, class) in [
            (0, GapClass::States),
            (3599, GapClass::States),
            (3600, GapClass::Events),
        ] {
            assert_eq!(
                GapClass::of(Duration::from_secs(seconds)),
                class,
                "{seconds}"
            );
        }
    }

    #[test]
    fn its_event_is_an_event() {
        let gap = Gap {
            class: GapClass::Events,
            from: UNIX_EPOCH + Duration::from_secs(1_795_449_738),
            to: UNIX_EPOCH + Duration::from_secs(1_795_459_738),
        };
        let mut reader = weir_event::Reader::new("");
        let mut seen = 0;
        let text = gap.event(Some("shop"), 77);
        reader
            .read(text.as_bytes(), &mut |event| {
                let event = event.expect("an event");
                assert_eq!(event.id(), "weir-gap-1795449738000-1795459738000/77");
                assert_eq!(event.timestamp(), 1_795_459_738_000);
                assert_eq!(
                    (&*event.reason(), &*event.namespace()),
                    ("EventsMissed", "shop")
                );
                assert!(
                    event.message().contains("2026-11-23T16:02:18Z"),
                    "{}",
                    event.message()
                );
                seen += 1;
            })
            .expect("an event");
        assert_eq!(seen, 1);
    }
}
