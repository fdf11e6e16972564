//! From bytes to events: which form a value has, and what comes out of it.
//!
//! Read are core/v1 and events.k8s.io/v1 events, weir's own documents (without kind), watch lines
//! and lists. Compact input is scanned once; input with white space is compacted first, which costs
//! a second scan.

use crate::error::ReadError;
use crate::event::EventRef;
use crate::fields::{Field, type_name};
use crate::json::{self, Invalid, Scanner, compact_into, decode, offset_before_compaction};
use crate::normalise::{ClusterName, Draft, Form, normalise};
use crate::pointer;
use crate::shape::{Key, Shape};

/// Reads values into events. Reusable; holds buffers, so keep one for each thread.
#[derive(Debug)]
pub struct Reader {
    cluster: ClusterName,
    /// The value itself.
    outer: Shape,
    /// What is in a watch line, or an item of a list.
    inner: Shape,
    draft: Draft,
    compact: String,
}

/// What a value was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// One event (or the event of a watch line that added or modified it).
    Event,
    /// A watch line that brings no event.
    Ignored {
        /// Which.
        kind: WatchKind,
        /// What an ERROR says; else "".
        message: String,
        /// The HTTP status of an ERROR, 410 for example; 0 where there is none.
        code: u16,
        /// `metadata.resourceVersion`; "" where there is none.
        resource_version: String,
    },
    /// A list.
    List {
        /// How many items it had, bad ones included.
        count: usize,
    },
}

/// The types of watch lines that bring no event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchKind {
    /// The event is gone: it was deleted or it expired.
    Deleted,
    /// Only a resourceVersion.
    Bookmark,
    /// The watch failed.
    Error,
}

type Each<'a> = dyn FnMut(Result<EventRef<'_>, ReadError>) + 'a;

impl Reader {
    /// A reader that puts `cluster_name` into each document. "" keeps what an event brings.
    pub fn new(cluster_name: &str) -> Self {
        let mut json = String::new();
        json::encode_into(cluster_name, &mut json);
        Self {
            cluster: ClusterName {
                json,
                replaces: !cluster_name.is_empty(),
            },
            outer: Shape::default(),
            inner: Shape::default(),
            draft: Draft::default(),
            compact: String::new(),
        }
    }

    /// Reads one JSON value, a line for example; white space around it is allowed. Calls `each` for
    /// every event in it; a bad item of a list is an error there, and the others go on.
    ///
    /// # Errors
    ///
    /// The value is not UTF-8, not JSON, or not one of the forms; `each` was not called then.
    pub fn read(&mut self, value: &[u8], each: &mut Each<'_>) -> Result<Seen, ReadError> {
        let text = match std::str::from_utf8(value) {
            Ok(text) => text,
            Err(error) => {
                let incomplete = error.error_len().is_none();
                return Err(ReadError::Utf8 {
                    offset: error.valid_up_to(),
                    incomplete,
                });
            }
        };
        if i32::try_from(text.len()).is_err() {
            return Err(ReadError::TooLarge { bytes: text.len() });
        }
        let text = text.trim_end_matches([' ', '\n', '\r', '\t']);
        let trimmed = text.trim_start_matches([' ', '\n', '\r', '\t']);
        let skipped = text.len() - trimmed.len();
        let mut scanner = Scanner::new(trimmed, 0);
        if let Err(Invalid) = scan_all(&mut scanner, &mut self.outer, &mut self.inner) {
            return Err(ReadError::from_fault(trimmed, scanner.fault).at(|offset| offset + skipped));
        }
        if !scanner.spaced {
            return self
                .sort_out(trimmed, each)
                .map_err(|error| error.at(|offset| offset + skipped));
        }
        let mut compact = std::mem::take(&mut self.compact);
        compact.clear();
        compact_into(trimmed, &mut compact);
        let place = |offset| skipped + offset_before_compaction(trimmed, offset);
        let mut each_placed =
            |event: Result<EventRef<'_>, ReadError>| each(event.map_err(|error| error.at(place)));
        let scanned = scan_all(
            &mut Scanner::new(&compact, 0),
            &mut self.outer,
            &mut self.inner,
        );
        debug_assert!(scanned.is_ok(), "white space makes no difference");
        let seen = self
            .sort_out(&compact, &mut each_placed)
            .map_err(|error| error.at(place));
        self.compact = compact;
        seen
    }

    /// Decides what the scanned value is.
    fn sort_out(&mut self, text: &str, each: &mut Each<'_>) -> Result<Seen, ReadError> {
        if !text.starts_with('{') {
            return Err(ReadError::shape(0, "an Event", type_name(text)));
        }
        let outer = &self.outer;
        let has = |key| outer.find(key).is_some();
        let about_object = has(Key::Core(Field::Object)) || has(Key::Renamed(Field::Object));
        match outer.string(text, Key::Kind).as_deref() {
            Some("Event") => {}
            Some("List" | "EventList") => return self.list(text, each),
            Some(kind) => return Err(other_kind(outer, kind)),
            None if about_object => {}
            None if has(Key::WatchObject) => return self.watch_line(text, each),
            None if has(Key::Items) => return self.list(text, each),
            None => {}
        }
        let Self {
            outer,
            draft,
            cluster,
            ..
        } = self;
        let form = form(text, outer, Form::Core)?;
        normalise(text, outer, form, cluster, draft)?;
        each(Ok(EventRef::new(&draft.document, &draft.fields)));
        Ok(Seen::Event)
    }

