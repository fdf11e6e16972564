//! The host's standard output.

use crate::raw::output;
use crate::{Error, Result};

/// Writes whole lines, each with its newline.
///
/// # Errors
/// Standard output is closed or full.
pub fn write(lines: &[u8]) -> Result {
    output::write(lines).map_err(Error::from)
}
