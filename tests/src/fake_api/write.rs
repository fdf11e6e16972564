//! Changes of objects by clients: create, update, patch, delete, with the conflicts of optimistic concurrency. What
//! an object may look like is `validate`'s business.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::event;
use super::kinds::Kind;
use super::record::Incoming;
use super::state::State;
use super::status::{Cause, Status};
use super::target::Target;
use super::validate;

/// What the fake reads patches in, strategic ones as merge patches. A server knows two more.
const PATCH_TYPES: &[&str] = &[
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Conditions of a deletion, what messages call them, and what they say of one that does not hold.
const PRECONDITIONS: &[(&str, &str, &str)] = &[
    (
        "uid",
        "UID",
        "The object might have been deleted and then recreated",
    ),
    (
        "resourceVersion",
        "ResourceVersion",
        "The object might have been modified",
    ),
];

/// Metadata in the order of the server.
const METADATA: &[&str] = &[
    "name",
    "generateName",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "labels",
    "annotations",
    "ownerReferences",
    "finalizers",
    "managedFields",
];

/// POST.
pub(super) fn create(
    state: &mut State,
    kind: &Kind,
    target: &Target,
    incoming: &Incoming,
) -> Result<Arc<Value>, Status> {
    let mut object = decode_object(kind, target, incoming)?;
    let metadata = &mut object["metadata"];
    if !text(&metadata["resourceVersion"]).is_empty() {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Status::new(500, "", message));
    }
    if text(&metadata["name"]).is_empty() {
        let prefix = text(&metadata["generateName"]);
        if prefix.is_empty() {
            let why = "name or generateName is required";
            let causes = [Cause::required("metadata.name", why)];
            return Err(Status::invalid(&kind.group, &kind.kind, "", &causes));
        }
        metadata["name"] = format!("{prefix}{:05}", state.store.revision()).into();
    }
    let name = text(&metadata["name"]).to_owned();
    validate::object(kind, &object)?;
    let path = kind.path(&target.namespace, &name);
    if state.store.get(&kind.table(), &path).is_some() {
        return Err(Status::already_exists(kind, &name));
    }
    Ok(add(state, kind, object))
}

/// PUT: gives the code, because a Lease that is not there is created.
pub(super) fn update(
    state: &mut State,
    kind: &Kind,
    target: &Target,
    incoming: &Incoming,
) -> Result<(u16, Arc<Value>), Status> {
    let object = decode_object(kind, target, incoming)?;
    check_name(&object, target)?;
    let path = kind.path(&target.namespace, &target.name);
    let Some(current) = state.store.get(&kind.table(), &path) else {
        if kind.resource != "leases" {
            return Err(Status::not_found(kind, &target.name));
        }
        validate::object(kind, &object)?;
        // A resourceVersion is no condition here, a uid is.
        check_uid(kind, &object, "", &path)?;
        return Ok((201, add(state, kind, object)));
    };
    if text(&object["metadata"]["resourceVersion"]).is_empty() && kind.resource == "leases" {
        let why = "must be specified for an update";
        let causes = [Cause::invalid("metadata.resourceVersion", "0", why)];
        let (group, resource) = (&kind.group, &kind.resource);
        return Err(Status::invalid(group, resource, &target.name, &causes));
    }
    let object = replace(state, kind, &path, &current, object)?;
    Ok((200, object))
}

/// PATCH.
pub(super) fn patch(
    state: &mut State,
    kind: &Kind,
    target: &Target,
    incoming: &Incoming,
) -> Result<Arc<Value>, Status> {
    if !PATCH_TYPES.contains(&media_type(incoming)) {
        return Err(Status::unsupported_patch_type());
    }
    let patch: Map<String, Value> = serde_json::from_slice(&incoming.body).map_err(|error| {
        Status::bad_request(format!("error decoding patch: {}", parse_error(&error)))
    })?;
    let path = kind.path(&target.namespace, &target.name);
    let current = state.store.get(&kind.table(), &path);
    let current = current.ok_or_else(|| Status::not_found(kind, &target.name))?;
    let mut object = (*current).clone();
    // Only a resourceVersion in the patch itself is a condition.
    object["metadata"]["resourceVersion"] = "".into();
    merge(&mut object, &Value::Object(patch));
    let object = check_kind(kind, object)?;
    check_name(&object, target)?;
    let (uid, there) = (&object["metadata"]["uid"], &current["metadata"]["uid"]);
    if uid != there {
        let causes = [Cause::invalid(
            "metadata.uid",
            &uid.to_string(),
            "field is immutable",
        )];
        return Err(invalid(kind, &target.name, &causes));
    }
    if let Err(status) = validate::object(kind, &object)
        && status.code == 400
    {
        // What cannot be read behind a patch is a fault of the patch.
        let given = format!("{:?}", object.to_string());
        let why = text(&status.body()["message"]);
        let causes = [Cause::invalid("patch", &given, why)];
        return Err(Status::invalid("", "", "", &causes));
    }
    replace(state, kind, &path, &current, object)
}

