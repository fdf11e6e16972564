//! `weir check`.

use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

use super::{EXIT_USAGE, Surroundings, count, failed, new_engine, print_line, say, with_causes};
use crate::cli::{Check, Output};
use crate::config::{Config, ConfigError, LoadError};
use crate::plugins::Loader;
use crate::prepare::{StartError, no_output, prepare};

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
    let (errors, warnings) = match Config::load(file) {
        Ok(config) => {
            let warnings = config.warnings.iter().map(of_config).collect();
            (check_plugins(&config, file, surroundings)?, warnings)
        }
        Err(LoadError::Invalid(errors)) => (errors.0.iter().map(of_config).collect(), Vec::new()),
        Err(error) => return Err(failed(EXIT_USAGE, &with_causes(&error))),
    };
    match arguments.output {
        Output::Text => print_text(file, &errors, &warnings),
        Output::Json => {
            let list = |findings: &[Finding]| {
                findings
                    .iter()
                    .map(|finding| finding.json.clone())
                    .collect::<Vec<_>>()
            };
            print_line(
                &json!({"ok": errors.is_empty(), "errors": list(&errors), "warnings": list(&warnings)}),
            );
        }
    }
    Ok(if errors.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_USAGE)
    })
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
) -> Result<Vec<Finding>, ExitCode> {
    let mut loader = match Loader::new(
        new_engine()?,
        surroundings.compiler.clone(),
        &config.plugins,
    ) {
        Ok(loader) => loader,
        Err(error) => {
            let text = format!("{}: {error}", file.display());
            return Ok(vec![Finding {
                text,
                json: json!({"file": file, "message": error.to_string()}),
            }]);
        }
    };
    Ok(match prepare(config, &mut loader, &no_output(), 1) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| of_start(error, file)).collect(),
    })
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
