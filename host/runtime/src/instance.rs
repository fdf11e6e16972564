//! One instance of a plugin: made, set up, called within its limits, thrown away after a fault.
//!
//! A store that trapped must never be entered again; the callers here drop it with the instance.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{ComponentNamedList, Instance, Lift, TypedFunc};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};

use crate::context::Context;
use crate::error::{Failure, Fault, FaultKind, Misuse};
use crate::limits::{Limits, TABLE_ELEMENTS_MAX};
use crate::logs::clean;
use crate::plugin::Plugin;
use crate::uses::Use;

/// Bytes of a plugin's own error text.
const ANSWER_BYTES_MAX: usize = 2048;
/// Frames of a trap's backtrace that a message shows.
const FRAMES_SHOWN: usize = 4;
/// How the names of Rust's functions begin that only say that there was a panic.
const PANICKING: [&str; 5] = [
    "__rust",
    "core::panicking::",
    "rust_",
    "std::panicking::",
    "std::sys::backtrace::",
];
/// Bytes that the host copies out of a plugin in one call, as a floor: a plugin with little memory may
/// hand over the same bytes twice.
const COPIED_BYTES_LEAST: usize = 4 << 20;
/// Handles of resources that a component defines for itself; the host keeps the table.
const HANDLES_MAX: usize = 100_000;
/// Calls that an instance makes before a fresh one may take its place for the memory that it holds.
const CALLS_LEAST: u32 = 16;

/// A function without parameters that answers a result: `process`, `deliver`, `probe`.
pub(crate) type Call<T> = TypedFunc<(), (Result<T, String>,)>;

/// An instance that was set up.
pub(crate) struct Live<T: 'static> {
    pub(crate) store: Store<Context>,
    call: Call<T>,
    name: &'static str,
    /// Bytes of all its memories when it was set up.
    bytes_at_start: usize,
    calls: u32,
}

impl<T> Live<T>
where
    T: Lift + 'static,
    (Result<T, String>,): ComponentNamedList + Lift,
{
    /// Makes an instance and calls `setup`.
    pub(crate) fn start(
        plugin: &Plugin,
        of: &Arc<Use>,
        name: &'static str,
    ) -> Result<Live<T>, Failure> {
        let mut store = Store::new(
            plugin.engine.wasmtime(),
            Context::new(Arc::clone(of), plugin.engine.running()),
        );
        store.limiter(|context| &mut context.limiter);
        store.set_hostcall_fuel(of.limits.memory_bytes.max(COPIED_BYTES_LEAST));
        store.set_max_component_handles(HANDLES_MAX);
        store.epoch_deadline_callback(|mut context| {
            Ok(if context.data_mut().clock.may_go_on() {
                UpdateDeadline::Continue(1)
            } else {
                UpdateDeadline::Interrupt
            })
        });
        let setup_time = of.limits.setup_time();
        let instance = guarded(&mut store, "setup", setup_time, |store| {
            plugin.linked.instantiate(store)
        });
        let instance = instance.and_then(|instance| {
            set_up(&mut store, &instance, of, setup_time)?;
            Ok(instance)
        });
        of.used_memory(store.data().limiter.memory_bytes());
        let instance = instance?;
        let call = instance
            .get_typed_func(&mut store, name)
            .map_err(|error| mistyped(name, &error))?;
        Ok(Live {
            bytes_at_start: store.data().limiter.memory_bytes(),
            store,
            call,
            name,
            calls: 0,
        })
    }

    /// Bytes of all its memories.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.store.data().limiter.memory_bytes()
    }

    /// Calls the function. After a `Failure::Fault` this instance must be dropped.
    pub(crate) fn call(&mut self, limit: Duration) -> Result<T, Failure> {
        let call = self.call;
        self.calls = self.calls.saturating_add(1);
        let (answer,) = guarded(&mut self.store, self.name, limit, |store| {
            call.call(store, ())
        })?;
        answer.map_err(|text| Failure::Answered {
            call: self.name,
            text: clean(&text, ANSWER_BYTES_MAX),
        })
    }

    /// The instance for the next call, unless it holds so much memory that a call may soon break for want of more. Linear
    /// memory never shrinks, and not every language gives back all that it took; a fresh instance begins small.
    pub(crate) fn unless_worn(mut self, of: &Use) -> Option<Live<T>> {
        let (bytes, most) = (self.memory_bytes(), of.limits.memory_bytes);
        let is_full = bytes > most - most / 4;
        let helps = self.bytes_at_start <= most / 2 && self.calls >= CALLS_LEAST;
        if !(is_full && helps) {
            return Some(self);
        }
        self.store.data_mut().flush_prints();
        of.used_memory(bytes);
        of.note_replaced(bytes);
        None
    }
}

fn set_up(
    store: &mut Store<Context>,
    instance: &Instance,
    of: &Use,
    limit: Duration,
) -> Result<(), Failure> {
    let setup = instance
        .get_typed_func::<(&str,), (Result<(), String>,)>(&mut *store, "setup")
        .map_err(|error| mistyped("setup", &error))?;
    let (answer,) = guarded(store, "setup", limit, |store| {
        setup.call(store, (&of.config,))
    })?;
    answer.map_err(|text| Failure::Answered {
        call: "setup",
        text: clean(&text, ANSWER_BYTES_MAX),
    })
}

fn mistyped(call: &'static str, error: &wasmtime::Error) -> Failure {
    Failure::Fault(Fault {
        call,
        kind: FaultKind::Contract,
        text: format!(
            "its export has another type ({error:#}); build it with the WIT in plugin-sdk/wit/{}",
            crate::plugin::CONTRACT_VERSION
        ),
    })
}

