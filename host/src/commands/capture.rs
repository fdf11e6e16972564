//! `weir capture`: live events as NDJSON, for `source.replay`, `weir plugin test` and bug reports.

use std::io::{BufWriter, Write};
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{EXIT_FAILED, EXIT_USAGE, access, failed, load_config, say};
use crate::cli::Capture;
use crate::config::{Config, Source};
use crate::source::kubernetes::{SourceError, capture};
use crate::telemetry;

/// Captures until a signal comes, or there are as many as was asked for.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Capture) -> Result<ExitCode, ExitCode> {
    let config = match &arguments.config {
        Some(file) => load_config(file)?,
        None => defaults()?,
    };
    telemetry::start(config.log);
    let Source::Kubernetes(kubernetes) = &config.source else {
        let text = "capture reads from a cluster, and this configuration has another source: leave -c out, or give it source.kubernetes";
        return Err(failed(EXIT_USAGE, &text));
    };
    let mut left = arguments.count.unwrap_or(u64::MAX);
    let (mut captured, mut broken) = (0_u64, None);
    let mut out = BufWriter::new(std::io::stdout().lock());
    let each = |document: &str| {
        // A line at a time: who looks on wants to see it, and events are rare.
        let written = writeln!(out, "{document}").and_then(|()| out.flush());
        left = left.saturating_sub(1);
        match written {
            Ok(()) => captured += 1,
            Err(error) => broken = Some(error),
        }
        broken.is_none() && left > 0
    };
    let access = access(&arguments.cluster);
    let stop = stopped(arguments.seconds);
    let ended = capture(kubernetes, &config.cluster_name, access, stop, each);
    say(&format_args!("{captured} events captured"));
    match (ended, broken) {
        (Err(error @ SourceError::System(_)), _) => Err(failed(EXIT_FAILED, &error)),
        (Err(error), _) => Err(failed(EXIT_USAGE, &error)),
        (Ok(()), Some(error)) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(failed(
            EXIT_FAILED,
            &format_args!("standard output: {error}"),
        )),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Without a configuration: all events, as `weir run` would see them.
fn defaults() -> Result<Config, ExitCode> {
    let environment = |_: &str| None;
    Config::parse(
        "logFormat: pretty",
        "defaults",
        std::path::Path::new(""),
        &environment,
    )
    .map_err(|errors| failed(EXIT_FAILED, &errors))
}

async fn stopped(seconds: Option<u64>) {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let signalled = async {
        match signals {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            }
            // Then a signal does what it does without us: it ends the process.
            _ => std::future::pending().await,
        }
    };
    let timed = async {
        match seconds {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! { () = signalled => {}, () = timed => {} }
}
