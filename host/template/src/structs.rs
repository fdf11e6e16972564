//! The structs of an event as KEE's Go types have them: fields by name, embedded ones promoted.

use crate::data::{
    Document, InvolvedObject, Labels, Metadata, NO_METADATA, NO_OBJECT, NO_SOURCE, OwnerReference,
    Series, Source, Str,
};
use crate::time::{Time, TimeKind};
use crate::value::{Entries, IntKind, Value};

/// One struct of the event. The flag says whether keys of labels and annotations have `_` for `.`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Struct<'a> {
    /// What dot is: KEE's EnhancedEvent.
    Event(&'a Document<'a>, bool),
    /// Its embedded core/v1 Event.
    CoreEvent(&'a Document<'a>, bool),
    TypeMeta(&'a Document<'a>),
    Meta(&'a Metadata<'a>, bool),
    /// The involved object with what was looked up.
    Object(&'a InvolvedObject<'a>, bool),
    Reference(&'a InvolvedObject<'a>, bool),
    Source(&'a Source<'a>),
    Series(&'a Series<'a>),
    Owner(&'a OwnerReference<'a>),
}

/// A field of a struct: its Go name and its JSON key; an embedded struct has the key "".
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
    pub(crate) omit_empty: bool,
}

const fn field(name: &'static str, key: &'static str) -> Field {
    Field {
        name,
        key,
        omit_empty: false,
    }
}

const fn optional(name: &'static str, key: &'static str) -> Field {
    Field {
        name,
        key,
        omit_empty: true,
    }
}

const EVENT: &[Field] = &[
    field("Event", ""),
    field("ClusterName", "clusterName"),
    field("InvolvedObject", "involvedObject"),
];
const CORE_EVENT: &[Field] = &[
    field("TypeMeta", ""),
    field("ObjectMeta", "metadata"),
    field("InvolvedObject", "involvedObject"),
    optional("Reason", "reason"),
    optional("Message", "message"),
    field("Source", "source"),
    field("FirstTimestamp", "firstTimestamp"),
    field("LastTimestamp", "lastTimestamp"),
    optional("Count", "count"),
    optional("Type", "type"),
    field("EventTime", "eventTime"),
    optional("Series", "series"),
    optional("Action", "action"),
    optional("Related", "related"),
    field("ReportingController", "reportingComponent"),
    field("ReportingInstance", "reportingInstance"),
];
const TYPE_META: &[Field] = &[
    optional("Kind", "kind"),
    optional("APIVersion", "apiVersion"),
];
const META: &[Field] = &[
    optional("Name", "name"),
    optional("GenerateName", "generateName"),
    optional("Namespace", "namespace"),
    optional("SelfLink", "selfLink"),
    optional("UID", "uid"),
    optional("ResourceVersion", "resourceVersion"),
    optional("Generation", "generation"),
    field("CreationTimestamp", "creationTimestamp"),
    optional("DeletionTimestamp", "deletionTimestamp"),
    optional("DeletionGracePeriodSeconds", "deletionGracePeriodSeconds"),
    optional("Labels", "labels"),
    optional("Annotations", "annotations"),
    optional("OwnerReferences", "ownerReferences"),
    optional("Finalizers", "finalizers"),
    optional("ManagedFields", "managedFields"),
];
const OBJECT: &[Field] = &[
    field("ObjectReference", ""),
    optional("Labels", "labels"),
    optional("Annotations", "annotations"),
    optional("OwnerReferences", "ownerReferences"),
    field("Deleted", "deleted"),
];
const REFERENCE: &[Field] = &[
    optional("Kind", "kind"),
    optional("Namespace", "namespace"),
    optional("Name", "name"),
    optional("UID", "uid"),
    optional("APIVersion", "apiVersion"),
    optional("ResourceVersion", "resourceVersion"),
    optional("FieldPath", "fieldPath"),
];
const SOURCE: &[Field] = &[optional("Component", "component"), optional("Host", "host")];
const SERIES: &[Field] = &[
    optional("Count", "count"),
    field("LastObservedTime", "lastObservedTime"),
];
const OWNER: &[Field] = &[
    field("APIVersion", "apiVersion"),
    field("Kind", "kind"),
    field("Name", "name"),
    field("UID", "uid"),
    optional("Controller", "controller"),
    optional("BlockOwnerDeletion", "blockOwnerDeletion"),
];

