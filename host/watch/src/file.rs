//! Reading one file: whole, bounded, and of one version.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{Mode, OFlags};
use thiserror::Error;

use crate::pinned::Version;

/// How often something that changes while it is read is begun anew, before it is left to the next look.
pub(crate) const TRIES: usize = 10;
/// The clock of a file system moves in steps (10 ms at most on Linux): a file that changed so shortly before it was looked at
/// may change again without looking different.
const STEP: Duration = Duration::from_millis(100);

/// Why a file is not read. The other files do not suffer from it.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is none (or a link that leads nowhere).
    #[error("there is no file {}", .path.display())]
    Absent {
        /// As users know it.
        path: PathBuf,
    },
    /// It became another while it was read.
    #[error("{} changed while it was read; it is read again at the next look", .path.display())]
    Changed {
        /// As users know it.
        path: PathBuf,
    },
    /// It is larger than what is read of it.
    #[error("{} has {bytes} bytes, and files of at most {bytes_max} are read; make it smaller", .path.display())]
    TooLarge {
        /// As users know it.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The most.
        bytes_max: u64,
    },
    /// It is a folder, a pipe, …
    #[error("{} is {what}, and not a file; rename or remove it", .path.display())]
    NotAFile {
        /// As users know it.
        path: PathBuf,
        /// With its article.
        what: &'static str,
    },
    /// Permissions, links that go round in circles, a broken disk.
    #[error("cannot read {}: {error}", .path.display())]
    Unreadable {
        /// As users know it.
        path: PathBuf,
        /// The cause.
        error: io::Error,
    },
}

impl FileError {
    /// The file, as users know it.
    pub fn path(&self) -> &Path {
        match self {
            FileError::Absent { path }
            | FileError::Changed { path }
            | FileError::TooLarge { path, .. }
            | FileError::NotAFile { path, .. }
            | FileError::Unreadable { path, .. } => path,
        }
    }

    /// Whether it is likely to be otherwise at the next look, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(self, FileError::Changed { .. })
    }
}

/// What tells cheaply whether a file is as it was: device, inode, size, and when it was changed.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    device: u64,
    inode: u64,
    bytes: u64,
    /// In nanoseconds since 1970.
    modified: i128,
    /// Also moves with permissions, and cannot be set back by `cp -p` or `touch`.
    changed: i128,
    /// When it was looked at.
    seen: i128,
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Identity {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos =
            |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: nanos(metadata.mtime(), metadata.mtime_nsec()),
            changed: nanos(metadata.ctime(), metadata.ctime_nsec()),
            seen: since.map_or(0, |since| i128::try_from(since.as_nanos()).unwrap_or(0)),
        }
    }

    /// Whether the file is as it was when `earlier` was taken, so that it need not be read again. Never for a file that had just
    /// been changed then (100 ms): it may have been changed again since within the same step of the file system's clock.
    pub fn is_still(&self, earlier: &Identity) -> bool {
        let age = earlier.seen - earlier.changed.max(earlier.modified);
        let step = i128::try_from(STEP.as_nanos()).unwrap_or(i128::MAX);
        age > step && self.is_same(earlier)
    }

    /// The file's size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn is_same(&self, other: &Identity) -> bool {
        let parts = |of: &Identity| (of.device, of.inode, of.bytes, of.modified, of.changed);
        parts(self) == parts(other)
    }
}

/// A file of a [`crate::Snapshot`].
#[derive(Clone, Debug)]
pub struct Found {
    /// As users know it: the configured directory and the file's name.
    pub path: PathBuf,
    /// What it was when the directory was listed.
    pub identity: Identity,
    /// Where this version of it is: in kubelet's timestamped directory, where there is one.
    pub(crate) real: PathBuf,
}

