//! One case: a folder with a configuration, what goes in, and what must come out. `README.md` has the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::folder::{Folder, copy};
use crate::running::{Ended, run};
use crate::{document, input, ledger, program};

/// Runs every case in a copy of its own, beside the shared data and plugins.
pub struct Cases {
    root: Folder,
}

/// What a case expects, and where it differs.
struct Check<'a> {
    expected: &'a Path,
    bless: bool,
    problems: Vec<String>,
}

impl Cases {
    /// Lays out `data/` (packed and unpacked) and `plugins/` for all cases.
    pub fn new() -> Cases {
        let root = Folder::new("cases");
        copy(&program::tests("plugins"), &root.path().join("plugins"));
        copy(&program::tests("data"), &root.path().join("data"));
        for path in entries(&root.path().join("data")) {
            if path.extension().is_some_and(|extension| extension == "gz") {
                let bytes = std::fs::read(&path).expect("the copy can be read");
                std::fs::write(path.with_extension(""), input::unpack(bytes)).expect("a file");
            }
        }
        Cases { root }
    }

    /// All folders of `tests/cases`.
    pub fn names() -> Vec<String> {
        let name = |path: PathBuf| Some(path.file_name()?.to_str()?.to_owned());
        let folders = entries(&program::tests("cases")).into_iter();
        folders
            .filter(|path| path.join("config.yaml").is_file())
            .filter_map(name)
            .collect()
    }

    /// Runs a case.
    ///
    /// # Errors
    /// With all that was not as expected.
    pub fn run(&self, name: &str) -> Result<(), String> {
        let source = program::tests("cases").join(name);
        let folder = self.root.path().join("cases").join(name);
        copy(&source, &folder);
        let text = std::fs::read_to_string(folder.join("config.yaml")).expect("a configuration");
        let config: Value = serde_yaml::from_str(&text).expect("config.yaml is YAML");
        let (bytes, times) = read_input(&folder, &config["source"]["replay"]);
        let ended = start(&folder, &bytes);
        let mut check = Check {
            expected: &source.join("expected"),
            bless: std::env::var_os("WEIR_BLESS").is_some_and(|value| value == "1"),
            problems: Vec::new(),
        };
        check.exit(&ended);
        check.stderr(&ended);
        check.ledger(
            &folder.join("ledger.out"),
            input::count_events(&bytes) * times,
        );
        let receivers = config["receivers"].as_array().map_or(0, Vec::len);
        check.stdout(&ended.stdout, receivers);
        if check.problems.is_empty() {
            return Ok(());
        }
        let problems = check.problems.join("\n");
        Err(format!(
            "{name}:\n{problems}\nstandard error was:\n{}",
            ended.stderr
        ))
    }
}

