//! Streams and their entries, with the order that an ingester wants.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// An entry that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its time.
    pub timestamp: Timestamp,
    /// Its line.
    pub line: String,
    /// Its structured metadata.
    pub metadata: BTreeMap<String, String>,
    /// How often it was pushed: one of the same time with the same line is stored once.
    pub pushed: u32,
}

/// A stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stream {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its entries, in the order in which they came.
    pub entries: Vec<Entry>,
    newest: Option<Timestamp>,
}

impl Stream {
    pub(super) fn new(labels: BTreeMap<String, String>) -> Stream {
        Stream {
            labels,
            ..Stream::default()
        }
    }

    /// Stores what is not too far behind; gives the times of the others, each with the oldest that was good.
    pub(super) fn append(
        &mut self,
        entries: Vec<Entry>,
        behind: Duration,
    ) -> Vec<(Timestamp, Timestamp)> {
        let behind = SignedDuration::try_from(behind).expect("it is a limit");
        let mut failed = Vec::new();
        for entry in entries {
            let oldest = self.newest.map(|newest| newest - behind);
            if let Some(oldest) = oldest.filter(|oldest| entry.timestamp < *oldest) {
                failed.push((entry.timestamp, oldest));
                continue;
            }
            self.newest = self.newest.max(Some(entry.timestamp));
            let same =
                |there: &&mut Entry| there.timestamp == entry.timestamp && there.line == entry.line;
            match self.entries.iter_mut().find(same) {
                Some(there) => there.pushed += 1,
                None => self.entries.push(entry),
            }
        }
        failed
    }
}
