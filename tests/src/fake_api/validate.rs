//! What an object may look like: Leases and ConfigMaps as the server checks them, metadata of all. Stricter in one
//! point: an unknown field is refused, which the server does only for `fieldValidation=Strict`.

use serde_json::Value;

use super::kinds::Kind;
use super::selector::label_name;
use super::status::{Cause, Status};
use super::write::text;

/// The largest annotations of an object, names and values together.
const ANNOTATIONS_BYTES_MAX: usize = 256 * 1024;

/// The largest ConfigMap.
const CONFIG_MAP_BYTES_MAX: usize = 1024 * 1024;

/// How Go writes down the format of a MicroTime.
const MICRO_TIME: &str = "2006-01-02T15:04:05.000000Z07:00";

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Type {
    Text,
    Int32,
    Int64,
    Flag,
    MicroTime,
    Texts,
    Any,
}

const METADATA: &[(&str, Type)] = &[
    ("name", Type::Text),
    ("generateName", Type::Text),
    ("namespace", Type::Text),
    ("selfLink", Type::Text),
    ("uid", Type::Text),
    ("resourceVersion", Type::Text),
    ("generation", Type::Int64),
    ("creationTimestamp", Type::Text),
    ("deletionTimestamp", Type::Text),
    ("deletionGracePeriodSeconds", Type::Int64),
    ("labels", Type::Texts),
    ("annotations", Type::Texts),
    ("ownerReferences", Type::Any),
    ("finalizers", Type::Any),
    ("managedFields", Type::Any),
];

const LEASE_SPEC: &[(&str, Type)] = &[
    ("holderIdentity", Type::Text),
    ("leaseDurationSeconds", Type::Int32),
    ("acquireTime", Type::MicroTime),
    ("renewTime", Type::MicroTime),
    ("leaseTransitions", Type::Int32),
    ("strategy", Type::Text),
    ("preferredHolder", Type::Text),
];

const CONFIG_MAP: &[(&str, Type)] = &[
    ("kind", Type::Text),
    ("apiVersion", Type::Text),
    ("metadata", Type::Any),
    ("immutable", Type::Flag),
    ("data", Type::Texts),
    ("binaryData", Type::Texts),
];

const LEASE: &[(&str, Type)] = &[
    ("kind", Type::Text),
    ("apiVersion", Type::Text),
    ("metadata", Type::Any),
    ("spec", Type::Any),
];

/// A Lease's spec in the order of the server.
pub(super) fn lease_spec_in_order(spec: &Value) -> Value {
    let mut whole = serde_json::Map::new();
    for (name, _) in LEASE_SPEC {
        if let Some(value) = spec.get(*name).filter(|value| !value.is_null()) {
            whole.insert((*name).into(), value.clone());
        }
    }
    Value::Object(whole)
}

/// Refuses what the server would.
pub(super) fn object(kind: &Kind, object: &Value) -> Result<(), Status> {
    let check = Check { kind };
    check.fields("ObjectMeta", "metadata", &object["metadata"], METADATA)?;
    let mut causes = metadata_problems(&object["metadata"]);
    match kind.resource.as_str() {
        "leases" => {
            check.fields("Lease", "", object, LEASE)?;
            check.fields("LeaseSpec", "spec", &object["spec"], LEASE_SPEC)?;
            causes.extend(lease_problems(&object["spec"]));
        }
        "configmaps" => {
            check.fields("ConfigMap", "", object, CONFIG_MAP)?;
            causes.extend(config_map_problems(object));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    let name = text(&object["metadata"]["name"]);
    Err(Status::invalid(&kind.group, &kind.kind, name, &causes))
}

struct Check<'a> {
    kind: &'a Kind,
}

impl Check<'_> {
    fn fields(
        &self,
        structure: &str,
        path: &str,
        value: &Value,
        known: &[(&str, Type)],
    ) -> Result<(), Status> {
        if value.is_null() {
            return Ok(());
        }
        let Some(members) = value.as_object() else {
            return Err(self.mistyped(value, structure, path, "struct"));
        };
        for (name, value) in members {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            let Some((_, wanted)) = known.iter().find(|(there, _)| there == name) else {
                let why = format!("strict decoding error: unknown field {path:?}");
                return Err(self.unreadable(&why));
            };
            if !value.is_null() {
                self.value(structure, &path, value, *wanted)?;
            }
        }
        Ok(())
    }

    fn value(
        &self,
        structure: &str,
        path: &str,
        value: &Value,
        wanted: Type,
    ) -> Result<(), Status> {
        let int32 = |value: &Value| value.as_i64().is_some_and(|it| i32::try_from(it).is_ok());
        let (good, called) = match wanted {
            Type::Any => (true, ""),
            Type::Text => (value.is_string(), "string"),
            Type::Flag => (value.is_boolean(), "bool"),
            Type::Int32 => (int32(value), "int32"),
            Type::Int64 => (value.is_i64(), "int64"),
            Type::MicroTime => (value.is_string(), "string"),
            Type::Texts => {
                let Some(members) = value.as_object() else {
                    return Err(self.mistyped(value, structure, path, "map[string]string"));
                };
                for value in members.values() {
                    self.value(structure, path, value, Type::Text)?;
                }
                (true, "")
            }
        };
        if !good {
            return Err(self.mistyped(value, structure, path, called));
        }
        if wanted == Type::MicroTime
            && let Some(why) = micro_time_problem(text(value))
        {
            return Err(self.unreadable(&why));
        }
        Ok(())
    }

    fn mistyped(&self, value: &Value, structure: &str, path: &str, wanted: &str) -> Status {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        let why = format!(
            "json: cannot unmarshal {found} into Go struct field {structure}.{path} of type {wanted}"
        );
        self.unreadable(&why)
    }

    fn unreadable(&self, why: &str) -> Status {
        let Kind { kind, version, .. } = self.kind;
        let message = format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}");
        Status::bad_request(message)
    }
}

