//! `weir plugin inspect`: what a plugin is and may use; of a file that is none, what can be seen of it, and why.

use std::collections::BTreeMap;
use std::process::ExitCode;

use serde_json::{Value, json};
use weir_runtime::{Description, LoadError, Plugin, PluginFile, Shape};

use super::{EXIT_FAILED, EXIT_USAGE, Surroundings, failed, plugin, print_line};
use crate::cli::{Inspect, Output};
use crate::pack::{CONFIG_MAP_BYTES_MAX, gzip};

/// Names that a row shows.
const NAMES_SHOWN: usize = 24;
/// Between the rows of one value.
const NEXT_LINE: &str = "\n             ";

/// What each interface of the contract is, in words.
const WORDS: &[(&str, &str, &str)] = &[
    ("event", "reads the event", ""),
    ("batch", "its batch", ""),
    ("change", "changes the event", ""),
    (
        "http",
        "HTTP",
        "to the origins that its configuration names",
    ),
    ("secret", "secrets", "as placeholders; it never sees one"),
    ("state", "state", "1 MiB, which the host keeps"),
    ("file", "a file", "the `path` of its configuration"),
    ("output", "standard output", ""),
    ("template", "templates", "rendered by the host"),
    ("host.log", "logs", ""),
    ("host.print", "prints", "into the log"),
    ("host.count", "counts", "with weir's metrics"),
    ("host.now", "the time", ""),
    ("host.random", "random numbers", ""),
];

/// Shows one plugin.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Inspect, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let loader = plugin::open(&arguments.place, surroundings)?;
    let path = plugin::path_of(&loader, &arguments.plugin)?;
    let file = PluginFile::read_undescribed(&path).map_err(|error| {
        let code = if path.is_file() {
            EXIT_FAILED
        } else {
            EXIT_USAGE
        };
        failed(code, &error)
    })?;
    let loaded = loader.load_file(&path);
    let seen = Seen::of(&file);
    match arguments.output {
        Output::Json => print_line(&to_json(&seen, &loaded)),
        Output::Text => print_text(&seen, &loaded),
    }
    match loaded {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(failed(EXIT_FAILED, &error)),
    }
}

/// What is seen of the file, whether a plugin can be made of it or not.
struct Seen<'a> {
    file: &'a PluginFile,
    gzip_bytes: usize,
    shape: Shape,
}

impl Seen<'_> {
    fn of(file: &PluginFile) -> Seen<'_> {
        Seen {
            gzip_bytes: gzip(&file.wasm).len(),
            shape: Shape::read(&file.wasm).0,
            file,
        }
    }

    fn form(&self) -> &'static str {
        if self.shape.is_component {
            "component"
        } else {
            "core module"
        }
    }

    /// Where the file can go in a cluster.
    fn fits(&self) -> (&'static str, String) {
        let percent = |bytes: usize| (bytes * 100).div_ceil(CONFIG_MAP_BYTES_MAX);
        let (raw, packed) = (self.file.wasm.len(), self.gzip_bytes);
        if raw <= CONFIG_MAP_BYTES_MAX {
            (
                "plain",
                format!("fits a ConfigMap ({} % of what it holds)", percent(raw)),
            )
        } else if packed <= CONFIG_MAP_BYTES_MAX {
            let text = format!(
                "fits a ConfigMap when compressed ({} % of what it holds): weir plugin pack",
                percent(packed)
            );
            ("gzip", text)
        } else {
            (
                "no",
                "does not fit a ConfigMap: use an image or a volume".to_owned(),
            )
        }
    }

    fn made_with(&self) -> Vec<String> {
        let tools = self.shape.tools.iter();
        let tools = tools.map(|tool| format!("{} {}", tool.name, tool.version).trim().to_owned());
        // Each part of a component names its tools.
        let mut tools: Vec<String> = tools.collect();
        tools.dedup();
        tools
    }

    fn imports(&self) -> Vec<String> {
        let imports = self.shape.imports.iter();
        let each = |import: &weir_runtime::Imported| match import.names.as_slice() {
            [] => import.module.clone(),
            names => format!("{}: {}", import.module, few(names)),
        };
        imports.map(each).collect()
    }
}

/// Functions by what they are for, in words; in the order of the table.
fn in_words(imports: &[String]) -> Vec<String> {
    let mut groups: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for import in imports {
        let interface = import
            .split_once('.')
            .map_or(import.as_str(), |(interface, _)| interface);
        let place = WORDS
            .iter()
            .position(|(of, ..)| of == import || of == &interface);
        groups
            .entry(place.unwrap_or(WORDS.len()))
            .or_default()
            .push(import);
    }
    let group = |(place, functions): (usize, Vec<&str>)| {
        let Some((of, words, note)) = WORDS.get(place) else {
            return functions.join(", ");
        };
        let names: Vec<&str> = functions
            .iter()
            .filter_map(|import| Some(import.split_once('.')?.1))
            .collect();
        let names = if of.contains('.') {
            String::new()
        } else {
            format!(": {}", names.join(", "))
        };
        let note = if note.is_empty() {
            String::new()
        } else {
            format!(" ({note})")
        };
        format!("{words}{names}{note}")
    };
    groups.into_iter().map(group).collect()
}

