//! The uses of plugins: `filters` and `receivers`.
//!
//! What a plugin's own configuration means is not known here: it is turned into JSON, and `setup` of the
//! plugin checks it. Whether the plugin exists is not known either: the host looks for the file.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::ErrorKind;
use super::fields::{Field, Fields};
use super::later::{Scope, not_yet};
use super::names::{Name, STEM_EXPECTED, Uses, check_name, check_stem, is_name};
use super::plugin_config::plugin_config;
use super::report::{Report, closest, join};
use super::tree::{Entry, Kind};
use super::{
    BATCH_AGE_DEFAULT, BATCH_AGE_MOST, BATCH_BYTES_DEFAULT, BATCH_BYTES_LEAST, BATCH_BYTES_MOST,
    BATCH_EVENTS_DEFAULT, BATCH_EVENTS_MOST, Batch, FILTER_MEMORY_DEFAULT_BYTES,
    FILTER_TIME_DEFAULT, Filter, Limits, MEMORY_LEAST_BYTES, MEMORY_MOST_BYTES, OnError, OnFull,
    QUEUE_EVENTS_DEFAULT, QUEUE_EVENTS_MOST, Queue, RETRY_FIRST_DEFAULT, RETRY_LIMIT,
    RETRY_MOST_DEFAULT, Receiver, Retry, SINK_MEMORY_DEFAULT_BYTES, SINK_TIME_DEFAULT, TIME_LEAST,
    TIME_MOST,
};

const SINK_EXPECTED: &str =
    "one key that is the name of a sink plugin, with its configuration, such as `stdout: {}`";

/// Checks `filters`.
pub(crate) fn filters(top: &Fields<'_>, report: &mut Report<'_>) -> Uses<Filter> {
    let mut uses = Uses {
        checked: Vec::new(),
        names: Vec::new(),
    };
    let Some(field) = top.get("filters") else {
        return uses;
    };
    for item in field.items("a list of filters, each with name and plugin", report) {
        let Some(fields) = item.fields(Scope::Other, "a map with name and plugin", report) else {
            continue;
        };
        let name = check_name(&fields, &mut uses.names, &item, "filter", report);
        let plugin = fields
            .require("plugin", STEM_EXPECTED, report)
            .and_then(|field| check_stem(&field, report));
        let choices = [
            ("keep", OnError::Keep),
            ("drop", OnError::Drop),
            ("hold", OnError::Hold),
        ];
        let config = fields.get("config");
        let config = config.and_then(|field| plugin_config(&field, &[], report));
        uses.checked.push(Filter {
            name,
            plugin: plugin.unwrap_or_default(),
            config: config.unwrap_or_else(|| Value::Object(Map::new())),
            on_error: fields
                .get("onError")
                .and_then(|field| field.choice(&choices, report)),
            limits: check_limits(
                &fields,
                FILTER_MEMORY_DEFAULT_BYTES,
                FILTER_TIME_DEFAULT,
                report,
            ),
            allow: check_allow(&fields, report),
            at: item.node.at,
        });
        fields.finish(report);
    }
    uses
}

/// Checks `receivers`.
pub(crate) fn receivers(top: &Fields<'_>, report: &mut Report<'_>) -> Uses<Receiver> {
    let mut uses = Uses {
        checked: Vec::new(),
        names: Vec::new(),
    };
    let items = match top.get("receivers") {
        Some(field) => {
            let items = field.items("a list of receivers, each with a name and a sink", report);
            if items.is_empty() && matches!(field.node.kind, Kind::List(_)) {
                report.warn(
                    field.key_at,
                    &field.path,
                    "no receivers: nothing is sent anywhere",
                );
            }
            items
        }
        None => {
            report.warn(
                top.at,
                "receivers",
                "no receivers: nothing is sent anywhere",
            );
            Vec::new()
        }
    };
    for item in items {
        if let Some(fields) = item.fields(Scope::Receiver, "a map with a name and a sink", report) {
            let receiver = check_receiver(&item, &fields, &mut uses.names, report);
            uses.checked.push(receiver);
        }
    }
    uses
}

