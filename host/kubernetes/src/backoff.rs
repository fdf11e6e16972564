//! How long to wait before a failed request is tried again.

use std::time::Duration;

use crate::random::Random;

/// The longest `Retry-After` that is honoured: a server that asks for more is asked again after this.
pub const RETRY_AFTER_MOST: Duration = Duration::from_secs(300);

/// Waits that double, each shortened by up to half at random, so that many clients do not come back at once.
///
/// It only counts; the caller waits.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    most: Duration,
    attempts: u32,
    random: Random,
}

impl Backoff {
    /// The first wait is from half of `first` to `first`; none is longer than `most` (at least `first`).
    pub fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most: most.max(first),
            attempts: 0,
            random: Random::new(),
        }
    }

    /// The next wait. `least` is what the server asked for
    /// ([`Failure::retry_after`](crate::failure::Failure::retry_after)): the wait is no shorter, even if it is
    /// longer than `most`, but for [`RETRY_AFTER_MOST`].
    pub fn next(&mut self, least: Option<Duration>) -> Duration {
        let factor = 1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX);
        self.attempts = self.attempts.saturating_add(1);
        let whole = self.first.saturating_mul(factor).min(self.most);
        let wait = whole.mul_f64(0.5 + self.random.fraction() / 2.0);
        match least {
            // Everybody was told the same time: what is added keeps them apart.
            Some(least) => least.min(RETRY_AFTER_MOST).max(whole / 2) + (wait - whole / 2),
            None => wait,
        }
    }

    /// Something worked: the next wait is a first one again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// How many waits there were since the start or the last reset.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn doubles_with_jitter_up_to_the_most_and_starts_again() {
        let mut backoff = Backoff::new(seconds(1), seconds(30));
        for whole in [1, 2, 4, 8, 16, 30, 30, 30] {
            let wait = backoff.next(None);
            assert!(wait >= seconds(whole) / 2, "{wait:?} of {whole}");
            assert!(wait <= seconds(whole), "{wait:?} of {whole}");
        }
        backoff.reset();
        assert!(backoff.next(None) <= seconds(1));
    }

    #[test]
    fn never_overflows() {
        let mut backoff = Backoff::new(seconds(1), seconds(30));
        for _ in 0..100 {
            assert!(backoff.next(None) <= seconds(30));
        }
        assert_eq!(backoff.attempts(), 100);
    }

    #[test]
    fn waits_as_long_as_the_server_asks_but_for_a_limit() {
        let mut backoff = Backoff::new(seconds(1), seconds(5));
        let wait = backoff.next(Some(seconds(20)));
        assert!((seconds(20)..=seconds(21)).contains(&wait), "{wait:?}");
        let wait = backoff.next(Some(seconds(86_400)));
        assert!(wait <= RETRY_AFTER_MOST + seconds(2), "{wait:?}");
        backoff.reset();
        // Less than what would be waited anyway changes nothing.
        let wait = backoff.next(Some(Duration::ZERO));
        assert!(wait >= seconds(1) / 2 && wait <= seconds(1), "{wait:?}");
    }

    #[test]
    fn two_do_not_wait_alike() {
        let waits: Vec<_> = (0..4)
            .map(|_| Backoff::new(seconds(60), seconds(60)).next(None))
            .collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
