//! Field and label selectors, over objects in the form they are stored in. Events answer to different field names
//! in each of their two groups, and refuse those of the other.

use serde_json::Value;

use super::kinds::Kind;
use super::status::Status;

/// Fields of a core/v1 event, as selectors name them.
const CORE_FIELDS: &[&str] = &[
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// Those of events.k8s.io/v1 that have another name there, with the name in core/v1; `source` is not among them.
const EVENTS_FIELDS: &[(&str, &str)] = &[
    ("regarding.kind", "involvedObject.kind"),
    ("regarding.namespace", "involvedObject.namespace"),
    ("regarding.name", "involvedObject.name"),
    ("regarding.uid", "involvedObject.uid"),
    ("regarding.apiVersion", "involvedObject.apiVersion"),
    (
        "regarding.resourceVersion",
        "involvedObject.resourceVersion",
    ),
    ("regarding.fieldPath", "involvedObject.fieldPath"),
    ("reason", "reason"),
    ("reportingController", "reportingComponent"),
    ("type", "type"),
];

/// Both selectors of a request.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Selector {
    fields: Vec<FieldTerm>,
    labels: Vec<LabelTerm>,
}

#[derive(Debug, Clone, PartialEq)]
struct FieldTerm {
    /// As core/v1 names it.
    field: String,
    value: String,
    equal: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum LabelTerm {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Absent(String),
}

impl Selector {
    /// Reads them for a kind.
    pub(super) fn parse(kind: &Kind, fields: &str, labels: &str) -> Result<Selector, Status> {
        Ok(Selector {
            fields: parse_fields(kind, fields)?,
            labels: parse_labels(labels)?,
        })
    }

    /// Whether everything is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.labels.is_empty()
    }

    /// The one object that is asked for by name, if any: permissions by name hold for it.
    pub(super) fn name(&self) -> Option<&str> {
        let by_name = |term: &&FieldTerm| term.field == "metadata.name" && term.equal;
        self.fields.iter().find(by_name).map(|term| &*term.value)
    }

    pub(super) fn selects(&self, object: &Value) -> bool {
        self.fields
            .iter()
            .all(|term| (field(object, &term.field) == term.value) == term.equal)
            && self.labels.iter().all(|term| term.selects(object))
    }
}

impl LabelTerm {
    fn selects(&self, object: &Value) -> bool {
        let label = |name: &str| object["metadata"]["labels"][name].as_str();
        let among = |values: &[String], label: &str| values.iter().any(|value| value == label);
        match self {
            LabelTerm::In(name, values) => label(name).is_some_and(|label| among(values, label)),
            LabelTerm::NotIn(name, values) => label(name).is_none_or(|label| !among(values, label)),
            LabelTerm::Exists(name) => label(name).is_some(),
            LabelTerm::Absent(name) => label(name).is_none(),
        }
    }
}

/// A field's text; what is absent is empty.
fn field<'a>(event: &'a Value, name: &str) -> &'a str {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    match name {
        "source" => match text(&event["source"]["component"]) {
            "" => text(&event["reportingComponent"]),
            component => component,
        },
        name => text(name.split('.').fold(event, |value, part| &value[part])),
    }
}

fn parse_fields(kind: &Kind, text: &str) -> Result<Vec<FieldTerm>, Status> {
    let mut terms = Vec::new();
    for part in split_terms(text).iter().filter(|part| !part.is_empty()) {
        let Some((name, equal, value)) = split_term(part) else {
            let message = format!("invalid selector: '{text}'; can't understand '{part}'");
            return Err(Status::bad_request(message));
        };
        let Some(field) = stored_name(kind, name) else {
            return Err(Status::bad_request(unknown_field(kind, name)));
        };
        terms.push(FieldTerm {
            field: field.to_owned(),
            value: unescape(value),
            equal,
        });
    }
    Ok(terms)
}

