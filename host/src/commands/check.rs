//! `weir check`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::{
    EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, new_engine, print_line, say, with_causes,
};
use crate::app::admin_token;
use crate::cli::{Check, Output};
use crate::config::{Config, ConfigError, LoadError};
use weir_runtime::Sink;

use crate::plugins::Loader;
use crate::prepare::{Before, Prepared, StartError, Ways, no_output, prepare};
use crate::ways::http_client;

/// One mistake, as text and for programs.
struct Finding {
    text: String,
    json: serde_json::Value,
}

/// Checks the configuration, and where that is right every plugin it uses.
///
/// # Errors
/// With the exit code, where the file cannot be read at all.
pub fn run(arguments: &Check, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let file = &arguments.config.config;
    let mut connections = Vec::new();
    let (errors, warnings) = match Config::load(file) {
        Ok(config) => {
            let warnings = config.warnings.iter().map(of_config).collect();
            let errors = match check_plugins(&config, file, surroundings)? {
                Ok(prepared) => {
                    if arguments.connect {
                        connections = connect(&config, &prepared, arguments.output);
                    }
                    Vec::new()
                }
                Err(errors) => errors,
            };
            (errors, warnings)
        }
        Err(LoadError::Invalid(errors)) => (errors.0.iter().map(of_config).collect(), Vec::new()),
        Err(error) => return Err(failed(EXIT_USAGE, &with_causes(&error))),
    };
    let connected = connections.iter().all(|connection| connection.works);
    match arguments.output {
        Output::Text => print_text(file, &errors, &warnings),
        Output::Json => {
            let list = |findings: &[Finding]| {
                findings
                    .iter()
                    .map(|finding| finding.json.clone())
                    .collect::<Vec<_>>()
            };
            print_line(&json!({
                "ok": errors.is_empty() && connected, "errors": list(&errors), "warnings": list(&warnings),
                "connections": connections.iter().map(Connection::json).collect::<Vec<_>>(),
            }));
        }
    }
    Ok(match (errors.is_empty(), connected) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::from(EXIT_FAILED),
        (false, _) => ExitCode::from(EXIT_USAGE),
    })
}

/// What the sink of one receiver says of where it would deliver to.
struct Connection {
    receiver: String,
    works: bool,
    /// A line each.
    findings: Vec<String>,
}

impl Connection {
    fn json(&self) -> serde_json::Value {
        json!({"receiver": self.receiver, "ok": self.works, "findings": self.findings})
    }
}

/// Asks each sink that can be asked; for people, what it says is shown at once, since it may take long.
fn connect(config: &Config, prepared: &Prepared, output: Output) -> Vec<Connection> {
    let mut connections = Vec::new();
    for (receiver, used) in config.receivers.iter().zip(&prepared.sinks) {
        let plugin = &used.known.plugin;
        let (works, findings) = match Sink::probe(plugin, &used.known.of) {
            Ok(Some(findings)) => (true, findings),
            Ok(None) => (true, format!("the sink {} cannot be asked", plugin.name)),
            Err(failure) => (false, failure.said()),
        };
        let findings: Vec<String> = findings.lines().map(str::to_owned).collect();
        if output == Output::Text {
            let mark = if works { "ok" } else { "FAILED" };
            for finding in &findings {
                say(&format_args!("{} ({mark}): {finding}", receiver.name));
            }
        }
        connections.push(Connection {
            receiver: receiver.name.clone(),
            works,
            findings,
        });
    }
    connections
}

fn of_config(error: &ConfigError) -> Finding {
    Finding {
        text: error.to_string(),
        json: serde_json::to_value(error).unwrap_or_default(),
    }
}

fn of_start(error: &StartError, file: &Path) -> Finding {
    Finding {
        text: error.in_file(file),
        json: json!({
            "file": file, "line": error.at.line, "column": error.at.column,
            "path": error.path, "message": error.problem.to_string(),
        }),
    }
}

fn check_plugins(
    config: &Config,
    file: &Path,
    surroundings: &Surroundings,
) -> Result<Result<Prepared, Vec<Finding>>, ExitCode> {
    let mut loader = match Loader::new(
        new_engine()?,
        surroundings.compiler.clone(),
        &config.plugins,
    ) {
        Ok(loader) => loader,
        Err(error) => {
            let text = format!("{}: {error}", file.display());
            return Ok(Err(vec![Finding {
                text,
                json: json!({"file": file, "message": error.to_string()}),
            }]));
        }
    };
    let client = http_client().map_err(|error| failed(EXIT_USAGE, &error))?;
    let ways = Ways {
        output: no_output(),
        client,
        lanes: 1,
    };
    let prepared = prepare(config, &mut loader, &ways, &Before::default());
    let checked = match (prepared, admin_token(config)) {
        (Ok(prepared), Ok(_)) => Ok(prepared),
        (prepared, token) => {
            let errors = [prepared.err(), token.err()].into_iter().flatten();
            Err(errors.flatten().collect::<Vec<_>>())
        }
    };
    Ok(checked.map_err(|errors| errors.iter().map(|error| of_start(error, file)).collect()))
}

fn print_text(file: &Path, errors: &[Finding], warnings: &[Finding]) {
    warnings
        .iter()
        .for_each(|warning| say(&format_args!("warning: {}", warning.text)));
    errors
        .iter()
        .for_each(|error| say(&format_args!("{}", error.text)));
    match errors.len() {
        0 => say(&format_args!("{} is right", file.display())),
        mistakes => say(&format_args!(
            "{} in {}",
            count(mistakes, "mistake"),
            file.display()
        )),
    }
}
