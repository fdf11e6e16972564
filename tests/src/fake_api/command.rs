//! What a test tells the server to do, and what it asks of it. Every wait has a deadline and is for a condition.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::access::Rule;
use super::event;
use super::fault::Fault;
use super::journal::Entry;
use super::kinds::Kind;
use super::record::Request;
use super::state::State;
use super::write::{self, text};
use super::{FakeApi, Options};
use crate::input::unpack;
use crate::program::tests;
use crate::running::DEADLINE;

/// What a condition can look at.
pub struct View<'a>(&'a State);

impl View<'_> {
    /// All requests so far.
    pub fn requests(&self) -> &[Request] {
        &self.0.requests
    }

    /// How many watches are open. One whose connection is frozen counts until it is released.
    pub fn watches(&self) -> usize {
        self.0.watches.len()
    }

    /// How many watches were ever opened.
    pub fn watches_opened(&self) -> u64 {
        self.0.watches_opened
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.0.connections.len()
    }

    /// The newest revision.
    pub fn revision(&self) -> u64 {
        self.0.store.revision()
    }

    /// Faults that still wait for requests.
    pub fn faults(&self) -> &[Fault] {
        &self.0.faults
    }

    /// An object, as a GET gives it.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = kind_named(self.0, kind);
        let stored = self
            .0
            .store
            .get(&kind.table(), &kind.path(namespace, name))?;
        Some(super::form::Form::Whole.object(kind, &stored))
    }
}

/// Users and permissions.
impl FakeApi {
    /// Adds a user with these permissions, or gives it these in place of its own.
    pub fn add_user(&self, user: &str, rules: impl IntoIterator<Item = Rule>) {
        let rules = rules.into_iter().collect();
        self.shared
            .change(|state| state.access.set_rules(user, rules));
    }
}

/// Objects.
impl FakeApi {
    /// Makes a kind known, in discovery too.
    pub fn add_kind(&self, kind: Kind) {
        self.shared.change(|state| state.kinds.push(kind));
    }

    /// Adds a Namespace.
    pub fn add_namespace(&self, name: &str) -> Value {
        let labels = json!({"kubernetes.io/metadata.name": name});
        self.put(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels},
        }))
    }

    /// Adds an object, or puts it into the place of the one with its name. Its kind must be known. Gives it as a GET
    /// does.
    pub fn put(&self, mut object: Value) -> Value {
        self.shared.change(|state| {
            let (name, version) = (text(&object["kind"]), text(&object["apiVersion"]));
            let known = state
                .kinds
                .iter()
                .find(|kind| kind.kind == name && kind.api_version() == version);
            let kind = known.cloned();
            let kind = kind.unwrap_or_else(|| panic!("{version} {name} is no kind here: add_kind"));
            write::keep_identity(state, &kind, &mut object);
            let stored = write::add(state, &kind, object);
            super::form::Form::Whole.object(&kind, &stored)
        })
    }

    /// Deletes an object of a kind; the namespace is empty where it has none. Whether it was there.
    pub fn delete(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.shared.change(|state| {
            let kind = kind_named(state, kind);
            let (table, path) = (kind.table(), kind.path(namespace, name));
            state.store.delete(&table, &[path]) > 0
        })
    }

    /// An object, as a GET gives it.
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.look(|view| view.object(kind, namespace, name))
    }
}

/// Events.
impl FakeApi {
    /// Creates an event: an [`super::EventSpec`], or JSON of either form. What is missing is made up. Gives it as
    /// core/v1 does.
    pub fn create_event(&self, event: impl Into<Value>) -> Value {
        let event = event.into();
        self.shared.change(|state| create_event(state, &event))
    }

    /// Repeats an event as its recorder would: count and lastTimestamp, or series.
    pub fn update_event(&self, namespace: &str, name: &str) -> Value {
        self.change_event(namespace, name, |event| {
            event::repeat(event, &write::now(), &write::now_micro());
        })
    }

