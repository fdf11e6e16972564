//! `plugin.yaml`: what a plugin is called, says of itself, and how it is built. Read with the parts that read
//! configurations: all mistakes at once, each with line and column.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use weir_runtime::OnError;

use super::language::Language;
use crate::config::fields::{Field, Fields};
use crate::config::plugin_config::plain_json;
use crate::config::report::{Report, one_of};
use crate::config::tree::Kind;
use crate::config::{ConfigErrors, ErrorKind, Position, yaml};

/// The manifest's name in a plugin's folder.
pub const MANIFEST_FILE: &str = "plugin.yaml";
/// What a plugin's name must be.
pub const NAME_EXPECTED: &str =
    "lower-case letters, digits and `-`, a letter first, no `-` last, at most 63 of them";
/// As long as a DNS label, so that it can be a part of names in a cluster.
const NAME_MOST_CHARACTERS: usize = 63;

const MANIFEST_EXPECTED: &str = "a map with the keys name, version, description and language";
const BUILD_EXPECTED: &str = "a shell command that leaves the plugin in `output`";
const OUTPUT_EXPECTED: &str =
    "the file that `build` leaves, a path in the plugin's folder such as out/plugin.wasm";
const SCHEMA_EXPECTED: &str = "a JSON schema, a map";
/// As `language:`, where `build:` says how.
const OTHER: &str = "other";

/// A manifest.
#[derive(Debug, PartialEq)]
pub struct Manifest {
    /// The plugin's name, and its file's.
    pub name: String,
    /// Free text; may be empty.
    pub version: String,
    /// A sentence; may be empty.
    pub description: String,
    /// How it is built.
    pub build: Build,
    on_error: Option<OnError>,
    config_schema: Option<Value>,
}

/// How a plugin is built.
#[derive(Debug, PartialEq)]
pub enum Build {
    /// As plugins in this language are.
    Language(Language),
    /// By a command of the author's.
    Command {
        /// What a shell runs in the plugin's folder.
        command: String,
        /// What it leaves, in the plugin's folder.
        output: PathBuf,
    },
}

/// Why there is no manifest.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// No such file.
    #[error(
        "there is no {}: `weir plugin build` builds a folder that has one, such as `weir plugin new` makes",
        _0.display()
    )]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What it says is wrong.
    #[error(transparent)]
    Invalid(#[from] ConfigErrors),
}

impl Manifest {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// When there is none, or it is wrong.
    pub fn load(folder: &Path) -> Result<Manifest, ManifestError> {
        let path = folder.join(MANIFEST_FILE);
        let text = std::fs::read_to_string(&path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ManifestError::Missing(path.clone()),
            _ => ManifestError::Read {
                path: path.clone(),
                source,
            },
        })?;
        Ok(Manifest::parse(&text, &path.display().to_string())?)
    }

    /// Reads a manifest; `file` is only for error texts.
    ///
    /// # Errors
    /// With all that is wrong, by position.
    pub fn parse(text: &str, file: &str) -> Result<Manifest, ConfigErrors> {
        let mut report = Report::new(file, Path::new(""));
        let root = yaml::read(text, &mut report);
        if root.is_none() && report.errors.is_empty() {
            let start = Position { line: 1, column: 1 };
            report
                .error(ErrorKind::Missing, start, "", "the file is empty".into())
                .expected(MANIFEST_EXPECTED);
        }
        let manifest = root.and_then(|root| {
            let whole = Field {
                node: &root,
                key_at: root.at,
                path: String::new(),
            };
            let fields = whole.fields(MANIFEST_EXPECTED, &mut report)?;
            let manifest = read(&fields, &mut report);
            fields.finish(&mut report);
            manifest
        });
        let (errors, _) = report.finish();
        match manifest {
            Some(manifest) if errors.is_empty() => Ok(manifest),
            _ => Err(ConfigErrors(errors)),
        }
    }

    /// What the plugin says of itself, as it stands in its custom section.
    pub fn description(&self) -> Value {
        let mut said = json!({
            "name": self.name,
            "version": self.version,
            "description": self.description,
        });
        if let Some(on_error) = self.on_error {
            said["onError"] = on_error.label().into();
        }
        if let Some(schema) = &self.config_schema {
            said["config-schema"] = schema.clone();
        }
        said
    }
}

