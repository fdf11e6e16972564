//! Positions as they are kept: a small JSON text, and the file that may hold it. Pure but for that file.
//!
//! ```json
//! {"version": 1,
//!  "watches": {"": {"open": 1795449738, "receivers": {"dump": "48213", "search": "47990"}}}}
//! ```
//!
//! A watch is named by its namespace, `""` is that of all. A position is a resourceVersion: the receiver has settled
//! every event of the watch up to it. `open` is when the watch was last known to be open (seconds since the Unix epoch): what a gap is counted from.
//! The same text stands in a file, in a ConfigMap, and in the annotation of a lease.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The version of the text's form.
const VERSION: u32 = 1;

/// All positions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    /// By the name of the watch.
    pub watches: BTreeMap<String, WatchPosition>,
}

/// The positions in one watch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchPosition {
    /// When the watch was last known to be open, in seconds since the Unix epoch.
    pub open_s: Option<u64>,
    /// By the name of the receiver.
    pub receivers: BTreeMap<String, u64>,
}

/// Why kept positions cannot be used.
#[derive(Debug, Error)]
pub enum PositionError {
    /// It is not what weir writes.
    #[error(
        "the position kept in {place} cannot be read: {problem}; put back what weir wrote, or remove it to begin as at the first start (see source.kubernetes.backlog)"
    )]
    Text {
        /// Where it is kept.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// It cannot be read or written.
    #[error("cannot {verb} the position in {place}: {error}")]
    File {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        place: String,
        /// Why.
        error: std::io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct Text {
    version: u32,
    #[serde(default)]
    watches: BTreeMap<String, TextWatch>,
}

/// Numbers are text, as Kubernetes has them, since many programs lose digits of large numbers.
#[derive(Serialize, Deserialize)]
struct TextWatch {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open: Option<u64>,
    #[serde(default)]
    receivers: BTreeMap<String, String>,
}

impl Positions {
    /// Reads a text; `place` is only for the error.
    ///
    /// # Errors
    /// When it is not what [`Positions::text`] writes.
    pub fn parse(text: &str, place: &str) -> Result<Positions, PositionError> {
        let wrong = |problem: String| PositionError::Text {
            place: place.to_owned(),
            problem,
        };
        let read: Text = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        if read.version != VERSION {
            return Err(wrong(format!(
                "it has version {}, and this weir knows {VERSION}",
                read.version
            )));
        }
        let mut positions = Positions::default();
        for (name, watch) in read.watches {
            let mut kept = WatchPosition {
                open_s: watch.open,
                receivers: BTreeMap::new(),
            };
            for (receiver, version) in watch.receivers {
                let number = version.parse().map_err(|_| {
                    wrong(format!(
                        "receiver {receiver:?} is at {version:?}; expected a resourceVersion"
                    ))
                })?;
                kept.receivers.insert(receiver, number);
            }
            positions.watches.insert(name, kept);
        }
        Ok(positions)
    }

    /// As it is kept.
    pub fn text(&self) -> String {
        let watch = |(name, watch): (&String, &WatchPosition)| {
            let receivers = watch.receivers.iter();
            let receivers = receivers.map(|(name, version)| (name.clone(), version.to_string()));
            let text = TextWatch {
                open: watch.open_s,
                receivers: receivers.collect(),
            };
            (name.clone(), text)
        };
        let text = Text {
            version: VERSION,
            watches: self.watches.iter().map(watch).collect(),
        };
        serde_json::to_string(&text).expect("text and numbers are JSON")
    }

    /// Where a watch begins that may not have been there before: where it was; else where one of all namespaces was,
    /// which saw the same; else, for that one, at the lowest of those of single namespaces.
    pub fn of_watch(&self, name: &str) -> WatchPosition {
        let named = self.watches.get(name).or_else(|| self.watches.get(""));
        if let Some(position) = named {
            return position.clone();
        }
        let mut lowest = WatchPosition::default();
        if !name.is_empty() {
            return lowest;
        }
        for watch in self.watches.values() {
            lowest.open_s = [lowest.open_s, watch.open_s].into_iter().flatten().min();
            for (receiver, version) in &watch.receivers {
                let kept = lowest.receivers.entry(receiver.clone()).or_insert(*version);
                *kept = (*kept).min(*version);
            }
        }
        lowest
    }
}

/// A file that keeps the position. It is written beside and renamed, and both are synced: after a crash there is the
/// old one or the new one.
#[derive(Debug, Clone)]
pub struct PositionFile {
    path: PathBuf,
}

impl PositionFile {
    /// This one.
    pub fn new(path: PathBuf) -> PositionFile {
        PositionFile { path }
    }

    /// Reads it; `None` where there is none.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn load(&self) -> Result<Option<String>, PositionError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the old one is still there.
    pub fn save(&self, text: &str) -> Result<(), PositionError> {
        self.replace(text)
            .map_err(|error| self.failed("write", error))
    }

    /// Whether it could be written, tried without changing it: for who wants to know before it matters.
    ///
    /// # Errors
    /// When its folder is not there and cannot be made, or nothing can be written in it.
    pub fn probe(&self) -> Result<(), PositionError> {
        let probe = || {
            let temporary = self.temporary();
            fs::create_dir_all(self.folder())?;
            File::create(&temporary)?;
            fs::remove_file(&temporary)
        };
        probe().map_err(|error| self.failed("write", error))
    }

    fn replace(&self, text: &str) -> std::io::Result<()> {
        let temporary = self.temporary();
        let mut file = File::create(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, &self.path)?;
        File::open(self.folder())?.sync_all()
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        }
    }

    fn temporary(&self) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        self.path.with_file_name(name)
    }

    fn failed(&self, verb: &'static str, error: std::io::Error) -> PositionError {
        PositionError::File {
            verb,
            place: self.path.display().to_string(),
            error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(watches: &[(&str, &[(&str, u64)])]) -> Positions {
        let watch = |(name, receivers): &(&str, &[(&str, u64)])| {
            let receivers = receivers.iter().map(|(name, at)| ((*name).to_owned(), *at));
            let position = WatchPosition {
                open_s: Some(7),
                receivers: receivers.collect(),
            };
            ((*name).to_owned(), position)
        };
        Positions {
            watches: watches.iter().map(watch).collect(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let kept = positions(&[("", &[("dump", u64::MAX), ("search", 0)]), ("shop", &[])]);
        assert_eq!(
            Positions::parse(&kept.text(), "there").expect("its own text"),
            kept
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, problem) in [
            ("", "EOF"),
            ("{}", "missing field `version`"),
            (
                r#"{"version":2}"#,
                "it has version 2, and this weir knows 1",
            ),
            (
                r#"{"version":1,"watches":{"":{"receivers":{"dump":"x"}}}}"#,
                "receiver \"dump\" is at \"x\"; expected a resourceVersion",
            ),
        ] {
            let error = Positions::parse(text, "ConfigMap a/b").expect_err("wrong");
            let shown = error.to_string();
            assert!(
                shown.contains(problem) && shown.contains("ConfigMap a/b"),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_watch_begins_where_one_was_that_saw_the_same() {
        let all = positions(&[("", &[("dump", 5)])]);
        assert_eq!(all.of_watch("shop").receivers["dump"], 5);
        let some = positions(&[("a", &[("dump", 5)]), ("b", &[("dump", 3)])]);
        assert_eq!(some.of_watch("").receivers["dump"], 3);
        assert_eq!(some.of_watch("a").receivers["dump"], 5);
        assert_eq!(some.of_watch("new"), WatchPosition::default());
    }

    #[test]
    fn a_file_is_the_old_one_or_the_new_one() {
        let folder = std::env::temp_dir().join(format!("weir-position-{}", std::process::id()));
        let file = PositionFile::new(folder.join("deep").join("position"));
        assert!(file.load().expect("no file is no error").is_none());
        file.probe().expect("the folder can be made");
        file.save("one").expect("it can be written");
        file.save("two").expect("it can be replaced");
        assert_eq!(file.load().expect("it is there").as_deref(), Some("two"));
        let names: Vec<_> = fs::read_dir(folder.join("deep"))
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(names, ["position"]);
        fs::remove_dir_all(&folder).expect("it is ours");
        assert!(matches!(
            file.save("three"),
            Err(PositionError::File { verb: "write", .. })
        ));
    }
}
