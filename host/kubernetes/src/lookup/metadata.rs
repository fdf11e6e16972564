//! The metadata of an object: asking for it alone, and making of it what goes into documents.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::api::GetParams;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::Settings;
use super::cache::{Answer, Found};

/// Left out, as it is large and holds the whole object as it was applied: values that are hidden elsewhere too.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `PartialObjectMetadata` of meta.k8s.io/v1. Of a whole object, as a server that does not know it would send, no
/// more is read.
#[derive(Debug, Deserialize)]
struct Partial {
    metadata: Metadata,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    uid: Option<String>,
    resource_version: Option<String>,
    deletion_timestamp: Option<IgnoredAny>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    owner_references: Option<Vec<OwnerReference>>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerReference {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    uid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    controller: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_owner_deletion: Option<bool>,
}

/// The body of a 404.
#[derive(Debug, Deserialize)]
struct NotFound {
    details: Option<Details>,
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(default)]
    name: String,
}

/// What a reply said.
#[derive(Debug)]
pub(super) struct Read {
    pub answer: Answer,
    /// The object's resourceVersion; 0 where it is no number.
    pub version: u64,
}

/// A request for the metadata of an object of this resource: `collection` is the resource's path.
pub(super) fn request(collection: &str, name: &str) -> Option<http::Request<Vec<u8>>> {
    kube::core::Request::new(collection)
        .get_metadata(name, &GetParams::default())
        .ok()
}

/// Reads a reply. `uid`: of the object that is meant; "" if any object of this name is.
///
/// # Errors
///
/// The reply is no JSON, or no object's metadata.
pub(super) fn read(body: &[u8], uid: &str, settings: &Settings) -> Result<Read, serde_json::Error> {
    let Partial { metadata } = serde_json::from_slice(body)?;
    let version = metadata.resource_version.as_deref().unwrap_or_default();
    let version = version.parse().unwrap_or(0);
    let another = match &metadata.uid {
        Some(found) => !uid.is_empty() && found != uid,
        None => false,
    };
    let answer = if another {
        Answer::Gone
    } else {
        Answer::Found(Arc::new(found(metadata, settings)?))
    };
    Ok(Read { answer, version })
}

/// A 404 is about an object. One without a name is about a path that the server does not have: the kind is gone.
pub(super) fn names_an_object(not_found: &[u8]) -> bool {
    serde_json::from_slice::<NotFound>(not_found)
        .ok()
        .and_then(|status| status.details)
        .is_some_and(|details| !details.name.is_empty())
}

fn found(metadata: Metadata, settings: &Settings) -> Result<Found, serde_json::Error> {
    let labels = metadata.labels.unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.remove(LAST_APPLIED);
    let owners = metadata.owner_references.unwrap_or_default();

    let mut text = String::new();
    let mut labels_at = 0..0;
    if settings.labels && !labels.is_empty() {
        labels_at = append(&mut text, "labels", &labels)?;
    }
    if settings.annotations && !annotations.is_empty() {
        append(&mut text, "annotations", &annotations)?;
    }
    if settings.owners && !owners.is_empty() {
        append(&mut text, "ownerReferences", &owners)?;
    }
    let members_bytes = text.len();
    let labels_elsewhere = settings.namespace_labels || settings.node_labels;
    if labels_elsewhere && labels_at.is_empty() && !labels.is_empty() {
        labels_at = append(&mut text, "labels", &labels)?;
    }
    Ok(Found {
        text: text.into(),
        members_bytes,
        labels: labels_at,
        deleted: metadata.deletion_timestamp.is_some(),
    })
}

/// Appends a member, and says where its value stands.
fn append(
    text: &mut String,
    name: &str,
    value: &impl Serialize,
) -> Result<std::ops::Range<usize>, serde_json::Error> {
    let comma = if text.is_empty() { "" } else { "," };
    text.push_str(&format!("{comma}\"{name}\":"));
    let start = text.len();
    text.push_str(&serde_json::to_string(value)?);
    Ok(start..text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            namespace_labels: false,
            node_labels: false,
            ..Settings::default()
        }
    }

    fn read_found(body: &str, settings: &Settings) -> Arc<Found> {
        match read(body.as_bytes(), "", settings)
            .expect("it can be read")
            .answer
        {
            Answer::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_what_is_enabled_and_not_empty_is_kept() {
        let body = r#"{"metadata":{"labels":{"b":"2","a":"1\"é"},"annotations":{"x":"y",
            "kubectl.kubernetes.io/last-applied-configuration":"{\"secret\":1}"},"managedFields":[{"a":1}],
            "ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u","controller":true,
            "blockOwnerDeletion":true}]},"data":{"password":"x"}}"#;
        let found = read_found(body, &settings());
        assert_eq!(
            found.members(),
            r#""labels":{"a":"1\"é","b":"2"},"annotations":{"x":"y"},"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"u","controller":true,"blockOwnerDeletion":true}]"#
        );
        assert_eq!(found.labels(), r#"{"a":"1\"é","b":"2"}"#);
        let only_nodes = Settings {
            labels: false,
            owners: false,
            node_labels: true,
            ..settings()
        };
        let found = read_found(body, &only_nodes);
        assert_eq!(found.members(), r#""annotations":{"x":"y"}"#);
        assert_eq!(found.labels(), r#"{"a":"1\"é","b":"2"}"#);
    }

    #[test]
    fn empty_and_null_are_nothing() {
        for body in [
            r#"{"metadata":{}}"#,
            r#"{"metadata":{"labels":{},"annotations":{"kubectl.kubernetes.io/last-applied-configuration":""},"ownerReferences":[]}}"#,
            r#"{"metadata":{"labels":null,"annotations":null,"ownerReferences":null,"deletionTimestamp":null}}"#,
        ] {
            let found = read_found(body, &settings());
            assert_eq!(
                (found.members(), found.labels(), found.deleted),
                ("", "", false)
            );
        }
    }

    #[test]
    fn what_is_no_metadata_is_an_error() {
        for body in [
            "",
            "{}",
            "null",
            "[]",
            "<html>",
            r#"{"metadata":null}"#,
            r#"{"metadata":{"labels":{"a":1}}}"#,
            r#"{"metadata":{"labels":["a"]}}"#,
            r#"{"metadata":{"ownerReferences":{}}}"#,
            r#"{"metadata":{"#,
        ] {
            assert!(read(body.as_bytes(), "", &settings()).is_err(), "{body}");
        }
        assert!(
            read(
                b"{\"metadata\":{\"labels\":{\"a\":\"\xff\"}}}",
                "",
                &settings()
            )
            .is_err()
        );
    }

    #[test]
    fn what_is_not_read_may_be_nested_at_will() {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        let body = format!(r#"{{"spec":{open}{close},"metadata":{{"x":{open}{close}}}}}"#);
        assert_eq!(read_found(&body, &settings()).members(), "");
    }

    #[test]
    fn a_404_without_a_name_is_about_the_path() {
        let object = r#"{"kind":"Status","reason":"NotFound","details":{"name":"x","kind":"pods"},"code":404}"#;
        assert!(names_an_object(object.as_bytes()));
        for body in [
            "404 page not found\n",
            "",
            "{}",
            r#"{"kind":"Status","details":{}}"#,
            r#"{"details":null}"#,
        ] {
            assert!(!names_an_object(body.as_bytes()), "{body}");
        }
    }
}
