//! Appending to the one file that a sink's own configuration names at its key `path`.

use crate::raw::file;
use crate::{Error, Result};

/// When a file is put aside and a new one begun, and what becomes of the old ones. By default nothing is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// MiB that a file may have; 0: any.
    pub size: u32,
    /// Minutes after which a file that is not empty is put aside; 0: never.
    pub every: u32,
    /// How many of the files put aside are kept; 0: all.
    pub backups: u32,
    /// Days for which files put aside are kept; 0: for ever.
    pub age: u32,
    /// Whether files put aside are compressed (gzip).
    pub compress: bool,
}

/// Appends whole lines: the last byte must be a line feed. When this returns the disk has them.
///
/// # Errors
/// Nothing was appended: another path than the configuration's, no room, no permission.
pub fn append(path: &str, lines: &[u8], rotation: Rotation) -> Result {
    let Rotation {
        size,
        every,
        backups,
        age,
        compress,
    } = rotation;
    let rotation = file::Rotation {
        size,
        every,
        backups,
        age,
        compress,
    };
    file::append(path, lines, rotation).map_err(Error::from)
}