impl Found {
    /// The bytes, of the version that was listed. No handle is kept open between listing and this.
    ///
    /// # Errors
    /// When that version is gone or was changed ([`FileError::Changed`]: take another snapshot), when there are more than
    /// `bytes_max` bytes, or it cannot be read.
    pub fn read(&self, bytes_max: u64) -> Result<Vec<u8>, FileError> {
        let read = read(&self.real, &self.path, bytes_max, Some(&self.identity));
        read.map(|(bytes, _)| bytes)
    }
}

/// A file that was read by its path.
#[derive(Clone, Debug)]
pub struct Contents {
    /// All of it.
    pub bytes: Vec<u8>,
    /// What it was.
    pub identity: Identity,
    /// The version of the ConfigMap or Secret that it is of, if it lies in such a volume.
    pub version: Option<Version>,
}

/// Reads a file such as the configuration, through all links; begun anew (10 times) if it changes meanwhile.
///
/// # Errors
/// When there is none, it has more than `bytes_max` bytes, cannot be read, or changes all the time.
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Contents, FileError> {
    let mut tries = 1;
    loop {
        let result = attempt(path, bytes_max);
        // Between two versions of a volume, a path may lead nowhere for a moment.
        let is_passing = matches!(
            result,
            Err(FileError::Changed { .. } | FileError::Absent { .. })
        );
        if !is_passing || tries == TRIES {
            return result;
        }
        tries += 1;
    }
}

fn attempt(path: &Path, bytes_max: u64) -> Result<Contents, FileError> {
    let real = || fs::canonicalize(path).map_err(failed(path));
    let before = real()?;
    let (bytes, identity) = read(&before, path, bytes_max, None)?;
    if real()? != before {
        return Err(FileError::Changed {
            path: path.to_owned(),
        });
    }
    Ok(Contents {
        bytes,
        identity,
        version: Version::of(&before),
    })
}

/// Reads the file at `real`, called `path` in errors; with an identity, only if it is that one.
fn read(
    real: &Path,
    path: &Path,
    bytes_max: u64,
    expected: Option<&Identity>,
) -> Result<(Vec<u8>, Identity), FileError> {
    let changed = || FileError::Changed {
        path: path.to_owned(),
    };
    let mut file = match open(real) {
        Err(error) if expected.is_some() && is_absent(&error) => return Err(changed()),
        file => file.map_err(failed(path))?,
    };
    let identity = identify(&file.metadata().map_err(failed(path))?, path)?;
    if expected.is_some_and(|expected| !expected.is_same(&identity)) {
        return Err(changed());
    }
    let too_large = |bytes| FileError::TooLarge {
        path: path.to_owned(),
        bytes,
        bytes_max,
    };
    if identity.bytes > bytes_max {
        return Err(too_large(identity.bytes));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(identity.bytes).unwrap_or(0));
    let most = bytes_max.saturating_add(1);
    file.by_ref()
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(failed(path))?;
    if bytes.len() as u64 > bytes_max {
        return Err(too_large(most));
    }
    let after = Identity::of(&file.metadata().map_err(failed(path))?);
    if after.is_same(&identity) {
        Ok((bytes, identity))
    } else {
        Err(changed())
    }
}

/// Opens it without waiting for anything: a pipe that nobody writes to would never open.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let handle = rustix::fs::open(path, flags, Mode::empty())?;
    Ok(File::from(handle))
}

/// The identity of what is a file; else what it is.
pub(crate) fn identify(metadata: &Metadata, path: &Path) -> Result<Identity, FileError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(Identity::of(metadata));
    }
    let what = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(FileError::NotAFile {
        path: path.to_owned(),
        what,
    })
}

/// Nothing is there, or what should be a folder on the way is none.
pub(crate) fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// For `map_err`.
pub(crate) fn failed(path: &Path) -> impl Fn(io::Error) -> FileError {
    move |error| {
        let path = path.to_owned();
        if is_absent(&error) {
            FileError::Absent { path }
        } else {
            FileError::Unreadable { path, error }
        }
    }
}

#[cfg(test)]
mod tests;
