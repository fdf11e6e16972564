//! The bytes that `source.replay` and `weir plugin test` read: a file or standard input, gzip or not.
//!
//! It knows nothing of events.

use std::fs::File;
use std::io::{Chain, Cursor, ErrorKind, Read, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use flate2::read::MultiGzDecoder;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::config::ReplayPath;

/// How a gzip file starts (RFC 1952).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An open input.
pub struct Input {
    file: File,
    form: Form,
    /// A regular file never makes us wait, and can be followed.
    regular: bool,
    /// Another file lies under the path now.
    replaced: bool,
}

/// Told by the first bytes, not by a name: standard input has none.
enum Form {
    Unknown,
    Plain,
    Packed(Box<MultiGzDecoder<Chain<Cursor<Vec<u8>>, File>>>),
}

/// Whether the file under a path is still the one that is read.
pub enum Renewed {
    /// It is.
    Same,
    /// Reading starts again, at the beginning of what is there now.
    Changed,
}

impl Input {
    /// Opens a file or standard input.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &ReplayPath) -> std::io::Result<Input> {
        let file = match path {
            ReplayPath::Stdin => File::from(rustix::io::dup(rustix::stdio::stdin())?),
            ReplayPath::File(path) => File::open(path)?,
        };
        let regular = file.metadata()?.is_file();
        Ok(Input {
            file,
            form: Form::Unknown,
            regular,
            replaced: false,
        })
    }

    /// Reads what is there, unpacked. 0 is the end, or for now the end of a file that grows.
    ///
    /// # Errors
    /// When reading fails, or what is packed is damaged.
    pub fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match &mut self.form {
            Form::Plain => self.file.read(buffer),
            Form::Packed(decoder) => decoder.read(buffer),
            Form::Unknown => {
                let read = self.file.read(buffer)?;
                if buffer[..read].starts_with(&GZIP_MAGIC) {
                    let start = Cursor::new(buffer[..read].to_vec());
                    self.form = Form::Packed(Box::new(MultiGzDecoder::new(
                        start.chain(self.file.try_clone()?),
                    )));
                    return self.read(buffer);
                }
                if read > 0 {
                    self.form = Form::Plain;
                }
                Ok(read)
            }
        }
    }

    /// Whether reading would give something now, or the end, within this time. A packed pipe may hold
    /// bytes that were read but not unpacked, so it is always read.
    pub fn is_ready(&self, timeout: Duration) -> bool {
        if self.regular || matches!(self.form, Form::Packed(_)) {
            return true;
        }
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        // Where poll itself fails, the read says why.
        poll(&mut fds, Some(&timeout)).map_or(true, |ready| ready > 0)
    }

    /// At the end of the file under `path`: starts again where it was cut, goes over to another file that
    /// lies there now. The old one is read to its end once more before that: its writer may have
    /// written between our last read and the rename.
    ///
    /// # Errors
    /// When the path cannot be looked at, or the input cannot be followed.
    pub fn renew(&mut self, path: &Path) -> std::io::Result<Renewed> {
        if matches!(self.form, Form::Packed(_)) {
            return Err(std::io::Error::new(
                ErrorKind::Unsupported,
                "a gzip file cannot be followed",
            ));
        }
        if self.replaced {
            *self = Input::open(&ReplayPath::File(path.to_path_buf()))?;
            return Ok(Renewed::Changed);
        }
        let (there, here) = (std::fs::metadata(path)?, self.file.metadata()?);
        if (there.dev(), there.ino()) != (here.dev(), here.ino()) {
            self.replaced = true;
        } else if self.regular && here.len() < self.file.stream_position()? {
            self.file.rewind()?;
            self.form = Form::Unknown;
            return Ok(Renewed::Changed);
        }
        Ok(Renewed::Same)
    }
}
