//! Probes and metrics of a weir that watches the fake API server.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use weir_tests::fake_api::{ADMIN, EventSpec, FakeApi, Options, Rule};
use weir_tests::folder::Folder;
use weir_tests::watching::Watching;

/// A weir with an admin listener on a port of its own.
struct Watched {
    weir: Watching,
    port: u16,
    _folder: Folder,
}

fn start(api: &mut FakeApi, user: &str, source: &str, more: &str) -> Watched {
    let folder = Folder::new("admin-access");
    let kubeconfig = api.kubeconfig(folder.path(), user);
    let mut weir = Watching::new("admin", &kubeconfig);
    weir.start(
        source,
        &format!("admin: {{listen: \"127.0.0.1:0\"}}\n{more}"),
    );
    let said = weir.running().await_line("probes and metrics");
    let said: Value = serde_json::from_str(&said).expect("log lines are JSON");
    let address = said["address"].as_str().expect("its address");
    let (_, port) = address.rsplit_once(':').expect("a port");
    Watched {
        weir,
        port: port.parse().expect("a port"),
        _folder: folder,
    }
}

impl Watched {
    /// The status and the body of a GET.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: weir\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        (status.expect("a status"), body.to_owned())
    }

    /// Asks until the answer is so.
    fn until(&self, path: &str, is_so: impl Fn(u16, &str) -> bool) -> String {
        let deadline = std::time::Instant::now() + weir_tests::running::DEADLINE;
        loop {
            let (status, body) = self.get(path);
            if is_so(status, &body) {
                return body;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "{path} still says {status}: {body}"
            );
            std::thread::yield_now();
        }
    }
}

#[test]
fn readiness_says_what_is_missing_and_liveness_does_not_care() {
    let mut api = FakeApi::start(Options::default());
    api.add_user("nobody", []);
    let mut watched = start(&mut api, "nobody", "{backlog: all}", "");
    let body = watched.until("/readyz", |status, body| {
        status == 503 && body.contains("may not list events")
    });
    let body: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(body["ready"], false);
    assert_eq!(watched.get("/livez").0, 200);
    api.add_user("nobody", [Rule::new(&["list", "watch"], "", &["events"])]);
    watched.until("/readyz", |status, _| status == 200);
    assert_eq!(watched.get("/nothing").0, 404);
    watched.weir.stop();
}

#[test]
fn metrics_show_the_ledger_the_watch_and_the_position() {
    let mut api = FakeApi::start(Options::default());
    for _ in 0..3 {
        api.create_event(EventSpec::about("a"));
    }
    let mut watched = start(
        &mut api,
        ADMIN,
        "{backlog: all}",
        "checkpoint: {file: position}",
    );
    watched.weir.take(3);
    let position = format!(
        "weir_watch_position{{watch=\"all\",receiver=\"dump\"}} {}\n",
        api.revision()
    );
    let metrics = watched.until("/metrics", |_, body| body.contains(&position));
    for line in [
        "weir_events_received_total 3\n",
        "weir_receiver_delivered_total{receiver=\"dump\"} 3\n",
        "weir_watch_gaps_total{watch=\"all\",class=\"states\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
    watched.until("/metrics", |_, body| {
        body.contains("weir_watch_connected{watch=\"all\"} 1\n")
    });
    watched.weir.stop();
}

#[test]
fn a_standby_is_ready() {
    let mut api = FakeApi::start(Options::default());
    let source = "{backlog: all, leaderElection: {enabled: true}}";
    let mut first = start(&mut api, ADMIN, source, "");
    api.wait_until("the first watches", |view| view.watches() > 0);
    let mut second = start(&mut api, ADMIN, source, "");
    let body = second.until("/readyz", |status, _| status == 200);
    assert!(body.contains("standby: another replica leads"), "{body}");
    second.until("/metrics", |_, body| body.contains("weir_leader 0\n"));
    first.until("/metrics", |_, body| body.contains("weir_leader 1\n"));
    first.until("/metrics", |_, body| {
        // The position is kept with each renewal.
        body.contains("weir_checkpoint_last_save_timestamp_seconds ")
            && !body.contains("weir_checkpoint_saves_total 0\n")
    });
    second.weir.stop();
    first.weir.stop();
}
