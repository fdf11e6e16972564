//! Log lines on standard error: JSON for machines, or a form for people.

use std::sync::OnceLock;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Registry, fmt, reload};

use crate::config::{Log, LogFormat, LogLevel};

/// What of the log is shown, changeable while the process runs.
static SHOWN: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging for this process. A second call changes nothing.
pub fn start(log: Log) {
    let (shown, handle) = reload::Layer::new(targets(log.level));
    let registry = tracing_subscriber::registry().with(shown);
    let started = match log.format {
        LogFormat::Json => {
            let lines = fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false);
            registry.with(lines.with_writer(std::io::stderr)).try_init()
        }
        LogFormat::Pretty => {
            let colours = rustix::termios::isatty(rustix::stdio::stderr());
            let lines = fmt::layer().with_ansi(colours).with_target(false);
            registry.with(lines.with_writer(std::io::stderr)).try_init()
        }
    };
    // Already started, by a test: it keeps what it has.
    if started.is_ok() {
        let _ = SHOWN.set(handle);
    }
}

/// Shows this level and what is above it from now on.
pub fn set_level(level: LogLevel) {
    if let Some(shown) = SHOWN.get()
        && let Err(error) = shown.reload(targets(level))
    {
        tracing::warn!("logLevel is not changed: {error}");
    }
}

fn targets(level: LogLevel) -> Targets {
    let level = match level {
        LogLevel::Trace => LevelFilter::TRACE,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Error => LevelFilter::ERROR,
    };
    // kube logs each failed request as an error; what it means, and whether it matters, is said where it is handled.
    let kube = if level >= LevelFilter::DEBUG {
        level
    } else {
        LevelFilter::OFF
    };
    Targets::new()
        .with_default(level)
        .with_target("kube_client", kube)
}
