//! Plugins as a ConfigMap: which keys, packed or not, and whether it fits.
//!
//! The API server's own check is `ValidateConfigMap` (kubernetes/kubernetes, pkg/apis/core/validation/validation.go): the bytes of
//! all values of `data` and of `binaryData` (unpacked from base64) together are at most `core.MaxSecretSize`, 1 MiB; keys are
//! not counted. `IsConfigMapKey` (k8s.io/apimachinery/pkg/util/validation): at most 253 of `[-._a-zA-Z0-9]`, not `.`, and not
//! beginning with `..`. An annotation is at most `TotalAnnotationSizeLimitB`, 256 KiB
//! (k8s.io/apimachinery/pkg/api/validation/objectmeta.go), and a client-side `kubectl apply` keeps the whole manifest in one.
//!
//! Pure: it reads no file and loads no plugin.

use std::collections::BTreeMap;
use std::io::Write;

use base64::prelude::{BASE64_STANDARD, Engine};
use flate2::{Compression, GzBuilder};
use thiserror::Error;

/// Bytes of all values of a ConfigMap.
pub const CONFIG_MAP_BYTES_MAX: usize = 1 << 20;
/// Bytes of a key.
const KEY_BYTES_MAX: usize = 253;
/// A plugin up to this size is not packed: what is in a manifest as it is can be compared with a file.
const PLAIN_BYTES_MAX: usize = 64 << 10;

/// A plugin that is to go into a ConfigMap.
pub struct Item {
    /// Its name: that of its keys.
    pub name: String,
    /// Its WebAssembly in binary form.
    pub wasm: Vec<u8>,
    /// Its self-tests, where it has some beside its file.
    pub tests: Option<String>,
}

/// A plugin in a ConfigMap.
#[derive(Debug, PartialEq, Eq)]
pub struct Packed {
    /// The plugin's name.
    pub name: String,
    /// The key, such as `quiet.wasm.gz`.
    pub key: String,
    /// Bytes of the plugin.
    pub bytes: usize,
    /// Bytes of it as gzip.
    pub gzip_bytes: usize,
    /// Bytes of its value.
    pub value_bytes: usize,
    /// The key of its self-tests, and their bytes.
    pub tests: Option<(String, usize)>,
}

/// A ConfigMap with plugins.
#[derive(Debug)]
pub struct ConfigMap {
    /// The plugins, by name.
    pub packed: Vec<Packed>,
    binary: BTreeMap<String, Vec<u8>>,
    text: BTreeMap<String, String>,
}

/// Why plugins do not make a ConfigMap.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PackError {
    /// Two plugins of one name.
    #[error("two plugins are called `{0}`: a ConfigMap has one of a name; rename a file")]
    Twice(String),
    /// A name that no key can have.
    #[error(
        "`{0}` cannot be a key of a ConfigMap: expected at most {KEY_BYTES_MAX} of a-z A-Z 0-9 - _ ., and no .. in front; rename \
         the file"
    )]
    Key(String),
    /// All values together are too large.
    #[error("{bytes} bytes do not fit: a ConfigMap holds {CONFIG_MAP_BYTES_MAX}")]
    TooLarge {
        /// Bytes of all values.
        bytes: usize,
        /// The plugins, each as small as it can be.
        packed: Vec<Packed>,
    },
}

impl ConfigMap {
    /// Of these plugins. Large ones are packed; where it would not fit otherwise, all that get smaller by it.
    ///
    /// # Errors
    /// When two have one name, a name cannot be a key, or it does not fit.
    pub fn new(items: &[Item]) -> Result<ConfigMap, PackError> {
        let mut by_name: BTreeMap<&str, (&Item, Vec<u8>)> = BTreeMap::new();
        for item in items {
            let zipped = gzip(&item.wasm);
            if by_name.insert(&item.name, (item, zipped)).is_some() {
                return Err(PackError::Twice(item.name.clone()));
            }
        }
        let made = ConfigMap::of(&by_name, |item, zipped| {
            item.wasm.len() > PLAIN_BYTES_MAX && zipped.len() < item.wasm.len()
        })?;
        if made.bytes() <= CONFIG_MAP_BYTES_MAX {
            return Ok(made);
        }
        let made = ConfigMap::of(&by_name, |item, zipped| zipped.len() < item.wasm.len())?;
        if made.bytes() <= CONFIG_MAP_BYTES_MAX {
            return Ok(made);
        }
        Err(PackError::TooLarge {
            bytes: made.bytes(),
            packed: made.packed,
        })
    }

