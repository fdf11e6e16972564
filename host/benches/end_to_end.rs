//! What an event costs on its whole way: 100,000 recorded events, replay → (filters) → stdout to /dev/null.
//!
//! Processor time and peak memory are what `weir` itself says in its last log line; the best of a few
//! rounds, less what a run over one event costs. `cargo xtask bench`; it needs the built binary.

#![allow(missing_docs, reason = "a program")]

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

const EVENTS: u32 = 100_000;
const ROUNDS: usize = 5;

/// One line of the table.
struct Measured {
    cpu_ms: f64,
    peak_rss_mib: f64,
    wall_ms: f64,
}

struct Setup {
    weir: PathBuf,
    plugins: PathBuf,
    /// Of `events.ndjson` in the folder.
    lines: u32,
    folder: PathBuf,
}

fn main() {
    let (Some(weir), Some(plugins)) = (
        std::env::var_os("WEIR_BIN"),
        std::env::var_os("WEIR_PLUGINS"),
    ) else {
        eprintln!("end_to_end: did not run: no WEIR_BIN and WEIR_PLUGINS; use `cargo xtask bench`");
        return;
    };
    let recorded =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/events-core-v1.ndjson.gz");
    let packed = std::fs::File::open(recorded).expect("the recorded events");
    let mut events = String::new();
    flate2::read::MultiGzDecoder::new(packed)
        .read_to_string(&mut events)
        .expect("text");
    let first = events.lines().next().expect("an event");
    let folder = std::env::temp_dir().join(format!("weir-end-to-end-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    std::fs::write(folder.join("one.ndjson"), first).expect("a file in the temporary folder");
    std::fs::write(folder.join("events.ndjson"), &events).expect("a file in the temporary folder");
    let lines = u32::try_from(events.lines().count()).expect("few lines");
    let setup = Setup {
        weir: weir.into(),
        plugins: plugins.into(),
        lines,
        folder,
    };
    let quiet = "{name: quiet, plugin: drop-reasons, config: {reasons: [NoSuchReason]}}";
    let mask = "{name: mask, plugin: redact, config: {patterns: ['image \"[^\"]*\"']}}";
    println!(
        "{:<34} {:>12} {:>14} {:>10}",
        "100,000 events, replay to stdout", "CPU µs/event", "peak RSS MiB", "wall ms"
    );
    let start = setup.best("one.ndjson", &[], 1);
    let without = setup.show("no filter", &[], &start);
    let one = setup.show("drop-reasons (reads one field)", &[quiet], &start);
    setup.show("redact (changes some events)", &[mask], &start);
    setup.show("both", &[quiet, mask], &start);
    println!(
        "{:<34} {:>12.2}",
        "one filter that reads one field adds",
        one - without
    );
    println!(
        "{:<34} {:>12.1} ms CPU, {:.1} ms wall",
        "one event: start to end, warm cache", start.cpu_ms, start.wall_ms
    );
    let _ = std::fs::remove_dir_all(&setup.folder);
}

impl Setup {
    /// Prints a line; gives the processor time of one event in µs.
    fn show(&self, name: &str, filters: &[&str], start: &Measured) -> f64 {
        let repeat = EVENTS.div_ceil(self.lines);
        let best = self.best("events.ndjson", filters, repeat);
        let per_event = (best.cpu_ms - start.cpu_ms) * 1000.0 / f64::from(repeat * self.lines);
        println!(
            "{name:<34} {per_event:>12.2} {:>14.1} {:>10.0}",
            best.peak_rss_mib, best.wall_ms
        );
        per_event
    }

    fn best(&self, events: &str, filters: &[&str], repeat: u32) -> Measured {
        let config = self.config(events, filters, repeat);
        let rounds = (0..ROUNDS).map(|_| self.once(&config));
        rounds
            .min_by(|a, b| a.cpu_ms.total_cmp(&b.cpu_ms))
            .expect("there are rounds")
    }

    fn config(&self, events: &str, filters: &[&str], repeat: u32) -> PathBuf {
        let names = ["quiet", "mask"]
            .into_iter()
            .filter(|name| filters.iter().any(|filter| filter.contains(name)));
        let mut text = String::new();
        let _ = write!(
            text,
            "logFormat: json\nsource: {{replay: {{path: {}, repeat: {repeat}}}}}\nplugins: {{directories: [{}]}}\n\
             filters: [{}]\nroute: {{filters: [{}], match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}}}]\n",
            self.folder.join(events).display(),
            self.plugins.display(),
            filters.join(", "),
            names.collect::<Vec<_>>().join(", "),
        );
        let path = self.folder.join("config.yaml");
        std::fs::write(&path, text).expect("a file in the temporary folder");
        path
    }

    fn once(&self, config: &Path) -> Measured {
        let begun = Instant::now();
        let output = Command::new(&self.weir)
            .args(["run", "-c"])
            .arg(config)
            .stdout(Stdio::null())
            .output()
            .expect("weir runs");
        let wall_ms = begun.elapsed().as_secs_f64() * 1000.0;
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{log}");
        let last: serde_json::Value =
            serde_json::from_str(log.lines().last().expect("a last line"))
                .expect("a JSON log line");
        let number = |name: &str| last[name].as_f64().expect("a number in the last log line");
        Measured {
            cpu_ms: number("cpu_ms"),
            peak_rss_mib: number("peak_rss_kib") / 1024.0,
            wall_ms,
        }
    }
}
