//! The sink `loki`: pushes events to Grafana Loki. `README.md` says what its keys mean.
//!
//! An event is one entry: its document is the line, its time is the entry's, what is searched for most stands beside
//! it as structured metadata, and few labels with few values make the streams. `deliver` says what becomes of what
//! Loki does not take. `layout`, `deDot` and `tls`, which users may write in its block, are the host's.

mod deliver;
mod labels;
mod probe;
mod push;
mod refused;
mod time;

use std::fmt;

use serde::Deserialize;
use weir_plugin::http::{Request, Response};
use weir_plugin::sink_http::{self, Address, Basic, Headers};
use weir_plugin::template::Template;
use weir_plugin::{Batch, BatchEvent, Error, Outcome, Probe, Result, Sink};

use crate::deliver::Delivery;
use crate::labels::{Guard, Labels, Written};
use crate::push::{Entry, Sorted};

const PUSH_PATH: &str = "/loki/api/v1/push";
/// Who the events belong to, where Loki has several tenants.
const TENANT: &str = "X-Scope-OrgID";
/// Loki admits 5,000 by default (`max_global_streams_per_user`), which others use as well.
const STREAMS_MOST: u32 = 2000;
/// What the guard may take: 8 bytes a stream, and the tree that holds them.
const STREAMS_LIMIT: u32 = 200_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Loki {
    url: String,
    /// Labels from the event.
    #[serde(default = "default_labels")]
    labels: Vec<String>,
    /// Labels of the user's own: texts or templates.
    #[serde(default)]
    stream_labels: Written,
    #[serde(default)]
    headers: Headers,
    /// The header [`TENANT`].
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    bearer_token: Option<String>,
    #[serde(default = "default_structured_metadata")]
    structured_metadata: bool,
    /// How many streams an hour may bring up.
    #[serde(default = "default_max_streams")]
    max_streams: u32,
    #[serde(default)]
    out_of_order: Option<String>,
    /// What the keys above come to, by `setup`.
    #[serde(skip)]
    ready: Option<Ready>,
}

/// What becomes of an event whose time Loki refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OutOfOrder {
    /// It is sent again with the present time; its own stays in the document, and beside it as `event_time`.
    Now,
    /// It is rejected.
    Reject,
}

struct Ready {
    address: Address,
    authorization: Option<String>,
    tenant: Option<Template>,
    out_of_order: OutOfOrder,
    labels: Labels,
    guard: Guard,
    /// Whether Loki takes structured metadata, as far as is known.
    metadata: bool,
    /// Whether it was said that events get the present time.
    has_told_of_moving: bool,
}

impl Ready {
    /// Sends a request with the credentials, and with headers, which win.
    fn send(&self, mut request: Request, headers: &push::Headers) -> Result<Response> {
        if let Some(value) = &self.authorization {
            request = request.header("authorization", value);
        }
        request.replacing_headers(headers.iter().cloned()).send()
    }
}

fn default_labels() -> Vec<String> {
    ["cluster", "namespace", "type"].map(str::to_owned).into()
}

fn default_structured_metadata() -> bool {
    true
}

fn default_max_streams() -> u32 {
    STREAMS_MOST
}

/// Nothing that may hold a credential.
impl fmt::Debug for Loki {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Loki").finish_non_exhaustive()
    }
}

impl Sink for Loki {
    fn setup(&mut self) -> Result {
        if !(1..=STREAMS_LIMIT).contains(&self.max_streams) {
            Err(format!(
                "maxStreams: {}, expected 1 to {STREAMS_LIMIT}",
                self.max_streams
            ))?;
        }
        if self.tenant.is_some() && self.headers.contains(TENANT) {
            Err(format!(
                "tenant: the header {TENANT} in `headers` says it already"
            ))?;
        }
        let address = Address::new(&self.url).map_err(|error| of_setting("url", &error))?;
        let authorization = self.authorization(&address)?;
        let out_of_order = match self.out_of_order.as_deref() {
            None | Some("now") => OutOfOrder::Now,
            Some("reject") => OutOfOrder::Reject,
            Some(other) => Err(format!("outOfOrder: `{other}`, expected `now` or `reject`"))?,
        };
        let tenant = match self.tenant.take() {
            Some(text) => Some(Template::new(text).map_err(|error| of_setting("tenant", &error))?),
            None => None,
        };
        self.ready = Some(Ready {
            address: with_path(address)?,
            authorization,
            tenant,
            out_of_order,
            labels: Labels::new(&self.labels, std::mem::take(&mut self.stream_labels))?,
            guard: Guard::new(self.max_streams as usize),
            metadata: self.structured_metadata,
            has_told_of_moving: false,
        });
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        let mut all = Vec::with_capacity(batch.size() as usize);
        for event in batch.events() {
            match self.sort(&event) {
                Ok(sorted) => all.push(sorted),
                Err(error) => event.reject(error.message()),
            }
        }
        Ok(Delivery::new(self.ready(), batch, push::pushes(all)).run())
    }
}