impl<'a> Struct<'a> {
    /// The struct's own fields in Go's order, embedded structs among them.
    pub(crate) fn fields(self) -> &'static [Field] {
        match self {
            Self::Event(..) => EVENT,
            Self::CoreEvent(..) => CORE_EVENT,
            Self::TypeMeta(_) => TYPE_META,
            Self::Meta(..) => META,
            Self::Object(..) => OBJECT,
            Self::Reference(..) => REFERENCE,
            Self::Source(_) => SOURCE,
            Self::Series(_) => SERIES,
            Self::Owner(_) => OWNER,
        }
    }

    pub(crate) fn type_name(self) -> &'static str {
        match self {
            Self::Event(..) => "kube.EnhancedEvent",
            Self::CoreEvent(..) => "v1.Event",
            Self::TypeMeta(_) => "v1.TypeMeta",
            Self::Meta(..) => "v1.ObjectMeta",
            Self::Object(..) => "kube.EnhancedObjectReference",
            Self::Reference(..) => "v1.ObjectReference",
            Self::Source(_) => "v1.EventSource",
            Self::Series(_) => "v1.EventSeries",
            Self::Owner(_) => "v1.OwnerReference",
        }
    }

    /// Whether Go has a pointer here.
    pub(crate) fn is_pointer(self) -> bool {
        match self {
            Self::Event(_, de_dot) => !de_dot,
            Self::Reference(_, related) => related,
            Self::Series(_) => true,
            _ => false,
        }
    }

    /// The value of a field, the struct's own or one of a struct embedded in it.
    pub(crate) fn field(self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Event(document, de_dot) => event_field(document, de_dot, name),
            Self::CoreEvent(document, de_dot) => core_event_field(document, de_dot, name),
            Self::TypeMeta(document) => type_meta_field(document, name),
            Self::Meta(metadata, de_dot) => meta_field(metadata, de_dot, name),
            Self::Object(object, de_dot) => object_field(object, de_dot, name),
            Self::Reference(object, _) => reference_field(object, name),
            Self::Source(source) => source_field(source, name),
            Self::Series(series) => series_field(series, name),
            Self::Owner(owner) => owner_field(owner, name),
        }
    }

    /// Every name that a template may write after this struct's dot.
    pub(crate) fn names(self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for field in self.fields() {
            if field.key.is_empty() || field.name == "ObjectMeta" {
                if let Some(Value::Struct(embedded)) = self.field(field.name) {
                    names.extend(embedded.names());
                }
            } else {
                names.push(field.name);
            }
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The time that KEE counts as the event's: the first timestamp, else the event time.
    pub(crate) fn timestamp(document: &Document<'_>) -> Time {
        let first = time_of(&document.first_timestamp, TimeKind::Plain);
        if first.is_zero() {
            time_of(&document.event_time, TimeKind::Plain)
        } else {
            first
        }
    }
}

fn text<'a>(text: &'a Option<Str<'a>>) -> Value<'a> {
    Value::borrowed(text.as_ref().map_or("", |text| &*text.0))
}

/// A time that does not parse is the zero time, as one that lacks.
fn time_of(text: &Option<Str<'_>>, kind: TimeKind) -> Time {
    let parsed = text.as_ref().and_then(|text| Time::parse_rfc3339(&text.0));
    parsed.unwrap_or(Time::ZERO).with_kind(kind)
}

fn int32<'a>(number: Option<i64>) -> Value<'a> {
    Value::Int(number.unwrap_or(0), IntKind::Int32)
}

fn labels<'a>(labels: &'a Option<Labels<'a>>, de_dot: bool) -> Value<'a> {
    let Some(labels) = labels.as_ref().filter(|_| de_dot) else {
        return Value::Labels(labels.as_ref());
    };
    let renamed: Entries<'a> = labels
        .iter()
        .map(|(key, value)| (key.0.replace('.', "_").into(), Value::borrowed(&value.0)))
        .collect();
    Value::map_of("string", renamed)
}

fn owners<'a>(owners: &'a Option<Vec<OwnerReference<'a>>>) -> Value<'a> {
    const ELEMENT: &str = "v1.OwnerReference";
    match owners {
        None => Value::nil_list(ELEMENT),
        Some(owners) => Value::list_of(
            ELEMENT,
            owners
                .iter()
                .map(|owner| Value::Struct(Struct::Owner(owner)))
                .collect(),
        ),
    }
}

fn event_field<'a>(document: &'a Document<'a>, de_dot: bool, name: &str) -> Option<Value<'a>> {
    match name {
        "ClusterName" => Some(text(&document.cluster_name)),
        "InvolvedObject" => {
            let object = document.involved_object.as_ref().unwrap_or(&NO_OBJECT);
            Some(Value::Struct(Struct::Object(object, de_dot)))
        }
        "Event" => Some(Value::Struct(Struct::CoreEvent(document, de_dot))),
        _ => core_event_field(document, de_dot, name),
    }
}

fn core_event_field<'a>(document: &'a Document<'a>, de_dot: bool, name: &str) -> Option<Value<'a>> {
    let value = match name {
        "Reason" => text(&document.reason),
        "Message" => text(&document.message),
        "Type" => text(&document.event_type),
        "Action" => text(&document.action),
        "Count" => int32(document.count),
        "ReportingController" => text(&document.reporting_component),
        "ReportingInstance" => text(&document.reporting_instance),
        "FirstTimestamp" => Value::Time(time_of(&document.first_timestamp, TimeKind::Meta)),
        "LastTimestamp" => Value::Time(time_of(&document.last_timestamp, TimeKind::Meta)),
        "EventTime" => Value::Time(time_of(&document.event_time, TimeKind::Micro)),
        "Source" => Value::Struct(Struct::Source(
            document.source.as_ref().unwrap_or(&NO_SOURCE),
        )),
        "Series" => match &document.series {
            Some(series) => Value::Struct(Struct::Series(series)),
            None => Value::NilPointer("v1.EventSeries"),
        },
        "Related" => match &document.related {
            Some(related) => Value::Struct(Struct::Reference(related, true)),
            None => Value::NilPointer("v1.ObjectReference"),
        },
        "InvolvedObject" => {
            let object = document.involved_object.as_ref().unwrap_or(&NO_OBJECT);
            Value::Struct(Struct::Reference(object, false))
        }
        "TypeMeta" => Value::Struct(Struct::TypeMeta(document)),
        "ObjectMeta" => Value::Struct(Struct::Meta(metadata(document), de_dot)),
        _ => {
            let found = type_meta_field(document, name);
            return found.or_else(|| meta_field(metadata(document), de_dot, name));
        }
    };
    Some(value)
}

fn metadata<'a>(document: &'a Document<'a>) -> &'a Metadata<'a> {
    document.metadata.as_ref().unwrap_or(&NO_METADATA)
}