impl Default for Cases {
    fn default() -> Cases {
        Cases::new()
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// The input's bytes, unpacked, and how often they are read.
fn read_input(folder: &Path, replay: &Value) -> (Vec<u8>, u64) {
    let path = match replay["path"].as_str() {
        Some("-") => "events.ndjson",
        Some(path) => path,
        None => panic!("a case has a source.replay.path"),
    };
    let bytes = std::fs::read(folder.join(path)).expect("the input is there");
    (input::unpack(bytes), replay["repeat"].as_u64().unwrap_or(1))
}

/// Runs weir; standard input gets the case's input, whether it is read or not.
fn start(folder: &Path, input: &[u8]) -> Ended {
    let mut command = program::weir(["run", "-c", "config.yaml", "--ledger", "ledger.out"]);
    for (name, value) in lines(&folder.join("env"))
        .iter()
        .filter_map(|line| line.split_once('='))
    {
        command.env(name, value);
    }
    run(
        command
            .args(lines(&folder.join("args")))
            .current_dir(folder),
        input,
    )
}

/// The lines of a file; none where there is no file.
fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

impl Check<'_> {
    /// A file of `expected/`, unpacked; `None` where it is not there.
    fn file(&self, name: &str) -> Option<Vec<u8>> {
        [name.to_owned(), format!("{name}.gz")]
            .iter()
            .find_map(|name| std::fs::read(self.expected.join(name)).ok())
            .map(input::unpack)
    }

    fn bless(&self, name: &str, contents: &[u8]) {
        let path = self.expected.join(name);
        std::fs::create_dir_all(self.expected).expect("a folder");
        std::fs::write(path, contents).expect("the expectation can be written");
    }

    fn exit(&mut self, ended: &Ended) {
        let expected = self.file("exit").map_or("0".to_owned(), |bytes| {
            String::from_utf8_lossy(&bytes).trim().to_owned()
        });
        let found = ended
            .code
            .map_or("a signal".to_owned(), |code| code.to_string());
        if found == expected {
            return;
        }
        if self.bless {
            self.bless("exit", format!("{found}\n").as_bytes());
        } else {
            self.problems
                .push(format!("exit code {found}, expected {expected}"));
        }
    }

    /// Each line of `stderr.txt` must be in some line.
    fn stderr(&mut self, ended: &Ended) {
        for line in lines(&self.expected.join("stderr.txt")) {
            if !ended.stderr.lines().any(|there| there.contains(&line)) {
                self.problems.push(format!("standard error lacks: {line}"));
            }
        }
        if ended.stderr.contains("panicked at") {
            self.problems.push("it panicked".into());
        }
    }

    fn ledger(&mut self, path: &Path, events: u64) {
        if !path.exists() {
            self.problems.push("no ledger was written".into());
            return;
        }
        let ledger = ledger::read(path);
        self.problems.extend(ledger::problems(&ledger));
        if ledger["received"] != events {
            let received = &ledger["received"];
            self.problems
                .push(format!("{received} received, the input has {events}"));
        }
        let parse =
            |bytes: Vec<u8>| -> Value { serde_json::from_slice(&bytes).expect("expected JSON") };
        if let Some(part) = self.file("ledger-part.json").map(parse) {
            if !ledger::contains(&ledger, &part) {
                self.problems
                    .push(format!("the ledger is {ledger:#}\nexpected in it {part:#}"));
            }
            return;
        }
        let expected = self.file("ledger.json").map(parse);
        if expected.as_ref() == Some(&ledger) {
            return;
        }
        if self.bless {
            self.bless("ledger.json", format!("{ledger:#}\n").as_bytes());
        } else {
            self.problems
                .push(format!("the ledger is {ledger:#}\nexpected {expected:#?}"));
        }
    }

    fn stdout(&mut self, bytes: &[u8], receivers: usize) {
        let found: Vec<&[u8]> = split(bytes);
        for line in &found {
            for problem in document::problems(line) {
                let line = String::from_utf8_lossy(line);
                self.problems.push(format!("{problem}: {line}"));
            }
        }
        let in_any_order = self.expected.join("any-order").exists();
        let (expected, as_values) =
            match (self.file("stdout.ndjson"), self.file("documents.ndjson")) {
                (Some(bytes), _) => (bytes, false),
                (None, Some(bytes)) => (bytes, true),
                (None, None) => (Vec::new(), false),
            };
        let shown = |line: &&[u8]| show(line, as_values);
        let found: Vec<String> = found.iter().map(shown).collect();
        let expected: Vec<String> = split(&expected).iter().map(shown).collect();
        let before = self.problems.len();
        self.multiset(&found, &expected);
        // Two receivers write when they like; where lines do not say whose they are, only their number counts.
        let tagged = expected
            .iter()
            .all(|line| line.starts_with("{\"receiver\":"));
        if self.problems.len() == before && !in_any_order && (receivers == 1 || tagged) {
            self.order(&found, &expected);
        }
        if self.problems.len() > before && self.bless {
            self.problems.truncate(before);
            self.bless("stdout.ndjson", bytes);
        }
    }

    fn multiset(&mut self, found: &[String], expected: &[String]) {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        found
            .iter()
            .for_each(|line| *counts.entry(line).or_default() += 1);
        expected
            .iter()
            .for_each(|line| *counts.entry(line).or_default() -= 1);
        counts.retain(|_, count| *count != 0);
        if !counts.is_empty() {
            let (found, expected) = (found.len(), expected.len());
            self.problems.push(format!(
                "{found} lines on standard output, expected {expected}"
            ));
        }
        for (line, count) in counts.iter().take(6) {
            let what = if *count > 0 {
                "not expected"
            } else {
                "missing"
            };
            self.problems
                .push(format!("{what}, {} times: {line}", count.abs()));
        }
    }

    fn order(&mut self, found: &[String], expected: &[String]) {
        if by_object(found) != by_object(expected) {
            self.problems
                .push("the order for one involved object is not kept".into());
        }
    }
}

fn split(bytes: &[u8]) -> Vec<&[u8]> {
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if lines.is_empty() {
        return Vec::new();
    }
    lines.split(|byte| *byte == b'\n').collect()
}

/// A line as it is, or as what it means: members sorted, escapes undone.
fn show(line: &[u8], as_value: bool) -> String {
    let text = String::from_utf8_lossy(line).into_owned();
    match serde_json::from_str::<Value>(&text) {
        Ok(mut value) if as_value => {
            value.sort_all_objects();
            value.to_string()
        }
        _ => text,
    }
}

fn by_object(lines: &[String]) -> BTreeMap<String, Vec<&str>> {
    let mut objects: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap_or_default();
        objects
            .entry(document::order_key(&value))
            .or_default()
            .push(line);
    }
    objects
}