fn stored_name<'a>(kind: &Kind, name: &'a str) -> Option<&'a str> {
    if ["metadata.name", "metadata.namespace"].contains(&name) {
        return Some(name);
    }
    match (kind.is_event(), kind.group.as_str()) {
        (true, "") => CORE_FIELDS.contains(&name).then_some(name),
        (true, _) => {
            let found = EVENTS_FIELDS.iter().find(|(there, _)| *there == name)?;
            Some(found.1)
        }
        _ => None,
    }
}

/// Kinds with a list of their own say less.
fn unknown_field(kind: &Kind, name: &str) -> String {
    let own = [
        "events",
        "namespaces",
        "nodes",
        "pods",
        "secrets",
        "services",
    ];
    if own.contains(&kind.resource.as_str()) {
        format!("field label not supported: {name}")
    } else {
        format!(
            "{name:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        )
    }
}

/// At commas without a backslash before them.
fn split_terms(text: &str) -> Vec<&str> {
    let (mut terms, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&text[start..]);
    terms
}

/// Name, whether it must be equal, value; at the first operator.
fn split_term(term: &str) -> Option<(&str, bool, &str)> {
    for (at, _) in term.char_indices() {
        for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some(value) = term[at..].strip_prefix(operator) {
                return Some((&term[..at], equal, value));
            }
        }
    }
    None
}

fn unescape(value: &str) -> String {
    let (mut plain, mut escaped) = (String::new(), false);
    for character in value.chars() {
        if character == '\\' && !escaped {
            escaped = true;
        } else {
            plain.push(character);
            escaped = false;
        }
    }
    plain
}

fn parse_labels(text: &str) -> Result<Vec<LabelTerm>, Status> {
    let (mut terms, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(label_term(&text[start..at])?);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        terms.push(label_term(&text[start..])?);
    }
    Ok(terms)
}

fn label_term(term: &str) -> Result<LabelTerm, Status> {
    let term = term.trim();
    let refused = || Status::bad_request(format!("unable to parse requirement: {term:?}"));
    if let Some(name) = term.strip_prefix('!') {
        return Ok(LabelTerm::Absent(label_name(name).ok_or_else(refused)?));
    }
    if let Some((name, equal, value)) = split_term(term) {
        let name = label_name(name).ok_or_else(refused)?;
        let values = vec![label_value(value).ok_or_else(refused)?];
        return Ok(if equal {
            LabelTerm::In(name, values)
        } else {
            LabelTerm::NotIn(name, values)
        });
    }
    for (operator, within) in [(" notin ", false), (" in ", true)] {
        if let Some((name, set)) = term.split_once(operator) {
            let set = set
                .trim()
                .strip_prefix('(')
                .and_then(|set| set.strip_suffix(')'));
            let values: Option<Vec<_>> = set
                .ok_or_else(refused)?
                .split(',')
                .map(label_value)
                .collect();
            let (name, values) = (label_name(name), values.ok_or_else(refused)?);
            let name = name.ok_or_else(refused)?;
            return Ok(if within {
                LabelTerm::In(name, values)
            } else {
                LabelTerm::NotIn(name, values)
            });
        }
    }
    Ok(LabelTerm::Exists(label_name(term).ok_or_else(refused)?))
}

/// A label's name, with its prefix; nothing where it cannot be one.
pub(super) fn label_name(name: &str) -> Option<String> {
    let name = name.trim();
    let (prefix, short) = name.rsplit_once('/').unwrap_or(("", name));
    let prefix_is_good = prefix.len() <= 253
        && prefix
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
    let slash_is_good = !name.starts_with('/');
    (!short.is_empty() && prefix_is_good && slash_is_good && is_label(short))
        .then(|| name.to_owned())
}

fn label_value(value: &str) -> Option<String> {
    let value = value.trim();
    is_label(value).then(|| value.to_owned())
}

/// Up to 63 of letters, digits, `-_.`, with a letter or digit at both ends.
fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ends = [text.bytes().next(), text.bytes().last()];
    text.len() <= 63
        && text.bytes().all(inner)
        && ends.iter().flatten().all(u8::is_ascii_alphanumeric)
}
