//! Sinks: good ones, odd ones, and what becomes of the batch.

mod common;

use std::sync::{Arc, Mutex};

use common::*;
use weir_event::Document;
use weir_runtime::{
    FaultKind, Kind, Limits, Outbound, Outcome, Output, Request, Response, Said, Sink, Use,
};

#[derive(Default)]
struct Written(Mutex<Vec<u8>>);

impl Output for Written {
    fn write(&self, lines: &[u8]) -> Result<(), String> {
        self.0
            .lock()
            .expect("no writer panics")
            .extend_from_slice(lines);
        Ok(())
    }
}

struct Answers;

impl Outbound for Answers {
    fn send(&self, request: Request) -> Result<Response, String> {
        assert_eq!(
            (request.method.as_str(), request.url.as_str()),
            ("POST", "http://u:p@169.254.169.254/x")
        );
        Ok(Response {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        })
    }
}

fn batch() -> Vec<Document> {
    vec![event("A"), event("B"), event("C")]
}

#[test]
fn a_good_sink_writes_each_document_as_a_line() {
    let written = Arc::new(Written::default());
    let of = a_use("lines-sink", LIMITS).with_output(written.clone());
    let mut sink = Sink::new(load("lines-sink"), Arc::new(of)).expect("it starts");
    let mut documents = batch();
    let expected: String = documents
        .iter()
        .map(|document| format!("{}\n", document.as_str()))
        .collect();
    let delivered = sink
        .deliver(&mut documents, Vec::new())
        .expect("it delivers");
    assert_eq!(delivered.outcome, Outcome::Done);
    assert_eq!(delivered.said, [None, None, None]);
    assert_eq!(documents.len(), 3); // they came back
    assert_eq!(
        String::from_utf8_lossy(&written.0.lock().expect("no writer panics")),
        expected
    );
    let nothing = sink
        .deliver(&mut Vec::new(), Vec::new())
        .expect("an empty batch");
    assert_eq!(nothing.outcome, Outcome::Done);
}

#[test]
fn single_events_are_rejected_and_retried() {
    let mut sink = sink("sink-per-event");
    let delivered = sink.deliver(&mut batch(), Vec::new()).expect("it delivers");
    assert_eq!(delivered.outcome, Outcome::Done);
    assert_eq!(
        delivered.said,
        [
            Some(Said::Reject("malformed".into())),
            Some(Said::Retry("busy".into())),
            None
        ]
    );
    assert_eq!(delivered.retry_after_ms, 1500);
    // There is no second event to ask a retry for.
    let mut one = vec![event("A")];
    let fault = fault(sink.deliver(&mut one, Vec::new()));
    assert!(
        fault
            .text
            .starts_with("index 1 is past the end of a batch of 1"),
        "{fault}"
    );
    assert_eq!(one.len(), 1);
}

#[test]
fn whole_batches_are_rejected_retried_and_failed() {
    let rejected = sink("sink-reject")
        .deliver(&mut batch(), Vec::new())
        .expect("an outcome");
    assert_eq!(rejected.outcome, Outcome::Reject("wrong tenant".into()));
    let retried = sink("sink-half-line")
        .deliver(&mut batch(), Vec::new())
        .expect("an outcome");
    assert_eq!(
        retried.outcome,
        Outcome::Retry("expected whole lines: the last byte must be a line feed".into())
    );
    assert_eq!(
        answered(sink("sink-error").deliver(&mut batch(), Vec::new())),
        "no such disk"
    );
}

#[test]
fn getters_read_the_selected_event() {
    assert_eq!(
        answered(sink("sink-select").deliver(&mut batch(), Vec::new())),
        "C|B|A|"
    );
}

#[test]
fn indices_past_the_end_are_faults_and_the_batch_comes_back() {
    for (name, text) in [
        (
            "sink-select-past",
            "index 1000 is past the end of a batch of 3",
        ),
        (
            "sink-documents-past",
            "documents 0 to 4294967295 of a batch of 3: expected start <= end <= 3",
        ),
        (
            "sink-documents-turned",
            "documents 1 to 0 of a batch of 3: expected start <= end <= 3",
        ),
    ] {
        let mut documents = batch();
        let fault = fault(sink(name).deliver(&mut documents, Vec::new()));
        assert_eq!((fault.call, fault.kind), ("deliver", FaultKind::Contract));
        assert!(fault.text.starts_with(text), "{fault}");
        assert_eq!(documents.len(), 3, "{name}");
    }
}

#[test]
fn a_loop_ends_and_the_batch_comes_back() {
    let mut documents = batch();
    let of = Arc::new(a_use("sink-loop", QUICK));
    let mut sink = Sink::new(load("sink-loop"), of).expect("it starts");
    let fault = fault(sink.deliver(&mut documents, Vec::new()));
    assert_eq!(fault.kind, FaultKind::Time);
    assert_eq!(documents.len(), 3);
}

#[test]
fn after_a_crash_the_next_call_is_in_a_fresh_instance() {
    let mut sink = sink("sink-trap-once");
    let mut documents = batch();
    assert_eq!(
        fault(sink.deliver(&mut documents, Vec::new())).kind,
        FaultKind::Trap
    );
    let delivered = sink
        .deliver(&mut documents, Vec::new())
        .expect("the retry of the batch");
    // What the crashed call said of the first event is forgotten.
    assert_eq!(delivered.said, [None, None, None]);
}

#[test]
fn a_crash_is_not_blamed_on_memory_that_an_earlier_call_did_not_get() {
    let mut sink = sink("sink-memory-then-trap");
    sink.deliver(&mut batch(), Vec::new())
        .expect("it goes on without the memory");
    let fault = fault(sink.deliver(&mut batch(), Vec::new()));
    assert_eq!(fault.kind, FaultKind::Trap, "{fault}");
}

#[test]
fn a_sink_that_can_be_asked() {
    let plugin = load("sink-probe");
    assert_eq!(plugin.kind, Kind::SinkProbe);
    let of =
        Use::new("p", "sink-probe", "{}".into(), Limits::SINK).with_outbound(Arc::new(Answers));
    let findings = Sink::probe(&plugin, &Arc::new(of)).expect("it answers");
    assert_eq!(findings.as_deref(), Some("connected\nversion \\u{1b}[31m9"));
    let refused = Sink::probe(&plugin, &Arc::new(a_use("sink-probe", LIMITS)));
    assert!(answered(refused).starts_with("not granted: POST http://169.254.169.254: "));
    let cannot_be_asked = Sink::probe(&load("lines-sink"), &Arc::new(a_use("x", LIMITS)));
    assert_eq!(cannot_be_asked.expect("no fault"), None);
}
