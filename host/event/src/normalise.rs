//! From a scanned event to its document: copying what is kept, in as few pieces as can be.
//!
//! The document is the core/v1 event without `kind`, `apiVersion` and `metadata.managedFields`, with
//! `involvedObject.deleted` and `clusterName`. Every value that is kept keeps its bytes.

use crate::error::ReadError;
use crate::fields::{COUNT, Field, Fields, Span, type_name};
use crate::json::{Invalid, Scanner};
use crate::shape::{Key, Member, Shape};

/// Which API the names of the members are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// core/v1, and weir's own documents.
    Core,
    /// events.k8s.io/v1
    EventsV1,
}

/// What core/v1 always has and events.k8s.io/v1 leaves out.
const ALWAYS: [(Field, &str); 6] = [
    (Field::Source, "{}"),
    (Field::FirstTimestamp, "null"),
    (Field::LastTimestamp, "null"),
    (Field::EventTime, "null"),
    (Field::ReportingComponent, "\"\""),
    (Field::ReportingInstance, "\"\""),
];

/// A document and its fields while they are made; reused from event to event.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub document: String,
    pub fields: Fields,
}

/// The cluster's name as the configuration has it.
#[derive(Debug)]
pub(crate) struct ClusterName {
    /// The JSON string.
    pub json: String,
    /// It replaces what the event brings.
    pub replaces: bool,
}

/// Makes the document of a scanned event. `text` is compact.
pub(crate) fn normalise(
    text: &str,
    shape: &mut Shape,
    form: Form,
    cluster: &ClusterName,
    draft: &mut Draft,
) -> Result<(), ReadError> {
    draft.document.clear();
    draft.fields = Fields::default();
    let last = last_of_each(shape, form);
    require_object(text, shape, &last, form, Field::Metadata)?;
    require_object(text, shape, &last, form, Field::Object)?;

    let mut copier = Copier {
        text,
        out: &mut draft.document,
        start: 0,
        end: 0,
    };
    copier.out.push('{');
    for index in 0..shape.members.len() {
        let member = shape.members[index];
        let Some(field) = field_of(member.key, form) else {
            if !matches!(member.key, Key::Kind | Key::ApiVersion) {
                copier.member(member.start, member.end);
            }
            continue;
        };
        let replaced = field == Field::ClusterName && cluster.replaces;
        if last[field as usize] as usize != index + 1 || replaced {
            continue;
        }
        if matches!(field, Field::Source | Field::Object) {
            rescan_if_another_was_last(text, shape, form, field, member);
        }
        if matches!(member.key, Key::Renamed(_)) {
            copier.name(field.member_name());
            copier.start_at(member.value, member.end);
        } else {
            copier.member(member.start, member.end);
        }
        copy_field(&mut copier, shape, field, member, &mut draft.fields);
    }
    copier.flush();
    let (out, fields) = (&mut draft.document, &mut draft.fields);
    if form == Form::EventsV1 {
        for (field, value) in ALWAYS {
            if last[field as usize] == 0 {
                append(out, fields, field, field.member_name(), value);
            }
        }
    }
    if last[Field::ClusterName as usize] == 0 || cluster.replaces {
        append(
            out,
            fields,
            Field::ClusterName,
            "clusterName",
            &cluster.json,
        );
    }
    out.push('}');
    if out.len() > crate::DOCUMENT_BYTES_MAX {
        return Err(ReadError::TooLarge { bytes: out.len() });
    }
    Ok(())
}

/// Notes where the field stands now, and leaves out or adds what the document's shape asks for. The
/// member's value is the end of the copier's piece.
fn copy_field(
    copier: &mut Copier<'_>,
    shape: &Shape,
    field: Field,
    member: Member,
    fields: &mut Fields,
) {
    let moved = copier.moved();
    let start = member.value.wrapping_add_signed(moved);
    match field {
        Field::Metadata | Field::Object | Field::Source | Field::Series => {
            fields.take_shifted(&shape.inside, field, moved);
        }
        _ => {}
    }
    match field {
        Field::Metadata if !shape.managed_fields.is_empty() => {
            copier.end = member.value;
            for cut in &shape.managed_fields {
                let gap = copier.leave_out(cut.start, cut.end);
                let position = copier.out.len();
                fields.close_gap(field, position, gap);
            }
            copier.end = member.end;
        }
        Field::Object if !shape.has_deleted => {
            copier.end = member.end - 1;
            copier.flush();
            let comma = if copier.out.ends_with('{') { "" } else { "," };
            copier.out.push_str(comma);
            copier.out.push_str("\"deleted\":false}");
        }
        _ => {}
    }
    fields.put(field, Span::new(start, copier.position()));
}