/// Runs the plugin with its clock started, and words what went wrong.
fn guarded<R>(
    store: &mut Store<Context>,
    call: &'static str,
    limit: Duration,
    run: impl FnOnce(&mut Store<Context>) -> wasmtime::Result<R>,
) -> Result<R, Failure> {
    let context = store.data_mut();
    context.clock.start(limit);
    context.limiter.start();
    context.running.begin();
    store.set_epoch_deadline(1);
    let answer = run(store);
    store.data().running.end();
    answer.map_err(|error| {
        store.data_mut().flush_prints(); // a crashing language's last words
        Failure::Fault(explain(call, limit, store.data(), &error))
    })
}

fn explain(
    call: &'static str,
    limit: Duration,
    context: &Context,
    error: &wasmtime::Error,
) -> Fault {
    let limits: Limits = context.of.limits;
    let trap = error.downcast_ref::<Trap>().copied();
    let (kind, text) = match trap {
        Some(Trap::Interrupt) => {
            let ms = limit.as_millis();
            (
                FaultKind::Time,
                format!(
                    "{ms} ms of processor time were used up; make it faster or raise limits.time"
                ),
            )
        }
        Some(Trap::CannotLeaveComponent) => (
            FaultKind::Contract,
            "it called an import from its allocator or its clean-up, where none may be called (Go: its garbage \
             collector started in cabi_realloc; allocate there from a buffer that is made before)"
                .to_owned(),
        ),
        Some(Trap::StackOverflow) => (FaultKind::Stack, "it recursed too deeply".to_owned()),
        Some(Trap::IndirectCallToNull) if is_unlinked(error) => (
            FaultKind::Trap,
            "it called an import from its `start` section, when none is linked yet: do that in `_initialize` or `setup` \
             (AssemblyScript: --exportStart _initialize)"
                .to_owned(),
        ),
        _ if context.limiter.memory_refused() => {
            let memory = mebibytes(limits.memory_bytes);
            (
                FaultKind::Memory,
                format!(
                    "it wanted more than {memory} ({}); raise limits.memory",
                    cause(error)
                ),
            )
        }
        _ if context.limiter.table_refused() => (
            FaultKind::Table,
            format!(
                "it wanted tables of more than {TABLE_ELEMENTS_MAX} elements, which no plugin needs ({})",
                cause(error)
            ),
        ),
        Some(_) => (FaultKind::Trap, cause(error)),
        None if error.is::<Misuse>() => (FaultKind::Contract, cause(error)),
        None => (
            FaultKind::Contract,
            format!(
                "it handed over what cannot be read ({}); check the layout of its results and its \
                 allocator, or build it with a current SDK",
                cause(error)
            ),
        ),
    };
    Fault {
        call,
        kind,
        text: clean(&format!("{text}{}", frames(error)), ANSWER_BYTES_MAX),
    }
}

/// Whether the innermost frame is in the module through which lifting links imports: they are missing there.
fn is_unlinked(error: &wasmtime::Error) -> bool {
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let innermost = backtrace.and_then(|backtrace| backtrace.frames().first());
    innermost.is_some_and(|frame| frame.module().name() == Some("wit-component:shim"))
}

/// `32 MiB`, or in bytes what is no whole number of them.
pub(crate) fn mebibytes(bytes: usize) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}

fn cause(error: &wasmtime::Error) -> String {
    error
        .root_cause()
        .to_string()
        .trim_start_matches("wasm trap: ")
        .to_owned()
}

/// Where in the plugin, as far as its names tell.
fn frames(error: &wasmtime::Error) -> String {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return String::new();
    };
    let own = backtrace.frames().iter().filter(|frame| {
        // The small modules that lifting adds are no part of the plugin as its author knows it.
        let module = frame.module().name().unwrap_or_default();
        !module.starts_with("wit-component:")
    });
    let names = own.map(|frame| {
        frame
            .func_name()
            .map_or_else(|| format!("function {}", frame.func_index()), readable)
    });
    shown(names)
}

/// A function's name as its author wrote it: Rust's compiler mangles them, others' do not.
fn readable(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}

/// The first frames, without Rust's own on the way from a panic to the trap: there may be more of them than are shown.
fn shown(names: impl Iterator<Item = String>) -> String {
    let is_panicking = |name: &String| PANICKING.iter().any(|start| name.starts_with(start));
    let names: Vec<String> = names.skip_while(is_panicking).take(FRAMES_SHOWN).collect();
    if names.is_empty() {
        String::new()
    } else {
        format!(" (in {})", names.join(" ← "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions_are_as_they_were_written() {
        for (name, expected) in [
            ("_ZN1r4team4pick17h204154d856a4f48aE", "r::team::pick"),
            (
                "_RNvNtCsgXGp5Oqx2Ny_4core9panicking9panic_fmt",
                "core::panicking::panic_fmt",
            ),
            ("divide", "divide"),
            ("main.process", "main.process"),
            ("_Z3fooi", "_Z3fooi"),
        ] {
            assert_eq!(readable(name), expected);
        }
    }

    #[test]
    fn the_way_from_a_panic_to_the_trap_is_not_shown() {
        let names = [
            "_RNvCsfLfy6EI15iL_7___rustc17rust_begin_unwind",
            "_RNvNtCsgXGp5Oqx2Ny_4core9panicking9panic_fmt",
            "_ZN1r4team4pick17h204154d856a4f48aE",
            "process",
        ];
        let text = shown(names.into_iter().map(readable));
        assert_eq!(text, " (in r::team::pick ← process)");
        assert_eq!(shown(["rust_panic".to_owned()].into_iter()), "");
    }
}
