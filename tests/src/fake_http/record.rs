//! What was asked, and what is answered.

use std::io::Read;
use std::net::SocketAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http::HeaderMap;
use serde_json::Value;

use super::fault::Fault;

/// What a body may have unpacked.
const BODY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A request that was whole.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its place in the journal.
    pub number: usize,
    /// Which connection it came on.
    pub connection: u64,
    /// Who asked.
    pub peer: SocketAddr,
    /// Whether a client's certificate was shown.
    pub has_certificate: bool,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub http_version: String,
    /// The method.
    pub method: String,
    /// The path, as it was sent.
    pub path: String,
    /// The query without its `?`; empty where there is none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The length of the body as it was sent.
    pub wire_bytes: usize,
    /// The body, unpacked.
    pub body: Vec<u8>,
    /// Why the body could not be unpacked.
    pub broken: Option<String>,
    /// What went wrong.
    pub fault: Option<Fault>,
    /// The status of the answer, also of one that got lost; none while there is no answer.
    pub code: Option<u16>,
}

impl Request {
    /// A header's value; empty where it is not there or no text.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// A parameter of the query, as it was sent.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.split('&');
        pairs.find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        })
    }

    /// The media type of the body in lower case, without its parameters.
    pub fn media_type(&self) -> String {
        let value = self.header("content-type").split(';').next();
        value.unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// User and password of `Authorization: Basic`.
    pub fn basic(&self) -> Option<(String, String)> {
        let packed = self.header("authorization").strip_prefix("Basic ")?;
        let pair = BASE64_STANDARD.decode(packed).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, which it must be.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        let query = match self.query.is_empty() {
            true => String::new(),
            false => format!("?{}", self.query),
        };
        format!(
            "{} {} {}{query} ({} bytes): {:?}, {:?}",
            self.number,
            self.method,
            self.path,
            self.body.len(),
            self.code,
            self.fault
        )
    }
}

/// Unpacks a body.
pub(super) fn unpack(encoding: &str, wire: &[u8]) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    let read = match encoding {
        "" | "identity" => return Ok(wire.to_vec()),
        "gzip" => MultiGzDecoder::new(wire)
            .take(BODY_BYTES_MAX)
            .read_to_end(&mut body),
        "deflate" => ZlibDecoder::new(wire)
            .take(BODY_BYTES_MAX)
            .read_to_end(&mut body),
        other => return Err(format!("content-encoding {other:?} is not supported")),
    };
    read.map_err(|error| format!("the body is no {encoding}: {error}"))?;
    Ok(body)
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub code: u16,
    /// Headers; the length is added.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// Without a body.
    pub fn empty(code: u16) -> Reply {
        Reply {
            code,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Plain text.
    pub fn text(code: u16, text: impl Into<String>) -> Reply {
        let mut reply = Reply::empty(code).with("content-type", "text/plain; charset=utf-8");
        reply.body = text.into().into_bytes();
        reply
    }

    /// JSON.
    pub fn json(code: u16, value: &Value) -> Reply {
        let mut reply = Reply::empty(code).with("content-type", "application/json; charset=UTF-8");
        reply.body = value.to_string().into_bytes();
        reply
    }

    /// With a further header.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}
