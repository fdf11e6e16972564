//! What enrichment costs when all is remembered: `cargo run --release --example measure_lookup -- FILE.ndjson`.

use std::sync::Arc;
use std::time::Instant;

use http::{Request, Response};
use kube::client::Body;
use weir_event::{Chunk, EventRef, Reader};
use weir_kubernetes::lookup::{Counters, Enricher, Settings};

/// Rounds over the whole file; the best one is shown, because other programs share the machine.
const ROUNDS: usize = 30;

/// As pods of a Deployment have it.
const METADATA: &str = r#"{"metadata":{"name":"p","resourceVersion":"99999999","labels":{"app.kubernetes.io/name":"cart",
"app.kubernetes.io/instance":"cart-prod","app.kubernetes.io/version":"1.2.3","pod-template-hash":"7d4b9c6f5"},
"annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"8080"},"ownerReferences":[{"apiVersion":"apps/v1",
"kind":"ReplicaSet","name":"cart-7d4b9c6f5","uid":"cd5fca09-3302-438d-aeab-cdfd9dc7bd11","controller":true,
"blockOwnerDeletion":true}]}}"#;

const KINDS: [(&str, &str, bool); 17] = [
    ("pods", "Pod", true),
    ("nodes", "Node", false),
    ("namespaces", "Namespace", false),
    ("replicasets", "ReplicaSet", true),
    ("jobs", "Job", true),
    ("deployments", "Deployment", true),
    ("cronjobs", "CronJob", true),
    ("daemonsets", "DaemonSet", true),
    ("horizontalpodautoscalers", "HorizontalPodAutoscaler", true),
    ("statefulsets", "StatefulSet", true),
    ("persistentvolumeclaims", "PersistentVolumeClaim", true),
    ("persistentvolumes", "PersistentVolume", false),
    ("services", "Service", true),
    ("leases", "Lease", true),
    ("configmaps", "ConfigMap", true),
    ("poddisruptionbudgets", "PodDisruptionBudget", true),
    ("replicationcontrollers", "ReplicationController", true),
];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let path = std::env::args()
        .nth(1)
        .expect("a file of events, one a line");
    let text = std::fs::read(&path).expect("the file can be read");
    let chunks = chunks(&text);
    let events: usize = chunks.iter().map(Chunk::len).sum();
    println!("{path}: {events} events of {} bytes", text.len() / events);

    measure("a copy of the chunk", &chunks, events, None).await;
    let object = Settings {
        cache: 100_000,
        qps: 1e9,
        burst: 10_000,
        ..Settings::default()
    };
    let all = Settings {
        namespace_labels: true,
        node_labels: true,
        ..object.clone()
    };
    let nothing = Settings {
        labels: false,
        annotations: false,
        owners: false,
        ..object.clone()
    };
    measure("nothing enabled", &chunks, events, Some(nothing)).await;
    measure("object", &chunks, events, Some(object)).await;
    measure("object, namespace, node", &chunks, events, Some(all)).await;
}

async fn measure(name: &str, chunks: &[Chunk], events: usize, settings: Option<Settings>) {
    let client = kube::Client::new(tower::service_fn(serve), "default");
    let counters = Arc::new(Counters::default());
    let enricher = settings.map(|settings| {
        let client = client.clone();
        Enricher::new(move || client.clone(), settings, Arc::clone(&counters))
    });
    let mut best = f64::MAX;
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let copies = chunks.to_vec();
        let start = Instant::now();
        bytes = 0;
        for (chunk, copy) in chunks.iter().zip(copies) {
            let enriched = match &enricher {
                Some(enricher) => enricher.enrich(copy).await,
                None => vec![chunk.clone()],
            };
            bytes += enriched.iter().map(Chunk::bytes).sum::<usize>();
        }
        best = best.min(start.elapsed().as_nanos() as f64 / events as f64);
    }
    println!(
        "{name:28} {best:8.1} ns, {} bytes an event; {:?}",
        bytes / events,
        counters.snapshot()
    );
}

fn chunks(text: &[u8]) -> Vec<Chunk> {
    let mut reader = Reader::new("prod");
    let mut chunks = vec![Chunk::new()];
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let each = &mut |event: Result<EventRef<'_>, _>| {
            let event = event.expect("an event");
            if !chunks.last_mut().expect("one").push(event) {
                chunks.push(Chunk::new());
                assert!(chunks.last_mut().expect("one").push(event));
            }
        };
        reader.read(line, each).expect("a readable line");
    }
    chunks
}

async fn serve(request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
    let path = request.uri().path();
    let list = path == "/api/v1" || path.split('/').count() == 4 && path.starts_with("/apis/");
    let body = if list {
        let resources = KINDS.map(|(name, kind, namespaced)| {
            serde_json::json!({"name": name, "kind": kind, "namespaced": namespaced, "verbs": ["get"]})
        });
        serde_json::json!({ "resources": resources }).to_string()
    } else {
        METADATA.to_owned()
    };
    Ok(Response::new(Body::from(body.into_bytes())))
}
