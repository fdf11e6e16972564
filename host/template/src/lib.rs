//! Go's `text/template` with sprig's functions, over one Kubernetes event, as kubernetes-event-exporter
//! (KEE) has them.
//!
//! [`Template`] is one text, [`Layout`] a map or list whose texts are templates; both are parsed once and
//! rendered for many [`Event`]s: `lexer.rs` and `parser.rs` have Go's grammar and resolve all names,
//! `evaluate.rs` runs what they give within [`Limits`]. The functions are in `builtins.rs` and
//! `sprig/`, the event's fields by KEE's Go names in `structs.rs`.
//!
//! An event's text is data: it is never parsed as a template. This crate does no input or output, but for
//! the clock and the system's random numbers where a template asks for them.

mod builtins;
mod data;
mod duration;
mod error;
mod evaluate;
mod event;
mod format;
mod functions;
mod json;
mod layout;
mod lexer;
mod limits;
mod lookups;
mod methods;
mod parser;
mod pipeline;
mod printf;
mod program;
mod quote;
mod sprig;
mod structs;
mod template;
mod time;
mod time_layout;
mod value;

pub use error::{EventError, RenderError, TemplateError};
pub use event::Event;
pub use layout::Layout;
pub use limits::{DEPTH_MAX, Limits, TEMPLATE_BYTES_MAX};
pub use template::Template;
