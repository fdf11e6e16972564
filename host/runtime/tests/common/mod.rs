//! What the tests of the runtime share: loading a file of `tests/hostile`, events, what was logged.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use weir_event::{Document, EventRef, Reader};
use weir_runtime::{
    Compiler, Decision, Engine, Failure, Fault, Filter, Limits, Plugin, Processed, Sink, Use,
};

/// Large enough for good plugins on a slow machine.
pub const LIMITS: Limits = Limits {
    memory_bytes: 32 << 20,
    time: Duration::from_secs(2),
};

/// For plugins that never end.
pub const QUICK: Limits = Limits {
    time: Duration::from_millis(20),
    ..LIMITS
};

/// A folder of one test's own, removed at its end.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let name = format!("{name}-{}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays behind does no harm.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    Lines::install();
    Engine::new().expect("this machine runs WebAssembly")
});

pub fn engine() -> &'static Engine {
    &ENGINE
}

/// The file of this name in `tests/hostile`.
pub fn hostile(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/hostile/{name}.wat"))
}

pub fn load(name: &str) -> Arc<Plugin> {
    let plugin = Plugin::load(engine(), &Compiler::InProcess, None, &hostile(name));
    Arc::new(plugin.unwrap_or_else(|error| panic!("{error}")))
}

/// What keeps it from being loaded, without the file's name.
pub fn load_error(name: &str) -> String {
    let error = Plugin::load(engine(), &Compiler::InProcess, None, &hostile(name))
        .expect_err("it does not load");
    assert!(error.file.ends_with(format!("{name}.wat")));
    error.problem.to_string()
}

/// A use with an empty configuration.
pub fn a_use(name: &str, limits: Limits) -> Use {
    Use::new("test", name, "{}".into(), limits)
}

pub fn filter_of(name: &str, of: Use) -> Result<Filter, Failure> {
    Filter::new(load(name), Arc::new(of))
}

/// A filter with an empty configuration and small limits.
pub fn filter(name: &str) -> Filter {
    filter_of(name, a_use(name, LIMITS)).unwrap_or_else(|failure| panic!("{failure}"))
}

/// A filter that takes any text for its configuration.
pub fn filter_with(name: &str, config: &str) -> Filter {
    let of = Use::new("test", name, config.into(), LIMITS);
    filter_of(name, of).unwrap_or_else(|failure| panic!("{failure}"))
}

pub fn sink(name: &str) -> Sink {
    Sink::new(load(name), Arc::new(a_use(name, LIMITS)))
        .unwrap_or_else(|failure| panic!("{failure}"))
}

/// Reads one event in any form.
pub fn document(json: &str) -> Document {
    let mut documents = Vec::new();
    let mut each = |event: Result<EventRef<'_>, weir_event::ReadError>| {
        documents.push(Document::new(event.expect("an event")));
    };
    Reader::new("")
        .read(json.as_bytes(), &mut each)
        .expect("JSON");
    documents.pop().expect("one event")
}

/// A small core/v1 event with this reason: `u-1/7` is its id.
pub fn event(reason: &str) -> Document {
    document(&format!(
        r#"{{"apiVersion":"v1","kind":"Event","metadata":{{"name":"web.1","namespace":"shop","uid":"u-1","resourceVersion":"7"}},"involvedObject":{{"kind":"Pod","name":"web-1"}},"reason":"{reason}","message":"m","type":"Normal","count":3}}"#
    ))
}

/// Why the filter dropped the event.
pub fn dropped(processed: Result<Processed, Failure>) -> String {
    match processed
        .unwrap_or_else(|failure| panic!("{failure}"))
        .decision
    {
        Decision::Drop(reason) => reason,
        other => panic!("expected a drop, found {other:?}"),
    }
}

/// The document as the filter changed it.
pub fn changed(processed: Result<Processed, Failure>) -> String {
    match processed
        .unwrap_or_else(|failure| panic!("{failure}"))
        .decision
    {
        Decision::Change(document, _) => document,
        other => panic!("expected a change, found {other:?}"),
    }
}

/// The fault that a call ended in.
pub fn fault<T: std::fmt::Debug>(answer: Result<T, Failure>) -> Fault {
    match answer.expect_err("a fault") {
        Failure::Fault(fault) => fault,
        other => panic!("expected a fault, found: {other}"),
    }
}

/// The text of the error that the plugin itself answered.
pub fn answered<T: std::fmt::Debug>(answer: Result<T, Failure>) -> String {
    match answer.expect_err("an answered error") {
        Failure::Answered { text, .. } => text,
        other => panic!("expected an answered error, found: {other}"),
    }
}

/// What is logged on this thread while `run` runs: `LEVEL message`, one for each line.
pub fn logged(run: impl FnOnce()) -> Vec<String> {
    LazyLock::force(&ENGINE);
    LINES.set(Some(Vec::new()));
    run();
    LINES.take().expect("it was put there above")
}

thread_local! {
    static LINES: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// One for all threads: tracing decides once for each place that logs whether anybody listens there, and a
/// subscriber of one thread may miss what another thread's test logged first.
struct Lines;

impl Lines {
    fn install() {
        tracing::subscriber::set_global_default(Lines).expect("there is no other");
        tracing::callsite::rebuild_interest_cache();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                lines.push(format!("{} {}", event.metadata().level(), message.0));
            }
        });
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
