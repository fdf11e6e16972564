//! What to do about files that are WebAssembly and no plugin: each toolchain has its own way to go wrong.
//!
//! `docs/plugins.md` and the pages of the languages say how to build; these words are for whoever did otherwise.

use crate::plugin::{CONTRACT_VERSION, PACKAGE};
use crate::shape::Shape;

/// Names that a message shows.
const NAMES_SHOWN: usize = 5;

/// How each language exports a function.
const EXPORTING: &str = "C: __attribute__((export_name(\"process\"))); Zig: `export fn`, with -rdynamic; \
    Rust: weir_plugin::register!, in a crate of type cdylib; Go: //go:wasmexport, with -buildmode=c-shared; \
    AssemblyScript: `export function`; a component: componentize-qjs -n filter, componentize-py -w filter";

/// Of what exports no plugin's function.
pub(crate) fn no_world(shape: &Shape) -> String {
    if !shape.imported_from("gojs").is_empty() {
        return "is Go for JavaScript (it imports `gojs`): build it with GOOS=wasip1 GOARCH=wasm go build \
                -buildmode=c-shared"
            .to_owned();
    }
    if let Some(start) = ["_start", "main", "__main_void"]
        .into_iter()
        .find(|name| shape.exports(name))
    {
        return format!(
            "is a program (it exports `{start}`), not a library that exports `process` (a filter) or `deliver` (a sink): {}",
            as_library(shape)
        );
    }
    format!(
        "exports neither `process` (a filter) nor `deliver` (a sink): export one of them ({EXPORTING})"
    )
}

fn as_library(shape: &Shape) -> &'static str {
    if is_go(shape) {
        "build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared, and mark the functions with //go:wasmexport"
    } else if shape.is_made_with("Rust") || shape.is_made_with("rustc") {
        "make it one: in Cargo.toml [lib] crate-type = [\"cdylib\"], the code in src/lib.rs, and \
         weir_plugin::register! in it"
    } else {
        "build it as one (Go: -buildmode=c-shared; Rust: crate-type = [\"cdylib\"]; C: -Wl,--no-entry, with wasi-libc \
         -mexec-model=reactor; Zig: -fno-entry -rdynamic)"
    }
}

/// Of a module that exports a plugin's functions, and cannot work all the same: Go's runtime behind them is never started.
pub(crate) fn never_started(shape: &Shape) -> Option<String> {
    let is_program = shape.exports("_start") && !shape.exports("_initialize");
    (is_program && is_go(shape)).then(|| {
        format!(
            "is a program (it exports `_start`), so that Go's runtime would not be there when a function is called: {}",
            as_library(shape)
        )
    })
}

fn is_go(shape: &Shape) -> bool {
    shape.is_made_with("Go") || shape.is_made_with("TinyGo")
}

/// Of memory that is none of a plugin's: its own, of 32 bits, for one thread.
pub(crate) fn memory(shape: &Shape) -> Option<&'static str> {
    if shape.has_shared_memory {
        return Some(
            "has a memory that is shared between threads, and a plugin has one thread: build it without threads (C and Zig: \
             no -pthread, no --shared-memory; Rust: no +atomics; AssemblyScript: no --sharedMemory)",
        );
    }
    if shape.has_memory64 {
        return Some(
            "has a memory with 64-bit addresses, which components cannot have: build it for wasm32 (C: --target=wasm32; \
             Rust: wasm32-unknown-unknown; no --enable memory64)",
        );
    }
    let imports_memory = shape
        .imports
        .iter()
        .any(|import| import.names.iter().any(|name| name == "memory"));
    (imports_memory && !shape.exports("memory")).then_some(
        "imports its memory, and a plugin has its own: build it without --import-memory (AssemblyScript: --importMemory), and \
         export the memory as `memory`",
    )
}

/// What to do where an export is missing.
pub(crate) const MEMORY: &str = "export its linear memory under this name (C: -Wl,--export-memory; a .wat: (memory (export \"memory\") 1))";
pub(crate) const REALLOC: &str = "export an allocator (old pointer, old length, alignment, new length) -> pointer, for \
    texts that weir hands over (the SDK of each language has one; Rust without it: wit-bindgen 0.60 dropped it, use 0.58)";
pub(crate) const SETUP: &str =
    "export it: it takes the configuration as JSON and may accept anything";

