//! The forms that an object is answered in: whole, or its metadata alone, as the `Accept` header asks; and the
//! choice between them.

use serde_json::{Map, Value, json};

use super::event;
use super::kinds::Kind;
use super::status::Status;

/// What of an object is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Metadata,
}

impl Form {
    /// The first media type of an `Accept` header that the server can serve.
    pub(super) fn accepted(header: &str) -> Result<Form, Status> {
        if header.trim().is_empty() {
            return Ok(Form::Whole);
        }
        if let Some(form) = header.split(',').find_map(served) {
            return Ok(form);
        }
        let json = header
            .split(',')
            .any(|media| is_json(media.split(';').next()));
        Err(if json {
            Status::not_acceptable_form()
        } else {
            Status::not_acceptable()
        })
    }

    /// An object on its own: of a GET or of a watch line.
    pub(super) fn object(self, kind: &Kind, stored: &Value) -> Value {
        match self {
            Form::Whole => with_kind(&kind.kind, &kind.api_version(), members(kind, stored)),
            Form::Metadata => metadata(stored),
        }
    }

    /// An item of a list, which has no kind of its own.
    pub(super) fn item(self, kind: &Kind, stored: &Value) -> Value {
        match self {
            Form::Whole => members(kind, stored),
            Form::Metadata => metadata(stored),
        }
    }

    /// The list around items.
    pub(super) fn list(self, kind: &Kind, list_metadata: Value, items: Vec<Value>) -> Value {
        let (name, api_version) = match self {
            Form::Whole => (format!("{}List", kind.kind), kind.api_version()),
            Form::Metadata => ("PartialObjectMetadataList".into(), "meta.k8s.io/v1".into()),
        };
        let items = match self {
            // Nothing of this form is null.
            Form::Metadata if items.is_empty() => Value::Null,
            _ => items.into(),
        };
        let members = json!({"metadata": list_metadata, "items": items});
        with_kind(&name, &api_version, members)
    }
}

fn served(media: &str) -> Option<Form> {
    let mut parts = media.split(';').map(str::trim);
    if !is_json(parts.next()) {
        return None;
    }
    let parameters: Vec<(&str, &str)> = parts.filter_map(|part| part.split_once('=')).collect();
    let value = |name| {
        let found = parameters.iter().find(|(there, _)| *there == name);
        found.map(|(_, value)| *value)
    };
    match value("as") {
        None => Some(Form::Whole),
        Some("PartialObjectMetadata" | "PartialObjectMetadataList")
            if value("g") == Some("meta.k8s.io") && value("v") == Some("v1") =>
        {
            Some(Form::Metadata)
        }
        Some(_) => None,
    }
}

fn is_json(media: Option<&str>) -> bool {
    let media = media.unwrap_or_default().trim();
    ["application/json", "application/*", "*/*"].contains(&media)
}

fn members(kind: &Kind, stored: &Value) -> Value {
    if kind.is_event() && !kind.group.is_empty() {
        event::as_events_k8s_io(stored)
    } else {
        stored.clone()
    }
}

fn metadata(stored: &Value) -> Value {
    let members = json!({"metadata": stored["metadata"]});
    with_kind("PartialObjectMetadata", "meta.k8s.io/v1", members)
}

fn with_kind(kind: &str, api_version: &str, members: Value) -> Value {
    let mut whole = Map::new();
    whole.insert("kind".into(), kind.into());
    whole.insert("apiVersion".into(), api_version.into());
    if let Value::Object(members) = members {
        whole.extend(members);
    }
    Value::Object(whole)
}
