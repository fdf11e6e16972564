//! The files of a new plugin: a template, the SDK, self-tests, and what the host writes itself.
//!
//! A template is one of the reference plugins as it stands in the repository, so what an author starts with is tested.

use super::carried;
use super::crate_manifest::{NotAlone, standalone};
use super::language::Language;
use super::manifest::{MANIFEST_FILE, Manifest};
use super::readme::readme;
use super::recipe::SCRATCH;

const CONTRACT: &str = "plugin-sdk/wit/0.1.0/weir.wit";
/// The files in which a template's name stands as the plugin's.
const NAMED: [&str; 3] = [MANIFEST_FILE, "Cargo.toml", "package.json"];

/// What a new plugin starts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// A filter that keeps or drops events.
    Filter,
    /// A filter that changes them.
    Transform,
    /// A sink.
    Sink,
}

/// A file of a new plugin.
#[derive(Debug, PartialEq, Eq)]
pub struct File {
    /// In the plugin's folder.
    pub path: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Why there is nothing to start with.
#[derive(Debug, thiserror::Error)]
pub enum NoTemplate {
    /// This program was built without it.
    #[error("this weir carries no {0} in {1}: it was built without `{2}`")]
    Absent(&'static str, &'static str, String),
    /// The SDK's manifest cannot be made to stand alone.
    #[error(transparent)]
    Manifest(#[from] NotAlone),
}

impl Template {
    /// All of them.
    pub const ALL: [Template; 3] = [Template::Filter, Template::Transform, Template::Sink];

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Template::Filter => "filter",
            Template::Transform => "transform",
            Template::Sink => "sink",
        }
    }

    /// The reference plugin's name.
    fn folder(self) -> &'static str {
        match self {
            Template::Filter => carried::FILTER,
            Template::Transform => carried::TRANSFORM,
            Template::Sink => carried::SINK,
        }
    }
}

