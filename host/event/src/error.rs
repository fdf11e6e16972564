//! Why a value could not be read as an event.

use crate::json::Fault;

/// Why bytes could not be read. Reading the same bytes again gives the same error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not UTF-8.
    #[error("invalid UTF-8 at byte {offset}{}", if *incomplete { " (cut off)" } else { "" })]
    Utf8 {
        /// Bytes from the start of the value.
        offset: usize,
        /// The bytes end inside a character.
        incomplete: bool,
    },
    /// The text is not JSON as RFC 8259 has it.
    #[error("invalid JSON at byte {offset}: expected {expected}, found {found}")]
    Json {
        /// Bytes from the start of the value.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
        /// What stands there.
        found: String,
        /// The text ends too early: more of it could make it right.
        incomplete: bool,
    },
    /// The JSON is not an event in any of the forms that are read.
    #[error("expected {expected}, found {found} (at byte {offset})")]
    Shape {
        /// Bytes from the start of the value.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The document would be larger than [`DOCUMENT_BYTES_MAX`](crate::DOCUMENT_BYTES_MAX).
    #[error(
        "an event of {bytes} bytes, more than the {} that are allowed",
        crate::DOCUMENT_BYTES_MAX
    )]
    TooLarge {
        /// What it would have.
        bytes: usize,
    },
}

impl ReadError {
    /// The value only ended too early: with more bytes it could be right.
    pub fn is_incomplete(&self) -> bool {
        matches!(
            self,
            Self::Utf8 {
                incomplete: true,
                ..
            } | Self::Json {
                incomplete: true,
                ..
            }
        )
    }

    /// Bytes from the start of the value to what was wrong.
    pub fn offset(&self) -> usize {
        match self {
            Self::Utf8 { offset, .. } | Self::Json { offset, .. } | Self::Shape { offset, .. } => {
                *offset
            }
            Self::TooLarge { .. } => 0,
        }
    }

    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Utf8 { .. } => "utf8",
            Self::Json { .. } => "json",
            Self::Shape { .. } => "shape",
            Self::TooLarge { .. } => "too-large",
        }
    }

    #[cold]
    pub(crate) fn from_fault(text: &str, fault: Fault) -> Self {
        let rest = text.get(fault.at..).unwrap_or_default();
        let found = match rest.chars().next() {
            None => "the end".to_owned(),
            Some(character) if character.is_control() => format!("U+{:04X}", character as u32),
            Some(character) => format!("'{character}'"),
        };
        let incomplete = rest.is_empty();
        Self::Json {
            offset: fault.at,
            expected: fault.expected,
            found,
            incomplete,
        }
    }

    #[cold]
    pub(crate) fn shape(offset: usize, expected: &'static str, found: impl Into<String>) -> Self {
        Self::Shape {
            offset,
            expected,
            found: found.into(),
        }
    }

    /// The same error where the value starts `by` bytes later.
    pub(crate) fn at(mut self, place: impl FnOnce(usize) -> usize) -> Self {
        match &mut self {
            Self::Utf8 { offset, .. } | Self::Json { offset, .. } | Self::Shape { offset, .. } => {
                *offset = place(*offset);
            }
            Self::TooLarge { .. } => {}
        }
        self
    }
}
