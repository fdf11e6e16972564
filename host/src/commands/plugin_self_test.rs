//! `weir plugin test` without events: the plugin's self-tests, a line each.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use weir_runtime::{Kind, Plugin};

use super::{EXIT_FAILED, EXIT_USAGE, count, failed, print_line, say};
use crate::cli::Output;
use crate::fixtures::{Fixtures, Ran, default_limits, path_beside, read_beside};

/// Runs them.
///
/// # Errors
/// With the exit code, after the error was said: they cannot be read, or there are none.
pub fn run(plugin: &Arc<Plugin>, form: Output) -> Result<ExitCode, ExitCode> {
    let beside = read_beside(plugin).map_err(|error| failed(EXIT_USAGE, &error))?;
    let beside = beside
        .as_ref()
        .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    let fixtures = Fixtures::of(plugin, beside).map_err(|errors| {
        say(&errors);
        ExitCode::from(EXIT_USAGE)
    })?;
    if fixtures.is_empty() {
        return Err(failed(EXIT_USAGE, &none(plugin)));
    }
    let mut failures = 0;
    for ran in fixtures.run(plugin, default_limits(plugin.kind)) {
        failures += usize::from(ran.problem.is_some());
        match form {
            Output::Text => print_text(&ran),
            Output::Json => print_line(&json!({
                "name": ran.name, "place": ran.place, "ok": ran.problem.is_none(), "problem": ran.problem,
            })),
        }
    }
    say(&format_args!(
        "{}: {failures} failed",
        count(fixtures.len(), "self-test")
    ));
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

fn print_text(ran: &Ran) {
    match &ran.problem {
        None => print_line(&format_args!("ok      {}", ran.name)),
        Some(problem) => {
            print_line(&format_args!("FAILED  {} ({})", ran.name, ran.place));
            print_line(&format_args!("    {problem}"));
        }
    }
}

/// How to write the first.
fn none(plugin: &Plugin) -> String {
    let path = path_beside(plugin);
    let file = path.file_name().map_or(path.as_path(), Path::new).display();
    let example = match plugin.kind {
        Kind::Filter => {
            "- name: drops what is pulled\n  config: {reasons: [Pulled]}\n  event: {reason: Pulled}\n  expect: drop"
        }
        Kind::Sink | Kind::SinkProbe => {
            "- name: refuses a wrong key\n  config: {pth: x}\n  expect: {refuse: pth}"
        }
    };
    format!(
        "plugin {} has no self-tests; write some into {file} beside its file, such as\n{example}\n\
         or name a file of events to see what it does to them: weir plugin test {} events.ndjson",
        plugin.label(),
        plugin.name
    )
}
