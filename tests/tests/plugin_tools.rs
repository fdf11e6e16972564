//! `weir plugin bench`, `inspect` and `pack` as an author meets them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use weir_tests::config_map::ConfigMapVolume;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, tests, weir};
use weir_tests::running::{Ended, run};

fn plugin(arguments: &[&str]) -> Ended {
    run(weir(["plugin"]).args(arguments), b"")
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn hostile(name: &str) -> String {
    path(&tests(&format!("hostile/{name}.wat")))
}

fn bundled(name: &str) -> String {
    path(&plugins().join(format!("{name}.wasm")))
}

fn out(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_slice(&ended.stdout)
        .unwrap_or_else(|error| panic!("no JSON: {error}: {}", ended.stderr))
}

/// Every part must be in the text.
fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "lacks {part:?}: {text}");
    }
}

#[test]
fn a_bench_compares_plugins_in_one_table() {
    let (quiet, good) = (bundled("drop-reasons"), hostile("drop-pulled"));
    let arguments = ["bench", &quiet, &good, "--seconds", "1"];
    let with = ["--with", "{reasons: [Pulled]}"];
    let ended = plugin(&[&arguments[..], &with, &["--output", "json"]].concat());
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let rows = json(&ended);
    for row in rows.as_array().expect("rows") {
        for figure in ["bytes", "gzipBytes", "memoryBytes", "rounds"] {
            assert!(row[figure].as_u64() > Some(0), "{figure}: {row}");
        }
        for figure in [
            "compileMs",
            "instanceUs",
            "eventNs",
            "eventP50Ns",
            "eventP99Ns",
        ] {
            assert!(row[figure].as_f64() > Some(0.0), "{figure}: {row}");
        }
        assert_eq!(
            (&row["role"], &row["errors"]),
            (&"filter".into(), &0.into())
        );
    }
    assert!(rows[0]["differencePercent"].is_null());
    assert!(rows[1]["differencePercent"].is_number(), "{rows}");
    assert!(rows[1]["noisePercent"].as_f64() >= Some(2.0), "{rows}");
    let ended = plugin(&[&arguments[..], &with].concat());
    has(
        &out(&ended),
        &["PLUGIN", "EVENT ns", "DIFFERENCE", &quiet, &good],
    );
    has(&ended.stderr, &["52 events", "rounds"]);
}

