//! A volume of a ConfigMap as kubelet writes it (`pkg/volume/util/atomic_writer.go`): another process sees all of one version, or
//! all of the next. The tests of `host/watch` include this file, too.
//!
//! ```text
//! x.wasm -> ..data/x.wasm                       what users see
//! ..data -> ..2026_11_24_10_00_00.4194304001    the current version
//! ..2026_11_24_10_00_00.4194304001/x.wasm       never changed; removed after the next version is there
//! ```
//!
//! One writer for a volume, as with kubelet. Files in subfolders are not written: a ConfigMap without `items` has none.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The link to the current version.
const DATA: &str = "..data";
/// What becomes that link.
const DATA_NEW: &str = "..data_tmp";

/// The volume.
#[derive(Debug)]
pub struct ConfigMapVolume {
    directory: PathBuf,
    is_links_first: bool,
    versions: u32,
}

impl ConfigMapVolume {
    /// In this directory, which is made if need be. As newer kubelets (kubernetes#97642): the links that users see are made
    /// after the swap.
    pub fn new(directory: &Path) -> ConfigMapVolume {
        fs::create_dir_all(directory).expect("the volume's directory can be made");
        ConfigMapVolume {
            directory: directory.to_owned(),
            is_links_first: false,
            versions: 0,
        }
    }

    /// As older kubelets: the links that users see are made before the swap, and lead nowhere until then.
    pub fn links_first(mut self) -> ConfigMapVolume {
        self.is_links_first = true;
        self
    }

    /// Writes a version with these files, if it is another than the current one.
    pub fn write(&mut self, files: &BTreeMap<String, Vec<u8>>) {
        for name in files.keys() {
            let is_good = !name.is_empty() && !name.starts_with("..") && !name.contains('/');
            assert!(is_good, "{name:?} cannot be a key of a ConfigMap");
        }
        let old = fs::read_link(self.directory.join(DATA)).ok();
        let before = old.as_ref().map(|old| self.contents(old));
        if before.as_ref() == Some(files) {
            return self.make_links(files);
        }
        let new = self.write_version(files);
        if self.is_links_first {
            self.make_links(files);
        }
        let link = self.directory.join(DATA_NEW);
        symlink(&new, &link).expect("a link can be made");
        fs::rename(&link, self.directory.join(DATA)).expect("the link can be replaced");
        if !self.is_links_first {
            self.make_links(files);
        }
        let names = |files: &BTreeMap<String, Vec<u8>>| -> BTreeSet<String> {
            files.keys().cloned().collect()
        };
        let stale = names(&before.unwrap_or_default());
        for name in stale.difference(&names(files)) {
            fs::remove_file(self.directory.join(name)).expect("the link can be removed");
        }
        if let Some(old) = old {
            fs::remove_dir_all(self.directory.join(old)).expect("the old version can be removed");
        }
    }

    /// What a version has.
    fn contents(&self, version: &Path) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.directory.join(version)).expect("the version is there");
        let file = |entry: fs::DirEntry| {
            let name = entry.file_name().into_string().expect("we named it");
            (name, fs::read(entry.path()).expect("we wrote it"))
        };
        entries
            .map(|entry| file(entry.expect("an entry")))
            .collect()
    }

    /// Writes the files into a new timestamped directory; gives its name.
    fn write_version(&mut self, files: &BTreeMap<String, Vec<u8>>) -> String {
        self.versions += 1;
        let name = timestamp(std::process::id(), self.versions);
        let folder = self.directory.join(&name);
        fs::create_dir(&folder).expect("the name is new");
        let allow = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
        };
        allow(&folder, 0o755);
        for (name, contents) in files {
            let path = folder.join(name);
            fs::write(&path, contents).expect("a file can be written");
            allow(&path, 0o644);
        }
        name
    }

    /// What users see: made where it is missing, never changed.
    fn make_links(&self, files: &BTreeMap<String, Vec<u8>>) {
        for name in files.keys() {
            let link = self.directory.join(name);
            if fs::symlink_metadata(&link).is_err() {
                symlink(Path::new(DATA).join(name), link).expect("a link can be made");
            }
        }
    }
}

/// The name of a version: two dots, the time in UTC to the second, and a number that no other version has (Go's `MkdirTemp` takes a
/// random one).
fn timestamp(process: u32, version: u32) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("..{year}_{month:02}_{day:02}_{hour:02}_{minute:02}_{second:02}.{process}{version:06}")
}

/// The date so many days after 1970-01-01.
fn date(days: u64) -> (u64, u64, u64) {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut year, mut left) = (1970, days);
    while left >= 365 + u64::from(is_leap(year)) {
        left -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if left < length {
            break;
        }
        left -= length;
        month += 1;
    }
    (year, month, left + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let name = format!("config-map-{}-{name}", std::process::id());
        std::env::temp_dir().join(name)
    }

    fn files(of: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        let files = of.iter();
        files
            .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()))
            .collect()
    }

    /// The names in a folder, those of kubelet's directories as `..`.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.into_string().expect("text"));
        let mut names: Vec<_> = names
            .map(|name| {
                if name.starts_with("..20") {
                    "..".to_owned()
                } else {
                    name
                }
            })
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_users_see_is_one_version() {
        for (name, is_links_first) in [("new", false), ("old", true)] {
            let folder = folder(name);
            let mut volume = ConfigMapVolume::new(&folder);
            volume.is_links_first = is_links_first;
            volume.write(&files(&[("a", "1"), ("b", "1")]));
            assert_eq!(names(&folder), ["..", "..data", "a", "b"]);
            let first = fs::read_link(folder.join("..data")).expect("a link");
            volume.write(&files(&[("b", "2"), ("c", "2")]));
            assert_eq!(names(&folder), ["..", "..data", "b", "c"]);
            assert_eq!(fs::read_to_string(folder.join("b")).expect("a file"), "2");
            let second = fs::read_link(folder.join("..data")).expect("a link");
            assert_ne!(first, second);
            volume.write(&files(&[("b", "2"), ("c", "2")]));
            let third = fs::read_link(folder.join("..data")).expect("a link");
            assert_eq!(second, third, "nothing changed");
            fs::remove_dir_all(folder).expect("it is ours");
        }
    }

    #[test]
    fn a_version_is_called_by_its_time() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(58), (1970, 2, 28));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(20_088), (2024, 12, 31));
        let name = timestamp(7, 3);
        assert!(
            name.starts_with("..20") && name.ends_with(".7000003"),
            "{name}"
        );
    }
}
