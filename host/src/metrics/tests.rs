//! The text against a small reader of both forms, and against the documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::ledger::{Errors, ReceiverLedger};
use crate::status::{Pending, Quarantine, Report, Time, Use};

const FORMS: [Form; 2] = [Form::OpenMetrics, Form::Prometheus];
const DOCUMENTATION: &str = include_str!("../../../docs/metrics.md");

/// What a text says: each family with its type, and its samples: name, labels, value.
#[derive(Debug, Default)]
struct Read {
    types: BTreeMap<String, String>,
    samples: BTreeMap<(String, Vec<(String, String)>), f64>,
}

impl Read {
    /// Reads a text, and fails on what a strict scraper refuses.
    fn new(text: &str, form: Form) -> Read {
        let mut read = Read::default();
        let body = match form {
            Form::OpenMetrics => text.strip_suffix("# EOF\n").expect("ends with EOF"),
            Form::Prometheus => text,
        };
        assert!(body.ends_with('\n') && !body.contains("# EOF"));
        let (mut help, mut family, mut kind) = (String::new(), String::new(), String::new());
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').expect("a name and words");
                assert!(
                    words.ends_with('.') && !words.contains(['"', '\\']),
                    "{line}"
                );
                help = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, is) = rest.split_once(' ').expect("a name and a type");
                assert_eq!(name, help, "HELP comes first");
                (family, kind) = (name.to_owned(), is.to_owned());
                let before = read.types.insert(family.clone(), kind.clone());
                assert_eq!(before, None, "{name} is there twice");
            } else {
                read.sample(line, &family, &kind, form);
            }
        }
        read
    }

    fn sample(&mut self, line: &str, family: &str, kind: &str, form: Form) {
        let (name, labels, value) = split(line);
        let expected = match (kind, form) {
            ("counter", Form::OpenMetrics) => format!("{family}_total"),
            _ => family.to_owned(),
        };
        assert_eq!(name, expected, "{line} is of another family");
        if kind == "counter" {
            assert!(name.ends_with("_total") && value >= 0.0, "{line}");
        }
        let before = self.samples.insert((name, labels), value);
        assert_eq!(before, None, "twice: {line}");
    }

    /// The value of one sample; labels as `name=value`, in any order.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut labels: Vec<_> = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        labels.sort();
        self.samples.get(&(name.to_owned(), labels)).copied()
    }
}

/// A sample's name, its labels in order, its value.
fn split(line: &str) -> (String, Vec<(String, String)>, f64) {
    let end = line.find(['{', ' ']).expect("a value");
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest),
        None => (Vec::new(), rest),
    };
    let value = rest.strip_prefix(' ').expect("one space");
    (name.into(), labels, value.parse().expect("a number"))
}

/// Labels up to their bracket, unescaped, and what follows.
fn labels(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut labels = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").expect("a label");
        assert!(is_name(name), "{name}");
        let (mut value, mut chars) = (String::new(), quoted.char_indices());
        let end = loop {
            match chars.next().expect("a closing quote") {
                (at, '"') => break at,
                (_, '\\') => match chars.next().expect("what is escaped").1 {
                    'n' => value.push('\n'),
                    escaped @ ('"' | '\\') => value.push(escaped),
                    other => panic!("\\{other} is no escape"),
                },
                (_, other) => value.push(other),
            }
        };
        labels.push((name.to_owned(), value));
        rest = &quoted[end + 1..];
        if let Some(after) = rest.strip_prefix('}') {
            labels.sort();
            return (labels, after);
        }
        rest = rest.strip_prefix(',').expect("a comma or the end");
    }
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

