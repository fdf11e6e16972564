//! For tests: an API server in memory that holds single objects, with real conflicts, and fails as it is told.

mod events;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::exchange::Clients;

/// How the server treats one request.
#[derive(Debug, Clone)]
pub(crate) struct Conduct {
    /// On the way there.
    pub(crate) before: Duration,
    /// What is answered without doing anything; `None`: it is done.
    pub(crate) refuse: Option<(u16, Value)>,
    /// On the way back.
    pub(crate) after: Duration,
    pub(crate) end: End,
}

/// How it ends for the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Answer,
    /// The connection breaks.
    Break,
    /// Nothing ever comes.
    Hang,
}

impl Conduct {
    pub(crate) fn well() -> Self {
        Self {
            before: Duration::ZERO,
            refuse: None,
            after: Duration::ZERO,
            end: End::Answer,
        }
    }

    pub(crate) fn refuse(code: u16, message: &str) -> Self {
        let body = json!({"kind": "Status", "message": message, "code": code});
        Self {
            refuse: Some((code, body)),
            ..Self::well()
        }
    }

    /// It does not even arrive.
    pub(crate) fn lose(end: End) -> Self {
        Self {
            end,
            ..Self::refuse(500, "never seen")
        }
    }

    /// It is done, but the client does not learn it.
    pub(crate) fn end(end: End) -> Self {
        Self {
            end,
            ..Self::well()
        }
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// Which client sent it.
    pub(crate) client: u64,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
}

type Plan = Box<dyn FnMut(&Call) -> Conduct + Send>;

/// The server. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<Inner>>);

struct Inner {
    objects: BTreeMap<String, Value>,
    revision: u64,
    plan: Plan,
    calls: Vec<Call>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Inner {
            objects: BTreeMap::new(),
            revision: 100,
            plan: Box::new(|_| Conduct::well()),
            calls: Vec::new(),
        })))
    }

    /// How requests are treated from now on.
    pub(crate) fn plan(&self, plan: impl FnMut(&Call) -> Conduct + Send + 'static) {
        self.lock().plan = Box::new(plan);
    }

    pub(crate) fn all(&self, conduct: Conduct) {
        self.plan(move |_| conduct.clone());
    }

    /// The next request so, the others well.
    pub(crate) fn once(&self, conduct: Conduct) {
        let mut first = Some(conduct);
        self.plan(move |_| first.take().unwrap_or_else(Conduct::well));
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.lock().objects.get(path).cloned()
    }

    /// Writes it, as somebody else would.
    pub(crate) fn put(&self, path: &str, object: Value) {
        self.lock().store(path, object);
    }

    pub(crate) fn delete(&self, path: &str) {
        self.lock().objects.remove(path);
    }

    /// What is below a path, by path.
    pub(crate) fn below(&self, path: &str) -> Vec<Value> {
        let inner = self.lock();
        let below = inner
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with(path));
        below.map(|(_, object)| object.clone()).collect()
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// A client of it. Within a runtime.
    pub(crate) fn clients(&self) -> Clients {
        self.client(0)
    }

    /// The client with this number.
    pub(crate) fn client(&self, client: u64) -> Clients {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            async move { server.serve(request, client).await }
        });
        let client = kube::Client::new(service, "default");
        Arc::new(move || client.clone())
    }

    async fn serve(
        &self,
        request: Request<Body>,
        client: u64,
    ) -> Result<Response<Body>, std::io::Error> {
        let (head, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let call = Call {
            client,
            method: head.method,
            path: head.uri.path().to_owned(),
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        };
        let conduct = {
            let mut inner = self.lock();
            inner.calls.push(call.clone());
            (inner.plan)(&call)
        };
        let (after, end) = (conduct.after, conduct.end);
        let server = self.clone();
        // A task of its own: a request that is on its way is done even if the client does not wait for it.
        let done = tokio::spawn(async move {
            sleep(conduct.before).await;
            match conduct.refuse {
                Some(answer) => answer,
                None => server.lock().apply(&call),
            }
        });
        let (code, body) = done.await.unwrap();
        sleep(after).await;
        match end {
            End::Answer => Ok(answer(code, &body).unwrap()),
            End::Break => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)),
            End::Hang => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }
}

fn answer(code: u16, body: &Value) -> Result<Response<Body>, Infallible> {
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = StatusCode::from_u16(code).unwrap();
    Ok(response)
}

fn status(code: u16, reason: &str, message: String) -> (u16, Value) {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure",
        "code": code, "reason": reason, "message": message,
    });
    (code, body)
}

impl Inner {
    fn store(&mut self, path: &str, mut object: Value) -> Value {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn apply(&mut self, call: &Call) -> (u16, Value) {
        if let Some(wrong) = invalid(&call.body) {
            return status(422, "Invalid", wrong.to_owned());
        }
        let named = call.body["metadata"]["name"].as_str().unwrap_or_default();
        if call.method == Method::POST {
            if let Some(refused) = events::refuse_new(&call.path, &call.body) {
                return refused;
            }
            let path = format!("{}/{named}", call.path);
            if self.objects.contains_key(&path) {
                return status(409, "AlreadyExists", format!("{named} already exists"));
            }
            return (201, self.store(&path, call.body.clone()));
        }
        let Some(stored) = self.objects.get(&call.path).cloned() else {
            return status(404, "NotFound", format!("{} not found", call.path));
        };
        if call.method == Method::GET {
            return (200, stored);
        }
        let version = &call.body["metadata"]["resourceVersion"];
        if call.method == Method::PUT && !version.is_string() {
            return status(422, "Invalid", "must be specified for an update".to_owned());
        }
        if version.is_string() && *version != stored["metadata"]["resourceVersion"] {
            let text =
                "the object has been modified; please apply your changes to the latest version";
            return status(409, "Conflict", text.to_owned());
        }
        let mut object = stored.clone();
        if call.method == Method::PUT {
            assert!(call.path.ends_with(&format!("/{named}")));
            object = call.body.clone();
        } else {
            assert_eq!(call.method, Method::PATCH);
            merge(&mut object, &call.body);
        }
        if object == stored {
            return (200, stored);
        }
        if let Some(refused) = events::refuse_change(&call.path, &stored, &object) {
            return refused;
        }
        (200, self.store(&call.path, object))
    }
}

/// What a real server says about a Lease.
fn invalid(object: &Value) -> Option<&'static str> {
    let annotations = object["metadata"]["annotations"].as_object();
    let bytes: usize = annotations
        .into_iter()
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len())
        .sum();
    if bytes > 256 << 10 {
        return Some("metadata.annotations: Too long: may not be more than 262144 bytes");
    }
    if object["kind"] != "Lease" {
        return None;
    }
    let spec = &object["spec"];
    if spec["leaseDurationSeconds"]
        .as_i64()
        .is_none_or(|seconds| seconds <= 0)
    {
        return Some("spec.leaseDurationSeconds: must be greater than 0");
    }
    let time = spec["renewTime"].as_str().unwrap_or_default();
    let micro = time.len() == "2026-11-23T14:52:36.500000Z".len() && time.ends_with('Z');
    (!micro).then_some("spec.renewTime: parsing time")
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => drop(target.as_object_mut().unwrap().remove(key)),
            value => merge(&mut target[key], value),
        }
    }
}
