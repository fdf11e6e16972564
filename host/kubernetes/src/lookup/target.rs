//! Which objects an event asks for.
//!
//! What an event says is written by whoever may create events, and goes into the paths of requests: only names
//! that stay one segment of a path are asked for.

use weir_event::EventRef;

use super::Settings;

/// The longest name of an object, and of an API group.
const NAME_BYTES_MAX: usize = 253;

/// The longest name of a kind, a version and a namespace.
const LABEL_BYTES_MAX: usize = 63;

/// What is looked up for an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The involved object.
    Object,
    /// The namespace of the event.
    Namespace,
    /// The node that reported it, or that it is about.
    Node,
}

impl Part {
    pub const ALL: [Self; 3] = [Self::Object, Self::Namespace, Self::Node];
}

/// An object that is asked for. Written as one string it is the key of the cache: the parts with one space
/// between, which none of them holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// `v1` or `apps/v1`.
    pub api_version: &'a str,
    pub kind: &'a str,
    /// "" for what has none.
    pub namespace: &'a str,
    pub name: &'a str,
    /// "" where any object of this name will do.
    pub uid: &'a str,
}

impl<'a> Target<'a> {
    /// Reads a key.
    pub fn of_key(key: &'a str) -> Self {
        let mut parts = key.split(' ');
        let mut next = || parts.next().unwrap_or_default();
        Self {
            api_version: next(),
            kind: next(),
            namespace: next(),
            name: next(),
            uid: next(),
        }
    }

    /// Appends the key, if all of its parts can be asked for.
    fn write(&self, key: &mut String) -> bool {
        let (group, version) = self
            .api_version
            .split_once('/')
            .unwrap_or(("core", self.api_version));
        let fits = is_segment(group, NAME_BYTES_MAX)
            && is_segment(version, LABEL_BYTES_MAX)
            && is_segment(self.kind, LABEL_BYTES_MAX)
            && (self.namespace.is_empty() || is_segment(self.namespace, LABEL_BYTES_MAX))
            && is_segment(self.name, NAME_BYTES_MAX);
        if fits {
            for part in [self.api_version, self.kind, self.namespace, self.name] {
                key.push_str(part);
                key.push(' ');
            }
            // Kubelets name static pods by a hash of their file, and nodes by their name: such a uid is not the
            // one that the object has in the API.
            if is_uuid(self.uid) {
                key.push_str(self.uid);
            }
        }
        fits
    }
}

/// Writes the key of a part to be looked up; the answer is the resourceVersion that the event knows of it, 0
/// where it names none. `None`: there is nothing to look up.
pub(super) fn write_key(
    event: EventRef<'_>,
    part: Part,
    settings: &Settings,
    key: &mut String,
) -> Option<u64> {
    key.clear();
    match part {
        Part::Object => object_key(event, settings, key),
        Part::Namespace => {
            let namespace = event.namespace();
            let wanted = settings.namespace_labels && !has_member(event, "\"namespaceLabels\"");
            (wanted && cluster_scoped("Namespace", &namespace, "").write(key)).then_some(0)
        }
        Part::Node => {
            let wanted = settings.node_labels && !has_member(event, "\"nodeLabels\"");
            (wanted && write_node_key(event, key)).then_some(0)
        }
    }
}

fn object_key(event: EventRef<'_>, settings: &Settings, key: &mut String) -> Option<u64> {
    if !settings.wants_object() {
        return None;
    }
    let mut version = 0;
    for (name, value) in event.members("/involvedObject") {
        match &*name {
            // The event was enriched before, by another weir or by KEE.
            "labels" | "annotations" | "ownerReferences" => return None,
            "resourceVersion" => version = value.trim_matches('"').parse().unwrap_or(0),
            _ => {}
        }
    }
    let (api_version, kind) = (event.object_api_version(), event.object_kind());
    let target = Target {
        // References without it are to the kinds of v1.
        api_version: if api_version.is_empty() {
            "v1"
        } else {
            &api_version
        },
        kind: &kind,
        namespace: &event.object_namespace(),
        name: &event.object_name(),
        uid: &event.object_uid(),
    };
    // Nobody should have to give weir a right to Secrets for their labels.
    let secret = target.api_version == "v1" && target.kind == "Secret";
    (!secret && target.write(key)).then_some(version)
}

