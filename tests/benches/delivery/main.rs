//! What delivery costs: events a second, processor time an event and peak memory of the real binary, into a local server that
//! does nothing but answer; and what a million events on disk cost while their sink is away.
//!
//! Processor time and peak memory are what `weir` itself says in its last log line, less what a run over one event costs. The server
//! and weir share the machine: on few cores the events a second are lower than they could be. A real server is slower
//! still. `cargo xtask bench`; or `cargo bench -p weir-tests --bench delivery` with `WEIR_BIN` and `WEIR_PLUGINS`.

#![allow(missing_docs, reason = "a program")]

mod backlog;
mod server;

use std::path::PathBuf;
use std::time::Instant;

use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::input::unpack;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::Running;

use server::Server;

/// The fewer for what sends one request an event.
const EVENTS: usize = 100_000;
const EVENTS_ONE_BY_ONE: usize = 20_000;
const ROUNDS: usize = 3;

/// A run.
pub struct Measured {
    pub cpu_ms: f64,
    pub peak_rss_mib: f64,
    pub wall_ms: f64,
}

/// The recorded events, in a folder for everything.
pub struct Setup {
    pub folder: Folder,
    events: PathBuf,
    one: PathBuf,
    lines: usize,
}

fn main() {
    if std::env::var_os("WEIR_BIN").is_none() {
        eprintln!("delivery: did not run: no WEIR_BIN and WEIR_PLUGINS; use `cargo xtask bench`");
        return;
    }
    let setup = Setup::new();
    let server = Server::start();
    let url = server.url();
    println!(
        "{:<34} {:>10} {:>14} {:>14} {:>14}",
        "events to a local server", "events", "events/s", "CPU µs/event", "peak RSS MiB"
    );
    let sinks = [
        (
            "elasticsearch",
            format!("elasticsearch: {{hosts: [{url:?}]}}"),
            EVENTS,
        ),
        ("loki", format!("loki: {{url: {url:?}}}"), EVENTS),
        (
            "webhook, ndjson",
            format!("webhook: {{endpoint: {url:?}, batch: ndjson}}"),
            EVENTS,
        ),
        (
            "webhook, one a request",
            format!("webhook: {{endpoint: {url:?}}}"),
            EVENTS_ONE_BY_ONE,
        ),
    ];
    for (name, sink, events) in &sinks {
        setup.show(name, sink, *events);
        let packed = format!("{sink}\n  http: {{compression: gzip}}");
        setup.show(&format!("{name}, gzip"), &packed, *events);
    }
    let file = setup.folder.path().join("out.ndjson");
    setup.show(
        "file",
        &format!("file: {{path: {file:?}, maxsize: 1000}}"),
        EVENTS,
    );
    backlog::show(&setup);
}

impl Setup {
    fn new() -> Setup {
        let folder = Folder::new("delivery-bench");
        let packed = std::fs::read(tests("data/events-core-v1.ndjson.gz"));
        let events = unpack(packed.expect("the recorded events"));
        let events = String::from_utf8(events).expect("text");
        let first = events.lines().next().expect("an event");
        Setup {
            one: folder.write("one.ndjson", first),
            lines: events.lines().count(),
            events: folder.write("events.ndjson", &events),
            folder,
        }
    }

    /// Prints a line.
    fn show(&self, name: &str, receiver: &str, events: usize) {
        let start = self.best(receiver, 1);
        let best = self.best(receiver, events);
        let count = events.next_multiple_of(self.lines) as f64;
        println!(
            "{name:<34} {count:>10} {:>14.0} {:>14.2} {:>14.1}",
            count * 1000.0 / (best.wall_ms - start.wall_ms),
            (best.cpu_ms - start.cpu_ms) * 1000.0 / count,
            best.peak_rss_mib
        );
    }

    fn best(&self, receiver: &str, events: usize) -> Measured {
        let rounds = (0..ROUNDS).map(|_| {
            let begun = Instant::now();
            let last = end(self.start(receiver, "", events));
            let measured = measured(&last, begun);
            let wanted = if events == 1 {
                1
            } else {
                events.next_multiple_of(self.lines)
            };
            assert_eq!(delivered(&last), wanted, "{last}");
            measured
        });
        let best = rounds.min_by(|a, b| a.cpu_ms.total_cmp(&b.cpu_ms));
        best.expect("there are rounds")
    }

    /// Starts a weir over at least so many events, with one receiver and further top-level keys.
    pub fn start(&self, receiver: &str, more: &str, events: usize) -> Running {
        let (path, repeat) = match events {
            1 => (&self.one, 1),
            _ => (&self.events, events.div_ceil(self.lines)),
        };
        let config = format!(
            "logFormat: json\n{more}\nsource: {{replay: {{path: {path:?}, repeat: {repeat}}}}}\nplugins: {{directories: [{:?}]}}\nroute: {{match: [{{receiver: out}}]}}\nreceivers:\n- name: out\n  {receiver}\n",
            plugins(),
        );
        let config = self.folder.write("config.yaml", config);
        let mut command = weir(["run", "-c"]);
        command.arg(config);
        Running::start(&mut command)
    }
}

/// Waits for its end; gives the last line of its log.
pub fn end(running: Running) -> Value {
    let ended = running.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let last = ended.stderr.lines().last().expect("a last line");
    serde_json::from_str(last).expect("a JSON log line")
}

/// What the last line of a log says.
pub fn measured(last: &Value, begun: Instant) -> Measured {
    let number = |name: &str| last[name].as_f64().expect("a number in the last log line");
    Measured {
        cpu_ms: number("cpu_ms"),
        peak_rss_mib: number("peak_rss_kib") / 1024.0,
        wall_ms: begun.elapsed().as_secs_f64() * 1000.0,
    }
}

/// Events that its receiver delivered.
pub fn delivered(last: &Value) -> usize {
    let ledger = last["ledger"].as_str().expect("the ledger is text");
    let ledger: Value = serde_json::from_str(ledger).expect("the ledger is JSON");
    let delivered = ledger["receivers"]["out"]["delivered"].as_u64();
    usize::try_from(delivered.expect("a count")).expect("it fits")
}