/// DELETE, with its preconditions.
pub(super) fn delete(
    state: &mut State,
    kind: &Kind,
    target: &Target,
    incoming: &Incoming,
) -> Result<Value, Status> {
    let path = kind.path(&target.namespace, &target.name);
    let current = state.store.get(&kind.table(), &path);
    let current = current.ok_or_else(|| Status::not_found(kind, &target.name))?;
    let options: Value = serde_json::from_slice(&incoming.body).unwrap_or_default();
    for (member, called, why) in PRECONDITIONS {
        let there = text(&current["metadata"][*member]);
        let wanted = text(&options["preconditions"][*member]);
        if !wanted.is_empty() && there != wanted {
            let why = format!(
                "the {called} in the precondition ({wanted}) does not match the {called} in record ({there}). {why}"
            );
            return Err(Status::conflict_of_kind(kind, &target.name, &why));
        }
    }
    state.store.delete(&kind.table(), &[path]);
    let mut details = json!({"name": target.name});
    if !kind.group.is_empty() {
        details["group"] = kind.group.clone().into();
    }
    details["kind"] = kind.resource.clone().into();
    details["uid"] = current["metadata"]["uid"].clone();
    Ok(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    )
}

/// Gives an object the identity of the one that has its place, if any.
pub(super) fn keep_identity(state: &State, kind: &Kind, object: &mut Value) {
    let namespace = match text(&object["metadata"]["namespace"]) {
        "" => "default",
        namespace => namespace,
    };
    let path = kind.path(namespace, text(&object["metadata"]["name"]));
    if let Some(current) = state.store.get(&kind.table(), &path) {
        for member in ["uid", "creationTimestamp"] {
            if object["metadata"][member].is_null() {
                object["metadata"][member] = current["metadata"][member].clone();
            }
        }
    }
}

/// Adds an object that is complete but for what the server gives it.
pub(super) fn add(state: &mut State, kind: &Kind, mut object: Value) -> Arc<Value> {
    let metadata = &mut object["metadata"];
    if text(&metadata["uid"]).is_empty() {
        let next = state.store.revision() + 1;
        metadata["uid"] = format!("00000000-0000-4000-8000-{next:012x}").into();
    }
    if text(&metadata["creationTimestamp"]).is_empty() {
        metadata["creationTimestamp"] = now().into();
    }
    if kind.namespaced && text(&metadata["namespace"]).is_empty() {
        metadata["namespace"] = "default".into();
    }
    if !kind.namespaced
        && let Some(metadata) = metadata.as_object_mut()
    {
        metadata.shift_remove("namespace");
    }
    let path = kind.path(text(&metadata["namespace"]), text(&metadata["name"]));
    let object = in_order(kind, object);
    state.store.put(&kind.table(), &path, object)
}

/// Puts an object into the place of its current state, unless it is based on another one. Nothing changes where it
/// is the same.
fn replace(
    state: &mut State,
    kind: &Kind,
    path: &str,
    current: &Arc<Value>,
    mut object: Value,
) -> Result<Arc<Value>, Status> {
    let there = &current["metadata"];
    let name = text(&there["name"]).to_owned();
    let version = text(&object["metadata"]["resourceVersion"]);
    if !version.is_empty() && version.parse::<u64>().is_err() {
        return Err(Status::bad_object_version(version));
    }
    if !version.is_empty() && there["resourceVersion"] != version {
        return Err(Status::conflict(kind, &name, MODIFIED));
    }
    check_uid(kind, &object, text(&there["uid"]), path)?;
    validate::object(kind, &object)?;
    for member in ["uid", "creationTimestamp", "resourceVersion", "namespace"] {
        object["metadata"][member] = there[member].clone();
    }
    let object = in_order(kind, object);
    if object == **current {
        return Ok(current.clone());
    }
    Ok(state.store.put(&kind.table(), path, object))
}

