//! What live plugins cost: how long a swap takes until it is live, what a plugin that breaks costs the others, and what a hundred
//! reloads of a large plugin leave in memory.
//!
//! `cargo xtask bench`; or `cargo bench -p weir-tests --bench reload -- [swaps] [beside] [reloads]` with `WEIR_BIN` and `WEIR_PLUGINS`. `WEIR_LARGE_PLUGIN` names a large
//! filter, such as a Python component; without it a small one stands for it, with 20 MB of a custom section.

#![allow(missing_docs, reason = "a program")]

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use weir_tests::folder::Folder;
use weir_tests::ledger;
use weir_tests::live::{Plugins, resident_kib, stamping};
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::Running;

const SWAPS: u32 = 100;
const RELOADS: u32 = 100;
/// So many versions follow each other round, so that a large one need not be compiled each time.
const VERSIONS: u32 = 4;
/// How long each plugin that breaks runs beside a good one.
const BESIDE: Duration = Duration::from_secs(10);

/// What breaks, in one way each.
const HOSTILE: [&str; 5] = [
    "loop-process",
    "trap",
    "stack",
    "memory-grow",
    "realloc-loop",
];

fn main() {
    if std::env::var_os("WEIR_BIN").is_none() {
        eprintln!("reload: did not run: no WEIR_BIN and WEIR_PLUGINS; use `cargo xtask bench`");
        return;
    }
    let names: Vec<String> = std::env::args().skip(1).collect();
    let parts: [(&str, fn()); 3] = [("swaps", swaps), ("beside", beside), ("reloads", reloads)];
    let any_named = names
        .iter()
        .any(|name| parts.iter().any(|(part, _)| part == name));
    for (part, run) in parts {
        if !any_named || names.iter().any(|name| name == part) {
            run();
        }
    }
}

/// A weir over some source, with a volume of plugins.
struct Scene {
    folder: Folder,
    volume: Plugins,
}

impl Scene {
    fn new(name: &str) -> Scene {
        let folder = Folder::new(name);
        let volume = Plugins::new(&folder.path().join("volume"));
        Scene { folder, volume }
    }

    fn start(&self, source: &str, more: &str) -> Running {
        let volume = self.folder.path().join("volume");
        let config = format!(
            "source: {{replay: {source}}}\nplugins: {{directories: [{:?}, {volume:?}]}}\nlogLevel: info\n{more}",
            plugins()
        );
        let config = self.folder.write("config.yaml", config);
        let mut command = weir(["run", "-c"]);
        command.arg(config).arg("--ledger").arg(self.ledger());
        let mut running = Running::start_to(command, std::process::Stdio::null());
        running.await_live("start", 1);
        running
    }

    fn ledger(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger.json")
    }
}

/// From the swap of the volume to the last lane that goes by it, while events flow.
fn swaps() {
    let mut scene = Scene::new("bench-swaps");
    scene.volume.put("stamp.wat", stamping("version", 0));
    let mut running = scene.start(
        &format!("{{path: {:?}, repeat: 0, rate: 5000}}", events()),
        "filters: [{name: stamp, plugin: stamp}]\nroute: {filters: [stamp], match: [{receiver: out}]}\nreceivers: [{name: out, stdout: {}}]\n",
    );
    let mut times: Vec<Duration> = Vec::new();
    for version in 1..=SWAPS {
        let begun = Instant::now();
        scene.volume.put("stamp.wat", stamping("version", version));
        running.await_live("filter stamp", version as usize);
        times.push(begun.elapsed());
    }
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = ledger::read(&scene.ledger());
    times.sort_unstable();
    let ms = |at: usize| times[at].as_millis();
    println!(
        "swap of a ConfigMap volume until it is live, 5000 events/s: {SWAPS} swaps, p50 {} ms, p99 {} ms, most {} ms; {} events received, {} delivered",
        ms(times.len() / 2),
        ms(times.len() * 99 / 100),
        ms(times.len() - 1),
        ledger["received"],
        ledger["receivers"]["out"]["delivered"],
    );
}

