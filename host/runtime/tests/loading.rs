//! Files that are loaded and files that are refused: what each refusal says.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};

use common::*;
use weir_runtime::{Compiler, Kind, OnError, Plugin, PluginFile, Shape};

fn write(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file");
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).expect("memory");
    packer.finish().expect("memory")
}

fn refusal(path: &Path) -> String {
    let error = PluginFile::read(path).err().expect("it is refused");
    assert_eq!(error.file, path);
    error.problem.to_string()
}

fn text(body: &str) -> Vec<u8> {
    wat::parse_str(body).expect("valid text")
}

#[test]
fn text_binary_and_packed_are_the_same_plugin() {
    let folder = Folder::new("loading-forms");
    let source = std::fs::read(hostile("drop-pulled")).expect("a file");
    let binary = wat::parse_bytes(&source).expect("valid text").into_owned();
    for (name, bytes) in [
        ("a.wat", source.clone()),
        ("b.wasm", binary.clone()),
        ("c.wasm.gz", gzip(&binary)),
        ("d.wasm", gzip(&source)), // by content, not by ending
    ] {
        let path = write(&folder, name, &bytes);
        let plugin = Plugin::load(engine(), &Compiler::InProcess, None, &path)
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(plugin.name, name[..1]);
        assert_eq!(plugin.kind, Kind::Filter);
        assert_eq!(plugin.imports, ["event.reason"]);
        assert_eq!(plugin.contract, "0.1.0");
        assert_eq!(plugin.file_bytes, bytes.len() as u64);
    }
}

#[test]
fn a_component_is_used_as_it_is() {
    let folder = Folder::new("loading-component");
    let source = std::fs::read(hostile("drop-pulled")).expect("a file");
    let module = wat::parse_bytes(&source).expect("valid text");
    let component = weir_runtime::lift(&module).expect("it lifts");
    assert_eq!(weir_runtime::lift(&component).expect("as it is"), component);
    let path = write(&folder, "x.wasm", &component);
    let plugin = Plugin::load(engine(), &Compiler::InProcess, None, &path).expect("it loads");
    assert_eq!((plugin.kind, plugin.name.as_str()), (Kind::Filter, "x"));
}

