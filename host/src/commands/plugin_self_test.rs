//! `weir plugin test` without events: the plugin's self-tests, a line each.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::json;
use weir_runtime::{Kind, Plugin};

use super::plugin_trial::{LogLines, say_used};
use super::{EXIT_FAILED, EXIT_USAGE, count, failed, print_line, say};
use crate::cli::{Output, Test};
use crate::fixtures::{Fixtures, Ran, default_limits, path_beside, read_beside, read_named};

/// Runs them.
///
/// # Errors
/// With the exit code, after the error was said: they cannot be read, or there are none.
pub fn run(plugin: &Arc<Plugin>, arguments: &Test) -> Result<ExitCode, ExitCode> {
    let fixtures = fixtures(plugin, arguments.tests.as_deref())?;
    let limits = default_limits(plugin.kind);
    let mut log = LogLines::new(arguments.verbose);
    let (mut failures, mut memory_bytes) = (0, 0);
    let mut counters: BTreeMap<String, u64> = BTreeMap::new();
    for ran in fixtures.run(plugin, limits) {
        failures += usize::from(ran.problem.is_some());
        match arguments.output {
            Output::Text => print_text(&ran, &mut log),
            Output::Json => print_line(&json!({
                "name": ran.name, "place": ran.place, "ok": ran.problem.is_none(), "problem": ran.problem,
                "log": ran.log, "memory": ran.memory_bytes, "counters": ran.counters,
            })),
        }
        memory_bytes = memory_bytes.max(ran.memory_bytes);
        for (name, sum) in ran.counters {
            *counters.entry(name).or_default() += sum;
        }
    }
    say(&format_args!(
        "{}: {failures} failed",
        count(fixtures.len(), "self-test")
    ));
    log.say_hidden();
    say_used(memory_bytes, limits, &counters);
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// The tests of a named file, else the plugin's own.
fn fixtures(plugin: &Plugin, named: Option<&Path>) -> Result<Fixtures, ExitCode> {
    let read = match named {
        Some(file) => {
            let bytes = read_named(file).map_err(|error| failed(EXIT_USAGE, &error))?;
            Fixtures::of_file(plugin.kind, file, &bytes)
        }
        None => {
            let beside = read_beside(plugin).map_err(|error| failed(EXIT_USAGE, &error))?;
            let beside = beside.as_ref();
            Fixtures::of(
                plugin,
                beside.map(|(path, bytes)| (path.as_path(), bytes.as_slice())),
            )
        }
    };
    let fixtures = read.map_err(|errors| {
        say(&errors);
        ExitCode::from(EXIT_USAGE)
    })?;
    match named {
        _ if !fixtures.is_empty() => Ok(fixtures),
        Some(file) => {
            let file = file.display();
            Err(failed(
                EXIT_USAGE,
                &format_args!("no self-tests in {file}; expected a list of them"),
            ))
        }
        None => Err(failed(EXIT_USAGE, &none(plugin))),
    }
}

fn print_text(ran: &Ran, log: &mut LogLines) {
    match &ran.problem {
        None => print_line(&format_args!("ok      {}", ran.name)),
        Some(problem) => {
            print_line(&format_args!("FAILED  {} ({})", ran.name, ran.place));
            print_line(&format_args!("    {problem}"));
        }
    }
    let print = |line: &str| print_line(&format_args!("    {line}"));
    log.show(&ran.log, ran.problem.is_some(), print);
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
            "- name: writes each event as a line\n  events: [{reason: Pulled}, {reason: Failed}]\n  expect: done\n  output: documents"
        }
    };
    format!(
        "plugin {} has no self-tests; write some into {file} beside its file, such as\n{example}\n\
         or name a file of events to see what it does to them: weir plugin test {} events.ndjson",
        plugin.label(),
        plugin.name
    )
}
