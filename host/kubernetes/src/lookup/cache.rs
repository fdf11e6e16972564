//! What was looked up and is remembered: bounded by entries and by bytes, each entry for a while.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use lru::LruCache;
use tokio::time::Instant;

/// How many bytes an entry may take on average. An object's labels and annotations rarely take more.
const ENTRY_BYTES: usize = 2 * 1024;

/// What an entry takes beside its key and its text, about.
const ENTRY_OVERHEAD_BYTES: usize = 160;

/// What a lookup came to.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// The object is there.
    Found(Arc<Found>),
    /// The object is not there any more; another one may have its name.
    Gone,
    /// It could not be asked now. Later it may work.
    Failed,
    /// It cannot be known, and waiting would not help: weir may not, or there is no such kind.
    Refused,
}

/// What is known of an object, ready to be written into documents.
#[derive(Debug)]
pub(super) struct Found {
    /// JSON: first the members for `involvedObject`, with commas between them and no braces, such as
    /// `"labels":{…},"annotations":{…}`; then what only other parts of `labels` need.
    pub text: Box<str>,
    /// How much of `text` are members.
    pub members_bytes: usize,
    /// Where in `text` the object of the labels stands; empty where there are none.
    pub labels: Range<usize>,
    /// It is being deleted.
    pub deleted: bool,
}

impl Found {
    /// The members for `involvedObject`, without braces; "" where there are none.
    pub fn members(&self) -> &str {
        &self.text[..self.members_bytes]
    }

    /// The object of its labels; "" where it has none.
    pub fn labels(&self) -> &str {
        &self.text[self.labels.clone()]
    }
}

/// An answer and how long it may be given.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub answer: Answer,
    pub until: Instant,
    /// Events that name a newer resourceVersion of the object make it be fetched anew.
    pub version: u64,
}

/// Answers by key. The one that was not asked for the longest goes first.
#[derive(Debug)]
pub(super) struct Cache {
    /// Not bounded by itself: that would take the memory for all entries at once.
    entries: LruCache<Arc<str>, Entry>,
    entries_max: usize,
    bytes: usize,
    bytes_max: usize,
}

impl Cache {
    /// `entries_max`: at least 1. It also bounds the memory: 2 KiB for each.
    pub fn new(entries_max: usize) -> Self {
        let entries_max = entries_max.max(1);
        Self {
            entries: LruCache::unbounded(),
            entries_max,
            bytes: 0,
            bytes_max: entries_max.saturating_mul(ENTRY_BYTES),
        }
    }

    /// What is known of this key, unless it is too old or older than `version`.
    pub fn get(&mut self, key: &str, version: u64, now: Instant) -> Option<Answer> {
        let entry = self.entries.get(key)?;
        (now < entry.until && version <= entry.version).then(|| entry.answer.clone())
    }

    /// What was found once under this key, however old: labels rarely change, so it is better than nothing.
    pub fn stale(&self, key: &str) -> Option<Arc<Found>> {
        match &self.entries.peek(key)?.answer {
            Answer::Found(found) => Some(Arc::clone(found)),
            _ => None,
        }
    }

