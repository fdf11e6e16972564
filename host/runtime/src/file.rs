//! A plugin's file: read, unpacked, its digest, and what it says of itself.
//!
//! Nothing is compiled or run here, so a description can be shown for a plugin that does not load.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{LoadError, LoadProblem};
use crate::logs::clean;

/// The largest plugin that is read, packed or unpacked: a whole Python interpreter is 18.5 MB.
pub const PLUGIN_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// The endings of plugin files, the longest first.
pub const PLUGIN_ENDINGS: [&str; 3] = [".wasm.gz", ".wasm", ".wat"];

/// Bytes of a description; a JSON schema may be in it.
const DESCRIPTION_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a description's texts, which are shown in tables and log lines.
const DESCRIPTION_TEXT_BYTES_MAX: usize = 512;

/// The name of the custom section in which a plugin describes itself.
pub(crate) const DESCRIPTION_SECTION: &str = "weir";

/// What a plugin's file holds.
pub struct PluginFile {
    /// Where it was read.
    pub path: PathBuf,
    /// The file's stem: what `plugin:` in a configuration names.
    pub name: String,
    /// WebAssembly in binary form: a core module or a component.
    pub wasm: Vec<u8>,
    /// Bytes of the file as it lies on disk.
    pub file_bytes: u64,
    /// SHA-256 of the file as it lies on disk, in hex.
    pub digest: String,
    /// The custom section `weir`, where there is one.
    pub description: Description,
}

/// The custom section `weir`: JSON, optional, and so is all in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Description {
    /// The plugin's own name; configurations use the file's stem.
    pub name: String,
    /// The plugin's version, free text.
    pub version: String,
    /// What it does, in a sentence.
    pub description: String,
    /// A JSON schema of its configuration.
    #[serde(rename = "config-schema")]
    pub config_schema: Option<serde_json::Value>,
    /// What happens to events for which it fails, where the configuration says nothing.
    #[serde(rename = "onError")]
    pub on_error: Option<OnError>,
    /// Its self-tests, as they stand there: the host reads and runs them.
    pub tests: Option<serde_json::Value>,
}

/// What happens to an event for which a filter failed.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum OnError {
    /// It goes on as it was before the filter.
    #[default]
    Keep,
    /// It is dropped, and counted.
    Drop,
    /// It waits until the plugin works.
    Hold,
}

impl OnError {
    /// As it is written in a configuration.
    pub fn label(self) -> &'static str {
        match self {
            OnError::Keep => "keep",
            OnError::Drop => "drop",
            OnError::Hold => "hold",
        }
    }
}

impl PluginFile {
    /// Reads a `.wasm`, `.wasm.gz` or `.wat` file.
    ///
    /// # Errors
    /// When it cannot be read or unpacked, is larger than [`PLUGIN_BYTES_MAX`], is no WebAssembly, or its
    /// description is not valid.
    pub fn read(path: &Path) -> Result<PluginFile, LoadError> {
        let fail = |problem| LoadError {
            file: path.to_path_buf(),
            problem,
        };
        split_name(path).ok_or_else(|| fail(LoadProblem::Ending))?;
        let bytes = read_limited(path).map_err(fail)?;
        PluginFile::of(path, bytes)
    }

    /// As [`read`](PluginFile::read), without what it says of itself: for whoever looks at a file that may be wrong.
    ///
    /// # Errors
    /// As [`read`](PluginFile::read), but for the description.
    pub fn read_undescribed(path: &Path) -> Result<PluginFile, LoadError> {
        let fail = |problem| LoadError {
            file: path.to_path_buf(),
            problem,
        };
        split_name(path).ok_or_else(|| fail(LoadProblem::Ending))?;
        PluginFile::undescribed(path, read_limited(path).map_err(fail)?)
    }

    /// Of the bytes of a file that was read before.
    ///
    /// # Errors
    /// As [`read`](PluginFile::read).
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<PluginFile, LoadError> {
        let mut file = PluginFile::undescribed(path, bytes)?;
        file.description = describe(&file.wasm).map_err(|problem| LoadError {
            file: path.to_path_buf(),
            problem,
        })?;
        Ok(file)
    }

    fn undescribed(path: &Path, bytes: Vec<u8>) -> Result<PluginFile, LoadError> {
        let fail = |problem| LoadError {
            file: path.to_path_buf(),
            problem,
        };
        let (name, _) = split_name(path).ok_or_else(|| fail(LoadProblem::Ending))?;
        let digest = hex(&Sha256::digest(&bytes));
        let file_bytes = bytes.len() as u64;
        let wasm = unpack(bytes).map_err(fail)?;
        Ok(PluginFile {
            path: path.to_path_buf(),
            name,
            wasm,
            file_bytes,
            digest,
            description: Description::default(),
        })
    }
}

/// A file's stem and ending, where it is named like a plugin and not hidden.
pub fn split_name(path: &Path) -> Option<(String, &'static str)> {
    let file_name = path.file_name()?.to_str()?;
    let ending = PLUGIN_ENDINGS
        .into_iter()
        .find(|ending| file_name.ends_with(ending))?;
    let stem = &file_name[..file_name.len() - ending.len()];
    (!stem.is_empty() && !stem.starts_with('.')).then(|| (stem.to_owned(), ending))
}