/// Whether it may be a plugin's name.
pub fn is_name(text: &str) -> bool {
    text.len() <= NAME_MOST_CHARACTERS
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.ends_with('-')
}

fn read(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<Manifest> {
    let name = name(fields, report);
    let text = |key, report: &mut Report<'_>| {
        let field = fields.get(key)?;
        Some(field.text("text", report)?.trim().to_owned())
    };
    let version = text("version", report).unwrap_or_default();
    let description = text("description", report).unwrap_or_default();
    let on_error = fields
        .get("onError")
        .and_then(|field| on_error(&field, report));
    let config_schema = fields
        .get("configSchema")
        .and_then(|field| schema(&field, report));
    let build = build(fields, name.as_deref().unwrap_or("plugin"), report);
    Some(Manifest {
        name: name?,
        version,
        description,
        build: build?,
        on_error,
        config_schema,
    })
}

fn name(fields: &Fields<'_>, report: &mut Report<'_>) -> Option<String> {
    let field = fields.require("name", NAME_EXPECTED, report)?;
    let name = field.text(NAME_EXPECTED, report)?;
    if is_name(name) {
        return Some(name.to_owned());
    }
    field.refuse(NAME_EXPECTED, report);
    None
}

fn on_error(field: &Field<'_>, report: &mut Report<'_>) -> Option<OnError> {
    let choices = [OnError::Keep, OnError::Drop, OnError::Hold];
    field.choice(&choices.map(|choice| (choice.label(), choice)), report)
}

fn schema(field: &Field<'_>, report: &mut Report<'_>) -> Option<Value> {
    if !matches!(field.node.kind, Kind::Map(_)) {
        field.mismatch(SCHEMA_EXPECTED, report);
        return None;
    }
    Some(plain_json(field.node, &field.path, report))
}

fn build(fields: &Fields<'_>, name: &str, report: &mut Report<'_>) -> Option<Build> {
    let languages = one_of(Language::all().map(Language::name).chain([OTHER]));
    let language = fields.get("language");
    let command = fields.get("build");
    let output = fields.get("output");
    if let Some(command) = command {
        // Whatever the language is called: the command knows.
        if let Some(language) = language {
            language.text(&languages, report)?;
        }
        let written = command.text(BUILD_EXPECTED, report)?;
        if written.trim().is_empty() {
            command.refuse(BUILD_EXPECTED, report);
            return None;
        }
        let output = match output {
            Some(field) => inside(&field, report)?,
            None => format!("{name}.wasm").into(),
        };
        return Some(Build::Command {
            command: written.to_owned(),
            output,
        });
    }
    if let Some(output) = output {
        let problem = "has no effect without `build`".to_owned();
        report
            .error(ErrorKind::Value, output.key_at, &output.path, problem)
            .help("remove it, or write the command that leaves this file as `build`");
    }
    let language = match language {
        Some(language) => language,
        None => {
            fields.require("language", &languages, report);
            return None;
        }
    };
    let word = language.text(&languages, report)?;
    if word == OTHER {
        let problem = "missing, as `language` is `other`".to_owned();
        report
            .error(ErrorKind::Missing, language.key_at, "build", problem)
            .expected(BUILD_EXPECTED);
        return None;
    }
    let found = Language::find(word);
    if found.is_none() {
        let error = language.refuse(&languages, report);
        match Language::near(word) {
            Some(near) => error.help(format!("did you mean {near:?}?")),
            None => error.help("a language that is not in the list needs `build`, and `output`"),
        };
    }
    found.map(Build::Language)
}

