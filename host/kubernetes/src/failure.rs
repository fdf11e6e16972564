//! What a request to the API server can fail with, in classes that decide what happens next.
//!
//! A [`Failure`] is made from kube's error, from a raw response, or from a `Status` within a watch stream. Its text
//! says what was tried, where, and what a person can do; its [`label`](Failure::label) is for metrics. Nothing here
//! waits, tries again or logs.

mod network;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use kube::core::Status;
use kube::core::response::reason;

/// Characters of a server's or a plugin's own text that are shown.
const TEXT_CHARACTERS_MAX: usize = 500;

/// What was asked of the API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// As RBAC names it: get, list, watch, create, update, patch.
    pub verb: &'static str,
    /// The API group; "" is the core group.
    pub group: &'static str,
    /// The plural name of the resource, such as `events`.
    pub resource: &'static str,
    /// The namespace; `None` is all of them, or a resource that has none.
    pub namespace: Option<String>,
    /// The object's name, where it is about one.
    pub name: Option<String>,
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// 403: the server knows who asks, and says no. It stays so until somebody changes a role.
    #[error("{}", Forbidden { action, message })]
    Forbidden {
        /// What was not allowed.
        action: Box<Action>,
        /// The server's own text.
        message: String,
    },
    /// 401: the server does not accept the credentials (any more).
    #[error(
        "could not {action}: the API server does not accept the credentials ({message}): \
         renew the token or the client certificate"
    )]
    Unauthorized {
        /// What was asked.
        action: Box<Action>,
        /// The server's own text.
        message: String,
    },
    /// 410: the resourceVersion or the continue token is older than what the server still has.
    #[error("could not {action}: what was asked for is too old for the API server: {message}")]
    Expired {
        /// What was asked.
        action: Box<Action>,
        /// With it a list can go on, at a newer resourceVersion.
        continue_token: Option<String>,
        /// The server's own text.
        message: String,
    },
    /// 404: there is no such object, or the server does not know the resource.
    #[error("could not {action}: not found: {message}")]
    NotFound {
        /// What was asked.
        action: Box<Action>,
        /// The server's own text.
        message: String,
    },
    /// 409: the object was changed since it was read.
    #[error("could not {action}: somebody else changed it meanwhile: {message}")]
    Conflict {
        /// What was asked.
        action: Box<Action>,
        /// The server's own text.
        message: String,
    },
    /// 409: an object with this name was created before.
    #[error("could not {action}: it exists already")]
    AlreadyExists {
        /// What was asked.
        action: Box<Action>,
    },
    /// 429: the server has too much to do, or this client asks too often.
    #[error("could not {action}: the API server has too many requests{}", after(*retry_after))]
    TooManyRequests {
        /// What was asked.
        action: Box<Action>,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// 400 and 422: the request itself is wrong, and will be so each time.
    #[error(
        "could not {action}: the API server refuses the request: {message}{}",
        mistake(action)
    )]
    BadRequest {
        /// What was asked.
        action: Box<Action>,
        /// The server's own text.
        message: String,
    },
    /// 5xx, and every other status that is no success.
    #[error("could not {action}: the API server answered with {status}: {message}")]
    Server {
        /// What was asked.
        action: Box<Action>,
        /// The HTTP status.
        status: u16,
        /// The server's own text.
        message: String,
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
    },
    /// No answer in time.
    #[error("could not {action}: no answer from the API server in time")]
    Timeout {
        /// What was asked.
        action: Box<Action>,
    },
    /// The server was not reached, or the connection broke.
    #[error("could not {action}: {message}")]
    Network {
        /// What was asked.
        action: Box<Action>,
        /// The chain of errors, and what to do where that is known.
        message: String,
    },
    /// An answer came that is not what it should be.
    #[error("could not {action}: cannot read the answer: {message}")]
    Decode {
        /// What was asked.
        action: Box<Action>,
        /// What was wrong with it.
        message: String,
    },
    /// There were no credentials to ask with: an exec plugin failed, a token could not be renewed.
    #[error("could not {action}: no credentials: {message}")]
    Credentials {
        /// What was asked.
        action: Box<Action>,
        /// What failed.
        message: String,
    },
}

