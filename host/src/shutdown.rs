//! How the process stops: the source closes, each stage drains, one deadline ends it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where in its life the process is. It only moves forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Events are read.
    Running,
    /// Nothing more is read; what was read is delivered.
    Draining,
    /// The deadline has passed, or nothing can be delivered any more: every wait ends now.
    Aborting,
}

/// What is done when a phase is reached.
type Action = Box<dyn Fn() + Send>;

/// Shared by all threads: each wait of theirs is a wait on this, so that it ends when the phase moves on.
pub struct Shutdown {
    phase: Mutex<Phase>,
    moved: Condvar,
    actions: Mutex<Vec<(Phase, Action)>>,
}

impl Default for Shutdown {
    fn default() -> Shutdown {
        Shutdown {
            phase: Mutex::new(Phase::Running),
            moved: Condvar::new(),
            actions: Mutex::default(),
        }
    }
}

impl Shutdown {
    /// Where we are.
    pub fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has this done when the process aborts, now if it has: for waits that are on something else.
    pub fn on_abort(&self, action: impl Fn() + Send + 'static) {
        self.on(Phase::Aborting, action);
    }

    /// Has this done when the process reaches this phase, now if it has. It may be done twice, when both happen at
    /// once.
    pub fn on(&self, phase: Phase, action: impl Fn() + Send + 'static) {
        let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        if self.phase() >= phase {
            action();
        }
        actions.push((phase, Box::new(action)));
    }

    /// Moves on to a later phase; an earlier one changes nothing.
    pub fn advance(&self, to: Phase) {
        let before = {
            let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
            if *phase >= to {
                return;
            }
            std::mem::replace(&mut *phase, to)
        };
        self.moved.notify_all();
        self.actions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|(phase, _)| *phase > before && *phase <= to)
            .for_each(|(_, action)| action());
    }

    /// Has everyone who waits look whether their wait is over.
    pub fn nudge(&self) {
        // Who is between their look and their wait has the lock.
        drop(self.phase.lock().unwrap_or_else(PoisonError::into_inner));
        self.moved.notify_all();
    }

    /// Waits for so long, or until the phase is `until` or later; gives the phase.
    pub fn wait(&self, time: Duration, until: Phase) -> Phase {
        self.wait_unless(time, until, || false)
    }

    /// As [`Shutdown::wait`], or until `over` says so: who makes it say so calls [`Shutdown::nudge`] afterwards.
    pub fn wait_unless(&self, time: Duration, until: Phase, over: impl Fn() -> bool) -> Phase {
        let begun = Instant::now();
        let mut phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        while *phase < until && !over() {
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break;
            }
            phase = self
                .moved
                .wait_timeout(phase, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        *phase
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_wait_ends_when_the_phase_moves_on() {
        let shutdown = Arc::new(Shutdown::default());
        let waiting = Arc::clone(&shutdown);
        let waiter =
            std::thread::spawn(move || waiting.wait(Duration::from_secs(600), Phase::Aborting));
        shutdown.advance(Phase::Draining);
        shutdown.advance(Phase::Aborting);
        shutdown.advance(Phase::Draining);
        assert_eq!(waiter.join().expect("no panic"), Phase::Aborting);
    }

    #[test]
    fn a_nudged_wait_looks_again() {
        let shutdown = Arc::new(Shutdown::default());
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (waiting, looked) = (Arc::clone(&shutdown), Arc::clone(&over));
        let waiter = std::thread::spawn(move || {
            let is_over = || looked.load(std::sync::atomic::Ordering::SeqCst);
            waiting.wait_unless(Duration::from_secs(600), Phase::Aborting, is_over)
        });
        over.store(true, std::sync::atomic::Ordering::SeqCst);
        shutdown.nudge();
        assert_eq!(waiter.join().expect("no panic"), Phase::Running);
    }

    #[test]
    fn a_wait_ends_with_its_time() {
        assert_eq!(
            Shutdown::default().wait(Duration::from_millis(1), Phase::Draining),
            Phase::Running
        );
    }
}