/// The files of a new plugin, by path.
///
/// # Errors
/// When this program was built without the language's template or SDK.
pub fn scaffold(
    name: &str,
    language: Language,
    template: Template,
) -> Result<Vec<File>, NoTemplate> {
    let absent = |what: String| NoTemplate::Absent(template.label(), language.name(), what);
    let from = template.folder();
    let folder = format!("plugins/examples/{}/{from}/", language.name());
    let mut files: Vec<File> = carried::below(&folder)
        .map(|(path, bytes)| file(path, &named(path, bytes, from, name)))
        .collect();
    let manifest = files.iter().find(|file| file.path == MANIFEST_FILE);
    let description = manifest
        .and_then(|file| std::str::from_utf8(&file.bytes).ok())
        .and_then(|text| Manifest::parse(text, MANIFEST_FILE).ok())
        .map(|manifest| manifest.description)
        .ok_or_else(|| absent(format!("{folder}{MANIFEST_FILE}")))?;
    files.extend(sdk(language, &absent)?);
    let tests = format!("plugins/examples/{from}.test.yaml");
    let tests = carried::file(&tests).ok_or_else(|| absent(tests))?;
    files.push(file(&format!("{name}.test.yaml"), tests));
    let page = readme(name, language, template, &description);
    files.push(file("README.md", page.as_bytes()));
    files.push(file(".gitignore", ignored(language).as_bytes()));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn sdk(language: Language, absent: &dyn Fn(String) -> NoTemplate) -> Result<Vec<File>, NoTemplate> {
    let (sdk, at) = language.sdk();
    let folder = format!("plugin-sdk/{sdk}/");
    let contract = |path: &str| {
        let bytes = carried::file(CONTRACT).ok_or_else(|| absent(CONTRACT.into()))?;
        Ok::<_, NoTemplate>(file(path, bytes))
    };
    let mut files = Vec::new();
    for (path, bytes) in carried::below(&folder) {
        let bytes = if language == Language::Rust && path == "Cargo.toml" {
            let text = |path: &str| carried::text(path).ok_or_else(|| absent(path.to_owned()));
            let manifest = text(&format!("{folder}{path}"))?;
            standalone(manifest, text("Cargo.toml")?)?.into_bytes()
        } else {
            bytes.to_vec()
        };
        files.push(file(&format!("{at}{path}"), &bytes));
    }
    if files.is_empty() && language != Language::Wat {
        return Err(absent(folder));
    }
    if language.has_wit() {
        files.push(contract("wit/weir.wit")?);
    }
    if language == Language::Rust {
        // Where the crate looks for it: beside its own folder.
        files.push(contract("sdk/wit/0.1.0/weir.wit")?);
    }
    Ok(files)
}

fn file(path: &str, bytes: &[u8]) -> File {
    File {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
    }
}

/// A template's file with the new plugin's name where the template's is the plugin's.
fn named(path: &str, bytes: &[u8], from: &str, name: &str) -> Vec<u8> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if NAMED.contains(&path) => text,
        _ => return bytes.to_vec(),
    };
    let lines = text.split_inclusive('\n').map(|line| {
        let mut words = line.splitn(2, [':', '=']);
        let key = words.next().unwrap_or_default().trim();
        let value = words.next().map(value_of).unwrap_or_default();
        if key.trim_matches('"') == "name" && value == from {
            line.replacen(from, name, 1)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<String>().into_bytes()
}

/// What stands behind `name:` or `name =`, without quotes and a comment.
fn value_of(written: &str) -> &str {
    let written = written.split('#').next().unwrap_or_default();
    written.trim().trim_end_matches(',').trim_matches('"')
}

fn ignored(language: Language) -> String {
    let mut lines = vec!["*.wasm", "*.wasm.gz"];
    let scratch = format!("/{SCRATCH}/");
    lines.push(&scratch);
    lines.extend(language.leaves());
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_put_in_where_it_is_the_plugin_s() {
        let named = |path: &str, text: &str| {
            String::from_utf8(named(path, text.as_bytes(), "post", "mine")).expect("text")
        };
        let yaml = "# post\nname: post   # NAME.wasm\ndescription: a post\n";
        assert_eq!(
            named("plugin.yaml", yaml),
            "# post\nname: mine   # NAME.wasm\ndescription: a post\n"
        );
        let toml = "[package]\nname = \"post\"\n[dependencies]\npost = \"1\"\n";
        assert_eq!(
            named("Cargo.toml", toml),
            toml.replacen("\"post\"", "\"mine\"", 1)
        );
        let json = "{\n  \"name\": \"post\",\n  \"main\": \"post\"\n}\n";
        assert_eq!(
            named("package.json", json),
            json.replacen("post", "mine", 1)
        );
        assert_eq!(named("plugin.c", "name: post"), "name: post");
    }

    #[test]
    fn each_language_has_each_template_and_it_is_self_contained() {
        for language in Language::all() {
            for template in Template::ALL {
                let case = format!("{} {}", language.name(), template.label());
                let files = scaffold("mine", language, template)
                    .unwrap_or_else(|error| panic!("{case}: {error}"));
                let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
                for path in [
                    language.source(),
                    "README.md",
                    ".gitignore",
                    "mine.test.yaml",
                ] {
                    assert!(paths.contains(&path), "{case} lacks {path}: {paths:?}");
                }
                assert_eq!(
                    paths.contains(&"wit/weir.wit"),
                    language.has_wit(),
                    "{case}"
                );
                let manifest = files.iter().find(|file| file.path == MANIFEST_FILE);
                let text =
                    String::from_utf8_lossy(&manifest.expect("it has one").bytes).into_owned();
                let manifest = Manifest::parse(&text, MANIFEST_FILE).expect("it is right");
                assert_eq!(manifest.name, "mine", "{case}");
                assert_eq!(
                    manifest.build,
                    super::super::Build::Language(language),
                    "{case}"
                );
            }
        }
    }
}
