//! `/plugins` and `/reload`: what is shown of a made-up report, to whom, and how long it is waited for.

use std::sync::Mutex;

use super::*;
use crate::status::{Pending, Report as Shown, Use};

type Done = Box<dyn FnOnce(Shown) + Send>;

/// Shows a report; a reload ends when the test says so.
#[derive(Default)]
struct Fixed {
    report: Shown,
    asked: Mutex<Vec<Done>>,
    reloads: tokio::sync::Notify,
}

impl Overview for Fixed {
    fn report(&self) -> Shown {
        self.report.clone()
    }

    fn reload(&self, done: Done) {
        self.asked.lock().expect("no panic").push(done);
        self.reloads.notify_one();
    }
}

impl Fixed {
    /// Waits until somebody asked for a reload.
    async fn reload(&self) -> Done {
        self.reloads.notified().await;
        let mut asked = self.asked.lock().expect("no panic");
        asked.pop().expect("somebody asked")
    }
}

fn report() -> Shown {
    let quiet = Use {
        name: "quiet".into(),
        role: "filter".into(),
        calls: 7,
        ..Use::default()
    };
    Shown {
        uses: vec![quiet],
        ..Shown::default()
    }
}

fn pending_report() -> Shown {
    let pending = Pending {
        reasons: vec!["config.yaml:3:5: wrong".into()],
        ..Pending::default()
    };
    Shown {
        pending: Some(pending),
        ..report()
    }
}

/// A listener with this report.
fn showing(report: Shown, token: Option<&str>) -> (SocketAddr, Arc<Fixed>) {
    let fixed = Arc::new(Fixed {
        report,
        ..Fixed::default()
    });
    let address = started(State {
        overview: Some(Arc::clone(&fixed) as _),
        token: token.map(|token| Token::new(token.into()).expect("long enough")),
        ..state()
    });
    (address, fixed)
}

async fn ask(address: SocketAddr, request: &str, more: &str) -> String {
    let request = format!("{request} HTTP/1.1\r\nHost: {address}\r\n{more}\r\n");
    exchange(address, request.as_bytes()).await
}

fn read(answer: &str) -> Shown {
    assert!(
        answer.contains("content-type: application/json\r\n"),
        "{answer}"
    );
    serde_json::from_str(body(answer)).expect("a report")
}

#[tokio::test]
async fn what_runs_is_shown_in_the_form_that_is_liked() {
    let (address, _) = showing(report(), None);
    for accept in [
        "",
        "Accept: */*\r\n",
        "Accept: text/*;q=0.5, application/json\r\n",
        "Accept: text/plain;q=0.1, */*;q=0.2\r\n",
        "Accept: text/html,*/*;q=0.8\r\n",
        "Accept: text/plain;q=much\r\n",
    ] {
        let answer = ask(address, "GET /plugins", accept).await;
        assert_eq!((status(&answer), read(&answer)), (200, report()));
    }
    for accept in [
        "Accept: text/plain\r\n",
        "Accept: application/json;q=0.5\r\nAccept: text/plain;q=0.9\r\n",
        "Accept: TEXT/*, application/json ; q=0.1\r\n",
    ] {
        let answer = ask(address, "GET /plugins", accept).await;
        assert_eq!(status(&answer), 200);
        assert!(
            body(&answer).starts_with("NAME   ROLE    STATE"),
            "{answer}"
        );
        assert!(answer.contains("content-type: text/plain; charset=utf-8\r\n"));
    }
    let head = ask(address, "HEAD /plugins", "").await;
    assert_eq!((status(&head), body(&head)), (200, ""));
    let (_, metrics) = get(address, "/metrics").await;
    let row = "weir_plugin_calls_total{use=\"quiet\",role=\"filter\"} 7";
    assert!(metrics.lines().any(|line| line == row), "{metrics}");
}

