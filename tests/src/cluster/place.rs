//! A namespace of its own for a test, and the events that it writes there.

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kubectl::Kubectl;
use super::record::Record;
use crate::watching::State;

/// A namespace; dropping it removes it, also after a failure.
pub struct Place {
    /// Who writes.
    pub kubectl: Kubectl,
    /// `weir-test-…`.
    pub namespace: String,
    written: AtomicUsize,
}

impl Place {
    /// A new one.
    pub fn new(kubectl: &Kubectl) -> Place {
        // The server finds a name that nobody has.
        let wanted = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"generateName": "weir-test-"}});
        let arguments = ["create", "--validate=false", "-f", "-"];
        let made = kubectl.objects(&arguments, wanted.to_string().as_bytes());
        let namespace = made[0]["metadata"]["name"]
            .as_str()
            .expect("it has a name")
            .to_owned();
        Place {
            kubectl: kubectl.clone(),
            namespace,
            written: AtomicUsize::new(0),
        }
    }

    /// `source.kubernetes` for all events of this namespace, with these further keys.
    pub fn source(&self, more: &str) -> String {
        format!("{{backlog: all, namespaces: [{}]{more}}}", self.namespace)
    }

    /// A record of this namespace, from now on.
    pub fn record(&self) -> Record {
        Record::start(&self.kubectl, Some(&self.namespace))
    }

    /// Writes so many new events.
    pub fn create(&self, count: usize) -> Vec<Value> {
        let list = self.list(count);
        let arguments = ["create", "--validate=false", "-f", "-"];
        self.kubectl.objects(&arguments, list.as_bytes())
    }

    /// The same where the server may be away; what was written nobody knows.
    pub fn try_to_create(&self, count: usize) {
        let list = self.list(count);
        let arguments = ["create", "--validate=false", "-f", "-"];
        self.kubectl.attempt(&arguments, list.as_bytes());
    }

    fn list(&self, count: usize) -> String {
        let events: Vec<Value> = (0..count).map(|_| self.event()).collect();
        json!({"apiVersion": "v1", "kind": "List", "items": events}).to_string()
    }

    fn event(&self) -> Value {
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let (namespace, now) = (&self.namespace, now());
        json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": format!("pod-{number}.weir-test"), "namespace": namespace},
            "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": namespace, "name": format!("pod-{number}")},
            "reason": "Test", "message": format!("number {number}"), "type": "Normal",
            "firstTimestamp": now, "lastTimestamp": now, "count": 1,
            "source": {"component": "weir-tests"},
        })
    }

    /// Has each of these happen once more, as recorders do: `count` goes up.
    pub fn repeat(&self, events: &[Value]) -> Vec<Value> {
        let repeated = |event: &Value| {
            let mut event = event.clone();
            let metadata = event["metadata"].as_object_mut().expect("it has metadata");
            // Without it, what is there is replaced whatever it is.
            metadata.remove("resourceVersion");
            event["count"] = (event["count"].as_u64().expect("it has a count") + 1).into();
            event["lastTimestamp"] = now().into();
            event
        };
        let events: Vec<Value> = events.iter().map(repeated).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": events}).to_string();
        let arguments = ["replace", "--validate=false", "-f", "-"];
        self.kubectl.objects(&arguments, list.as_bytes())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Where the server is gone, so is the namespace.
        let arguments = [
            "delete",
            "namespace",
            &self.namespace,
            "--wait=false",
            "--request-timeout=20s",
        ];
        self.kubectl.attempt(&arguments, b"");
    }
}

/// The states of events as `kubectl` prints them.
pub fn states(events: &[Value]) -> Vec<State> {
    events.iter().map(crate::watching::state).collect()
}

/// In seconds, as the recorders of Kubernetes have it.
fn now() -> String {
    let now = Timestamp::from_second(Timestamp::now().as_second());
    now.expect("it is a time").to_string()
}
