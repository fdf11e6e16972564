//! Events that a test makes up: about which object, from which of the two families of recorders.

use serde_json::{Value, json};

use super::write::{now, now_micro};

/// An event to be. Its name is made from the object's and a number.
#[derive(Debug, Clone, PartialEq)]
pub struct EventSpec {
    object: String,
    namespace: String,
    reason: String,
    message: String,
    kind: String,
    component: String,
    newer: bool,
}

impl EventSpec {
    /// A Normal event of the kubelet about a Pod in the namespace "default".
    pub fn about(pod: &str) -> EventSpec {
        EventSpec {
            object: pod.into(),
            namespace: "default".into(),
            reason: "Test".into(),
            message: format!("about {pod}"),
            kind: "Normal".into(),
            component: "kubelet".into(),
            newer: false,
        }
    }

    /// In another namespace.
    pub fn namespace(mut self, namespace: &str) -> EventSpec {
        self.namespace = namespace.into();
        self
    }

    /// With another reason.
    pub fn reason(mut self, reason: &str) -> EventSpec {
        self.reason = reason.into();
        self
    }

    /// With another message.
    pub fn message(mut self, message: &str) -> EventSpec {
        self.message = message.into();
        self
    }

    /// A Warning.
    pub fn warning(mut self) -> EventSpec {
        self.kind = "Warning".into();
        self
    }

    /// By another component.
    pub fn component(mut self, component: &str) -> EventSpec {
        self.component = component.into();
        self
    }

    /// By a recorder of the newer family: with eventTime and series in place of count.
    pub fn newer(mut self) -> EventSpec {
        self.newer = true;
        self
    }
}

impl From<EventSpec> for Value {
    fn from(spec: EventSpec) -> Value {
        let mut event = json!({
            "metadata": {"generateName": format!("{}.", spec.object), "namespace": spec.namespace},
            "involvedObject": {
                "kind": "Pod", "namespace": spec.namespace, "name": spec.object,
                "uid": format!("uid-of-{}", spec.object), "apiVersion": "v1",
            },
            "reason": spec.reason,
            "message": spec.message,
            "type": spec.kind,
            "reportingComponent": spec.component,
            "reportingInstance": "node-1",
        });
        if spec.newer {
            event["eventTime"] = now_micro().into();
            event["action"] = "Testing".into();
        } else {
            event["source"] = json!({"component": spec.component, "host": "node-1"});
            event["firstTimestamp"] = now().into();
            event["lastTimestamp"] = event["firstTimestamp"].clone();
            event["count"] = 1.into();
        }
        event
    }
}
