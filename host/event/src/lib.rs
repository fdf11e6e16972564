//! The event on its way through weir: read once, then only bytes and spans into them.
//!
//! [`Reader`] takes a JSON value in any of the forms that events come in and makes its *document*:
//! one line of compact JSON in core/v1 shape. [`Fields`] holds where the well-known fields stand in
//! it, [`EventRef`] reads them, [`Chunk`] carries many events between stages, [`Document`] is one
//! that waits in queues. There is no JSON tree: [`edit`] splices the text.
//!
//! This crate does no input or output and starts nothing; `host` and `runtime` call it.

mod chunk;
mod document;
pub mod edit;
mod error;
mod event;
mod fields;
pub mod frame;
mod hash;
mod json;
mod normalise;
mod pointer;
mod read;
mod shape;
mod time;
mod walk;

pub use chunk::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, Chunk};
pub use document::Document;
pub use edit::de_dot;
pub use error::ReadError;
pub use event::{EventRef, Members, StringMap};
pub use fields::{Fields, Span};
pub use json::DEPTH_MAX;
pub use read::{Reader, Seen, WatchKind};

/// The largest document, in bytes: what an edit or a reader would make beyond it is an error.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
