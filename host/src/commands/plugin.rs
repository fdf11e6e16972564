//! `weir plugin list`, and what the other commands about plugins share. What a running weir uses is listed by `plugin_running`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};
use weir_runtime::{Description, LoadError, Plugin};

use super::{EXIT_FAILED, EXIT_USAGE, Surroundings, failed, load_config, new_engine, print_line};
use crate::cli::{List, Output, PluginPlace};
use crate::config::{Log, LogFormat, LogLevel, Plugins};
use crate::plugins::Loader;
use crate::telemetry;

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

/// The file that a name or a path means.
pub(super) fn path_of(loader: &Loader, plugin: &str) -> Result<PathBuf, ExitCode> {
    if plugin.contains('/') || Path::new(plugin).is_file() {
        return Ok(plugin.into());
    }
    let found = loader.catalogue().find(plugin);
    let found = found.map_err(|error| failed(EXIT_USAGE, &error))?;
    Ok(found.path.clone())
}

/// The plugin that a name or a path means.
pub(super) fn load(loader: &Loader, plugin: &str) -> Result<Plugin, ExitCode> {
    let path = path_of(loader, plugin)?;
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

pub(super) fn to_json(plugin: &Plugin) -> Value {
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

pub(super) fn on_error(plugin: &Plugin) -> &'static str {
    plugin.description.on_error.unwrap_or_default().label()
}

pub(super) fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}
