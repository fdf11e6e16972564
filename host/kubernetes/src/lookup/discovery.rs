//! From a kind to the resource that serves its objects, as the API server has it.
//!
//! One list for each API version, fetched when it is first needed and by one task at a time. A kind that is not in
//! it may come later (a CustomResourceDefinition that is created now): then the list is fetched anew, once a minute
//! at most.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, header};
use lru::LruCache;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::cache::Answer;
use super::requests::{Failure, Reply, Requests};
use super::target::is_segment;

/// How many API versions are known at a time. A large cluster has about a hundred; events can name any.
const VERSIONS_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// How often a list is fetched at most.
const LIST_LIFETIME: Duration = Duration::from_secs(60);

/// When a list is fetched again after that failed.
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

/// When is tried again what was forbidden.
pub(super) const FORBIDDEN_LIFETIME: Duration = Duration::from_secs(600);

/// What is to be applied where something is forbidden. The role names the usual resources, and no Secrets.
const TO_APPLY: &str = "a ClusterRoleBinding to the ClusterRole weir-lookup of deploy/00-roles.yaml, \
                        with this resource added to the role if it is not in it";

/// Where the objects of a kind are.
#[derive(Debug)]
pub(super) struct Resource {
    /// `/api/v1` or `/apis/apps/v1`.
    base: String,
    /// "" for v1.
    group: String,
    /// The resource's name in paths: `pods`.
    plural: String,
    namespaced: bool,
    /// It is forbidden, and not asked for until then.
    off_until: Mutex<Option<Instant>>,
}

impl Resource {
    /// The path that the objects are under. `None`: they are in namespaces, and no namespace is named.
    pub fn collection(&self, namespace: &str) -> Option<String> {
        let Self { base, plural, .. } = self;
        if !self.namespaced {
            return Some(format!("{base}/{plural}"));
        }
        (!namespace.is_empty()).then(|| format!("{base}/namespaces/{namespace}/{plural}"))
    }

    /// Asking is of no use now.
    pub fn is_off(&self) -> bool {
        self.locked().is_some_and(|until| Instant::now() < until)
    }

    /// After a 403: asks no more for a while, and says so once.
    pub fn switch_off(&self) {
        let now = Instant::now();
        let mut off_until = self.locked();
        if off_until.is_some_and(|until| now < until) {
            return;
        }
        *off_until = Some(now + FORBIDDEN_LIFETIME);
        tracing::warn!(
            verb = "get",
            resource = self.plural,
            group = self.group,
            apply = TO_APPLY,
            retry_seconds = FORBIDDEN_LIFETIME.as_secs(),
            "weir may not look up objects of this resource: its lookup is off"
        );
    }

    fn locked(&self) -> MutexGuard<'_, Option<Instant>> {
        self.off_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lists of all API versions.
#[derive(Debug)]
pub(super) struct Discovery {
    versions: Mutex<LruCache<Box<str>, Arc<Version>>>,
}

#[derive(Debug, Default)]
struct Version {
    kinds: Mutex<Kinds>,
    /// Held by whoever fetches the list.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kinds {
    resources: HashMap<Box<str>, Arc<Resource>>,
    /// What to say of other kinds, and until when. `None`: the list is to be fetched.
    others: Option<(Answer, Instant)>,
}

impl Kinds {
    fn find(&self, kind: &str) -> Option<Result<Arc<Resource>, Answer>> {
        if let Some(resource) = self.resources.get(kind) {
            return Some(Ok(Arc::clone(resource)));
        }
        let (answer, until) = self.others.as_ref()?;
        (Instant::now() < *until).then(|| Err(answer.clone()))
    }
}

impl Discovery {
    pub fn new() -> Self {
        Self {
            versions: Mutex::new(LruCache::new(VERSIONS_MAX)),
        }
    }

    /// The resource of a kind, if it is known without a request; or what its lookups come to.
    pub fn known(&self, api_version: &str, kind: &str) -> Option<Result<Arc<Resource>, Answer>> {
        self.version(api_version).locked().find(kind)
    }

