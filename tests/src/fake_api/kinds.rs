//! The kinds that the server knows, and what discovery says of them. Objects are none of its business.

use serde_json::{Value, json};

/// A kind of a group and version.
#[derive(Debug, Clone, PartialEq)]
pub struct Kind {
    /// The API group; empty for core.
    pub group: String,
    /// The version, `v1` for example.
    pub version: String,
    /// The resource in URLs: lower case, plural.
    pub resource: String,
    /// The kind in objects.
    pub kind: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
}

impl Kind {
    /// A kind in namespaces.
    pub fn namespaced(group: &str, version: &str, resource: &str, kind: &str) -> Kind {
        Kind {
            group: group.into(),
            version: version.into(),
            resource: resource.into(),
            kind: kind.into(),
            namespaced: true,
        }
    }

    /// A kind of the whole cluster.
    pub fn cluster(group: &str, version: &str, resource: &str, kind: &str) -> Kind {
        Kind {
            namespaced: false,
            ..Kind::namespaced(group, version, resource, kind)
        }
    }

    /// `apiVersion` in its objects.
    pub fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The resource with its group, as messages have it.
    pub(super) fn qualified(&self) -> String {
        match self.group.as_str() {
            "" => self.resource.clone(),
            group => format!("{}.{group}", self.resource),
        }
    }

    /// Where its objects are kept: both groups of events share one place.
    pub(super) fn table(&self) -> String {
        if self.is_event() {
            "events".into()
        } else {
            self.qualified()
        }
    }

    pub(super) fn is_event(&self) -> bool {
        self.resource == "events" && ["", "events.k8s.io"].contains(&self.group.as_str())
    }

    /// An object's place in its table: the order of lists.
    pub(super) fn path(&self, namespace: &str, name: &str) -> String {
        if self.namespaced {
            format!("{namespace}/{name}")
        } else {
            name.to_owned()
        }
    }

    fn discovery(&self) -> Value {
        let verbs = [
            "create",
            "delete",
            "deletecollection",
            "get",
            "list",
            "patch",
            "update",
            "watch",
        ];
        json!({
            "name": self.resource,
            "singularName": self.kind.to_lowercase(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": verbs,
        })
    }
}

/// What is there before a test adds something.
pub(super) fn usual() -> Vec<Kind> {
    vec![
        Kind::namespaced("", "v1", "configmaps", "ConfigMap"),
        Kind::namespaced("", "v1", "events", "Event"),
        Kind::cluster("", "v1", "namespaces", "Namespace"),
        Kind::cluster("", "v1", "nodes", "Node"),
        Kind::namespaced("", "v1", "pods", "Pod"),
        Kind::namespaced("", "v1", "secrets", "Secret"),
        Kind::namespaced("", "v1", "services", "Service"),
        Kind::namespaced("apps", "v1", "daemonsets", "DaemonSet"),
        Kind::namespaced("apps", "v1", "deployments", "Deployment"),
        Kind::namespaced("apps", "v1", "replicasets", "ReplicaSet"),
        Kind::namespaced("apps", "v1", "statefulsets", "StatefulSet"),
        Kind::namespaced("events.k8s.io", "v1", "events", "Event"),
        Kind::namespaced("batch", "v1", "cronjobs", "CronJob"),
        Kind::namespaced("batch", "v1", "jobs", "Job"),
        Kind::namespaced("coordination.k8s.io", "v1", "leases", "Lease"),
    ]
}

/// The answer to a path of discovery; `None` where the path is no such.
pub(super) fn discover(kinds: &[Kind], path: &str) -> Option<Value> {
    let path = path.trim_end_matches('/');
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    match parts[..] {
        ["api"] => Some(json!({
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => Some(json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": groups(kinds).iter().map(|name| group(kinds, name)).collect::<Vec<_>>(),
        })),
        ["apis", name] if groups(kinds).iter().any(|group| group == name) => {
            let mut group = group(kinds, name);
            let members = group.as_object_mut().expect("it is an object");
            members.shift_insert(0, "kind".into(), "APIGroup".into());
            members.shift_insert(1, "apiVersion".into(), "v1".into());
            Some(group)
        }
        ["api", version] => resources(kinds, "", version),
        ["apis", group, version] => resources(kinds, group, version),
        _ => None,
    }
}

/// The groups but core, in order of appearance.
fn groups(kinds: &[Kind]) -> Vec<String> {
    let mut groups: Vec<String> = Vec::new();
    for kind in kinds {
        if !kind.group.is_empty() && !groups.contains(&kind.group) {
            groups.push(kind.group.clone());
        }
    }
    groups
}

fn group(kinds: &[Kind], name: &str) -> Value {
    let mut versions: Vec<Value> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.group == name) {
        let version = json!({"groupVersion": kind.api_version(), "version": kind.version.clone()});
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let preferred = versions.first().cloned();
    json!({"name": name, "versions": versions, "preferredVersion": preferred})
}

fn resources(kinds: &[Kind], group: &str, version: &str) -> Option<Value> {
    let of = |kind: &&Kind| kind.group == group && kind.version == version;
    let found: Vec<&Kind> = kinds.iter().filter(of).collect();
    let group_version = found.first()?.api_version();
    let resources: Vec<Value> = found.iter().map(|kind| kind.discovery()).collect();
    let mut list = json!({"kind": "APIResourceList"});
    if !group.is_empty() {
        list["apiVersion"] = "v1".into();
    }
    list["groupVersion"] = group_version.into();
    list["resources"] = resources.into();
    Some(list)
}
