//! The SDK against its own double: what the traits, the event and the batch do, natively.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::http::{Request, Response};
use crate::{Error, host, output, secret, state};

/// Does to an event what its message says.
#[derive(Deserialize)]
struct Obedient {}

impl Filter for Obedient {
    fn setup(&mut self) -> Result {
        host::info("ready");
        Ok(())
    }

    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        event.set("/labels/seen", &event.count())?;
        event.remove("/source");
        event.emit(&json!({"reason": "Copied"}))?;
        match event.message().as_str() {
            "keep" => Ok(Verdict::Keep),
            "drop" => Ok(Verdict::drop("told so")),
            _ => Err("no such order")?,
        }
    }
}

#[test]
fn changes_count_after_keep_and_emitted_events_also_after_drop() {
    let mut filter = filter::<Obedient>(json!({})).unwrap();
    assert_eq!(filter.host.logs, [(host::Level::Info, "ready".to_owned())]);
    let copied = vec![json!({"reason": "Copied"})];

    let kept = filter.process(event(json!({"message": "keep", "count": 3})));
    assert_eq!((kept.verdict, &kept.emitted), (Ok(Verdict::Keep), &copied));
    assert_eq!(
        kept.event,
        event(json!({"message": "keep", "count": 3, "source": null, "labels": {"seen": 3}}))
    );

    let dropped = filter.process(event(json!({"message": "drop"})));
    assert_eq!(
        (dropped.verdict, dropped.emitted),
        (Ok(Verdict::Drop("told so".to_owned())), copied)
    );
    assert_eq!(dropped.event, event(json!({"message": "drop"})));

    let failed = filter.process(event(json!({"message": "?"})));
    assert_eq!(
        (failed.verdict, failed.emitted),
        (Err(Error::from("no such order")), vec![])
    );
    assert_eq!(failed.event, event(json!({"message": "?"})));
}

/// Reads everything, in a way that shows every getter.
#[derive(Deserialize)]
struct Reader {}

impl Filter for Reader {
    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        let words = [
            event.id(),
            event.severity(),
            event.reason(),
            event.message(),
            event.namespace(),
            event.object_kind(),
            event.object_name(),
            event.component(),
            event.node(),
        ];
        let host: Option<String> = event.get("/source/host")?;
        let found = (
            event.text("/count"),
            event.json("/count"),
            event.text("/type"),
            host,
            event.json("/none"),
        );
        host::info(format!(
            "{} {} {} {found:?}",
            words.join("|"),
            event.count(),
            event.timestamp()
        ));
        event.get::<u8>("/reason")?;
        Ok(Verdict::Keep)
    }
}

#[test]
fn getters_read_either_recorder_family() {
    let mut filter = filter::<Reader>(json!({})).unwrap();
    let run = filter.process(event(json!({"message": "m"})));
    let expected = r#"/reason: invalid type: string "BackOff", expected u8 at line 1 column 9"#;
    assert_eq!(run.verdict.unwrap_err().message(), expected);
    filter.process(event(json!({
        "message": null, "source": {"component": "", "host": null}, "count": null,
        "series": {"count": 12, "lastObservedTime": "2026-11-23T14:46:00.250000Z"},
        "reportingComponent": "default-scheduler", "reportingInstance": "scheduler-0",
    })));
    let lines: Vec<_> = filter
        .host
        .logs
        .iter()
        .map(|(_, line)| line.as_str())
        .collect();
    assert_eq!(
        lines,
        [
            "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/273|Warning|BackOff|m|shop|Pod|web-5d4f8c7b9-x2x7q|kubelet|node-1 \
         1 1795445131000 (None, Some(\"1\"), Some(\"Warning\"), Some(\"node-1\"), None)",
            "75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/273|Warning|BackOff||shop|Pod|web-5d4f8c7b9-x2x7q|default-scheduler|\
         scheduler-0 12 1795445160250 (None, None, Some(\"Warning\"), None, None)",
        ]
    );
}

/// Posts each event; holds all of them at once while reading.
#[derive(Deserialize)]
struct Poster {
    url: String,
}

impl Sink for Poster {
    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        let events: Vec<_> = batch.events().collect();
        for event in events.iter().rev() {
            if event.reason().is_empty() {
                event.reject("no reason");
                continue;
            }
            let request = Request::post(&self.url)
                .header("x-id", event.id())
                .body(event.document());
            let response = request.timeout(Duration::from_secs(2)).send()?;
            if let Some(wait) = response.retry_after() {
                batch.retry_after(wait);
                event.retry(&response.text());
            }
        }
        Ok(Outcome::Done)
    }
}

