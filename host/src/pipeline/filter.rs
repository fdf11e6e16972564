//! A filter in one lane: asking it, and what is said when it fails.

use std::time::{Duration, Instant};

use weir_event::EventRef;
use weir_runtime::{Failure, Filter, LogLimit, OnError, Processed, Quarantined};

/// Log lines a second about one filter's failures in one lane.
const FAILURE_LINES_A_SECOND_MAX: u32 = 5;

/// A filter of the configuration in one lane.
pub struct LaneFilter {
    pub(super) slot: usize,
    name: String,
    /// None where its file is gone.
    filter: Option<Filter>,
    pub(super) on_error: OnError,
    failures: LogLimit,
}

impl LaneFilter {
    /// With its slot, its name and what `onError` says for it. Without an instance all its events fail.
    pub fn new(slot: usize, name: String, filter: Option<Filter>, on_error: OnError) -> LaneFilter {
        LaneFilter {
            slot,
            name,
            filter,
            on_error,
            failures: LogLimit::new(FAILURE_LINES_A_SECOND_MAX),
        }
    }

    /// With what `onError` says now.
    pub(super) fn with(self, on_error: OnError) -> LaneFilter {
        LaneFilter { on_error, ..self }
    }

    /// What the plugin says; where it fails, how long it is of no use to ask again.
    pub(super) fn ask(
        &mut self,
        event: EventRef<'_>,
        emits_max: usize,
        on_error: OnError,
    ) -> Result<Processed, Duration> {
        let Some(filter) = &mut self.filter else {
            return Err(Duration::ZERO);
        };
        let quarantine = &filter.of().quarantine;
        if quarantine.is_on() {
            quarantine.admit(Instant::now())?;
        }
        let failure = match filter.process_within(event, emits_max) {
            Ok(processed) => return Ok(processed),
            Err(failure) => failure,
        };
        let quarantined = filter.of().quarantine.now(Instant::now());
        self.report(&failure, event, on_error);
        match quarantined {
            Some(quarantined) => {
                self.report_quarantine(&quarantined, on_error);
                Err(quarantined.left)
            }
            None => Err(Duration::ZERO),
        }
    }

    fn report(&self, failure: &Failure, event: EventRef<'_>, on_error: OnError) {
        let (Some(left_out), Some(filter)) = (self.failures.admit(), &self.filter) else {
            return;
        };
        let plugin = filter.plugin();
        let then = match on_error {
            OnError::Keep => "the event went on unchanged",
            OnError::Drop => "the event was dropped",
            OnError::Hold => "the event waits",
        };
        tracing::warn!(
            filter = self.name,
            plugin = plugin.name,
            file = %plugin.path.display(),
            class = failure.label(),
            event = event.id(),
            left_out,
            "{failure}; {then}"
        );
    }

    fn report_quarantine(&self, quarantined: &Quarantined, on_error: OnError) {
        let then = match on_error {
            OnError::Keep => "its events go on unchanged",
            OnError::Drop => "its events are dropped",
            OnError::Hold => "its events wait, and what comes behind them",
        };
        let plugin = self.filter.as_ref().map(Filter::plugin);
        tracing::error!(
            filter = self.name,
            plugin = plugin.map(|plugin| plugin.name.as_str()),
            seconds = quarantined.left.as_secs_f64().ceil(),
            times = quarantined.times,
            "quarantined, it breaks too often: {}; {then}. Another version of its file ends this at once",
            quarantined.reason
        );
    }
}
