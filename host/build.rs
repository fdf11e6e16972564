//! Makes the table of what `weir plugin new` carries: the SDKs, the templates, their self-tests and the contract,
//! each file as its path in the repository and its bytes.
//!
//! A folder that is not there leaves its files out; a unit test of `author` says which language lacks something.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The templates, which are the reference plugins: the kind of plugin, and the folder's name in each language's examples.
/// They are named here and not in the sources, because the host knows no plugin by name.
const TEMPLATES: [(&str, &str); 3] = [
    ("FILTER", "drop-reasons"),
    ("TRANSFORM", "label-team"),
    ("SINK", "post"),
];
/// What a tool leaves, and what belongs to the repository only.
const SKIPPED: [&str; 5] = [
    "target",
    "node_modules",
    "__pycache__",
    "conformance",
    "README.md",
];

fn main() -> io::Result<()> {
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("..");
    for watched in ["Cargo.toml", "plugin-sdk", "plugins/examples"] {
        println!("cargo::rerun-if-changed={}", root.join(watched).display());
    }
    let mut carried = vec![
        "Cargo.toml".to_owned(),
        "plugin-sdk/rust/Cargo.toml".to_owned(),
        "plugin-sdk/wit/0.1.0/weir.wit".to_owned(),
    ];
    walk(&root, "plugin-sdk/rust/src", &mut carried)?;
    for language in folders(&root.join("plugin-sdk"))? {
        let folder = format!("plugin-sdk/{language}");
        if language == "go" {
            // A module with packages.
            walk(&root, &folder, &mut carried)?;
            continue;
        }
        for file in fs::read_dir(root.join(&folder))? {
            // An SDK is `weir.h`, `weir.zig` and the like; what else lies there is for its own tests.
            let name = file?.file_name().to_string_lossy().into_owned();
            if name.starts_with("weir.") {
                carried.push(format!("{folder}/{name}"));
            }
        }
    }
    for language in folders(&root.join("plugins/examples"))? {
        for (_, template) in TEMPLATES {
            let folder = format!("plugins/examples/{language}/{template}");
            if root.join(&folder).is_dir() {
                walk(&root, &folder, &mut carried)?;
            }
        }
    }
    for (_, template) in TEMPLATES {
        let tests = format!("plugins/examples/{template}.test.yaml");
        if root.join(&tests).is_file() {
            carried.push(tests);
        }
    }
    carried.sort();
    let table = Path::new(&variable("OUT_DIR")?).join("carried.rs");
    fs::write(table, source(&root, &carried))
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}

/// The names of the folders in a folder.
fn folders(parent: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(parent)? {
        let entry = entry?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// Adds all files below a folder.
fn walk(root: &Path, folder: &str, carried: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_left = name.ends_with(".wasm") || name.ends_with("_test.go");
        if name.starts_with('.') || is_left || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            walk(root, &path, carried)?;
        } else {
            carried.push(path);
        }
    }
    Ok(())
}

fn source(root: &Path, carried: &[String]) -> String {
    let mut text = String::new();
    for (kind, template) in TEMPLATES {
        let _ = writeln!(text, "pub(super) const {kind}: &str = {template:?};");
    }
    text.push_str("pub(super) static FILES: &[(&str, &[u8])] = &[\n");
    for path in carried {
        let file = root.join(path);
        let _ = writeln!(text, "    ({path:?}, include_bytes!({file:?})),");
    }
    text.push_str("];\n");
    text
}