fn type_meta_field<'a>(document: &'a Document<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        "Kind" => Some(text(&document.kind)),
        "APIVersion" => Some(text(&document.api_version)),
        _ => None,
    }
}

fn meta_field<'a>(metadata: &'a Metadata<'a>, de_dot: bool, name: &str) -> Option<Value<'a>> {
    let value = match name {
        "Name" => text(&metadata.name),
        "GenerateName" => text(&metadata.generate_name),
        "Namespace" => text(&metadata.namespace),
        "SelfLink" => text(&metadata.self_link),
        "UID" => text(&metadata.uid),
        "ResourceVersion" => text(&metadata.resource_version),
        "Generation" => Value::int64(metadata.generation.unwrap_or(0)),
        "CreationTimestamp" => Value::Time(time_of(&metadata.creation_timestamp, TimeKind::Meta)),
        "DeletionTimestamp" => match &metadata.deletion_timestamp {
            None => Value::NilPointer("v1.Time"),
            some => Value::Time(time_of(some, TimeKind::Meta)),
        },
        "DeletionGracePeriodSeconds" => match metadata.deletion_grace_period_seconds {
            None => Value::NilPointer("int64"),
            Some(seconds) => Value::int64(seconds),
        },
        "Labels" => labels(&metadata.labels, de_dot),
        "Annotations" => labels(&metadata.annotations, de_dot),
        "OwnerReferences" => owners(&metadata.owner_references),
        "Finalizers" => match &metadata.finalizers {
            None => Value::nil_list("string"),
            Some(names) => {
                let names = names.iter().map(|name| Value::borrowed(&name.0));
                Value::list_of("string", names.collect())
            }
        },
        // weir's documents have none.
        "ManagedFields" => Value::nil_list("v1.ManagedFieldsEntry"),
        _ => return None,
    };
    Some(value)
}

fn object_field<'a>(object: &'a InvolvedObject<'a>, de_dot: bool, name: &str) -> Option<Value<'a>> {
    match name {
        "Labels" => Some(labels(&object.labels, de_dot)),
        "Annotations" => Some(labels(&object.annotations, de_dot)),
        "OwnerReferences" => Some(owners(&object.owner_references)),
        "Deleted" => Some(Value::Bool(object.deleted.unwrap_or(false))),
        "ObjectReference" => Some(Value::Struct(Struct::Reference(object, false))),
        _ => reference_field(object, name),
    }
}

fn reference_field<'a>(object: &'a InvolvedObject<'a>, name: &str) -> Option<Value<'a>> {
    let value = match name {
        "Kind" => &object.kind,
        "Namespace" => &object.namespace,
        "Name" => &object.name,
        "UID" => &object.uid,
        "APIVersion" => &object.api_version,
        "ResourceVersion" => &object.resource_version,
        "FieldPath" => &object.field_path,
        _ => return None,
    };
    Some(text(value))
}

fn source_field<'a>(source: &'a Source<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        "Component" => Some(text(&source.component)),
        "Host" => Some(text(&source.host)),
        _ => None,
    }
}

fn series_field<'a>(series: &'a Series<'a>, name: &str) -> Option<Value<'a>> {
    match name {
        "Count" => Some(int32(series.count)),
        "LastObservedTime" => Some(Value::Time(time_of(
            &series.last_observed_time,
            TimeKind::Micro,
        ))),
        _ => None,
    }
}

fn owner_field<'a>(owner: &'a OwnerReference<'a>, name: &str) -> Option<Value<'a>> {
    let flag = |flag: Option<bool>| flag.map_or(Value::NilPointer("bool"), Value::Bool);
    match name {
        "APIVersion" => Some(text(&owner.api_version)),
        "Kind" => Some(text(&owner.kind)),
        "Name" => Some(text(&owner.name)),
        "UID" => Some(text(&owner.uid)),
        "Controller" => Some(flag(owner.controller)),
        "BlockOwnerDeletion" => Some(flag(owner.block_owner_deletion)),
        _ => None,
    }
}
