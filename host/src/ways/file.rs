//! Appending to the one file of a sink: `weir:plugin/file`.
//!
//! A file that is to be rotated is renamed to `<stem>-<time><extension>`, as lumberjack does it (the library behind
//! kubernetes-event-exporter's file sink), compressed where that is wanted, and a new one begun. Old ones beyond
//! `backups` and `age` are removed; only names that rotation gives are ever touched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{Timestamp, fmt::strtime};
use weir_runtime::{Files, Rotation};

use crate::lines;

/// How the time stands in the name of a file that was put aside: lumberjack's layout, UTC.
const TIME_IN_NAME: &str = "%Y-%m-%dT%H-%M-%S";
/// What ends the name of a compressed one.
const COMPRESSED: &str = ".gz";

/// The file that one sink appends to.
pub struct AppendedFile {
    /// As the configuration writes it.
    written: String,
    path: PathBuf,
    /// Opened at the first append.
    open: Mutex<Option<Open>>,
}

struct Open {
    file: File,
    bytes: u64,
    /// When its first line was written.
    since: SystemTime,
}

impl AppendedFile {
    /// For a path as it is written in the configuration, and where that is.
    pub fn new(written: String, path: PathBuf) -> AppendedFile {
        AppendedFile {
            written,
            path,
            open: Mutex::default(),
        }
    }

    /// Whether it is this file, written so.
    pub fn is_of(&self, written: &str, path: &Path) -> bool {
        self.written == written && self.path == path
    }

    fn append(&self, bytes: &[u8], rotation: Rotation) -> std::io::Result<()> {
        let mut slot = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = slot.take();
        let mut open = match open.filter(|open| lines::is_at(&open.file, &self.path)) {
            Some(open) => open,
            None => open_file(&self.path)?,
        };
        if open.bytes > 0 && is_due(&open, bytes.len(), rotation) {
            drop(open);
            put_aside(&self.path, rotation)?;
            open = open_file(&self.path)?;
        }
        lines::append(&mut open.file, bytes)?;
        open.bytes += bytes.len() as u64;
        *slot = Some(open);
        Ok(())
    }
}

impl Files for AppendedFile {
    fn append(&self, path: &str, lines: &[u8], rotation: Rotation) -> Result<(), String> {
        if path != self.written {
            return Err(format!(
                "not granted: {path}; only {}, the `path` of this receiver's own configuration, may be appended to",
                self.written
            ));
        }
        let place = self.path.display();
        AppendedFile::append(self, lines, rotation).map_err(|error| format!("{place}: {error}"))
    }
}

fn open_file(path: &Path) -> std::io::Result<Open> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let file = lines::open(path)?;
    let metadata = file.metadata()?;
    // Where the system does not know when a file was made, its last change is the best there is.
    let made = metadata.created().or_else(|_| metadata.modified());
    Ok(Open {
        bytes: metadata.len(),
        since: made.unwrap_or_else(|_| SystemTime::now()),
        file,
    })
}

fn is_due(open: &Open, more: usize, rotation: Rotation) -> bool {
    let size = u64::from(rotation.size_mib) << 20;
    let every = Duration::from_secs(u64::from(rotation.every_minutes) * 60);
    // A clock that goes backwards makes it late, never early.
    let age = SystemTime::now()
        .duration_since(open.since)
        .unwrap_or_default();
    (size > 0 && open.bytes + more as u64 > size) || (!every.is_zero() && age >= every)
}

/// Renames the file, compresses it, and removes what is too old or too many.
fn put_aside(path: &Path, rotation: Rotation) -> std::io::Result<()> {
    let aside = name_aside(path, Timestamp::now())?;
    fs::rename(path, &aside)?;
    // What follows is housekeeping: lines are not held up by it, and what is left over is seen the next time.
    let tidied = tidy(path, rotation);
    if let Err(error) = tidied {
        tracing::warn!(file = %path.display(), "files that were put aside cannot be compressed or removed: {error}");
    }
    Ok(())
}

/// A name that is not taken.
fn name_aside(path: &Path, now: Timestamp) -> std::io::Result<PathBuf> {
    let (stem, extension) = split(path);
    let milliseconds = now.subsec_millisecond();
    let seconds = strtime::format(TIME_IN_NAME, now).map_err(std::io::Error::other)?;
    let name = |count: u32| match count {
        0 => format!("{stem}-{seconds}.{milliseconds:03}{extension}"),
        _ => format!("{stem}-{seconds}.{milliseconds:03}-{count}{extension}"),
    };
    let is_free = |path: &PathBuf| {
        let compressed = with_ending(path, COMPRESSED);
        !path.exists() && !compressed.exists()
    };
    (0..1000)
        .map(|count| path.with_file_name(name(count)))
        .find(is_free)
        .ok_or_else(|| std::io::Error::other("no free name for the file to be put aside"))
}

