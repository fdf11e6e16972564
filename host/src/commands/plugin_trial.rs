//! What both forms of `weir plugin test` say beside what came: the plugin's log lines, and in the end what it used.

use std::collections::BTreeMap;

use weir_runtime::Limits;

use super::{count, say};
use crate::fixtures::Recorded;

/// Log lines that are shown where something failed, or of everything.
pub(super) struct LogLines {
    is_verbose: bool,
    hidden: usize,
}

impl LogLines {
    pub(super) fn new(is_verbose: bool) -> LogLines {
        LogLines {
            is_verbose,
            hidden: 0,
        }
    }

    /// Shows the lines that belong to what was just said.
    pub(super) fn show(&mut self, lines: &[String], has_failed: bool, print: impl Fn(&str)) {
        if has_failed || self.is_verbose {
            lines.iter().for_each(|line| print(&format!("log: {line}")));
        } else {
            self.hidden += lines.len();
        }
    }

    /// Says how many were not shown.
    pub(super) fn say_hidden(&self) {
        if self.hidden > 0 {
            let lines = count(self.hidden, "log line");
            say(&format_args!("{lines} not shown; --verbose shows them"));
        }
    }
}

/// Says what a plugin used.
pub(super) fn say_used(memory_bytes: u64, limits: Limits, counters: &BTreeMap<String, u64>) {
    let [used, limit] =
        [memory_bytes, limits.memory_bytes as u64].map(|bytes| bytes as f64 / f64::from(1 << 20));
    say(&format_args!(
        "memory: {used:.1} MiB at most in an instance, of {limit:.1} MiB"
    ));
    for (name, sum) in counters {
        say(&format_args!("counter {name}: {sum}"));
    }
}

/// Says that requests were refused, and where they are not.
pub(super) fn say_refused(recorded: &Recorded) {
    if let Some((refused, first)) = recorded.refused() {
        say(&format_args!(
            "{} refused ({first}): `weir plugin test` makes none; a self-test with `answers` says what they get (docs/plugins.md)",
            count(refused, "HTTP request")
        ));
    }
}
