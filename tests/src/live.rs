//! What tests and benches of live plugins share: a volume of plugins, a plugin of any version, and how much memory a
//! process has.

use std::collections::BTreeMap;
use std::path::Path;

use crate::config_map::ConfigMapVolume;

/// A volume of plugins, of which each change is another version.
pub struct Plugins {
    volume: ConfigMapVolume,
    files: BTreeMap<String, Vec<u8>>,
}

impl Plugins {
    /// In this directory, with nothing in it.
    pub fn new(directory: &Path) -> Plugins {
        Plugins {
            volume: ConfigMapVolume::new(directory),
            files: BTreeMap::new(),
        }
    }

    /// Another version, with this file in it.
    pub fn put(&mut self, file: &str, bytes: impl Into<Vec<u8>>) {
        self.files.insert(file.to_owned(), bytes.into());
        self.volume.write(&self.files);
    }

    /// Another version, with all of these in it.
    pub fn put_all(&mut self, files: &[(&str, String)]) {
        for (file, text) in files {
            let bytes = text.clone().into_bytes();
            self.files.insert((*file).to_owned(), bytes);
        }
        self.volume.write(&self.files);
    }

    /// Another version, with one file in the place of another.
    pub fn replace(&mut self, old: &str, new: &str, bytes: impl Into<Vec<u8>>) {
        assert!(self.files.remove(old).is_some(), "{old} is there");
        self.put(new, bytes);
    }

    /// Another version, without this file.
    pub fn remove(&mut self, file: &str) {
        assert!(self.files.remove(file).is_some(), "{file} is there");
        self.volume.write(&self.files);
    }
}

/// A filter that sets a label to its version, as text: each version is another file.
pub fn stamping(label: &str, version: u32) -> String {
    let pointer = format!("/metadata/labels/{label}");
    let value = format!("\\\"{version}\\\"");
    let (at, length) = (pointer.len(), version.to_string().len() + 2);
    format!(
        r#"(module
  (import "weir:plugin/change@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 8192))
  (func (export "cabi_realloc") (param i32 i32 i32) (param $len i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $len)))
    (local.get $at))
  (data (i32.const 2048) "{pointer}{value}")
  (func (export "setup") (param i32 i32) (result i32) (i32.const 1024))
  (func (export "process") (result i32)
    (global.set $free (i32.const 8192))
    (call $set (i32.const 2048) (i32.const {at}) (i32.const {value_at}) (i32.const {length}) (i32.const 32))
    (i32.const 1040)))"#,
        value_at = 2048 + at,
    )
}

/// Resident memory of a process.
pub fn resident_kib(pid: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
    number.expect("a number of KiB")
}

/// A route of everything to receivers of these names, each to a file of its name: on standard output they could not be told
/// apart.
pub fn to_files(names: &[&str]) -> String {
    let rules: Vec<String> = names
        .iter()
        .map(|name| format!("{{receiver: {name}}}"))
        .collect();
    let receiver = |name: &&str| {
        format!("- {{name: {name}, file: {{path: {name}.ndjson}}, batch: {{age: 10ms}}}}\n")
    };
    let receivers: String = names.iter().map(receiver).collect();
    format!(
        "route: {{match: [{}]}}\nreceivers:\n{receivers}",
        rules.join(", ")
    )
}
