//! Where a directory really is, so that all of it is read from one version, and that it changed meanwhile is seen.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::mounts::is_timestamped;

/// kubelet's link to the current version of a volume.
pub(crate) const DATA: &str = "..data";

/// One version of a ConfigMap, Secret or projected volume: kubelet's timestamped directory, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version(PathBuf);

impl Version {
    /// The version that a path without links is of: it leads through a name that kubelet keeps for itself.
    pub(crate) fn of(real: &Path) -> Option<Version> {
        let folder = real.ancestors().find(|folder| {
            let last = folder.components().next_back();
            last.is_some_and(is_timestamped)
        });
        folder.map(|folder| Version(folder.to_owned()))
    }

    /// Whether these are two versions of the same volume: what was read from both does not belong together, look again.
    pub fn is_torn_from(&self, other: &Version) -> bool {
        self != other && self.0.parent() == other.0.parent()
    }

    /// The timestamped directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Where a path led at a moment. Two that are equal, before and after a listing, mean that all of it is of one version:
/// kubelet never uses a timestamped directory's name again while another one exists, and never changes one that `..data` led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Pinned {
    /// Without links.
    pub real: PathBuf,
    /// Where its link `..data` leads, if it has one: the directory is a volume.
    pub data: Option<PathBuf>,
    /// The devices and inodes of both: a directory may be replaced by another with the same name.
    inodes: Vec<(u64, u64)>,
}

impl Pinned {
    /// Follows the links now.
    pub fn pin(directory: &Path) -> io::Result<Pinned> {
        let real = fs::canonicalize(directory)?;
        let data = match fs::read_link(real.join(DATA)) {
            Ok(target) => Some(real.join(target)),
            // None, or something else of that name.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) =>
            {
                None
            }
            Err(error) => return Err(error),
        };
        let inodes = std::iter::once(&real).chain(&data).map(|path| inode(path));
        let inodes = inodes.collect::<io::Result<_>>()?;
        Ok(Pinned { real, data, inodes })
    }

    /// The version of the volume that it is, or is in.
    pub fn version(&self) -> Option<Version> {
        match &self.data {
            Some(data) => Some(Version(data.clone())),
            None => Version::of(&self.real),
        }
    }
}

/// The device and inode of what a path leads to.
pub(crate) fn inode(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// Whether a link's target begins with `..data`: it is one that kubelet made.
pub(crate) fn is_into_data(target: &Path) -> bool {
    matches!(target.components().next(), Some(Component::Normal(name)) if name == DATA)
}
