//! A small store that the host keeps for each use of a plugin.
//!
//! It outlives a trap and a reload and is shared by all lanes; only [`add`] is atomic.

use std::time::Duration;

use crate::host::milliseconds;
use crate::raw::state;

/// What was put under a key, if it is still there.
#[must_use]
pub fn get(key: &str) -> Option<Vec<u8>> {
    state::get(key)
}

/// Puts a value under a key, for a time to live (whole milliseconds, 49 days at most) or as long as there is room.
pub fn put(key: &str, value: &[u8], ttl: Option<Duration>) {
    state::put(key, value, ttl.map_or(0, milliseconds));
}

/// Adds to a number and returns the sum. The first `add` starts the time to live.
pub fn add(key: &str, by: i32, ttl: Option<Duration>) -> i64 {
    state::add(key, by, ttl.map_or(0, milliseconds))
}