    /// The resource of a kind; or what its lookups come to.
    pub async fn resource(
        &self,
        requests: &Requests,
        api_version: &str,
        kind: &str,
        deadline: Instant,
    ) -> Result<Arc<Resource>, Answer> {
        let version = self.version(api_version);
        if let Some(found) = version.locked().find(kind) {
            return found;
        }
        let Ok(_fetching) = timeout_at(deadline, version.fetching.lock()).await else {
            return Err(Answer::Failed);
        };
        // Another task may have fetched it while this one waited.
        if let Some(found) = version.locked().find(kind) {
            return found;
        }
        let reply = requests
            .get(list_request(api_version), deadline, || true)
            .await;
        version.take(api_version, reply, requests);
        let found = version.locked().find(kind);
        found.unwrap_or(Err(Answer::Failed))
    }

    /// The server does not have this kind's path any more.
    pub fn forget(&self, api_version: &str, kind: &str) {
        self.version(api_version).locked().resources.remove(kind);
    }

    fn version(&self, api_version: &str) -> Arc<Version> {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(version) = versions.get(api_version) {
            return Arc::clone(version);
        }
        let version = Arc::new(Version::default());
        versions.put(api_version.into(), Arc::clone(&version));
        version
    }
}

impl Version {
    /// Takes over what fetching the list came to.
    fn take(&self, api_version: &str, reply: Reply, requests: &Requests) {
        let now = Instant::now();
        let base = base(api_version);
        let (resources, answer, lifetime) = match reply {
            Reply::Body(body) => match resources(api_version, &body) {
                Ok(resources) => (Some(resources), Answer::Refused, LIST_LIFETIME),
                Err(error) => {
                    requests.failed(Failure::Malformed, &base, &error.to_string());
                    (None, Answer::Refused, FAILURE_LIFETIME)
                }
            },
            Reply::NotFound(_) => (Some(HashMap::new()), Answer::Refused, LIST_LIFETIME),
            Reply::Forbidden => {
                tracing::warn!(
                    verb = "get",
                    path = base,
                    apply =
                        "the ClusterRoleBinding system:discovery, which clusters have by default",
                    retry_seconds = FORBIDDEN_LIFETIME.as_secs(),
                    "weir may not find out the resources of this API version: its lookups are off"
                );
                (None, Answer::Refused, FORBIDDEN_LIFETIME)
            }
            Reply::Useless => (None, Answer::Refused, FAILURE_LIFETIME),
            Reply::Failed => (None, Answer::Failed, FAILURE_LIFETIME),
            Reply::NotSent => return,
        };
        let mut kinds = self.locked();
        kinds.others = Some((answer, now + lifetime));
        if let Some(mut new) = resources {
            for (kind, resource) in &mut new {
                // What is switched off stays so.
                if let Some(old) = kinds.resources.get(kind)
                    && (&old.plural, old.namespaced) == (&resource.plural, resource.namespaced)
                {
                    *resource = Arc::clone(old);
                }
            }
            kinds.resources = new;
        }
    }

    fn locked(&self) -> MutexGuard<'_, Kinds> {
        self.kinds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `APIResourceList` of meta.k8s.io/v1.
#[derive(Debug, Deserialize)]
struct ResourceList {
    resources: Vec<ListedResource>,
}

#[derive(Debug, Deserialize)]
struct ListedResource {
    name: String,
    kind: String,
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
}

fn list_request(api_version: &str) -> Request<Vec<u8>> {
    Request::get(base(api_version))
        .header(header::ACCEPT, "application/json")
        .body(Vec::new())
        .expect("an API version is made of segments of paths")
}

fn base(api_version: &str) -> String {
    if api_version.contains('/') {
        format!("/apis/{api_version}")
    } else {
        format!("/api/{api_version}")
    }
}

/// The kinds of a list whose objects can be read. Names with a slash are parts of objects, such as their status.
fn resources(
    api_version: &str,
    body: &[u8],
) -> Result<HashMap<Box<str>, Arc<Resource>>, serde_json::Error> {
    let list: ResourceList = serde_json::from_slice(body)?;
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let mut resources = HashMap::new();
    for listed in list.resources {
        let readable = listed.verbs.iter().any(|verb| verb == "get");
        if !readable || !is_segment(&listed.name, 253) {
            continue;
        }
        let resource = Resource {
            base: base(api_version),
            group: group.to_owned(),
            plural: listed.name,
            namespaced: listed.namespaced,
            off_until: Mutex::new(None),
        };
        resources
            .entry(listed.kind.into())
            .or_insert_with(|| Arc::new(resource));
    }
    Ok(resources)
}