impl Probe for Poster {
    fn probe(&mut self) -> Result<String> {
        let response = Request::get(&self.url).send()?;
        Ok(format!("answers {}", response.status))
    }
}

#[test]
fn a_sink_reads_any_event_of_its_batch_and_marks_each() {
    let mut sink = sink::<Poster>(json!({"url": "https://example.net/in"})).unwrap();
    sink.host.layout = Some(|event| event["reason"].to_string());
    let headers = vec![("Retry-After".to_owned(), "7".to_owned())];
    sink.host.responses.push_back(Ok(Response {
        status: 429,
        headers,
        body: b"busy".to_vec(),
    }));
    sink.host.respond(200, "");

    let versions = |version: &str, reason: &str| {
        event(json!({"metadata": {"resourceVersion": version}, "reason": reason}))
    };
    let run = sink.deliver([versions("1", "A"), versions("2", ""), versions("3", "C")]);

    assert_eq!(
        run,
        Delivered {
            outcome: Ok(Outcome::Done),
            rejected: BTreeMap::from([(1, "no reason".to_owned())]),
            retried: BTreeMap::from([(2, "busy".to_owned())]),
            retry_after: Some(Duration::from_secs(7)),
        }
    );
    let posts: Vec<_> = sink
        .host
        .requests
        .iter()
        .map(|post| (post.headers[0].1.as_str(), post.body.as_slice()))
        .collect();
    assert_eq!(
        posts,
        [
            ("75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/3", &b"\"C\""[..]),
            ("75fd34fa-96a0-4e27-8a24-5b0cfc58afb9/1", &b"\"A\""[..]),
        ]
    );
    assert_eq!(sink.host.requests[0].timeout, Some(Duration::from_secs(2)));
}

#[test]
fn a_failed_request_is_an_error_of_the_sink() {
    let mut sink = sink::<Poster>(json!({"url": "https://example.net/in"})).unwrap();
    sink.host.refuse("connect: refused");
    assert_eq!(
        sink.deliver([event(json!({}))]).outcome,
        Err(Error::from("connect: refused"))
    );
    let unscripted = sink.probe().unwrap_err();
    assert_eq!(
        unscripted.message(),
        "the test has no response for GET https://example.net/in"
    );
    sink.host.respond(204, "");
    assert_eq!(sink.probe().unwrap(), "answers 204");
}

#[test]
fn the_store_forgets_when_the_time_is_over() {
    let mut double = Host::default();
    let second = Some(Duration::from_secs(1));
    with_host(&mut double, || {
        state::put("kept", b"a", None);
        state::put("brief", b"b", second);
        assert_eq!(
            (state::add("sum", 2, second), state::add("sum", -5, second)),
            (2, -3)
        );
    });
    double.now_ms += 1000;
    with_host(&mut double, || {
        assert_eq!(
            (state::get("kept"), state::get("brief")),
            (Some(b"a".to_vec()), None)
        );
        assert_eq!(state::add("sum", 1, None), 1, "it starts anew");
    });
}

#[test]
fn counters_add_up_and_output_can_fail() {
    let mut double = Host::default();
    double.output_errors.push_back("broken pipe".to_owned());
    with_host(&mut double, || {
        host::count("seen", 2);
        host::count("seen", 3);
        assert_eq!(output::write(b"lost\n"), Err(Error::from("broken pipe")));
        assert_eq!(output::write(b"there\n"), Ok(()));
        assert_ne!(host::random(), host::random());
    });
    assert_eq!(double.counters, BTreeMap::from([("seen".to_owned(), 5)]));
    assert_eq!(double.output, [b"there\n"]);
}

#[test]
fn what_is_printed_is_recorded_by_stream() {
    let mut double = Host::default();
    with_host(&mut double, || {
        host::print(format!("{} things\n", 3));
        host::eprint(b"\xff\n");
    });
    let expected = [(1, b"3 things\n".to_vec()), (2, b"\xff\n".to_vec())];
    assert_eq!(double.printed, expected);
}

/// RFC 4231, test case 2.
#[test]
fn signing_is_hmac_sha256() {
    let signature = secret::hmac_sha256("Jefe", b"what do ya want for nothing?");
    let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hex,
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
}
