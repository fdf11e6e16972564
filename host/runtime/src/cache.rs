//! The folder of compiled plugins: machine code that the host maps and runs.
//!
//! Nobody else may write in it. It never looks into the files: `compile.rs` does.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Files kept in the cache; the ones used longest ago go first.
const CACHE_FILES_MAX: usize = 128;
/// Bytes of all of them, but for the newest: a Python component makes 60 MB, in each of its versions.
const CACHE_BYTES_MAX: u64 = 512 << 20;

/// A temporary file this old belongs to nobody any more: a compilation takes two minutes at most.
const ORPHAN_AGE: Duration = Duration::from_secs(3600);

/// Where compiled code is kept from start to start.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, making it (mode 0700) where it is missing.
    ///
    /// # Errors
    /// When it cannot be made, is somebody else's, or can be written by others: whoever can write there
    /// can run code in the host.
    pub fn open(folder: &Path) -> Result<Cache, String> {
        let at = |error: std::io::Error| format!("plugin cache {}: {error}", folder.display());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(at)?;
        let metadata = std::fs::metadata(folder).map_err(at)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(format!(
                "plugin cache {}: belongs to another user",
                folder.display()
            ));
        }
        if metadata.mode() & 0o022 != 0 {
            let mode = metadata.mode() & 0o7777;
            return Err(format!(
                "plugin cache {}: others can write it (mode {mode:o}); chmod 700 it",
                folder.display()
            ));
        }
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        std::fs::write(&probe, b"")
            .and_then(|()| std::fs::remove_file(&probe))
            .map_err(at)?;
        Ok(Cache {
            folder: folder.to_path_buf(),
        })
    }

    pub(crate) fn path(&self, digest: &str, compatibility: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{compatibility}.cwasm"))
    }

    /// Temporary file, then rename: a reader sees the whole file or none, also after a power cut. The name
    /// is one of its own: two threads may compile the same plugin.
    pub(crate) fn store(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        // A crashed process with the same id, as in a container, may have left it.
        let _ = std::fs::remove_file(&temporary);
        let written = write(&temporary, code).and_then(|()| std::fs::rename(&temporary, path));
        if written.is_err() {
            // The error of the write is the one to report.
            let _ = std::fs::remove_file(&temporary);
        }
        self.prune();
        written
    }

    /// A file that is used stays when the folder is pruned. Where the time cannot be set, it goes earlier.
    pub(crate) fn note_use(&self, path: &Path) {
        let _ = std::fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
    }

    /// What is in it is of no use.
    pub(crate) fn forget(&self, path: &Path) {
        let _ = std::fs::remove_file(path);
    }

    /// Keeps the folder bounded; what cannot be removed is tried again next time.
    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok((modified, bytes)) = entry
                .metadata()
                .and_then(|metadata| Ok((metadata.modified()?, metadata.len())))
            else {
                continue;
            };
            if name.ends_with(".cwasm") {
                files.push((modified, entry.path(), bytes));
            } else if name.ends_with(".tmp") && modified.elapsed().is_ok_and(|age| age > ORPHAN_AGE)
            {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        files.sort();
        let mut kept_bytes = 0;
        for (kept, (_, path, bytes)) in files.into_iter().rev().enumerate() {
            kept_bytes += bytes;
            if kept > 0 && (kept >= CACHE_FILES_MAX || kept_bytes > CACHE_BYTES_MAX) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
}

fn write(path: &Path, code: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(code)?;
    // A file that lost its bytes to a power cut would be run.
    file.sync_all()
}