/// Everything that can be exposed, each with a value of its own.
fn full() -> Figures {
    let receiver = ReceiverLedger {
        recovered: 21,
        enqueued: 22,
        delivered: 23,
        dead: 24,
        dropped: 25,
        waiting: 26,
        retries: 27,
    };
    let dropped = Errors {
        kept: 0,
        dropped: 12,
    };
    let reasons = BTreeMap::from([("noise".into(), 11)]);
    let at = |second| Some(UNIX_EPOCH + Duration::from_secs(second));
    let watch = Watch {
        name: "all".into(),
        connected: true,
        last_line: at(1999),
        last_event: at(1990),
        resource_version: 31,
        positions: BTreeMap::from([("out".into(), 30)]),
        restarts: BTreeMap::from([("stalled", 32), ("ended", 0)]),
        failures: BTreeMap::from([("forbidden", 33), ("network", 34)]),
        gaps: BTreeMap::from([("states", 35)]),
    };
    Figures {
        now: UNIX_EPOCH + Duration::from_secs(2000),
        filters: vec!["quiet".into(), "redact".into()],
        ledger: ledger::Snapshot {
            received: 107,
            malformed: 2,
            emitted: 3,
            routed: 4,
            unrouted: 5,
            duplicates: 6,
            too_old: 7,
            filtered: BTreeMap::from([("quiet".into(), reasons)]),
            errors: BTreeMap::from([("quiet".into(), dropped)]),
            receivers: BTreeMap::from([("out".into(), receiver)]),
        },
        kubernetes: Some(Kubernetes {
            watches: vec![watch],
            lookup: Some(Lookup {
                hits: 41,
                misses: 42,
                requests: 43,
                failures: 44,
                without: 45,
            }),
            leader: Some(true),
            checkpoint: Some(Checkpoint {
                saves: 51,
                failures: 52,
                last_save: at(1998),
            }),
        }),
        process: Process {
            started: at(1000),
            resident_bytes: Some(61),
            cpu_seconds: 6.25,
            open_files: Some(62),
        },
        plugins: Some(plugins()),
        prefix: "kee_".into(),
    }
}

fn plugins() -> Report {
    let quiet = Use {
        name: "quiet".into(),
        role: "filter".into(),
        plugin: "drop-reasons".into(),
        version: "1.0".into(),
        digest: "0123456789abcdef".into(),
        calls: 71,
        faults: 72,
        errors: 73,
        retries: 74,
        replaced: 77,
        time: Time { p50: 0.5, p99: 2.5 },
        slow: true,
        memory_bytes: 75,
        quarantine: Some(Quarantine::default()),
        counters: BTreeMap::from([("seen".into(), 76)]),
        ..Use::default()
    };
    let out = Use {
        name: "out".into(),
        role: "receiver".into(),
        ..Use::default()
    };
    Report {
        pending: Some(Pending {
            restart_would_fail: true,
            ..Pending::default()
        }),
        restart_needed: vec!["source".into()],
        taken: 81,
        refused: 82,
        uses: vec![quiet, out],
        ..Report::default()
    }
}

