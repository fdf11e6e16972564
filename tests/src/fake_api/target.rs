//! What a path means: a resource, in a namespace or not, one object or all of them; and what asking for it would take
//! in permissions.

use super::access::Wish;
use super::kinds::Kind;
use super::record::Incoming;
use super::selector::Selector;

/// What comes behind `namespaces/NAME` and is part of the Namespace itself.
const NAMESPACE_SUBRESOURCES: &[&str] = &["status", "finalize"];

/// A path below `/api/v1` or `/apis/GROUP/VERSION`. What is absent is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub group: String,
    pub version: String,
    pub resource: String,
    pub namespace: String,
    pub name: String,
    pub subresource: String,
}

impl Target {
    /// `None` where the path is no resource's.
    pub(super) fn of(path: &str) -> Option<Target> {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (group, version, rest) = match &parts[..] {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return None,
        };
        let (namespace, rest) = match rest {
            [] => return None,
            ["namespaces", _, third, ..] if NAMESPACE_SUBRESOURCES.contains(third) => ("", rest),
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            _ => ("", rest),
        };
        let part = |at: usize| rest.get(at).copied().unwrap_or_default().to_owned();
        (rest.len() <= 3).then(|| Target {
            group: group.into(),
            version: version.into(),
            resource: part(0),
            namespace: namespace.into(),
            name: part(1),
            subresource: part(2),
        })
    }

    pub(super) fn is_of(&self, kind: &Kind) -> bool {
        (&self.group, &self.version, &self.resource) == (&kind.group, &kind.version, &kind.resource)
    }

    pub(super) fn is_in_group_of(&self, kind: &Kind) -> bool {
        (&self.group, &self.version) == (&kind.group, &kind.version)
    }

    /// The permission that a request needs.
    pub(super) fn wish(&self, incoming: &Incoming) -> Wish {
        let one = !self.name.is_empty();
        let verb = match (incoming.method.as_str(), one) {
            ("GET", _) if incoming.watch => "watch",
            ("GET", true) => "get",
            ("GET", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("HEAD", _) => "head",
            ("DELETE", true) => "delete",
            _ => "deletecollection",
        };
        let resource = match self.subresource.as_str() {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        };
        let namespace = match (self.resource.as_str(), self.group.as_str()) {
            // A Namespace is in itself.
            ("namespaces", "") => self.name.clone(),
            _ => self.namespace.clone(),
        };
        let mut name = self.name.clone();
        if name.is_empty() && ["list", "watch"].contains(&verb) {
            name = name_in(incoming.query.get("fieldSelector"));
        }
        Wish {
            verb: verb.into(),
            group: self.group.clone(),
            resource,
            namespace,
            name,
        }
    }
}

/// The one name that a field selector asks for: a permission by name is enough for it.
fn name_in(selector: &str) -> String {
    let any = Kind::namespaced("", "v1", "events", "Event");
    let selector = Selector::parse(&any, selector, "").unwrap_or_default();
    selector.name().unwrap_or_default().to_owned()
}
