//! `weir plugin list` and `weir plugin inspect`. What a running weir uses is listed by `plugin_running`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use weir_runtime::{Description, LoadError, Plugin};

use super::{EXIT_FAILED, EXIT_USAGE, Surroundings, failed, load_config, new_engine, print_line};
use crate::cli::{Inspect, List, Output, PluginPlace};
use crate::config::{Log, LogFormat, LogLevel, Plugins};
use crate::plugins::Loader;
use crate::telemetry;

/// What fits into a ConfigMap, all of its files together.
pub(super) const CONFIG_MAP_BYTES_MAX: u64 = 1 << 20;

/// A loader for where the command line says plugins are.
pub(super) fn open(place: &PluginPlace, surroundings: &Surroundings) -> Result<Loader, ExitCode> {
    telemetry::start(Log {
        level: LogLevel::Info,
        format: LogFormat::Pretty,
    });
    let mut plugins = match &place.config {
        Some(file) => load_config(file)?.plugins,
        None => Plugins {
            directories: Vec::new(),
            cache: None,
        },
    };
    if !place.directories.is_empty() {
        plugins.directories.clone_from(&place.directories);
    }
    Loader::new(new_engine()?, surroundings.compiler.clone(), &plugins)
        .map_err(|error| failed(EXIT_USAGE, &error))
}

/// The plugin that a name or a path means.
pub(super) fn load(loader: &Loader, plugin: &str) -> Result<Plugin, ExitCode> {
    let path: PathBuf = if plugin.contains('/') || Path::new(plugin).is_file() {
        plugin.into()
    } else {
        loader
            .catalogue()
            .find(plugin)
            .map_err(|error| failed(EXIT_USAGE, &error))?
            .path
            .clone()
    };
    loader.load_file(&path).map_err(|error| {
        // A name that means no file is wrong usage; a file that is no plugin is not.
        let code = if path.is_file() {
            EXIT_FAILED
        } else {
            EXIT_USAGE
        };
        failed(code, &error)
    })
}

/// Lists all plugins; one that cannot be loaded is in the list with its error, and the exit code is 1. With `--admin`: what
/// a running weir uses.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn list(arguments: &List, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    if let Some(address) = &arguments.admin {
        return super::plugin_running::list(address, arguments);
    }
    let loader = open(&arguments.place, surroundings)?;
    let files: Vec<_> = loader
        .catalogue()
        .files()
        .map(|(name, path)| (name, loader.load_file(path)))
        .collect();
    match arguments.output {
        Output::Json => {
            let row = |(name, loaded): &(&str, Result<Plugin, LoadError>)| match loaded {
                Ok(plugin) => to_json(plugin),
                Err(error) => json!({"name": name, "error": error.to_string()}),
            };
            print_line(&Value::Array(files.iter().map(row).collect()));
        }
        Output::Text => {
            print_line(&format_args!(
                "{:<20} {:<10} {:<8} {:>9}  DESCRIPTION",
                "NAME", "WORLD", "VERSION", "BYTES"
            ));
            for (name, loaded) in &files {
                match loaded {
                    Ok(plugin) => {
                        let Description {
                            version,
                            description,
                            ..
                        } = &plugin.description;
                        let (world, bytes) = (plugin.kind.world(), plugin.file_bytes);
                        print_line(&format_args!(
                            "{name:<20} {world:<10} {:<8} {bytes:>9}  {description}",
                            or_dash(version)
                        ));
                    }
                    Err(error) => print_line(&format_args!("{name:<20} cannot be loaded: {error}")),
                }
            }
        }
    }
    let all_good = files.iter().all(|(_, loaded)| loaded.is_ok());
    Ok(if all_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// Shows one plugin.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn inspect(arguments: &Inspect, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let plugin = load(&open(&arguments.place, surroundings)?, &arguments.plugin)?;
    match arguments.output {
        Output::Json => print_line(&to_json(&plugin)),
        Output::Text => print_text(&plugin),
    }
    Ok(ExitCode::SUCCESS)
}

fn print_text(plugin: &Plugin) {
    let Description {
        version,
        description,
        config_schema,
        ..
    } = &plugin.description;
    let share = plugin
        .file_bytes
        .saturating_mul(100)
        .div_ceil(CONFIG_MAP_BYTES_MAX);
    let uses = if plugin.imports.is_empty() {
        "-".to_owned()
    } else {
        plugin.imports.join("\n             ")
    };
    let rows = [
        ("name", plugin.name.clone()),
        ("version", or_dash(version).to_owned()),
        ("description", or_dash(description).to_owned()),
        ("file", plugin.path.display().to_string()),
        ("world", plugin.kind.world().to_owned()),
        ("contract", plugin.contract.clone()),
        ("may use", uses),
        ("onError", on_error(plugin).to_owned()),
        (
            "schema",
            config_schema
                .as_ref()
                .map_or_else(|| "-".to_owned(), Value::to_string),
        ),
        (
            "size",
            format!(
                "{} bytes, {share} % of what a ConfigMap holds",
                plugin.file_bytes
            ),
        ),
        ("digest", format!("sha256:{}", plugin.digest)),
    ];
    for (name, value) in rows {
        print_line(&format_args!("{name:<12} {value}"));
    }
}

fn to_json(plugin: &Plugin) -> Value {
    json!({
        "name": plugin.name,
        "version": plugin.description.version,
        "description": plugin.description.description,
        "file": plugin.path,
        "kind": plugin.kind.role(),
        "world": plugin.kind.world(),
        "contract": plugin.contract,
        "imports": plugin.imports,
        "onError": on_error(plugin),
        "configSchema": plugin.description.config_schema,
        "bytes": plugin.file_bytes,
        "digest": format!("sha256:{}", plugin.digest),
    })
}

fn on_error(plugin: &Plugin) -> &'static str {
    plugin.description.on_error.unwrap_or_default().label()
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
