//! The pod that this process runs in: what its events are about.

use std::fmt;
use std::time::Duration;

use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use kube::Resource;
use kube::api::GetParams;
use kube::core::Request;
use serde::Deserialize;
use tokio::time::Instant;

use crate::exchange::exchange;
use crate::failure::{Action, Failure};

/// How long the request for the pod may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The pod that this process runs in, as the downward API tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnPod {
    name: String,
    namespace: String,
    uid: Uid,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Uid {
    Known(String),
    /// Not told, and not asked for yet.
    Wanted,
    /// The server does not tell it.
    Unknown,
}

/// What is read of a Pod.
#[derive(Deserialize)]
struct Found {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    uid: String,
}

impl OwnPod {
    /// From `POD_NAME`, `POD_NAMESPACE` and `POD_UID`, as `deploy/02-deployment.yaml` sets them. `variable` gives an
    /// environment variable.
    ///
    /// `None` outside of a cluster (no `KUBERNETES_SERVICE_HOST`), and where the name or the namespace is not set:
    /// who leaves out `POD_NAMESPACE` gets no announcements. Without the uid the pod is asked for, once.
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        set("KUBERNETES_SERVICE_HOST")?;
        Some(Self {
            name: set("POD_NAME")?,
            namespace: set("POD_NAMESPACE")?,
            uid: set("POD_UID").map_or(Uid::Wanted, Uid::Known),
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace, which is that of its events, too.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    #[cfg(test)]
    pub(super) fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    pub(super) fn wants_uid(&self) -> bool {
        self.uid == Uid::Wanted
    }

    /// Asks for the uid; goes without if it is not told. A server that does not answer is asked again the next time.
    pub(super) async fn ask_for_uid(&mut self, client: &kube::Client) {
        let without = |reason: &dyn fmt::Display| {
            tracing::info!(
                pod = self.name,
                "announced without the pod's uid, so `kubectl describe pod` does not show it: set POD_UID: {reason}"
            );
        };
        self.uid = match self.read_uid(client).await {
            Ok(uid) => Uid::Known(uid),
            Err(failure @ (Failure::Forbidden { .. } | Failure::NotFound { .. })) => {
                without(&failure);
                Uid::Unknown
            }
            Err(failure) => {
                tracing::debug!("the pod's uid is not known yet: {failure}");
                Uid::Wanted
            }
        };
    }

    async fn read_uid(&self, client: &kube::Client) -> Result<String, Failure> {
        let action = Action {
            verb: "get",
            group: "",
            resource: "pods",
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
        };
        let request = Request::new(Pod::url_path(&(), Some(&self.namespace)));
        let request = request.get(&self.name, &GetParams::default());
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        let bytes = exchange(client, request, &action, deadline).await?;
        let found: Found = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::decode(error.to_string(), &action))?;
        Ok(found.metadata.uid)
    }

    /// As events refer to it.
    pub(super) fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Pod".to_owned()),
            name: Some(self.name.clone()),
            namespace: Some(self.namespace.clone()),
            uid: match &self.uid {
                Uid::Known(uid) => Some(uid.clone()),
                Uid::Wanted | Uid::Unknown => None,
            },
            ..ObjectReference::default()
        }
    }
}
