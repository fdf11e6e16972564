//! Every state that an event had, in order: what a test holds against what weir delivered. Nothing in it is ever
//! removed, neither by compaction nor by a restored backup.

use serde_json::Value;

use super::store::Action;

/// One state of one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What made this state; the state of a deletion is the last one before it.
    pub action: Action,
    /// The revision of the change: `metadata.resourceVersion` of the watch line.
    pub revision: u64,
    /// How many backups had been restored before: revisions are only unique together with it.
    pub restored: u32,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// The involved object as `namespace/kind/name`: order holds within it.
    pub object: String,
    /// How often it happened: `count`, else `series.count`, else 1.
    pub count: u64,
    /// `message` of core/v1.
    pub message: String,
}

impl Entry {
    pub(super) fn of(revision: u64, action: Action, event: &Value) -> Entry {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (about, metadata) = (&event["involvedObject"], &event["metadata"]);
        let count = event["count"].as_u64();
        Entry {
            action,
            revision,
            restored: 0,
            uid: text(&metadata["uid"]),
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]),
            object: format!(
                "{}/{}/{}",
                text(&about["namespace"]),
                text(&about["kind"]),
                text(&about["name"])
            ),
            count: count
                .or_else(|| event["series"]["count"].as_u64())
                .unwrap_or(1),
            message: text(&event["message"]),
        }
    }
}

/// All of them.
#[derive(Default)]
pub(super) struct Journal {
    entries: Vec<Entry>,
    restored: u32,
}

impl Journal {
    pub(super) fn add(&mut self, mut entry: Entry) {
        entry.restored = self.restored;
        self.entries.push(entry);
    }

    pub(super) fn restored(&mut self) {
        self.restored += 1;
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}
