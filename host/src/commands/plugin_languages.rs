//! `weir plugin languages`: what plugins can be written in, and what this machine has for it.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::print_line;
use crate::author::{Language, Missing, Ready, Tool, Tools, installation, needs, run_quietly};
use crate::cli::{Languages, Output};

/// Prints the table.
///
/// # Errors
/// None; the signature is that of all commands.
pub fn run(arguments: &Languages) -> Result<ExitCode, ExitCode> {
    let rows: Vec<_> = Language::all()
        .map(|language| (language, on_this_machine(language, None)))
        .collect();
    match arguments.output {
        Output::Json => {
            let rows = rows
                .iter()
                .map(|(language, needs)| to_json(*language, needs));
            print_line(&Value::Array(rows.collect()));
        }
        Output::Text => {
            print_line(&format_args!("{:<15} {:<8} NEEDS", "LANGUAGE", "ALIAS"));
            for (language, needs) in &rows {
                let alias = language.aliases().join(", ");
                print_line(&format_args!(
                    "{:<15} {alias:<8} {}",
                    language.name(),
                    text(needs)
                ));
            }
            print_line(
                &"any other       -        plugin.yaml with `language: other`, `build:` and `output:`",
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What this machine has for a language; tools of the plugin's own folder come first.
pub(super) fn on_this_machine(language: Language, folder: Option<&Path>) -> Result<Ready, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let tools = Tools {
        path: &path,
        folder,
        run: &run_quietly,
    };
    needs(language, &tools)
}

/// How to get what is missing.
pub(super) fn how_to_install(missing: &Missing) -> String {
    format!(
        "  install it: {}\n  or: {}",
        missing.install, missing.otherwise
    )
}

fn text(needs: &Result<Ready, Missing>) -> String {
    let ready = match needs {
        Ok(ready) => ready,
        Err(missing) => {
            // Below the third column.
            let how = how_to_install(missing).replace('\n', "\n                         ");
            let what = &missing.what;
            return format!("MISSING: {what}\n                         {how}");
        }
    };
    let tool = |tool: &Tool| {
        let module = tool.arguments.join(" ");
        let path = tool.path.display();
        match module.is_empty() {
            true => format!("{} {} ({path})", tool.name, tool.version),
            false => format!("{} {} ({path} {module})", tool.name, tool.version),
        }
    };
    let tools: Vec<String> = ready.tools.iter().map(tool).collect();
    let mut text = match tools.is_empty() {
        true => "nothing: weir builds it itself".to_owned(),
        false => tools.join(", "),
    };
    if let Some(fetch) = &ready.fetch {
        text += &format!("; the first build fetches {}", fetch.missing);
    }
    text
}

fn to_json(language: Language, needs: &Result<Ready, Missing>) -> Value {
    let (tools, fetches): (&[Tool], _) = match needs {
        Ok(ready) => (
            &ready.tools,
            ready.fetch.as_ref().map(|fetch| fetch.missing),
        ),
        Err(_) => (&[], None),
    };
    let tools = tools.iter().map(|tool| {
        json!({
            "name": tool.name, "path": tool.path, "arguments": tool.arguments, "version": tool.version,
        })
    });
    let missing = needs.as_ref().err();
    json!({
        "language": language.name(),
        "aliases": language.aliases(),
        "ready": missing.is_none(),
        "tools": tools.collect::<Value>(),
        "fetches": fetches,
        "missing": missing.map(|missing| missing.what.as_str()),
        "install": missing.map_or(installation(language), |missing| missing.install),
    })
}