/// Bytes as hexadecimal digits, two each, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn read_limited(path: &Path) -> Result<Vec<u8>, LoadProblem> {
    // Opening a pipe would wait for a writer.
    if !std::fs::metadata(path)
        .map_err(LoadProblem::Read)?
        .is_file()
    {
        return Err(LoadProblem::NoFile);
    }
    let file = std::fs::File::open(path).map_err(LoadProblem::Read)?;
    limited(file, LoadProblem::Read)
}

fn limited(
    source: impl Read,
    failed: fn(std::io::Error) -> LoadProblem,
) -> Result<Vec<u8>, LoadProblem> {
    let mut bytes = Vec::new();
    source
        .take(PLUGIN_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > PLUGIN_BYTES_MAX {
        return Err(LoadProblem::TooLarge);
    }
    Ok(bytes)
}

/// By content, not by ending: a ConfigMap's key may be called anything that ends right.
fn unpack(bytes: Vec<u8>) -> Result<Vec<u8>, LoadProblem> {
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let unpacked = flate2::read::MultiGzDecoder::new(bytes.as_slice());
        limited(unpacked, LoadProblem::Gzip)?
    } else {
        bytes
    };
    if bytes.starts_with(b"\0asm") {
        return Ok(bytes);
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| LoadProblem::NotWasm)?;
    if text.trim().is_empty() {
        return Err(LoadProblem::NotWasm);
    }
    wat::parse_str(text).map_err(|error| LoadProblem::Text(error.to_string()))
}

fn describe(wasm: &[u8]) -> Result<Description, LoadProblem> {
    description_section(wasm).map_or_else(|| Ok(Description::default()), read_description)
}

/// What the first custom section `weir` holds, wherever in a component it is.
pub(crate) fn description_section(wasm: &[u8]) -> Option<&[u8]> {
    // Damaged modules are lifting's error to explain.
    let mut payloads = wasmparser::Parser::new(0)
        .parse_all(wasm)
        .map_while(Result::ok);
    payloads.find_map(|payload| match payload {
        wasmparser::Payload::CustomSection(section) if section.name() == DESCRIPTION_SECTION => {
            Some(section.data())
        }
        _ => None,
    })
}

fn read_description(json: &[u8]) -> Result<Description, LoadProblem> {
    if json.len() > DESCRIPTION_BYTES_MAX {
        return Err(LoadProblem::Description(format!(
            "{} bytes; expected at most {DESCRIPTION_BYTES_MAX}",
            json.len()
        )));
    }
    let mut read: Description = serde_json::from_slice(json)
        .map_err(|error| LoadProblem::Description(error.to_string()))?;
    for text in [&mut read.name, &mut read.version, &mut read.description] {
        *text = clean(text, DESCRIPTION_TEXT_BYTES_MAX);
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_longest_ending() {
        let name = |file: &str| {
            split_name(Path::new(file)).map(|(stem, ending)| format!("{stem}|{ending}"))
        };
        assert_eq!(name("/p/drop.wasm").as_deref(), Some("drop|.wasm"));
        assert_eq!(name("drop.v2.wasm.gz").as_deref(), Some("drop.v2|.wasm.gz"));
        assert_eq!(name("a.wat").as_deref(), Some("a|.wat"));
        assert_eq!(name(".wasm"), None);
        assert_eq!(name(".hidden.wasm"), None);
        assert_eq!(name("README.md"), None);
    }

    #[test]
    fn a_description_is_read_from_inside_a_component_too() {
        let core = wat::parse_str(
            r#"(module (@custom "weir" "{\"version\":\"1.2\",\"onError\":\"drop\"}"))"#,
        )
        .expect("valid text");
        let read = describe(&core).expect("valid description");
        assert_eq!(
            (read.version.as_str(), read.on_error),
            ("1.2", Some(OnError::Drop))
        );
        let tested = wat::parse_str(r#"(module (@custom "weir" "{\"tests\":[{\"name\":1}]}"))"#)
            .expect("valid text");
        assert_eq!(
            describe(&tested).expect("valid description").tests,
            Some(serde_json::json!([{"name": 1}]))
        );
        let inside =
            wat::parse_str(r#"(component (core module (@custom "weir" "{\"name\":\"x\"}")))"#)
                .expect("valid text");
        assert_eq!(describe(&inside).expect("valid description").name, "x");
    }

    #[test]
    fn a_bad_description_says_what() {
        let core = wat::parse_str(r#"(module (@custom "weir" "{\"onError\":\"explode\"}"))"#)
            .expect("valid text");
        let error = describe(&core).expect_err("no such choice").to_string();
        assert!(
            error.contains("explode") && error.contains("keep"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_webassembly_is_refused() {
        assert!(matches!(unpack(Vec::new()), Err(LoadProblem::NotWasm)));
        assert!(matches!(
            unpack(vec![0xff, 0xfe]),
            Err(LoadProblem::NotWasm)
        ));
        assert!(matches!(
            unpack(b"(module".to_vec()),
            Err(LoadProblem::Text(_))
        ));
    }
}
