//! `weir plugin test` with events: a plugin over a file of them, and what it does to each.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Value, json};
use weir_event::frame::{Frame, Framer};
use weir_event::{Document, Reader};
use weir_runtime::{
    Decision, Failure, Filter, Kind, Limits, Outcome, Output as Lines, Plugin, Processed, Said,
    Sink, Use, clean,
};

use super::own_plugin::own_plugin;
use super::plugin_trial::{LogLines, say_refused, say_used};
use super::{
    EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, plugin, plugin_self_test, print_line, say,
};
use crate::cli::{Output, Test};
use crate::config::ReplayPath;
use crate::fixtures::{Recorded, changes};
use crate::output::StandardOutput;
use crate::shutdown::Shutdown;
use crate::source::input::Input;
use crate::ways::GoTemplates;

/// Bytes of a value that a change shows.
const SHOWN_BYTES_MAX: usize = 200;
/// Bytes of an emitted event that are shown.
const EMITTED_SHOWN_BYTES_MAX: usize = 4096;
/// Events in a batch for a sink: the default of `weir run`.
const BATCH_EVENTS: usize = crate::config::BATCH_EVENTS_DEFAULT;

/// Tries the plugin.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Test, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let name = match &arguments.plugin {
        Some(name) => name.clone(),
        None => own_plugin().map_err(|problem| failed(EXIT_USAGE, &problem))?,
    };
    let loader = plugin::open(&arguments.place, surroundings)?;
    let plugin = Arc::new(plugin::load(&loader, &name)?);
    let Some(events_file) = &arguments.events else {
        return plugin_self_test::run(&plugin, arguments);
    };
    let config = read_with(arguments.with.as_deref().unwrap_or("{}"))?;
    let events = read_events(events_file).map_err(|error| failed(EXIT_USAGE, &error))?;
    if events.is_empty() {
        let file = events_file.display();
        return Err(failed(
            EXIT_USAGE,
            &format_args!("no events in {file}; expected what source.replay reads"),
        ));
    }
    let log = LogLines::new(arguments.verbose);
    if plugin.kind == Kind::Filter {
        test_filter(&plugin, &config, &events, arguments.output, log)
    } else {
        test_sink(&plugin, &config, &events, log)
    }
}

/// A configuration from the command line.
pub(super) fn read_with(with: &str) -> Result<Value, ExitCode> {
    serde_yaml::from_str(with).map_err(|error| {
        failed(
            EXIT_USAGE,
            &format_args!("--with: not valid YAML or JSON: {error}"),
        )
    })
}

/// All events of a file; malformed ones are said on standard error and skipped.
pub(super) fn read_events(path: &Path) -> Result<Vec<Document>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", path.display());
    let source = if path == Path::new("-") {
        ReplayPath::Stdin
    } else {
        ReplayPath::File(path.to_path_buf())
    };
    let mut input = Input::open(&source).map_err(failed)?;
    let (mut framer, mut reader, mut events) = (Framer::new(), Reader::new(""), Vec::new());
    loop {
        let read = input.read(framer.space()).map_err(failed)?;
        if read == 0 {
            framer.finish();
        }
        framer.filled(read);
        while let Some(frame) = framer.next_frame() {
            let line = frame.line;
            for error in read_frame(&mut reader, &frame, &mut events) {
                say(&format_args!("{}:{line}: skipped: {error}", path.display()));
            }
        }
        if read == 0 {
            return Ok(events);
        }
    }
}

/// Adds the events of one value; gives what was wrong with it.
fn read_frame(reader: &mut Reader, frame: &Frame<'_>, events: &mut Vec<Document>) -> Vec<String> {
    let value = match frame.value {
        Ok(value) => value,
        Err(error) => return vec![error.to_string()],
    };
    let mut errors = Vec::new();
    let read = reader.read(value, &mut |event| match event {
        Ok(event) => events.push(Document::new(event)),
        Err(error) => errors.push(error.to_string()),
    });
    errors.extend(read.err().map(|error| error.to_string()));
    errors
}

fn test_filter(
    plugin: &Arc<Plugin>,
    config: &Value,
    events: &[Document],
    form: Output,
    mut log: LogLines,
) -> Result<ExitCode, ExitCode> {
    let recorded = Recorded::refusing();
    let of = Use::new("test", &plugin.name, config.to_string(), Limits::FILTER);
    let of = Arc::new(recorded.watch(of));
    let filter = Filter::new(Arc::clone(plugin), Arc::clone(&of));
    let mut filter = set_up(plugin, filter, &recorded, &mut log)?;
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        let answer = filter.process(event.event());
        let lines = recorded.take_log();
        *sums.entry(verdict(&answer)).or_default() += 1;
        match form {
            Output::Text => {
                print_verdict(event, &answer);
                log.show(&lines, answer.is_err(), |line| detail(&line));
            }
            Output::Json => print_line(&verdict_json(event, &answer, &lines)),
        }
    }
    filter.note_memory();
    let shown: Vec<String> = sums
        .iter()
        .map(|(verdict, sum)| format!("{sum} {verdict}"))
        .collect();
    say(&format_args!(
        "{}: {}",
        count(events.len(), "event"),
        shown.join(", ")
    ));
    say_end(&of, &recorded, &log);
    let good = !sums.contains_key(FAILED);
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// What was set up, or that it was not; and what was logged meanwhile.
fn set_up<T>(
    plugin: &Plugin,
    made: Result<T, Failure>,
    recorded: &Recorded,
    log: &mut LogLines,
) -> Result<T, ExitCode> {
    let has_failed = made.is_err();
    let made = made.map_err(|failure| {
        let label = plugin.label();
        failed(EXIT_USAGE, &format_args!("plugin {label}: {failure}"))
    });
    let say_line = |line: &str| say(&format_args!("setup: {line}"));
    log.show(&recorded.take_log(), has_failed, say_line);
    made
}

