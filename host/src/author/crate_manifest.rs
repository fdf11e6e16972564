//! The manifest of a crate of this workspace, for a folder outside of it.
//!
//! What it inherits is looked up in the workspace's own manifest, so there is no second list of versions that could be out
//! of date. What only this repository needs is left out: lints, development dependencies, examples.

use std::fmt::Write;

/// A line of the manifest inherits in a way that is not known here.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot resolve `{0}` in the manifest of the crate that weir carries")]
pub struct NotAlone(String);

/// Sections that are of no use outside.
const LEFT_OUT: [&str; 6] = [
    "[lints]",
    "[dev-dependencies]",
    "[[example]]",
    "[[test]]",
    "[[bench]]",
    "[workspace]",
];

/// Makes a manifest that stands alone of one that inherits from `workspace`.
pub(super) fn standalone(manifest: &str, workspace: &str) -> Result<String, NotAlone> {
    let mut text = String::new();
    let mut section = "";
    // Comments belong to what comes after them.
    let mut comments = String::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line;
        }
        if LEFT_OUT.contains(&section) {
            // A comment at its end is about the next section.
            let _ = match line.starts_with('#') {
                true => writeln!(comments, "{line}"),
                false => {
                    comments.clear();
                    Ok(())
                }
            };
        } else if line.starts_with('#') {
            let _ = writeln!(comments, "{line}");
        } else {
            text.push_str(&comments);
            comments.clear();
            let _ = writeln!(text, "{}", resolved(line, section, workspace)?);
        }
    }
    Ok(format!("{}\n", text.trim_end()))
}

fn resolved(line: &str, section: &str, workspace: &str) -> Result<String, NotAlone> {
    if !line.contains("workspace") {
        return Ok(line.to_owned());
    }
    let key = line.split(['.', ' ', '=']).next().unwrap_or_default();
    let rest: String = line[key.len()..].split_whitespace().collect();
    let inherits = [".workspace=true", "={workspace=true}"].contains(&rest.as_str());
    let from = if section == "[package]" {
        "[workspace.package]"
    } else {
        "[workspace.dependencies]"
    };
    let value = inherits.then(|| value(key, from, workspace)).flatten();
    match value {
        // A path leads nowhere outside.
        Some(value) if !value.contains("path =") => Ok(format!("{key} = {value}")),
        _ => Err(NotAlone(line.to_owned())),
    }
}

/// What a section says of a key.
fn value<'w>(key: &str, section: &str, manifest: &'w str) -> Option<&'w str> {
    let inside = manifest.lines().skip_while(|line| *line != section).skip(1);
    let mut lines = inside.take_while(|line| !line.starts_with('['));
    lines.find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then_some(value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = r#"[workspace]
members = ["a"]

[workspace.package]
version = "1.2.3"
publish = false

[workspace.dependencies]
mine = { path = "mine" }
# Why.
serde = { version = "1.0", features = ["derive"] }
sha2 = "0.11"
"#;

    #[test]
    fn what_is_inherited_is_put_in_and_the_rest_stays() {
        let manifest = r#"[package]
name = "a"
version.workspace = true

[lints]
workspace = true

[dependencies]
serde = { workspace = true }
# Small.
other = { version = "2", default-features = false }

# Only there.
[target.'cfg(unix)'.dependencies]
sha2.workspace = true

# For the example.
[dev-dependencies]
wasmparser.workspace = true
"#;
        let expected = r#"[package]
name = "a"
version = "1.2.3"

[dependencies]
serde = { version = "1.0", features = ["derive"] }
# Small.
other = { version = "2", default-features = false }

# Only there.
[target.'cfg(unix)'.dependencies]
sha2 = "0.11"
"#;
        assert_eq!(standalone(manifest, WORKSPACE).as_deref(), Ok(expected));
    }

    #[test]
    fn what_cannot_be_resolved_is_said() {
        for line in [
            "unknown.workspace = true",
            "mine.workspace = true",
            "serde = { workspace = true, features = [\"rc\"] }",
        ] {
            let manifest = format!("[dependencies]\n{line}\n");
            let refused = standalone(&manifest, WORKSPACE);
            assert_eq!(refused, Err(NotAlone(line.to_owned())), "{line}");
        }
    }

    #[test]
    fn the_sdk_stands_alone() {
        let text = |path| super::super::carried::text(path).expect("it is carried");
        let manifest = standalone(text("plugin-sdk/rust/Cargo.toml"), text("Cargo.toml"));
        let manifest = manifest.expect("all of it is known");
        for part in [
            "\nversion = \"",
            "\nedition = \"",
            "\nserde = {",
            "\nwit-bindgen = {",
        ] {
            assert!(manifest.contains(part), "lacks {part}: {manifest}");
        }
        let mut lines = manifest.lines().filter(|line| !line.starts_with('#'));
        let inherits = |line: &str| line.contains("workspace") || line.contains("path =");
        assert_eq!(lines.find(|line| inherits(line)), None, "{manifest}");
        assert!(!manifest.contains("dev-dependencies"), "{manifest}");
    }
}
