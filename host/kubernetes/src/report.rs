//! Which failures that go on are worth a line of the log: the first of each kind, and then one a minute.

use std::time::Duration;

use tokio::time::Instant;

/// How often a failure that goes on is logged.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// What was logged last.
#[derive(Debug, Default)]
pub(crate) struct Report {
    last: Option<(&'static str, Instant)>,
    /// Not logged since then.
    left_out: u64,
}

impl Report {
    /// Whether a line with this label is due now; then with how many were left out before it.
    pub(crate) fn due(&mut self, label: &'static str) -> Option<u64> {
        let now = Instant::now();
        match self.last {
            Some((before, at)) if before == label && now < at + LOG_EVERY => {
                self.left_out += 1;
                None
            }
            _ => {
                self.last = Some((label, now));
                Some(std::mem::take(&mut self.left_out))
            }
        }
    }

    /// Something worked: the next failure is news again.
    pub(crate) fn worked(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_line_a_minute_and_each_new_kind() {
        let mut report = Report::default();
        assert_eq!(report.due("network"), Some(0));
        assert_eq!(report.due("network"), None);
        assert_eq!(report.due("forbidden"), Some(1));
        assert_eq!(report.due("forbidden"), None);
        tokio::time::advance(LOG_EVERY).await;
        assert_eq!(report.due("forbidden"), Some(1));
        report.worked();
        assert_eq!(report.due("forbidden"), Some(0));
    }
}
