//! The layers and habits that hold this code together, checked over its text.
//!
//! A change of a table here is a change of the design: ARCHITECTURE.md says it in the same commit.

use std::path::{Path, PathBuf};

use weir_tests::program::workspace;
use weir_tests::tidy;

/// Which module of host/src may name which. `app` and `commands` put things together; nothing may name them but
/// `commands` and `main`.
const LAYERS: &[(&str, &[&str])] = &[
    // Leaves.
    ("ack", &[]),
    ("cli", &[]),
    ("health", &[]),
    ("ledger", &[]),
    ("lines", &[]),
    ("receivers", &[]),
    ("secrets", &[]),
    ("shutdown", &[]),
    ("status", &[]),
    ("usage", &[]),
    ("pack", &[]),
    ("config", &[]),
    ("position", &[]),
    ("telemetry", &["config"]),
    ("output", &["shutdown"]),
    // The stages: never each other, but for the queue between two of them.
    ("route", &["config"]),
    ("queue", &["ack", "config"]),
    (
        "source",
        &[
            "ack",
            "config",
            "health",
            "ledger",
            "position",
            "receivers",
            "shutdown",
        ],
    ),
    (
        "pipeline",
        &[
            "ack", "config", "health", "ledger", "queue", "route", "shutdown",
        ],
    ),
    (
        "deliver",
        &["config", "health", "ledger", "lines", "queue", "shutdown"],
    ),
    // What is shown to those who look on.
    ("metrics", &["ledger", "status"]),
    (
        "admin",
        &["health", "ledger", "metrics", "shutdown", "status", "usage"],
    ),
    // Plugins: finding them, and setting up what a configuration uses.
    ("plugins", &["config"]),
    ("ways", &["config", "lines"]),
    ("bench", &["ways"]),
    ("fixtures", &["config", "ways"]),
    // What authors of plugins are helped with: apart from all that runs.
    ("author", &["config"]),
    (
        "prepare",
        &["config", "fixtures", "plugins", "secrets", "ways"],
    ),
    // What puts them together.
    (
        "app",
        &[
            "ack",
            "admin",
            "config",
            "deliver",
            "health",
            "ledger",
            "metrics",
            "output",
            "pipeline",
            "plugins",
            "prepare",
            "queue",
            "receivers",
            "secrets",
            "shutdown",
            "source",
            "status",
            "telemetry",
            "usage",
            "ways",
        ],
    ),
    (
        "commands",
        &[
            "app",
            "bench",
            "author",
            "cli",
            "config",
            "fixtures",
            "output",
            "pack",
            "plugins",
            "prepare",
            "shutdown",
            "source",
            "status",
            "telemetry",
            "usage",
            "ways",
        ],
    ),
];

/// Crates that a folder may not name: the folder, what is not named there, why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "host/src",
        &["wasmtime", "wasmparser", "wit_component"],
        "only host/runtime knows the engine",
    ),
    (
        "host/src",
        &["kube", "k8s_openapi"],
        "only host/kubernetes speaks to an API server",
    ),
    (
        "host/kubernetes/src",
        &["weir", "weir_runtime", "wasmtime", "serde_yaml"],
        "watching can be tested without the host and its plugins",
    ),
    (
        "host/event/src",
        &[
            "weir",
            "weir_runtime",
            "weir_plugin",
            "tokio",
            "std::fs",
            "std::net",
            "std::io",
            "std::process",
            "std::env",
        ],
        "events are pure: no input, no output, nothing of ours",
    ),
    (
        "host/outbound/src",
        &[
            "weir",
            "weir_event",
            "weir_kubernetes",
            "weir_runtime",
            "wasmtime",
            "kube",
        ],
        "requests can be tested without a plugin",
    ),
    (
        "host/spool/src",
        &["weir", "weir_event", "weir_runtime", "tokio", "serde_json"],
        "a queue on disk knows documents as text",
    ),
    (
        "host/template/src",
        &[
            "weir",
            "weir_event",
            "weir_runtime",
            "weir_plugin",
            "tokio",
            "std::fs",
            "std::net",
            "std::io",
            "std::process",
            "std::env",
        ],
        "templates are pure: no input, no output, nothing of ours",
    ),
    (
        "host/watch/src",
        &[
            "weir",
            "weir_event",
            "weir_kubernetes",
            "weir_outbound",
            "weir_runtime",
            "weir_spool",
            "tokio",
        ],
        "files that change are files, whatever is in them",
    ),
    (
        "host/runtime/src",
        &["weir", "kube", "k8s_openapi", "tokio", "serde_yaml"],
        "the runtime can be tested, fuzzed and measured without the host",
    ),
    (
        "tests",
        &[
            "weir",
            "weir_event",
            "weir_kubernetes",
            "weir_runtime",
            "kube",
        ],
        "what tests weir shares nothing with it",
    ),
];