/// An object as it is stored: metadata first and in order, without what is null.
pub(super) fn in_order(kind: &Kind, object: Value) -> Value {
    let mut metadata = Map::new();
    for member in METADATA {
        let value = object["metadata"].get(*member);
        // The revision has its place before it is known.
        let placeholder = (*member == "resourceVersion").then_some(&Value::Null);
        let value = value.filter(|value| !value.is_null() && *value != "");
        if let Some(value) = value.or(placeholder) {
            metadata.insert((*member).into(), value.clone());
        }
    }
    let mut whole = Map::new();
    whole.insert("metadata".into(), Value::Object(metadata));
    for (member, value) in object.as_object().into_iter().flatten() {
        if !["kind", "apiVersion", "metadata"].contains(&member.as_str()) {
            whole.insert(member.clone(), value.clone());
        }
    }
    let mut whole = Value::Object(whole);
    if kind.resource == "leases" {
        whole["spec"] = validate::lease_spec_in_order(&whole["spec"]);
    }
    if kind.is_event() {
        event::stored(&whole)
    } else {
        whole
    }
}

fn media_type(incoming: &Incoming) -> &str {
    let first = incoming.content_type.split(';').next();
    first.unwrap_or_default().trim()
}

/// The object in a request for its kind and namespace.
fn decode_object(kind: &Kind, target: &Target, incoming: &Incoming) -> Result<Value, Status> {
    if !["", "application/json"].contains(&media_type(incoming)) {
        return Err(Status::unsupported_media_type());
    }
    let object: Value = serde_json::from_slice(&incoming.body).map_err(|error| {
        let body = match String::from_utf8_lossy(&incoming.body) {
            body if body.is_empty() => "<empty>".into(),
            body => body,
        };
        let (wanted, error) = (&kind.kind, parse_error(&error));
        let message = format!(
            "the object provided is unrecognized (must be of type {wanted}): couldn't get version/kind; json parse \
             error: {error} ({body})"
        );
        Status::bad_request(message)
    })?;
    let mut object = check_kind(kind, object)?;
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    let namespace = text(&object["metadata"]["namespace"]);
    if !namespace.is_empty() && namespace != target.namespace {
        let message =
            "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Status::bad_request(message));
    }
    object["metadata"]["namespace"] = target.namespace.clone().into();
    Ok(object)
}

/// Refuses an object of another kind.
fn check_kind(kind: &Kind, object: Value) -> Result<Value, Status> {
    if !object.is_object() {
        return Err(Status::bad_request("the object provided is unrecognized"));
    }
    let or = |given: &str, usual: String| match given {
        "" => usual,
        given => given.to_owned(),
    };
    let given = or(text(&object["kind"]), kind.kind.clone());
    let version = or(text(&object["apiVersion"]), kind.api_version());
    if given != kind.kind || version != kind.api_version() {
        let message = format!(
            "{given} in version {version:?} cannot be handled as a {}: no kind {given:?} is registered for version \
             {version:?} in scheme \"pkg/runtime/scheme.go:111\"",
            kind.kind
        );
        return Err(Status::bad_request(message));
    }
    Ok(object)
}

fn check_name(object: &Value, target: &Target) -> Result<(), Status> {
    let (name, wanted) = (text(&object["metadata"]["name"]), &target.name);
    if name == wanted {
        return Ok(());
    }
    Err(Status::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({wanted})"
    )))
}

/// Refuses an object with the uid of another one.
fn check_uid(kind: &Kind, object: &Value, there: &str, path: &str) -> Result<(), Status> {
    let uid = text(&object["metadata"]["uid"]);
    if uid.is_empty() || uid == there {
        return Ok(());
    }
    let key = format!("/registry/{}/{path}", kind.resource);
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition \
         failed: UID in precondition: {uid}, UID in object meta: {there}"
    );
    let name = text(&object["metadata"]["name"]);
    Err(Status::conflict(kind, name, &why))
}

fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Status {
    Status::invalid(&kind.group, &kind.kind, name, causes)
}

/// Go's words for the commonest.
fn parse_error(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "unexpected end of JSON input".into()
    } else {
        error.to_string()
    }
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = json!({});
    }
    let members = object.as_object_mut().expect("it is one now");
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Now, to the second.
pub(super) fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// Now, as a MicroTime.
pub(super) fn now_micro() -> String {
    format!("{:.6}", jiff::Timestamp::now())
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