fn check_receiver(
    item: &Field<'_>,
    fields: &Fields<'_>,
    names: &mut Vec<Name>,
    report: &mut Report<'_>,
) -> Receiver {
    let name = check_name(fields, names, item, "receiver", report);
    let limits = check_limits(fields, SINK_MEMORY_DEFAULT_BYTES, SINK_TIME_DEFAULT, report);
    let batch = check_batch(fields, limits, report);
    let queue = check_queue(fields, batch, report);
    let retry = check_retry(fields, report);
    let (plugin, config, de_dot) = match find_sink(fields, report) {
        Some(entry) => {
            let (config, de_dot) = check_sink(&fields.field(entry), report);
            (entry.key.clone(), config, de_dot)
        }
        None => (String::new(), Value::Object(Map::new()), false),
    };
    fields.report_later(report);
    Receiver {
        name,
        plugin,
        config,
        de_dot,
        batch,
        queue,
        retry,
        limits,
        allow: Vec::new(),
        at: item.node.at,
    }
}

/// The one key of a receiver that is its sink; all host keys must have been read before.
fn find_sink<'t>(fields: &Fields<'t>, report: &mut Report<'_>) -> Option<&'t Entry> {
    const HOST_KEYS: [&str; 9] = [
        "name",
        "batch",
        "queue",
        "retry",
        "limits",
        "layout",
        "deadLetters",
        "http",
        "receiver",
    ];
    let mut sinks: Vec<&Entry> = Vec::new();
    let unread = fields.unread();
    for entry in &unread {
        let at_sink = matches!(entry.key.as_str(), "deDot" | "tls" | "headers");
        // Only beside another one: a sink may well have a name like that.
        let misspelt = unread.len() > 1 && closest(&entry.key, HOST_KEYS).is_some();
        const EXPECTED: &str = "one of: name, batch, queue, retry, limits, or one key that is the name of a sink plugin";
        if at_sink {
            let help = format!(
                "write it in the sink's block, as in `stdout: {{{}: …}}`",
                entry.key
            );
            fields
                .report_unknown(entry, report)
                .help(help)
                .expected(EXPECTED);
        } else if misspelt {
            fields.report_unknown(entry, report).expected(EXPECTED);
        } else {
            sinks.push(entry);
        }
    }
    match sinks.as_slice() {
        [] => {
            report
                .error(
                    ErrorKind::Missing,
                    fields.at,
                    &fields.path,
                    "no sink".to_owned(),
                )
                .expected(SINK_EXPECTED);
            None
        }
        [only] => {
            if !is_name(&only.key) {
                let path = join(&fields.path, &only.key);
                report
                    .error(
                        ErrorKind::Value,
                        only.key_at,
                        &path,
                        format!("{:?} is no name of a plugin", only.key),
                    )
                    .expected(STEM_EXPECTED);
            }
            Some(only)
        }
        [first, others @ ..] => {
            for other in others {
                let path = join(&fields.path, &other.key);
                let problem = format!("a second sink beside {:?}, or an unknown key", first.key);
                report
                    .error(ErrorKind::UnknownKey, other.key_at, &path, problem)
                    .found(other.key.clone())
                    .expected(SINK_EXPECTED)
                    .help("write a receiver for each sink");
            }
            None
        }
    }
}

/// The sink's block: what is the plugin's, and `deDot`.
fn check_sink(field: &Field<'_>, report: &mut Report<'_>) -> (Value, bool) {
    if field.node.kind == Kind::Null {
        report
            .warn(field.key_at, &field.path, "a sink without a configuration")
            .help("write `{}`: KEE takes this for no sink at all, and sends nothing");
        return (Value::Object(Map::new()), false);
    }
    // Asked for first, because what is no map is reported there without showing it.
    let host_keys: Vec<&str> = not_yet(Scope::Sink).chain(["deDot"]).collect();
    let config = plugin_config(field, &host_keys, report);
    let (Some(config), Some(fields)) = (config, field.fields_of_map(Scope::Sink)) else {
        return (Value::Null, false);
    };
    let de_dot = fields
        .get("deDot")
        .and_then(|field| field.boolean(report))
        .unwrap_or(false);
    fields.report_later(report);
    (config, de_dot)
}

fn check_limits(
    fields: &Fields<'_>,
    memory_bytes: usize,
    time: Duration,
    report: &mut Report<'_>,
) -> Limits {
    let mut checked = Limits { memory_bytes, time };
    if let Some(limits) = fields.get("limits").and_then(|field| {
        field.fields(
            Scope::Other,
            "a map such as {memory: 32MiB, time: 100ms}",
            report,
        )
    }) {
        let memory = limits
            .get("memory")
            .and_then(|field| field.bytes(MEMORY_LEAST_BYTES..=MEMORY_MOST_BYTES, report));
        let time = limits
            .get("time")
            .and_then(|field| field.duration(TIME_LEAST..=TIME_MOST, report));
        checked.memory_bytes = memory.unwrap_or(checked.memory_bytes);
        checked.time = time.unwrap_or(checked.time);
        limits.finish(report);
    }
    checked
}

