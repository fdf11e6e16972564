//! A server by script: what is asked next, and what it answers. Time is paused, so that waits cost nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use kube::Client;
use kube::client::Body;
use tokio::sync::mpsc;
use weir_event::Chunk;
use weir_kubernetes::connect::Connection;
use weir_kubernetes::request::Selection;
use weir_kubernetes::status::{WatchSnapshot, WatchStatus};
use weir_kubernetes::watch::{Accounts, Backlog, Message, Settings, Surroundings, Watch};

/// How a stream goes on after its lines.
#[derive(Clone, Copy)]
pub enum Then {
    /// A clean end.
    End,
    /// The connection breaks.
    Break,
    /// Nothing more comes.
    Silence,
}

/// An answer.
pub enum Reply {
    /// A status and a body.
    Status(u16, String),
    /// A status that asks to wait so many seconds.
    Later(u16, u64),
    /// A stream.
    Lines(Vec<String>, Then),
}

/// An event in a watch line.
pub fn added(version: u64) -> String {
    line("ADDED", version)
}

/// A watch line with an event in it.
pub fn line(kind: &str, version: u64) -> String {
    format!(r#"{{"type":"{kind}","object":{}}}"#, event(version, ""))
}

/// An event as lists have it.
pub fn event(version: u64, more: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"e{version}","namespace":"default","uid":"u{version}","resourceVersion":"{version}"}},"involvedObject":{{"kind":"Pod","name":"p"}}{more}}}"#
    )
}

/// What a server says when a version is too old.
pub const EXPIRED: &str = r#"{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"The resourceVersion for the provided watch is too old.","reason":"Expired","code":410}}"#;

/// A page of a list.
pub fn page(version: u64, items: &[u64], next: &str) -> Reply {
    let items: Vec<_> = items.iter().map(|version| event(*version, "")).collect();
    raw_page(version, &items.join(","), next)
}

/// A page with these items.
pub fn raw_page(version: u64, items: &str, next: &str) -> Reply {
    Reply::Status(
        200,
        format!(
            r#"{{"kind":"EventList","apiVersion":"v1","metadata":{{"resourceVersion":"{version}","continue":"{next}"}},"items":[{items}]}}"#
        ),
    )
}

/// Only where the server is.
pub fn newest(version: u64) -> (&'static str, Reply) {
    ("limit=1", page(version, &[], ""))
}

/// A list in one page.
pub fn list(version: u64, items: &[u64]) -> (&'static str, Reply) {
    ("limit=500", page(version, items, ""))
}

/// A stream that was asked for with this in its query.
pub fn watch(query: &'static str, lines: &[String], then: Then) -> (&'static str, Reply) {
    (query, Reply::Lines(lines.to_vec(), then))
}

/// A stream behind this version that says nothing.
pub fn idle(query: &'static str) -> (&'static str, Reply) {
    watch(query, &[], Then::Silence)
}

/// A watch over a script.
pub struct Run {
    script: Arc<Mutex<VecDeque<(&'static str, Reply)>>>,
    /// What it hands on.
    pub messages: mpsc::Receiver<Message>,
    /// What it says of itself.
    pub status: Arc<WatchStatus>,
    /// What it counts: malformed, duplicates, too old.
    pub counts: Arc<Counts>,
    /// The running watch.
    pub task: tokio::task::JoinHandle<Result<(), weir_kubernetes::failure::Failure>>,
}

/// Counts of a test.
#[derive(Default)]
pub struct Counts(Mutex<(usize, usize, usize)>);

impl Counts {
    /// Malformed, duplicates, too old.
    pub fn get(&self) -> (usize, usize, usize) {
        *self.0.lock().expect("no panic")
    }
}

impl Accounts for Counts {
    fn malformed(&self, _: &str, _: &[u8], _: &dyn std::error::Error) {
        self.0.lock().expect("no panic").0 += 1;
    }

    fn duplicates(&self, events: usize) {
        self.0.lock().expect("no panic").1 += events;
    }