fn split(path: &Path) -> (String, String) {
    let text = |part: Option<&std::ffi::OsStr>| {
        part.map(|part| part.to_string_lossy().into_owned())
            .unwrap_or_default()
    };
    let extension = path.extension().map(|_| text(path.extension()));
    let extension = extension.map(|extension| format!(".{extension}"));
    (text(path.file_stem()), extension.unwrap_or_default())
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn tidy(path: &Path, rotation: Rotation) -> std::io::Result<()> {
    let mut aside = list_aside(path)?;
    // The time in the name decides, so that a copy or a clock does not: the newest first.
    aside.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    let age = Duration::from_secs(u64::from(rotation.age_days) * 86_400);
    for (index, (file, time)) in aside.iter().enumerate() {
        let too_many = rotation.backups > 0 && index >= rotation.backups as usize;
        let old = Timestamp::now().duration_since(*time);
        let too_old = !age.is_zero() && old > age.try_into().map_err(std::io::Error::other)?;
        if too_many || too_old {
            fs::remove_file(file)?;
        } else if rotation.compress && file.extension().is_none_or(|ending| ending != "gz") {
            compress(file)?;
        }
    }
    Ok(())
}

/// The files that rotation made of this one, with the time in their names.
fn list_aside(path: &Path) -> std::io::Result<Vec<(PathBuf, Timestamp)>> {
    let (stem, extension) = split(path);
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder.unwrap_or(Path::new(".")))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(time) = time_in(&name, &stem, &extension) {
            files.push((entry.path(), time));
        }
    }
    Ok(files)
}

/// The time in a name that rotation gave; `None` for any other.
fn time_in(name: &str, stem: &str, extension: &str) -> Option<Timestamp> {
    let name = name.strip_suffix(COMPRESSED).unwrap_or(name);
    let time = name
        .strip_prefix(stem)?
        .strip_prefix('-')?
        .strip_suffix(extension)?;
    let (seconds, fraction) = time.split_once('.')?;
    let digits = fraction
        .split_once('-')
        .map_or(fraction, |(digits, _)| digits);
    let milliseconds: i64 = (digits.len() == 3).then(|| digits.parse().ok())??;
    let civil = jiff::civil::DateTime::strptime(TIME_IN_NAME, seconds).ok()?;
    let time = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
    Timestamp::from_millisecond(time.as_millisecond() + milliseconds).ok()
}

/// Beside it, then in its place: one that was interrupted is made again.
fn compress(file: &Path) -> std::io::Result<()> {
    let (new, done) = (with_ending(file, ".gz.new"), with_ending(file, COMPRESSED));
    let mut encoder = GzEncoder::new(File::create(&new)?, Compression::default());
    std::io::copy(&mut File::open(file)?, &mut encoder)?;
    encoder.finish()?.sync_all()?;
    fs::rename(&new, &done)?;
    fs::remove_file(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let name = format!("weir-file-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir_all(&folder).expect("a temporary folder");
            Folder(folder)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).expect("it is there");
            let name = |entry: std::io::Result<fs::DirEntry>| {
                let entry = entry.expect("an entry");
                entry.file_name().to_string_lossy().into_owned()
            };
            let mut names: Vec<String> = entries.map(name).collect();
            names.sort();
            names
        }

        fn file(&self) -> AppendedFile {
            AppendedFile::new("events.log".into(), self.0.join("events.log"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn append(file: &AppendedFile, lines: &[u8], rotation: Rotation) {
        Files::append(file, "events.log", lines, rotation).expect("it is appended");
    }

    #[test]
    fn only_the_path_of_the_configuration_is_granted() {
        let folder = Folder::new("granted");
        let other = Files::append(&folder.file(), "/etc/passwd", b"x\n", Rotation::default());
        assert!(other.is_err_and(|error| error.starts_with("not granted: /etc/passwd")));
        assert!(folder.names().is_empty());
    }

    #[test]
    fn a_file_that_would_be_too_large_is_put_aside_and_old_ones_go() {
        let folder = Folder::new("size");
        let file = folder.file();
        let rotation = Rotation {
            size_mib: 1,
            backups: 2,
            compress: true,
            ..Rotation::default()
        };
        fs::write(folder.0.join("events-other.log"), "not ours").expect("a file");
        let lines = [b"x".repeat(700_000), b"\n".to_vec()].concat();
        for _ in 0..5 {
            append(&file, &lines, rotation);
        }
        let names = folder.names();
        let (compressed, others): (Vec<_>, Vec<_>) =
            names.iter().partition(|name| name.ends_with(".log.gz"));
        assert_eq!(others, ["events-other.log", "events.log"], "{names:?}");
        assert_eq!(compressed.len(), 2, "{names:?}");
        let packed = File::open(folder.0.join(compressed[0])).expect("it is there");
        let mut text = Vec::new();
        let mut decoder = flate2::read::GzDecoder::new(packed);
        decoder.read_to_end(&mut text).expect("gzip");
        assert_eq!(text, lines);
    }

    #[test]
    fn a_file_that_somebody_else_moved_is_begun_anew() {
        let folder = Folder::new("moved");
        let file = folder.file();
        append(&file, b"one\n", Rotation::default());
        fs::rename(folder.0.join("events.log"), folder.0.join("moved")).expect("it is there");
        append(&file, b"two\n", Rotation::default());
        let read = |name| fs::read_to_string(folder.0.join(name)).expect("it is there");
        assert_eq!(
            (read("moved"), read("events.log")),
            ("one\n".into(), "two\n".into())
        );
    }

    #[test]
    fn only_names_of_rotation_are_taken_for_its_files() {
        let time = |name| time_in(name, "events", ".log").map(|time| time.to_string());
        let at = Some("2026-11-23T14:45:31.007Z".to_owned());
        assert_eq!(time("events-2026-11-23T14-45-31.007.log"), at);
        assert_eq!(time("events-2026-11-23T14-45-31.007-2.log.gz"), at);
        for other in [
            "events.log",
            "events-2026-11-23.log",
            "events-2026-11-23T14-45-31.7.log",
            "other-2026-11-23T14-45-31.007.log",
            "events-2026-11-23T14-45-31.007.txt",
        ] {
            assert_eq!(time(other), None, "{other}");
        }
    }
}
