//! When to look after notices: what changes together should be looked at together. Pure: times are given.

use std::time::{Duration, Instant};

/// It is looked when no notice has come for so long: a copy, or kubelet's swap, is done by then.
pub const QUIET: Duration = Duration::from_millis(50);
/// It is looked at the latest so long after the first notice, if they never stop.
pub const LATEST: Duration = Duration::from_millis(500);

/// The notices since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settled {
    /// The first and the last of them.
    notices: Option<(Instant, Instant)>,
}

impl Settled {
    /// There was a notice.
    pub fn notice(&mut self, now: Instant) {
        let first = self.notices.map_or(now, |(first, _)| first);
        self.notices = Some((first, now));
    }

    /// When to look, if there was a notice: [`QUIET`] after the last one, [`LATEST`] after the first one at the latest.
    pub fn next_look(&self) -> Option<Instant> {
        self.notices
            .map(|(first, last)| (last + QUIET).min(first + LATEST))
    }

    /// A look begins: it sees what there was notice of so far.
    pub fn looked(&mut self) {
        self.notices = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn without_a_notice_there_is_nothing_to_look_for() {
        assert_eq!(Settled::default().next_look(), None);
    }

    #[test]
    fn it_is_looked_when_it_has_been_quiet() {
        let start = Instant::now();
        let mut settled = Settled::default();
        settled.notice(start);
        assert_eq!(settled.next_look(), Some(start + 50 * MS));
        settled.notice(start + 40 * MS);
        assert_eq!(settled.next_look(), Some(start + 90 * MS));
    }

    #[test]
    fn notices_that_never_stop_do_not_keep_it_from_looking() {
        let start = Instant::now();
        let mut settled = Settled::default();
        for tenth in 0..100 {
            settled.notice(start + 10 * tenth * MS);
        }
        assert_eq!(settled.next_look(), Some(start + 500 * MS));
    }

    #[test]
    fn after_a_look_it_begins_anew() {
        let start = Instant::now();
        let mut settled = Settled::default();
        settled.notice(start);
        settled.looked();
        assert_eq!(settled.next_look(), None);
        settled.notice(start + 700 * MS);
        assert_eq!(settled.next_look(), Some(start + 750 * MS));
    }
}
