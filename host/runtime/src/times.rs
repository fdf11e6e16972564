//! How long calls take, in buckets: bounded memory, a fixed relative error, no lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets for each doubling: a quantile is at most a fifth too high.
const BUCKETS_A_DOUBLING: u32 = 4;
/// The first bucket ends here: 2^7 = 128 ns, the cost of an empty call.
const FIRST_EXPONENT: u32 = 7;
/// Doublings after it: up to 2^39 ns, nine minutes.
const DOUBLINGS: u32 = 32;
const BUCKETS: usize = (DOUBLINGS * BUCKETS_A_DOUBLING) as usize + 1;

/// Durations by bucket.
pub(crate) struct Times {
    buckets: [AtomicU64; BUCKETS],
}

impl Default for Times {
    fn default() -> Times {
        Times {
            buckets: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }
}

impl Times {
    pub(crate) fn add(&self, time: Duration) {
        self.buckets[bucket(time)].fetch_add(1, Ordering::Relaxed);
    }

    /// So large a share took no longer than this; zero where nothing was measured.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let counts = self.buckets.each_ref().map(|b| b.load(Ordering::Relaxed));
        let all: u64 = counts.iter().sum();
        let mut below = 0;
        for (bucket, count) in counts.into_iter().enumerate() {
            below += count;
            if count > 0 && below as f64 >= share * all as f64 {
                return end(bucket);
            }
        }
        Duration::ZERO
    }
}

fn bucket(time: Duration) -> usize {
    let ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    if ns < 1 << FIRST_EXPONENT {
        return 0;
    }
    // The doubling that it is in, and which part of it.
    let exponent = ns.ilog2();
    let part = ((ns - (1 << exponent)) * u64::from(BUCKETS_A_DOUBLING)) >> exponent;
    let doubling = u64::from(exponent - FIRST_EXPONENT);
    let bucket = 1 + doubling * u64::from(BUCKETS_A_DOUBLING) + part;
    usize::try_from(bucket).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// Where a bucket ends.
fn end(bucket: usize) -> Duration {
    let Some(above) = bucket.checked_sub(1) else {
        return Duration::from_nanos(1 << FIRST_EXPONENT);
    };
    let parts = BUCKETS_A_DOUBLING as usize;
    let base = 1_u64 << (FIRST_EXPONENT as usize + above / parts);
    Duration::from_nanos(base + base / parts as u64 * (above % parts + 1) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_the_bucket_that_ends_just_above_it() {
        for ns in (0..40).flat_map(|shift| [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 7]) {
            let time = Duration::from_nanos(ns);
            let end = end(bucket(time));
            assert!(
                end >= time.min(Duration::from_nanos(1 << 39)),
                "{time:?} {end:?}"
            );
            assert!(
                end <= (time * 5 / 4).max(Duration::from_nanos(140)),
                "{time:?} {end:?}"
            );
        }
    }

    #[test]
    fn quantiles_are_those_of_what_was_added() {
        let times = Times::default();
        assert_eq!(times.quantile(0.5), Duration::ZERO);
        (0..98).for_each(|_| times.add(Duration::from_micros(1)));
        (0..2).for_each(|_| times.add(Duration::from_millis(50)));
        assert!(times.quantile(0.5) < Duration::from_micros(2));
        assert!(times.quantile(0.99) >= Duration::from_millis(50));
    }
}
