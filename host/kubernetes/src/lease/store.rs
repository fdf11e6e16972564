//! The requests for the one Lease.

use k8s_openapi::api::coordination::v1::Lease;
use kube::Resource;
use kube::api::{GetParams, PostParams};
use kube::core::Request;
use tokio::time::Instant;

use super::record::Record;
use crate::exchange::{Clients, exchange};
use crate::failure::{Action, Failure};

/// Where the lease is.
#[derive(Clone)]
pub(crate) struct Store {
    clients: Clients,
    namespace: String,
    name: String,
}

impl Store {
    pub(crate) fn new(clients: Clients, namespace: String, name: String) -> Self {
        Self {
            clients,
            namespace,
            name,
        }
    }

    /// A record to create.
    pub(crate) fn empty(&self) -> Record {
        Record::new(&self.namespace, &self.name)
    }

    /// What is there, never from a cache; `None`: there is none.
    pub(crate) async fn read(&self, deadline: Instant) -> Result<Option<Record>, Failure> {
        let request = self.request().get(&self.name, &GetParams::default());
        match self.send("get", request, deadline).await {
            Err(Failure::NotFound { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Creates it if it has no version, else replaces exactly that version. Answers what is there then.
    ///
    /// # Errors
    ///
    /// [`Failure::Conflict`], [`Failure::AlreadyExists`] and [`Failure::NotFound`]: somebody else wrote or deleted
    /// it; what is there must be read again.
    pub(crate) async fn write(
        &self,
        record: &Record,
        deadline: Instant,
    ) -> Result<Record, Failure> {
        let parameters = PostParams::default();
        let (verb, request) = match record.version() {
            "" => (
                "create",
                self.request().create(&parameters, record.to_bytes()),
            ),
            _ => (
                "update",
                self.request()
                    .replace(&self.name, &parameters, record.to_bytes()),
            ),
        };
        self.send(verb, request, deadline).await
    }

    fn request(&self) -> Request {
        Request::new(Lease::url_path(&(), Some(&self.namespace)))
    }

    async fn send(
        &self,
        verb: &'static str,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        deadline: Instant,
    ) -> Result<Record, Failure> {
        let action = Action {
            verb,
            group: "coordination.k8s.io",
            resource: "leases",
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
        };
        let client = (self.clients)();
        let bytes = exchange(&client, request, &action, deadline).await?;
        Record::parse(&bytes).map_err(|error| Failure::decode(error, &action))
    }
}

/// Somebody else wrote or deleted it since it was read. A create that is not found misses its namespace.
pub(crate) fn is_changed(failure: &Failure) -> bool {
    match failure {
        Failure::Conflict { .. } | Failure::AlreadyExists { .. } => true,
        Failure::NotFound { action, .. } => action.verb == "update",
        _ => false,
    }
}
