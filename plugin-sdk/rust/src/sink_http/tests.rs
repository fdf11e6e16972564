//! Delivering in pieces and failing over, against the double of the host.

use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::http::{Request, Response};
use crate::testing::double::with_host;
use crate::testing::{self, SinkUnderTest, event};
use crate::{Batch, Outcome, Result, Sink, host};

/// Sends the reasons of a piece to the first server that answers.
#[derive(Debug, Deserialize)]
struct Reasons {
    urls: Vec<String>,
    #[serde(default)]
    headers: Headers,
    #[serde(default)]
    single: bool,
    #[serde(skip)]
    hosts: Hosts,
}

impl Sink for Reasons {
    fn setup(&mut self) -> Result {
        self.hosts = Hosts::new("urls", &self.urls)?;
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        let mut send = |headers: &[(String, String)], events: &[u32]| {
            let reasons: Vec<_> = events
                .iter()
                .map(|index| batch.event(*index).reason())
                .collect();
            let request = Request::post("/in").replacing_headers(headers.to_vec());
            Ok(Answer::of(
                &self.hosts.send(&request.body(reasons.join(" "))),
            ))
        };
        if self.single {
            return Ok(deliver(batch, each(batch), |(), events| send(&[], events)));
        }
        Ok(deliver(
            batch,
            self.headers.group(batch),
            |headers, events| send(headers, events),
        ))
    }
}

fn sink(config: Value) -> SinkUnderTest<Reasons> {
    let mut whole = json!({"urls": ["https://one.example.net/base/"]});
    whole
        .as_object_mut()
        .unwrap()
        .extend(config.as_object().unwrap().clone());
    testing::sink(whole).unwrap()
}

fn events(reasons: &str) -> Vec<Value> {
    let reasons = reasons.split(' ');
    reasons
        .map(|reason| event(json!({"reason": reason})))
        .collect()
}

/// The bodies of the requests since the last look.
fn bodies(sink: &mut SinkUnderTest<Reasons>) -> Vec<String> {
    let requests = sink.host.requests.drain(..);
    requests
        .map(|request| String::from_utf8(request.body).unwrap())
        .collect()
}

#[test]
fn what_is_refused_is_isolated_and_the_rest_accepted_in_order() {
    let mut sink = sink(json!({}));
    for (status, body) in [
        (400, "bad"),
        (200, ""),
        (422, "c is bad"),
        (400, "no c"),
        (200, ""),
    ] {
        sink.host.respond(status, body);
    }
    let run = sink.deliver(events("a b c d"));
    assert_eq!(bodies(&mut sink), ["a b c d", "a b", "c d", "c", "d"]);
    assert_eq!(run.outcome, Ok(Outcome::Done));
    assert_eq!(
        run.rejected.into_iter().collect::<Vec<_>>(),
        [(2, "answered 400 (no c)".to_owned())]
    );
    assert!(run.retried.is_empty());
}

#[test]
fn a_busy_server_gets_nothing_more() {
    let mut sink = sink(json!({}));
    sink.host.respond(503, "later");
    let run = sink.deliver(events("a b"));
    assert_eq!(run.outcome, Ok(Outcome::retry("answered 503 (later)")));

    sink.host.respond(413, "");
    sink.host.respond(200, "");
    let headers = vec![("retry-after".to_owned(), "9".to_owned())];
    sink.host.responses.push_back(Ok(Response {
        status: 429,
        headers,
        body: Vec::new(),
    }));
    let run = sink.deliver(events("a b c d"));
    assert_eq!(bodies(&mut sink), ["a b", "a b c d", "a b", "c d"]);
    assert_eq!(run.retried.keys().copied().collect::<Vec<_>>(), [2, 3]);
    assert_eq!(run.retry_after, Some(std::time::Duration::from_secs(9)));
}

#[test]
fn a_failure_over_one_event_does_not_hold_up_the_others() {
    let mut sink = sink(json!({}));
    for status in [500, 500, 500, 200, 200] {
        sink.host.respond(status, "");
    }
    let run = sink.deliver(events("a b c d"));
    assert_eq!(bodies(&mut sink), ["a b c d", "a b", "a", "b", "c d"]);
    assert_eq!(run.outcome, Ok(Outcome::Done));
    assert_eq!(
        run.retried.into_iter().collect::<Vec<_>>(),
        [(0, "answered 500".to_owned())]
    );
    assert!(run.rejected.is_empty());
}

