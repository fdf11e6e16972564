//! The calls that change files. Tests make them fail here, as a full or broken disk would.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// A new, empty file that only its owner can read; what had the name is gone.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true).mode(0o600);
    options.open(path)
}

/// Writes all of it, or says why not: then a part of it may be there.
pub(crate) fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    #[cfg(test)]
    if let Some(kept) = faults::write() {
        file.write_all_at(&bytes[..kept.min(bytes.len())], offset)?;
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all_at(bytes, offset)
}

/// Returns when the file's bytes are on the disk.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    if faults::sync() {
        return Err(io::Error::other("the disk did not answer"));
    }
    file.sync_data()
}

/// Cuts a file.
pub(crate) fn cut(file: &File, bytes: u64) -> io::Result<()> {
    #[cfg(test)]
    if faults::cut() {
        return Err(io::Error::other("the disk did not answer"));
    }
    file.set_len(bytes)
}

/// Returns when the names in a folder are on the disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Gives a file that is on the disk its name for good.
pub(crate) fn rename(from: &Path, to: &Path, folder: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder)
}

/// What shall fail in this thread.
#[cfg(test)]
pub(crate) mod faults {
    use std::cell::Cell;

    thread_local! {
        /// The next write keeps so many bytes, and fails.
        pub(crate) static WRITE: Cell<Option<usize>> = const { Cell::new(None) };
        /// The next sync fails.
        pub(crate) static SYNC: Cell<bool> = const { Cell::new(false) };
        /// The next cut fails.
        pub(crate) static CUT: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn write() -> Option<usize> {
        WRITE.take()
    }

    pub(super) fn sync() -> bool {
        SYNC.take()
    }

    pub(super) fn cut() -> bool {
        CUT.take()
    }
}