impl Loki {
    fn ready(&mut self) -> &mut Ready {
        self.ready.as_mut().expect("the host calls `setup` first")
    }

    /// The value of `authorization`, where the configuration has one beside `headers`.
    fn authorization(&self, address: &Address) -> Result<Option<String>> {
        let password = || self.password.clone().unwrap_or_default();
        let basic = self.username.as_ref().map(|username| {
            let (username, password) = (username.clone(), password());
            Basic { username, password }.header()
        });
        if self.password.is_some() && basic.is_none() {
            Err("password: expected `username` as well")?;
        }
        let bearer = match self.bearer_token.as_deref() {
            Some(token) => Some(
                sink_http::token("Bearer", token)
                    .map_err(|error| of_setting("bearerToken", &error))?,
            ),
            None => None,
        };
        match (basic, bearer, address.authorization()) {
            (way, None, None) | (None, way, None) => Ok(way),
            (None, None, way) => Ok(way.map(str::to_owned)),
            _ => Err(
                "credentials: expected one of `username` and `password`, `bearerToken`, or those in `url`",
            )?,
        }
    }

    /// Finds out where an event belongs.
    fn sort(&mut self, event: &BatchEvent<'_>) -> Result<Sorted> {
        let mut headers = self.headers.render(event)?;
        let ready = self.ready();
        if let Some(tenant) = &ready.tenant {
            let tenant = tenant
                .render(event)
                .map_err(|error| of_setting("tenant", &error))?;
            headers.extend(tenant_header(&tenant)?);
        }
        let mut labels = ready.labels.of(event)?;
        let mut metadata = if ready.metadata {
            push::metadata(event)
        } else {
            Vec::new()
        };
        if !ready.guard.admits(&headers, &labels) {
            let were = ready.labels.blur(&mut labels);
            if ready.metadata {
                push::add_metadata(&mut metadata, were);
            }
        }
        Ok(Sorted {
            headers,
            labels,
            entry: Entry::new(event, metadata),
        })
    }
}

impl Probe for Loki {
    fn probe(&mut self) -> Result<String> {
        let mut headers = self.headers.constant();
        let mut has_tenant = self.headers.is_constant();
        if let Some(tenant) = &self.ready().tenant {
            has_tenant &= tenant.is_constant();
            if tenant.is_constant() {
                headers.extend(tenant_header(tenant.as_str())?);
            }
        }
        let wants_metadata = self.structured_metadata;
        probe::probe(self.ready(), &headers, has_tenant, wants_metadata)
    }
}

/// An error with the setting, or the place, that it is about.
fn of_setting(setting: &str, error: &Error) -> Error {
    format!("{setting}: {}", error.message()).into()
}

/// The header for a tenant; none where the template has none for this event.
fn tenant_header(tenant: &str) -> Result<Option<(String, String)>> {
    let tenant = tenant.trim();
    if tenant.chars().any(|c| c.is_control() || !c.is_ascii()) {
        Err("tenant: expected ASCII characters, as Loki's tenants have")?;
    }
    let header = || (TENANT.to_owned(), tenant.to_owned());
    Ok((!tenant.is_empty()).then(header))
}

/// kubernetes-event-exporter wants the whole URL; an origin alone is what people write.
fn with_path(address: Address) -> Result<Address> {
    let path = &address.url()[address.origin().len()..];
    if matches!(path, "" | "/") {
        Address::new(&address.join(PUSH_PATH))
    } else {
        Ok(address)
    }
}

weir_plugin::register!(sink-probe: Loki);

#[cfg(test)]
mod tests;