#[test]
fn a_server_that_only_fails_is_left_alone() {
    let mut sink = sink(json!({"single": true}));
    for status in [200, 500, 500, 500] {
        sink.host.respond(status, "");
    }
    let run = sink.deliver(events("a b c d e f"));
    assert_eq!(bodies(&mut sink), ["a", "b", "c", "d"]);
    assert_eq!(
        run.retried.keys().copied().collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
}

#[test]
fn splitting_ends() {
    let mut sink = sink(json!({}));
    for _ in 0..2000 {
        sink.host.respond(400, "");
    }
    let run = sink.deliver(events(&["a"; 1000].join(" ")));
    let (sent, settled) = (
        sink.host.requests.len(),
        run.rejected.len() + run.retried.len(),
    );
    assert!(sent <= 2 * 128 + 1, "{sent}");
    assert_eq!(settled, 1000);
    assert!(
        run.rejected.len() > 60,
        "each call settles some: {}",
        run.rejected.len()
    );
}

#[test]
fn events_go_by_their_headers() {
    let mut sink = sink(json!({"headers": {"X-Team": "{{ .Labels.team }}", "X-Fixed": "1"}}));
    let of = |team: &str, reason: &str| {
        event(json!({"metadata": {"labels": {"team": team}}, "reason": reason}))
    };
    sink.host.respond(200, "");
    sink.host.respond(200, "");
    let run = sink.deliver([of("b", "1"), of("a", "2"), of("b", "3")]);
    assert_eq!(run.outcome, Ok(Outcome::Done));
    let sent = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let expected = [sent("X-Fixed", "1"), sent("X-Team", "b")];
    // In the order of the configuration's map, which is serde_json's.
    let mut headers = sink.host.requests[0].headers.clone();
    headers.sort();
    assert_eq!(headers, expected);
    assert_eq!(bodies(&mut sink), ["1 3", "2"]);
}

#[test]
fn an_event_that_cannot_be_grouped_is_rejected() {
    let mut double = testing::Host::default();
    double.begin(events("a b c"));
    let groups = with_host(&mut double, || {
        group(&Batch::at_hand(), |event| match event.reason().as_str() {
            "b" => Err("no tenant".into()),
            _ => Ok(1),
        })
    });
    assert_eq!(groups, [(1, vec![0, 2])]);
    assert_eq!(double.rejected[&1], "no tenant");
}

#[test]
fn another_server_is_asked_and_the_one_that_works_is_kept() {
    let mut sink =
        sink(json!({"urls": ["https://one.example.net", "https://u:p@two.example.net/p"]}));
    sink.host.refuse("connect: refused");
    sink.host.respond(200, "");
    assert_eq!(sink.deliver(events("a")).outcome, Ok(Outcome::Done));
    sink.host.respond(200, "");
    sink.deliver(events("b"));
    let urls: Vec<_> = sink
        .host
        .requests
        .iter()
        .map(|request| request.url.as_str())
        .collect();
    let two = "https://two.example.net/p/in";
    assert_eq!(urls, ["https://one.example.net/in", two, two]);
    let authorization = |index: usize| sink.host.requests[index].headers.first().cloned();
    let expected = ("authorization".to_owned(), "<basic u:p>".to_owned());
    assert_eq!((authorization(0), authorization(1)), (None, Some(expected)));
}

#[test]
fn a_server_that_failed_rests_and_all_are_tried_where_all_failed() {
    let mut sink = sink(json!({"urls": ["https://one.example.net", "https://two.example.net"]}));
    sink.host.refuse("timeout");
    sink.host.refuse("connect: refused");
    let outcome = sink.deliver(events("a")).outcome;
    let both = "https://one.example.net: timeout; https://two.example.net: connect: refused";
    assert_eq!(outcome, Ok(Outcome::retry(both)));

    // Both rest, so both are tried: the second works, and the first rests on for 2 s.
    sink.host.respond(503, "");
    sink.host.respond(200, "");
    sink.deliver(events("a"));
    sink.host.respond(503, "");
    let alone = sink.deliver(events("a")).outcome;
    assert_eq!(
        alone,
        Ok(Outcome::retry("answered 503")),
        "the first still rests"
    );

    sink.host.now_ms += 2000;
    sink.host.respond(502, "");
    sink.host.respond(502, "gone");
    let last = sink.deliver(events("a")).outcome;
    assert_eq!(last, Ok(Outcome::retry("answered 502 (gone)")));
    let line = "https://two.example.net: answered 502".to_owned();
    assert_eq!(sink.host.logs, [(host::Level::Warn, line)]);
}

#[test]
fn addresses_are_checked_with_their_place() {
    let refused = |urls: Value| {
        let error = testing::sink::<Reasons>(json!({ "urls": urls })).unwrap_err();
        error.into_message()
    };
    assert_eq!(refused(json!([])), "urls: expected at least one address");
    assert_eq!(
        refused(json!(["https://a", "b"])),
        "urls[1]: expected an address that begins with http:// or https://"
    );
}
