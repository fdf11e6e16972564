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

use super::{
    EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, plugin, plugin_self_test, print_line, say,
};
use crate::cli::{Output, Test};
use crate::config::ReplayPath;
use crate::fixtures::changes;
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
    let loader = plugin::open(&arguments.place, surroundings)?;
    let plugin = Arc::new(plugin::load(&loader, &arguments.plugin)?);
    let Some(events_file) = &arguments.events else {
        return plugin_self_test::run(&plugin, arguments.output);
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
    if plugin.kind == Kind::Filter {
        test_filter(&plugin, &config, &events, arguments.output)
    } else {
        test_sink(&plugin, &config, &events)
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
) -> Result<ExitCode, ExitCode> {
    let of = Arc::new(Use::new(
        "test",
        &plugin.name,
        config.to_string(),
        Limits::FILTER,
    ));
    let mut filter = Filter::new(Arc::clone(plugin), Arc::clone(&of))
        .map_err(|failure| set_up_failed(plugin, &failure))?;
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for event in events {
        let answer = filter.process(event.event());
        *sums.entry(verdict(&answer)).or_default() += 1;
        match form {
            Output::Text => print_verdict(event, &answer),
            Output::Json => print_line(&verdict_json(event, &answer)),
        }
    }
    let shown: Vec<String> = sums
        .iter()
        .map(|(verdict, sum)| format!("{sum} {verdict}"))
        .collect();
    say(&format_args!(
        "{}: {}",
        count(events.len(), "event"),
        shown.join(", ")
    ));
    print_counters(&of);
    let good = !sums.contains_key(FAILED);
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

fn set_up_failed(plugin: &Plugin, failure: &Failure) -> ExitCode {
    failed(
        EXIT_USAGE,
        &format_args!("plugin {}: {failure}", plugin.label()),
    )
}

fn print_counters(of: &Use) {
    of.standing
        .counters()
        .iter()
        .for_each(|(name, sum)| say(&format_args!("counter {name}: {sum}")));
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
    let detail = |text: &dyn std::fmt::Display| print_line(&format_args!("         {text}"));
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

fn verdict_json(document: &Document, answer: &Result<Processed, Failure>) -> Value {
    let mut row = json!({"id": document.event().id(), "verdict": verdict(answer)});
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
) -> Result<ExitCode, ExitCode> {
    let output: Arc<dyn Lines> = Arc::new(
        StandardOutput::open(Arc::new(Shutdown::default()))
            .map_err(|error| failed(EXIT_FAILED, &format_args!("standard output: {error}")))?,
    );
    let of = Use::new("test", &plugin.name, config.to_string(), Limits::SINK)
        .with_output(output)
        .with_templates(Arc::new(GoTemplates::default()));
    let of = Arc::new(of);
    let mut sink = Sink::new(Arc::clone(plugin), Arc::clone(&of))
        .map_err(|failure| set_up_failed(plugin, &failure))?;
    let accepted: usize = events
        .chunks(BATCH_EVENTS)
        .map(|batch| deliver(&mut sink, batch.to_vec()))
        .sum();
    say(&format_args!(
        "{}: {accepted} accepted",
        count(events.len(), "event")
    ));
    print_counters(&of);
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
