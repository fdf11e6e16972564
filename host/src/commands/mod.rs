//! What each command does. A command gives its exit code; `main` only passes it on.

pub mod capture;
pub mod check;
mod own_plugin;
pub mod plugin;
pub mod plugin_bench;
pub mod plugin_build;
pub mod plugin_inspect;
pub mod plugin_languages;
pub mod plugin_new;
pub mod plugin_pack;
mod plugin_running;
mod plugin_self_test;
pub mod plugin_test;
mod plugin_trial;
pub mod run;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use weir_kubernetes::connect::Access;
use weir_runtime::{Compiler, Engine};

use crate::cli::Cluster;
use crate::config::{Config, LoadError};

/// Usage or configuration are wrong.
pub const EXIT_USAGE: u8 = 2;
/// The work failed.
pub const EXIT_FAILED: u8 = 1;

/// What every command gets from `main`.
pub struct Surroundings {
    /// How plugins are compiled.
    pub compiler: Compiler,
}

/// Reads a configuration, or says on standard error what is wrong with it.
fn load_config(path: &Path) -> Result<Config, ExitCode> {
    Config::load(path).map_err(|error| config_failed(path, &error))
}

/// Says what is wrong with a configuration.
fn config_failed(path: &Path, error: &LoadError) -> ExitCode {
    say(&with_causes(error));
    if let LoadError::Invalid(errors) = error {
        say(&format_args!(
            "{} in {}",
            count(errors.0.len(), "mistake"),
            path.display()
        ));
    }
    ExitCode::from(EXIT_USAGE)
}

/// How to reach the cluster.
fn access(cluster: &Cluster) -> Access {
    Access {
        kubeconfig: cluster.kubeconfig.clone(),
        context: cluster.context.clone(),
    }
}

/// The engine, or what is wrong with this machine.
fn new_engine() -> Result<Engine, ExitCode> {
    Engine::new().map_err(|error| failed(EXIT_FAILED, &error))
}

/// Says an error on standard error; gives the exit code.
fn failed(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    say(&format_args!("weir: {error}"));
    ExitCode::from(code)
}

/// Says a line to people, on standard error. Where that is closed, nobody wants to hear it.
pub fn say(line: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints a line of data. Where nobody reads any more there is nothing left to do for a command.
pub fn print_line(line: &dyn std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{line}") {
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            say(&format_args!("weir: standard output: {error}"));
        }
        std::process::exit(i32::from(EXIT_FAILED));
    }
}

/// An error with what caused it, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}

/// "1 mistake", "2 mistakes".
fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
