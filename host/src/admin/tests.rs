//! A real listener, and clients that write their requests by hand.

mod overview;

use std::future::pending;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::*;
use crate::health::Report;
use crate::shutdown::Phase;

fn state() -> State {
    let ledger = Ledger::new();
    ledger.current(&[ledger.filter("quiet")], &[ledger.receiver("out").0]);
    ledger.left_out(2, 3);
    State {
        ledger: Arc::new(ledger),
        heartbeats: Arc::default(),
        readiness: Box::new(Report {
            ready: true,
            reasons: vec![],
            details: json!({"source": {"connected": true}, "leader": {"held": true}}),
        }),
        kubernetes: None,
        metrics_name_prefix: String::new(),
        shutdown: Arc::default(),
        overview: None,
        token: None,
    }
}

fn bound() -> (Admin, SocketAddr) {
    let admin = Admin::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = admin.address().expect("an address");
    (admin, address)
}

/// A server that runs until the end of the test.
fn started(state: State) -> SocketAddr {
    let (admin, address) = bound();
    tokio::spawn(admin.serve(state, pending()));
    address
}

async fn connect(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).await.expect("connects")
}

/// What comes back for these bytes, up to the end of the connection.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address).await;
    // The server may have refused before it read all.
    let _ = stream.write_all(request).await;
    rest(stream).await
}

/// All that still comes. Where the server closed with bytes unread, the end is a reset.
async fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("text")
}

/// The status and body of a request for a path.
async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: weir\r\n\r\n");
    let answer = exchange(address, request.as_bytes()).await;
    (status(&answer), body(&answer).to_owned())
}

fn status(answer: &str) -> u16 {
    let status = answer.strip_prefix("HTTP/1.1 ").expect("an answer");
    status[..3].parse().expect("a status")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("the end of a head").1
}

