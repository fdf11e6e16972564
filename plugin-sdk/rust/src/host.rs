//! The log, printing, the clock, chance and counters.

use std::time::Duration;

use crate::raw::host;

/// The numbers of the streams in the contract.
const STANDARD_OUTPUT: u8 = 1;
const STANDARD_ERROR: u8 = 2;

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For who works on the plugin.
    Debug,
    /// For who wonders what it does.
    Info,
    /// Something is odd and handled.
    Warn,
    /// A person is needed.
    Error,
}

/// Writes a line to the host's log, beside the plugin's name.
pub fn log(level: Level, message: impl AsRef<str>) {
    let level = match level {
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::log(level, message.as_ref());
}

/// [`log()`] at [`Level::Debug`].
pub fn debug(message: impl AsRef<str>) {
    log(Level::Debug, message);
}

/// [`log()`] at [`Level::Info`].
pub fn info(message: impl AsRef<str>) {
    log(Level::Info, message);
}

/// [`log()`] at [`Level::Warn`].
pub fn warn(message: impl AsRef<str>) {
    log(Level::Warn, message);
}

/// [`log()`] at [`Level::Error`].
pub fn error(message: impl AsRef<str>) {
    log(Level::Error, message);
}

/// Prints, as `print!` does elsewhere: whole lines become lines of the host's log, half a line waits for its end.
///
/// What std's `print!`, `eprint!` and `dbg!` write goes nowhere on `wasm32-unknown-unknown`, without an error.
pub fn print(bytes: impl AsRef<[u8]>) {
    host::print(STANDARD_OUTPUT, bytes.as_ref());
}

/// Prints as [`print()`] does, to standard error.
pub fn eprint(bytes: impl AsRef<[u8]>) {
    host::print(STANDARD_ERROR, bytes.as_ref());
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn now() -> u64 {
    host::now()
}

/// 64 random bits.
#[must_use]
pub fn random() -> u64 {
    host::random()
}

/// Adds to a counter of this plugin's own, shown with the host's metrics.
pub fn count(name: &str, by: u32) {
    host::count(name, by);
}

/// A duration as the contract has it. 0 means something else there, so a shorter one than 1 ms is 1 ms.
pub(crate) fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis())
        .unwrap_or(u32::MAX)
        .max(1)
}
