//! The event's JSON, read once: texts are borrowed from it where they hold no escapes.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;

use serde::Deserialize;

/// A text that is borrowed from the JSON where it can be.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Str<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

impl Borrow<str> for Str<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Labels or annotations.
pub(crate) type Labels<'a> = BTreeMap<Str<'a>, Str<'a>>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document<'a> {
    #[serde(borrow)]
    pub(crate) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) api_version: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) metadata: Option<Metadata<'a>>,
    #[serde(borrow)]
    pub(crate) involved_object: Option<InvolvedObject<'a>>,
    #[serde(borrow)]
    pub(crate) reason: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) message: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) source: Option<Source<'a>>,
    #[serde(borrow)]
    pub(crate) first_timestamp: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) last_timestamp: Option<Str<'a>>,
    pub(crate) count: Option<i64>,
    #[serde(borrow, rename = "type")]
    pub(crate) event_type: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) event_time: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) series: Option<Series<'a>>,
    #[serde(borrow)]
    pub(crate) action: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) related: Option<InvolvedObject<'a>>,
    #[serde(borrow)]
    pub(crate) reporting_component: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) reporting_instance: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) cluster_name: Option<Str<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata<'a> {
    #[serde(borrow)]
    pub(crate) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) generate_name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) namespace: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) self_link: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) uid: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) resource_version: Option<Str<'a>>,
    pub(crate) generation: Option<i64>,
    #[serde(borrow)]
    pub(crate) creation_timestamp: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) deletion_timestamp: Option<Str<'a>>,
    pub(crate) deletion_grace_period_seconds: Option<i64>,
    #[serde(borrow)]
    pub(crate) labels: Option<Labels<'a>>,
    #[serde(borrow)]
    pub(crate) annotations: Option<Labels<'a>>,
    #[serde(borrow)]
    pub(crate) owner_references: Option<Vec<OwnerReference<'a>>>,
    #[serde(borrow)]
    pub(crate) finalizers: Option<Vec<Str<'a>>>,
}

/// An ObjectReference, with what weir looked up about it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct InvolvedObject<'a> {
    #[serde(borrow)]
    pub(crate) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) namespace: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) uid: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) api_version: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) resource_version: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) field_path: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) labels: Option<Labels<'a>>,
    #[serde(borrow)]
    pub(crate) annotations: Option<Labels<'a>>,
    #[serde(borrow)]
    pub(crate) owner_references: Option<Vec<OwnerReference<'a>>>,
    pub(crate) deleted: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Source<'a> {
    #[serde(borrow)]
    pub(crate) component: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) host: Option<Str<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Series<'a> {
    pub(crate) count: Option<i64>,
    #[serde(borrow)]
    pub(crate) last_observed_time: Option<Str<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OwnerReference<'a> {
    #[serde(borrow)]
    pub(crate) api_version: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) name: Option<Str<'a>>,
    #[serde(borrow)]
    pub(crate) uid: Option<Str<'a>>,
    pub(crate) controller: Option<bool>,
    pub(crate) block_owner_deletion: Option<bool>,
}

/// What stands for a member that the JSON lacks.
pub(crate) static NO_METADATA: Metadata<'static> = Metadata {
    name: None,
    generate_name: None,
    namespace: None,
    self_link: None,
    uid: None,
    resource_version: None,
    generation: None,
    creation_timestamp: None,
    deletion_timestamp: None,
    deletion_grace_period_seconds: None,
    labels: None,
    annotations: None,
    owner_references: None,
    finalizers: None,
};

/// What stands for a member that the JSON lacks.
pub(crate) static NO_OBJECT: InvolvedObject<'static> = InvolvedObject {
    kind: None,
    namespace: None,
    name: None,
    uid: None,
    api_version: None,
    resource_version: None,
    field_path: None,
    labels: None,
    annotations: None,
    owner_references: None,
    deleted: None,
};

/// What stands for a member that the JSON lacks.
pub(crate) static NO_SOURCE: Source<'static> = Source {
    component: None,
    host: None,
};
