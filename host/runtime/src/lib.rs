//! The WebAssembly runtime of weir.
//!
//! ```text
//! file ─► lift ─► compile (child process, cache) ─► link ─► Plugin ─► Filter (one a lane)
//!                                                                └──► Sink   (one a receiver)
//! ```
//!
//! A plugin gets the contract's interfaces (`plugin-sdk/wit`) and nothing else: no files, no environment,
//! no sockets. It is held to limits of processor time, memory, tables and stack; whatever it does, the
//! caller gets an answer or a [`Failure`], and every other plugin goes on.
//!
//! This crate knows events and WebAssembly. It knows no Kubernetes, no configuration file, no routes, and
//! no particular plugin. Calls block: they belong on threads with [`CALLER_STACK_BYTES`] of stack, never
//! on an async worker.

mod advice;
mod cache;
mod child;
mod compile;
mod context;
mod engine;
mod error;
mod file;
mod filter;
mod instance;
mod interfaces;
mod lift;
mod limits;
mod logs;
mod outbound;
mod output;
mod plugin;
mod quarantine;
mod random;
mod secrets;
mod section;
mod shape;
mod sink;
mod standing;
mod state;
mod times;
mod uses;
mod ways;

pub use cache::Cache;
pub use compile::{Compiler, compile_child};
pub use context::{EMITTED_BYTES_MAX, EMITTED_EVENTS_MAX, Said};
pub use engine::{CALLER_STACK_BYTES, Engine, TICK};
pub use error::{EngineError, Failure, Fault, FaultKind, LoadError, LoadProblem};
pub use file::{
    Description, OnError, PLUGIN_BYTES_MAX, PLUGIN_ENDINGS, PluginFile, hex, split_name,
};
pub use filter::{Decision, Filter, Processed};
pub use lift::{CONTRACT, lift};
pub use limits::{Limits, processor_time};
pub use logs::{LogLimit, Recorder, clean};
pub use outbound::{NoOutbound, Outbound, Request, Response};
pub use output::{NoOutput, Output};
pub use plugin::{CONTRACT_VERSION, Kind, Plugin};
pub use quarantine::{
    FAULTS_LEAST, MEMORY, PAUSE_FIRST, PAUSE_MOST, Quarantine, Quarantined, WINDOW,
};
pub use secrets::Secrets;
pub use section::{overruled, with_description};
pub use shape::{Imported, Shape, Tool};
pub use sink::{Delivered, Outcome, Sink};
pub use standing::{Calls, LastFailure, Standing};
pub use state::STATE_BYTES_MAX;
pub use uses::Use;
pub use ways::{Files, NoFiles, NoTemplates, Rotation, Templates};