#[tokio::test]
async fn each_path_has_its_answer() {
    let address = started(state());
    assert_eq!(get(address, "/livez").await, (200, "ok".into()));
    let (status, body) = get(address, "/readyz?verbose").await;
    let expected =
        r#"{"ready":true,"reasons":[],"source":{"connected":true},"leader":{"held":true}}"#;
    assert_eq!((status, body.trim_end()), (200, expected));
    let (status, body) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "weir_events_received_total 5",
        "weir_events_too_old_total 3",
        "weir_receiver_waiting{receiver=\"out\"} 0",
        "weir_filter_errors_total{filter=\"quiet\",action=\"kept\"} 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line} in\n{body}");
    }
    for path in ["/", "/livez/", "/healthz", "/../metrics", "/%6civez"] {
        let (status, body) = get(address, path).await;
        assert_eq!(status, 404, "{path}");
        let expected = "there is /livez, /readyz, /metrics and /plugins, and POST /reload\n";
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn methods_forms_and_heads_are_as_http_wants_them() {
    let address = started(state());
    let head = exchange(address, b"HEAD /livez HTTP/1.1\r\nHost: weir\r\n\r\n").await;
    assert_eq!((status(&head), body(&head)), (200, ""));
    assert!(
        head.contains("content-type: text/plain; charset=utf-8\r\n"),
        "{head}"
    );
    assert!(head.contains("connection: close\r\n"), "{head}");
    for method in ["POST", "DELETE", "OPTIONS", "BREW"] {
        let request = format!("{method} /livez HTTP/1.1\r\nHost: weir\r\n\r\n");
        let answer = exchange(address, request.as_bytes()).await;
        assert_eq!(status(&answer), 405, "{method}");
        assert!(answer.contains("allow: GET, HEAD\r\n"), "{answer}");
    }
    let old = exchange(address, b"GET /livez HTTP/1.0\r\n\r\n").await;
    assert!(
        old.starts_with("HTTP/1.0 200 ") && body(&old) == "ok",
        "{old}"
    );
    let asked = "GET /metrics HTTP/1.1\r\nHost: weir\r\nAccept: text/html\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n";
    let answer = exchange(address, asked.as_bytes()).await;
    assert!(
        answer.contains(
            "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"
        )
    );
    assert!(answer.ends_with("# EOF\n"));
    let answer = exchange(address, b"GET /metrics HTTP/1.1\r\nHost: weir\r\n\r\n").await;
    assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert!(!answer.contains("# EOF"));
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_nothing_else_stops() {
    let address = started(state());
    for garbage in [
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET /livez HTTP/9.9\r\n\r\n",
        "GET /livez HTTP/1.1\r\nno colon\r\n\r\n",
    ] {
        let answer = exchange(address, garbage.as_bytes()).await;
        assert_eq!(status(&answer), 400, "{garbage:?}");
    }
    let preface = exchange(address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(
        !preface.contains(" 200 "),
        "HTTP/2 is not spoken: {preface}"
    );
    let long = "x".repeat(HEAD_BYTES_MAX);
    for request in [
        format!("GET /livez HTTP/1.1\r\nCookie: {long}\r\n\r\n"),
        format!("GET /livez HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(2000)),
    ] {
        let answer = exchange(address, request.as_bytes()).await;
        assert_eq!(status(&answer), 431);
    }
    drop(connect(address).await);
    assert_eq!(get(address, "/livez").await, (200, "ok".into()));
}

#[tokio::test]
async fn what_is_not_well_says_why() {
    let mut unwell = state();
    let _stuck = unwell.heartbeats.add("weir-lane-0");
    // As if it had been asked for a minute.
    let now = std::time::Instant::now();
    for seconds in [60, 45, 30, 15] {
        let earlier = now.checked_sub(Duration::from_secs(seconds));
        assert!(
            unwell
                .heartbeats
                .stuck(earlier.expect("no clock starts now"))
                .is_empty()
        );
    }
    unwell.readiness = Box::new(Report {
        ready: false,
        reasons: vec!["forbidden: list events".into()],
        details: Value::Null,
    });
    let shutdown = Arc::clone(&unwell.shutdown);
    let address = started(unwell);
    let (status, body) = get(address, "/livez").await;
    let expected = r#"{"alive":false,"reasons":["weir-lane-0 has neither moved nor waited for anything for 60 s or more"]}"#;
    assert_eq!((status, body.trim_end()), (500, expected));
    let (status, body) = get(address, "/readyz").await;
    let expected = r#"{"ready":false,"reasons":["forbidden: list events"]}"#;
    assert_eq!((status, body.trim_end()), (503, expected));
    shutdown.advance(Phase::Draining);
    let (status, body) = get(address, "/readyz").await;
    let expected = r#"{"ready":false,"reasons":["weir is stopping","forbidden: list events"]}"#;
    assert_eq!((status, body.trim_end()), (503, expected));
}

#[tokio::test]
async fn clients_that_never_finish_do_not_keep_others_out() {
    let address = started(state());
    let mut slow = Vec::new();
    for _ in 0..2 * CONNECTIONS_MAX {
        let mut stream = connect(address).await;
        stream.write_all(b"GET /livez HT").await.expect("sends");
        slow.push(stream);
    }
    assert_eq!(get(address, "/livez").await, (200, "ok".into()));
    // The oldest had to go; the newest still can finish.
    assert_eq!(rest(slow.remove(0)).await, "");
    let mut newest = slow.pop().expect("some");
    newest
        .write_all(b"TP/1.1\r\nHost: weir\r\n\r\n")
        .await
        .expect("sends");
    assert_eq!(body(&rest(newest).await), "ok");
}

#[tokio::test(start_paused = true)]
async fn a_head_has_five_seconds_however_it_drips() {
    let address = started(state());
    let began = Instant::now();
    let (mut says_nothing, mut drips) = (connect(address).await, connect(address).await);
    let mut byte = [0];
    let request = b"GET /livez HTTP/1.1\r\nA: "
        .iter()
        .chain(std::iter::repeat(&b'b'));
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let mut closed = false;
    for next in request {
        tokio::select! {
            biased;
            read = drips.read(&mut byte) => {
                closed = read.map_or(true, |count| count == 0);
                break;
            }
            _ = seconds.tick() => drips.write_all(&[*next]).await.expect("sends"),
        }
    }
    assert!(closed);
    assert_eq!(says_nothing.read(&mut byte).await.expect("no reset"), 0);
    let took = began.elapsed();
    assert!(
        took >= HEAD_TIME_MOST && took < 2 * HEAD_TIME_MOST,
        "{took:?}"
    );
}

#[tokio::test]
async fn the_end_does_not_wait_for_clients_and_frees_the_port() {
    let (admin, address) = bound();
    let (end, ended) = oneshot::channel::<()>();
    let serving = tokio::spawn(admin.serve(state(), async {
        let _ = ended.await;
    }));
    let mut idle = connect(address).await;
    let mut half = connect(address).await;
    half.write_all(b"GET /live").await.expect("sends");
    assert_eq!(get(address, "/livez").await.0, 200);
    end.send(()).expect("it runs");
    serving.await.expect("no panic").expect("no error");
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    assert_eq!(half.read(&mut [0]).await.unwrap_or(0), 0);
    let again = Admin::bind(address).expect("the port is free again");
    drop(again);
}

#[test]
fn a_port_in_use_says_what_to_do() {
    let (_admin, address) = bound();
    let error = Admin::bind(address).expect_err("it is taken");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {address}: another process does; end it, or take another port (0 takes a free one)"
        )
    );
    let foreign = Admin::bind(([192, 0, 2, 1], 0).into()).expect_err("not ours");
    assert!(
        foreign.to_string().contains("does not have that address"),
        "{foreign}"
    );
}
