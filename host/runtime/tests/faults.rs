//! Filters that break: how each fault is named, and that it costs one event two tries and nothing else.

mod common;

use common::*;
use weir_runtime::{Decision, Failure, FaultKind, Limits};

/// Both tries end in this fault, and its text holds this.
fn check_fault(name: &str, kind: FaultKind, text: &str) {
    let mut filter = filter_of(name, a_use(name, QUICK)).expect("it starts");
    let fault = fault(filter.process(event("A").event()));
    assert_eq!((fault.call, fault.kind), ("process", kind), "{name}");
    assert!(fault.text.contains(text), "{name}: {fault}");
}

/// It does not get ready.
fn check_setup_fault(name: &str, kind: FaultKind, text: &str) {
    let started = filter_of(name, a_use(name, LIMITS));
    let fault = fault(started.map(|_| "it started"));
    assert_eq!((fault.call, fault.kind), ("setup", kind), "{name}");
    assert!(fault.text.contains(text), "{name}: {fault}");
}

#[test]
fn crashes() {
    let unreachable = "`unreachable` instruction executed";
    check_fault("trap", FaultKind::Trap, "(in give_up ← process)");
    check_fault("post-return-trap", FaultKind::Trap, unreachable);
    check_fault("realloc-traps", FaultKind::Trap, unreachable);
    check_fault("wasi-exit", FaultKind::Trap, unreachable);
    check_fault("print-then-trap", FaultKind::Trap, unreachable);
    check_fault("stack", FaultKind::Stack, "recursed too deeply (in down");
    check_setup_fault("trap-setup", FaultKind::Trap, "(in setup)");
    check_setup_fault(
        "trap-start",
        FaultKind::Trap,
        "it called an import from its `start` section, when none is linked yet",
    );
}

#[test]
fn loops_end_at_the_time_limit() {
    let text = "20 ms of processor time were used up; make it faster or raise limits.time";
    check_fault("loop-process", FaultKind::Time, text);
    check_fault("loop-host", FaultKind::Time, text);
    check_fault("realloc-loop", FaultKind::Time, text);
}

#[test]
fn a_loop_in_setup_ends() {
    check_setup_fault("loop-setup", FaultKind::Time, "2000 ms of processor time");
}

#[test]
fn a_loop_in_initialize_ends() {
    check_setup_fault(
        "loop-initialize",
        FaultKind::Time,
        "2000 ms of processor time",
    );
}

#[test]
fn memory_and_tables_are_limited_and_the_crash_says_so() {
    check_fault(
        "memory-grow",
        FaultKind::Memory,
        "more than 32 MiB (wasm `unreachable` instruction executed); raise limits.memory",
    );
    check_setup_fault("memory-initial", FaultKind::Memory, "more than 32 MiB");
    check_setup_fault("memories", FaultKind::Memory, "more than 32 MiB");
    check_fault("table-grow", FaultKind::Table, "more than 100000 elements");
    check_setup_fault(
        "table-initial",
        FaultKind::Table,
        "more than 100000 elements",
    );
    check_setup_fault("tables", FaultKind::Table, "more than 100000 elements");
}

#[test]
fn several_memories_are_fine_within_the_limit() {
    let limits = Limits {
        memory_bytes: 36 << 20,
        ..LIMITS
    };
    let mut filter = filter_of("memories", a_use("memories", limits)).expect("36 MiB are enough");
    let processed = filter.process(event("A").event()).expect("it keeps");
    assert!(matches!(processed.decision, Decision::Keep));
}

#[test]
fn growth_stops_at_the_limit_and_goes_on_without() {
    let limits = Limits {
        memory_bytes: 3 << 20,
        ..LIMITS
    };
    let mut filter = filter_of("memory-full", a_use("memory-full", limits)).expect("it starts");
    let processed = filter.process(event("A").event()).expect("no fault");
    assert!(matches!(processed.decision, Decision::Keep));
    assert_eq!(filter.of().standing.counters()["pages"], 48); // of 64 KiB
}

#[test]
fn an_instance_whose_memory_is_nearly_full_is_replaced_between_two_calls() {
    let limits = Limits {
        memory_bytes: 8 << 20,
        ..LIMITS
    };
    let mut filter = filter_of("memory-leak", a_use("memory-leak", limits)).expect("it starts");
    let said = logged(|| {
        // A page and four more in each call: after the 24th there are 97 of 128, which is more than three quarters.
        for _ in 0..24 * 3 {
            filter.process_once(event("A").event()).expect("no fault");
        }
    });
    let calls = filter.of().calls();
    assert_eq!((calls.faults, calls.replaced), (0, 3));
    let said: Vec<_> = said
        .iter()
        .filter(|line| line.starts_with("INFO"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].contains("hold 6 MiB of 8 MiB"), "{said:?}");
}

