//! The bytes that `source.replay` and `weir plugin test` read: a file or standard input, gzip or not.
//!
//! It knows nothing of events. Where nothing is there to be read, it waits in `poll` and never in `read`.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Seek};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::config::ReplayPath;
use crate::source::unpack::{PACKED_BYTES_MAX, Unpacker, is_packed};

/// How long a reader that has nothing else to do waits at once.
const TURN: Duration = Duration::from_secs(1);

/// An open input.
pub struct Input {
    file: File,
    form: Form,
    /// A regular file never makes us wait, and can be followed.
    regular: bool,
    /// Another file lies under the path now.
    replaced: bool,
}

/// Told by the first byte, not by a name: standard input has none.
enum Form {
    Unknown,
    Plain,
    Packed(Box<Unpacker>),
}

/// Whether the file under a path is still the one that is read.
pub enum Renewed {
    /// It is.
    Same,
    /// Reading starts again, at the beginning of what is there now.
    Changed,
}

impl Input {
    /// Opens a file or standard input. Never waits for a writer of a FIFO: [`read_within`](Self::read_within) does.
    ///
    /// # Errors
    /// When it cannot be opened, or is a directory.
    pub fn open(path: &ReplayPath) -> Result<Input> {
        let file = match path {
            ReplayPath::Stdin => File::from(rustix::io::dup(rustix::stdio::stdin())?),
            ReplayPath::File(path) => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
                File::from(rustix::fs::open(path, flags, Mode::empty())?)
            }
        };
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(Error::new(
                ErrorKind::IsADirectory,
                "is a directory; expected a file",
            ));
        }
        Ok(Input {
            file,
            form: Form::Unknown,
            regular: metadata.is_file(),
            replaced: false,
        })
    }

    /// Whether it is known to be a gzip file.
    pub fn is_packed(&self) -> bool {
        matches!(self.form, Form::Packed(_))
    }

    /// Reads what is there, unpacked; waits for it. 0 is the end, or for now the end of a file that grows.
    ///
    /// # Errors
    /// When reading fails, or what is packed is damaged or cut off.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            if let Some(read) = self.read_within(buffer, TURN)? {
                return Ok(read);
            }
        }
    }

    /// The same, but `None` where nothing came in this time, or too little to unpack.
    ///
    /// # Errors
    /// When reading fails, or what is packed is damaged or cut off.
    pub fn read_within(&mut self, buffer: &mut [u8], timeout: Duration) -> Result<Option<usize>> {
        if let Form::Packed(unpacker) = &mut self.form {
            let unpacked = unpacker.unpack(buffer)?;
            if unpacked > 0 {
                return Ok(Some(unpacked));
            }
        }
        if !self.is_ready(timeout) {
            return Ok(None);
        }
        match self.read_ready(buffer) {
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
            {
                Ok(None)
            }
            read => read,
        }
    }

    fn read_ready(&mut self, buffer: &mut [u8]) -> Result<Option<usize>> {
        match &mut self.form {
            Form::Plain => self.file.read(buffer).map(Some),
            Form::Packed(unpacker) => {
                if unpacker.fill(|packed| self.file.read(packed))? == 0 {
                    return Ok(Some(0));
                }
                let unpacked = unpacker.unpack(buffer)?;
                Ok(Some(unpacked).filter(|count| *count > 0))
            }
            Form::Unknown => {
                // No more than an unpacker takes at once.
                let most = buffer.len().min(PACKED_BYTES_MAX);
                let read = self.file.read(&mut buffer[..most])?;
                if !is_packed(&buffer[..read]) {
                    if read > 0 {
                        self.form = Form::Plain;
                    }
                    return Ok(Some(read));
                }
                let mut unpacker = Box::<Unpacker>::default();
                unpacker.fill(|packed| {
                    packed[..read].copy_from_slice(&buffer[..read]);
                    Ok(read)
                })?;
                self.form = Form::Packed(unpacker);
                Ok(None)
            }
        }
    }

    /// Whether reading would give something, or the end, within this time. A FIFO whose first writer has
    /// yet to come is not ready.
    fn is_ready(&self, timeout: Duration) -> bool {
        if self.regular {
            return true;
        }
        let timeout = Timespec::try_from(timeout).ok();
        let mut fds = [PollFd::new(&self.file, PollFlags::IN)];
        match poll(&mut fds, timeout.as_ref()) {
            Ok(ready) => ready > 0,
            // Reading might wait for ever, and the signal may be the one to stop.
            Err(Errno::INTR) => false,
            // Where poll itself fails, the read says why.
            Err(_) => true,
        }
    }

    /// At the end of the file under `path`: starts again where it was cut, goes over to another file that
    /// lies there now. The old one is read to its end once more before that: its writer may have
    /// written between our last read and the rename.
    ///
    /// # Errors
    /// When the path cannot be looked at, or what is there now cannot be opened.
    pub fn renew(&mut self, path: &Path) -> Result<Renewed> {
        let here = self.file.metadata()?;
        if self.replaced {
            let next = Input::open(&ReplayPath::File(path.to_path_buf()))?;
            self.replaced = false;
            // It may have been put back meanwhile.
            if is_same(&next.file.metadata()?, &here) {
                return Ok(Renewed::Same);
            }
            *self = next;
            return Ok(Renewed::Changed);
        }
        if !is_same(&std::fs::metadata(path)?, &here) {
            self.replaced = true;
        } else if self.regular && here.len() < self.file.stream_position()? {
            self.file.rewind()?;
            self.form = Form::Unknown;
            return Ok(Renewed::Changed);
        }
        Ok(Renewed::Same)
    }
}

fn is_same(one: &std::fs::Metadata, other: &std::fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