#[test]
fn every_value_is_where_it_belongs() {
    for form in FORMS {
        let read = Read::new(&full().text(form), form);
        let expect = |name: &str, labels: &[(&str, &str)], value: f64| {
            assert_eq!(read.value(name, labels), Some(value), "{name} {labels:?}");
        };
        let events = [
            "malformed",
            "emitted",
            "routed",
            "unrouted",
            "duplicates",
            "too_old",
        ];
        for (name, value) in events.into_iter().zip(2..) {
            expect(&format!("weir_events_{name}_total"), &[], f64::from(value));
        }
        expect("weir_events_received_total", &[], 107.0);
        let quiet = ("filter", "quiet");
        expect(
            "weir_filter_dropped_total",
            &[quiet, ("reason", "noise")],
            11.0,
        );
        expect(
            "weir_filter_errors_total",
            &[quiet, ("action", "dropped")],
            12.0,
        );
        let never = [("filter", "redact"), ("action", "kept")];
        expect("weir_filter_errors_total", &never, 0.0);
        let out = ("receiver", "out");
        let counts = ["recovered", "enqueued", "delivered", "dead", "dropped"];
        for (name, value) in counts.into_iter().zip(21..) {
            expect(
                &format!("weir_receiver_{name}_total"),
                &[out],
                f64::from(value),
            );
        }
        expect("weir_receiver_waiting", &[out], 26.0);
        expect("weir_receiver_retries_total", &[out], 27.0);
        let all = ("watch", "all");
        expect("weir_watch_connected", &[all], 1.0);
        expect("weir_watch_last_line_timestamp_seconds", &[all], 1999.0);
        expect("weir_watch_lag_seconds", &[all], 10.0);
        expect("weir_watch_resource_version", &[all], 31.0);
        expect("weir_watch_position", &[all, out], 30.0);
        expect(
            "weir_watch_restarts_total",
            &[all, ("reason", "ended")],
            0.0,
        );
        expect(
            "weir_watch_restarts_total",
            &[all, ("reason", "stalled")],
            32.0,
        );
        expect(
            "weir_watch_failures_total",
            &[all, ("class", "network")],
            34.0,
        );
        expect("weir_watch_gaps_total", &[all, ("class", "states")], 35.0);
        let lookups = ["hits", "misses", "requests", "failures", "without"];
        for (name, value) in lookups.into_iter().zip(41..) {
            expect(&format!("weir_lookup_{name}_total"), &[], f64::from(value));
        }
        expect("weir_leader", &[], 1.0);
        expect("weir_checkpoint_saves_total", &[], 51.0);
        expect("weir_checkpoint_failures_total", &[], 52.0);
        expect("weir_checkpoint_last_save_timestamp_seconds", &[], 1998.0);
        let quiet = [("use", "quiet"), ("role", "filter")];
        let counts = ["calls", "faults", "errors", "retries"];
        for (name, value) in counts.into_iter().zip(71..) {
            expect(
                &format!("weir_plugin_{name}_total"),
                &quiet,
                f64::from(value),
            );
        }
        expect("weir_plugin_memory_bytes", &quiet, 75.0);
        expect("weir_plugin_replaced_total", &quiet, 77.0);
        expect("weir_plugin_slow", &quiet, 1.0);
        expect("weir_plugin_quarantined", &quiet, 1.0);
        let with = |more: &[(&'static str, &'static str)]| [&quiet, more].concat();
        for (quantile, value) in [("0.5", 0.5), ("0.99", 2.5)] {
            let labels = with(&[("quantile", quantile)]);
            expect("weir_plugin_call_seconds", &labels, value);
        }
        let labels = with(&[("counter", "seen")]);
        expect("weir_plugin_counter_total", &labels, 76.0);
        let labels = with(&[
            ("plugin", "drop-reasons"),
            ("version", "1.0"),
            ("digest", "0123456789ab"),
        ]);
        expect("weir_plugin_info", &labels, 1.0);
        let out = [("use", "out"), ("role", "receiver")];
        expect("weir_plugin_calls_total", &out, 0.0);
        expect("weir_plugin_quarantined", &out, 0.0);
        for name in ["pending", "restart_would_fail", "restart_needed"] {
            expect(&format!("weir_reload_{name}"), &[], 1.0);
        }
        expect("weir_reload_taken_total", &[], 81.0);
        expect("weir_reload_refused_total", &[], 82.0);
        expect("process_start_time_seconds", &[], 1000.0);
        expect("process_resident_memory_bytes", &[], 61.0);
        expect("process_cpu_seconds_total", &[], 6.25);
        expect("process_open_fds", &[], 62.0);
    }
}

#[test]
fn the_names_of_kee_have_its_prefix_and_its_types() {
    let read = Read::new(&full().text(Form::OpenMetrics), Form::OpenMetrics);
    let counters = [
        ("kee_events_sent", 94.0),
        ("kee_events_discarded", 7.0),
        ("kee_watch_errors", 67.0),
        ("kee_send_event_errors", 51.0),
        ("kee_kube_api_read_cache_hits", 41.0),
        ("kee_kube_api_read_cache_misses", 42.0),
    ];
    for (name, value) in counters {
        assert_eq!(read.value(name, &[]), Some(value), "{name}");
        assert_eq!(read.types[name], "unknown", "{name}");
    }
    assert_eq!(read.types["kee_build_info"], "gauge");
    let plain = Figures {
        prefix: String::new(),
        ..full()
    };
    let read = Read::new(&plain.text(Form::Prometheus), Form::Prometheus);
    assert_eq!(read.value("events_sent", &[]), Some(94.0));
    assert_eq!(read.types["events_sent"], "untyped");
}

#[test]
fn hostile_labels_stay_in_their_quotes() {
    let hostile = "a \"b\" \\ c\\n\nweir_leader 7\n} 1,=é";
    for form in FORMS {
        let mut figures = full();
        let reasons = figures.ledger.filtered.get_mut("quiet").expect("there");
        reasons.insert(hostile.into(), 77);
        let read = Read::new(&figures.text(form), form);
        let labels = [("filter", "quiet"), ("reason", hostile)];
        assert_eq!(read.value("weir_filter_dropped_total", &labels), Some(77.0));
        assert_eq!(read.value("weir_leader", &[]), Some(1.0));
    }
}