#[test]
fn a_bench_takes_the_configuration_of_the_self_tests_and_events_of_a_file() {
    let (quiet, few) = (bundled("drop-reasons"), path(&tests("data/few.ndjson")));
    let ended = plugin(&["bench", &quiet, "--events", &few, "--seconds", "1"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has(
        &ended.stderr,
        &[
            "configured as in the self-tests of drop-reasons: {\"reasons\":",
            "34 events",
        ],
    );
}

#[test]
fn what_fails_in_a_bench_is_in_the_table_and_the_rest_is_measured() {
    let (trap, good) = (hostile("trap"), hostile("drop-pulled"));
    let (error, broken) = (hostile("answered-error"), hostile("import-env"));
    let ended = plugin(&["bench", &trap, &good, &error, &broken, "--seconds", "1"]);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let text = out(&ended);
    has(
        &text,
        &[
            &format!("{trap}: FAILED: process trapped"),
            &format!("{broken}: FAILED: imports `env` (foo)"),
            "100 % of its calls failed, the first: process answered an error",
        ],
    );
    let row = text.lines().find(|line| line.starts_with(&good));
    assert!(!row.expect("its row").contains(" - "), "{text}");
    let ended = plugin(&["bench", "/nowhere.wasm"]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
}

#[test]
fn a_sink_is_measured_and_nothing_gets_out() {
    let (stdout, webhook) = (bundled("stdout"), bundled("webhook"));
    let ended = plugin(&[
        "bench",
        &stdout,
        "--with",
        "{}",
        "--seconds",
        "1",
        "--output",
        "json",
    ]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(json(&ended)[0]["role"], "sink");
    let with = "{endpoint: 'http://127.0.0.1:1/'}";
    let ended = plugin(&["bench", &webhook, "--with", with, "--seconds", "1"]);
    assert_eq!(ended.code, Some(0), "{}{}", out(&ended), ended.stderr);
}

#[test]
fn inspect_says_in_words_what_a_plugin_may_use() {
    let ended = plugin(&["inspect", &bundled("redact")]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has(
        &out(&ended),
        &[
            "form         core module",
            "may use      reads the event: ",
            "             changes the event: ",
            "exports      ",
            "memory       1088 KiB at the start",
            "fits a ConfigMap (",
        ],
    );
    let ended = plugin(&["inspect", &hostile("wasi")]);
    has(&out(&ended), &["fd_write", "answered by stubs"]);
    let ended = plugin(&["inspect", &bundled("webhook"), "--output", "json"]);
    let row = json(&ended);
    assert_eq!(
        (&row["form"], &row["configMap"]),
        (&"core module".into(), &"plain".into())
    );
    assert!(
        row["gzipBytes"].as_u64() < row["wasmBytes"].as_u64(),
        "{row}"
    );
}

#[test]
fn inspect_shows_what_is_seen_of_a_file_that_cannot_be_loaded() {
    for (name, seen, why) in [
        (
            "go-command",
            [
                "imports      wasi_snapshot_preview1: proc_exit",
                "made with    Go go1.26.0",
            ],
            "go build -buildmode=c-shared",
        ),
        (
            "import-undefined",
            [
                "imports      env: memcpy, strlen",
                "exports      memory, cabi_realloc",
            ],
            "declared and nowhere defined",
        ),
        (
            "component-wasi",
            [
                "form         component",
                "             wasi:clocks/monotonic-clock@0.2.6",
            ],
            "--stub-wasi",
        ),
    ] {
        let ended = plugin(&["inspect", &hostile(name)]);
        assert_eq!(ended.code, Some(1), "{name}");
        has(&out(&ended), &seen);
        has(&out(&ended), &["size         ", "digest       sha256:"]);
        has(&ended.stderr, &[why]);
        let ended = plugin(&["inspect", &hostile(name), "--output", "json"]);
        assert_eq!(ended.code, Some(1), "{name}");
        has(json(&ended)["error"].as_str().expect("a text"), &[why]);
    }
    let folder = Folder::new("inspect-broken");
    let damaged = folder.write("damaged.wasm", b"\0asm\x01\0\0\0\x01\xff");
    let described =
        r#"(module (@custom "weir" "{\"onError\":\"explode\"}") (memory (export "memory") 1))"#;
    let described = folder.write("described.wat", described);
    for (file, why) in [
        (&damaged, "is damaged"),
        (&described, "its custom section `weir` is not valid"),
    ] {
        let ended = plugin(&["inspect", &path(file)]);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        has(
            &out(&ended),
            &["form         core module", "digest       sha256:"],
        );
        has(&ended.stderr, &[why]);
    }
}

/// What the kubelet writes of a manifest.
fn laid_out(manifest: &str) -> BTreeMap<String, Vec<u8>> {
    use base64::prelude::{BASE64_STANDARD, Engine};
    let manifest: Value = serde_yaml::from_str(manifest).expect("YAML");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let entries = |key: &str| manifest[key].as_object().cloned().unwrap_or_default();
    let data = entries("data")
        .into_iter()
        .map(|(key, value)| (key, text(&value).into_bytes()));
    let binary = entries("binaryData")
        .into_iter()
        .map(|(key, value)| (key, BASE64_STANDARD.decode(text(&value)).expect("base64")));
    data.chain(binary).collect()
}

#[test]
fn what_is_packed_is_loaded_from_the_volume() {
    let names = ["drop-reasons", "redact", "webhook"];
    let place = path(&plugins());
    let arguments = [
        &["pack"],
        &names[..],
        &["--plugins", &place, "--namespace", "weir"],
    ]
    .concat();
    let ended = plugin(&arguments);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    has(
        &ended.stderr,
        &[
            "drop-reasons: drop-reasons.wasm",
            "drop-reasons.test.yaml",
            "3 plugins: ",
            " % of what a ConfigMap holds",
            "kubectl apply --server-side -f -",
            "the volume `plugins` of deploy/02-deployment.yaml",
        ],
    );
    let manifest = out(&ended);
    has(
        &manifest,
        &[
            "# kubectl apply --server-side",
            "name: \"weir-plugins\"",
            "namespace: \"weir\"",
        ],
    );
    assert_eq!(out(&plugin(&arguments)), manifest, "the same each time");
    let folder = Folder::new("pack");
    let volume = folder.path().join("volume");
    ConfigMapVolume::new(&volume).write(&laid_out(&manifest));
    let ended = plugin(&["list", "--plugins", &path(&volume), "--output", "json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let list = json(&ended);
    let listed: Vec<&str> = list
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(listed, names);
    let ended = plugin(&["test", "drop-reasons", "--plugins", &path(&volume)]);
    assert_eq!(
        ended.code,
        Some(0),
        "its self-tests are there: {}",
        ended.stderr
    );
}

#[test]
fn what_cannot_be_packed_is_refused() {
    let good = hostile("drop-pulled");
    let ended = plugin(&["pack", &good, &hostile("import-env")]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(1), 0));
    has(&ended.stderr, &["imports `env` (foo)"]);
    let ended = plugin(&["pack", &good, &good]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    has(&ended.stderr, &["two plugins are called `drop-pulled`"]);
    let ended = plugin(&["pack", &good, "--name", "Weir"]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(2), 0));
    has(
        &ended.stderr,
        &["--name \"Weir\": expected 1 to 253 of a-z"],
    );
    let folder = Folder::new("pack-refused");
    let source = std::fs::read(&good).expect("a plugin");
    folder.write("quiet.wat", &source);
    folder.write(
        "quiet.test.yaml",
        "[{event: {reason: Pulled}, expect: keep}]",
    );
    let ended = plugin(&["pack", "quiet", "--plugins", &path(folder.path())]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(1), 0));
    has(&ended.stderr, &["1 of 1 self-tests failed"]);
}

#[test]
fn what_does_not_fit_says_how_large_it_is_and_what_to_do() {
    let folder = Folder::new("pack-large");
    let source = String::from_utf8(std::fs::read(hostile("drop-pulled")).expect("a plugin"));
    let source = source.expect("text");
    // A custom section that gzip cannot make smaller than its 16 symbols a byte.
    let mut state = 1_u64;
    let noise: String = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        format!("\\{:02x}", state >> 56)
    })
    .take(600_000)
    .collect();
    let body = source.trim_end().strip_suffix(')').expect("a module");
    let large = format!("{body}\n(@custom \"noise\" \"{noise}\"))");
    for name in ["a", "b"] {
        folder.write(&format!("{name}.wat"), &large);
    }
    let place = path(folder.path());
    let ended = plugin(&["pack", "a", "--plugins", &place]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ended = plugin(&["pack", "a", "b", "--plugins", &place]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(1), 0));
    has(
        &ended.stderr,
        &[
            "a: a.wasm",
            "b: b.wasm",
            "do not fit: a ConfigMap holds 1048576",
            "`projected` volume",
        ],
    );
}