    fn of(
        items: &BTreeMap<&str, (&Item, Vec<u8>)>,
        is_zipped: impl Fn(&Item, &[u8]) -> bool,
    ) -> Result<ConfigMap, PackError> {
        let mut made = ConfigMap {
            packed: Vec::new(),
            binary: BTreeMap::new(),
            text: BTreeMap::new(),
        };
        for (item, zipped) in items.values() {
            let (ending, value) = if is_zipped(item, zipped) {
                (".wasm.gz", zipped)
            } else {
                (".wasm", &item.wasm)
            };
            let key = checked_key(format!("{}{ending}", item.name))?;
            made.binary.insert(key.clone(), value.clone());
            let mut tests = None;
            if let Some(text) = &item.tests {
                let key = checked_key(format!("{}.test.yaml", item.name))?;
                made.text.insert(key.clone(), text.clone());
                tests = Some((key, text.len()));
            }
            made.packed.push(Packed {
                name: item.name.clone(),
                key,
                bytes: item.wasm.len(),
                gzip_bytes: zipped.len(),
                value_bytes: value.len(),
                tests,
            });
        }
        Ok(made)
    }

    /// Bytes of all values, as the API server counts them.
    pub fn bytes(&self) -> usize {
        let binary = self.binary.values().map(Vec::len).sum::<usize>();
        binary + self.text.values().map(String::len).sum::<usize>()
    }

    /// The manifest, as YAML. The same plugins make the same text.
    pub fn to_yaml(&self, name: &str, namespace: Option<&str>) -> String {
        let namespace = namespace.map_or_else(String::new, |namespace| {
            format!("  namespace: {}\n", quoted(namespace))
        });
        let name = quoted(name);
        let mut text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{namespace}  labels:\n    \
             app.kubernetes.io/name: weir\n"
        );
        // Keys need no quotes: they end in letters, and have none of YAML's own characters.
        if !self.text.is_empty() {
            text.push_str("data:\n");
        }
        for (key, value) in &self.text {
            text.push_str(&format!("  {key}: {}\n", scalar(value)));
        }
        text.push_str("binaryData:\n");
        for (key, value) in &self.binary {
            text.push_str(&format!("  {key}: {}\n", BASE64_STANDARD.encode(value)));
        }
        text
    }
}

/// A text as a value two levels deep: as it is where each of its lines can stand for itself, else in quotes.
fn scalar(text: &str) -> String {
    let is_plain = |line: &str| line.chars().all(is_shown) && !line.ends_with(' ');
    let body = text.strip_suffix('\n').filter(|body| !body.ends_with('\n'));
    match body.filter(|body| body.split('\n').all(is_plain) && !body.starts_with([' ', '\n'])) {
        Some(body) if !body.is_empty() => {
            let lines = body.split('\n');
            let indented = lines.map(|line| match line {
                "" => String::new(),
                line => format!("    {line}"),
            });
            format!("|\n{}", indented.collect::<Vec<_>>().join("\n"))
        }
        _ => quoted(text),
    }
}

/// In double quotes, whatever is in it.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if is_shown(c) => quoted.push(c),
            c => quoted.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

/// What YAML lets stand in a text, and does not take for the end of a line.
fn is_shown(c: char) -> bool {
    let is_space = matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    !c.is_control() && !is_space && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

fn checked_key(key: String) -> Result<String, PackError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if key.len() <= KEY_BYTES_MAX && key.chars().all(allowed) && !key.starts_with("..") {
        Ok(key)
    } else {
        Err(PackError::Key(key))
    }
}

/// As small as gzip makes it, and the same each time: without a name or a time.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = GzBuilder::new()
        .mtime(0)
        .write(Vec::new(), Compression::best());
    packer
        .write_all(bytes)
        .and_then(|()| packer.finish())
        .expect("writing to memory does not fail")
}

#[cfg(test)]
mod tests;
