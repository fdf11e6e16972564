//! What the runtime costs: a call by what it reads and changes, and the steps from a file to an instance.
//!
//! `cargo xtask bench`. The plugins are hand-written text, so that only the contract is measured.

#![allow(missing_docs, reason = "criterion's macros make functions without")]

use std::fmt::Write;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use weir_event::{Document, Reader};
use weir_runtime::{Cache, Compiler, Engine, Filter, Limits, Plugin, Use, lift};

const EVENTS: &str = include_str!("../../event/testdata/events-core-v1.ndjson");

/// A filter that reads `reason` so many times, sets a label so many times, and keeps the event.
fn filter_text(reads: usize, sets: usize) -> String {
    let mut body = String::new();
    for _ in 0..reads {
        body.push_str("(call $reason (i32.const 1024))");
    }
    for _ in 0..sets {
        body.push_str("(call $set (i32.const 64) (i32.const 19) (i32.const 96) (i32.const 3) (i32.const 1024))");
    }
    let mut text = String::new();
    let _ = write!(
        text,
        r#"(module
  (import "weir:plugin/event@0.1.0" "reason" (func $reason (param i32)))
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "/metadata/labels/by")
  (data (i32.const 96) "\"x\"")
  (global $free (mut i32) (i32.const 4096))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $free) (global.set $free (i32.add (global.get $free) (local.get 3))))
  (func (export "setup") (param i32 i32) (result i32) (i32.const 2048))
  (func (export "process") (result i32) (global.set $free (i32.const 4096)) {body} (i32.const 2048)))"#
    );
    text
}

struct Bench {
    engine: Engine,
    folder: PathBuf,
    events: Vec<Document>,
}

impl Bench {
    fn new() -> Bench {
        let mut events = Vec::new();
        let mut reader = Reader::new("");
        for line in EVENTS.lines() {
            let read = reader.read(line.as_bytes(), &mut |event| {
                events.extend(event.map(Document::new))
            });
            read.expect("recorded events are events");
        }
        let folder = std::env::temp_dir().join(format!("weir-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Bench {
            engine: Engine::new().expect("an engine"),
            folder,
            events,
        }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, text).expect("a file in the temporary folder");
        path
    }

    fn plugin(&self, name: &str, text: &str) -> Arc<Plugin> {
        let path = self.file(name, text);
        Arc::new(
            Plugin::load(&self.engine, &Compiler::InProcess, None, &path).expect("a good plugin"),
        )
    }

    fn filter(&self, plugin: &Arc<Plugin>) -> Filter {
        let of = Use::new("bench", "bench", "{}".into(), Limits::FILTER);
        Filter::new(Arc::clone(plugin), Arc::new(of)).expect("setup accepts anything")
    }
}

fn calls(criterion: &mut Criterion, bench: &Bench) {
    for (reads, sets) in [(0, 0), (1, 0), (2, 0), (5, 0), (10, 0), (1, 1)] {
        let plugin = bench.plugin(&format!("r{reads}s{sets}.wat"), &filter_text(reads, sets));
        let mut filter = bench.filter(&plugin);
        let mut next = bench.events.iter().cycle();
        criterion.bench_function(&format!("call: {reads} getters, {sets} sets"), |bencher| {
            bencher.iter(|| {
                let event = next.next().expect("it cycles").event();
                filter.process(black_box(event)).expect("no fault")
            });
        });
    }
}

fn steps(criterion: &mut Criterion, bench: &Bench) {
    let small = filter_text(1, 0);
    let wasm = wat::parse_str(&small).expect("valid text");
    criterion.bench_function("lift: hand-written filter", |bencher| {
        bencher.iter(|| lift(black_box(&wasm)))
    });
    let path = bench.file("small.wat", &small);
    files(criterion, bench, "hand-written filter", &path);
    // The real ones, where they were built: `cargo xtask bench` does.
    if let Some(folder) = std::env::var_os("WEIR_PLUGINS") {
        for name in ["drop-reasons", "redact"] {
            files(
                criterion,
                bench,
                name,
                &PathBuf::from(&folder).join(format!("{name}.wasm")),
            );
        }
    }
    let plugin = bench.plugin("small.wat", &small);
    criterion.bench_function("instantiate and set up", |bencher| {
        bencher.iter(|| bench.filter(&plugin))
    });
}

fn files(criterion: &mut Criterion, bench: &Bench, name: &str, path: &std::path::Path) {
    criterion.bench_function(&format!("load: {name}, lift and compile"), |bencher| {
        bencher.iter(|| {
            Plugin::load(&bench.engine, &Compiler::InProcess, None, path).expect("a good plugin")
        });
    });
    let cache = Cache::open(&bench.folder.join("cache")).expect("a folder of our own");
    criterion.bench_function(&format!("load: {name}, from the cache"), |bencher| {
        bencher.iter(|| {
            Plugin::load(&bench.engine, &Compiler::InProcess, Some(&cache), path)
                .expect("a good plugin")
        });
    });
}

fn run(criterion: &mut Criterion) {
    let bench = Bench::new();
    calls(criterion, &bench);
    steps(criterion, &bench);
    let _ = std::fs::remove_dir_all(&bench.folder);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(std::time::Duration::from_secs(3));
    targets = run
}
criterion_main!(benches);
