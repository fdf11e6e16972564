//! The enricher against an API server that is a function, in paused time.

mod objects;
mod refusals;
mod waiting;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use kube::client::Body;
use tokio::time::Instant;
use weir_event::{Chunk, EventRef, Fields, Reader};

use super::{Counters, Enricher, Settings, Snapshot};

const POD_UID: &str = "cd5fca09-3302-438d-aeab-cdfd9dc7bd11";
const OTHER_UID: &str = "11111111-3302-438d-aeab-cdfd9dc7bd11";

/// What the server answers at a path.
#[derive(Clone)]
struct Answer {
    status: u16,
    body: String,
    retry_after: Option<u64>,
    after: Duration,
    /// The connection breaks instead.
    broken: bool,
}

fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer {
        status,
        body: body.into(),
        retry_after: None,
        after: Duration::from_millis(1),
        broken: false,
    }
}

fn metadata(body: &str) -> Answer {
    let kind = r#""kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1""#;
    answer(200, format!(r#"{{{kind},"metadata":{{{body}}}}}"#))
}

fn not_found(name: &str) -> Answer {
    answer(
        404,
        format!(
            r#"{{"kind":"Status","reason":"NotFound","details":{{"name":"{name}"}},"code":404}}"#
        ),
    )
}

#[derive(Default)]
struct Server {
    answers: HashMap<String, Answer>,
    /// The paths of requests, and when they came, in milliseconds.
    log: Vec<(String, u128)>,
    in_flight: usize,
    in_flight_most: usize,
}

/// A server, an enricher that asks it, and its counters.
struct World {
    server: Arc<Mutex<Server>>,
    enricher: Enricher,
    counters: Arc<Counters>,
}

impl World {
    /// The server has pods, nodes, namespaces and deployments, and no object. It must be in a runtime.
    fn new(settings: Settings) -> Self {
        let server = Arc::new(Mutex::new(Server::default()));
        let start = Instant::now();
        let service = {
            let server = Arc::clone(&server);
            tower::service_fn(move |request| serve(Arc::clone(&server), start, request))
        };
        let client = kube::Client::new(service, "default");
        let counters = Arc::new(Counters::default());
        let world = Self {
            enricher: Enricher::new(move || client.clone(), settings, Arc::clone(&counters)),
            server,
            counters,
        };
        world.set(
            "/api/v1",
            list(&[
                ("pods", "Pod", true),
                ("pods/status", "Status", true),
                ("nodes", "Node", false),
                ("namespaces", "Namespace", false),
                ("configmaps", "ConfigMap", true),
                ("secrets", "Secret", true),
            ]),
        );
        world.set(
            "/apis/apps/v1",
            list(&[("deployments", "Deployment", true)]),
        );
        world
    }

    fn set(&self, path: &str, answer: Answer) {
        self.server
            .lock()
            .unwrap()
            .answers
            .insert(path.into(), answer);
    }

    /// A pod `p` in the namespace `shop`, with these metadata members.
    fn set_pod(&self, metadata_members: &str) {
        self.set("/api/v1/namespaces/shop/pods/p", metadata(metadata_members));
    }

    /// The requests since the last call.
    fn requests(&self) -> Vec<String> {
        let log = std::mem::take(&mut self.server.lock().unwrap().log);
        log.into_iter().map(|(path, _)| path).collect()
    }

    fn counted(&self) -> Snapshot {
        self.counters.snapshot()
    }

    /// Enriches events in one chunk; the answer is their documents.
    async fn enrich(&self, events: &[String]) -> Vec<serde_json::Value> {
        let chunks = self.enricher.enrich(chunk(events)).await;
        let documents = chunks.iter().flat_map(Chunk::iter).map(|event| {
            let fields = Fields::scan(event.document()).expect("a document");
            assert_eq!(
                &fields,
                event.fields(),
                "the spans are those of the document"
            );
            serde_json::from_str(event.document()).expect("JSON")
        });
        documents.collect()
    }

    /// Enriches one event, and gives its involved object.
    async fn enrich_object(&self, event: &str) -> serde_json::Value {
        let documents = self.enrich(&[event.to_owned()]).await;
        documents[0]["involvedObject"].clone()
    }

    /// A pod's event is enriched with the label that the pod has.
    async fn label(&self, event: &str) -> Option<String> {
        let object = self.enrich_object(event).await;
        object["labels"]["app"].as_str().map(str::to_owned)
    }
}

async fn serve(
    server: Arc<Mutex<Server>>,
    start: Instant,
    request: Request<Body>,
) -> Result<Response<Body>, std::io::Error> {
    let path = request.uri().path().to_owned();
    let accept = request.headers()["accept"].to_str().unwrap();
    let discovery =
        path.split('/').count() <= 4 && (path == "/api/v1" || path.starts_with("/apis"));
    let expected = if discovery {
        "application/json"
    } else {
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
    };
    assert_eq!(
        (request.method().as_str(), accept),
        ("GET", expected),
        "{path}"
    );
    let answer = {
        let mut server = server.lock().unwrap();
        server.log.push((path.clone(), start.elapsed().as_millis()));
        server.in_flight += 1;
        server.in_flight_most = server.in_flight_most.max(server.in_flight);
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        let missing = || {
            if discovery {
                answer(404, "404 page not found\n")
            } else {
                not_found(&name)
            }
        };
        server.answers.get(&path).cloned().unwrap_or_else(missing)
    };
    tokio::time::sleep(answer.after).await;
    server.lock().unwrap().in_flight -= 1;
    if answer.broken {
        return Err(std::io::ErrorKind::ConnectionReset.into());
    }
    let mut response = Response::builder().status(answer.status);
    if let Some(seconds) = answer.retry_after {
        response = response.header("retry-after", seconds);
    }
    Ok(response.body(Body::from(answer.body.into_bytes())).unwrap())
}

fn list(resources: &[(&str, &str, bool)]) -> Answer {
    let resources: Vec<serde_json::Value> = resources
        .iter()
        .map(|(name, kind, namespaced)| {
            serde_json::json!({"name": name, "kind": kind, "namespaced": namespaced, "verbs": ["get", "list"]})
        })
        .collect();
    answer(
        200,
        serde_json::json!({"kind": "APIResourceList", "resources": resources}).to_string(),
    )
}

/// An event about an object: JSON members of its `involvedObject`.
fn event(object: &str) -> String {
    format!(
        r#"{{"metadata":{{"name":"e","namespace":"shop"}},"involvedObject":{{{object}}},"source":{{"host":"n1"}}}}"#
    )
}

/// An event about the pod `name` in the namespace `shop`.
fn about_pod(name: &str) -> String {
    event(&format!(
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"{name}""#
    ))
}

/// An event about the pod `p`, with more members of its `involvedObject`.
fn about_p(more: &str) -> String {
    event(&format!(
        r#""apiVersion":"v1","kind":"Pod","namespace":"shop","name":"p",{more}"#
    ))
}

fn chunk(events: &[String]) -> Chunk {
    let mut reader = Reader::new("");
    let mut chunk = Chunk::new();
    for event in events {
        let push =
            &mut |event: Result<EventRef<'_>, _>| assert!(chunk.push(event.expect("an event")));
        reader.read(event.as_bytes(), push).expect("JSON");
    }
    chunk
}

/// Nothing but the involved object's metadata, in a cache of 100.
fn settings() -> Settings {
    Settings {
        cache: 100,
        ..Settings::default()
    }
}

/// What is written into the log at `warn`, with its fields.
#[derive(Default, Clone)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let guard = tracing::subscriber::set_default(log.clone());
        (log, guard)
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl tracing::Subscriber for Log {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() <= tracing::Level::WARN
            && metadata.target().starts_with("weir_kubernetes")
    }

    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl tracing::field::Visit for Line {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                self.0.push_str(&format!("{field}={value:?} "));
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
