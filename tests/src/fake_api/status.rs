//! Refusals in the words of a real API server: the `Status` bodies of the recording, and those of its source code
//! where nothing was recorded. Numbers and names go in; nothing here looks at a request.

use serde_json::{Value, json};

use super::kinds::Kind;

/// A `Status` that answers a request, or ends a watch as its last line.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// The HTTP status.
    pub code: u16,
    /// The `Retry-After` header, in seconds.
    pub retry_after_s: Option<u32>,
    body: Value,
}

/// One cause of a 422: a field, what is wrong with it.
pub(super) struct Cause {
    field: String,
    reason: &'static str,
    message: String,
}

impl Status {
    /// A failure; an empty reason is left out, as the server does where it has none.
    pub fn new(code: u16, reason: &str, message: impl Into<String>) -> Status {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message.into(),
        });
        if !reason.is_empty() {
            body["reason"] = reason.into();
        }
        body["code"] = code.into();
        Status {
            code,
            retry_after_s: None,
            body,
        }
    }

    /// The same with details, which come before the code.
    pub(super) fn with_details(mut self, details: Value) -> Status {
        self.body["details"] = details;
        let code = self.body.as_object_mut().and_then(|body| {
            // Not `remove`, which would put the last member into its place.
            body.shift_remove("code")
        });
        self.body["code"] = code.unwrap_or_default();
        self
    }

    /// The whole body.
    pub fn body(&self) -> &Value {
        &self.body
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Status {
        Status::new(400, "BadRequest", message)
    }

    pub(super) fn unauthorized() -> Status {
        Status::new(401, "Unauthorized", "Unauthorized")
    }

    pub(super) fn method_not_allowed() -> Status {
        let message = "the server does not allow this method on the requested resource";
        Status::new(405, "MethodNotAllowed", message).with_details(json!({}))
    }

    pub(super) fn no_such_resource() -> Status {
        let message = "the server could not find the requested resource";
        Status::new(404, "NotFound", message).with_details(json!({}))
    }

    /// None of the accepted types is served at all.
    pub(super) fn not_acceptable() -> Status {
        let message = "406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf, application/json;stream=watch, \
                       application/vnd.kubernetes.protobuf;stream=watch";
        Status::new(406, "NotAcceptable", message).with_details(json!({}))
    }

    /// A type is served, but not with such an `as`.
    pub(super) fn not_acceptable_form() -> Status {
        let message = "only the following media types are accepted: application/json, application/yaml, \
                       application/vnd.kubernetes.protobuf";
        Status::new(406, "NotAcceptable", message)
    }

    pub(super) fn unsupported_media_type() -> Status {
        let message = "the body of the request was in an unknown format - accepted media types include: \
                       application/json, application/yaml, application/vnd.kubernetes.protobuf";
        Status::new(415, "UnsupportedMediaType", message)
    }

    pub(super) fn unsupported_patch_type() -> Status {
        let message = "415: Unsupported Media Type";
        Status::new(415, "UnsupportedMediaType", message).with_details(json!({}))
    }

    pub(super) fn expired_list() -> Status {
        let message = "The resourceVersion for the provided list is too old.";
        Status::new(410, "Expired", message)
    }

    /// An expired continue token, with the one that gives the inconsistent remainder.
    pub(super) fn expired_continue(token: String) -> Status {
        let message = "The provided continue parameter is too old to display a consistent list result. You can \
                       start a new list without the continue parameter, or use the continue token in this \
                       response to retrieve the remainder of the results. Continuing with the provided token \
                       results in an inconsistent list - objects that were created, modified, or deleted \
                       between the time the first chunk was returned and now may show up in the list.";
        let mut status = Status::new(410, "Expired", message);
        status.body["metadata"]["continue"] = token.into();
        status
    }

    pub(super) fn expired_watch() -> Status {
        let message = "The resourceVersion for the provided watch is too old.";
        Status::new(410, "Expired", message)
    }

    /// The same from a watch cache, whose oldest state has the second number.
    pub(super) fn older_than_cache(version: u64, oldest: u64) -> Status {
        let message = format!("too old resource version: {version} ({oldest})");
        Status::new(410, "Expired", message)
    }

    pub(super) fn too_large_version(asked: u64, current: u64) -> Status {
        let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
        let cause =
            json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        Status::new(504, "Timeout", message).with_details(json!({"causes": [cause]}))
    }

    /// The same as the last line of a watch that wanted initial events.
    pub(super) fn too_large_version_to_watch(asked: u64, current: u64) -> Status {
        let mut status = Status::too_large_version(asked, current);
        status.body["details"]["retryAfterSeconds"] = 2.into();
        status
    }

    /// An object to write whose resourceVersion is no number.
    pub(super) fn bad_object_version(version: &str) -> Status {
        let message = format!("strconv.ParseUint: parsing {version:?}: invalid syntax");
        Status::new(500, "", message)
    }

    /// A watch from something that is no number: the server has no better code for it.
    pub(super) fn bad_watch_version(version: &str) -> Status {
        Status::new(500, "", bad_version(version))
    }

    pub(super) fn bad_list_version(version: &str) -> Status {
        Status::bad_request(format!(
            "invalid resource version: {}",
            bad_version(version)
        ))
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Status {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Status::new(404, "NotFound", message).with_details(details(kind, name))
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Status {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Status::new(409, "AlreadyExists", message).with_details(details(kind, name))
    }

    pub(super) fn conflict(kind: &Kind, name: &str, why: &str) -> Status {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": {why}",
            kind.qualified()
        );
        Status::new(409, "Conflict", message).with_details(details(kind, name))
    }

    /// The same with the kind in place of the resource, as a deletion has it.
    pub(super) fn conflict_of_kind(kind: &Kind, name: &str, why: &str) -> Status {
        let resource = kind.kind.clone();
        let as_resource = Kind {
            resource,
            ..kind.clone()
        };
        Status::conflict(&as_resource, name, why)
    }

    /// A 422. The kind is named by what the request was for, `Lease.coordination.k8s.io` for example.
    pub(super) fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Status {
        let all: Vec<String> = causes.iter().map(Cause::text).collect();
        let all = match &all[..] {
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        let qualified = match group {
            "" => kind.to_owned(),
            group => format!("{kind}.{group}"),
        };
        let mut details = json!({});
        for (member, text) in [("name", name), ("group", group), ("kind", kind)] {
            if !text.is_empty() {
                details[member] = text.into();
            }
        }
        details["causes"] = causes.iter().map(Cause::value).collect();
        let message = format!("{qualified} \"{name}\" is invalid: {all}");
        Status::new(422, "Invalid", message).with_details(details)
    }

    /// A 403 for a resource, with its kind and, where one object was asked for, its name.
    pub(super) fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Status {
        let mut qualified = match group {
            "" => resource.to_owned(),
            group => format!("{resource}.{group}"),
        };
        let mut details = json!({});
        if !name.is_empty() {
            details["name"] = name.into();
            qualified = format!("{qualified} \"{name}\"");
        }
        if !group.is_empty() {
            details["group"] = group.into();
        }
        details["kind"] = resource.into();
        Status::new(403, "Forbidden", format!("{qualified} is forbidden: {why}"))
            .with_details(details)
    }

    pub(super) fn forbidden_path(user: &str, verb: &str, path: &str) -> Status {
        let message = format!("forbidden: User \"{user}\" cannot {verb} path \"{path}\"");
        Status::new(403, "Forbidden", message).with_details(json!({}))
    }
}

impl Cause {
    pub(super) fn invalid(field: &str, value: &str, why: &str) -> Cause {
        Cause::new(
            field,
            "FieldValueInvalid",
            format!("Invalid value: {value}: {why}"),
        )
    }

    pub(super) fn forbidden(field: &str, why: &str) -> Cause {
        Cause::new(field, "FieldValueForbidden", format!("Forbidden: {why}"))
    }

    pub(super) fn required(field: &str, why: &str) -> Cause {
        Cause::new(
            field,
            "FieldValueRequired",
            format!("Required value: {why}"),
        )
    }

    pub(super) fn unsupported(field: &str, value: &str, supported: &[&str]) -> Cause {
        let supported: Vec<String> = supported.iter().map(|value| format!("{value:?}")).collect();
        let message = format!(
            "Unsupported value: {value:?}: supported values: {}",
            supported.join(", ")
        );
        Cause::new(field, "FieldValueNotSupported", message)
    }

    pub(super) fn too_long(field: &str, bytes_max: usize) -> Cause {
        let message = format!("Too long: may not be more than {bytes_max} bytes");
        Cause::new(field, "FieldValueTooLong", message)
    }

    fn new(field: &str, reason: &'static str, message: String) -> Cause {
        Cause {
            field: field.to_owned(),
            reason,
            message,
        }
    }

    fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }

    fn value(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

fn bad_version(version: &str) -> String {
    format!(
        "resourceVersion: Invalid value: {version:?}: strconv.ParseUint: parsing {version:?}: invalid syntax"
    )
}

fn details(kind: &Kind, name: &str) -> Value {
    let mut details = json!({"name": name});
    if !kind.group.is_empty() {
        details["group"] = kind.group.clone().into();
    }
    details["kind"] = kind.resource.clone().into();
    details
}
