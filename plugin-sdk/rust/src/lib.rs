//! Filters and sinks for weir, in Rust.
//!
//! A plugin is a struct with its configuration as fields, one trait, and one line that registers it:
//!
//! ```
//! use serde::Deserialize;
//! use weir_plugin::{Event, Filter, Result, Verdict};
//!
//! #[derive(Deserialize)]
//! struct DropReasons { reasons: Vec<String> }
//!
//! impl Filter for DropReasons {
//!     fn process(&mut self, event: &mut Event) -> Result<Verdict> {
//!         Ok(if self.reasons.contains(&event.reason()) { Verdict::drop("listed") } else { Verdict::Keep })
//!     }
//! }
//!
//! weir_plugin::register!(filter: DropReasons);
//! ```
//!
//! Built for `wasm32-unknown-unknown` as a `cdylib`, the module imports only the host functions that
//! the plugin calls. Built natively, everything runs against the double of the host in [`testing`].
//!
//! The contract is `plugin-sdk/wit/0.1.0/weir.wit`; this crate adds no meaning to it.

mod batch;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
mod config;
#[doc(hidden)]
pub mod description;
mod error;
mod event;
pub mod file;
mod filter;
pub mod host;
pub mod http;
pub mod output;
mod raw;
mod register;
pub mod secret;
mod sink;
pub mod sink_http;
pub mod state;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod time;

pub use batch::{Batch, BatchEvent};
pub use error::{Error, Result};
pub use event::Event;
pub use filter::{Filter, Verdict};
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub use register::instance;
pub use sink::{Outcome, Probe, Sink};

/// The `serde` that this crate is built with.
pub use serde;
/// The `serde_json` that this crate is built with.
pub use serde_json;
