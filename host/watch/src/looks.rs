//! When the next look is due, and why: the one wait of the thread that looks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::settled::Settled;

/// It is looked so often without any notice: not all changes can be noticed (`lib.rs` says which).
pub const PERIOD: Duration = Duration::from_secs(30);

/// Why it is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Something changed, and it has been quiet since.
    Notice,
    /// Somebody asked for it: SIGHUP, or a request.
    Asked,
    /// The time is over.
    Periodic,
    /// There will be no further look.
    Ended,
}

/// Shared by the thread that looks, and those that give it cause to.
#[derive(Debug, Default)]
pub struct Looks {
    state: Mutex<State>,
    changed: Condvar,
}

impl Looks {
    /// Waits until it is time to look, for `timeout` ([`PERIOD`]) at most. What there was notice of, or asked for, until it
    /// returns is answered by the look that follows; what comes during the look makes the next call return early.
    pub fn next(&self, timeout: Duration) -> Why {
        let periodic = Instant::now() + timeout;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            match state.take(now, periodic) {
                Ok(why) => return why,
                Err(then) => {
                    state = self
                        .changed
                        .wait_timeout(state, then.saturating_duration_since(now))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                }
            }
        }
    }

    /// Something changed: [`crate::Notices`] calls it.
    pub fn notice(&self) {
        self.change(|state| state.settled.notice(Instant::now()));
    }

    /// Has it looked at once. Several before the look are one.
    pub fn ask(&self) {
        self.change(|state| state.is_asked = true);
    }

    /// Ends the wait, and all later ones.
    pub fn end(&self) {
        self.change(|state| state.is_ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    settled: Settled,
    is_asked: bool,
    is_ended: bool,
}

impl State {
    /// Why it is time now, and begins anew; else when it will be, if nothing happens before.
    fn take(&mut self, now: Instant, periodic: Instant) -> Result<Why, Instant> {
        let then = self
            .settled
            .next_look()
            .map_or(periodic, |look| look.min(periodic));
        let why = if self.is_ended {
            return Ok(Why::Ended);
        } else if self.is_asked {
            Why::Asked
        } else if now < then {
            return Err(then);
        } else if self.settled.next_look().is_some() {
            Why::Notice
        } else {
            Why::Periodic
        };
        self.settled.looked();
        self.is_asked = false;
        Ok(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn without_a_notice_it_is_looked_when_the_time_is_over() {
        let (mut state, start) = (State::default(), Instant::now());
        let periodic = start + PERIOD;
        assert_eq!(state.take(start, periodic), Err(periodic));
        assert_eq!(state.take(periodic, periodic), Ok(Why::Periodic));
    }

    #[test]
    fn a_notice_brings_the_look_forward_and_is_answered_by_it() {
        let (mut state, start) = (State::default(), Instant::now());
        let periodic = start + PERIOD;
        state.settled.notice(start + 5 * MS);
        assert_eq!(state.take(start + 5 * MS, periodic), Err(start + 55 * MS));
        assert_eq!(state.take(start + 55 * MS, periodic), Ok(Why::Notice));
        assert_eq!(state.take(start + 56 * MS, periodic), Err(periodic));
    }

    #[test]
    fn a_notice_never_puts_off_the_periodic_look() {
        let (mut state, start) = (State::default(), Instant::now());
        let periodic = start + 10 * MS;
        state.settled.notice(start + 9 * MS);
        assert_eq!(state.take(start + 9 * MS, periodic), Err(periodic));
        assert_eq!(state.take(periodic, periodic), Ok(Why::Notice));
    }

    #[test]
    fn who_asks_does_not_wait_for_quiet_and_is_answered_once() {
        let (mut state, start) = (State::default(), Instant::now());
        let periodic = start + PERIOD;
        state.settled.notice(start);
        (state.is_asked, state.is_ended) = (true, false);
        assert_eq!(state.take(start, periodic), Ok(Why::Asked));
        assert_eq!(state.take(start, periodic), Err(periodic));
    }

    #[test]
    fn the_end_comes_before_all_else_and_lasts() {
        let looks = Looks::default();
        looks.ask();
        looks.end();
        assert_eq!(looks.next(PERIOD), Why::Ended);
        assert_eq!(looks.next(PERIOD), Why::Ended);
    }

    #[test]
    fn a_wait_ends_when_somebody_gives_cause() {
        for (cause, why) in [
            (Looks::notice as fn(&Looks), Why::Notice),
            (Looks::ask, Why::Asked),
            (Looks::end, Why::Ended),
        ] {
            let looks = Arc::new(Looks::default());
            let waiting = Arc::clone(&looks);
            let waiter = std::thread::spawn(move || waiting.next(Duration::from_secs(600)));
            cause(&looks);
            assert_eq!(waiter.join().expect("no panic"), why);
        }
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        assert_eq!(Looks::default().next(MS), Why::Periodic);
    }
}
