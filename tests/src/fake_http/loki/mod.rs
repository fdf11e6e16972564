//! A strict Loki: pushes in JSON, with the limits and the texts of Loki 3's defaults, taken from its source (`pkg/`:
//! `loghttp/push`, `distributor/validator.go`, `validation/validate.go`, `ingester/stream.go`, `ingester/instance.go`).
//!
//! Entries that are refused do not keep others of their push from being stored. Entries too far behind are found by an
//! ingester, which answers for the last stream of a push only: what it refused of earlier ones is lost without a word,
//! and so it is here. It differs in this: protobuf is refused (HTTP 415), all is one ingester, and no labels or
//! structured metadata (`service_name`, `detected_level`) are added to those that were sent.
//!
//! - `push`: from a body to streams with entries
//! - `store`: tenants, streams, entries, and the rules of their order
//! - `text`: label sets and times as Go writes them

mod push;
mod store;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

pub use store::{Entry, Stream};

use push::{Pushed, Refused};
use text::{grouped, rfc3339};

use super::{Handler, Reply, Request};

/// The tenant where there is only one.
const ONE_TENANT: &str = "fake";

/// Limits of a Loki; the defaults are its own.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Labels of a stream, `service_name` not counted.
    pub labels_max: usize,
    /// Bytes of a label's name.
    pub name_bytes_max: usize,
    /// Bytes of a label's value.
    pub value_bytes_max: usize,
    /// Bytes of a line.
    pub line_bytes_max: usize,
    /// Bytes of an entry's structured metadata.
    pub metadata_bytes_max: usize,
    /// Pairs of an entry's structured metadata.
    pub metadata_pairs_max: usize,
    /// An entry may be so old.
    pub max_age: Duration,
    /// An entry may be so far in the future.
    pub grace: Duration,
    /// An entry may be so far behind the newest of its stream: half of `max_chunk_age`.
    pub behind: Duration,
    /// Refused entries that are named for a stream.
    pub named_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            labels_max: 15,
            name_bytes_max: 1024,
            value_bytes_max: 2048,
            line_bytes_max: 256 * 1024,
            metadata_bytes_max: 64 * 1024,
            metadata_pairs_max: 128,
            max_age: Duration::from_secs(7 * 24 * 3600),
            grace: Duration::from_secs(10 * 60),
            behind: Duration::from_secs(3600),
            named_max: 10,
        }
    }
}

/// What it knows, and how it is.
pub struct Loki {
    limits: Limits,
    multi_tenant: bool,
    user: Option<(String, String)>,
    bearer: Option<String>,
    now: Option<Timestamp>,
    rate_limited: usize,
    tenants: BTreeMap<String, BTreeMap<String, Stream>>,
    pushes: u64,
    refused: u64,
}

impl Default for Loki {
    fn default() -> Loki {
        Loki::new()
    }
}

impl Loki {
    /// An empty one for one tenant, with the default limits.
    pub fn new() -> Loki {
        Loki {
            limits: Limits::default(),
            multi_tenant: false,
            user: None,
            bearer: None,
            now: None,
            rate_limited: 0,
            tenants: BTreeMap::new(),
            pushes: 0,
            refused: 0,
        }
    }

