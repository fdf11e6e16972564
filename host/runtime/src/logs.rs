//! A plugin's log lines: bounded in number and length, and safe for any terminal.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;

/// Lines a second for one use; what goes beyond is counted and said.
const LINES_A_SECOND_MAX: u32 = 100;
/// Bytes of one line; the rest is cut.
const LINE_BYTES_MAX: usize = 4096;

/// Admits so many lines a second, and counts the rest.
#[derive(Debug)]
pub struct LogLimit {
    lines_a_second_max: u32,
    window: Mutex<Window>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    lines: u32,
    suppressed: u64,
}

impl LogLimit {
    /// A limit of so many lines a second.
    pub fn new(lines_a_second_max: u32) -> LogLimit {
        LogLimit {
            lines_a_second_max,
            window: Mutex::new(Window {
                since: Instant::now(),
                lines: 0,
                suppressed: 0,
            }),
        }
    }

    /// Whether a line may be written now; if so, with how many were left out since the last that was.
    pub fn admit(&self) -> Option<u64> {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.since.elapsed() >= Duration::from_secs(1) {
            window.since = Instant::now();
            window.lines = 0;
        }
        if window.lines >= self.lines_a_second_max {
            window.suppressed += 1;
            return None;
        }
        window.lines += 1;
        Some(std::mem::take(&mut window.suppressed))
    }
}

/// Gets each line that a plugin logs, safe for a terminal and of bounded length, in place of the log.
pub type Recorder = dyn Fn(Level, &str) + Send + Sync;

/// The log of one use of a plugin.
pub(crate) struct PluginLog {
    name: String,
    plugin: String,
    way: Way,
    said_once: AtomicBool,
}

/// Where lines go.
enum Way {
    /// Into weir's own log, so many a second.
    Written(LogLimit),
    /// To somebody who wants all of them.
    Recorded(Arc<Recorder>),
}

impl PluginLog {
    pub(crate) fn new(name: &str, plugin: &str) -> PluginLog {
        PluginLog {
            name: name.to_owned(),
            plugin: plugin.to_owned(),
            way: Way::Written(LogLimit::new(LINES_A_SECOND_MAX)),
            said_once: AtomicBool::new(false),
        }
    }

    /// One that hands its lines on.
    pub(crate) fn recorded(recorder: Arc<Recorder>) -> PluginLog {
        PluginLog {
            way: Way::Recorded(recorder),
            ..PluginLog::new("", "")
        }
    }

    /// Writes a line the plugin logged.
    pub(crate) fn line(&self, level: Level, text: &str) {
        let limit = match &self.way {
            Way::Written(limit) => limit,
            Way::Recorded(recorder) => return recorder(level, &clean(text, LINE_BYTES_MAX)),
        };
        let Some(suppressed) = limit.admit() else {
            return;
        };
        let (r#use, plugin, message) = (&*self.name, &*self.plugin, clean(text, LINE_BYTES_MAX));
        if suppressed > 0 {
            tracing::warn!(
                r#use,
                plugin,
                suppressed,
                "the plugin logged too much; lines were left out"
            );
        }
        match level {
            Level::ERROR => tracing::error!(target: "weir::plugin", r#use, plugin, "{message}"),
            Level::WARN => tracing::warn!(target: "weir::plugin", r#use, plugin, "{message}"),
            Level::INFO => tracing::info!(target: "weir::plugin", r#use, plugin, "{message}"),
            _ => tracing::debug!(target: "weir::plugin", r#use, plugin, "{message}"),
        }
    }

    /// The host's own remark about this plugin, the first time only.
    pub(crate) fn say_once(&self, text: &str) {
        if self.said_once.swap(true, Ordering::Relaxed) {
            return;
        }
        match &self.way {
            Way::Written(_) => tracing::warn!(r#use = self.name, plugin = self.plugin, "{text}"),
            Way::Recorded(recorder) => recorder(Level::WARN, text),
        }
    }
}

/// A guest's text on one line: control characters (a terminal's escapes among them) become visible, and
/// what is too long is cut.
pub fn clean(text: &str, bytes_max: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(bytes_max));
    for character in text.trim_end().chars() {
        if cleaned.len() >= bytes_max {
            cleaned.push('…');
            break;
        }
        if character.is_control() || is_direction_override(character) {
            cleaned.extend(character.escape_default());
        } else {
            cleaned.push(character);
        }
    }
    cleaned
}

/// Unicode's invisible switches of the writing direction can make a line read as another.
fn is_direction_override(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible_and_long_lines_are_cut() {
        assert_eq!(clean("a\u{1b}[31mb\nc\n", 100), "a\\u{1b}[31mb\\nc");
        assert_eq!(clean("größe", 100), "größe");
        assert_eq!(clean("abcdef", 3), "abc…");
        assert_eq!(clean("x\u{202e}y", 10), "x\\u{202e}y");
    }

    #[test]
    fn a_chatty_plugin_is_admitted_a_hundred_times_a_second() {
        let limit = LogLimit::new(100);
        let admitted = (0..1000).filter(|_| limit.admit().is_some()).count();
        assert!((100..=300).contains(&admitted), "{admitted}"); // a second may pass on a slow machine
    }
}
