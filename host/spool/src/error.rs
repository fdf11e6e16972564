//! What can go wrong with a queue on disk, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Why the queue could not do what was asked of it.
#[derive(Debug, Clone, Error)]
pub enum SpoolError {
    /// A second process, or a second receiver, has the folder.
    #[error(
        "the queue in {} is in use by another process; give each receiver and each replica a folder of its own, or stop the other one", .path.display()
    )]
    Locked {
        /// The folder.
        path: PathBuf,
    },
    /// The files are of a later release.
    #[error(
        "the queue file {} has format {found}, this release knows up to {known}; run the newer release until the queue is empty, or move the folder away", .path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format that it says it has.
        found: u32,
        /// The newest format of this release.
        known: u32,
    },
    /// The disk refused. Nothing of the portion is kept; the same call may be made again.
    #[error("cannot {doing} {}: {error}; {}", .path.display(), advice(.error))]
    Disk {
        /// What was tried: `write`, `sync`, …
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        error: Arc<io::Error>,
    },
    /// A file changed on disk since it was opened and checked.
    #[error(
        "the queue file {} is damaged at byte {offset}; restart weir: it then keeps what can be read, and puts the file aside", .path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
    /// A document, a watch's name or a portion is beyond its limits.
    #[error("{what} has {bytes} bytes, and {least} to {most} can be queued on disk")]
    Size {
        /// `a document`, `a watch's name` or `a portion`.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on the volume, or set queue.disk.bytes below its size"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "the folder must be writable for the user that weir runs as"
        }
        _ => "look at the volume and the kernel's log",
    }
}

/// For `map_err`: what was tried with which file.
pub(crate) fn disk(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    let path = path.to_owned();
    move |error| SpoolError::Disk {
        doing,
        path,
        error: Arc::new(error),
    }
}
