//! The way out: HTTP and secrets, and filters that misuse them.

mod common;

use std::sync::Arc;

use common::*;
use weir_runtime::{FaultKind, Outbound, Request, Response, Secrets, Use};

struct WithHeaders;

impl Outbound for WithHeaders {
    fn send(&self, _: Request) -> Result<Response, String> {
        Ok(Response {
            status: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: b"hello".to_vec(),
        })
    }
}

struct Unreachable;

impl Outbound for Unreachable {
    fn send(&self, _: Request) -> Result<Response, String> {
        panic!("the request must not come this far")
    }
}

#[test]
fn what_is_not_granted_is_refused_without_its_credentials() {
    let mut filter = filter("http");
    let mut refusal = String::new();
    let lines = logged(|| refusal = dropped(filter.process(event("A").event())));
    assert!(
        refusal.starts_with("not granted: POST http://169.254.169.254: "),
        "{refusal}"
    );
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("WARN HTTP request to http://169.254.169.254 failed: not granted"),
        "{}",
        lines[0]
    );
}

#[test]
fn there_is_no_http_in_setup() {
    let of = a_use("http-setup", LIMITS).with_outbound(Arc::new(Unreachable));
    let started = filter_of("http-setup", of);
    assert_eq!(
        answered(started.map(|_| "it started")),
        "not granted: there is no HTTP in setup; make requests in process, deliver or probe"
    );
}

#[test]
fn a_request_larger_than_the_plugin_itself_is_not_copied() {
    let of = a_use("http-headers", LIMITS).with_outbound(Arc::new(Unreachable));
    let mut filter = filter_of("http-headers", of).expect("it starts");
    let fault = fault(filter.process(event("A").event()));
    assert_eq!(fault.kind, FaultKind::Contract);
    assert!(
        fault.text.contains("too much data is being copied"),
        "{fault}"
    );
}

#[test]
fn an_allocator_that_does_not_align_is_a_breach_of_the_contract() {
    let of = a_use("realloc-misaligned", LIMITS).with_outbound(Arc::new(WithHeaders));
    let mut filter = filter_of("realloc-misaligned", of).expect("text needs no alignment");
    let fault = fault(filter.process(event("A").event()));
    assert_eq!(fault.kind, FaultKind::Contract);
    assert!(
        fault.text.contains("realloc return: result not aligned"),
        "{fault}"
    );
}

#[test]
fn credentials_made_of_credentials_stay_short() {
    let secrets = Secrets::default();
    let placeholder = secrets.keep("s3cret".into()).expect("random bytes");
    let of = Use::new("test", "secret-grow", format!("\"{placeholder}\""), LIMITS)
        .with_secrets(secrets.into());
    let mut filter = filter_of("secret-grow", of).expect("it starts");
    let fault = fault(filter.process(event("A").event()));
    assert_eq!(fault.kind, FaultKind::Contract);
    assert!(
        fault
            .text
            .starts_with("secret.basic: a user, password or key of more than 65536 bytes"),
        "{fault}"
    );
    assert!(!fault.text.contains("s3cret"));
}