/// An import that is none of the contract's, with the names that are wanted of it.
pub(crate) fn foreign_import(module: &str, names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMES_SHOWN).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMES_SHOWN);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" and {more} more")
    };
    let wanted = if shown.is_empty() {
        String::new()
    } else {
        format!(" ({}{more})", shown.join(", "))
    };
    format!(
        "imports `{module}`{wanted}, which weir does not offer: expected imports of {PACKAGE}*@{CONTRACT_VERSION} only; {}",
        about_import(module, names)
    )
}

fn about_import(module: &str, names: &[String]) -> &'static str {
    let names_any = |parts: &[&str]| {
        let is_one = |name: &String| parts.iter().any(|part| name.contains(part));
        names.iter().any(is_one)
    };
    if module.starts_with("wasi:") {
        return "build it without WASI 0.2 (componentize-qjs and componentize-py: --stub-wasi; Rust: target \
                wasm32-unknown-unknown; Go: go build, not TinyGo's wasip2)";
    }
    if module == "wasi_unstable" {
        return "this is WASI before preview 1: build it with newer tools, for target wasip1";
    }
    if module.contains("wbindgen") || module == "wbg" || names_any(&["__wbindgen", "__wbg_"]) {
        return "a crate that it uses counts on JavaScript: build with weir-plugin alone, without wasm-bindgen, js-sys and \
                web-sys (chrono: default-features = false, no `wasmbind`; getrandom and uuid: no `js`; `cargo tree -i \
                wasm-bindgen` says who wants it)";
    }
    if module != "env" {
        return "build it without what needs this";
    }
    if names_any(&["abort"]) && names.iter().all(|name| is_assemblyscript(name)) {
        return "for AssemblyScript, say with --use where these come from: --use abort=weir/abort_ (the SDK's weir.ts has it; \
                `weir plugin build` does it), or build without what needs them";
    }
    if names_any(&["emscripten", "invoke_", "__cxa_", "_embind"]) {
        return "Emscripten counts on JavaScript: build with clang (--target=wasm32, -nostdlib or wasi-libc), C++ without \
                exceptions (-fno-exceptions)";
    }
    "these functions are declared and nowhere defined: write them, or link what has them (C: wasi-libc, for a part of \
     libc; --no-allow-undefined makes the linker say where they are used)"
}

/// What AssemblyScript's own runtime imports from `env`.
fn is_assemblyscript(name: &str) -> bool {
    matches!(name, "abort" | "trace" | "seed") || name.starts_with("console.")
}

/// What to do where the compiler says that it does not know a feature.
pub(crate) fn about_compiler(error: &str) -> &'static str {
    let has = |parts: &[&str]| parts.iter().any(|part| error.contains(part));
    if has(&["component model async", "component-model async", "async"]) {
        "; no plugin of this contract is asynchronous: componentize-qjs: build it with --sync; other tools: without async"
    } else if has(&["exceptions proposal", "legacy exceptions"]) {
        "; weir runs no WebAssembly exceptions: build it without (C++: -fno-exceptions; Rust: panic = \"abort\"; no \
         --enable-exception-handling)"
    } else if has(&[
        "gc types",
        "gc proposal",
        "garbage collect",
        "function references",
        "gc is disabled",
    ]) {
        "; weir runs no WebAssembly that needs the garbage collector of the host (Kotlin, Dart, Java make such): use a \
         language that brings its own"
    } else if has(&["threads", "shared", "atomic"]) {
        "; a plugin has one thread: build it without threads (no -pthread, no +atomics)"
    } else if has(&["memory64", "64-bit"]) {
        "; build it for wasm32"
    } else if has(&["not enabled", "not supported", "disabled", "requires the"]) {
        "; the tool that made it uses what this weir does not run: build it for the features of WebAssembly 2.0 (C, Rust: \
         without -mcpu=bleeding-edge)"
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_names_are_not_all_shown() {
        let names: Vec<String> = (0..7).map(|number| format!("f{number}")).collect();
        let said = foreign_import("env", &names);
        assert!(
            said.starts_with("imports `env` (f0, f1, f2, f3, f4 and 2 more), which"),
            "{said}"
        );
        assert!(foreign_import("x", &[]).starts_with("imports `x`, which weir does not offer"));
    }

    #[test]
    fn assemblyscript_is_told_from_c() {
        let advice = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            about_import("env", &names)
        };
        assert!(advice(&["abort", "seed"]).contains("--use abort"));
        assert!(advice(&["abort", "memcpy"]).contains("nowhere defined"));
        assert!(advice(&["emscripten_resize_heap"]).contains("Emscripten"));
    }
}
