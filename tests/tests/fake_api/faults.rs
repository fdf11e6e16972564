//! Faults: each goes wrong as it says, as often as it says.

use std::time::Duration;

use serde_json::json;
use weir_tests::fake_api::{EventSpec, FakeApi, Fault, What};

use crate::client::{Client, End, Stream, plain};

/// A watch with a fault, and three events behind its beginning.
fn watch(api: &FakeApi, client: &Client, what: What) -> Stream {
    api.fault(Fault::once(what).path("/api/v1/events"));
    // A list passes by what is for watches.
    assert_eq!(client.get("/api/v1/events").code, 200);
    let watch = client.watch(&format!("resourceVersion={}", api.revision()));
    for pod in ["a", "b", "c"] {
        api.create_event(EventSpec::about(pod));
    }
    watch
}

#[test]
fn a_status_comes_as_often_as_it_says() {
    let (api, client) = plain();
    let yaml = "
- matches: {path: /api/v1/events, watch: false, method: GET}
  times: 2
  what: {status: {code: 429, retryAfterS: 3, reason: TooManyRequests, message: busy}}
- matches: {path: /version}
  times: always
  what: {page: {code: 502, text: '<html>bad gateway</html>'}}
- what: {cutAfterLines: 3}
- matches: {query: continue=}
  what: hang
";
    let faults: Vec<Fault> = serde_yaml::from_str(yaml).expect("faults are YAML");
    assert_eq!(faults[2], Fault::once(What::CutAfterLines(3)));
    for fault in faults {
        api.fault(fault);
    }
    for _ in 0..2 {
        let busy = client.get("/api/v1/events");
        assert_eq!((busy.code, busy.header("retry-after")), (429, Some("3")));
        assert_eq!(busy.json()["reason"], "TooManyRequests");
    }
    assert_eq!(client.get("/api/v1/events").code, 200);
    for _ in 0..3 {
        let page = client.get("/version");
        assert_eq!((page.code, page.text()), (502, "<html>bad gateway</html>"));
    }
    api.clear_faults();
    assert_eq!(client.get("/version").code, 200);
}

#[test]
fn streams_end_in_every_way() {
    let (api, client) = plain();
    let mut cut = watch(&api, &client, What::CutAfterLines(2));
    assert!(
        cut.line()["object"]["message"] == "about a"
            && cut.line()["object"]["message"] == "about b"
    );
    assert_eq!((cut.end(), cut.rest()), (End::Broken, &b""[..]));

    let mut cut = watch(&api, &client, What::CutAfterLines(0));
    assert_eq!((cut.code, cut.end()), (200, End::Broken));

    let mut inside = watch(&api, &client, What::CutInsideLine(1));
    inside.line();
    assert_eq!(inside.end(), End::Broken);
    assert!(inside.rest().starts_with(b"{\"type\":\"ADDED\""));

    let mut clean = watch(&api, &client, What::CleanEndAfterLines(1));
    clean.line();
    assert_eq!(clean.end(), End::Clean);

    let garbage = What::GarbageLine {
        after_lines: 1,
        text: "{\"type\":\"ADD".into(),
    };
    let mut garbage = watch(&api, &client, garbage);
    garbage.line();
    assert_eq!(garbage.text().as_deref(), Ok("{\"type\":\"ADD"));
    garbage.line();

    let error = What::Error {
        after_lines: 1,
        code: 500,
        reason: "InternalError".into(),
        message: "etcdserver: no leader".into(),
    };
    let mut error = watch(&api, &client, error);
    error.line();
    let line = error.line();
    assert_eq!(
        (&line["type"], &line["object"]["code"]),
        (&json!("ERROR"), &json!(500))
    );
    assert_eq!(error.end(), End::Clean);
}

#[test]
fn a_stalled_stream_goes_on_when_it_is_released() {
    let (api, client) = plain();
    for what in [What::StallAfterLines(1), What::FreezeAfterLines(1)] {
        let mut watch = watch(&api, &client, what);
        watch.line();
        assert_eq!(api.watch_count(), 1);
        api.release();
        assert_eq!(watch.line()["object"]["message"], "about b");
        assert_eq!(watch.line()["object"]["message"], "about c");
        drop(watch);
        api.wait_until("it is closed", |view| view.watches() == 0);
    }
}

#[test]
fn answers_break_off_wait_or_never_come() {
    let (api, client) = plain();
    api.seed_recorded(10);
    api.fault(Fault::once(What::CutAfterBytes(500)).path("/api/v1/events"));
    let cut = client.get("/api/v1/events");
    assert_eq!(cut.body.len(), 500);
    assert!(
        cut.header("content-length")
            .is_some_and(|length| length != "500")
    );

    api.fault(Fault::once(What::Reset).path("/api/v1/events"));
    assert_eq!(client.get("/api/v1/events").code, 0);

    for what in [What::Delay, What::Freeze] {
        api.fault(Fault::once(what).path("/api/v1/nodes"));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| client.get("/api/v1/nodes").code);
            api.wait_until("it is asked", |view| {
                view.requests()
                    .last()
                    .is_some_and(|request| request.path == "/api/v1/nodes" && request.status == 0)
            });
            api.release();
            assert_eq!(waiting.join().expect("it does not panic"), 200);
        });
    }
    assert!(!api.wait(Duration::ZERO, |view| !view.faults().is_empty()));
}

#[test]
fn connections_are_reset_and_frozen_on_command() {
    let (api, client) = plain();
    let from = format!("resourceVersion={}", api.revision());
    let (mut first, mut second) = (client.watch(&from), client.watch(&from));
    assert_eq!(api.look(|view| view.watches_opened()), 2);
    api.freeze_connections();
    api.create_event(EventSpec::about("a"));
    // Others are not concerned.
    assert_eq!(client.get("/api/v1/events").names().len(), 1);
    api.release();
    first.line();
    second.line();
    api.cut_all_watches();
    assert_eq!((first.end(), second.end()), (End::Broken, End::Broken));
    let mut third = client.watch(&from);
    third.line();
    api.reset_connections();
    assert_eq!(third.end(), End::Broken);
    api.wait_until("all are closed", |view| view.connections() == 0);
}
