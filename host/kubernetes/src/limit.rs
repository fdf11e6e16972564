//! The rate of requests: a token bucket that gives places in a queue.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The longest time between two requests, whatever `qps` says.
const INTERVAL_MOST: Duration = Duration::from_secs(3600);

/// The longest pause that a server can ask for.
const PAUSE_MOST: Duration = Duration::from_secs(60);

/// At most `burst` requests at once and `qps` a second in the long run, in the order they are asked for.
#[derive(Debug)]
pub(crate) struct Limit {
    interval: Duration,
    /// How far the bucket may be ahead of time: `burst` less one, in intervals.
    ahead: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the bucket is full again, as the "generic cell rate algorithm" has it; one number in place of
    /// tokens that must be filled up.
    full: Instant,
    paused_until: Instant,
}

impl Limit {
    /// `qps`: above 0; `burst`: at least 1.
    pub fn new(qps: f64, burst: u32) -> Self {
        let interval = Duration::try_from_secs_f64(1.0 / qps)
            .unwrap_or(INTERVAL_MOST)
            .min(INTERVAL_MOST);
        let now = Instant::now();
        Self {
            interval,
            ahead: interval.saturating_mul(burst.saturating_sub(1)),
            state: Mutex::new(State {
                full: now,
                paused_until: now,
            }),
        }
    }

    /// Waits for a place. `false`, at once, where there is none before the deadline.
    pub async fn wait(&self, deadline: Instant) -> bool {
        let Some(start) = self.reserve(deadline) else {
            return false;
        };
        sleep_until(start).await;
        // A pause that was asked for meanwhile.
        let paused_until = self.locked().paused_until;
        if paused_until >= deadline {
            return false;
        }
        sleep_until(paused_until).await;
        true
    }

    /// Nothing starts for this long, at most a minute.
    pub fn pause(&self, time: Duration) {
        let until = Instant::now() + time.min(PAUSE_MOST);
        let mut state = self.locked();
        state.paused_until = state.paused_until.max(until);
    }

    fn reserve(&self, deadline: Instant) -> Option<Instant> {
        let now = Instant::now();
        let mut state = self.locked();
        let earliest = state.full.checked_sub(self.ahead).unwrap_or(now);
        let start = earliest.max(now).max(state.paused_until);
        if start >= deadline {
            return None;
        }
        state.full = state.full.max(start) + self.interval;
        Some(start)
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(seconds: u64) -> Instant {
        Instant::now() + Duration::from_secs(seconds)
    }

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_the_rate() {
        let limit = Limit::new(10.0, 3);
        let start = Instant::now();
        let mut times = Vec::new();
        for _ in 0..5 {
            assert!(limit.wait(deadline(9)).await);
            times.push(start.elapsed().as_millis());
        }
        assert_eq!(times, [0, 0, 0, 100, 200]);
        tokio::time::advance(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..4 {
            assert!(limit.wait(deadline(9)).await);
        }
        assert_eq!(
            start.elapsed().as_millis(),
            100,
            "an idle bucket holds no more than the burst"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_no_place_before_its_deadline_takes_none() {
        let limit = Limit::new(1.0, 1);
        assert!(limit.wait(deadline(1)).await);
        for _ in 0..100 {
            assert!(!limit.wait(deadline(1)).await);
        }
        let start = Instant::now();
        assert!(limit.wait(deadline(2)).await);
        assert_eq!(start.elapsed().as_secs(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_what_waits_too() {
        let limit = Limit::new(1.0, 1);
        assert!(limit.wait(deadline(9)).await);
        let start = Instant::now();
        let (waited, ()) = tokio::join!(limit.wait(deadline(9)), async {
            limit.pause(Duration::from_secs(5));
        });
        assert!(waited);
        assert_eq!(start.elapsed().as_secs(), 5);
        limit.pause(Duration::from_secs(5));
        assert!(!limit.wait(deadline(3)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn odd_rates_do_no_harm() {
        for qps in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-300, 1e300] {
            let limit = Limit::new(qps, u32::MAX);
            assert!(limit.wait(deadline(1)).await, "{qps}");
            let limit = Limit::new(qps, 0);
            assert!(limit.wait(deadline(1)).await, "{qps}");
        }
    }
}