#[test]
fn counters_of_plugins_that_look_alike_are_one_row() {
    let mut figures = full();
    let plugins = figures.plugins.as_mut().expect("there");
    let [long, longer] = [64, 65].map(|count| "é".repeat(count));
    let counters = [("a\u{1b}", 1), ("a\\u{1b}", 2), (&long, 4), (&longer, 8)];
    let counters = counters.map(|(name, count)| (name.to_owned(), count));
    plugins.uses[0].counters = counters.into();
    plugins.uses[0].version = "1\n2".into();
    let read = Read::new(&figures.text(Form::OpenMetrics), Form::OpenMetrics);
    let rows = read.samples.iter().filter_map(|((name, labels), value)| {
        let counter = labels.iter().find(|(label, _)| label == "counter")?;
        (name == "weir_plugin_counter_total").then_some((counter.1.clone(), *value))
    });
    let cut = format!("{}…", "é".repeat(32));
    let expected = vec![("a\\u{1b}".to_owned(), 3.0), (cut, 12.0)];
    assert_eq!(rows.collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_not_configured_or_not_known_is_not_there() {
    let replay = Figures {
        kubernetes: None,
        plugins: None,
        process: Process::default(),
        ..full()
    };
    let read = Read::new(&replay.text(Form::OpenMetrics), Form::OpenMetrics);
    let absent = [
        "weir_watch",
        "weir_lookup",
        "weir_leader",
        "weir_checkpoint",
        "weir_plugin",
        "weir_reload",
        "process_open",
    ];
    let found = read
        .types
        .keys()
        .find(|name| absent.iter().any(|part| name.starts_with(part)));
    assert_eq!(found, None);
    let mut figures = full();
    let kubernetes = figures.kubernetes.as_mut().expect("there");
    kubernetes.watches = vec![Watch {
        name: "new".into(),
        ..Watch::default()
    }];
    kubernetes.leader = Some(false);
    // A clock that is behind the cluster's.
    kubernetes.watches.push(Watch {
        name: "ahead".into(),
        last_event: figures.now.checked_add(Duration::from_secs(9)),
        ..Watch::default()
    });
    let read = Read::new(&figures.text(Form::OpenMetrics), Form::OpenMetrics);
    let of = |name, watch| read.value(name, &[("watch", watch)]);
    assert_eq!(of("weir_watch_connected", "new"), Some(0.0));
    assert_eq!(of("weir_watch_lag_seconds", "new"), None);
    assert_eq!(of("weir_watch_lag_seconds", "ahead"), Some(0.0));
    assert_eq!(read.value("weir_leader", &[]), Some(0.0));
}

#[test]
fn the_form_is_what_the_scraper_asks_for() {
    let prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4,*/*;q=0.2";
    assert_eq!(Form::accepted(prometheus), Form::OpenMetrics);
    for accept in ["", "*/*", "text/plain;version=0.0.4", "text/html"] {
        assert_eq!(Form::accepted(accept), Form::Prometheus, "{accept}");
    }
}

/// The rows of the documentation's tables: name, type, labels.
fn documented() -> BTreeSet<(String, String, Vec<String>)> {
    let rows = DOCUMENTATION
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, name, kind, labels, meaning, _] = cells[..] else {
                panic!("a row has four cells: {line}");
            };
            assert!(!meaning.is_empty(), "{line}");
            let labels = labels.split(", ").filter(|label| !label.is_empty());
            let labels = labels.map(|label| label.trim_matches('`').to_owned());
            let name = name.trim_matches('`').replace("PREFIX", "kee_");
            (name, kind.to_owned(), labels.collect())
        });
    rows.collect()
}

#[test]
fn the_documentation_has_what_is_exposed() {
    let read = Read::new(&full().text(Form::Prometheus), Form::Prometheus);
    let mut exposed = BTreeSet::new();
    for (name, labels) in read.samples.keys() {
        // KEE's counters: they cannot be called that.
        let kind = read.types[name].replace("untyped", "counter");
        let labels: BTreeSet<&String> = labels.iter().map(|(label, _)| label).collect();
        exposed.insert((name.clone(), kind, labels.into_iter().cloned().collect()));
    }
    let documented: BTreeSet<_> = documented()
        .into_iter()
        .map(|(name, kind, mut labels)| {
            labels.sort();
            (name, kind, labels)
        })
        .collect();
    assert!(exposed.len() > 40, "the reader finds them");
    assert_eq!(exposed, documented);
    assert_eq!(exposed.len(), FAMILIES.len(), "`full` has all there are");
}