/// A path that does not leave the plugin's folder.
fn inside(field: &Field<'_>, report: &mut Report<'_>) -> Option<PathBuf> {
    let path = field.text(OUTPUT_EXPECTED, report)?;
    let is_plain = |part: std::path::Component<'_>| {
        use std::path::Component::{CurDir, Normal};
        matches!(part, Normal(_) | CurDir)
    };
    if path.is_empty() || path.contains('\0') || !Path::new(path).components().all(is_plain) {
        field.refuse(OUTPUT_EXPECTED, report);
        return None;
    }
    Some(path.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let errors = Manifest::parse(text, "plugin.yaml").expect_err("it is wrong");
        let errors: Vec<String> = errors.0.iter().map(ToString::to_string).collect();
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.contains(expected), "lacks {expected}: {error}");
        }
    }

    #[test]
    fn a_manifest_is_read() {
        let text = "name: drop-it\nversion: 0.10\ndescription: Drops it\nlanguage: c\nonError: hold\n\
                    configSchema: {type: object, required: [reasons]}\n";
        let manifest = Manifest::parse(text, "plugin.yaml").expect("it is right");
        assert_eq!(manifest.build, Build::Language(Language::C));
        let expected = json!({
            "name": "drop-it", "version": "0.10", "description": "Drops it", "onError": "hold",
            "config-schema": {"type": "object", "required": ["reasons"]},
        });
        assert_eq!(manifest.description(), expected);
    }

    #[test]
    fn a_command_builds_any_language() {
        let with = |rest: &str| {
            Manifest::parse(&format!("name: x\nbuild: make\n{rest}"), "plugin.yaml")
                .expect("it is right")
                .build
        };
        let command = |output: &str| Build::Command {
            command: "make".into(),
            output: output.into(),
        };
        assert_eq!(with(""), command("x.wasm"));
        assert_eq!(with("language: other"), command("x.wasm"));
        assert_eq!(
            with("language: cobol\noutput: out/a.wasm"),
            command("out/a.wasm")
        );
        assert_eq!(with("language: rust"), command("x.wasm"));
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        check(
            "name: Drop\nlanguag: c\nlanguage: pyton\nonError: kep\nconfigSchema: 1\nversion: [1]\n",
            &[
                "plugin.yaml:1:7: name: found the text \"Drop\" (expected lower-case letters",
                "plugin.yaml:2:1: languag: unknown key; did you mean \"language\"?",
                "plugin.yaml:3:11: language: found the text \"pyton\"; did you mean \"python\"?",
                "plugin.yaml:4:10: onError: found the text \"kep\"; did you mean \"keep\"?",
                "plugin.yaml:5:15: configSchema: found 1 (expected a JSON schema, a map)",
                "plugin.yaml:6:10: version: found a list (expected text)",
            ],
        );
        check("", &["plugin.yaml:1:1: the file is empty"]);
        check("- c", &["plugin.yaml:1:1: found a list (expected a map"]);
        check("language: c", &["plugin.yaml:1:1: name: missing"]);
        check(
            "name: x",
            &["plugin.yaml:1:1: language: missing (expected one of: wat, c, rust"],
        );
        check(
            "name: x\nlanguage: other",
            &["plugin.yaml:2:1: build: missing, as `language` is"],
        );
        check(
            "name: x\nlanguage: cobol",
            &["found the text \"cobol\"; a language that is not in the list needs `build`"],
        );
        check(
            "name: x\nlanguage: c\noutput: y",
            &["plugin.yaml:3:1: output: has no effect"],
        );
        for output in ["../y.wasm", "/y.wasm", "''"] {
            let text = format!("name: x\nbuild: make\noutput: {output}");
            check(&text, &["plugin.yaml:3:9: output: found the text"]);
        }
    }

    #[test]
    fn names() {
        for good in ["a", "drop-it", "x2", &"a".repeat(63)] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "2x", "-a", "A", "a_b", "a.b", "ä", &"a".repeat(64)] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