    /// Remembers an answer. A failure leaves what was found once, and lets it be believed as long. One that is larger than the whole cache is not kept.
    pub fn put(&mut self, key: Arc<str>, mut entry: Entry) {
        if matches!(entry.answer, Answer::Failed)
            && let Some(found) = self.stale(&key)
        {
            entry.answer = Answer::Found(found);
        }
        let bytes = entry_bytes(&key, &entry);
        // What was known is older, so it goes in any case.
        let old = if bytes > self.bytes_max {
            self.entries.pop_entry(&*key)
        } else {
            self.bytes += bytes;
            self.entries.push(key, entry)
        };
        if let Some((key, old)) = old {
            self.bytes -= entry_bytes(&key, &old);
        }
        while (self.bytes > self.bytes_max || self.entries.len() > self.entries_max)
            && let Some((key, old)) = self.entries.pop_lru()
        {
            self.bytes -= entry_bytes(&key, &old);
        }
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// What they take, about.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

fn entry_bytes(key: &str, entry: &Entry) -> usize {
    let text = match &entry.answer {
        Answer::Found(found) => found.text.len(),
        _ => 0,
    };
    key.len() + text + ENTRY_OVERHEAD_BYTES
}

/// Objects that were fetched together are not fetched anew together: each key's lifetime is up to a fifth
/// shorter.
pub(super) fn with_jitter(lifetime: Duration, key: &str) -> Duration {
    // FNV-1a: the same for the same key, so nothing random is needed.
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    lifetime - lifetime / 5 * (hash % 1024) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: usize) -> Answer {
        Answer::Found(Arc::new(Found {
            text: "x".repeat(bytes).into(),
            members_bytes: bytes,
            labels: 0..0,
            deleted: false,
        }))
    }

    fn put(cache: &mut Cache, key: &str, answer: Answer) {
        let until = Instant::now() + Duration::from_secs(1);
        let version = 7;
        cache.put(
            key.into(),
            Entry {
                answer,
                until,
                version,
            },
        );
    }

    #[test]
    fn entries_are_bounded_and_the_oldest_goes() {
        let mut cache = Cache::new(3);
        for key in ["a", "b", "c"] {
            put(&mut cache, key, Answer::Gone);
        }
        assert!(cache.get("a", 0, Instant::now()).is_some());
        put(&mut cache, "d", Answer::Gone);
        assert!(cache.get("b", 0, Instant::now()).is_none());
        assert!(cache.get("a", 0, Instant::now()).is_some());
        assert_eq!((cache.len(), cache.bytes()), (3, 3 * 161));
    }

    #[test]
    fn bytes_are_bounded_and_counted() {
        let mut cache = Cache::new(4);
        for round in 0..100 {
            put(
                &mut cache,
                &format!("{}", round % 7),
                found(round * 97 % 5000),
            );
            let sum: usize = cache
                .entries
                .iter()
                .map(|(key, entry)| entry_bytes(key, entry))
                .sum();
            assert_eq!(cache.bytes(), sum);
            assert!(sum <= 4 * ENTRY_BYTES && cache.len() <= 4);
        }
        let mut cache = Cache::new(2);
        put(&mut cache, "a", found(10));
        put(&mut cache, "b", found(10));
        put(&mut cache, "b", found(5 * ENTRY_BYTES));
        assert!(
            cache.get("b", 0, Instant::now()).is_none(),
            "it has no room"
        );
        assert!(cache.get("a", 0, Instant::now()).is_some());
    }

    #[test]
    fn what_is_too_old_is_not_known() {
        let mut cache = Cache::new(1);
        put(&mut cache, "a", found(1));
        let now = Instant::now();
        assert!(cache.get("a", 7, now).is_some());
        assert!(cache.get("a", 8, now).is_none());
        assert!(cache.get("a", 7, now + Duration::from_secs(2)).is_none());
    }

    #[test]
    fn a_failure_leaves_what_was_found() {
        let mut cache = Cache::new(1);
        put(&mut cache, "a", Answer::Failed);
        assert!(cache.stale("a").is_none());
        put(&mut cache, "a", found(1));
        put(&mut cache, "a", Answer::Failed);
        let now = Instant::now();
        assert!(matches!(cache.get("a", 7, now), Some(Answer::Found(_))));
        assert!(cache.stale("a").is_some());
        put(&mut cache, "a", Answer::Gone);
        assert!(cache.stale("a").is_none());
    }

    #[test]
    fn jitter_takes_a_fifth_at_most() {
        let lifetime = Duration::from_secs(300);
        let lifetimes: Vec<Duration> = (0..100)
            .map(|key| with_jitter(lifetime, &key.to_string()))
            .collect();
        let shortest = *lifetimes.iter().min().expect("some");
        let longest = *lifetimes.iter().max().expect("some");
        assert!(shortest >= Duration::from_secs(240) && longest <= lifetime);
        assert!(longest - shortest > Duration::from_secs(30));
    }
}