    fn watch_line(&mut self, text: &str, each: &mut Each<'_>) -> Result<Seen, ReadError> {
        let Self {
            outer,
            inner,
            draft,
            cluster,
            ..
        } = self;
        let kind = outer
            .string(text, Key::Core(Field::Type))
            .unwrap_or_default();
        let object = outer.raw(text, Key::WatchObject).unwrap_or_default();
        let object_start = outer
            .find(Key::WatchObject)
            .map_or(0, |member| member.value);
        if !object.starts_with('{') {
            return Err(ReadError::shape(
                object_start,
                "a watch line's object",
                type_name(object),
            ));
        }
        let kind = match &*kind {
            "ADDED" | "MODIFIED" => {
                let form = item_form(text, inner, Form::Core)
                    .and_then(|form| normalise(text, inner, form, cluster, draft).map(|()| form));
                form.map_err(|error| {
                    error.at(|offset| if offset == 0 { object_start } else { offset })
                })?;
                each(Ok(EventRef::new(&draft.document, &draft.fields)));
                return Ok(Seen::Event);
            }
            "DELETED" => WatchKind::Deleted,
            "BOOKMARK" => WatchKind::Bookmark,
            "ERROR" => WatchKind::Error,
            other => {
                let expected = "a watch line of type ADDED, MODIFIED, DELETED, BOOKMARK or ERROR";
                let found = if other.is_empty() {
                    "none".to_owned()
                } else {
                    format!("type {other}")
                };
                return Err(ReadError::shape(0, expected, found));
            }
        };
        let mut message = String::new();
        let mut code = 0;
        if kind == WatchKind::Error {
            message = pointer::child(object, "message")
                .and_then(decode)
                .unwrap_or_default()
                .into_owned();
            code = pointer::child(object, "code")
                .and_then(|raw| raw.parse().ok())
                .unwrap_or(0);
        }
        let resource_version = inner.inside.get(Field::ResourceVersion).of(text);
        let resource_version = decode(resource_version).unwrap_or_default().into_owned();
        Ok(Seen::Ignored {
            kind,
            message,
            code,
            resource_version,
        })
    }

    fn list(&mut self, text: &str, each: &mut Each<'_>) -> Result<Seen, ReadError> {
        let Self {
            outer,
            inner,
            draft,
            cluster,
            ..
        } = self;
        let default = form(text, outer, Form::Core).unwrap_or(Form::Core);
        let Some(items) = outer.find(Key::Items) else {
            return Err(ReadError::shape(0, "a list with items", "none"));
        };
        let raw = &text[items.value..items.end];
        let mut count = 0;
        if raw == "null" {
            // What Go makes of an empty list.
            return Ok(Seen::List { count });
        }
        if !raw.starts_with('[') {
            return Err(ReadError::shape(
                items.value,
                "items to be an array",
                type_name(raw),
            ));
        }
        let mut scanner = Scanner::new(text, items.value);
        let scanned = scanner.array(|scanner| {
            count += 1;
            let start = scanner.at;
            if scanner.token() != b'{' {
                scanner.value()?;
                each(Err(ReadError::shape(
                    start,
                    "an Event",
                    type_name(&text[start..scanner.at]),
                )));
                return Ok(());
            }
            inner.scan(scanner, None)?;
            let normalised = item_form(text, inner, default)
                .and_then(|form| normalise(text, inner, form, cluster, draft));
            match normalised {
                Ok(()) => each(Ok(EventRef::new(&draft.document, &draft.fields))),
                Err(error) => each(Err(
                    error.at(|offset| if offset == 0 { start } else { offset })
                )),
            }
            Ok(())
        });
        debug_assert!(scanned.is_ok(), "it was scanned before");
        Ok(Seen::List { count })
    }
}

fn scan_all(
    scanner: &mut Scanner<'_>,
    outer: &mut Shape,
    inner: &mut Shape,
) -> Result<(), Invalid> {
    if scanner.token() == b'{' {
        outer.scan(scanner, Some(inner))?;
    } else {
        scanner.value()?;
    }
    scanner.end()
}

/// The form of an object that must be an event.
fn item_form(text: &str, shape: &Shape, default: Form) -> Result<Form, ReadError> {
    match shape.string(text, Key::Kind).as_deref() {
        None | Some("Event") => form(text, shape, default),
        Some(kind) => Err(other_kind(shape, kind)),
    }
}

fn other_kind(shape: &Shape, kind: &str) -> ReadError {
    let offset = shape.find(Key::Kind).map_or(0, |member| member.value);
    ReadError::shape(offset, "an Event", format!("kind {kind}"))
}

fn form(text: &str, shape: &Shape, default: Form) -> Result<Form, ReadError> {
    match shape.string(text, Key::ApiVersion).as_deref() {
        Some("v1") => Ok(Form::Core),
        Some(version) if version.starts_with("events.k8s.io/") => Ok(Form::EventsV1),
        Some(version) => {
            let offset = shape.find(Key::ApiVersion).map_or(0, |member| member.value);
            let expected = "an Event of v1 or events.k8s.io/v1";
            Err(ReadError::shape(
                offset,
                expected,
                format!("apiVersion {version}"),
            ))
        }
        None if shape.find(Key::Core(Field::Object)).is_some() => Ok(Form::Core),
        None if shape.find(Key::Renamed(Field::Object)).is_some() => Ok(Form::EventsV1),
        None => Ok(default),
    }
}
