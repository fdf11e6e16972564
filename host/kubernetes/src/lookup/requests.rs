//! One GET to the API server, within the rate limit, with every way that it can fail.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::client::Body;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::counters::{Counters, add};
use crate::limit::Limit;

/// The largest body that is read, in bytes.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a request may take. It may outlive the deadline of the event that it was sent for: the next event
/// about the object then finds the answer.
pub(super) const REQUEST_TIME: Duration = Duration::from_secs(10);

/// How often a log line about one class of failures is written at most.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// How long nothing is sent after a 429 that does not say how long.
const PAUSE: Duration = Duration::from_secs(1);

/// Makes clients: a new one where the credentials have changed.
pub(super) type ClientFactory = dyn Fn() -> kube::Client + Send + Sync;

/// What a request came to.
#[derive(Debug)]
pub(super) enum Reply {
    /// 200, and its body.
    Body(Bytes),
    /// 404, and its body.
    NotFound(Bytes),
    /// 403.
    Forbidden,
    /// It was not sent: there was no place for it before the deadline, or it was not wanted any more.
    NotSent,
    /// The same request may work later.
    Failed,
    /// The same request would fail again.
    Useless,
}

/// Why a request failed, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Unauthorized,
    TooMany,
    Server,
    Network,
    Timeout,
    TooLarge,
    Malformed,
    Refused,
}

const FAILURES: usize = Failure::Refused as usize + 1;

impl Failure {
    fn label(self) -> &'static str {
        match self {
            Self::Unauthorized => "unauthorized",
            Self::TooMany => "too-many-requests",
            Self::Server => "server",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::Refused => "refused",
        }
    }

    /// Waiting may help.
    fn passes(self) -> bool {
        match self {
            Self::Unauthorized | Self::TooMany | Self::Server | Self::Network | Self::Timeout => {
                true
            }
            Self::TooLarge | Self::Malformed | Self::Refused => false,
        }
    }
}

/// Sends requests.
pub(super) struct Requests {
    client: Box<ClientFactory>,
    limit: Limit,
    in_flight: Semaphore,
    counters: Arc<Counters>,
    complaints: Mutex<[Complaint; FAILURES]>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Complaint {
    last: Option<Instant>,
    unsaid: u64,
}

impl Requests {
    /// `burst` is also how many requests may be in flight.
    pub fn new(client: Box<ClientFactory>, qps: f64, burst: u32, counters: Arc<Counters>) -> Self {
        let permits = usize::try_from(burst)
            .unwrap_or(usize::MAX)
            .clamp(1, Semaphore::MAX_PERMITS);
        Self {
            client,
            limit: Limit::new(qps, burst),
            in_flight: Semaphore::new(permits),
            counters,
            complaints: Mutex::default(),
        }
    }

    /// Sends the request when there is a place for it, if that is before the deadline and `wanted` still says so.
    pub async fn get(
        &self,
        request: Request<Vec<u8>>,
        deadline: Instant,
        wanted: impl Fn() -> bool,
    ) -> Reply {
        let permit = timeout_at(deadline, self.in_flight.acquire()).await;
        if !matches!(permit, Ok(Ok(_))) || !self.limit.wait(deadline).await {
            add(&self.counters.late, 1);
            return Reply::NotSent;
        }
        if !wanted() {
            return Reply::NotSent;
        }
        let path = request.uri().path().to_owned();
        add(&self.counters.requests, 1);
        match timeout(REQUEST_TIME, self.send(request)).await {
            Ok(Ok(reply)) => {
                if matches!(reply, Reply::Forbidden) {
                    add(&self.counters.forbidden, 1);
                }
                reply
            }
            Ok(Err((failure, text))) => self.failed(failure, &path, &text),
            Err(_) => self.failed(
                Failure::Timeout,
                &path,
                &format!("no answer in {REQUEST_TIME:?}"),
            ),
        }
    }

    async fn send(&self, request: Request<Vec<u8>>) -> Result<Reply, (Failure, String)> {
        let client = (self.client)();
        let response = client
            .send(request.map(Body::from))
            .await
            .map_err(|error| (Failure::Network, with_causes(&error)))?;
        let status = response.status();
        match status {
            StatusCode::OK => Ok(Reply::Body(body(response).await?)),
            StatusCode::NOT_FOUND => Ok(Reply::NotFound(body(response).await?)),
            StatusCode::FORBIDDEN => Ok(Reply::Forbidden),
            _ => {
                let failure = classify(status);
                let asked = retry_after(response.headers());
                if let Some(pause) = asked.or((failure == Failure::TooMany).then_some(PAUSE)) {
                    self.limit.pause(pause);
                }
                Err((failure, status.to_string()))
            }
        }
    }

    /// Counts a failure, and writes it into the log where the last such line is old enough.
    pub fn failed(&self, failure: Failure, path: &str, text: &str) -> Reply {
        add(&self.counters.failures, 1);
        let mut complaints = self
            .complaints
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let complaint = &mut complaints[failure as usize];
        let now = Instant::now();
        if complaint
            .last
            .is_some_and(|last| now < last + COMPLAINT_INTERVAL)
        {
            complaint.unsaid += 1;
        } else {
            let unsaid = std::mem::take(&mut complaint.unsaid);
            complaint.last = Some(now);
            tracing::warn!(
                class = failure.label(),
                path,
                error = text,
                unsaid,
                "a lookup failed"
            );
        }
        if failure.passes() {
            Reply::Failed
        } else {
            Reply::Useless
        }
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Requests")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

async fn body(response: http::Response<Body>) -> Result<Bytes, (Failure, String)> {
    match Limited::new(response.into_body(), BODY_BYTES_MAX)
        .collect()
        .await
    {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err((
            Failure::TooLarge,
            format!("a body of more than {BODY_BYTES_MAX} bytes"),
        )),
        Err(error) => Err((Failure::Network, with_causes(&*error))),
    }
}

fn classify(status: StatusCode) -> Failure {
    match status {
        StatusCode::UNAUTHORIZED => Failure::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => Failure::TooMany,
        StatusCode::REQUEST_TIMEOUT => Failure::Timeout,
        status if status.is_server_error() => Failure::Server,
        _ => Failure::Refused,
    }
}

/// `Retry-After` in seconds, the only form that API servers send.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
