//! What a watch of its own saw: every state that events had, whatever weir made of them. Deletions are left out.

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::Value;

use super::kubectl::Kubectl;
use crate::running::Running;
use crate::watching::{State, state};

/// A list, and all that came after it.
pub struct Record {
    kubectl: Kubectl,
    path: String,
    running: Option<Running>,
    last: u64,
    states: BTreeSet<State>,
    deleted: BTreeSet<String>,
}

impl Record {
    /// Of a namespace, or of all.
    pub fn start(kubectl: &Kubectl, namespace: Option<&str>) -> Record {
        let path = match namespace {
            Some(name) => format!("/api/v1/namespaces/{name}/events"),
            None => "/api/v1/events".to_owned(),
        };
        let list = kubectl.raw(&path);
        let version = list["metadata"]["resourceVersion"].as_str();
        let last = version.and_then(|version| version.parse().ok());
        let last = last.expect("a list has a version");
        let items = list["items"].as_array().expect("a list has items");
        Record {
            running: Some(watch(kubectl, &path, last)),
            kubectl: kubectl.clone(),
            path,
            last,
            states: items.iter().map(state).collect(),
            deleted: BTreeSet::new(),
        }
    }

    /// The states so far.
    pub fn states(&self) -> &BTreeSet<State> {
        &self.states
    }

    /// Waits until these have come.
    pub fn take_until(&mut self, states: &[State]) {
        while !states.iter().all(|state| self.states.contains(state)) {
            self.read();
        }
    }

    /// Waits until these events are gone.
    pub fn take_until_deleted(&mut self, events: &[State]) {
        while !events.iter().all(|(uid, _)| self.deleted.contains(uid)) {
            self.read();
        }
    }

    /// Goes on where it was: its server is gone, and another is there.
    pub fn resume(&mut self) {
        let ended = self.running.take().expect("it runs").await_end();
        for line in ended.stdout.split(|byte| *byte == b'\n') {
            // The last may be cut off; then it comes again.
            if serde_json::from_slice::<Value>(line).is_ok() {
                self.note(line);
            }
        }
        self.running = Some(watch(&self.kubectl, &self.path, self.last));
    }

    fn read(&mut self) {
        let line = self.running.as_mut().expect("it runs").line();
        self.note(line.as_bytes());
    }

    fn note(&mut self, line: &[u8]) {
        let line: Value = serde_json::from_slice(line).expect("a watch brings JSON");
        let object = &line["object"];
        match line["type"].as_str() {
            Some("ADDED" | "MODIFIED") => {
                let state = state(object);
                self.last = self.last.max(state.1);
                self.states.insert(state);
            }
            Some("DELETED") => {
                self.deleted.insert(state(object).0);
            }
            Some("BOOKMARK") => {}
            _ => panic!("the record has lost its place: {line}"),
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(running) = &self.running {
            running.signal_if_running(Signal::KILL);
        }
    }
}

fn watch(kubectl: &Kubectl, path: &str, after: u64) -> Running {
    kubectl.stream(&format!("{path}?watch=true&resourceVersion={after}"))
}