/// Says what is to be said of a use in the end.
fn say_end(of: &Use, recorded: &Recorded, log: &LogLines) {
    log.say_hidden();
    say_refused(recorded);
    let memory_bytes = of.calls().memory_bytes;
    say_used(memory_bytes, of.limits, &of.standing.counters());
}

const FAILED: &str = "failed";

fn verdict(answer: &Result<Processed, Failure>) -> &'static str {
    match answer {
        Err(_) => FAILED,
        Ok(Processed {
            decision: Decision::Keep,
            ..
        }) => "kept",
        Ok(Processed {
            decision: Decision::Change(..),
            ..
        }) => "changed",
        Ok(Processed {
            decision: Decision::Drop(_),
            ..
        }) => "dropped",
    }
}

fn print_verdict(document: &Document, answer: &Result<Processed, Failure>) {
    let event = document.event();
    // What an event says may be made to look like another line, or to steer a terminal.
    let shown = |text: &str| clean(text, SHOWN_BYTES_MAX);
    print_line(&format_args!(
        "{:<8} {} {} {}/{} in {} ({})",
        verdict(answer),
        shown(&event.severity()),
        shown(&event.reason()),
        shown(&event.object_kind()),
        shown(&event.object_name()),
        shown(&event.namespace()),
        shown(&event.id())
    ));
    match answer {
        Err(failure) => detail(failure),
        Ok(Processed { decision, emitted }) => {
            match decision {
                Decision::Keep => {}
                Decision::Drop(reason) => detail(&format_args!("because: {reason}")),
                Decision::Change(changed, _) => {
                    let changes = changes(document.as_str(), changed);
                    changes.iter().for_each(|change| detail(change));
                }
            }
            let emitted = emitted
                .iter()
                .map(|emitted| clean(emitted, EMITTED_SHOWN_BYTES_MAX));
            emitted.for_each(|emitted| detail(&format_args!("emitted: {emitted}")));
        }
    }
}

/// Prints a line below an event.
fn detail(text: &dyn std::fmt::Display) {
    print_line(&format_args!("         {text}"));
}

fn verdict_json(document: &Document, answer: &Result<Processed, Failure>, log: &[String]) -> Value {
    let mut row = json!({"id": document.event().id(), "verdict": verdict(answer)});
    if !log.is_empty() {
        row["log"] = log.into();
    }
    let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
    match answer {
        Err(failure) => row["error"] = failure.to_string().into(),
        Ok(Processed { decision, emitted }) => {
            match decision {
                Decision::Keep => {}
                Decision::Drop(reason) => row["reason"] = reason.as_str().into(),
                Decision::Change(changed, _) => row["event"] = parse(changed),
            }
            if !emitted.is_empty() {
                row["emitted"] = emitted.iter().map(|emitted| parse(emitted)).collect();
            }
        }
    }
    row
}

fn test_sink(
    plugin: &Arc<Plugin>,
    config: &Value,
    events: &[Document],
    mut log: LogLines,
) -> Result<ExitCode, ExitCode> {
    let recorded = Recorded::refusing();
    let output: Arc<dyn Lines> = Arc::new(
        StandardOutput::open(Arc::new(Shutdown::default()))
            .map_err(|error| failed(EXIT_FAILED, &format_args!("standard output: {error}")))?,
    );
    let of = Use::new("test", &plugin.name, config.to_string(), Limits::SINK)
        .with_output(output)
        .with_templates(Arc::new(GoTemplates::default()));
    let of = Arc::new(recorded.watch(of));
    let sink = Sink::new(Arc::clone(plugin), Arc::clone(&of));
    let mut sink = set_up(plugin, sink, &recorded, &mut log)?;
    let mut accepted = 0;
    for batch in events.chunks(BATCH_EVENTS) {
        let accepted_of_batch = deliver(&mut sink, batch.to_vec());
        let has_failed = accepted_of_batch < batch.len();
        accepted += accepted_of_batch;
        let say_line = |line: &str| say(&format_args!("    {line}"));
        log.show(&recorded.take_log(), has_failed, say_line);
    }
    say(&format_args!(
        "{}: {accepted} accepted",
        count(events.len(), "event")
    ));
    say_end(&of, &recorded, &log);
    let good = accepted == events.len();
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// Delivers one batch and says what was not accepted; gives how many were.
fn deliver(sink: &mut Sink, mut batch: Vec<Document>) -> usize {
    let delivered = match sink.deliver(&mut batch, Vec::new()) {
        Ok(delivered) => delivered,
        Err(failure) => {
            say(&format_args!("batch of {}: {failure}", batch.len()));
            return 0;
        }
    };
    match delivered.outcome {
        Outcome::Retry(reason) => say(&format_args!(
            "batch of {}: to be tried again: {reason}",
            batch.len()
        )),
        Outcome::Reject(reason) => say(&format_args!(
            "batch of {}: rejected: {reason}",
            batch.len()
        )),
        Outcome::Done => {
            for (document, said) in batch.iter().zip(&delivered.said) {
                match said {
                    None => {}
                    Some(Said::Retry(reason)) => say(&format_args!(
                        "{}: to be tried again: {reason}",
                        clean(&document.event().id(), SHOWN_BYTES_MAX)
                    )),
                    Some(Said::Reject(reason)) => say(&format_args!(
                        "{}: rejected: {reason}",
                        clean(&document.event().id(), SHOWN_BYTES_MAX)
                    )),
                }
            }
            return delivered.said.iter().filter(|said| said.is_none()).count();
        }
    }
    0
}
