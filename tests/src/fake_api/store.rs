//! What etcd does for an API server: one revision counter for all objects, every state of each by revision,
//! a log of changes in order, compaction, and a restored backup. It knows nothing of HTTP, kinds or selectors.
//!
//! Nothing is thrown away by compaction: it only moves the number below which reads are refused.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value;

use super::journal::{Entry, Journal};

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It came to be.
    Added,
    /// It changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl Action {
    /// As a watch line names it.
    pub fn name(self) -> &'static str {
        match self {
            Action::Added => "ADDED",
            Action::Modified => "MODIFIED",
            Action::Deleted => "DELETED",
        }
    }
}

/// A step of the log.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// An object changed.
    Change(Change),
    /// Here a server with a watch cache says how far it is.
    Bookmark(u64),
}

/// A change of one object.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub revision: u64,
    pub table: Arc<str>,
    pub path: Arc<str>,
    pub action: Action,
    /// The state behind it; of a deleted object its last one, with the revision of the deletion.
    pub object: Arc<Value>,
    /// The state before it.
    pub previous: Option<Arc<Value>>,
}

/// One state of an object; none where it is deleted.
struct Version {
    revision: u64,
    object: Option<Arc<Value>>,
}

type Key = (Arc<str>, Arc<str>);

/// All objects of the server.
pub(super) struct Store {
    /// The newest revision.
    revision: u64,
    /// Reads of older revisions are refused.
    compacted: u64,
    objects: BTreeMap<Key, Vec<Version>>,
    log: Vec<Step>,
    pub journal: Journal,
}

impl Store {
    pub(super) fn new() -> Store {
        Store {
            revision: 1,
            compacted: 0,
            objects: BTreeMap::new(),
            log: Vec::new(),
            journal: Journal::default(),
        }
    }

    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    pub(super) fn compacted(&self) -> u64 {
        self.compacted
    }

    pub(super) fn log(&self) -> &[Step] {
        &self.log
    }

    /// Other writers of the cluster moved the counter: the next change is above this.
    pub(super) fn advance_to(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }

    /// The current state of an object.
    pub(super) fn get(&self, table: &str, path: &str) -> Option<Arc<Value>> {
        let versions = self.objects.get(&key(table, path))?;
        versions.last()?.object.clone()
    }

    /// The states at a revision, in order of their paths, from a path on; `prefix` is that of one namespace.
    pub(super) fn at<'a>(
        &'a self,
        table: &'a str,
        prefix: &'a str,
        from: &str,
        revision: u64,
    ) -> impl Iterator<Item = (&'a str, &'a Arc<Value>)> {
        let first = key(table, &format!("{prefix}{from}"));
        self.objects
            .range((Bound::Included(first), Bound::Unbounded))
            .take_while(move |((of, path), _)| &**of == table && path.starts_with(prefix))
            .filter_map(move |((_, path), versions)| {
                let before = versions.partition_point(|version| version.revision <= revision);
                let state = versions[..before].last()?.object.as_ref()?;
                Some((&**path, state))
            })
    }

    /// Writes an object: the next revision is its resourceVersion.
    pub(super) fn put(&mut self, table: &str, path: &str, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        set_version(&mut object, self.revision);
        let object = Arc::new(object);
        let previous = self.get(table, path);
        let action = match previous {
            None => Action::Added,
            Some(_) => Action::Modified,
        };
        let key = key(table, path);
        let change = Change {
            revision: self.revision,
            table: key.0.clone(),
            path: key.1.clone(),
            action,
            object: object.clone(),
            previous,
        };
        self.keep(key, Some(object.clone()));
        self.append(change);
        object
    }

    /// Deletes objects that expire together: one revision for all. Gives how many were there.
    pub(super) fn delete(&mut self, table: &str, paths: &[String]) -> usize {
        let there: Vec<_> = paths
            .iter()
            .filter_map(|path| Some((path, self.get(table, path)?)))
            .collect();
        if there.is_empty() {
            return 0;
        }
        self.revision += 1;
        let deleted = there.len();
        for (path, previous) in there {
            let mut last = (*previous).clone();
            set_version(&mut last, self.revision);
            let key = key(table, path);
            let change = Change {
                revision: self.revision,
                table: key.0.clone(),
                path: key.1.clone(),
                action: Action::Deleted,
                object: Arc::new(last),
                previous: Some(previous),
            };
            self.keep(key, None);
            self.append(change);
        }
        deleted
    }

    pub(super) fn bookmark(&mut self) {
        self.log.push(Step::Bookmark(self.revision));
    }

    /// From now on, reads below this revision are refused.
    pub(super) fn compact(&mut self, revision: u64) {
        assert!(
            revision <= self.revision,
            "etcd compacts no future revision"
        );
        self.compacted = self.compacted.max(revision);
    }

    /// What a backup of this revision has: all later ones never were, and are given again.
    pub(super) fn restore(&mut self, revision: u64) {
        for versions in self.objects.values_mut() {
            versions.retain(|version| version.revision <= revision);
        }
        self.objects.retain(|_, versions| !versions.is_empty());
        self.log.retain(|step| match step {
            Step::Change(change) => change.revision <= revision,
            Step::Bookmark(at) => *at <= revision,
        });
        self.revision = revision;
        self.compacted = self.compacted.min(revision);
        self.journal.restored();
    }

    fn keep(&mut self, key: Key, object: Option<Arc<Value>>) {
        let revision = self.revision;
        let versions = self.objects.entry(key).or_default();
        versions.push(Version { revision, object });
    }

    fn append(&mut self, change: Change) {
        if &*change.table == "events" {
            let entry = Entry::of(change.revision, change.action, &change.object);
            self.journal.add(entry);
        }
        self.log.push(Step::Change(change));
    }
}

fn key(table: &str, path: &str) -> Key {
    (table.into(), path.into())
}

fn set_version(object: &mut Value, revision: u64) {
    object["metadata"]["resourceVersion"] = revision.to_string().into();
}
