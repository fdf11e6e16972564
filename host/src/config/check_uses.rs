//! The uses of plugins: `filters` and `receivers`.
//!
//! What a plugin's own configuration means is not known here: it is turned into JSON, and `setup` of the
//! plugin checks it. Whether the plugin exists is not known either: the host looks for the file.

use std::time::Duration;

use serde_json::{Map, Value};

use super::error::ErrorKind;
use super::fields::{Field, Fields};
use super::names::{Name, STEM_EXPECTED, Uses, check_name, check_stem, is_name};
use super::plugin_config::plugin_config;
use super::report::{Report, closest, join};
use super::tree::{Entry, Kind};
use super::{
    FILTER_MEMORY_DEFAULT_BYTES, FILTER_TIME_DEFAULT, Filter, Http, Limits, MEMORY_LEAST_BYTES,
    MEMORY_MOST_BYTES, OnError, Receiver, SINK_MEMORY_DEFAULT_BYTES, SINK_TIME_DEFAULT, TIME_LEAST,
    TIME_MOST, check_delivery, check_http, check_layout,
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
        let Some(fields) = item.fields("a map with name and plugin", report) else {
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
            allow: check_http::allow(&fields, report),
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
        if let Some(fields) = item.fields("a map with a name and a sink", report) {
            let receiver = check_receiver(&item, &fields, &mut uses.names, report);
            check_delivery::disk_is_its_own(&fields, &receiver, &uses.checked, report);
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
    let batch = check_delivery::batch(fields, limits, report);
    let queue = check_delivery::queue(fields, batch, report);
    let retry = check_delivery::retry(fields, report);
    let dead_letters = check_delivery::dead_letters(fields, retry, report);
    let mut http = check_http::http(fields, report);
    let layout = fields.get("layout");
    let sink = match find_sink(fields, report) {
        Some(entry) => check_sink(&fields.field(entry), &mut http, layout.as_ref(), report),
        None => SinkBlock::default(),
    };
    let layout = sink.layout.or(layout);
    Receiver {
        name,
        plugin: sink.plugin,
        config: sink.config,
        de_dot: sink.de_dot,
        layout: layout.and_then(|field| check_layout::layout(&field, report)),
        batch,
        queue,
        retry,
        dead_letters,
        limits,
        http,
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
        let at_sink = matches!(entry.key.as_str(), "deDot" | "tls");
        // Only beside another one: a sink may well have a name like that.
        let misspelt = unread.len() > 1 && closest(&entry.key, HOST_KEYS).is_some();
        const EXPECTED: &str = "one of: name, batch, queue, retry, deadLetters, layout, http, limits, or one key that is the name of a sink plugin";
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

/// What stands in the sink's block.
struct SinkBlock<'t> {
    plugin: String,
    /// What is the plugin's.
    config: Value,
    de_dot: bool,
    layout: Option<Field<'t>>,
}

impl Default for SinkBlock<'_> {
    fn default() -> Self {
        SinkBlock {
            plugin: String::new(),
            config: Value::Object(Map::new()),
            de_dot: false,
            layout: None,
        }
    }
}

/// The sink's block: what is the plugin's, and KEE's keys that are the host's. `layout` is the receiver's own.
fn check_sink<'t>(
    field: &Field<'t>,
    http: &mut Http,
    layout: Option<&Field<'t>>,
    report: &mut Report<'_>,
) -> SinkBlock<'t> {
    let mut block = SinkBlock {
        plugin: field.path.rsplit('.').next().unwrap_or_default().to_owned(),
        ..SinkBlock::default()
    };
    if field.node.kind == Kind::Null {
        report
            .warn(field.key_at, &field.path, "a sink without a configuration")
            .help("write `{}`: KEE takes this for no sink at all, and sends nothing");
        return block;
    }
    // Asked for first, because what is no map is reported there without showing it.
    let config = plugin_config(field, &["deDot", "layout", "tls"], report);
    let (Some(config), Some(fields)) = (config, field.fields_of_map()) else {
        return block;
    };
    block.config = config;
    block.de_dot = fields
        .get("deDot")
        .and_then(|field| field.boolean(report))
        .unwrap_or(false);
    if let Some(tls) = fields.get("tls") {
        check_http::tls_of_sink(&tls, http, report);
    }
    block.layout = fields.get("layout");
    if let (Some(own), Some(receiver)) = (&block.layout, layout) {
        let later = if own.key_at > receiver.key_at {
            own
        } else {
            receiver
        };
        later
            .refuse("one layout", report)
            .help("it is in the sink's block and beside it");
    }
    block
}

fn check_limits(
    fields: &Fields<'_>,
    memory_bytes: usize,
    time: Duration,
    report: &mut Report<'_>,
) -> Limits {
    let mut checked = Limits { memory_bytes, time };
    if let Some(limits) = fields
        .get("limits")
        .and_then(|field| field.fields("a map such as {memory: 32MiB, time: 100ms}", report))
    {
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
