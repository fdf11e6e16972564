//! The report as text: a table for people, JSON for programs. Whatever a plugin or another process said in it, no control
//! character comes out. Pure; `admin` and `weir plugin list --admin` call it.

use std::fmt::Write;

use weir_runtime::clean;

use super::{Report, Use};

/// Of a name, a version, a time.
const SHORT_BYTES_MAX: usize = 64;
/// Of a path, an error, a reason.
const LONG_BYTES_MAX: usize = 1024;
/// How much of a digest tells files apart.
const DIGEST_CHARACTERS: usize = 12;

const HEADS: [&str; 12] = [
    "NAME", "ROLE", "STATE", "PLUGIN", "VERSION", "DIGEST", "CALLS", "FAULTS", "P50", "P99",
    "MEMORY", "SINCE",
];
/// The columns that are numbers, which stand at the right.
const NUMBERS: std::ops::Range<usize> = 6..11;

/// The first characters of a digest, as they are shown.
pub fn short_digest(digest: &str) -> String {
    digest.chars().take(DIGEST_CHARACTERS).collect()
}

/// On one line, as JSON, with a line end.
pub fn json(report: &Report) -> String {
    let text = serde_json::to_string(report).expect("all its keys are texts");
    let mut json = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        // Such characters are only in strings, and none is beyond what four digits name.
        if is_hidden(character) {
            let _ = write!(json, "\\u{:04x}", u32::from(character));
        } else {
            json.push(character);
        }
    }
    json.push('\n');
    json
}

/// What a terminal would obey instead of show.
fn is_hidden(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A table with a row for each use, then what there is to say.
pub fn text(report: &Report) -> String {
    let mut text = table(&report.uses);
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    say(String::new());
    say(configuration(report));
    for (head, lines) in [
        ("last errors:", last_errors(&report.uses)),
        (
            "quarantined, so not called for a while:",
            quarantines(&report.uses),
        ),
        (
            "removed, the file of its plugin is gone:",
            of_state(&report.uses, "removed"),
        ),
        ("slow, though within its limits:", slow(&report.uses)),
    ] {
        if !lines.is_empty() {
            say(head.to_owned());
            lines.into_iter().for_each(|line| say(format!("  {line}")));
        }
    }
    if !report.restart_needed.is_empty() {
        let keys = list(&report.restart_needed);
        say(format!(
            "changed in the file, and only a restart takes it: {keys}"
        ));
    }
    if let Some(pending) = &report.pending {
        let since = short(&pending.since);
        say(format!(
            "PENDING since {since}, what ran before goes on: {}",
            list(&pending.changed)
        ));
        let reasons = pending.reasons.iter().map(|reason| long(reason));
        reasons.for_each(|reason| say(format!("  {reason}")));
        if pending.restart_would_fail {
            say(
                "  a process that starts now would not come up: correct this before a restart"
                    .into(),
            );
        }
    }
    text
}

fn table(uses: &[Use]) -> String {
    let heads = HEADS.map(str::to_owned);
    let rows: Vec<[String; HEADS.len()]> =
        std::iter::once(heads).chain(uses.iter().map(row)).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: [usize; HEADS.len()] = std::array::from_fn(width);
    let mut table = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let _ = if NUMBERS.contains(&column) {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:<width$}  ")
            };
        }
        table.push_str(line.trim_end());
        table.push('\n');
    }
    table
}

fn row(of: &Use) -> [String; HEADS.len()] {
    let time = |seconds| match of.calls {
        0 => "-".to_owned(),
        _ => duration(seconds),
    };
    [
        short(&of.name),
        short(&of.role),
        short(&of.state),
        short(&of.plugin),
        or_dash(short(&of.version)),
        or_dash(short(&short_digest(&of.digest))),
        of.calls.to_string(),
        of.faults.to_string(),
        time(of.time.p50),
        time(of.time.p99),
        size(of.memory_bytes),
        or_dash(short(&of.since)),
    ]
}

