//! Requests for events: a page of a list, a watch stream. URLs are kube's, bodies stay bytes.
//!
//! kube's typed `Api::list` and `Api::watch` decode each object into a tree; here it becomes a document in one
//! pass over the text (`weir_event::Reader`), and one that cannot be decoded costs nothing but itself.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, HeaderValue};
use http_body_util::BodyExt;
use kube::Client;
use kube::api::{ListParams, Request, WatchParams};
use kube::client::Body;
use serde::Deserialize;
use tokio::time::timeout;

use crate::failure::{Action, Failure};

/// A list's page, or the head of a watch's answer, must be there within this time.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// A page must have arrived within this time, whatever its size.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);
/// What of an error's body is read.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// Which events are asked for.
#[derive(Debug, Clone)]
pub struct Selection {
    /// `events.k8s.io/v1` in place of `v1`.
    pub events_v1: bool,
    /// Of this namespace only.
    pub namespace: Option<String>,
    /// A field selector.
    pub fields: Option<String>,
    /// A label selector.
    pub labels: Option<String>,
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// The JSON text of the whole answer, an EventList.
    pub body: Bytes,
    /// The version of the list.
    pub version: u64,
    /// What asks for the next page.
    pub next: Option<String>,
}

/// What of a list is ours to read.
#[derive(Deserialize)]
struct ListHead {
    #[serde(default)]
    metadata: ListMetadata,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default)]
    r#continue: String,
}

impl Selection {
    /// What is asked, for errors.
    pub(crate) fn action(&self, verb: &'static str) -> Action {
        Action {
            verb,
            group: if self.events_v1 { "events.k8s.io" } else { "" },
            resource: "events",
            namespace: self.namespace.clone(),
            name: None,
        }
    }

    fn request(&self) -> Request {
        let root = if self.events_v1 {
            "/apis/events.k8s.io/v1"
        } else {
            "/api/v1"
        };
        match &self.namespace {
            Some(namespace) => Request::new(format!("{root}/namespaces/{namespace}/events")),
            None => Request::new(format!("{root}/events")),
        }
    }

    /// Lists up to `limit` events, after those of the page that gave `next`.
    ///
    /// # Errors
    /// See [`Failure`]; `Expired` where `next` is too old, with what goes on in its place.
    pub async fn page(
        &self,
        client: &Client,
        limit: u32,
        next: Option<String>,
    ) -> Result<Page, Failure> {
        let action = self.action("list");
        let parameters = ListParams {
            limit: Some(limit),
            continue_token: next,
            field_selector: self.fields.clone(),
            label_selector: self.labels.clone(),
            ..ListParams::default()
        };
        let request = self.request().list(&parameters);
        let request = request.map_err(|error| build(error, &action))?;
        let body = send(client, request.map(Body::from), &action).await?;
        let body = collect(body, &action).await?;
        let head: ListHead = serde_json::from_slice(&body)
            .map_err(|error| Failure::decode(format!("not a list: {error}"), &action))?;
        let version = head.metadata.resource_version.parse();
        Ok(Page {
            version: version.map_err(|_| {
                let found = &head.metadata.resource_version;
                let message =
                    format!("the list has the resourceVersion {found:?}; expected a number");
                Failure::decode(message, &action)
            })?,
            next: Some(head.metadata.r#continue).filter(|next| !next.is_empty()),
            body,
        })
    }

    /// The newest version that the server knows: of a list of one.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn newest(&self, client: &Client) -> Result<u64, Failure> {
        self.page(client, 1, None).await.map(|page| page.version)
    }

    /// Watches what comes after `version`, for at most so many seconds.
    ///
    /// # Errors
    /// See [`Failure`]. That a version is too old comes as a line of the stream, or as `Expired`.
    pub async fn watch(
        &self,
        client: &Client,
        version: u64,
        seconds: u32,
    ) -> Result<Stream, Failure> {
        let action = self.action("watch");
        let parameters = WatchParams {
            field_selector: self.fields.clone(),
            label_selector: self.labels.clone(),
            timeout: Some(seconds),
            bookmarks: true,
            ..WatchParams::default()
        };
        let request = self.request().watch(&parameters, &version.to_string());
        let mut request = request.map_err(|error| build(error, &action))?;
        // From 1.37 a server packs each line of a watch by itself where it may, which no decoder here expects.
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
        let body = send(client, request.map(Body::from), &action).await?;
        Ok(Stream { body, action })
    }
}

/// The body of a watch's answer.
pub struct Stream {
    body: Body,
    action: Action,
}

impl Stream {
    /// The next bytes; `None` at a clean end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection broke.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
                Some(Err(error)) => return Err(Failure::from_kube(error, &self.action)),
            }
        }
    }
}

fn build(error: kube::core::request::Error, action: &Action) -> Failure {
    Failure::from_kube(kube::Error::BuildRequest(error), action)
}

/// Sends a request; gives the body of a good answer.
async fn send(
    client: &Client,
    request: http::Request<Body>,
    action: &Action,
) -> Result<Body, Failure> {
    let answer = timeout(ANSWER_TIMEOUT, client.send(request)).await;
    let answer = answer.map_err(|_| Failure::timeout(action))?;
    let answer = answer.map_err(|error| Failure::from_kube(error, action))?;
    let (head, body) = answer.into_parts();
    if head.status.is_success() {
        return Ok(body);
    }
    let body = collect_most(body, action).await?;
    Err(Failure::from_response(
        head.status,
        &head.headers,
        &body,
        action,
    ))
}

async fn collect(body: Body, action: &Action) -> Result<Bytes, Failure> {
    let collected = timeout(PAGE_TIMEOUT, body.collect()).await;
    let collected = collected.map_err(|_| Failure::timeout(action))?;
    let collected = collected.map_err(|error| Failure::from_kube(error, action))?;
    Ok(collected.to_bytes())
}

/// The beginning of an error's body.
async fn collect_most(mut body: Body, action: &Action) -> Result<Vec<u8>, Failure> {
    let mut read = Vec::new();
    let collecting = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Failure::from_kube(error, action))?;
            if let Ok(data) = frame.into_data() {
                let room = ERROR_BYTES_MAX.saturating_sub(read.len());
                read.extend_from_slice(&data[..data.len().min(room)]);
                if data.len() >= room {
                    break;
                }
            }
        }
        Ok(())
    };
    timeout(ANSWER_TIMEOUT, collecting)
        .await
        .map_err(|_| Failure::timeout(action))??;
    Ok(read)
}