#[tokio::test]
async fn a_reload_answers_with_what_came_of_it() {
    let (address, fixed) = showing(report(), None);
    for (came_of_it, expected) in [(report(), 200), (pending_report(), 409)] {
        let asked = tokio::spawn(ask(address, "POST /reload", "Content-Length: 0\r\n"));
        let done = fixed.reload().await;
        // It is busy, and answers others.
        assert_eq!(get(address, "/livez").await.0, 200);
        done(came_of_it.clone());
        let answer = asked.await.expect("no panic");
        assert_eq!((status(&answer), read(&answer)), (expected, came_of_it));
    }
    // Who does it is gone.
    let asked = tokio::spawn(ask(address, "POST /reload", ""));
    drop(fixed.reload().await);
    let answer = asked.await.expect("no panic");
    assert_eq!(status(&answer), 503);
    assert!(body(&answer).starts_with("weir is stopping"), "{answer}");
    // Who asked is gone.
    let mut stream = connect(address).await;
    stream
        .write_all(b"POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .expect("sends");
    let done = fixed.reload().await;
    drop(stream);
    done(report());
    let get = ask(address, "GET /reload", "").await;
    assert_eq!(status(&get), 405);
    assert!(get.contains("allow: POST\r\n"), "{get}");
    assert_eq!(status(&ask(address, "POST /plugins", "").await), 405);
}

#[tokio::test(start_paused = true)]
async fn a_long_reload_is_not_waited_for() {
    let fixed = Arc::new(Fixed::default());
    let state = State {
        overview: Some(Arc::clone(&fixed) as _),
        ..state()
    };
    // No sockets: paused time would pass while the system hands bytes on.
    let (mut client, server) = tokio::io::duplex(4096);
    let request = b"POST /reload HTTP/1.1\r\nHost: localhost\r\n\r\n";
    client.write_all(request).await.expect("sends");
    let graceful = GracefulShutdown::new();
    let began = Instant::now();
    let peer = IpAddr::from([127, 0, 0, 1]);
    connection(server, peer, Arc::new((state, None)), graceful.watcher()).await;
    assert_eq!(began.elapsed(), RELOAD_TIME_MOST);
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.expect("text");
    assert_eq!(status(&answer), 202);
    assert!(body(&answer).contains("and it goes on"), "{answer}");
    fixed.reload().await(report());
}

#[tokio::test]
async fn not_everybody_is_answered() {
    let token = "0123456789abcdef";
    let (address, fixed) = showing(report(), Some(token));
    let wrong = "Authorization: Bearer fedcba9876543210\r\n";
    for request in ["GET /plugins", "POST /reload"] {
        let answer = ask(address, request, wrong).await;
        assert_eq!(status(&answer), 401, "{request}");
        assert!(answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
        let passed_on = ask(address, request, "Via: 1.1 proxy\r\n").await;
        assert_eq!(status(&passed_on), 403, "{request}");
        assert!(
            body(&passed_on).contains("set admin.token and send it"),
            "{passed_on}"
        );
        for answer in [answer, passed_on] {
            assert!(!answer.contains(token) && !answer.contains("quiet"));
        }
    }
    let page = ask(address, "POST /reload", "Origin: http://localhost\r\n").await;
    assert_eq!(status(&page), 403);
    assert!(fixed.asked.lock().expect("no panic").is_empty());
    // As a page's server would be called that has this address, too.
    assert_eq!(get(address, "/plugins").await.0, 403);
    let right =
        format!("GET /plugins HTTP/1.1\r\nHost: weir\r\nAuthorization: Bearer {token}\r\n\r\n");
    assert_eq!(status(&exchange(address, right.as_bytes()).await), 200);
    // Probes and metrics are for everybody.
    for path in ["/livez", "/readyz", "/metrics"] {
        let request = format!("GET {path}");
        let answer = ask(address, &request, "Via: 1.1 proxy\r\nOrigin: null\r\n").await;
        assert_eq!(status(&answer), 200, "{path}");
    }
}

#[tokio::test]
async fn without_an_overview_there_is_nothing_to_show() {
    let address = started(state());
    for request in ["GET /plugins", "POST /reload"] {
        let answer = ask(address, request, "").await;
        assert_eq!(status(&answer), 404);
        assert_eq!(body(&answer), "this weir does not show its plugins\n");
    }
}
