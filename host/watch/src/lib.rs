//! How plugin directories and the configuration file change while weir runs: notices that something did, when to look, and
//! reading what is there as of one moment.
//!
//! It knows no plugin and no configuration; it compares no contents and keeps none. One thread uses it:
//!
//! ```no_run
//! use std::{path::{Path, PathBuf}, sync::Arc};
//! use weir_watch::{Limits, Looks, Notices, PERIOD, Snapshot, Why, read_file};
//!
//! let looks = Arc::new(Looks::default());
//! let woken = Arc::clone(&looks);
//! let mut notices = Notices::new(move || woken.notice());
//! let (directories, config) = (vec![PathBuf::from("/plugins")], PathBuf::from("/etc/weir/config.yaml"));
//! loop {
//!     // Before anything is read, so that what changes afterwards gives notice.
//!     for warning in notices.watch(&directories, std::slice::from_ref(&config)) {
//!         eprintln!("{warning}");
//!     }
//!     let config = read_file(&config, 1 << 20);
//!     let is_wanted = |path: &Path| path.extension().is_some_and(|extension| extension == "wasm");
//!     let plugins = Snapshot::read(&directories, is_wanted, &Limits::default());
//!     // … and if the configuration names other directories: watch those, and read again.
//!     if looks.next(PERIOD) == Why::Ended {
//!         break;
//!     }
//! }
//! ```
//!
//! # What it relies on
//!
//! **kubelet** writes ConfigMap, Secret and projected volumes with its AtomicWriter (kubernetes, `pkg/volume/util/atomic_writer.go`):
//!
//! - A version is a directory `..<time>.<random>` in the volume, complete before anything leads to it, never changed, and removed after
//!   the next one is in its place. Names that begin with `..` are kubelet's own.
//! - `..data` is a link to the current one. It is replaced by renaming `..data_tmp` over it: that is the one moment of the change.
//! - What users see are links: `x.wasm -> ..data/x.wasm`. They are made before the rename by older kubelets, and lead nowhere until then;
//!   after it by newer ones (kubernetes#97642), so a new file is in `..data` before users see it; a kubelet that ended in between
//!   never made them (kubernetes#121472). Those of files that are gone are removed after the rename. So in a volume the timestamped
//!   directory says what there is, and as long as `..data` leads to it before and after, what was listed is one version.
//! - A mount with `subPath` is a bind mount of what `..data/x.wasm` was when the container started, and never follows (kubernetes#50345).
//!   [`is_sub_path`] tells.
//!
//! **inotify** (inotify(7), and the crate notify, which runs it on a thread of its own):
//!
//! - A watch is on an inode, not on a path: it goes with a folder that is removed, and stays with one that is renamed. So folders are
//!   watched, never files, which editors and kubelet replace; each call of [`Notices::watch`] compares inodes, and sets all watches
//!   again, those that are there already, too: notify drops watches by path, so a late event about a removed folder takes the watch
//!   of its successor, and the watches of an unmounted file system end without an event that notify passes on.
//! - Reading gives events (open, close), which are no notice; chmod, a link that is replaced, and a file that was written and is closed are.
//!   When the kernel's queue overflows, that is a notice.
//! - Watches and instances are limited for each user of a node (`fs.inotify.max_user_watches`, `max_user_instances`: often 128 for all
//!   containers that run as the same user). Without them there are warnings, and the look every 30 s ([`PERIOD`]) goes on alone.
//! - **Not noticed**, but found by that look: what happens on a network file system by another machine, writes through mmap, a folder
//!   above the watched ones that is renamed (with no link in it that leads there), mounts and unmounts.

mod file;
mod looks;
mod mounts;
mod notices;
mod pinned;
mod plan;
mod settled;
mod snapshot;
#[cfg(test)]
mod testing;

/// The writer of the end-to-end tests: kubelet's way to write a volume is told once.
#[cfg(test)]
#[path = "../../../tests/src/config_map.rs"]
mod config_map;

pub use crate::file::{Contents, FileError, Found, Identity, read_file};
pub use crate::looks::{Looks, PERIOD, Why};
pub use crate::mounts::is_sub_path;
pub use crate::notices::Notices;
pub use crate::pinned::Version;
pub use crate::settled::{LATEST, QUIET, Settled};
pub use crate::snapshot::{Directory, DirectoryError, Limits, Listed, Snapshot};
