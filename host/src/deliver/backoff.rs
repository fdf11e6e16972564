//! How long to wait before the next call of a sink that failed.

use std::time::Duration;

use crate::config::Retry;

/// Doubles from `first` to `most`; half of it is random, so that many weirs do not knock together.
pub(super) fn backoff(retry: Retry, failures: u32) -> Duration {
    let doubled = retry
        .first
        .saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause = doubled.min(retry.most);
    let mut random = [0; 2];
    // Without random numbers the pause is the whole one.
    let share = if getrandom::fill(&mut random).is_ok() {
        u16::from_le_bytes(random)
    } else {
        u16::MAX
    };
    pause / 2 + (pause / 2).mul_f64(f64::from(share) / f64::from(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most() {
        let retry = Retry {
            first: Duration::from_millis(500),
            most: Duration::from_secs(60),
            limit: None,
        };
        for (failures, whole_ms) in [
            (1, 500),
            (2, 1000),
            (3, 2000),
            (8, 60_000),
            (u32::MAX, 60_000),
        ] {
            let pause = backoff(retry, failures);
            let whole = Duration::from_millis(whole_ms);
            assert!(
                pause >= whole / 2 && pause <= whole,
                "{failures}: {pause:?}"
            );
        }
    }
}