fn configuration(report: &Report) -> String {
    let config = &report.config;
    format!(
        "{} ({}) runs since {}; changes since the start: {} taken, {} refused",
        or_dash(long(&config.file)),
        or_dash(short(&short_digest(&config.digest))),
        or_dash(short(&config.since)),
        report.taken,
        report.refused
    )
}

fn last_errors(uses: &[Use]) -> Vec<String> {
    let lines = uses.iter().filter_map(|of| {
        let error = of.last_error.as_ref()?;
        let (name, at, text) = (short(&of.name), short(&error.at), long(&error.text));
        Some(format!("{name} at {at}: {text}"))
    });
    lines.collect()
}

fn quarantines(uses: &[Use]) -> Vec<String> {
    let lines = uses.iter().filter_map(|of| {
        let quarantine = of.quarantine.as_ref()?;
        let (name, left) = (short(&of.name), quarantine.seconds_left.max(0.0));
        let (times, reason) = (quarantine.times, long(&quarantine.reason));
        Some(format!(
            "{name}: tried again in {left:.0} s, number {times} in a row: {reason}"
        ))
    });
    lines.collect()
}

fn of_state(uses: &[Use], state: &str) -> Vec<String> {
    let lines = uses.iter().filter(|of| of.state == state);
    lines
        .map(|of| format!("{}: {}", short(&of.name), long(&of.file)))
        .collect()
}

fn slow(uses: &[Use]) -> Vec<String> {
    let slow = uses.iter().filter(|of| of.slow);
    slow.map(|of| short(&of.name)).collect()
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| short(text)).collect();
    texts.join(", ")
}

fn short(text: &str) -> String {
    clean(text, SHORT_BYTES_MAX)
}

fn long(text: &str) -> String {
    clean(text, LONG_BYTES_MAX)
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "-".into() } else { text }
}

/// Three digits or so of a time: `1.5µs`, `12.0ms`, `1.2s`.
fn duration(seconds: f64) -> String {
    if seconds < 1e-3 {
        format!("{:.1}µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1}ms", seconds * 1e3)
    } else {
        format!("{seconds:.1}s")
    }
}