/// What Go says of a text that is no MicroTime: six digits, neither more nor less.
fn micro_time_problem(time: &str) -> Option<String> {
    let problem = |rest: &str, format: &str| {
        Some(format!(
            "parsing time {time:?} as {MICRO_TIME:?}: cannot parse {rest:?} as {format:?}"
        ))
    };
    if time.parse::<jiff::Timestamp>().is_err() || time.as_bytes().get(10) != Some(&b'T') {
        return problem(time, "2006");
    }
    let fraction = time.get(19..).unwrap_or_default();
    let digits = fraction.strip_prefix('.').unwrap_or_default();
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    match count {
        0..=5 => problem(fraction, ".000000"),
        6 => None,
        _ => problem(&digits[6..], "Z07:00"),
    }
}

fn metadata_problems(metadata: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let name = text(&metadata["name"]);
    if !is_subdomain(name) {
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
                   and must start and end with an alphanumeric character (e.g. 'example.com', regex used for \
                   validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        causes.push(Cause::invalid("metadata.name", &format!("{name:?}"), why));
    }
    for field in ["labels", "annotations"] {
        let names = metadata[field]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name);
        // Annotations' names are checked in lower case.
        for name in names.filter(|name| label_name(&name.to_lowercase()).is_none()) {
            let why = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end \
                       with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for \
                       validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
            causes.push(Cause::invalid(
                &format!("metadata.{field}"),
                &format!("{name:?}"),
                why,
            ));
        }
    }
    if bytes_of(&metadata["annotations"]) > ANNOTATIONS_BYTES_MAX {
        causes.push(Cause::too_long(
            "metadata.annotations",
            ANNOTATIONS_BYTES_MAX,
        ));
    }
    causes
}

fn lease_problems(spec: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let number = |name: &str| spec[name].as_i64();
    if let Some(seconds) = number("leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
        let why = "must be greater than 0";
        causes.push(Cause::invalid(
            "spec.leaseDurationSeconds",
            &seconds.to_string(),
            why,
        ));
    }
    if let Some(count) = number("leaseTransitions").filter(|count| *count < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid(
            "spec.leaseTransitions",
            &count.to_string(),
            why,
        ));
    }
    causes
}

fn config_map_problems(object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for field in ["data", "binaryData"] {
        let names = object[field]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name);
        for name in names.filter(|name| !is_key(name)) {
            let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                       'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
                       '[-._a-zA-Z0-9]+')";
            causes.push(Cause::invalid(
                &format!("{field}[{name}]"),
                &format!("{name:?}"),
                why,
            ));
        }
    }
    if bytes_of(&object["data"]) + bytes_of(&object["binaryData"]) > CONFIG_MAP_BYTES_MAX {
        causes.push(Cause::too_long("[]", CONFIG_MAP_BYTES_MAX));
    }
    causes
}

fn bytes_of(texts: &Value) -> usize {
    let members = texts.as_object().into_iter().flatten();
    members
        .map(|(name, value)| name.len() + text(value).len())
        .sum()
}

fn is_key(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    !name.is_empty() && name.len() <= 253 && name.bytes().all(good) && ![".", ".."].contains(&name)
}

fn is_subdomain(name: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 253
        && name.split('.').all(|part| {
            !part.is_empty()
                && part.bytes().all(good)
                && !part.starts_with('-')
                && !part.ends_with('-')
        })
}
