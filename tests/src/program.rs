//! Where the binary, the bundled plugins and the folders of the tests are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder or file of `tests/`.
pub fn tests(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The root of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ is in the workspace")
}

/// Cargo's target folder: this program lies in `<target>/release/deps`.
pub fn target() -> PathBuf {
    let program = std::env::current_exe().expect("this program has a path");
    program
        .ancestors()
        .nth(3)
        .expect("cargo puts tests into <target>/<profile>/deps")
        .to_owned()
}

/// The binary: `WEIR_BIN`, else what `cargo xtask build` left.
pub fn binary() -> PathBuf {
    existing("WEIR_BIN", "dist/weir")
}

/// The folder of the bundled plugins: `WEIR_PLUGINS`, else what `cargo xtask build` left.
pub fn plugins() -> PathBuf {
    existing("WEIR_PLUGINS", "dist/plugins")
}

/// The folder of built example plugins: `WEIR_EXAMPLES`, else what `cargo xtask build` left.
pub fn examples() -> PathBuf {
    existing("WEIR_EXAMPLES", "dist/examples")
}

fn existing(variable: &str, in_target: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| target().join(in_target), PathBuf::from);
    assert!(
        path.exists(),
        "there is no {}: run `cargo xtask build` first (or set {variable})",
        path.display()
    );
    path
}

/// The binary with an environment that is the same everywhere. What it compiles is kept in the target folder.
pub fn weir<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(binary());
    command
        .env_clear()
        .env("WEIR_PLUGINS", plugins())
        .env("XDG_CACHE_HOME", target().join("weir-tests/cache"))
        .args(arguments);
    command
}
