//! Reading an event: getters and pointers over a document and its spans.
//!
//! A getter slices; it allocates only where a string holds an escape. What the event lacks, or has
//! in a wrong type, reads as "" or 0, as the contract (`weir.wit`) says.

use std::borrow::Cow;

use crate::fields::{Field, Fields};
use crate::hash::{hash64, hex128};
use crate::json::{Scanner, decode, string_end};
use crate::{pointer, time};

/// An event: its document and where its fields stand. Two words, copied freely.
#[derive(Debug, Clone, Copy)]
pub struct EventRef<'a> {
    document: &'a str,
    fields: &'a Fields,
}

impl<'a> EventRef<'a> {
    /// `fields` must be those of `document`; others give wrong answers, but never a panic.
    pub fn new(document: &'a str, fields: &'a Fields) -> Self {
        Self { document, fields }
    }

    /// The event as sinks get it: one line of compact JSON, without the newline.
    pub fn document(&self) -> &'a str {
        self.document
    }

    /// Where its fields stand.
    pub fn fields(&self) -> &'a Fields {
        self.fields
    }

    /// Identity of this observation: `<uid>/<resourceVersion>`.
    ///
    /// Where the uid is missing, a hash of the document (128 bits in hexadecimal, the same in every
    /// release) stands in its place; where only the resourceVersion is missing, in its. Such an id
    /// changes when the document is edited: take it before.
    pub fn id(&self) -> String {
        let (uid, version) = (self.uid(), self.resource_version());
        match (uid.is_empty(), version.is_empty()) {
            (false, false) => [&*uid, "/", &*version].concat(),
            (false, true) => [&*uid, "/", &hex128(self.document.as_bytes())].concat(),
            (true, _) => [&hex128(self.document.as_bytes()), "/", &*version].concat(),
        }
    }

    /// `metadata.name`
    pub fn name(&self) -> Cow<'a, str> {
        self.string(Field::Name)
    }

    /// `metadata.uid`
    pub fn uid(&self) -> Cow<'a, str> {
        self.string(Field::Uid)
    }

    /// `metadata.resourceVersion`
    pub fn resource_version(&self) -> Cow<'a, str> {
        self.string(Field::ResourceVersion)
    }

    /// `type`: `Normal`, `Warning`, or what the reporter wrote.
    pub fn severity(&self) -> Cow<'a, str> {
        self.string(Field::Type)
    }

    /// `reason`
    pub fn reason(&self) -> Cow<'a, str> {
        self.string(Field::Reason)
    }

    /// `message`
    pub fn message(&self) -> Cow<'a, str> {
        self.string(Field::Message)
    }

    /// `action`
    pub fn action(&self) -> Cow<'a, str> {
        self.string(Field::Action)
    }

    /// `clusterName`
    pub fn cluster_name(&self) -> Cow<'a, str> {
        self.string(Field::ClusterName)
    }

    /// `metadata.namespace`: that of the event.
    pub fn namespace(&self) -> Cow<'a, str> {
        self.string(Field::Namespace)
    }

    /// `involvedObject.kind`
    pub fn object_kind(&self) -> Cow<'a, str> {
        self.string(Field::ObjectKind)
    }

    /// `involvedObject.name`
    pub fn object_name(&self) -> Cow<'a, str> {
        self.string(Field::ObjectName)
    }

    /// `involvedObject.namespace`; "" for what has none, a node for example.
    pub fn object_namespace(&self) -> Cow<'a, str> {
        self.string(Field::ObjectNamespace)
    }

    /// `involvedObject.uid`; often "": events about nodes have none.
    pub fn object_uid(&self) -> Cow<'a, str> {
        self.string(Field::ObjectUid)
    }

    /// `involvedObject.apiVersion`
    pub fn object_api_version(&self) -> Cow<'a, str> {
        self.string(Field::ObjectApiVersion)
    }

    /// `source.component`, and nothing else: what KEE's rules and templates read.
    pub fn source_component(&self) -> Cow<'a, str> {
        self.string(Field::SourceComponent)
    }

    /// `source.host`, and nothing else: what KEE's rules and templates read.
    pub fn source_host(&self) -> Cow<'a, str> {
        self.string(Field::SourceHost)
    }

    /// `reportingComponent`
    pub fn reporting_component(&self) -> Cow<'a, str> {
        self.string(Field::ReportingComponent)
    }

    /// `reportingInstance`
    pub fn reporting_instance(&self) -> Cow<'a, str> {
        self.string(Field::ReportingInstance)
    }

    /// `source.component`, else `reportingComponent`.
    pub fn component(&self) -> Cow<'a, str> {
        self.first_string(Field::SourceComponent, Field::ReportingComponent)
    }

    /// `source.host`, else `reportingInstance`.
    pub fn node(&self) -> Cow<'a, str> {
        self.first_string(Field::SourceHost, Field::ReportingInstance)
    }

    /// How often it has been seen: `count`, else `series.count`, else 1. What is 0 or less counts as
    /// missing, because Go leaves out a count of 0.
    pub fn count(&self) -> u32 {
        for field in [Field::Count, Field::SeriesCount] {
            let count = integer(self.raw(field));
            if count > 0 {
                return u32::try_from(count).unwrap_or(u32::MAX);
            }
        }
        1
    }

    /// `count` alone, 0 where it is missing: KEE's `minCount` compares with it.
    pub fn raw_count(&self) -> i64 {
        integer(self.raw(Field::Count))
    }

    /// When it was last seen, milliseconds since the Unix epoch: the first there is of
    /// series.lastObservedTime, lastTimestamp, eventTime, firstTimestamp, creationTimestamp.
    /// A time that cannot be read counts as missing; 0 where all are.
    pub fn timestamp(&self) -> u64 {
        let order = [
            Field::SeriesTime,
            Field::LastTimestamp,
            Field::EventTime,
            Field::FirstTimestamp,
            Field::CreationTimestamp,
        ];
        order
            .into_iter()
            .find_map(|field| self.time(field))
            .unwrap_or(0)
    }

    /// `firstTimestamp`, milliseconds since the Unix epoch.
    pub fn first_timestamp(&self) -> Option<u64> {
        self.time(Field::FirstTimestamp)
    }

    /// `lastTimestamp`, milliseconds since the Unix epoch.
    pub fn last_timestamp(&self) -> Option<u64> {
        self.time(Field::LastTimestamp)
    }

    /// `eventTime`, milliseconds since the Unix epoch.
    pub fn event_time(&self) -> Option<u64> {
        self.time(Field::EventTime)
    }

    /// The string at a pointer (RFC 6901), decoded; `None` where there is no string.
    pub fn text(&self, pointer: &str) -> Option<Cow<'a, str>> {
        decode(self.json(pointer)?)
    }

    /// The raw JSON at a pointer (RFC 6901); "" is the whole document. `None` where there is
    /// nothing, and for what is no pointer.
    pub fn json(&self, pointer: &str) -> Option<&'a str> {
        let Some(path) = pointer.strip_prefix('/') else {
            return if pointer.is_empty() {
                Some(self.document)
            } else {
                None
            };
        };
        let (first, rest) = match memchr::memchr(b'/', path.as_bytes()) {
            Some(at) => path.split_at(at),
            None => (path, ""),
        };
        let Some(group) = Field::of_member(first) else {
            return pointer::find(self.document, pointer);
        };
        let value = self.raw(group);
        if value.is_empty() {
            return None;
        }
        if let Some(field) = rest.strip_prefix('/').and_then(|name| group.member(name)) {
            let raw = self.raw(field);
            return if raw.is_empty() { None } else { Some(raw) };
        }
        pointer::find(value, rest)
    }

    /// The members of the object at a pointer whose values are strings, in their order; labels for
    /// example. Empty where there is no object.
    pub fn string_map(&self, pointer: &str) -> StringMap<'a> {
        StringMap(self.members(pointer))
    }

    /// The members of the object at a pointer in their order: the name, decoded, and the raw value. One pass, where
    /// several of them are asked for. Empty where there is no object; a name that stands twice comes twice.
    pub fn members(&self, pointer: &str) -> Members<'a> {
        let object = self
            .json(pointer)
            .filter(|raw| raw.starts_with('{'))
            .unwrap_or_default();
        Members { object, at: 1 }
    }

    /// A stable hash of the kind, namespace and name of the involved object: events about one object
    /// have the same. Its uid does not count, because many events lack it.
    pub fn object_key(&self) -> u64 {
        let mut key = 0;
        for field in [Field::ObjectKind, Field::ObjectNamespace, Field::ObjectName] {
            key = hash64(key, self.string(field).as_bytes());
        }
        key
    }

    #[inline]
    fn raw(&self, field: Field) -> &'a str {
        self.fields.get(field).of(self.document)
    }

    #[inline]
    fn string(&self, field: Field) -> Cow<'a, str> {
        decode(self.raw(field)).unwrap_or_default()
    }

    fn first_string(&self, first: Field, second: Field) -> Cow<'a, str> {
        let value = self.string(first);
        if value.is_empty() {
            self.string(second)
        } else {
            value
        }
    }

    fn time(&self, field: Field) -> Option<u64> {
        time::milliseconds(&decode(self.raw(field))?)
    }
}

/// A JSON number as an integer, towards zero; 0 where it is no number.
fn integer(raw: &str) -> i64 {
    if !raw.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return 0;
    }
    raw.parse::<i64>()
        .unwrap_or_else(|_| raw.parse::<f64>().map_or(0, |number| number as i64))
}

/// The members of an object whose values are strings: see [`EventRef::string_map`].
#[derive(Debug, Clone)]
pub struct StringMap<'a>(Members<'a>);

impl<'a> Iterator for StringMap<'a> {
    type Item = (Cow<'a, str>, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0
            .find_map(|(name, value)| Some((name, decode(value)?)))
    }
}

/// The members of an object: see [`EventRef::members`].
#[derive(Debug, Clone)]
pub struct Members<'a> {
    object: &'a str,
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Cow<'a, str>, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.object.as_bytes();
        if bytes.get(self.at) != Some(&b'"') {
            return None;
        }
        let name_end = string_end(bytes, self.at);
        let name = decode(self.object.get(self.at..name_end)?)?;
        let mut scanner = Scanner::new(self.object, name_end + 1);
        let value_start = scanner.at;
        scanner.value().ok()?;
        let value = self.object.get(value_start..scanner.at)?;
        self.at = scanner.at + 1;
        Some((name, value))
    }
}
