//! The process's standard output: the only thing that plugins may write, whole lines at a time.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use weir_runtime::Output;

use crate::shutdown::{Phase, Shutdown};

/// How long a full pipe is waited for before looking whether to stop.
const TURN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Standard output, without the line buffering of the standard library: one write for one call.
pub struct StandardOutput {
    inner: Mutex<Inner>,
    shutdown: Arc<Shutdown>,
}

struct Inner {
    file: File,
    /// The last write ended within a line: the next one must not go on with it.
    torn: bool,
}

impl StandardOutput {
    /// Of this process.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(shutdown: Arc<Shutdown>) -> std::io::Result<StandardOutput> {
        let file = File::from(rustix::io::dup(rustix::stdio::stdout())?);
        Ok(StandardOutput {
            inner: Mutex::new(Inner { file, torn: false }),
            shutdown,
        })
    }
}

impl Output for StandardOutput {
    fn write(&self, lines: &[u8]) -> Result<(), String> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let torn = std::mem::take(&mut inner.torn);
        let whole = if torn {
            inner.write(b"\n", &self.shutdown)
        } else {
            Ok(())
        };
        let written = whole.and_then(|()| inner.write(lines, &self.shutdown));
        written.map_err(|error| {
            if error.kind() == ErrorKind::BrokenPipe {
                // Nobody reads, and nobody ever will: there is nothing to wait for.
                self.shutdown.advance(Phase::Aborting);
                return "standard output was closed by its reader".to_owned();
            }
            format!("standard output: {error}")
        })
    }
}

impl Inner {
    /// Writes all. A pipe may be full and not block: then it is waited for, in short turns.
    fn write(&mut self, bytes: &[u8], shutdown: &Shutdown) -> std::io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.file.write(rest) {
                Ok(0) => return self.fail(bytes, rest, ErrorKind::WriteZero.into()),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if shutdown.phase() == Phase::Aborting {
                        return self.fail(bytes, rest, error);
                    }
                    // Where poll itself fails, the next write says why.
                    let _ = poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], Some(&TURN));
                }
                Err(error) => return self.fail(bytes, rest, error),
            }
        }
        Ok(())
    }

    fn fail(&mut self, bytes: &[u8], rest: &[u8], error: std::io::Error) -> std::io::Result<()> {
        let written = &bytes[..bytes.len() - rest.len()];
        self.torn = written.last().is_some_and(|byte| *byte != b'\n');
        Err(error)
    }
}
