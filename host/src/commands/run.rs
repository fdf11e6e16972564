//! `weir run`.

use std::process::ExitCode;

use super::{
    EXIT_FAILED, EXIT_USAGE, Surroundings, access, config_failed, failed, new_engine, say,
};
use crate::app::{self, Job, RunError};
use crate::cli::Run;
use crate::config::Config;
use crate::plugins::Loader;
use crate::{telemetry, usage};

/// Runs the configuration.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Run, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let file = &arguments.config.config;
    let text = Config::read(file).map_err(|error| config_failed(file, &error))?;
    let config = Config::of(file, &text).map_err(|error| config_failed(file, &error))?;
    telemetry::start(config.log);
    config
        .warnings
        .iter()
        .for_each(|warning| tracing::warn!("{warning}"));
    let compiler = surroundings.compiler.clone();
    let loader = Loader::new(new_engine()?, compiler, &config.plugins)
        .map_err(|error| failed(EXIT_USAGE, &format_args!("{}: {error}", file.display())))?;
    let job = Job {
        config,
        file: file.clone(),
        text,
        loader,
        access: access(&arguments.cluster),
    };
    let report = app::run(job).map_err(|error| match error {
        RunError::Start(errors) => {
            errors
                .iter()
                .for_each(|error| say(&format_args!("{}", error.in_file(file))));
            ExitCode::from(EXIT_USAGE)
        }
        RunError::Source(error) => failed(EXIT_USAGE, &error),
        RunError::Environment(error) => failed(EXIT_USAGE, &error),
        RunError::System(error) => failed(EXIT_FAILED, &error),
    })?;
    let ledger = serde_json::to_string(&report.ledger).unwrap_or_default();
    let cpu_ms = u64::try_from(usage::processor_time().as_millis()).unwrap_or(u64::MAX);
    let peak_rss_kib = usage::peak_resident_kib();
    tracing::info!(
        success = report.success,
        cpu_ms,
        peak_rss_kib,
        ledger,
        "done"
    );
    if let Some(path) = &arguments.ledger {
        app::write_ledger(path, &report.ledger).map_err(|error| {
            failed(
                EXIT_FAILED,
                &format_args!("cannot write the ledger to {}: {error}", path.display()),
            )
        })?;
    }
    Ok(if report.success {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}
