//! The times at which events are due, where a rate is set. Knows no clock and no events.

use std::time::{Duration, Instant};

/// A thread may wake up so much too late and make up for it. What was missed by more (the input idled, a
/// sink held us up) is never caught up with: it would come out at no rate at all.
const SLACK: Duration = Duration::from_millis(100);

/// Holds events to a rate: in any time, at most what it allows in that time and [`SLACK`].
pub struct Pace {
    interval: Duration,
    next: Instant,
}

impl Pace {
    /// So many events a second, not 0; the first one is due now.
    pub fn new(events_a_second: u32, now: Instant) -> Pace {
        Pace {
            interval: Duration::from_secs(1) / events_a_second,
            next: now,
        }
    }

    /// How long the next event has to wait.
    pub fn left(&mut self, now: Instant) -> Duration {
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        self.next = self.next.max(earliest);
        self.next.saturating_duration_since(now)
    }

    /// An event went.
    pub fn went(&mut self) {
        self.next += self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// Events that go at once.
    fn burst(pace: &mut Pace, now: Instant) -> u32 {
        let mut count = 0;
        while pace.left(now).is_zero() {
            pace.went();
            count += 1;
        }
        count
    }

    #[test]
    fn time_that_was_idled_away_is_not_caught_up_with() {
        let start = Instant::now();
        let mut pace = Pace::new(100, start);
        assert_eq!((burst(&mut pace, start), pace.left(start)), (1, ms(10)));
        // A little late is made up for: one that was due, two that were missed.
        assert_eq!(burst(&mut pace, start + ms(30)), 3);
        let later = start + Duration::from_secs(3600);
        assert_eq!((burst(&mut pace, later), pace.left(later)), (11, ms(10)));
    }

    #[test]
    fn a_low_rate_keeps_its_interval() {
        let start = Instant::now();
        let mut pace = Pace::new(1, start);
        assert_eq!((burst(&mut pace, start), pace.left(start)), (1, ms(1000)));
        let later = start + ms(50_000);
        assert_eq!((burst(&mut pace, later), pace.left(later)), (1, ms(900)));
    }
}