impl Failure {
    /// From an error of kube's client.
    pub fn from_kube(error: kube::Error, action: &Action) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(&status, action),
            kube::Error::SerdeError(error) => Self::decode(error.to_string(), action),
            kube::Error::FromUtf8(error) => Self::decode(error.to_string(), action),
            other => network::classify(&other, action),
        }
    }

    /// From a raw response that is no success: a `Status` in JSON, or what a proxy on the way answered.
    pub fn from_response(
        code: StatusCode,
        headers: &HeaderMap,
        body: &[u8],
        action: &Action,
    ) -> Self {
        let mut status = serde_json::from_slice::<Status>(body).unwrap_or_default();
        // The status line decides: what is between may replace it, and a body without a code has 0.
        status.code = code.as_u16();
        if status.message.is_empty() && status.reason.is_empty() {
            status.message = network::short(&String::from_utf8_lossy(body), TEXT_CHARACTERS_MAX);
        }
        Self::from_parts(&status, retry_after(headers), action)
    }

    /// From a `Status` that is the answer, or that came as an ERROR line of a watch.
    pub fn from_status(status: &Status, action: &Action) -> Self {
        Self::from_parts(status, None, action)
    }

    /// No answer in time.
    pub fn timeout(action: &Action) -> Self {
        Self::Timeout {
            action: Box::new(action.clone()),
        }
    }

    /// An answer that cannot be read.
    pub fn decode(message: impl Into<String>, action: &Action) -> Self {
        Self::Decode {
            action: Box::new(action.clone()),
            message: message.into(),
        }
    }

    fn from_parts(status: &Status, header: Option<Duration>, action: &Action) -> Self {
        let action = Box::new(action.clone());
        let message = message(status);
        let retry_after = header.or_else(|| asked_to_wait(status));
        match status.code {
            400 | 422 => Self::BadRequest { action, message },
            401 => Self::Unauthorized { action, message },
            403 => Self::Forbidden { action, message },
            404 => Self::NotFound { action, message },
            409 if status.reason == reason::ALREADY_EXISTS => Self::AlreadyExists { action },
            409 => Self::Conflict { action, message },
            410 => Self::Expired {
                action,
                continue_token: status
                    .metadata
                    .as_ref()
                    .and_then(|list| list.continue_.clone()),
                message,
            },
            429 => Self::TooManyRequests {
                action,
                retry_after,
            },
            code => Self::Server {
                action,
                status: code,
                message,
                retry_after,
            },
        }
    }

    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Forbidden { .. } => "forbidden",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Expired { .. } => "expired",
            Self::NotFound { .. } => "not-found",
            Self::Conflict { .. } => "conflict",
            Self::AlreadyExists { .. } => "already-exists",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::BadRequest { .. } => "bad-request",
            Self::Server { .. } => "server",
            Self::Timeout { .. } => "timeout",
            Self::Network { .. } => "network",
            Self::Decode { .. } => "decode",
            Self::Credentials { .. } => "credentials",
        }
    }

    /// How long the server asks to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyRequests { retry_after, .. } | Self::Server { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// The same request will fail in the same way for ever: 400 and 422.
    pub fn is_permanent_mistake(&self) -> bool {
        matches!(self, Self::BadRequest { .. })
    }

    /// What was asked.
    pub fn action(&self) -> &Action {
        match self {
            Self::Forbidden { action, .. }
            | Self::Unauthorized { action, .. }
            | Self::Expired { action, .. }
            | Self::NotFound { action, .. }
            | Self::Conflict { action, .. }
            | Self::AlreadyExists { action }
            | Self::TooManyRequests { action, .. }
            | Self::BadRequest { action, .. }
            | Self::Server { action, .. }
            | Self::Timeout { action }
            | Self::Network { action, .. }
            | Self::Decode { action, .. }
            | Self::Credentials { action, .. } => action,
        }
    }
}

impl Action {
    /// "in namespace …", or what there is instead.
    fn place(&self) -> String {
        match (&self.namespace, &self.name) {
            (Some(namespace), _) => format!("in namespace {namespace:?}"),
            (None, None) => "in all namespaces".to_owned(),
            (None, Some(_)) => "at the cluster scope".to_owned(),
        }
    }
}

/// `list events in all namespaces`, `update leases "weir" in namespace "monitoring"`.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if let Some(name) = &self.name {
            write!(f, " {name:?}")?;
        }
        write!(f, " {}", self.place())
    }
}

/// The text of a 403: what is missing, and which of the possible causes it is.
struct Forbidden<'a> {
    action: &'a Action,
    message: &'a str,
}

impl fmt::Display for Forbidden<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Action {
            verb,
            resource,
            group,
            name,
            ..
        } = self.action;
        write!(f, "may not {verb} {resource}")?;
        if let Some(name) = name {
            write!(f, " {name:?}")?;
        }
        write!(f, " in the API group {group:?} {}: ", self.action.place())?;
        // A 403 that is no missing role (a quota, a namespace that is being deleted) needs another remedy.
        if !self.message.contains(" cannot ") {
            return f.write_str(self.message);
        }
        match user(self.message) {
            Some("system:anonymous") => f.write_str(
                "the request came without credentials: check the kubeconfig's user, \
                 or the pod's service account token",
            ),
            Some(user) => write!(
                f,
                "apply deploy/00-roles.yaml, or grant verb {verb} on {resource} to User {user:?}"
            ),
            None => write!(
                f,
                "apply deploy/00-roles.yaml, or grant verb {verb} on {resource}"
            ),
        }
    }
}

/// Whom the server took the client for: `events is forbidden: User "x" cannot list …`.
fn user(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("User \"")?;
    let (user, _) = rest.split_once('"')?;
    Some(user)
}

fn message(status: &Status) -> String {
    let text = if status.message.is_empty() {
        &status.reason
    } else {
        &status.message
    };
    match text.trim() {
        "" => "no reason given".to_owned(),
        text => network::short(text, TEXT_CHARACTERS_MAX),
    }
}

fn asked_to_wait(status: &Status) -> Option<Duration> {
    let seconds = status.details.as_ref()?.retry_after_seconds;
    (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)))
}

/// Kubernetes only sends seconds, never a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    seconds.trim().parse().ok().map(Duration::from_secs)
}

/// A wrong request for events is made of what the user configured; one that writes an event is not.
fn mistake(action: &Action) -> &'static str {
    match (action.verb, action.resource) {
        ("list" | "watch", "events") => {
            ": check fieldSelector, labelSelector, namespaces and api of the source"
        }
        _ => "",
    }
}

fn after(wait: Option<Duration>) -> String {
    match wait {
        Some(wait) => format!(", it asks to wait {} s", wait.as_secs()),
        None => String::new(),
    }
}
