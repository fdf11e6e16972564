//! What the double of the host knows and has recorded.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde_json::Value;

use crate::file::Rotation;
use crate::host::Level;
use crate::http::{Request, Response};

/// 2026-11-23T14:45:31Z, when the sample event was seen.
const NOW_MS: u64 = 1_795_445_131_000;

/// The double of the host behind a plugin under test: what it shall answer, and what was asked of it.
///
/// What is set here holds for the calls that follow; state and counters last as long as the plugin does.
#[derive(Debug)]
pub struct Host {
    /// The clock, in milliseconds since the Unix epoch; it moves only when a test sets it.
    pub now_ms: u64,
    /// What requests are answered with, in order. A request that finds none left is an error.
    pub responses: VecDeque<Result<Response, String>>,
    /// What writes to standard output fail with, in order; then they succeed.
    pub output_errors: VecDeque<String>,
    /// What appending to a file fails with, in order; then it succeeds.
    pub file_errors: VecDeque<String>,
    /// The receiver's layout: makes the document of an event. None: the event itself.
    pub layout: Option<fn(&Value) -> String>,
    /// All requests, in order.
    pub requests: Vec<Request>,
    /// Each successful write to standard output.
    pub output: Vec<Vec<u8>>,
    /// Each successful append to a file: its path, the bytes, the rotation.
    pub appended: Vec<(String, Vec<u8>, Rotation)>,
    /// All log lines.
    pub logs: Vec<(Level, String)>,
    /// What was printed: 1 is standard output, 2 standard error.
    pub printed: Vec<(u8, Vec<u8>)>,
    /// The plugin's own counters.
    pub counters: BTreeMap<String, u64>,
    pub(crate) state: State,
    pub(crate) events: Vec<Value>,
    pub(crate) selected: usize,
    pub(crate) emitted: Vec<Value>,
    pub(crate) rejected: BTreeMap<usize, String>,
    pub(crate) retried: BTreeMap<usize, String>,
    pub(crate) retry_after: Option<Duration>,
    random: u64,
}

impl Default for Host {
    fn default() -> Host {
        Host {
            now_ms: NOW_MS,
            responses: VecDeque::new(),
            output_errors: VecDeque::new(),
            file_errors: VecDeque::new(),
            layout: None,
            requests: Vec::new(),
            output: Vec::new(),
            appended: Vec::new(),
            logs: Vec::new(),
            printed: Vec::new(),
            counters: BTreeMap::new(),
            state: State::default(),
            events: Vec::new(),
            selected: 0,
            emitted: Vec::new(),
            rejected: BTreeMap::new(),
            retried: BTreeMap::new(),
            retry_after: None,
            random: 0,
        }
    }
}

impl Host {
    /// Answers the next request with this status and body.
    pub fn respond(&mut self, status: u16, body: impl Into<Vec<u8>>) {
        self.responses.push_back(Ok(Response {
            status,
            headers: Vec::new(),
            body: body.into(),
        }));
    }

    /// Fails the next request.
    pub fn refuse(&mut self, error: impl Into<String>) {
        self.responses.push_back(Err(error.into()));
    }

    /// Begins a call with these events.
    pub(crate) fn begin(&mut self, events: Vec<Value>) {
        self.events = events;
        self.selected = 0;
        self.emitted.clear();
        self.rejected.clear();
        self.retried.clear();
        self.retry_after = None;
    }

    pub(crate) fn document(&self, index: usize) -> String {
        let event = &self.events[index];
        self.layout
            .map_or_else(|| event.to_string(), |layout| layout(event))
    }

    pub(crate) fn exchange(&mut self, request: Request) -> Result<Response, String> {
        let unscripted = || {
            Err(format!(
                "the test has no response for {} {}",
                request.method, request.url
            ))
        };
        let response = self.responses.pop_front().unwrap_or_else(unscripted);
        self.requests.push(request);
        response
    }

    /// The same numbers in each run (splitmix64).
    pub(crate) fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

/// The store: values with the time until which they live.
#[derive(Debug, Default)]
pub(crate) struct State {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    value: Vec<u8>,
    until_ms: Option<u64>,
}

impl State {
    pub(crate) fn get(&self, key: &str, now_ms: u64) -> Option<Vec<u8>> {
        self.live(key, now_ms).map(|entry| entry.value.clone())
    }

    pub(crate) fn put(&mut self, key: &str, value: &[u8], ttl_ms: u32, now_ms: u64) {
        let until_ms = (ttl_ms > 0).then(|| now_ms + u64::from(ttl_ms));
        self.entries.insert(
            key.to_owned(),
            Entry {
                value: value.to_vec(),
                until_ms,
            },
        );
    }

    /// The sum is kept as text: what `get` shows of a number is not part of the contract.
    pub(crate) fn add(&mut self, key: &str, by: i32, ttl_ms: u32, now_ms: u64) -> i64 {
        let before = self
            .live(key, now_ms)
            .and_then(|entry| std::str::from_utf8(&entry.value).ok()?.parse::<i64>().ok());
        let sum = before.unwrap_or(0) + i64::from(by);
        match self.entries.get_mut(key) {
            Some(entry) if before.is_some() => entry.value = sum.to_string().into_bytes(),
            _ => self.put(key, sum.to_string().as_bytes(), ttl_ms, now_ms),
        }
        sum
    }

    fn live(&self, key: &str, now_ms: u64) -> Option<&Entry> {
        self.entries
            .get(key)
            .filter(|entry| entry.until_ms.is_none_or(|until_ms| now_ms < until_ms))
    }
}