    /// Changes an event in any way; what is changed is the core/v1 form.
    pub fn change_event(
        &self,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value),
    ) -> Value {
        self.shared.change(|state| {
            let path = format!("{namespace}/{name}");
            let stored = state.store.get("events", &path);
            let stored = stored.unwrap_or_else(|| panic!("there is no event {path}"));
            let mut event = (*stored).clone();
            change(&mut event);
            let stored = state.store.put("events", &path, event::stored(&event));
            core(&stored)
        })
    }

    /// Lets all events expire that this holds for: DELETED with one revision for all. Gives how many.
    pub fn expire_events(&self, expires: impl Fn(&Value) -> bool) -> usize {
        self.shared.change(|state| {
            let now = state.store.revision();
            let events = state.store.at("events", "", "", now);
            let expired = events.filter(|(_, event)| expires(event));
            let paths: Vec<String> = expired.map(|(path, _)| path.to_owned()).collect();
            state.store.delete("events", &paths)
        })
    }

    /// Events of the core/v1 recording in `tests/data`, with their uids and with their resourceVersions where those
    /// are above what is there. Gives how many.
    pub fn seed_recorded(&self, events_max: usize) -> usize {
        self.seed_file(&tests("data/events-core-v1.ndjson.gz"), events_max)
    }

    /// The same from lines of events or of a watch; MODIFIED and DELETED do what they say.
    pub fn seed_file(&self, path: &Path, lines_max: usize) -> usize {
        let bytes = std::fs::read(path).expect("the recording is there");
        let text = String::from_utf8(unpack(bytes)).expect("the recording is UTF-8");
        let lines = text.lines().take(lines_max);
        lines.filter(|line| self.seed_line(line)).count()
    }

    /// One line; whether it was an event.
    pub fn seed_line(&self, line: &str) -> bool {
        let line: Value = serde_json::from_str(line).expect("a recorded line is JSON");
        let (action, event) = match line["type"].as_str() {
            Some(action) if line["object"].is_object() => (action, &line["object"]),
            _ => ("ADDED", &line),
        };
        if event["kind"] != "Event" || !["ADDED", "MODIFIED", "DELETED"].contains(&action) {
            return false;
        }
        self.shared.change(|state| {
            let version: Option<u64> = text(&event["metadata"]["resourceVersion"]).parse().ok();
            // Several deletions share a revision; here each has its own.
            state
                .store
                .advance_to(version.map_or(0, |version| version.saturating_sub(1)));
            if action == "DELETED" {
                let metadata = &event["metadata"];
                let path = format!(
                    "{}/{}",
                    text(&metadata["namespace"]),
                    text(&metadata["name"])
                );
                state.store.delete("events", &[path]) > 0
            } else {
                create_event(state, event);
                true
            }
        })
    }

    /// Every state that an event had, in order.
    pub fn journal(&self) -> Vec<Entry> {
        self.shared
            .look(|state| state.store.journal.entries().to_vec())
    }
}

/// What happens to etcd and to the server.
impl FakeApi {
    /// The newest revision.
    pub fn revision(&self) -> u64 {
        self.look(|view| view.revision())
    }

    /// Compacts at the newest revision: whoever is behind it gets a 410. Gives the revision.
    pub fn compact(&self) -> u64 {
        self.shared.change(|state| {
            state.store.compact(state.store.revision());
            state.store.compacted()
        })
    }

    /// Compacts at a revision.
    pub fn compact_at(&self, revision: u64) {
        self.shared.change(|state| state.store.compact(revision));
    }

    /// Other objects of the cluster change: the revision goes up, and no event with it.
    pub fn advance(&self, revisions: u64) {
        self.shared.change(|state| {
            let revision = state.store.revision() + revisions;
            state.store.advance_to(revision);
        });
    }

    /// Restores etcd from a backup of a revision: what came later never was. Watches break off, as the server is
    /// restarted for it.
    pub fn restore(&self, revision: u64) {
        self.shared.change(|state| {
            state.store.restore(revision);
            state.watches_cut += 1;
        });
    }

    /// A server with a watch cache says how far it is.
    pub fn bookmark(&self) {
        self.shared.change(|state| {
            let cached = state.options.watch_cache.is_some();
            assert!(cached, "without a watch cache a server sends no bookmarks");
            state.store.bookmark();
        });
    }