/// As `1.5MiB`; nothing is a dash.
fn size(bytes: u64) -> String {
    let (kib, mib) = (1_u64 << 10, 1_u64 << 20);
    let of = |unit: u64| bytes as f64 / unit as f64;
    match bytes {
        0 => "-".to_owned(),
        small if small < kib => format!("{small}B"),
        middle if middle < mib => format!("{:.1}KiB", of(kib)),
        _ => format!("{:.1}MiB", of(mib)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{ConfigFile, LastError, Pending, Quarantine, Time};

    fn report() -> Report {
        let quiet = Use {
            name: "quiet".into(),
            role: "filter".into(),
            state: "running".into(),
            plugin: "drop-reasons".into(),
            version: "1.2.0".into(),
            digest: "0123456789abcdef0123".into(),
            file: "/plugins/drop-reasons.wasm".into(),
            since: "2026-11-24T10:00:00Z".into(),
            calls: 1200,
            faults: 3,
            time: Time {
                p50: 0.000_001_5,
                p99: 0.012,
            },
            memory_bytes: 1_572_864,
            ..Use::default()
        };
        let out = Use {
            name: "out".into(),
            role: "receiver".into(),
            state: "running".into(),
            plugin: "stdout".into(),
            ..Use::default()
        };
        Report {
            config: ConfigFile {
                file: "/etc/weir/config.yaml".into(),
                digest: "ffff0000ffff0000".into(),
                since: "2026-11-24T09:00:00Z".into(),
            },
            taken: 4,
            refused: 1,
            uses: vec![quiet, out],
            ..Report::default()
        }
    }

    #[test]
    fn what_runs_is_a_table() {
        let expected = "\
NAME   ROLE      STATE    PLUGIN        VERSION  DIGEST        CALLS  FAULTS    P50     P99  MEMORY  SINCE
quiet  filter    running  drop-reasons  1.2.0    0123456789ab   1200       3  1.5µs  12.0ms  1.5MiB  2026-11-24T10:00:00Z
out    receiver  running  stdout        -        -                 0       0      -       -       -  -

/etc/weir/config.yaml (ffff0000ffff) runs since 2026-11-24T09:00:00Z; changes since the start: 4 taken, 1 refused
";
        assert_eq!(text(&report()), expected);
    }

    #[test]
    fn what_is_wrong_stands_below() {
        let mut report = report();
        let quiet = &mut report.uses[0];
        quiet.state = "quarantined".into();
        quiet.last_error = Some(LastError {
            at: "2026-11-24T10:05:00Z".into(),
            text: "out of time".into(),
        });
        quiet.quarantine = Some(Quarantine {
            seconds_left: 11.6,
            times: 2,
            reason: "5 faults in 60 s".into(),
        });
        quiet.slow = true;
        let out = &mut report.uses[1];
        (out.state, out.file) = ("removed".into(), "/plugins/stdout.wasm".into());
        report.restart_needed = vec!["source".into(), "admin".into()];
        report.pending = Some(Pending {
            since: "2026-11-24T10:06:00Z".into(),
            changed: vec!["config".into(), "plugin stdout".into()],
            reasons: vec!["config.yaml:3:5: wrong".into(), "worse".into()],
            restart_would_fail: true,
        });
        let expected = "
last errors:
  quiet at 2026-11-24T10:05:00Z: out of time
quarantined, so not called for a while:
  quiet: tried again in 12 s, number 2 in a row: 5 faults in 60 s
removed, the file of its plugin is gone:
  out: /plugins/stdout.wasm
slow, though within its limits:
  quiet
changed in the file, and only a restart takes it: source, admin
PENDING since 2026-11-24T10:06:00Z, what ran before goes on: config, plugin stdout
  config.yaml:3:5: wrong
  worse
  a process that starts now would not come up: correct this before a restart
";
        let shown = text(&report);
        assert!(shown.ends_with(expected), "{shown}");
    }

    #[test]
    fn nothing_hidden_comes_out() {
        let hostile = "a\u{1b}[2J\u{9b}31m\r\n\u{7f}\u{202e}\u{2066}\"\\é";
        let mut report = report();
        report.config.file = hostile.into();
        report.restart_needed = vec![hostile.into()];
        report.pending = Some(Pending {
            since: hostile.into(),
            changed: vec![hostile.into()],
            reasons: vec![hostile.into()],
            restart_would_fail: true,
        });
        let quiet = &mut report.uses[0];
        for text in [
            &mut quiet.name,
            &mut quiet.role,
            &mut quiet.state,
            &mut quiet.version,
            &mut quiet.digest,
            &mut quiet.since,
        ] {
            *text = hostile.into();
        }
        quiet.last_error = Some(LastError {
            at: hostile.into(),
            text: hostile.repeat(1000),
        });
        quiet.counters.insert(hostile.into(), 1);
        let (text, json) = (text(&report), json(&report));
        for shown in [&text, &json] {
            let hidden = shown.chars().find(|c| *c != '\n' && is_hidden(*c));
            assert_eq!(hidden, None, "{shown}");
        }
        assert!(text.contains("a\\u{1b}[2J"), "{text}");
        assert!(text.len() < 20_000, "what is too long is cut");
        assert_eq!(json.trim_end().lines().count(), 1);
        let read: Report = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read, report);
    }

    #[test]
    fn times_and_sizes_have_their_units() {
        for (seconds, expected) in [
            (0.0, "0.0µs"),
            (0.000_35, "350.0µs"),
            (0.25, "250.0ms"),
            (2.0, "2.0s"),
        ] {
            assert_eq!(duration(seconds), expected);
        }
        for (bytes, expected) in [
            (0, "-"),
            (1023, "1023B"),
            (65536, "64.0KiB"),
            (1 << 30, "1024.0MiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
