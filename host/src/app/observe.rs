//! What probes and metrics show of the Kubernetes source: from what its parts say of themselves to plain figures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_kubernetes::status::{Phase, WatchSnapshot};

use crate::ack::Progress;
use crate::health::{Readiness, Report};
use crate::metrics;
use crate::receivers::Receivers;
use crate::source::kubernetes::Status;

/// The source as it is seen from outside.
pub(super) struct Observed {
    /// What it says.
    pub status: Arc<Status>,
    /// Where its receivers are.
    pub progress: Arc<Progress>,
    /// Their names.
    pub receivers: Arc<Receivers>,
}

impl Observed {
    fn watches(&self) -> Vec<WatchSnapshot> {
        let watches = self.status.watches.get().into_iter().flatten();
        watches.map(|watch| watch.snapshot()).collect()
    }

    /// For `/metrics`.
    pub(super) fn figures(&self) -> metrics::Kubernetes {
        let watches = self.watches().into_iter().enumerate();
        let lookup = self.status.lookups.get().map(|counters| {
            let lookups = counters.snapshot();
            metrics::Lookup {
                hits: lookups.hits,
                misses: lookups.misses,
                requests: lookups.requests,
                failures: lookups.failures,
                without: lookups.without,
            }
        });
        metrics::Kubernetes {
            watches: watches
                .map(|(index, watch)| self.watch(index, watch))
                .collect(),
            lookup,
            leader: self.status.leader.get().map(|leader| leader.holds()),
            checkpoint: self.checkpoint(),
        }
    }

    fn watch(&self, index: usize, watch: WatchSnapshot) -> metrics::Watch {
        let receivers = self.receivers.now();
        let positions = receivers
            .iter()
            .filter_map(|(name, slot)| Some((name.clone(), self.progress.position(*slot, index)?)));
        metrics::Watch {
            connected: watch.phase == Phase::Watching,
            positions: positions.collect(),
            name: watch.name,
            last_line: watch.last_line,
            last_event: watch.last_event,
            resource_version: watch.version,
            restarts: watch.restarts,
            failures: watch.failures,
            gaps: watch.gaps,
        }
    }

    fn checkpoint(&self) -> Option<metrics::Checkpoint> {
        let checkpoint = &self.status.checkpoint;
        if !checkpoint.is_kept.load(Ordering::Relaxed) {
            return None;
        }
        let last_save_ms = checkpoint.last_save_ms.load(Ordering::Relaxed);
        Some(metrics::Checkpoint {
            saves: checkpoint.saves.load(Ordering::Relaxed),
            failures: checkpoint.failures.load(Ordering::Relaxed),
            last_save: (last_save_ms > 0).then(|| UNIX_EPOCH + Duration::from_millis(last_save_ms)),
        })
    }

    /// Who leads, and whether this process stands by for it.
    fn leader(&self) -> (Option<Value>, bool, Option<String>) {
        let Some(status) = self.status.leader.get() else {
            return (None, false, None);
        };
        let leader = status.snapshot();
        let standby = !leader.leading && leader.leader.is_some() && leader.failure.is_none();
        let shown = json!({
            "identity": status.identity(), "leading": leader.leading, "leader": leader.leader,
        });
        let failure = leader.failure.map(|failure| format!("lease: {failure}"));
        (Some(shown), standby, failure)
    }
}

impl Readiness for Arc<Observed> {
    /// Ready is: every watch is, or was and only begins its next stream; or another replica leads.
    fn report(&self) -> Report {
        let watches = self.watches();
        let (leader, standby, failure) = self.leader();
        let mut reasons: Vec<String> = failure.into_iter().collect();
        for watch in &watches {
            match (&watch.problem, watch.begun) {
                (Some(problem), _) => reasons.push(format!("watch {}: {problem}", watch.name)),
                (None, false) => {
                    let phase = watch.phase.label();
                    reasons.push(format!("watch {}: {phase}", watch.name));
                }
                (None, true) => {}
            }
        }
        if watches.is_empty() && standby {
            reasons.push("standby: another replica leads".to_owned());
        } else if watches.is_empty() && reasons.is_empty() {
            reasons.push("the position is not loaded yet".to_owned());
        }
        let well = |watch: &WatchSnapshot| watch.begun && watch.problem.is_none();
        let shown = watches.iter().map(|watch| {
            json!({
                "watch": watch.name, "phase": watch.phase.label(), "problem": watch.problem,
                "resourceVersion": watch.version.to_string(),
            })
        });
        let source = json!({"kind": "kubernetes", "watches": shown.collect::<Vec<_>>()});
        Report {
            ready: if watches.is_empty() {
                standby
            } else {
                watches.iter().all(well)
            },
            reasons,
            details: json!({"source": source, "leader": leader}),
        }
    }
}
