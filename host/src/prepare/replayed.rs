//! The file that is to be replayed: looked at before anything begins.

use std::path::Path;

/// Whether a file can be replayed. Only a regular file is opened: whoever writes to a FIFO would take us
/// for its reader, and be told that it has gone.
pub(super) fn check_file(file: &Path) -> std::io::Result<()> {
    let metadata = std::fs::metadata(file)?;
    if metadata.is_dir() {
        let text = "is a directory; expected a file with one event a line";
        return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, text));
    }
    if metadata.is_file() {
        std::fs::File::open(file)?;
    }
    Ok(())
}
