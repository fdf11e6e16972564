//! What goes wrong as a test says.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use weir_tests::client::{Answer, Client};
use weir_tests::fake_http::{FakeHttp, Fault, Handler, Options, Reply, Request, Times};

/// Answers with the number of requests that it processed.
#[derive(Default)]
struct Counter(u32);

impl Handler for Counter {
    fn answer(&mut self, _: &Request) -> Reply {
        self.0 += 1;
        Reply::text(200, format!("number {}", self.0))
    }
}

fn start() -> (FakeHttp<Counter>, Client) {
    let fake = FakeHttp::start(Options::default(), Counter::default());
    let client = fake.client();
    (fake, client)
}

fn post(client: &Client) -> Result<Answer, String> {
    client.request("POST", "/a?b=c", &[], "body")
}

/// Asks in the background.
fn ask(client: &Client) -> std::thread::JoinHandle<Result<Answer, String>> {
    let client = client.clone();
    std::thread::spawn(move || post(&client))
}

fn processed(fake: &FakeHttp<Counter>) -> u32 {
    fake.look(|counter| counter.0)
}

#[test]
fn the_journal_has_what_was_asked() {
    let (fake, client) = start();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(b"unpacked").unwrap();
    let packed = packed.finish().unwrap();
    let headers = [("content-encoding", "gzip"), ("x-a", "1")];
    let answer = client.request("PUT", "/a/b?c=d&e", &headers, packed.clone());
    assert_eq!(answer.unwrap().text(), "number 1");
    let journal = fake.wait_for("a request", |journal| journal.len() == 1);
    let request = &journal[0];
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("PUT", "/a/b")
    );
    assert_eq!(request.parameter("c"), Some("d"));
    assert_eq!(request.parameter("e"), Some(""));
    assert_eq!(request.parameter("f"), None);
    assert_eq!(request.header("x-a"), "1");
    assert_eq!(request.text(), "unpacked");
    assert_eq!(request.wire_bytes, packed.len());
    assert_eq!(request.code, Some(200));
    assert_eq!(request.http_version, "HTTP/1.1");
}

#[test]
fn a_body_that_cannot_be_unpacked_is_refused() {
    let (fake, client) = start();
    let answer = client.request("POST", "/", &[("content-encoding", "gzip")], "no gzip");
    assert_eq!(answer.unwrap().code, 400);
    let answer = client.request("POST", "/", &[("content-encoding", "br")], "x");
    assert_eq!(answer.unwrap().code, 400);
    assert_eq!(processed(&fake), 0);
}

#[test]
fn http_2_is_spoken_unless_told_otherwise() {
    let (fake, client) = start();
    assert_eq!(post(&client.http2()).unwrap().code, 200);
    assert_eq!(fake.journal()[0].http_version, "HTTP/2.0");
    let options = Options {
        http1_only: true,
        ..Options::default()
    };
    let fake = FakeHttp::start(options, Counter::default());
    assert!(post(&fake.client().http2()).is_err());
}

#[test]
fn what_is_broken_off_before_is_not_processed() {
    for fault in [Fault::Close, Fault::Reset] {
        let (fake, client) = start();
        fake.fail(Times::Next(2), fault.clone());
        assert!(post(&client).is_err());
        assert!(post(&client).is_err());
        assert_eq!(processed(&fake), 0);
        assert_eq!(post(&client).unwrap().text(), "number 1");
        let journal = fake.journal();
        assert_eq!((journal[0].code, &journal[0].fault), (None, &Some(fault)));
    }
}

#[test]
fn a_lost_answer_was_processed() {
    for fault in [Fault::LostAnswer, Fault::HalfAnswer] {
        let (fake, client) = start();
        fake.fail(Times::Next(1), fault);
        assert!(post(&client).is_err());
        assert_eq!(processed(&fake), 1);
        assert_eq!(fake.journal()[0].code, Some(200));
        assert_eq!(post(&client).unwrap().text(), "number 2");
    }
}

#[test]
fn what_is_held_waits_for_its_release() {
    for (fault, before) in [
        (Fault::Hold, 0),
        (Fault::HoldAnswer, 2),
        (Fault::HoldBody, 2),
    ] {
        let (fake, client) = start();
        fake.fail(Times::Next(2), fault);
        let asked = [ask(&client), ask(&client)];
        fake.wait_held(2);
        assert_eq!(processed(&fake), before);
        fake.release();
        for one in asked {
            assert!(one.join().unwrap().unwrap().text().starts_with("number "));
        }
        assert_eq!(processed(&fake), 2);
    }
}

#[test]
fn refusals_are_for_those_that_fit() {
    let (fake, client) = start();
    fake.fail_if(Times::Always, Fault::status(413), |request| {
        request.body.len() > 4
    });
    fake.fail(Times::Next(1), Fault::too_many(7));
    fake.fail(Times::Next(1), Fault::status(503));
    let large = || client.request("POST", "/", &[], "large").unwrap().code;
    assert_eq!(large(), 413);
    let answer = post(&client).unwrap();
    assert_eq!((answer.code, answer.header("retry-after")), (429, "7"));
    assert_eq!(post(&client).unwrap().code, 503);
    assert_eq!(post(&client).unwrap().code, 200);
    assert_eq!(large(), 413);
    fake.heal();
    assert_eq!(large(), 200);
    assert_eq!(processed(&fake), 2);
}

#[test]
fn a_server_that_is_down_comes_back_at_its_address() {
    let (mut fake, client) = start();
    let address = fake.address();
    fake.stop_listening();
    let why = post(&client).unwrap_err();
    assert!(why.starts_with("cannot connect"), "{why}");
    fake.start_listening();
    assert_eq!(fake.address(), address);
    assert_eq!(post(&client).unwrap().code, 200);
}

#[test]
fn going_down_breaks_off_what_is_held() {
    let (mut fake, client) = start();
    fake.fail(Times::Next(1), Fault::HoldAnswer);
    let asked = ask(&client);
    fake.wait_held(1);
    fake.stop_listening();
    assert!(asked.join().unwrap().is_err());
    fake.start_listening();
    assert_eq!(post(&client).unwrap().text(), "number 2");
}

#[test]
fn all_connections_can_be_cut() {
    let (fake, client) = start();
    fake.fail(Times::Next(1), Fault::Hold);
    let asked = ask(&client);
    fake.wait_held(1);
    fake.cut_connections();
    assert!(asked.join().unwrap().is_err());
    assert_eq!(fake.connections_opened(), 1);
}

#[test]
fn a_closure_is_a_handler() {
    let fake = FakeHttp::start(Options::default(), |request: &Request| {
        Reply::text(200, request.text())
    });
    let answer = fake.client().post("/", &serde_json::json!([1]));
    assert_eq!(answer.unwrap().text(), "[1]");
}