    /// With other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Loki {
        self.limits = limits;
        self
    }

    /// Needs `X-Scope-OrgID`, as with `auth_enabled`.
    #[must_use]
    pub fn multi_tenant(mut self) -> Loki {
        self.multi_tenant = true;
        self
    }

    /// Behind a proxy that lets in only who is this user.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Loki {
        self.user = Some((name.to_owned(), password.to_owned()));
        self
    }

    /// Behind a proxy that lets in only who has this bearer token.
    #[must_use]
    pub fn bearer(mut self, token: &str) -> Loki {
        self.bearer = Some(token.to_owned());
        self
    }

    /// Has it take this for now, in place of the machine's time.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = Some(now);
    }

    /// The next so many pushes are over the tenant's rate: 429, nothing of them is stored.
    pub fn limit_rate(&mut self, pushes: usize) {
        self.rate_limited = pushes;
    }

    /// All streams of a tenant, by their labels as `{a="b", c="d"}`. The tenant is "fake" where there is only one.
    pub fn streams(&self, tenant: &str) -> BTreeMap<String, Stream> {
        self.tenants.get(tenant).cloned().unwrap_or_default()
    }

    /// All lines of the one tenant, in all streams.
    pub fn lines(&self) -> Vec<String> {
        self.lines_of(ONE_TENANT)
    }

    /// All lines of a tenant, in all streams.
    pub fn lines_of(&self, tenant: &str) -> Vec<String> {
        let streams = self
            .tenants
            .get(tenant)
            .into_iter()
            .flat_map(BTreeMap::values);
        let entries = streams.flat_map(|stream| &stream.entries);
        entries.map(|entry| entry.line.clone()).collect()
    }

    /// How many entries are stored in all.
    pub fn count(&self) -> usize {
        let streams = self.tenants.values().flat_map(BTreeMap::values);
        streams.map(|stream| stream.entries.len()).sum()
    }

    /// How many pushes were read.
    pub fn pushes(&self) -> u64 {
        self.pushes
    }

    /// How many entries were refused in all, with a word or without.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    fn route(&mut self, request: &Request) -> Reply {
        match (request.method.as_str(), request.path.as_str()) {
            ("GET", "/ready") => return Reply::text(200, "ready\n"),
            ("GET", "/loki/api/v1/status/buildinfo") => {
                let about = json!({
                    "version": "3.5.0", "revision": "9a1f3a6", "branch": "HEAD", "buildUser": "", "buildDate": "",
                    "goVersion": "go1.24",
                });
                return Reply::json(200, &about);
            }
            _ => {}
        }
        if let Some(refused) = self.refuse(request) {
            return refused;
        }
        let tenant = request.header("x-scope-orgid");
        let tenant = match (self.multi_tenant, tenant) {
            (false, _) => ONE_TENANT.to_owned(),
            (true, "") => return Reply::text(401, "no org id\n"),
            (true, tenant) => tenant.to_owned(),
        };
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/loki/api/v1/push") => self.push(request, &tenant),
            ("GET", "/loki/api/v1/labels") => {
                let streams = self.tenants.get(&tenant).into_iter();
                let labels = streams
                    .flat_map(BTreeMap::values)
                    .flat_map(|it| it.labels.keys());
                let names: std::collections::BTreeSet<&String> = labels.collect();
                Reply::json(200, &json!({"status": "success", "data": names}))
            }
            (_, "/loki/api/v1/push" | "/loki/api/v1/labels") => Reply::empty(405),
            _ => Reply::text(404, "404 page not found\n"),
        }
    }

    fn refuse(&self, request: &Request) -> Option<Reply> {
        let bad_user = self.user.is_some() && request.basic() != self.user;
        let bearer = request.header("authorization").strip_prefix("Bearer ");
        let bad_bearer = self.bearer.is_some() && bearer != self.bearer.as_deref();
        (bad_user || bad_bearer).then(|| {
            Reply::text(401, "Unauthorized\n").with("www-authenticate", "Basic realm=\"loki\"")
        })
    }

    fn push(&mut self, request: &Request, tenant: &str) -> Reply {
        let text = |code, text: String| Reply::text(code, text + "\n");
        let streams = match push::read(request) {
            Ok(streams) => streams,
            Err(Refused { code, why }) => return text(code, why),
        };
        self.pushes += 1;
        let now = self.now.unwrap_or_else(Timestamp::now);
        let (mut good, mut errors) = (Vec::new(), Vec::new());
        for mut pushed in streams {
            let entries = pushed.entries.len();
            if let Err(why) = push::check_labels(&pushed, &self.limits) {
                self.refused += entries as u64;
                errors.push(why);
                continue;
            }
            let (stays, wrong) = self.check_entries(&mut pushed, now);
            errors.extend(wrong);
            self.refused += (entries - stays) as u64;
            if stays > 0 {
                good.push(pushed);
            }
        }
        let invalid = (!errors.is_empty()).then(|| text(400, grouped(&errors)));
        if good.is_empty() {
            return invalid.unwrap_or_else(|| Reply::empty(204));
        }
        if self.rate_limited > 0 {
            self.rate_limited -= 1;
            return text(429, over_rate(tenant, &good));
        }
        let mut answer = None;
        for pushed in good {
            // The one of the last stream stays.
            answer = self.append(tenant, pushed);
        }
        let answer = answer.map(|why| text(400, why));
        answer.or(invalid).unwrap_or_else(|| Reply::empty(204))
    }

    /// Takes the entries out that a distributor refuses; gives how many stay, and why others do not.
    fn check_entries(&self, pushed: &mut Pushed, now: Timestamp) -> (usize, Vec<String>) {
        let mut errors = Vec::new();
        let labels = text::labels(&pushed.labels);
        pushed.entries.retain(|entry| {
            let wrong = push::check_entry(&labels, entry, now, &self.limits);
            let is_good = wrong.is_none();
            errors.extend(wrong);
            is_good
        });
        (pushed.entries.len(), errors)
    }

    /// Stores entries as an ingester does; gives its error.
    fn append(&mut self, tenant: &str, pushed: Pushed) -> Option<String> {
        let total = pushed.entries.len();
        let name = text::labels(&pushed.labels);
        let streams = self.tenants.entry(tenant.to_owned()).or_default();
        let stream = streams
            .entry(name.clone())
            .or_insert_with(|| Stream::new(pushed.labels));
        let failed = stream.append(pushed.entries, self.limits.behind);
        self.refused += failed.len() as u64;
        if failed.is_empty() {
            return None;
        }
        let named = failed.iter().take(self.limits.named_max);
        let named: String = named
            .map(|(entry, oldest)| {
                format!(
                    "entry with timestamp {} ignored, reason: 'entry too far behind, entry timestamp is: {}, oldest acceptable timestamp is: {}',\n",
                    text::go_time(*entry), rfc3339(*entry), rfc3339(*oldest)
                )
            })
            .collect();
        let count = failed.len();
        Some(format!(
            "{named}user '{tenant}', total ignored: {count} out of {total} for stream: {name}"
        ))
    }
}

impl Handler for Loki {
    fn answer(&mut self, request: &Request) -> Reply {
        self.route(request)
    }
}

fn over_rate(tenant: &str, pushed: &[Pushed]) -> String {
    let entries = || pushed.iter().flat_map(|it| &it.entries);
    let bytes: usize = entries().map(|entry| entry.line.len()).sum();
    let lines = entries().count();
    format!(
        "Ingestion rate limit exceeded for user {tenant} (limit: 4194304 bytes/sec) while attempting to ingest '{lines}' lines totaling '{bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased"
    )
}