fn check_allow(fields: &Fields<'_>, report: &mut Report<'_>) -> Vec<String> {
    const EXPECTED: &str = "an origin such as https://host:8443, without a path";
    let Some(field) = fields.get("allow") else {
        return Vec::new();
    };
    let mut origins = Vec::new();
    for item in field.items("a list of origins such as https://host:8443", report) {
        let Some(text) = item.text(EXPECTED, report) else {
            continue;
        };
        let host = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let valid = |host: &str| {
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || "/?#@*\\".contains(c))
        };
        if host.is_some_and(valid) {
            origins.push(text.to_owned());
        } else {
            item.refuse(EXPECTED, report);
        }
    }
    origins
}

fn check_batch(fields: &Fields<'_>, limits: Limits, report: &mut Report<'_>) -> Batch {
    // A sink with little memory gets small batches, unless the file says otherwise.
    let bytes = BATCH_BYTES_DEFAULT.min(limits.memory_bytes / 2);
    let mut checked = Batch {
        events: BATCH_EVENTS_DEFAULT,
        bytes,
        age: BATCH_AGE_DEFAULT,
    };
    if let Some(batch) = fields.get("batch").and_then(|field| {
        field.fields(
            Scope::Other,
            "a map such as {events: 500, bytes: 5MiB, age: 1s}",
            report,
        )
    }) {
        let events = batch
            .get("events")
            .and_then(|field| field.count(1..=BATCH_EVENTS_MOST, report));
        checked.events = events.unwrap_or(checked.events);
        if let Some(field) = batch.get("bytes") {
            checked.bytes = field
                .bytes(BATCH_BYTES_LEAST..=BATCH_BYTES_MOST, report)
                .unwrap_or(checked.bytes);
            if checked.bytes >= limits.memory_bytes {
                let help = "a batch must fit the memory of the sink: raise limits.memory";
                field.refuse("less than limits.memory", report).help(help);
            }
        }
        let age = batch
            .get("age")
            .and_then(|field| field.duration(Duration::ZERO..=BATCH_AGE_MOST, report));
        checked.age = age.unwrap_or(checked.age);
        batch.finish(report);
    }
    checked
}

fn check_queue(fields: &Fields<'_>, batch: Batch, report: &mut Report<'_>) -> Queue {
    let mut checked = Queue {
        events: QUEUE_EVENTS_DEFAULT.max(batch.events),
        on_full: OnFull::Wait,
    };
    let choices = [("wait", OnFull::Wait), ("dropOldest", OnFull::DropOldest)];
    if let Some(queue) = fields.get("queue").and_then(|field| {
        field.fields(
            Scope::Queue,
            "a map such as {events: 10000, onFull: wait}",
            report,
        )
    }) {
        if let Some(field) = queue.get("events") {
            checked.events = field
                .count(1..=QUEUE_EVENTS_MOST, report)
                .unwrap_or(checked.events);
            if checked.events < batch.events {
                field
                    .refuse(&format!("at least batch.events, {}", batch.events), report)
                    .help("a batch could never be full");
            }
        }
        let on_full = queue
            .get("onFull")
            .and_then(|field| field.choice(&choices, report));
        checked.on_full = on_full.unwrap_or(checked.on_full);
        queue.finish(report);
    }
    checked
}

fn check_retry(fields: &Fields<'_>, report: &mut Report<'_>) -> Retry {
    let mut checked = Retry {
        first: RETRY_FIRST_DEFAULT,
        most: RETRY_MOST_DEFAULT,
    };
    if let Some(retry) = fields.get("retry").and_then(|field| {
        field.fields(
            Scope::Retry,
            "a map such as {first: 500ms, most: 1m}",
            report,
        )
    }) {
        let allowed = TIME_LEAST..=RETRY_LIMIT;
        let first = retry
            .get("first")
            .and_then(|field| field.duration(allowed.clone(), report));
        let most_field = retry.get("most");
        let most = most_field
            .as_ref()
            .and_then(|field| field.duration(allowed, report));
        checked = match (first, most) {
            (None, None) => checked,
            (Some(first), None) => Retry {
                first,
                most: checked.most.max(first),
            },
            (None, Some(most)) => Retry {
                first: checked.first.min(most),
                most,
            },
            (Some(first), Some(most)) => Retry { first, most },
        };
        if let Some(field) = most_field.filter(|_| checked.most < checked.first) {
            field.refuse("at least retry.first", report);
        }
        retry.finish(report);
    }
    checked
}
