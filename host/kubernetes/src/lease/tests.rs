//! The election against a server in memory, in paused time.

mod acquire;
mod property;
mod release;
mod renew;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Elector, Held, Settings};
use crate::testing::Server;

const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/monitoring/leases/weir";
const DURATION: Duration = Duration::from_secs(15);
const DEADLINE: Duration = Duration::from_secs(10);
const PERIOD: Duration = Duration::from_secs(2);

fn settings(identity: &str) -> Settings {
    Settings {
        name: "weir".to_owned(),
        namespace: "monitoring".to_owned(),
        identity: identity.to_owned(),
        duration: DURATION,
        renew_deadline: DEADLINE,
        retry_period: PERIOD,
    }
}

fn elector(server: &Server, identity: &str) -> Elector {
    Elector::new(server.clients(), settings(identity)).for_test(1, Timestamp::now)
}

async fn held(server: &Server, identity: &str) -> Held {
    elector(server, identity).acquire().await
}

/// As another leader election (KEE's, say) writes it.
fn lease(holder: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "weir", "namespace": "monitoring", "annotations": {"weir.dev/position": "p1"}},
        "spec": {
            "holderIdentity": holder,
            "leaseDurationSeconds": 15,
            "leaseTransitions": 4,
            // Years away from any clock here.
            "acquireTime": "2001-01-01T00:00:00.000000Z",
            "renewTime": "2090-01-01T00:00:00.000000Z",
        },
    })
}

fn holder(server: &Server) -> Value {
    server.get(PATH).unwrap()["spec"]["holderIdentity"].clone()
}

fn position(server: &Server) -> Value {
    server.get(PATH).unwrap()["metadata"]["annotations"]["weir.dev/position"].clone()
}

fn nothing() -> Option<String> {
    None
}

fn since(start: Instant) -> Duration {
    Instant::now() - start
}
