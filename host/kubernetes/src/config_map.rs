//! The position in a ConfigMap: for one replica, in a cluster, without a volume.
//!
//! Only the key `position` is touched. Each write names the resourceVersion that was seen last, so that a second
//! weir with the same configuration is noticed: both would move each other's position.

use std::time::Duration;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Resource;
use kube::api::{GetParams, Patch, PatchParams, PostParams};
use kube::core::Request;
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::exchange::{Clients, exchange};
use crate::failure::{Action, Failure};

/// The key in the ConfigMap's data.
pub const POSITION_KEY: &str = "position";
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a save is tried against other writers.
const SAVE_TRIES: u32 = 3;

/// Where the position is kept.
pub struct ConfigMapStore {
    clients: Clients,
    namespace: String,
    name: String,
    seen: Seen,
    /// Texts that are this process's own: what it last read or stored, and what it tried since without an answer.
    own: Vec<Option<String>>,
    /// How often another writer was noticed.
    other_writers: u64,
}

/// What the server had when it was asked last.
enum Seen {
    /// Not asked yet, or somebody else wrote since.
    Unknown,
    Missing,
    /// With this resourceVersion.
    Version(String),
}

/// What is read of a ConfigMap.
#[derive(Deserialize)]
struct Found {
    metadata: Metadata,
    #[serde(default)]
    data: Option<Data>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(rename = "resourceVersion")]
    resource_version: String,
}

#[derive(Deserialize)]
struct Data {
    position: Option<String>,
}

impl Found {
    fn position(self) -> Option<String> {
        self.data.and_then(|data| data.position)
    }
}

impl ConfigMapStore {
    /// The ConfigMap `name`, not read yet. `clients` gives the client of the moment, for each request.
    pub fn new(clients: Clients, namespace: String, name: String) -> Self {
        Self {
            clients,
            namespace,
            name,
            seen: Seen::Unknown,
            own: Vec::new(),
            other_writers: 0,
        }
    }

    /// The stored position; `None` where the ConfigMap or its key is missing. Takes 10 s at the most.
    ///
    /// # Errors
    ///
    /// The ConfigMap could not be read. Then nobody knows the position: to start without it would lose events.
    pub async fn load(&mut self) -> Result<Option<String>, Failure> {
        let position = self.read().await?;
        self.own = vec![position.clone()];
        Ok(position)
    }

    /// Stores the position; creates the ConfigMap if it is missing. Takes some 10 s for each of at most seven
    /// requests, but mostly one.
    ///
    /// A second writer is logged and counted, and then overwritten.
    ///
    /// # Errors
    ///
    /// It may be stored or not: after a timeout nobody knows. The next save works either way.
    pub async fn save(&mut self, text: &str) -> Result<(), Failure> {
        let mut tries = 0;
        loop {
            if matches!(self.seen, Seen::Unknown) {
                self.look_for_others().await?;
            }
            tries += 1;
            match self.write(text).await {
                Ok(()) => {
                    self.own = vec![Some(text.to_owned())];
                    return Ok(());
                }
                Err(failure) => {
                    if !is_changed(&failure) {
                        // It may have been stored.
                        self.tried(text);
                        return Err(failure);
                    }
                    self.seen = Seen::Unknown;
                    if tries == SAVE_TRIES {
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// How often another writer of the position was noticed.
    pub fn other_writers(&self) -> u64 {
        self.other_writers
    }

    /// Reads again, and compares: labels or other keys may be changed by anybody, the position by us only.
    async fn look_for_others(&mut self) -> Result<(), Failure> {
        let position = self.read().await?;
        if self.own.is_empty() || self.own.contains(&position) || position.is_none() {
            return Ok(());
        }
        self.other_writers += 1;
        tracing::error!(
            config_map = self.name,
            namespace = self.namespace,
            "another weir writes this ConfigMap too: give each its own checkpoint.configMap, or use leaderElection"
        );
        self.own = vec![position];
        Ok(())
    }

    /// Without answers the texts that may be there add up; the oldest is the least likely.
    fn tried(&mut self, text: &str) {
        const TRIED_MAX: usize = 8;
        if self.own.len() >= TRIED_MAX {
            // The first is what is known to be stored.
            self.own.remove(1);
        }
        self.own.push(Some(text.to_owned()));
    }

    async fn read(&mut self) -> Result<Option<String>, Failure> {
        let request = self.request().get(&self.name, &GetParams::default());
        match self.send("get", request).await {
            Ok(found) => {
                self.seen = Seen::Version(found.metadata.resource_version.clone());
                Ok(found.position())
            }
            Err(Failure::NotFound { .. }) => {
                self.seen = Seen::Missing;
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn write(&mut self, text: &str) -> Result<(), Failure> {
        let (verb, request) = match &self.seen {
            Seen::Version(version) => {
                let patch = json!({
                    "metadata": {"resourceVersion": version},
                    "data": {POSITION_KEY: text},
                });
                let parameters = PatchParams::default();
                let request = self
                    .request()
                    .patch(&self.name, &parameters, &Patch::Merge(&patch));
                ("patch", request)
            }
            Seen::Missing | Seen::Unknown => {
                let object = json!({
                    "apiVersion": "v1",
                    "kind": "ConfigMap",
                    "metadata": {"name": self.name, "namespace": self.namespace},
                    "data": {POSITION_KEY: text},
                });
                let parameters = PostParams::default();
                let request = self
                    .request()
                    .create(&parameters, object.to_string().into_bytes());
                ("create", request)
            }
        };
        let found = self.send(verb, request).await?;
        self.seen = Seen::Version(found.metadata.resource_version);
        Ok(())
    }

    fn request(&self) -> Request {
        Request::new(ConfigMap::url_path(&(), Some(&self.namespace)))
    }

    async fn send(
        &self,
        verb: &'static str,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Found, Failure> {
        let action = Action {
            verb,
            group: "",
            resource: "configmaps",
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
        };
        let client = (self.clients)();
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let bytes = exchange(&client, request, &action, deadline).await?;
        serde_json::from_slice(&bytes).map_err(|error| Failure::decode(error.to_string(), &action))
    }
}

/// Somebody else wrote, created or deleted it since it was read. A create that is not found misses its namespace.
fn is_changed(failure: &Failure) -> bool {
    match failure {
        Failure::Conflict { .. } | Failure::AlreadyExists { .. } => true,
        Failure::NotFound { action, .. } => action.verb == "patch",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