/// Plugins that the host must not know by name; those of `plugins/` come to these.
const PLUGINS: &[&str] = &[
    "elasticsearch",
    "opensearch",
    "loki",
    "webhook",
    "kafka",
    "syslog",
];

/// Files that may begin otherwise: with why.
const WITHOUT_OPENING: &[(&str, &str)] = &[(
    "plugins/examples/rust/ten-lines/src/lib.rs",
    "it is ten lines, as the README prints them",
)];

/// Longer than this, a file says why.
const LINES_MAX: usize = 500;

/// All files of the workspace under a folder, with their texts; what is no text is left out.
fn files(under: &str) -> Vec<(String, String)> {
    let (mut found, mut open) = (Vec::new(), vec![workspace().join(under)]);
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if !is_ours(&path) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                found.push((relative(&path), text));
            }
        }
    }
    found.sort();
    found
}

fn is_ours(path: &Path) -> bool {
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    !name.starts_with('.') && !["target", "node_modules"].contains(&name)
}

fn relative(path: &Path) -> String {
    path.strip_prefix(workspace())
        .expect("it is in the workspace")
        .display()
        .to_string()
}

fn rust(under: &str) -> Vec<(String, String)> {
    let mut files = files(under);
    files.retain(|(path, _)| path.ends_with(".rs"));
    assert!(!files.is_empty(), "no source in {under}");
    files
}

