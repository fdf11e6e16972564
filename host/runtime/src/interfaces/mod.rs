//! The contract's interfaces, as functions that a plugin may import.
//!
//! One file for what belongs together; each function is the contract's comment in code. They run on the
//! plugin's thread, inside its call.

mod event;
mod host;
mod outside;
mod sink;

use wasmtime::component::{Linker, LinkerInstance};

use crate::context::Context;
use crate::engine::Engine;
use crate::plugin::Kind;

/// One interface of the contract.
type Define = fn(&mut LinkerInstance<'_, Context>) -> wasmtime::Result<()>;

const FILTER: &[(&str, Define)] = &[
    ("event", event::define_event),
    ("change", event::define_change),
    ("host", host::define_host),
    ("state", host::define_state),
    ("http", outside::define_http),
    ("secret", outside::define_secret),
];

const SINK: &[(&str, Define)] = &[
    ("event", event::define_event),
    ("host", host::define_host),
    ("state", host::define_state),
    ("http", outside::define_http),
    ("secret", outside::define_secret),
    ("template", sink::define_template),
    ("output", sink::define_output),
    ("file", sink::define_file),
    ("batch", sink::define_batch),
];

/// The interfaces that plugins of this kind may import, and no others.
pub(crate) fn linker(engine: &Engine, kind: Kind) -> wasmtime::Result<Linker<Context>> {
    let mut linker = Linker::new(engine.wasmtime());
    let interfaces = if kind == Kind::Filter { FILTER } else { SINK };
    for (name, define) in interfaces {
        define(&mut linker.instance(&format!("weir:plugin/{name}@0.1.0"))?)?;
    }
    Ok(linker)
}
