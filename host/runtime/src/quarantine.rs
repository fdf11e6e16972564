//! Quarantine: a plugin that breaks too often is not called for a while.
//!
//! Too often is: within [`WINDOW`] at least [`FAULTS_LEAST`] events broke it, and these were nine in ten of those that it got, so
//! that it is broken and not the events; or what its faults took is a fifth of the window, so that it holds up everything. The first pause is
//! [`PAUSE_FIRST`]; each one that follows within [`MEMORY`] of the last is twice as long, up to [`PAUSE_MOST`].
//!
//! The way back: after the pause one event is tried. If that works, the use is free again, and watched as before.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Faults are counted over this long.
pub const WINDOW: Duration = Duration::from_secs(10);
/// Fewer events that broke it are no reason.
pub const FAULTS_LEAST: u64 = 10;
/// Processor time that faults may take in a window.
const LOST_MOST: Duration = Duration::from_secs(2);
/// The first quarantine.
pub const PAUSE_FIRST: Duration = Duration::from_secs(10);
/// The longest.
pub const PAUSE_MOST: Duration = Duration::from_secs(600);
/// After so long without one the next is a first again.
pub const MEMORY: Duration = Duration::from_secs(600);
/// A try that has not ended after so long is not waited for.
const TRY_MOST: Duration = Duration::from_secs(60);

/// Of one use.
#[derive(Default)]
pub struct Quarantine {
    /// A quarantine is on: the common case is one look at this.
    on: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    window: Option<Window>,
    /// How many in a row, with when the last began.
    times: u32,
    last: Option<Instant>,
    /// When the pause ends; then one event is tried.
    until: Option<Instant>,
    /// Since when one is tried.
    trying: Option<Instant>,
    reason: String,
}

impl Inner {
    /// The window at this time: the one that is open, or a new one.
    fn window(&mut self, now: Instant, calls: u64) -> &mut Window {
        self.window.take_if(|window| now - window.since >= WINDOW);
        self.window.get_or_insert(Window {
            since: now,
            calls: calls.saturating_sub(2),
            faults: 0,
            lost: Duration::ZERO,
        })
    }
}

struct Window {
    since: Instant,
    /// The calls when it began.
    calls: u64,
    faults: u64,
    lost: Duration,
}

/// A quarantine that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// How long until one event is tried; zero while one is.
    pub left: Duration,
    /// How many in a row, this one counted.
    pub times: u32,
    /// Why.
    pub reason: String,
}