fn append(out: &mut String, fields: &mut Fields, field: Field, name: &str, value: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    out.push('"');
    out.push_str(name);
    out.push_str("\":");
    let start = out.len();
    out.push_str(value);
    fields.put(field, Span::new(start, out.len()));
}

fn field_of(key: Key, form: Form) -> Option<Field> {
    match key {
        Key::Core(field) => Some(field),
        Key::Renamed(field) if form == Form::EventsV1 => Some(field),
        _ => None,
    }
}

/// For each field the index of its last member, plus one: of members with one name the last counts.
fn last_of_each(shape: &Shape, form: Form) -> [u32; COUNT] {
    let mut last = [0; COUNT];
    for (index, member) in shape.members.iter().enumerate() {
        if let Some(field) = field_of(member.key, form) {
            last[field as usize] = index as u32 + 1;
        }
    }
    last
}

fn require_object(
    text: &str,
    shape: &Shape,
    last: &[u32; COUNT],
    form: Form,
    field: Field,
) -> Result<(), ReadError> {
    let member = (last[field as usize] as usize)
        .checked_sub(1)
        .map(|index| shape.members[index]);
    let raw = member.map_or("", |member| &text[member.value..member.end]);
    if raw.starts_with('{') {
        return Ok(());
    }
    let expected = match (field, form) {
        (Field::Metadata, _) => "an event with an object metadata",
        (_, Form::Core) => "an event with an object involvedObject",
        (_, Form::EventsV1) => "an event with an object regarding",
    };
    Err(ReadError::shape(
        member.map_or(0, |member| member.value),
        expected,
        type_name(raw),
    ))
}

/// The scan noted what is inside the last of `source` and `deprecatedSource` (or `involvedObject`
/// and `regarding`), whatever the form. Where an event has both, look again.
fn rescan_if_another_was_last(
    text: &str,
    shape: &mut Shape,
    form: Form,
    field: Field,
    member: Member,
) {
    let other = match member.key {
        Key::Core(_) => Key::Renamed(field),
        _ => Key::Core(field),
    };
    if form == Form::Core
        && shape
            .find(other)
            .is_some_and(|other| other.start > member.start)
    {
        let mut scanner = Scanner::new(text, member.value);
        let scanned: Result<(), Invalid> = shape.scan_field(&mut scanner, field);
        debug_assert!(scanned.is_ok(), "it was scanned before");
    }
}

/// Copies pieces of `text`; pieces that follow each other become one.
struct Copier<'a> {
    text: &'a str,
    out: &'a mut String,
    start: usize,
    end: usize,
}

impl Copier<'_> {
    /// Adds a whole member, with a comma before it where it is not the first.
    fn member(&mut self, start: usize, end: usize) {
        if self.end + 1 == start && self.end > self.start {
            self.end = end;
            return;
        }
        self.flush();
        if self.out.len() > 1 {
            self.out.push(',');
        }
        self.start_at(start, end);
    }

    /// Adds a member's name; the value must follow.
    fn name(&mut self, name: &str) {
        self.flush();
        self.out
            .push_str(if self.out.len() > 1 { ",\"" } else { "\"" });
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn start_at(&mut self, start: usize, end: usize) {
        self.start = start;
        self.end = end;
    }

    /// How far the current piece is moved.
    fn moved(&self) -> isize {
        self.out.len() as isize - self.start as isize
    }

    /// The length of the document with the current piece.
    fn position(&self) -> usize {
        self.out.len() + (self.end - self.start)
    }

    /// Leaves out a member of an object that is being copied, and one comma beside it. The piece
    /// goes on behind it. Returns how many bytes are left out.
    fn leave_out(&mut self, start: usize, end: usize) -> usize {
        let bytes = self.text.as_bytes();
        let (mut from, mut to) = (start, end);
        if bytes[start - 1] == b',' && start > self.start {
            from -= 1;
        } else if bytes[end] == b',' {
            to += 1;
        }
        self.end = from;
        self.flush();
        self.start_at(to, to);
        to - from
    }

    fn flush(&mut self) {
        self.out.push_str(&self.text[self.start..self.end]);
        self.start = self.end;
    }
}
