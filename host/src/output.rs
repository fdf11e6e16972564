//! The process's standard output: the only thing that plugins may write, whole lines at a time.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::sync::{Arc, Mutex, PoisonError};

use weir_runtime::Output;

use crate::shutdown::{Phase, Shutdown};

/// Standard output, without the line buffering of the standard library: one write for one call.
pub struct StandardOutput {
    file: Mutex<File>,
    shutdown: Arc<Shutdown>,
}

impl StandardOutput {
    /// Of this process.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(shutdown: Arc<Shutdown>) -> std::io::Result<StandardOutput> {
        let file = File::from(rustix::io::dup(rustix::stdio::stdout())?);
        Ok(StandardOutput {
            file: Mutex::new(file),
            shutdown,
        })
    }
}

impl Output for StandardOutput {
    fn write(&self, lines: &[u8]) -> Result<(), String> {
        let written = self
            .file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write_all(lines);
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