impl Quarantine {
    /// Whether the plugin may be called now; if not, for how long.
    ///
    /// # Errors
    /// With the time until it is worth asking again.
    pub fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut inner = self.lock();
        let Some(until) = inner.until else {
            return Ok(());
        };
        if now < until {
            return Err(until - now);
        }
        let tried_since = inner.trying.filter(|since| now - *since < TRY_MOST);
        if let Some(since) = tried_since {
            return Err((since + TRY_MOST - now).min(Duration::from_millis(100)));
        }
        inner.trying = Some(now);
        Ok(())
    }

    /// Whether a quarantine is on: then [`Quarantine::admit`] must be asked before each call. Costs one look.
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// The quarantine that is on.
    pub fn now(&self, now: Instant) -> Option<Quarantined> {
        let inner = self.lock();
        inner.until.map(|until| Quarantined {
            left: until.saturating_duration_since(now),
            times: inner.times,
            reason: inner.reason.clone(),
        })
    }

    /// Another version runs: nothing is held against it.
    pub fn release(&self) {
        *self.lock() = Inner::default();
        self.on.store(false, Ordering::Release);
    }

    /// A call gave an answer. Costs nothing but a look where no quarantine is on.
    pub(crate) fn answered(&self) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let mut inner = self.lock();
        if inner.trying.take().is_some() {
            inner.until = None;
            inner.window = None;
            self.on.store(false, Ordering::Release);
        }
    }

    /// A call broke and took so much processor time; `calls` are all that there were.
    pub(crate) fn lost(&self, now: Instant, calls: u64, took: Duration, text: impl Fn() -> String) {
        let mut inner = self.lock();
        let window = inner.window(now, calls);
        window.lost += took;
        if window.lost >= LOST_MOST && inner.until.is_none() {
            self.begin(&mut inner, now, text());
        }
    }

    /// An event broke it, also in a fresh instance; `calls` are all that there were.
    pub(crate) fn faulted(&self, now: Instant, calls: u64, text: impl Fn() -> String) {
        let mut inner = self.lock();
        if inner.trying.take().is_some() {
            return self.begin(&mut inner, now, text());
        }
        if inner.until.is_some() {
            return; // a call that was under way when it began
        }
        let window = inner.window(now, calls);
        window.faults += 1;
        // An event that breaks it for good is two calls.
        let events = calls.saturating_sub(window.calls + window.faults);
        let often = window.faults * 10 >= events * 9;
        if often && window.faults >= FAULTS_LEAST {
            self.begin(&mut inner, now, text());
        }
    }

    fn begin(&self, inner: &mut Inner, now: Instant, reason: String) {
        let in_a_row = inner
            .last
            .is_some_and(|last| now - last < PAUSE_MOST + MEMORY);
        inner.times = if in_a_row { inner.times + 1 } else { 1 };
        inner.last = Some(now);
        let doublings = (inner.times - 1).min(16);
        let pause = PAUSE_FIRST.saturating_mul(1 << doublings).min(PAUSE_MOST);
        inner.until = Some(now + pause);
        inner.window = None;
        inner.reason = reason;
        self.on.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of so many events breaks it; gives after how many it was not called any more.
    fn break_it(
        quarantine: &Quarantine,
        now: Instant,
        calls_between: u64,
        events: u64,
    ) -> Option<u64> {
        let mut calls = 0;
        (1..=events).find(|_| {
            calls += calls_between + 2;
            quarantine.faulted(now, calls, trapped);
            quarantine.admit(now).is_err()
        })
    }

    fn trapped() -> String {
        "trapped".to_owned()
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn what_always_breaks_is_quarantined_and_what_seldom_does_is_not() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        assert_eq!(break_it(&quarantine, now, 0, 100), Some(FAULTS_LEAST));
        assert_eq!(quarantine.now(now).expect("on").times, 1);
        assert_eq!(
            break_it(&Quarantine::default(), now, 1, 1000),
            None,
            "every other"
        );
    }

    #[test]
    fn faults_far_apart_are_none_of_a_window() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        for nth in 0..100 {
            quarantine.faulted(after(now, 2 * nth), 2 * nth, trapped);
            assert_eq!(quarantine.admit(after(now, 2 * nth)), Ok(()), "{nth}");
        }
    }

    #[test]
    fn what_takes_a_fifth_of_the_time_is_quarantined_however_seldom_it_breaks() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        for nth in 1..=3_u64 {
            assert_eq!(quarantine.admit(after(now, nth)), Ok(()));
            quarantine.lost(
                after(now, nth),
                nth * 10_000,
                Duration::from_millis(900),
                trapped,
            );
        }
        assert!(quarantine.admit(after(now, 4)).is_err());
    }

    #[test]
    fn the_way_back_is_one_event_and_pauses_grow() {
        let (quarantine, mut now) = (Quarantine::default(), Instant::now());
        break_it(&quarantine, now, 0, 10);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = quarantine.admit(now).expect_err("quarantined");
            pauses.push(pause.as_secs());
            now += pause;
            assert_eq!(quarantine.admit(now), Ok(()), "one is tried");
            assert!(quarantine.admit(now).is_err(), "one only");
            quarantine.faulted(now, 0, trapped);
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 600, 600]);
        now += PAUSE_MOST;
        assert_eq!(quarantine.admit(now), Ok(()));
        quarantine.answered();
        assert_eq!((quarantine.admit(now), quarantine.now(now)), (Ok(()), None));
        // Not long ago: the next pause is longer still.
        break_it(&quarantine, now, 0, 10);
        assert_eq!(quarantine.now(now).expect("on").times, 10);
        now += PAUSE_MOST + PAUSE_MOST + MEMORY;
        assert_eq!(quarantine.admit(now), Ok(()));
        quarantine.answered();
        break_it(&quarantine, now, 0, 10);
        assert_eq!(quarantine.now(now).expect("on").times, 1);
    }

    #[test]
    fn a_try_that_never_ends_does_not_keep_it_for_ever() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        break_it(&quarantine, now, 0, 10);
        assert_eq!(quarantine.admit(after(now, 10)), Ok(()));
        assert!(quarantine.admit(after(now, 69)).is_err());
        assert_eq!(quarantine.admit(after(now, 70)), Ok(()));
    }

    #[test]
    fn another_version_is_free() {
        let (quarantine, now) = (Quarantine::default(), Instant::now());
        break_it(&quarantine, now, 0, 10);
        quarantine.release();
        assert_eq!((quarantine.admit(now), quarantine.now(now)), (Ok(()), None));
        break_it(&quarantine, now, 0, 10);
        assert_eq!(quarantine.now(now).expect("on").times, 1);
    }
}
