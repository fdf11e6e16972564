//! What an author of a plugin does, in any language: a new folder, the build, the tests, all with the real binary.
//!
//! Builds have the environment of this process, because compilers need theirs; what they keep goes to the target folder.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::folder::copy;
use crate::program::{binary, plugins, target, workspace};

/// The kinds of plugins that `weir plugin new` makes, each with the reference plugin that is its template.
pub const KINDS: [(&str, &str); 3] = [
    ("filter", "drop-reasons"),
    ("transform", "label-team"),
    ("sink", "post"),
];
/// Says which languages there must be: `all`, or whatever is there.
const REQUIRED: &str = "WEIR_LANGUAGES";

/// A language, as `weir plugin languages --output json` shows it.
#[derive(Clone, Debug, Deserialize)]
pub struct Language {
    /// What `--lang` takes.
    pub language: String,
    /// Whether its tools are there.
    pub ready: bool,
    /// What is missing.
    pub missing: Option<String>,
    /// What installs it.
    pub install: String,
}

impl Language {
    /// Where its SDK is in the repository.
    fn sdk(&self) -> PathBuf {
        let folder = match self.language.as_str() {
            "typescript" => "javascript",
            other => other,
        };
        workspace().join("plugin-sdk").join(folder)
    }

    /// The first program of its page, and the file that it belongs into; none where another language has the page.
    pub fn first_program(&self) -> Option<(String, &'static str)> {
        let file = match self.language.as_str() {
            "wat" => "plugin.wat",
            "c" => "plugin.c",
            "rust" => "src/lib.rs",
            "zig" => "plugin.zig",
            "go" => "plugin.go",
            "assemblyscript" => "plugin.ts",
            "javascript" => "plugin.js",
            "python" => "plugin.py",
            _ => return None,
        };
        let page = std::fs::read_to_string(self.sdk().join("README.md")).ok()?;
        let (_, block) = page.split_once("\n```")?;
        let (_, program) = block.split_once('\n')?;
        let (program, _) = program.split_once("\n```")?;
        Some((format!("{program}\n"), file))
    }

    /// The sources of its plugin that shows what the SDK can; none where it has no SDK of its own.
    pub fn conformance(&self, kind: &str) -> Option<PathBuf> {
        let folder = self.sdk().join("conformance").join(kind);
        (self.language != "typescript" && folder.is_dir()).then_some(folder)
    }
}

/// All languages, those whose tools are missing too.
pub fn languages() -> Vec<Language> {
    let printed = Command::new(binary())
        .args(["plugin", "languages", "--output", "json"])
        .output()
        .expect("weir can be run");
    let said = String::from_utf8_lossy(&printed.stderr);
    serde_json::from_slice(&printed.stdout)
        .unwrap_or_else(|error| panic!("`weir plugin languages` printed no list: {error}; {said}"))
}

/// Whether a language whose tools are missing is a failure.
pub fn are_all_required() -> bool {
    std::env::var_os(REQUIRED).is_some_and(|value| value == "all")
}

/// Runs a line as it is typed, in a folder; `weir` is on the search path.
///
/// # Errors
/// With all that it printed, where it does not end with 0.
pub fn type_line(line: &str, folder: &Path) -> Result<String, String> {
    let binary = binary();
    let own = binary.parent().map(Path::to_path_buf);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(own.into_iter().chain(std::env::split_paths(&path)));
    let ended = Command::new("sh")
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", path.expect("the search path can be extended"))
        .env("WEIR_PLUGINS", plugins())
        .env("XDG_CACHE_HOME", target().join("weir-tests/cache"))
        // Rust's standard library for wasm is built once, not for each plugin.
        .env("CARGO_TARGET_DIR", target().join("weir-tests/cargo"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run sh: {error}"))?;
    let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
    if ended.status.success() {
        return Ok(stdout);
    }
    let stderr = String::from_utf8_lossy(&ended.stderr);
    Err(format!(
        "`{line}` ended with {}:\n{stdout}{stderr}",
        ended.status
    ))
}

/// Makes a plugin of a language's own sources for conformance; gives its file.
///
/// # Errors
/// What failed, with all that was printed.
pub fn build_conformance(
    language: &Language,
    kind: &str,
    folder: &Path,
) -> Result<PathBuf, String> {
    let sources = language
        .conformance(kind)
        .ok_or_else(|| format!("{} has no conformance/{kind}", language.sdk().display()))?;
    let lang = &language.language;
    let new = format!("weir plugin new conformance-{kind} --lang {lang} --kind {kind}");
    type_line(&new, folder)?;
    let plugin = folder.join(format!("conformance-{kind}"));
    copy(&sources, &plugin);
    type_line("weir plugin build", &plugin)?;
    Ok(plugin.join(format!("conformance-{kind}.wasm")))
}
