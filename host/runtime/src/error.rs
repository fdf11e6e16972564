//! Everything that can go wrong with a plugin, in words that say what to do.
//!
//! Loading ends in a [`LoadError`], a call in a [`Failure`]. Each has a fixed label for metrics.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::limits::Limits;

/// The engine could not be made.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The processor or the settings do not allow compiled WebAssembly.
    #[error("this machine cannot run compiled WebAssembly: {0:#}")]
    Unsupported(wasmtime::Error),
    /// No thread for the time limits.
    #[error("cannot start the thread that enforces time limits")]
    Thread(#[source] std::io::Error),
}

/// A plugin's file that cannot be used, and why.
#[derive(Debug, Error)]
#[error("plugin file {}: {problem}", file.display())]
pub struct LoadError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: LoadProblem,
}

/// Why a plugin's file cannot be used.
#[derive(Debug, Error)]
pub enum LoadProblem {
    /// Reading failed.
    #[error("cannot be read: {0}")]
    Read(std::io::Error),
    /// A folder, a pipe, a device.
    #[error("is no regular file")]
    NoFile,
    /// The name does not end like a plugin's.
    #[error("expected a name that ends in .wasm, .wasm.gz or .wat")]
    Ending,
    /// Larger than `PLUGIN_BYTES_MAX`.
    #[error("is larger than {} MiB: strip it (wasm-opt -Oz, wasm-tools strip)", crate::file::PLUGIN_BYTES_MAX >> 20)]
    TooLarge,
    /// Neither binary nor text.
    #[error("is no WebAssembly: expected a binary module or component, gzip of one, or .wat text")]
    NotWasm,
    /// Begins like gzip and does not unpack.
    #[error("cannot be unpacked ({0}): was it copied whole? pack it again with gzip")]
    Gzip(std::io::Error),
    /// The text form does not parse.
    #[error("its text does not assemble: {0}")]
    Text(String),
    /// The binary form does not parse.
    #[error("is damaged ({0}): was it copied whole? build it again")]
    Damaged(String),
    /// The custom section `weir` is not what it should be.
    #[error("its custom section `weir` is not valid: {0}")]
    Description(String),
    /// Neither `process` nor `deliver`, or both.
    #[error("{0}")]
    NoWorld(String),
    /// A core module lacks what every plugin needs.
    #[error("exports no `{name}`: {advice}")]
    MissingExport {
        /// The export.
        name: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The component encoder refused it.
    #[error("cannot be lifted to a component: {0}")]
    Lift(String),
    /// It imports what this host does not offer.
    #[error("{0}")]
    Import(String),
    /// The compiling child found a problem and worded it.
    #[error("{0}")]
    Refused(String),
    /// The compiler refused it, crashed or ran out of time.
    #[error("cannot be compiled: {0}")]
    Compile(String),
}

/// A plugin asked the host for what cannot be: the call ends as a fault. The text says all.
#[derive(Debug, Error)]
#[error("{0}")]
pub(crate) struct Misuse(pub(crate) String);

/// Why a call of a plugin gave no answer that counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// The plugin answered an error itself. No fault: the instance goes on.
    Answered {
        /// The call: `setup`, `process`, `deliver` or `probe`.
        call: &'static str,
        /// The plugin's own text, made safe for a log line.
        text: String,
    },
    /// The plugin broke. Its instance is thrown away.
    Fault(Fault),
}

impl Failure {
    /// What the plugin itself said, or how it broke.
    pub fn said(&self) -> String {
        match self {
            Failure::Answered { text, .. } => text.clone(),
            Failure::Fault(fault) => fault.to_string(),
        }
    }

    /// The label in metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Failure::Answered { .. } => "answered",
            Failure::Fault(fault) => fault.kind.label(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Answered { call, text } => write!(out, "{call} answered an error: {text}"),
            Failure::Fault(fault) => fault.fmt(out),
        }
    }
}

/// A broken call.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// The call: `setup`, `process`, `deliver` or `probe`.
    pub call: &'static str,
    /// Its class.
    pub kind: FaultKind,
    /// What happened, and where in the plugin as far as its names tell.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}: {}", self.call, self.kind.verb(), self.text)
    }
}

impl Fault {
    /// The processor time that was lost by it, as far as that is known: a call that ran past its limit took all of it.
    pub(crate) fn took(&self, limits: Limits) -> Duration {
        match (self.kind, self.call) {
            (FaultKind::Time, "setup") => limits.setup_time(),
            (FaultKind::Time, _) => limits.time,
            _ => Duration::ZERO,
        }
    }
}

/// The classes of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It executed `unreachable`, divided by zero, read outside of its memory: a crash of its own.
    Trap,
    /// It used more than its own processor time.
    Time,
    /// It wanted more memory than its limit and then crashed.
    Memory,
    /// It wanted a larger table than its limit and then crashed.
    Table,
    /// It recursed too deeply.
    Stack,
    /// What it handed to the host was not what the contract says: a bad pointer, text that is not UTF-8.
    Contract,
}

impl FaultKind {
    /// The label in metrics.
    pub fn label(self) -> &'static str {
        match self {
            FaultKind::Trap => "trap",
            FaultKind::Time => "time",
            FaultKind::Memory => "memory",
            FaultKind::Table => "table",
            FaultKind::Stack => "stack",
            FaultKind::Contract => "contract",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            FaultKind::Trap => "trapped",
            FaultKind::Time => "ran past its time limit",
            FaultKind::Memory => "ran past its memory limit",
            FaultKind::Table => "ran past its table limit",
            FaultKind::Stack => "overflowed its stack",
            FaultKind::Contract => "broke the contract",
        }
    }
}
