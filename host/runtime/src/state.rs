//! The small store of `weir:plugin/state`: one for each use, shared by its lanes, outliving a fault.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Bytes of all keys and values.
pub const STATE_BYTES_MAX: usize = 1 << 20;
/// What an entry costs beside its own bytes.
const ENTRY_BYTES: usize = 64;

/// The store. `add` is atomic; `get` and `put` are each, but not together.
#[derive(Default)]
pub(crate) struct State {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<String, Entry>,
    bytes: usize,
    writes: u64,
}

struct Entry {
    value: Vec<u8>,
    expires: Option<Instant>,
    /// When it was written, for the order of eviction.
    written: u64,
}

impl Entry {
    fn lives(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

impl State {
    pub(crate) fn get(&self, key: &str, now: Instant) -> Option<Vec<u8>> {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner
            .entries
            .get(key)
            .filter(|entry| entry.lives(now))
            .map(|entry| entry.value.clone())
    }

    /// Puts a value for `ttl_ms`, or for as long as there is room. What is larger than the whole store is
    /// not kept.
    pub(crate) fn put(&self, key: &str, value: Vec<u8>, ttl_ms: u32, now: Instant) {
        let expires = (ttl_ms > 0).then(|| now + Duration::from_millis(u64::from(ttl_ms)));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.insert(key, value, expires, now);
    }

    /// Adds to a number; what is no number counts as 0. The first `add` starts the time to live.
    pub(crate) fn add(&self, key: &str, by: i32, ttl_ms: u32, now: Instant) -> i64 {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let old = inner.entries.get(key).filter(|entry| entry.lives(now));
        let expires = match old {
            Some(entry) => entry.expires,
            None => (ttl_ms > 0).then(|| now + Duration::from_millis(u64::from(ttl_ms))),
        };
        let number = old
            .and_then(|entry| <[u8; 8]>::try_from(entry.value.as_slice()).ok())
            .map_or(0, i64::from_le_bytes);
        let sum = number.saturating_add(i64::from(by));
        inner.insert(key, sum.to_le_bytes().to_vec(), expires, now);
        sum
    }
}

impl State {
    /// Forgets all entries.
    pub(crate) fn clear(&self) {
        *self.inner.lock().unwrap_or_else(PoisonError::into_inner) = Inner::default();
    }

    /// Takes over all entries of another store, which is empty then.
    pub(crate) fn absorb(&self, other: &State, now: Instant) {
        let other =
            std::mem::take(&mut *other.inner.lock().unwrap_or_else(PoisonError::into_inner));
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, entry) in other.entries {
            inner.insert(&key, entry.value, entry.expires, now);
        }
    }
}

impl Inner {
    fn insert(&mut self, key: &str, value: Vec<u8>, expires: Option<Instant>, now: Instant) {
        self.remove(key);
        let cost = cost(key, &value);
        if cost > STATE_BYTES_MAX {
            return;
        }
        if self.bytes + cost > STATE_BYTES_MAX {
            self.make_room(cost, now);
        }
        self.writes += 1;
        self.bytes += cost;
        self.entries.insert(
            key.to_owned(),
            Entry {
                value,
                expires,
                written: self.writes,
            },
        );
    }

    fn remove(&mut self, key: &str) {
        if let Some(old) = self.entries.remove(key) {
            self.bytes -= cost(key, &old.value);
        }
    }

    /// What has expired goes first, then what was written longest ago; an eighth more than is needed, so
    /// that a full store is not searched at each write.
    fn make_room(&mut self, needed: usize, now: Instant) {
        let expired: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.lives(now))
            .map(|(key, _)| key.clone())
            .collect();
        for key in expired {
            self.remove(&key);
        }
        let target = STATE_BYTES_MAX - STATE_BYTES_MAX / 8;
        if self.bytes + needed <= target {
            return;
        }
        let mut by_age: Vec<(u64, String)> = self
            .entries
            .iter()
            .map(|(key, entry)| (entry.written, key.clone()))
            .collect();
        by_age.sort_unstable();
        for (_, key) in by_age {
            if self.bytes + needed <= target {
                return;
            }
            self.remove(&key);
        }
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    key.len() + value.len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn a_value_lives_as_long_as_it_was_put_for() {
        let (state, start) = (State::default(), Instant::now());
        state.put("short", b"x".to_vec(), 10, start);
        state.put("long", b"y".to_vec(), 0, start);
        assert_eq!(state.get("short", after(start, 9)), Some(b"x".to_vec()));
        assert_eq!(state.get("short", after(start, 10)), None);
        assert_eq!(
            state.get("long", after(start, 1_000_000)),
            Some(b"y".to_vec())
        );
    }

    #[test]
    fn the_first_add_starts_the_time_to_live() {
        let (state, start) = (State::default(), Instant::now());
        assert_eq!(state.add("n", 2, 100, start), 2);
        assert_eq!(state.add("n", -5, 100, after(start, 90)), -3);
        assert_eq!(state.add("n", 7, 100, after(start, 101)), 7);
    }

    #[test]
    fn a_full_store_forgets_the_oldest_and_stays_within_its_size() {
        let (state, start) = (State::default(), Instant::now());
        for index in 0..40_000 {
            state.put(&format!("key-{index}"), vec![0; 100], 0, start);
        }
        let inner = state.inner.lock().expect("no panic");
        assert!(inner.bytes <= STATE_BYTES_MAX);
        let counted: usize = inner
            .entries
            .iter()
            .map(|(key, entry)| cost(key, &entry.value))
            .sum();
        assert_eq!(inner.bytes, counted);
        assert!(inner.entries.contains_key("key-39999") && !inner.entries.contains_key("key-0"));
    }

    #[test]
    fn what_is_larger_than_the_store_is_not_kept() {
        let (state, start) = (State::default(), Instant::now());
        state.put("big", vec![0; STATE_BYTES_MAX], 0, start);
        assert_eq!(state.get("big", start), None);
    }
}
