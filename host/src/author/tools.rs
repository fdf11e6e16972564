//! Tools on this machine: where they are, and of which version.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a program prints when it is run with arguments; `None` where it fails.
pub type Run<'a> = &'a dyn Fn(&Path, &[&str]) -> Option<String>;

/// Where tools are looked for.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// The folders of `PATH`.
    pub path: &'a OsStr,
    /// The plugin's folder, where it has one: tools of its own come first.
    pub folder: Option<&'a Path>,
    /// How to ask one for its version.
    pub run: Run<'a>,
}

/// A tool that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The program.
    pub path: PathBuf,
    /// What is put before all other arguments, such as `-m ziglang`.
    pub arguments: &'static [&'static str],
    /// Its version; empty where it is not known.
    pub version: String,
}

impl Tools<'_> {
    /// The program with this name, in the folders of `PATH`.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        self.find_all(name).next()
    }

    /// All programs with this name, in the order of `PATH`.
    pub fn find_all(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        std::env::split_paths(self.path)
            .filter(|folder| folder.is_absolute())
            .map(move |folder| folder.join(name))
            .filter(|path| is_program(path))
    }

    /// The program at this path in the plugin's folder.
    pub fn find_own(&self, path: &str) -> Option<PathBuf> {
        let path = std::path::absolute(self.folder?.join(path)).ok()?;
        is_program(&path).then_some(path)
    }

    /// The tool with this name, with what `--version` or the like prints. `None` where it is not there or does not work.
    pub fn tool(&self, name: &'static str, ask: &[&str]) -> Option<Tool> {
        self.tool_at(name, self.find(name)?, &[], ask)
    }

    /// As [`tool`](Tools::tool), of a program that was found.
    pub fn tool_at(
        &self,
        name: &'static str,
        path: PathBuf,
        arguments: &'static [&'static str],
        ask: &[&str],
    ) -> Option<Tool> {
        let said = (self.run)(&path, &[arguments, ask].concat())?;
        Some(Tool {
            name,
            path,
            arguments,
            version: version(&said),
        })
    }
}

impl Tool {
    /// Whether its version is this one or a later one. A version that is not known is taken to be.
    pub fn is_at_least(&self, least: &[u32]) -> bool {
        self.version.is_empty() || numbers(&self.version).as_slice() >= least
    }
}

/// The first word with a number that has a dot in it: `clang version 19.1.7 (3~deb12u1)`, `go version go1.26.0 linux`.
fn version(said: &str) -> String {
    let words = said.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ','));
    let mut versions = words.filter_map(|word| {
        let start = word.find(|c: char| c.is_ascii_digit())?;
        let number = &word[start..];
        number
            .contains('.')
            .then(|| number.trim_end_matches('.').to_owned())
    });
    versions.next().unwrap_or_default()
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split(|c: char| !c.is_ascii_digit());
    parts.map_while(|part| part.parse().ok()).collect()
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Runs a program and gives what it prints, on standard output or else standard error.
pub fn run_quietly(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = if output.stdout.is_empty() {
        output.stderr
    } else {
        output.stdout
    };
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    output.status.success().then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_tools_say() {
        for (said, expected) in [
            (
                "Debian clang version 19.1.7 (3~deb12u1)\nTarget: x86_64",
                "19.1.7",
            ),
            ("go version go1.26.0 linux/amd64", "1.26.0"),
            ("v20.19.2", "20.19.2"),
            ("componentize-py 0.25.1", "0.25.1"),
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", "1.95.0"),
            ("0.17.1", "0.17.1"),
            ("no number", ""),
        ] {
            assert_eq!(version(said), expected, "{said}");
        }
        let tool = |version: &str| Tool {
            name: "x",
            path: PathBuf::new(),
            arguments: &[],
            version: version.into(),
        };
        assert!(tool("1.24").is_at_least(&[1, 24]) && tool("2.0.1").is_at_least(&[1, 24]));
        assert!(!tool("1.9.9").is_at_least(&[1, 24]) && tool("").is_at_least(&[1, 24]));
        assert!(tool("1.27rc1").is_at_least(&[1, 24]));
    }

    #[test]
    fn what_fails_or_is_not_there_says_nothing() {
        let sh = Path::new("/bin/sh");
        assert_eq!(run_quietly(sh, &["-c", "echo a"]).as_deref(), Some("a"));
        assert_eq!(run_quietly(sh, &["-c", "echo b >&2"]).as_deref(), Some("b"));
        assert_eq!(run_quietly(sh, &["-c", "exit 1"]), None);
        assert_eq!(run_quietly(Path::new("/nowhere/sh"), &[]), None);
    }
}
