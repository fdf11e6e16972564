//! `weir plugin bench`: what plugins cost, and whether one costs more than another, as one table.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use weir_event::Document;
use weir_runtime::{Engine, Kind, Plugin, PluginFile};

use super::{
    EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, new_engine, plugin, print_line, say,
};
use crate::bench::{
    BATCH_EVENTS, Difference, EVENTS_MAX, Figures, Subject, difference, measure, own_events,
};
use crate::cli::{Bench, Output};
use crate::fixtures::{Fixtures, read_beside};
use crate::pack::gzip;

/// What compiles in less is compiled several times.
const COMPILE_QUICK: Duration = Duration::from_millis(300);
/// So many times.
const COMPILATIONS: usize = 5;

/// What a row of the table shows.
struct Row {
    /// As it was named.
    plugin: String,
    kind: Option<Kind>,
    bytes: Option<(usize, usize)>,
    compile: Option<Duration>,
    figures: Option<Figures>,
    /// Why it fails.
    problem: Option<String>,
}

/// Measures the plugins.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Bench, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let events = events(arguments.events.as_deref())?;
    let with = arguments.with.as_deref().map(super::plugin_test::read_with);
    let with = with.transpose()?;
    let loader = plugin::open(&arguments.place, surroundings)?;
    let engine = new_engine()?;
    let each = Duration::from_secs(arguments.seconds);
    let (mut rows, mut plugins, mut subjects) = (Vec::new(), Vec::new(), Vec::new());
    for name in &arguments.plugins {
        let path = plugin::path_of(&loader, name)?;
        if let Err(error) = std::fs::metadata(&path) {
            let cannot = format!("cannot read {}: {error}", path.display());
            return Err(failed(EXIT_USAGE, &cannot));
        }
        let (row, plugin) = compile(&engine, name, &path, surroundings);
        plugins.extend(plugin.map(|plugin| (rows.len(), plugin)));
        rows.push(row);
    }
    // What is compared is configured alike.
    let config = |role: &str| match &with {
        Some(with) => with.to_string(),
        None => config_of(role, plugins.iter().map(|(_, plugin)| &**plugin)),
    };
    let mut configs = HashMap::new();
    for (place, plugin) in &plugins {
        let role = plugin.kind.role();
        let config = configs.entry(role).or_insert_with(|| config(role));
        let how = (arguments.answer.as_str(), each);
        match Subject::new(plugin, config, &events, how) {
            Ok(subject) => subjects.push((*place, subject)),
            Err(failure) => rows[*place].problem = Some(failure.to_string()),
        }
    }
    let (places, subjects): (Vec<usize>, Vec<Subject>) = subjects.into_iter().unzip();
    for (place, measured) in places.into_iter().zip(measure(subjects, each)) {
        let row = &mut rows[place];
        match measured {
            Ok(figures) => {
                row.problem = errors(&figures);
                row.figures = Some(figures);
            }
            Err(failure) => row.problem = Some(failure.to_string()),
        }
    }
    match arguments.output {
        Output::Json => print_json(&rows),
        Output::Text => print_text(&rows, events.len()),
    }
    Ok(if rows.iter().all(|row| row.problem.is_none()) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_FAILED)
    })
}

/// Those of the file, else those that weir brings.
fn events(file: Option<&Path>) -> Result<Vec<Document>, ExitCode> {
    let Some(file) = file else {
        return Ok(own_events());
    };
    let mut events =
        super::plugin_test::read_events(file).map_err(|error| failed(EXIT_USAGE, &error))?;
    if events.is_empty() {
        let none = format!(
            "no events in {}; expected what source.replay reads",
            file.display()
        );
        return Err(failed(EXIT_USAGE, &none));
    }
    if events.len() > EVENTS_MAX {
        say(&format_args!(
            "of {}, the first {EVENTS_MAX} are used",
            count(events.len(), "event")
        ));
        events.truncate(EVENTS_MAX);
    }
    Ok(events)
}

/// Sizes, and the time to compile it as `weir run` does where the cache has nothing: lifted and compiled in a process of its own.
fn compile(
    engine: &Engine,
    name: &str,
    path: &Path,
    surroundings: &Surroundings,
) -> (Row, Option<Arc<Plugin>>) {
    let mut row = Row {
        plugin: name.to_owned(),
        kind: None,
        bytes: None,
        compile: None,
        figures: None,
        problem: None,
    };
    let mut times = Vec::new();
    loop {
        let loaded = PluginFile::read(path).and_then(|file| {
            row.bytes
                .get_or_insert_with(|| (file.wasm.len(), gzip(&file.wasm).len()));
            let begun = Instant::now();
            let loaded = Plugin::from_file(engine, &surroundings.compiler, None, file);
            times.push(begun.elapsed());
            loaded
        });
        match loaded {
            Err(error) => {
                row.problem = Some(error.problem.to_string());
                return (row, None);
            }
            Ok(plugin) if times[0] > COMPILE_QUICK || times.len() >= COMPILATIONS => {
                times.sort_unstable();
                row.compile = Some(times[times.len() / 2]);
                row.kind = Some(plugin.kind);
                return (row, Some(Arc::new(plugin)));
            }
            Ok(_) => {}
        }
    }
}

/// The configuration for all filters or all sinks: that of the first of them whose self-tests have one, else `{}`.
fn config_of<'p>(role: &str, plugins: impl Iterator<Item = &'p Plugin>) -> String {
    let mut plugins = plugins.filter(|plugin| plugin.kind.role() == role);
    let found = plugins.find_map(|plugin| Some((&plugin.name, sample_config(plugin)?)));
    let Some((name, config)) = found else {
        say(&format_args!(
            "each {role} is configured with {{}}; --with gives another configuration"
        ));
        return "{}".to_owned();
    };
    say(&format_args!(
        "each {role} is configured as in the self-tests of {name}: {config}"
    ));
    config
}