/// Events that went through a good plugin in ten seconds, with another one in front of it.
fn beside() {
    let alone = through(None);
    println!(
        "{:<34} {:>12} {:>12}",
        "a good filter beside one that breaks", "events/s", "of alone"
    );
    println!("{:<34} {:>12.0} {:>12}", "alone", alone, "100 %");
    for name in HOSTILE {
        let rate = through(Some(name));
        println!("{name:<34} {rate:>12.0} {:>10.0} %", rate / alone * 100.0);
    }
}

fn through(hostile: Option<&str>) -> f64 {
    let mut scene = Scene::new("bench-beside");
    scene.volume.put("stamp.wat", stamping("version", 1));
    let mut names = vec!["stamp"];
    if let Some(hostile) = hostile {
        let text = std::fs::read(tests(&format!("hostile/{hostile}.wat"))).expect("it is there");
        scene.volume.put("bad.wat", text);
        names.insert(0, "bad");
    }
    let filters = names
        .iter()
        .map(|name| format!("{{name: {name}, plugin: {name}}}"));
    let more = format!(
        "filters: [{}]\nroute: {{filters: [{}], match: [{{receiver: out}}]}}\nreceivers: [{{name: out, stdout: {{}}}}]\n",
        filters.collect::<Vec<_>>().join(", "),
        names.join(", "),
    );
    let source = format!("{{path: {:?}, repeat: 0}}", events());
    let running = scene.start(&source, &more);
    let begun = Instant::now();
    // It ends by itself, also where this process does not.
    running.end_after(BESIDE);
    let ended = running.await_end();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let delivered = ledger::read(&scene.ledger())["receivers"]["out"]["delivered"].as_f64();
    delivered.expect("a number") / seconds
}

fn reloads() {
    let large = std::env::var_os("WEIR_LARGE_PLUGIN");
    let large = match &large {
        Some(path) => std::fs::read(Path::new(path)).expect("WEIR_LARGE_PLUGIN is a file"),
        None => padded(20 << 20),
    };
    let mut scene = Scene::new("bench-reloads");
    scene.volume.put("large.wasm", numbered(&large, 0));
    let mut running = scene.start(
        &format!("{{path: {:?}, repeat: 0, rate: 100}}", events()),
        "filters: [{name: large, plugin: large, limits: {memory: 256MiB, time: 10s}}]\nroute: {filters: [large], match: [{receiver: out}]}\nreceivers: [{name: out, stdout: {}}]\n",
    );
    let mut early = [0; 2];
    for version in 1..=RELOADS {
        scene
            .volume
            .put("large.wasm", numbered(&large, version % VERSIONS));
        running.await_live("filter large", version as usize);
        // The allocator keeps the memory into which the second one is read; the first was the system's.
        if let Some(slot) = early.get_mut(version as usize - 1) {
            *slot = resident_kib(&running.pid());
        }
    }
    let last = resident_kib(&running.pid());
    running.signal(Signal::TERM);
    let ended = running.await_end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    println!(
        "reloads of a plugin of {:.1} MB: RSS {:.1} MiB after the first, {:.1} MiB after the second, {:.1} MiB after {RELOADS}",
        large.len() as f64 / 1e6,
        early[0] as f64 / 1024.0,
        early[1] as f64 / 1024.0,
        last as f64 / 1024.0,
    );
}

/// A bundled filter with so many bytes more.
fn padded(bytes: usize) -> Vec<u8> {
    let mut plugin = std::fs::read(plugins().join("redact.wasm")).expect("it is built");
    let noise = (0..bytes).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8);
    custom_section(&mut plugin, "padding", &noise.collect::<Vec<u8>>());
    plugin
}

/// The same plugin, as another file.
fn numbered(plugin: &[u8], number: u32) -> Vec<u8> {
    let mut plugin = plugin.to_vec();
    custom_section(&mut plugin, "number", &number.to_le_bytes());
    plugin
}

/// Section 0 of the binary format: its size, its name's length, its name, its bytes.
fn custom_section(plugin: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    plugin.push(0);
    leb128(plugin, 1 + name.len() + bytes.len());
    leb128(plugin, name.len());
    plugin.extend_from_slice(name.as_bytes());
    plugin.extend_from_slice(bytes);
}

fn leb128(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn events() -> std::path::PathBuf {
    tests("data/few.ndjson")
}
