//! Where the well-known fields stand in a document.
//!
//! A document is one line of compact JSON in the core/v1 shape. [`Fields`] holds a span of it for
//! each field that weir itself reads, so that reading one is slicing. Nothing is decoded here.

use std::ops::Range;

use crate::error::ReadError;
use crate::json::{Invalid, Scanner};

/// Where a raw JSON value stands in a document, quotes included. Length 0: it is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    len: u32,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            len: (end - start) as u32,
        }
    }

    /// Bytes from the start of the document.
    pub fn start(self) -> usize {
        self.start as usize
    }

    /// The position behind the value.
    pub fn end(self) -> usize {
        self.start as usize + self.len as usize
    }

    /// The document has no such value.
    pub fn is_absent(self) -> bool {
        self.len == 0
    }

    /// The raw value, "" where it is not there. Never panics, whatever the document.
    #[inline]
    pub fn of(self, document: &str) -> &str {
        document.get(self.start()..self.end()).unwrap_or_default()
    }

    pub(crate) fn shifted(self, by: isize) -> Self {
        Self {
            start: self.start.wrapping_add_signed(by as i32),
            len: self.len,
        }
    }
}

/// The fields that have a span. The members of one object stand together, behind the object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Field {
    Metadata,
    Name,
    Namespace,
    Uid,
    ResourceVersion,
    CreationTimestamp,
    Object,
    ObjectKind,
    ObjectNamespace,
    ObjectName,
    ObjectUid,
    ObjectApiVersion,
    Source,
    SourceComponent,
    SourceHost,
    Series,
    SeriesCount,
    SeriesTime,
    Reason,
    Message,
    Type,
    Count,
    FirstTimestamp,
    LastTimestamp,
    EventTime,
    ReportingComponent,
    ReportingInstance,
    Action,
    ClusterName,
}

/// How many fields have a span.
pub(crate) const COUNT: usize = Field::ClusterName as usize + 1;

/// The spans of one document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fields {
    spans: [Span; COUNT],
}

impl Fields {
    /// Finds the fields of a document that was edited. It must be compact, as edits leave it; what is
    /// not goes through a [`Reader`](crate::Reader).
    ///
    /// # Errors
    ///
    /// The text is no JSON object, or its `metadata` or `involvedObject` is missing or no object.
    pub fn scan(document: &str) -> Result<Self, ReadError> {
        if document.len() > crate::DOCUMENT_BYTES_MAX {
            return Err(ReadError::TooLarge {
                bytes: document.len(),
            });
        }
        let mut fields = Self::default();
        let mut scanner = Scanner::new(document, 0);
        let scanned = match scanner.token() {
            b'{' => scanner.object(|scanner, _, key| match Field::of_member(key) {
                Some(field) => fields.scan_value(scanner, field),
                None => scanner.value(),
            }),
            _ => Err(scanner.fail("an object")),
        };
        if let Err(Invalid) = scanned.and_then(|()| scanner.end()) {
            return Err(ReadError::from_fault(document, scanner.fault));
        }
        fields.require_object(document, Field::Metadata)?;
        fields.require_object(document, Field::Object)?;
        Ok(fields)
    }

    /// The fields after a piece of the document was replaced by one of `bytes` bytes, as [`scan`](Self::scan) would
    /// find them. An empty piece is an insertion.
    ///
    /// The piece must lie inside of an object, beside its fields: in no value that has a span of its own but that of
    /// the object, and neither piece may hold a member that has one.
    #[must_use]
    pub fn after_splice(mut self, replaced: Range<usize>, bytes: usize) -> Self {
        let by = bytes as isize - replaced.len() as isize;
        for span in &mut self.spans {
            if span.is_absent() || span.end() <= replaced.start {
                continue;
            }
            if span.start() >= replaced.end {
                *span = span.shifted(by);
            } else {
                *span = Span::new(span.start(), span.end().wrapping_add_signed(by));
            }
        }
        self
    }

    pub(crate) fn require_object(&self, document: &str, field: Field) -> Result<(), ReadError> {
        let span = self.get(field);
        let raw = span.of(document);
        if raw.starts_with('{') {
            return Ok(());
        }
        let expected = match field {
            Field::Metadata => "metadata to be an object",
            _ => "involvedObject to be an object",
        };
        let offset = if span.is_absent() {
            document.len()
        } else {
            span.start()
        };
        Err(ReadError::shape(offset, expected, type_name(raw)))
    }

    #[inline]
    pub(crate) fn get(&self, field: Field) -> Span {
        self.spans[field as usize]
    }

    pub(crate) fn put(&mut self, field: Field, span: Span) {
        self.spans[field as usize] = span;
    }

    /// Consumes the value of a top-level member and notes its span and those inside it.
    pub(crate) fn scan_value(
        &mut self,
        scanner: &mut Scanner<'_>,
        field: Field,
    ) -> Result<(), Invalid> {
        let start = scanner.at;
        match field {
            Field::Metadata | Field::Object | Field::Source | Field::Series => {
                self.scan_group(scanner, field, |_, _, _| {})?;
            }
            _ => scanner.value()?,
        }
        self.put(field, Span::new(start, scanner.at));
        Ok(())
    }

