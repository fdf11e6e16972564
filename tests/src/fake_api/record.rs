//! The record of requests: what a test can look at afterwards.

use super::query::{Query, decode};

/// A request, as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its place among all, from 0.
    pub number: u64,
    /// `GET` for example.
    pub method: String,
    /// The path, decoded.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// Parameters that a real server knows nothing of, and ignores.
    pub unknown_parameters: Vec<String>,
    /// Whether it asked for a watch.
    pub watch: bool,
    /// Who it was from; empty where the credentials were none.
    pub user: String,
    /// The header.
    pub user_agent: String,
    /// The header.
    pub accept: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub http_version: String,
    /// The number of its connection, from 1.
    pub connection: u64,
    /// What was sent with it.
    pub body: Vec<u8>,
    /// The HTTP status of the answer; 0 where none was sent (yet).
    pub status: u16,
}

impl Request {
    /// A parameter of the query, decoded; empty where it is absent.
    pub fn parameter(&self, name: &str) -> String {
        Query::parse(&self.query).get(name).to_owned()
    }

    /// All parameters, decoded, in order.
    pub fn parameters(&self) -> Vec<(String, String)> {
        Query::parse(&self.query).pairs().to_vec()
    }

    /// What it was sent with, as JSON; null where it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a request's line and headers say.
#[derive(Debug, Clone, Default)]
pub(super) struct Incoming {
    pub method: String,
    pub path: String,
    pub query_text: String,
    pub query: Query,
    pub watch: bool,
    pub authorization: String,
    pub user_agent: String,
    pub accept: String,
    pub accepts_gzip: bool,
    pub content_type: String,
    pub http_version: String,
    pub body: Vec<u8>,
}

impl Incoming {
    pub(super) fn of(parts: &http::request::Parts, body: Vec<u8>) -> Incoming {
        let header = |name: http::HeaderName| {
            let value = parts.headers.get(name);
            let value = value.and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let query_text = parts.uri.query().unwrap_or_default().to_owned();
        let query = Query::parse(&query_text);
        Incoming {
            method: parts.method.to_string(),
            path: decode(&parts.uri.path().replace('+', "%2B")),
            watch: parts.method == http::Method::GET && query.flag("watch").unwrap_or(false),
            query,
            query_text,
            authorization: header(http::header::AUTHORIZATION),
            user_agent: header(http::header::USER_AGENT),
            accept: header(http::header::ACCEPT),
            accepts_gzip: header(http::header::ACCEPT_ENCODING).contains("gzip"),
            content_type: header(http::header::CONTENT_TYPE),
            http_version: format!("{:?}", parts.version),
            body,
        }
    }

    /// For the record, without an answer yet.
    pub(super) fn request(&self, number: u64, connection: u64, user: &str) -> Request {
        Request {
            number,
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query_text.clone(),
            unknown_parameters: self.query.unknown(),
            watch: self.watch,
            user: user.to_owned(),
            user_agent: self.user_agent.clone(),
            accept: self.accept.clone(),
            http_version: self.http_version.clone(),
            connection,
            body: self.body.clone(),
            status: 0,
        }
    }
}