fn few(names: &[String]) -> String {
    let shown = names
        .iter()
        .take(NAMES_SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(NAMES_SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn print_text(seen: &Seen<'_>, loaded: &Result<Plugin, LoadError>) {
    let mut rows: Vec<(&str, String)> = vec![("name", seen.file.name.clone())];
    let file = seen.file.path.display().to_string();
    match loaded {
        Ok(plugin) => {
            let Description {
                version,
                description,
                config_schema,
                ..
            } = &plugin.description;
            rows.extend([
                ("version", plugin::or_dash(version).to_owned()),
                ("description", plugin::or_dash(description).to_owned()),
                ("file", file),
                ("form", seen.form().to_owned()),
                ("world", plugin.kind.world().to_owned()),
                ("contract", plugin.contract.clone()),
                ("may use", or_dash(in_words(&plugin.imports))),
                ("wasi", wasi(&seen.shape)),
                ("exports", few(&seen.shape.exports)),
                ("onError", plugin::on_error(plugin).to_owned()),
                (
                    "schema",
                    config_schema
                        .as_ref()
                        .map_or_else(|| "-".to_owned(), Value::to_string),
                ),
            ]);
        }
        Err(_) => rows.extend([
            ("file", file),
            ("form", seen.form().to_owned()),
            ("imports", or_dash(seen.imports())),
            (
                "exports",
                plugin::or_dash(&few(&seen.shape.exports)).to_owned(),
            ),
        ]),
    }
    rows.extend([
        (
            "made with",
            plugin::or_dash(&few(&seen.made_with())).to_owned(),
        ),
        (
            "memory",
            format!("{} KiB at the start", seen.shape.memory_bytes / 1024),
        ),
        (
            "size",
            format!(
                "{} bytes, {} as gzip: {}",
                seen.file.wasm.len(),
                seen.gzip_bytes,
                seen.fits().1
            ),
        ),
        ("digest", format!("sha256:{}", seen.file.digest)),
    ]);
    for (name, value) in rows {
        print_line(&format_args!("{name:<12} {value}"));
    }
}

fn or_dash(lines: Vec<String>) -> String {
    if lines.is_empty() {
        return "-".to_owned();
    }
    lines.join(NEXT_LINE)
}

fn wasi(shape: &Shape) -> String {
    match shape.wasi() {
        [] => "-".to_owned(),
        names => format!(
            "{}{NEXT_LINE}answered by stubs: what it prints is logged; no files, arguments, environment or sockets",
            few(names)
        ),
    }
}

fn to_json(seen: &Seen<'_>, loaded: &Result<Plugin, LoadError>) -> Value {
    let mut row = match loaded {
        Ok(plugin) => plugin::to_json(plugin),
        Err(error) => json!({
            "name": seen.file.name,
            "file": seen.file.path,
            "bytes": seen.file.file_bytes,
            "digest": format!("sha256:{}", seen.file.digest),
            "error": error.problem.to_string(),
        }),
    };
    let imports = seen.shape.imports.iter();
    let imports: serde_json::Map<String, Value> = imports
        .map(|import| (import.module.clone(), import.names.clone().into()))
        .collect();
    row["form"] = seen.form().into();
    row["wasmBytes"] = seen.file.wasm.len().into();
    row["gzipBytes"] = seen.gzip_bytes.into();
    row["configMap"] = seen.fits().0.into();
    row["memoryBytes"] = seen.shape.memory_bytes.into();
    row["madeWith"] = seen.made_with().into();
    row["wasi"] = seen.shape.wasi().to_vec().into();
    row["fileImports"] = imports.into();
    row["exports"] = seen.shape.exports.clone().into();
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_may_use_is_said_in_words() {
        let imports = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        let said = in_words(&imports(&[
            "change.remove",
            "change.set",
            "event.namespace",
            "event.reason",
            "host.count",
            "host.log",
            "http.send",
            "weather.now",
        ]));
        assert_eq!(
            said,
            [
                "reads the event: namespace, reason",
                "changes the event: remove, set",
                "HTTP: send (to the origins that its configuration names)",
                "logs",
                "counts (with weir's metrics)",
                "weather.now",
            ]
        );
        assert!(in_words(&[]).is_empty());
    }
}