    /// Consumes the value of a member that holds fields itself. `other` is told of members that
    /// have no span: key, start of the key, end of the value.
    #[inline]
    pub(crate) fn scan_group(
        &mut self,
        scanner: &mut Scanner<'_>,
        group: Field,
        mut other: impl FnMut(&str, usize, usize),
    ) -> Result<(), Invalid> {
        for span in &mut self.spans[group.group()] {
            *span = Span::default();
        }
        if scanner.token() != b'{' {
            return scanner.value();
        }
        scanner.object(|scanner, key_start, key| {
            let value_start = scanner.at;
            let field = group.member(key);
            match field {
                Some(field) => {
                    scanner.value()?;
                    self.put(field, Span::new(value_start, scanner.at));
                }
                None if key == "managedFields" || key == "deleted" => {
                    scanner.value()?;
                    other(key, key_start, scanner.at);
                }
                None => scanner.value()?,
            }
            Ok(())
        })
    }

    /// Takes over a top-level field and those inside it, moved.
    pub(crate) fn take_shifted(&mut self, from: &Self, field: Field, by: isize) {
        for index in field.group() {
            let span = from.spans[index];
            if !span.is_absent() {
                self.spans[index] = span.shifted(by);
            }
        }
    }

    /// Moves the fields inside an object that stand at or behind `position` back by `by` bytes.
    pub(crate) fn close_gap(&mut self, field: Field, position: usize, by: usize) {
        for index in field.group() {
            if self.spans[index].start() >= position {
                self.spans[index] = self.spans[index].shifted(-(by as isize));
            }
        }
    }
}

impl Field {
    /// The spans of a top-level field: its own and those of its members.
    fn group(self) -> std::ops::Range<usize> {
        let first = self as usize;
        match self {
            Self::Metadata => first..Self::Object as usize,
            Self::Object => first..Self::Source as usize,
            Self::Source => first..Self::Series as usize,
            Self::Series => first..Self::Reason as usize,
            _ => first..first + 1,
        }
    }

    /// The name of this top-level member.
    pub(crate) fn member_name(self) -> &'static str {
        match self {
            Self::Object => "involvedObject",
            Self::Source => "source",
            Self::Message => "message",
            Self::Count => "count",
            Self::FirstTimestamp => "firstTimestamp",
            Self::LastTimestamp => "lastTimestamp",
            Self::EventTime => "eventTime",
            Self::ReportingComponent => "reportingComponent",
            Self::ReportingInstance => "reportingInstance",
            _ => unreachable!("only what is renamed or added is asked for"),
        }
    }

    /// The field that a top-level member of the events.k8s.io/v1 form is, where its name differs.
    #[inline]
    pub(crate) fn of_renamed_member(key: &str) -> Option<Self> {
        Some(match key {
            "regarding" => Self::Object,
            "note" => Self::Message,
            "deprecatedSource" => Self::Source,
            "deprecatedFirstTimestamp" => Self::FirstTimestamp,
            "deprecatedLastTimestamp" => Self::LastTimestamp,
            "deprecatedCount" => Self::Count,
            "reportingController" => Self::ReportingComponent,
            _ => return None,
        })
    }

    /// The field that a top-level member is.
    #[inline]
    pub(crate) fn of_member(key: &str) -> Option<Self> {
        Some(match key {
            "metadata" => Self::Metadata,
            "involvedObject" => Self::Object,
            "source" => Self::Source,
            "series" => Self::Series,
            "reason" => Self::Reason,
            "message" => Self::Message,
            "type" => Self::Type,
            "count" => Self::Count,
            "firstTimestamp" => Self::FirstTimestamp,
            "lastTimestamp" => Self::LastTimestamp,
            "eventTime" => Self::EventTime,
            "reportingComponent" => Self::ReportingComponent,
            "reportingInstance" => Self::ReportingInstance,
            "action" => Self::Action,
            "clusterName" => Self::ClusterName,
            _ => return None,
        })
    }

    /// The field that a member of this object is.
    #[inline]
    pub(crate) fn member(self, key: &str) -> Option<Self> {
        Some(match (self, key) {
            (Self::Metadata, "name") => Self::Name,
            (Self::Metadata, "namespace") => Self::Namespace,
            (Self::Metadata, "uid") => Self::Uid,
            (Self::Metadata, "resourceVersion") => Self::ResourceVersion,
            (Self::Metadata, "creationTimestamp") => Self::CreationTimestamp,
            (Self::Object, "kind") => Self::ObjectKind,
            (Self::Object, "namespace") => Self::ObjectNamespace,
            (Self::Object, "name") => Self::ObjectName,
            (Self::Object, "uid") => Self::ObjectUid,
            (Self::Object, "apiVersion") => Self::ObjectApiVersion,
            (Self::Source, "component") => Self::SourceComponent,
            (Self::Source, "host") => Self::SourceHost,
            (Self::Series, "count") => Self::SeriesCount,
            (Self::Series, "lastObservedTime") => Self::SeriesTime,
            _ => return None,
        })
    }
}

/// What a raw value is, for error messages.
pub(crate) fn type_name(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        None => "nothing",
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
    }
}