    fn too_old(&self, events: usize) {
        self.0.lock().expect("no panic").2 += events;
    }
}

/// Settings that most tests want.
pub fn settings(position: Option<u64>) -> Settings {
    Settings {
        selection: Selection {
            events_v1: false,
            namespace: None,
            fields: None,
            labels: None,
        },
        position,
        backlog: Backlog::All,
        max_age: None,
        gap_events: false,
        cluster_name: String::new(),
    }
}

/// Starts a watch over a script. The channel holds as many messages as `room`.
pub fn start(settings: Settings, room: usize, script: Vec<(&'static str, Reply)>) -> Run {
    start_kept(settings, room, script, None)
}

/// The same, whose first stream waits for a position to be kept.
pub fn start_kept(
    settings: Settings,
    room: usize,
    script: Vec<(&'static str, Reply)>,
    kept: Option<tokio::sync::watch::Receiver<bool>>,
) -> Run {
    let script = Arc::new(Mutex::new(VecDeque::from(script)));
    let of_service = Arc::clone(&script);
    let service = tower::service_fn(move |request: Request<Body>| {
        let next = of_service.lock().expect("no panic").pop_front();
        async move {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let Some((expected, reply)) = next else {
                panic!("more was asked than the script has: {query}");
            };
            assert!(
                query.contains(expected),
                "expected {expected}, asked {query}"
            );
            Ok::<_, Infallible>(respond(reply))
        }
    });
    let (out, messages) = mpsc::channel(room);
    let open = std::time::SystemTime::now();
    let status = Arc::new(WatchStatus::new("all", Some(open)));
    let counts = Arc::new(Counts::default());
    let surroundings = Surroundings {
        connection: Connection::of(Client::new(service, "default")),
        out,
        accounts: Arc::clone(&counts) as _,
        status: Arc::clone(&status),
        enricher: None,
        kept,
    };
    Run {
        script,
        messages,
        status,
        counts,
        task: tokio::spawn(Watch::new(0, settings, surroundings).run()),
    }
}

type Answer = http_body_util::combinators::UnsyncBoxBody<Bytes, std::io::Error>;

fn text(body: String) -> Answer {
    Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync()
}

fn respond(reply: Reply) -> Response<Answer> {
    match reply {
        Reply::Status(status, body) => Response::builder()
            .status(status)
            .body(text(body))
            .expect("a response"),
        Reply::Later(status, seconds) => Response::builder()
            .status(status)
            .header("retry-after", seconds.to_string())
            .body(text(String::new()))
            .expect("a response"),
        Reply::Lines(lines, then) => {
            let lines = futures_util::stream::iter(lines)
                .map(|line| Ok(Frame::data(Bytes::from(line + "\n"))));
            let end = match then {
                Then::End => futures_util::stream::empty().boxed(),
                Then::Break => {
                    let broken = std::io::Error::new(std::io::ErrorKind::ConnectionReset, "reset");
                    futures_util::stream::iter([Err(broken)]).boxed()
                }
                Then::Silence => futures_util::stream::pending().boxed(),
            };
            Response::new(StreamBody::new(lines.chain(end)).boxed_unsync())
        }
    }
}

impl Run {
    /// The next message, as text: `5 7 seen 9`, `began 12`, `restarted`.
    pub async fn next(&mut self) -> String {
        let message = tokio::time::timeout(Duration::from_secs(3600), self.messages.recv()).await;
        match message.expect("a message within an hour of paused time") {
            Some(Message::Events { chunk, seen, .. }) => shown(&chunk, seen),
            Some(Message::Began { newest, .. }) => format!("began {newest}"),
            Some(Message::Restarted { .. }) => "restarted".to_owned(),
            None => "gone".to_owned(),
        }
    }

    /// Checks the messages that come, then that all of the script was asked for.
    pub async fn expect(&mut self, expected: &[&str]) {
        for expected in expected {
            assert_eq!(self.next().await, *expected);
        }
        let asked = async {
            while !self.script.lock().expect("no panic").is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let asked = tokio::time::timeout(Duration::from_secs(3600), asked).await;
        asked.expect("all of the script is asked for within an hour of paused time");
    }

    /// What the watch says of itself.
    pub fn snapshot(&self) -> WatchSnapshot {
        self.status.snapshot()
    }
}

fn shown(chunk: &Chunk, seen: u64) -> String {
    let versions = chunk
        .iter()
        .map(|event| event.resource_version().into_owned());
    let mut text: Vec<String> = versions.collect();
    text.push(format!("seen {seen}"));
    text.join(" ")
}
