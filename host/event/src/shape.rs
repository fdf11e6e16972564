//! One scan over an object that may be an event: which members it has and where they stand.
//!
//! Nothing is decided here. What the object is may only be known at its end (kubectl sorts members
//! by name, so `kind` comes late); `normalise` then makes the document from these positions.

use std::borrow::Cow;
use std::ops::Range;

use crate::fields::{Field, Fields};
use crate::json::{Invalid, Scanner, decode};

/// What the name of a top-level member means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// A field by its core/v1 name.
    Core(Field),
    /// A field by the name that only events.k8s.io/v1 gives it.
    Renamed(Field),
    Kind,
    ApiVersion,
    /// Of a watch line.
    WatchObject,
    /// Of a list.
    Items,
    Other,
}

impl Key {
    fn of(name: &str) -> Self {
        if let Some(field) = Field::of_member(name) {
            return Self::Core(field);
        }
        if let Some(field) = Field::of_renamed_member(name) {
            return Self::Renamed(field);
        }
        match name {
            "kind" => Self::Kind,
            "apiVersion" => Self::ApiVersion,
            "object" => Self::WatchObject,
            "items" => Self::Items,
            _ => Self::Other,
        }
    }
}

/// A member of the object: `start` is that of its name's quote, `end` is behind its value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub key: Key,
    pub start: usize,
    pub value: usize,
    pub end: usize,
}

/// What the scan found. Reused from event to event; all positions are in the scanned text.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    pub members: Vec<Member>,
    /// The fields inside metadata, the involved object, source and series.
    pub inside: Fields,
    /// Members of metadata that do not go into the document: name's start to value's end.
    pub managed_fields: Vec<Range<usize>>,
    /// The involved object says whether it is deleted.
    pub has_deleted: bool,
}

impl Shape {
    /// Consumes an object. `watch_object` takes what a member `object` holds, as a watch line has it.
    pub fn scan(
        &mut self,
        scanner: &mut Scanner<'_>,
        mut watch_object: Option<&mut Self>,
    ) -> Result<(), Invalid> {
        self.members.clear();
        self.inside = Fields::default();
        self.managed_fields.clear();
        self.has_deleted = false;
        scanner.object(|scanner, start, name| {
            let key = Key::of(name);
            let value = scanner.at;
            match (key, &mut watch_object) {
                (Key::Core(field) | Key::Renamed(field), _) => self.scan_field(scanner, field)?,
                (Key::WatchObject, Some(inner)) if scanner.token() == b'{' => {
                    inner.scan(scanner, None)?
                }
                _ => scanner.value()?,
            }
            self.members.push(Member {
                key,
                start,
                value,
                end: scanner.at,
            });
            Ok(())
        })
    }

    /// Consumes a field's value and notes what stands inside it.
    pub fn scan_field(&mut self, scanner: &mut Scanner<'_>, field: Field) -> Result<(), Invalid> {
        match field {
            Field::Metadata => {
                let Self {
                    inside,
                    managed_fields,
                    ..
                } = self;
                managed_fields.clear();
                inside.scan_group(scanner, field, |name, start, end| {
                    if name == "managedFields" {
                        managed_fields.push(start..end);
                    }
                })
            }
            Field::Object => {
                let Self {
                    inside,
                    has_deleted,
                    ..
                } = self;
                *has_deleted = false;
                inside.scan_group(scanner, field, |name, _, _| {
                    *has_deleted |= name == "deleted"
                })
            }
            Field::Source | Field::Series => self.inside.scan_group(scanner, field, |_, _, _| {}),
            _ => scanner.value(),
        }
    }

    /// The last member with this key.
    pub fn find(&self, key: Key) -> Option<&Member> {
        self.members.iter().rev().find(|member| member.key == key)
    }

    /// The raw value of the last member with this key.
    pub fn raw<'a>(&self, text: &'a str, key: Key) -> Option<&'a str> {
        self.find(key).map(|member| &text[member.value..member.end])
    }

    /// The string that the last member with this key holds; what it holds else as it stands.
    pub fn string<'a>(&self, text: &'a str, key: Key) -> Option<Cow<'a, str>> {
        self.raw(text, key)
            .map(|raw| decode(raw).unwrap_or(Cow::Borrowed(raw)))
    }
}