#[test]
fn a_component_without_setup_is_refused_when_it_is_loaded() {
    let body = r#"(component
      (core module $m (func (export "process") (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (func (export "process") (result u32) (canon lift (core func $i "process"))))"#;
    let folder = Folder::new("loading-no-setup");
    let path = write(&folder, "x.wat", body.as_bytes());
    let error = Plugin::load(engine(), &Compiler::InProcess, None, &path).expect_err("no setup");
    assert!(
        error
            .problem
            .to_string()
            .starts_with("exports no `setup`: export it"),
        "{error}"
    );
}

#[test]
fn what_is_no_plugin_file_is_refused_with_a_reason() {
    let folder = Folder::new("loading-files");
    let path = write(&folder, "notes.txt", b"");
    assert_eq!(
        refusal(&path),
        "expected a name that ends in .wasm, .wasm.gz or .wat"
    );
    let path = write(&folder, ".hidden.wasm", b"");
    assert_eq!(
        refusal(&path),
        "expected a name that ends in .wasm, .wasm.gz or .wat"
    );
    let path = write(&folder, "empty.wasm", b"");
    assert!(refusal(&path).starts_with("is no WebAssembly: expected a binary module"));
    let path = write(&folder, "noise.wasm", &[0xff, 0xd8, 0xff]);
    assert!(refusal(&path).starts_with("is no WebAssembly"));
    let path = write(&folder, "page.wasm", b"<html>404 not found</html>");
    assert!(refusal(&path).starts_with("its text does not assemble"));
    let packed = gzip(b"(module)");
    let path = write(&folder, "cut.wasm.gz", &packed[..packed.len() - 6]);
    assert!(refusal(&path).starts_with("cannot be unpacked"));
    let path = folder.join("folder.wasm");
    std::fs::create_dir(&path).expect("a folder");
    assert_eq!(refusal(&path), "is no regular file");
    assert!(refusal(&folder.join("missing.wasm")).starts_with("cannot be read: No such file"));
}

#[test]
fn a_damaged_module_is_refused_when_it_is_compiled() {
    let folder = Folder::new("loading-damaged");
    let source = std::fs::read(hostile("drop-pulled")).expect("a file");
    let binary = wat::parse_bytes(&source).expect("valid text");
    for length in [8, 9, 40, binary.len() / 2, binary.len() - 1] {
        let path = write(&folder, "x.wasm", &binary[..length]);
        let error = Plugin::load(engine(), &Compiler::InProcess, None, &path)
            .expect_err("a part is no plugin");
        let problem = error.problem.to_string();
        let expected = if length == 8 {
            "exports neither `process`"
        } else {
            "is damaged ("
        };
        assert!(problem.starts_with(expected), "{length}: {problem}");
    }
}

#[test]
fn exports_choose_the_world_and_what_lacks_is_named() {
    for (name, starts_with) in [
        (
            "both",
            "exports both `process` (a filter) and `deliver` (a sink)",
        ),
        (
            "neither",
            "exports neither `process` (a filter) nor `deliver` (a sink): export one",
        ),
        (
            "no-realloc",
            "exports no `cabi_realloc`: export an allocator (old pointer",
        ),
        ("no-memory", "exports no `memory`: export its linear memory"),
        (
            "no-setup",
            "exports no `setup`: export it: it takes the configuration",
        ),
        (
            "process-typed-wrong",
            "cannot be lifted to a component: failed to classify export `process`",
        ),
    ] {
        let problem = load_error(name);
        assert!(problem.starts_with(starts_with), "{name}: {problem}");
    }
}

#[test]
fn foreign_imports_are_named_with_what_to_do() {
    for (name, starts_with, advice) in [
        (
            "import-wasi-http",
            "imports `wasi:http/outgoing-handler@0.2.0` (handle), which weir does not offer",
            "build it without WASI 0.2",
        ),
        (
            "import-env",
            "imports `env` (foo), which weir does not offer",
            "declared and nowhere defined: write them, or link what has them",
        ),
        (
            "import-undefined",
            "imports `env` (memcpy, strlen), which weir does not offer",
            "declared and nowhere defined: write them, or link what has them",
        ),
        (
            "import-abort",
            "imports `env` (abort), which weir does not offer",
            "--use abort=weir/abort_",
        ),
        (
            "import-memory",
            "imports its memory, and a plugin has its own",
            "build it without --import-memory",
        ),
        (
            "import-wbindgen",
            "imports `__wbindgen_placeholder__` (__wbindgen_describe), which weir does not offer",
            "build with weir-plugin alone, without wasm-bindgen",
        ),
        (
            "component-wasi",
            "imports `wasi:cli/environment@0.2.6`, which weir does not offer",
            "componentize-qjs and componentize-py: --stub-wasi",
        ),
        (
            "import-batch",
            "imports `weir:plugin/batch@0.1.0`, which is for a sink, and exports a filter",
            "expected one or the other",
        ),
        (
            "wasi-unknown",
            "cannot be lifted",
            "`path_teleport`; weir's WASI stub has all of preview 1",
        ),
    ] {
        let problem = load_error(name);
        assert!(problem.starts_with(starts_with), "{name}: {problem}");
        assert!(problem.contains(advice), "{name}: {problem}");
    }
}

#[test]
fn programs_are_told_from_libraries() {
    for (name, starts_with, advice) in [
        (
            "go-command",
            "is a program (it exports `_start`), not a library that exports `process`",
            "go build -buildmode=c-shared, and mark the functions with //go:wasmexport",
        ),
        (
            "go-command-exports",
            "is a program (it exports `_start`), so that Go's runtime would not be there",
            "go build -buildmode=c-shared",
        ),
        (
            "import-gojs",
            "is Go for JavaScript (it imports `gojs`)",
            "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared",
        ),
        (
            "rust-program",
            "is a program (it exports `main`), not a library",
            "[lib] crate-type = [\"cdylib\"]",
        ),
        (
            "neither",
            "exports neither `process` (a filter) nor `deliver` (a sink): export one of them",
            "__attribute__((export_name(\"process\")))",
        ),
        ("no-memory", "exports no `memory`", "-Wl,--export-memory"),
        (
            "no-realloc",
            "exports no `cabi_realloc`",
            "wit-bindgen 0.60 dropped it, use 0.58",
        ),
    ] {
        let problem = load_error(name);
        assert!(problem.starts_with(starts_with), "{name}: {problem}");
        assert!(problem.contains(advice), "{name}: {problem}");
    }
}

#[test]
fn features_that_are_not_run_are_named_with_what_to_do() {
    for (name, starts_with, advice) in [
        (
            "component-async",
            "cannot be compiled: ",
            "componentize-qjs: build it with --sync",
        ),
        ("exceptions", "cannot be compiled: ", "-fno-exceptions"),
        (
            "gc",
            "cannot be compiled: ",
            "use a language that brings its own",
        ),
        (
            "memory64",
            "has a memory with 64-bit addresses, which components cannot have",
            "build it for wasm32",
        ),
        (
            "memory-shared",
            "has a memory that is shared between threads, and a plugin has one thread",
            "no -pthread",
        ),
    ] {
        let problem = load_error(name);
        assert!(problem.starts_with(starts_with), "{name}: {problem}");
        assert!(problem.contains(advice), "{name}: {problem}");
    }
    for name in ["simd", "tail-call"] {
        filter(name).process(event("Fine").event()).expect(name);
    }
}

#[test]
fn what_is_seen_of_a_file_needs_no_plugin() {
    let shape = |name: &str| {
        let file = PluginFile::read_undescribed(&hostile(name)).expect("WebAssembly");
        Shape::read(&file.wasm).0
    };
    let go = shape("go-command");
    assert!(!go.is_component && !go.is_typed);
    assert_eq!(go.wasi(), ["proc_exit"]);
    assert_eq!(go.exports, ["memory", "_start"]);
    assert_eq!(go.memory_bytes, 65536);
    let tools: Vec<String> = go
        .tools
        .iter()
        .map(|tool| format!("{} {} {}", tool.role, tool.name, tool.version))
        .collect();
    assert_eq!(
        tools,
        [
            "language Go go1.26.0",
            "processed-by Go cmd/compile go1.26.0"
        ]
    );
    let wasi = shape("component-wasi");
    assert!(wasi.is_component);
    let modules: Vec<&str> = wasi
        .imports
        .iter()
        .map(|import| import.module.as_str())
        .collect();
    assert_eq!(
        modules,
        [
            "wasi:cli/environment@0.2.6",
            "wasi:clocks/monotonic-clock@0.2.6"
        ]
    );
    assert_eq!(wasi.exports, ["setup", "process"]);
    assert_eq!(shape("memories").memory_bytes, 3 * (12 << 20));
}

#[test]
fn what_can_be_read_of_a_damaged_module_is_shown() {
    let source = std::fs::read(hostile("drop-pulled")).expect("a file");
    let binary = wat::parse_bytes(&source).expect("valid text");
    for length in 8..binary.len() {
        if let (_, Some(problem)) = Shape::read(&binary[..length]) {
            assert!(problem.to_string().starts_with("is damaged ("), "{problem}");
        }
    }
    let (shape, damage) = Shape::read(&binary[..binary.len() - 1]);
    assert!(damage.is_some() && shape.exports("process") && shape.imports.len() == 1);
    assert!(Shape::read(b"").1.is_some());
    assert!(Shape::read(b"\0asm\x0d\0\x01\0\xff").1.is_some());
}

#[test]
fn other_versions_of_the_contract() {
    for (name, starts_with, advice) in [
        (
            "import-0.2.0",
            "imports `weir:plugin/event@0.2.0`: this weir runs plugins of contract 0.1;",
            "or run a weir that knows 0.2.0",
        ),
        (
            "import-0.1.7-unknown",
            "needs contract 0.1.7 or later, this weir has 0.1.0:",
            "missing function `mood`",
        ),
        (
            "import-0.1.7-interface",
            "needs contract 0.1.7 or later, this weir has 0.1.0:",
            "`weir:plugin/weather@0.1.7`",
        ),
        (
            "import-unknown",
            "does not fit world `filter` of weir:plugin@0.1.0:",
            "build it with the WIT in plugin-sdk/wit/0.1.0",
        ),
        (
            "import-typed-wrong",
            "does not fit world `filter` of weir:plugin@0.1.0:",
            "type mismatch for function `reason`",
        ),
    ] {
        let problem = load_error(name);
        assert!(problem.starts_with(starts_with), "{name}: {problem}");
        assert!(problem.contains(advice), "{name}: {problem}");
    }
}

#[test]
fn a_newer_contract_of_which_nothing_new_is_needed_works() {
    let mut filter = filter("import-0.1.7");
    assert_eq!(dropped(filter.process(event("Fine").event())), "Fine");
}

#[test]
fn the_standard_mangling_works() {
    let mut filter = filter("mangled");
    assert_eq!(dropped(filter.process(event("Fine").event())), "Fine");
    assert_eq!(filter.plugin().imports, ["event.reason"]);
}

#[test]
fn a_plugin_describes_itself_in_a_custom_section() {
    let folder = Folder::new("loading-description");
    let module = |json: &str| {
        let json = json.replace('\\', "\\\\").replace('"', "\\\"");
        text(&format!(r#"(module (@custom "weir" "{json}"))"#))
    };
    let full = r#"{"name":"quiet","version":"1.2.0","description":"Drops\u001b[31m noise","config-schema":{"type":"object"},"onError":"hold","later":1}"#;
    let file = PluginFile::read(&write(&folder, "a.wasm", &module(full))).expect("valid");
    let read = file.description;
    assert_eq!(
        (read.name.as_str(), read.version.as_str()),
        ("quiet", "1.2.0")
    );
    assert_eq!(read.description, "Drops\\u{1b}[31m noise"); // safe to show
    assert_eq!(read.on_error, Some(OnError::Hold));
    assert!(read.config_schema.is_some());
    let path = write(&folder, "b.wasm", &module("{\"onError\":\"retry\"}"));
    let problem = refusal(&path);
    assert!(
        problem.starts_with("its custom section `weir` is not valid: unknown variant `retry`"),
        "{problem}"
    );
    let huge = format!("{{\"name\":\"{}\"}}", "x".repeat(300_000));
    let problem = refusal(&write(&folder, "c.wasm", &module(&huge)));
    assert!(problem.contains("expected at most 262144"), "{problem}");
}