    /// Changes the options but `plain` and `http1_only`, which hold from the start.
    pub fn set_options(&self, change: impl FnOnce(&mut Options)) {
        self.shared.change(|state| change(&mut state.options));
    }

    /// Breaks off all watches: a reset stream, or a connection that closes.
    pub fn cut_all_watches(&self) {
        self.shared.change(|state| state.watches_cut += 1);
    }

    /// Ends all watches as after a timeout.
    pub fn end_all_watches(&self) {
        self.shared.change(|state| state.watches_ended += 1);
    }

    /// Resets all TCP connections; new ones are welcome.
    pub fn reset_connections(&self) {
        self.shared.change(|state| {
            for gate in state.connections.values() {
                gate.kill();
            }
        });
    }

    /// Freezes all connections that are open: nothing goes in or out, not even a ping. New ones work.
    pub fn freeze_connections(&self) {
        self.shared.change(|state| {
            for gate in state.connections.values() {
                gate.freeze();
            }
        });
    }
}

/// Faults.
impl FakeApi {
    /// Adds a fault behind those that wait.
    pub fn fault(&self, fault: Fault) {
        self.shared.change(|state| state.faults.push(fault));
    }

    /// Takes all faults back; those that happen go on.
    pub fn clear_faults(&self) {
        self.shared.change(|state| state.faults.clear());
    }

    /// Lets everything go on that is delayed, stalled or frozen.
    pub fn release(&self) {
        self.shared.change(|state| {
            state.released += 1;
            for gate in state.connections.values() {
                gate.thaw();
            }
        });
    }
}

/// What was asked, and waiting for it.
impl FakeApi {
    /// Looks at the server.
    pub fn look<T>(&self, look: impl FnOnce(&View<'_>) -> T) -> T {
        self.shared.look(|state| look(&View(state)))
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.look(|view| view.requests().to_vec())
    }

    /// How many watches are open.
    pub fn watch_count(&self) -> usize {
        self.look(|view| view.watches())
    }

    /// Waits until something is so, for [`DEADLINE`] at most; `what` says in a failure what it waited for.
    #[track_caller]
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&View<'_>) -> bool) {
        if !self.wait(DEADLINE, is_so) {
            let requests = self.requests();
            let last = requests.len().saturating_sub(20);
            let lines = requests[last..].iter().map(line).collect::<String>();
            panic!("never: {what}; the last requests were\n{lines}");
        }
    }

    /// Waits so long; whether it came to be.
    pub fn wait(&self, time: Duration, is_so: impl Fn(&View<'_>) -> bool) -> bool {
        self.shared.wait(time, |state| is_so(&View(state)))
    }
}

fn line(request: &Request) -> String {
    format!(
        "  {} {}?{} by {:?}: {}\n",
        request.method, request.path, request.query, request.user, request.status
    )
}

fn create_event(state: &mut State, event: &Value) -> Value {
    let kind = Kind::namespaced("", "v1", "events", "Event");
    let mut stored = event::stored(event);
    let metadata = &mut stored["metadata"];
    if text(&metadata["name"]).is_empty() {
        let next = state.store.revision() + 1;
        let prefix = match text(&metadata["generateName"]) {
            "" => "event.",
            prefix => prefix,
        };
        metadata["name"] = format!("{prefix}{next:016x}").into();
    }
    if text(&metadata["creationTimestamp"]).is_empty() {
        let time = event::first_time(&stored).unwrap_or_else(write::now);
        stored["metadata"]["creationTimestamp"] = time.into();
    }
    let stored: Arc<Value> = write::add(state, &kind, stored);
    core(&stored)
}

fn core(stored: &Value) -> Value {
    let kind = Kind::namespaced("", "v1", "events", "Event");
    super::form::Form::Whole.object(&kind, stored)
}

/// A kind by its name alone; the first where several groups have it, which is core for events.
fn kind_named<'a>(state: &'a State, name: &str) -> &'a Kind {
    let found = state.kinds.iter().find(|kind| kind.kind == name);
    found.unwrap_or_else(|| panic!("{name} is no kind here: add_kind adds one"))
}
