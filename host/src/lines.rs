//! Files of lines that are appended to: for their owner only, and never with half a line before the next.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Opens a file for appending, and makes it if it is missing. A process that was killed may have left half a line in it:
/// that is ended, so that the next one is not glued to it.
///
/// # Errors
/// The system's, and for what is no regular file.
pub fn open(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true).mode(0o600);
    let mut file = options.open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        let text = "is no regular file; expected a file, or a name for one";
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, text));
    }
    if metadata.len() > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

/// Whether an open file is what stands at a path: somebody may have renamed or removed it, and lines would go where nobody
/// looks.
pub fn is_at(file: &File, path: &Path) -> bool {
    let inode = |metadata: std::io::Result<Metadata>| metadata.map(|there| there.ino()).ok();
    inode(std::fs::metadata(path)) == inode(file.metadata())
}

/// Appends whole lines; they are on the disk when this returns. After an error none of them is in the file.
///
/// # Errors
/// The system's.
pub fn append(file: &mut File, lines: &[u8]) -> std::io::Result<()> {
    let before = file.metadata()?.len();
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    // Half of the lines would come twice, and a half line could never be read.
    written.inspect_err(|_| drop(file.set_len(before)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_of_an_earlier_run_is_ended() {
        let path = std::env::temp_dir().join(format!("weir-lines-{}", std::process::id()));
        std::fs::write(&path, "{\"recei").expect("a file");
        for line in ["one\n", "two\n"] {
            let mut file = open(&path).expect("it can be opened");
            append(&mut file, line.as_bytes()).expect("it can be written");
        }
        let text = std::fs::read_to_string(&path).expect("it is there");
        assert_eq!(text, "{\"recei\none\ntwo\n");
        std::fs::remove_file(path).expect("it is ours");
    }

    #[test]
    fn a_folder_is_no_file_of_lines() {
        assert!(open(&std::env::temp_dir()).is_err());
        assert!(open(Path::new("/dev/null")).is_err());
    }
}
