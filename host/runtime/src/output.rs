//! `weir:plugin/output` as the runtime sees it: where whole lines go.

/// The host's standard output.
pub trait Output: Send + Sync {
    /// Writes whole lines, all or an error.
    ///
    /// # Errors
    /// What failed, in words for the plugin and the log.
    fn write(&self, lines: &[u8]) -> Result<(), String>;
}

/// Where there is none: a `setup`, a check.
pub struct NoOutput;

impl Output for NoOutput {
    fn write(&self, _lines: &[u8]) -> Result<(), String> {
        Err("there is no standard output in this call".into())
    }
}