fn nothing(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// What a file of host/src names and may not.
fn against_layers(path: &str, text: &str) -> Vec<String> {
    let inside = path.trim_start_matches("host/src/");
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    if ["lib", "main"].contains(&module) || is_test(path) {
        return Vec::new();
    }
    let Some((_, may)) = LAYERS.iter().find(|(name, _)| *name == module) else {
        return vec![format!(
            "{path}: {module} is in no layer: give it a row in tests/tests/tidy.rs"
        )];
    };
    let imports = tidy::own_imports(text, !inside.contains('/')).into_iter();
    imports
        .filter(|name| name != module && !may.contains(&name.as_str()))
        .map(|name| format!("{path}: {module} may not name {name}"))
        .collect()
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn modules_import_what_their_layer_may() {
    let sources = rust("host/src");
    let problems: Vec<_> = sources
        .iter()
        .flat_map(|(path, text)| against_layers(path, text))
        .collect();
    nothing(&problems);
}

#[test]
fn an_import_that_is_forbidden_is_found() {
    let wrong =
        "//! A queue.\nuse crate::{ack::Ack, pipeline::Lane};\nfn f() { crate::app::run() }\n";
    let expected = [
        "host/src/queue.rs: queue may not name app",
        "host/src/queue.rs: queue may not name pipeline",
    ];
    assert_eq!(against_layers("host/src/queue.rs", wrong), expected);
    assert_eq!(
        against_layers("host/src/new.rs", "").len(),
        1,
        "a module without a layer"
    );
    assert_eq!(
        against_layers("host/src/source/replay.rs", "use crate::queue;").len(),
        1
    );
    assert_eq!(
        against_layers("host/src/route.rs", "use super::ledger;").len(),
        1
    );
}

#[test]
fn crates_name_what_they_may() {
    let mut problems = Vec::new();
    for (folder, forbidden, why) in FORBIDDEN {
        for (path, text) in rust(folder) {
            let named = forbidden.iter().filter(|name| {
                let used = format!("{name}::");
                tidy::names(&text, &used)
                    || tidy::names(&text, &format!("use {name}"))
                    || (name.contains("::") && tidy::names(&text, name))
            });
            problems.extend(named.map(|name| format!("{path} names {name}: {why}")));
        }
    }
    nothing(&problems);
}

#[test]
fn the_host_knows_no_plugin_by_name() {
    let mut names: Vec<String> = PLUGINS.iter().map(|name| (*name).to_owned()).collect();
    for kind in ["filters", "sinks"] {
        let folder = workspace().join("plugins").join(kind);
        let entries = std::fs::read_dir(folder).expect("the bundled plugins are there");
        names.extend(entries.map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        }));
    }
    // `checkpoint.file` and the contract's interface `file` are called so, too.
    names.retain(|name| name != "file");
    let mut problems = Vec::new();
    for (path, text) in [rust("host/src"), rust("host/runtime/src")].concat() {
        let literals = if is_test(&path) {
            Vec::new()
        } else {
            tidy::literals(&text)
        };
        let found = literals.iter().filter(|literal| names.contains(literal));
        problems.extend(found.map(|name| format!("{path} knows the plugin {name}")));
    }
    nothing(&problems);
}

#[test]
fn files_say_what_they_are_and_why_they_are_long() {
    let mut problems = Vec::new();
    for (path, text) in rust("") {
        let opening = tidy::opening(&text);
        if opening.is_empty() && !WITHOUT_OPENING.iter().any(|(file, _)| *file == path) {
            problems.push(format!("{path} does not begin with //! and what it is"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX && !opening.contains(&LINES_MAX.to_string()) {
            problems.push(format!(
                "{path} has {lines} lines: split it, or say at its top why it has over {LINES_MAX}"
            ));
        }
    }
    nothing(&problems);
}

#[test]
fn nothing_is_left_undone_or_slept_over() {
    // Put together here, so that this file does not find itself.
    let words = [
        ("to", "do!"),
        ("unimpl", "emented!"),
        ("#[ign", "ore"),
        ("thread::", "sleep("),
    ];
    let words = words.map(|(start, end)| [start, end].concat());
    let mut problems = Vec::new();
    for (path, text) in rust("") {
        let found = words.iter().filter(|word| text.contains(word.as_str()));
        problems.extend(found.map(|word| format!("{path} has {word}")));
    }
    nothing(&problems);
}

#[test]
fn no_path_of_somebody_s_machine_is_in_the_tree() {
    let recorded = ["tests/data/", "tests/cases/", "host/event/testdata/"];
    let paths = ["work", "root", "home"].map(|name| format!("/{name}/"));
    let mut problems = Vec::new();
    for (path, text) in files("") {
        if !recorded.iter().any(|folder| path.starts_with(folder)) {
            let found = paths.iter().filter(|part| text.contains(part.as_str()));
            problems.extend(found.map(|part| format!("{path} has {part}")));
        }
    }
    nothing(&problems);
}

#[test]
fn every_case_says_what_it_is_about() {
    let cases: PathBuf = workspace().join("tests/cases");
    for entry in std::fs::read_dir(cases).expect("there are cases") {
        let config = entry.expect("an entry").path().join("config.yaml");
        let text = std::fs::read_to_string(&config).expect("a case has a configuration");
        assert!(
            text.starts_with("# "),
            "{} does not begin with a comment",
            config.display()
        );
    }
}
