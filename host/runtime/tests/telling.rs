//! What plugins tell the host: reasons, log lines, printed bytes, counters, state. All of it is bounded and
//! safe to show.

mod common;

use common::*;
use weir_runtime::Decision;

fn keep(name: &str) -> Vec<String> {
    let mut filter = filter(name);
    logged(|| {
        let processed = filter.process(event("A").event()).expect("it keeps");
        assert!(matches!(processed.decision, Decision::Keep));
    })
}

#[test]
fn a_reason_is_short_and_shows_control_characters() {
    let long = dropped(filter("reason-long").process(event("A").event()));
    assert_eq!(long, format!("{}…", "x".repeat(256)));
    let odd = dropped(filter("reason-odd").process(event("A").event()));
    assert_eq!(odd, "\\u{1b}[31mred\\nx");
}

#[test]
fn a_flood_of_log_lines_is_cut_off() {
    let lines = keep("log-flood");
    let flood = lines.iter().filter(|line| *line == "INFO flood").count();
    // A second may pass on a slow machine; 10 000 were logged.
    assert!((100..=300).contains(&flood), "{flood}");
}

#[test]
fn a_log_line_is_short_and_cannot_move_the_cursor() {
    let lines = keep("log-long");
    assert_eq!(lines[0], format!("WARN {}…", "x".repeat(4096)));
    assert_eq!(lines[1], "ERROR \\u{1b}]0;owned\\u{7}\\nx");
    assert_eq!(lines.len(), 2);
}

#[test]
fn what_is_printed_becomes_lines() {
    let lines = keep("print-odd");
    assert_eq!(
        lines,
        [
            "INFO two pces".to_owned(),
            "WARN a\u{fffd}\\u{1b}[31mred".to_owned(),
            format!("INFO {}", "y".repeat(4096)),
            format!("INFO {}", "y".repeat(4096)),
            format!("INFO {}", "y".repeat(10_000 - 2 * 4096)),
        ]
    );
}

#[test]
fn last_words_are_heard() {
    let mut filter = filter("print-then-trap");
    let lines = logged(|| drop(fault(filter.process(event("A").event()))));
    let words = lines.iter().filter(|line| *line == "WARN panic: no way!");
    assert_eq!(words.count(), 2, "{lines:?}"); // two tries
}

#[test]
fn counters_are_few_and_a_refusal_is_said_once() {
    let mut filter = filter("count-flood");
    let lines = logged(|| {
        for _ in 0..2 {
            filter.process(event("A").event()).expect("it keeps");
        }
    });
    assert_eq!(
        lines,
        ["WARN a counter was refused: expected at most 100 names of at most 64 bytes"]
    );
    let counters = filter.of().standing.counters();
    assert_eq!((counters.len(), counters["aa"]), (100, 2));
    assert!(counters.keys().all(|name| name.len() == 2));
}

#[test]
fn a_flood_of_state_forgets_the_oldest() {
    assert_eq!(
        dropped(filter("state-flood").process(event("A").event())),
        "kept"
    );
}

#[test]
fn wasi_grants_nothing_and_works() {
    let mut filter = filter("wasi");
    let lines = logged(|| {
        assert_eq!(dropped(filter.process(event("A").event())), "ptreaf");
    });
    // It printed "hello " and "world", and no line feed yet.
    assert_eq!(lines, Vec::<String>::new());
}
