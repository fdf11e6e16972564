//! What is in the plugin directories, each read as of one moment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::file::{FileError, Found, TRIES, failed, identify, is_absent};
use crate::pinned::{Pinned, Version, is_into_data};

/// How much is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most files in one directory that are wanted. Default: 10 000.
    pub files_max: usize,
    /// The most entries in one directory, wanted or not. Default: 100 000.
    pub entries_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            files_max: 10_000,
            entries_max: 100_000,
        }
    }
}

/// Why a directory is not listed. The others do not suffer from it.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// There is none (or a link that leads nowhere). Whether that is an error is for the caller to say.
    #[error("there is no directory {}", .path.display())]
    Absent {
        /// As configured.
        path: PathBuf,
    },
    /// Permissions, a file in its place, links that go round in circles, a broken disk.
    #[error("cannot list {}: {error}", .path.display())]
    Unreadable {
        /// As configured.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
    /// It has more than the limit.
    #[error("{} has more than {most} {what}; move what does not belong there elsewhere", .path.display())]
    TooMany {
        /// As configured.
        path: PathBuf,
        /// The limit.
        most: usize,
        /// `files` of the wanted kind, or `entries`.
        what: &'static str,
    },
    /// It became another each time that it was listed.
    #[error("{} changes faster than it can be listed; it is listed again at the next look", .path.display())]
    Changing {
        /// As configured.
        path: PathBuf,
    },
}

impl DirectoryError {
    /// Whether it is likely to be otherwise at the next look, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(self, DirectoryError::Changing { .. })
    }
}

/// The directories, in the order that they were given.
#[derive(Debug)]
pub struct Snapshot {
    /// Each with what was found, or why not.
    pub directories: Vec<Directory>,
}

/// One directory.
#[derive(Debug)]
pub struct Directory {
    /// As configured.
    pub path: PathBuf,
    /// What is in it.
    pub listed: Result<Listed, DirectoryError>,
}

/// What is in a directory. In a volume of kubelet's all of it is of one version.
#[derive(Debug, Default)]
pub struct Listed {
    /// The version of the ConfigMap or Secret, if the directory is, or lies in, such a volume.
    pub version: Option<Version>,
    /// The wanted files, by name.
    pub files: Vec<Found>,
    /// Why others that are wanted are none.
    pub problems: Vec<FileError>,
    /// Links that are wanted and lead nowhere (yet), as users know them.
    pub dangling: Vec<PathBuf>,
}

impl Snapshot {
    /// Lists the directories. `wanted` is asked with each path as users know it; names that begin with a dot are never asked for.
    /// No file is opened.
    ///
    /// A directory that becomes another meanwhile is listed anew, and so are all if two are of different versions of one volume,
    /// 10 times each; then those are [`DirectoryError::Changing`].
    pub fn read(
        directories: &[PathBuf],
        wanted: impl Fn(&Path) -> bool,
        limits: &Limits,
    ) -> Snapshot {
        let mut tries = 1;
        loop {
            let mut snapshot = Snapshot {
                directories: directories
                    .iter()
                    .map(|path| Directory {
                        path: path.clone(),
                        listed: list(path, &wanted, limits),
                    })
                    .collect(),
            };
            let torn = snapshot.torn();
            if torn.is_empty() {
                return snapshot;
            }
            if tries == TRIES {
                for index in torn {
                    let directory = &mut snapshot.directories[index];
                    let path = directory.path.clone();
                    directory.listed = Err(DirectoryError::Changing { path });
                }
                return snapshot;
            }
            tries += 1;
        }
    }

    /// The directories that are of another version of a volume than an earlier one.
    fn torn(&self) -> Vec<usize> {
        let versions: Vec<_> = self
            .directories
            .iter()
            .map(|directory| directory.listed.as_ref().ok()?.version.as_ref())
            .collect();
        let is_torn = |(index, version): &(usize, &Version)| {
            let mut earlier = versions[..*index].iter().flatten();
            earlier.any(|earlier| version.is_torn_from(earlier))
        };
        let versions = versions.iter().enumerate();
        versions
            .filter_map(|(index, version)| Some((index, (*version)?)))
            .filter(is_torn)
            .map(|(index, _)| index)
            .collect()
    }
}