/// The configuration of its first self-test that gives it an event.
fn sample_config(plugin: &Plugin) -> Option<String> {
    let beside = read_beside(plugin).unwrap_or_else(|error| {
        say(&error);
        None
    });
    let beside = beside
        .as_ref()
        .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
    match Fixtures::of(plugin, beside) {
        Ok(fixtures) => fixtures.sample_config().map(str::to_owned),
        Err(errors) => {
            say(&format_args!(
                "the self-tests of {} cannot be read:\n{errors}",
                plugin.name
            ));
            None
        }
    }
}

/// Calls that gave no good answer: what they took is in the figures.
fn errors(figures: &Figures) -> Option<String> {
    let first = figures.first_error.as_ref()?;
    let percent = (figures.errors * 100).div_ceil(figures.called.max(1));
    Some(format!(
        "{percent} % of its calls failed, the first: {first}"
    ))
}

/// Against the first plugin, where that has figures and is of the same role.
fn against_first(rows: &[Row], index: usize) -> Option<Difference> {
    let (first, row) = (rows.first()?, &rows[index]);
    if index == 0 || first.kind.map(Kind::role) != row.kind.map(Kind::role) {
        return None;
    }
    let rounds = |row: &Row| row.figures.as_ref().map(|figures| figures.rounds.clone());
    difference(&rounds(first)?, &rounds(row)?)
}

fn print_text(rows: &[Row], events: usize) {
    let width = rows
        .iter()
        .map(|row| row.plugin.chars().count())
        .max()
        .unwrap_or(0)
        .max(6);
    print_line(&format_args!(
        "{:<width$}  {:<6} {:>9} {:>9} {:>10} {:>11} {:>9} {:>9} {:>9} {:>10}  DIFFERENCE",
        "PLUGIN",
        "ROLE",
        "BYTES",
        "GZIP",
        "COMPILE ms",
        "INSTANCE µs",
        "EVENT ns",
        "P50 ns",
        "P99 ns",
        "MEMORY KiB",
    ));
    for (index, row) in rows.iter().enumerate() {
        let figure = |of: &dyn Fn(&Figures) -> String| {
            row.figures.as_ref().map_or_else(|| "-".to_owned(), of)
        };
        let size =
            |size: Option<usize>| size.map_or_else(|| "-".to_owned(), |size| size.to_string());
        print_line(&format_args!(
            "{:<width$}  {:<6} {:>9} {:>9} {:>10} {:>11} {:>9} {:>9} {:>9} {:>10}  {}",
            row.plugin,
            row.kind.map_or("-", Kind::role),
            size(row.bytes.map(|bytes| bytes.0)),
            size(row.bytes.map(|bytes| bytes.1)),
            row.compile.map_or_else(
                || "-".to_owned(),
                |time| format!("{:.1}", time.as_secs_f64() * 1e3)
            ),
            figure(&|found| format!("{:.1}", found.instance.as_secs_f64() * 1e6)),
            figure(&|found| format!("{:.0}", found.event_ns)),
            figure(&|found| format!("{:.0}", found.p50_ns)),
            figure(&|found| format!("{:.0}", found.p99_ns)),
            figure(&|found| found.memory_bytes.div_ceil(1024).to_string()),
            against_first(rows, index).map_or_else(|| "-".to_owned(), in_words),
        ));
    }
    for row in rows {
        if let Some(problem) = &row.problem {
            print_line(&format_args!("{}: FAILED: {problem}", row.plugin));
        }
    }
    let most = rows.iter().filter_map(|row| row.figures.as_ref());
    let rounds = most.map(|figures| figures.rounds.len()).max().unwrap_or(0);
    say(&format_args!(
        "{}, {}; a call and an instance are processor time, compiling is by the clock; a sink gets batches of {BATCH_EVENTS}",
        count(events, "event"),
        count(rounds, "round"),
    ));
}

fn in_words(difference: Difference) -> String {
    let Difference { percent, noise } = difference;
    if difference.is_clear() {
        format!("{percent:+.0} % (noise {noise:.0} %)")
    } else {
        format!("none above the noise of {noise:.0} %")
    }
}

fn print_json(rows: &[Row]) {
    let json = rows.iter().enumerate().map(|(index, row)| {
        let figures = row.figures.as_ref();
        let difference = against_first(rows, index);
        let number =
            |of: &dyn Fn(&Figures) -> f64| figures.map(|found| (of(found) * 10.0).round() / 10.0);
        json!({
            "plugin": row.plugin,
            "role": row.kind.map(Kind::role),
            "bytes": row.bytes.map(|bytes| bytes.0),
            "gzipBytes": row.bytes.map(|bytes| bytes.1),
            "compileMs": row.compile.map(|time| (time.as_secs_f64() * 1e4).round() / 10.0),
            "instanceUs": number(&|found| found.instance.as_secs_f64() * 1e6),
            "eventNs": number(&|found| found.event_ns),
            "eventP50Ns": number(&|found| found.p50_ns),
            "eventP99Ns": number(&|found| found.p99_ns),
            "memoryBytes": figures.map(|found| found.memory_bytes),
            "rounds": figures.map(|found| found.rounds.len()),
            "calls": figures.map(|found| found.called),
            "errors": figures.map(|found| found.errors),
            "differencePercent": difference.map(|found| (found.percent * 10.0).round() / 10.0),
            "noisePercent": difference.map(|found| (found.noise * 10.0).round() / 10.0),
            "problem": row.problem,
        })
    });
    print_line(&Value::Array(json.collect()));
}
