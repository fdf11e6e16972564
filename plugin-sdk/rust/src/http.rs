//! Outbound HTTP through the host, to the origins granted to this use of the plugin.

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::milliseconds;
use crate::raw::http;
use crate::{Error, Result};

/// A request; [`Request::send`] sends it. Nothing is retried, redirects are the host's affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// With its scheme; may hold a placeholder.
    pub url: String,
    /// In order; a value may be a placeholder.
    pub headers: Vec<(String, String)>,
    /// Goes as it is.
    pub body: Vec<u8>,
    /// None: what the receiver or filter is configured with.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A request without headers and body.
    #[must_use]
    pub fn new(method: &str, url: impl Into<String>) -> Request {
        Request {
            method: method.to_owned(),
            url: url.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
        }
    }

    /// A GET.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Request {
        Request::new("GET", url)
    }

    /// A POST.
    #[must_use]
    pub fn post(url: impl Into<String>) -> Request {
        Request::new("POST", url)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Request {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds headers, each in the place of those that it has of that name, in any case.
    #[must_use]
    pub fn replacing_headers(
        mut self,
        headers: impl IntoIterator<Item = (String, String)>,
    ) -> Request {
        let headers: Vec<_> = headers.into_iter().collect();
        self.headers.retain(|(name, _)| {
            let mut names = headers.iter().map(|(new, _)| new);
            !names.any(|new| new.eq_ignore_ascii_case(name))
        });
        self.headers.extend(headers);
        self
    }

    /// Replaces the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Request {
        self.body = body.into();
        self
    }

    /// Replaces the body by JSON, and says so in a header.
    ///
    /// # Errors
    /// serde cannot write the value.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Request> {
        let body = serde_json::to_vec(value)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Ends the request after this much time (whole milliseconds, at least 1).
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Request {
        self.timeout = Some(timeout);
        self
    }

    /// Sends it. Any status is a response.
    ///
    /// # Errors
    /// No response: not granted, name lookup, connect, TLS, timeout, too large, stopping.
    pub fn send(self) -> Result<Response> {
        let request = http::Request {
            method: self.method,
            url: self.url,
            headers: self.headers,
            body: self.body,
            timeout: self.timeout.map_or(0, milliseconds),
        };
        let http::Response {
            status,
            headers,
            body,
        } = http::send(&request).map_err(Error::from)?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 200 and so on.
    pub status: u16,
    /// In order.
    pub headers: Vec<(String, String)>,
    /// Decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is from 200 to 299.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// `Retry-After` where it is a number of seconds; none for a date.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after")?
            .trim()
            .parse()
            .ok()
            .map(Duration::from_secs)
    }

    /// The body as text; what is not UTF-8 becomes U+FFFD.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// It is not JSON, or not a `T`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(Error::from)
    }
}