/// The node that the event is about, else the one that reported it. With the uid, so that it is the same key as
/// that of the involved object.
fn write_node_key(event: EventRef<'_>, key: &mut String) -> bool {
    let about_node =
        event.object_kind() == "Node" && matches!(&*event.object_api_version(), "" | "v1");
    if about_node {
        return cluster_scoped("Node", &event.object_name(), &event.object_uid()).write(key);
    }
    cluster_scoped("Node", &event.node(), "").write(key)
}

fn cluster_scoped<'a>(kind: &'a str, name: &'a str, uid: &'a str) -> Target<'a> {
    Target {
        api_version: "v1",
        kind,
        namespace: "",
        name,
        uid,
    }
}

/// The document has this member at its top. Looking for its text first spares reading the document, as events that
/// come from an API server never have it.
fn has_member(event: EventRef<'_>, name_in_quotes: &str) -> bool {
    let unquoted = name_in_quotes.trim_matches('"');
    event.document().contains(name_in_quotes) && event.members("").any(|(name, _)| name == unquoted)
}

/// It stays one segment of a path, whatever reads the path.
pub(super) fn is_segment(text: &str, bytes_max: usize) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':');
    !text.is_empty()
        && text.len() <= bytes_max
        && text.bytes().all(plain)
        && !matches!(text, "." | "..")
}

/// It has the form of the uids that API servers give.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(target: Target<'_>) -> Option<String> {
        let mut key = String::new();
        target.write(&mut key).then_some(key)
    }

    const POD: Target<'static> = Target {
        api_version: "v1",
        kind: "Pod",
        namespace: "shop",
        name: "cart-0",
        uid: "cd5fca09-3302-438d-aeab-cdfd9dc7bd11",
    };

    #[test]
    fn a_key_is_read_back() {
        for target in [
            POD,
            Target { uid: "", ..POD },
            Target {
                api_version: "rbac.authorization.k8s.io/v1",
                kind: "ClusterRole",
                namespace: "",
                name: "system:node",
                uid: "",
            },
        ] {
            let key = written(target).expect("it can be asked for");
            assert_eq!(Target::of_key(&key), target);
        }
    }

    #[test]
    fn only_uids_of_the_api_count() {
        for uid in [
            "real-1",
            "0123456789abcdef0123456789abcdef",
            "cd5fca09 3302-438d-aeab-cdfd9dc7bd11",
        ] {
            let key = written(Target { uid, ..POD }).expect("it can be asked for");
            assert_eq!(Target::of_key(&key).uid, "", "{uid}");
        }
    }

    #[test]
    fn what_would_leave_its_place_in_the_path_is_not_asked_for() {
        let long = "a".repeat(300);
        let bad = [
            "..",
            ".",
            "",
            "a/b",
            "../secrets/x",
            "a b",
            "a?b",
            "a#b",
            "a%2fb",
            "a\\b",
            "a\nb",
            "é",
            &long,
        ];
        for text in bad {
            assert_eq!(written(Target { name: text, ..POD }), None, "{text}");
            assert_eq!(written(Target { kind: text, ..POD }), None, "{text}");
            if !matches!(text, "a/b") {
                assert_eq!(
                    written(Target {
                        api_version: text,
                        ..POD
                    }),
                    None,
                    "{text}"
                );
            }
            if !text.is_empty() {
                assert_eq!(
                    written(Target {
                        namespace: text,
                        ..POD
                    }),
                    None,
                    "{text}"
                );
            }
        }
        assert_eq!(
            written(Target {
                api_version: "../v1",
                ..POD
            }),
            None
        );
        assert_eq!(
            written(Target {
                api_version: "apps/v1/x",
                ..POD
            }),
            None
        );
    }
}