/// Lists one directory, anew if it becomes another meanwhile. Between two versions a path may lead nowhere for a moment, so
/// failures are tried again as well.
fn list(
    path: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    limits: &Limits,
) -> Result<Listed, DirectoryError> {
    let mut tries = 1;
    loop {
        let result = attempt(path, wanted, limits);
        if result.is_ok() || tries == TRIES {
            return result;
        }
        tries += 1;
    }
}

fn attempt(
    path: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    limits: &Limits,
) -> Result<Listed, DirectoryError> {
    let failed = |error| unlisted(path, error);
    let before = Pinned::pin(path).map_err(failed)?;
    let mut listed = Listed {
        version: before.version(),
        ..Listed::default()
    };
    for (name, real) in entries(path, &before, wanted, limits)? {
        listed.add(path.join(name), real);
    }
    if Pinned::pin(path).map_err(failed)? != before {
        return Err(DirectoryError::Changing {
            path: path.to_owned(),
        });
    }
    Ok(listed)
}

impl Listed {
    /// Looks at one entry.
    fn add(&mut self, path: PathBuf, real: PathBuf) {
        let identity = match fs::metadata(&real) {
            Ok(metadata) => identify(&metadata, &path),
            Err(error) if is_absent(&error) => return self.dangling.push(path),
            Err(error) => Err(failed(&path)(error)),
        };
        match identity {
            Ok(identity) => self.files.push(Found {
                path,
                identity,
                real,
            }),
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// The names that are wanted, and where each one's file is.
///
/// In a volume, what counts is what is in the timestamped directory: the links to it that users see are made after the swap by
/// newer kubelets, and before it by older ones, and removed after it. Other things that users see beside them are taken as they are.
fn entries(
    path: &Path,
    pinned: &Pinned,
    wanted: &dyn Fn(&Path) -> bool,
    limits: &Limits,
) -> Result<BTreeMap<OsString, PathBuf>, DirectoryError> {
    let names = |folder: &Path| names(folder, path, wanted, limits);
    let located = |folder: &Path, names: Vec<OsString>| {
        let folder = folder.to_owned();
        names.into_iter().map(move |name| {
            let real = folder.join(&name);
            (name, real)
        })
    };
    let Some(data) = &pinned.data else {
        return Ok(located(&pinned.real, names(&pinned.real)?).collect());
    };
    let mut entries: BTreeMap<_, _> = located(data, names(data)?).collect();
    let seen = located(&pinned.real, names(&pinned.real)?);
    entries.extend(seen.filter(|(_, seen)| is_beside_data(seen)));
    Ok(entries)
}

/// Whether it is none of kubelet's links; those that are stale go at any moment.
fn is_beside_data(seen: &Path) -> bool {
    match fs::read_link(seen) {
        Ok(target) => !is_into_data(&target),
        Err(error) => !is_absent(&error),
    }
}

/// The names in a folder that are wanted, called by the configured path.
fn names(
    folder: &Path,
    path: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    limits: &Limits,
) -> Result<Vec<OsString>, DirectoryError> {
    let failed = |error| unlisted(path, error);
    let too_many = |most, what| DirectoryError::TooMany {
        path: path.to_owned(),
        most,
        what,
    };
    let mut names = Vec::new();
    for (index, entry) in fs::read_dir(folder).map_err(failed)?.enumerate() {
        let name = entry.map_err(failed)?.file_name();
        if index == limits.entries_max {
            return Err(too_many(limits.entries_max, "entries"));
        }
        if name.as_bytes().starts_with(b".") || !wanted(&path.join(&name)) {
            continue;
        }
        if names.len() == limits.files_max {
            return Err(too_many(limits.files_max, "files"));
        }
        names.push(name);
    }
    Ok(names)
}

fn unlisted(path: &Path, error: io::Error) -> DirectoryError {
    let path = path.to_owned();
    if error.kind() == io::ErrorKind::NotFound {
        DirectoryError::Absent { path }
    } else {
        DirectoryError::Unreadable { path, error }
    }
}

#[cfg(test)]
mod tests;