#[test]
fn an_instance_is_not_replaced_where_that_frees_little_or_for_one_great_event() {
    let with = |name, mebibytes: usize| {
        let memory_bytes = mebibytes << 20;
        let limits = Limits {
            memory_bytes,
            ..LIMITS
        };
        filter_of(name, a_use(name, limits)).expect("it starts")
    };
    let (mut large, mut full) = (with("memories", 36), with("memory-full", 3));
    for call in 1..=20 {
        large.process(event("A").event()).expect("no fault");
        full.process(event("A").event()).expect("no fault");
        assert_eq!(full.of().calls().replaced, u64::from(call >= 16));
    }
    assert_eq!(large.of().calls().replaced, 0);
}

#[test]
fn what_cannot_be_read_is_a_breach_of_the_contract() {
    let contract = FaultKind::Contract;
    for (name, text) in [
        ("pointer-outside", "(pointer out of bounds of memory)"),
        ("pointer-misaligned", "(return pointer not aligned)"),
        (
            "length-overflow",
            "(string pointer/length out of bounds of memory)",
        ),
        ("verdict-invalid", "(unexpected discriminant: 7)"),
        ("result-invalid", "(invalid expected discriminant)"),
        (
            "reason-not-utf8",
            "(invalid utf-8 sequence of 1 bytes from index 1)",
        ),
        (
            "log-not-utf8",
            "(invalid utf-8 sequence of 1 bytes from index 0)",
        ),
        ("log-level-invalid", "(unexpected discriminant: 9)"),
        ("realloc-outside", "(realloc return: beyond end of memory)"),
    ] {
        check_fault(name, contract, text);
        check_fault(name, contract, "build it with a current SDK");
    }
    check_fault(
        "realloc-import",
        contract,
        "it called an import from its allocator or its clean-up",
    );
}

#[test]
fn a_faulted_event_is_tried_exactly_twice() {
    let mut filter = filter("trap");
    fault(filter.process(event("A").event()));
    assert_eq!(filter.of().standing.counters()["tries"], 2);
    fault(filter.process(event("A").event()));
    assert_eq!(filter.of().standing.counters()["tries"], 4);
}

#[test]
fn an_instance_is_reused_and_after_a_fault_replaced() {
    let mut filter = filter("reuse");
    let (good, bad) = (event("Fine"), event("Boom"));
    assert_eq!(dropped(filter.process(good.event())), "1");
    assert_eq!(dropped(filter.process(good.event())), "2");
    assert_eq!(fault(filter.process(bad.event())).kind, FaultKind::Trap);
    assert_eq!(dropped(filter.process(good.event())), "1");
    assert_eq!(dropped(filter.process(good.event())), "2");
}

#[test]
fn state_outlives_a_fault() {
    let mut filter = filter("state");
    assert_eq!(dropped(filter.process(event("Fine").event())), "1");
    fault(filter.process(event("Boom").event())); // twice
    assert_eq!(dropped(filter.process(event("Fine").event())), "4");
}

#[test]
fn a_crash_that_does_not_repeat_costs_nothing_and_changed_nothing() {
    let mut filter = filter("trap-once");
    let mut processed = None;
    let lines = logged(|| processed = Some(filter.process(event("A").event())));
    let processed = processed.expect("it ran").expect("the retry succeeds");
    assert!(matches!(processed.decision, Decision::Keep));
    assert_eq!(processed.emitted, Vec::<String>::new());
    // Yet it is seen.
    assert_eq!(filter.of().calls().retries, 1);
    assert!(
        lines[0].starts_with("WARN trying the event again in a fresh instance: process trapped"),
        "{lines:?}"
    );
}

#[test]
fn an_answered_error_is_no_fault_and_changed_nothing() {
    let mut filter = filter("answered-error");
    let failure = filter.process(event("A").event()).expect_err("an error");
    assert_eq!(
        failure,
        Failure::Answered {
            call: "process",
            text: "the lookup table is\\nx".into()
        }
    );
    assert_eq!(failure.label(), "answered");
    assert_eq!(filter.of().standing.counters()["tries"], 1); // no second try
}

#[test]
fn a_refused_configuration_is_the_plugins_own_text() {
    let started = filter_of("setup-refused", a_use("setup-refused", LIMITS));
    let failure = started.err().expect("it refuses");
    assert_eq!(
        failure.to_string(),
        "setup answered an error: reasons: expected a list"
    );
}

#[test]
fn cleaning_up_after_an_answer_is_called_each_time() {
    let mut filter = filter("post-return");
    assert_eq!(dropped(filter.process(event("A").event())), "0");
    assert_eq!(dropped(filter.process(event("A").event())), "1");
}
