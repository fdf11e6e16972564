//! One use of a plugin, with what it may reach and how.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderName};

use crate::client::Client;
use crate::coding::{Compression, decode};
use crate::exchange::{Answer, Limits, exchange};
use crate::failure::{Class, Failure, SendError};
use crate::origin::Origin;
use crate::request::{Request, Rules, shown};
use crate::reveal::{Hider, NoSecrets, Reveal};
use crate::tls::Tls;
use crate::transport::Transport;

/// About the connection, or no longer true of what is handed back.
const DROPPED: [HeaderName; 7] = [
    http::header::CONNECTION,
    http::header::PROXY_AUTHENTICATE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What a use of a plugin may reach, and how.
pub struct Settings {
    /// The origins that its own configuration names. Requests with secrets are sent to these only.
    pub granted: Vec<Origin>,
    /// More origins (`allow`), which never get a secret.
    pub allowed: Vec<Origin>,
    /// TLS with all of them.
    pub tls: Tls,
    /// From the request to the last byte of the answer, redirects and all. Default: 30 s.
    pub timeout: Duration,
    /// For name lookup, TCP, proxy and TLS together. Default: 10 s.
    pub connect_timeout: Duration,
    /// Without a byte from the server: from the connection to the head of the answer, and between the parts of its
    /// body. Default: 30 s.
    pub read_timeout: Duration,
    /// Of request bodies of 1 KiB and more that the plugin gave no `content-encoding`. Default: none.
    pub compression: Compression,
    /// Of an answer's body, before and after decompression. Default: 16 MiB.
    pub response_bytes_max: usize,
    /// The secrets of this use. Default: none.
    pub secrets: Arc<dyn Reveal>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            granted: Vec::new(),
            allowed: Vec::new(),
            tls: Tls::default(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(30),
            compression: Compression::None,
            response_bytes_max: 16 * 1024 * 1024,
            secrets: Arc::new(NoSecrets),
        }
    }
}

/// An answer, decompressed and without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// HTTP's status.
    pub status: u16,
    /// In order, less those about the connection and those that are no longer true: `content-encoding` and
    /// `content-length` of a body that was decompressed or had a secret in it. Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Sends the requests of one use of a plugin.
pub struct Endpoint {
    client: Client,
    transport: Arc<Transport>,
    settings: Settings,
}

impl Endpoint {
    pub(crate) fn new(client: Client, transport: Arc<Transport>, settings: Settings) -> Endpoint {
        Endpoint {
            client,
            transport,
            settings,
        }
    }

    /// Sends a request and waits for its answer. Blocks this thread, which must not be one of an async runtime.
    ///
    /// A request that could not be written because its pooled connection had just ended is sent once more on a new
    /// one. One that was written and not answered is not: only the caller knows whether that is safe.
    ///
    /// # Errors
    /// What failed, in words without secrets: see [`Class`]. An answer of any status is no error.
    pub fn send(&self, request: Request) -> Result<Response, SendError> {
        let origin = shown(&request.url);
        self.exchange(request, &origin)
            .map_err(|Failure { class, detail }| {
                let hidden = self.settings.secrets.hide(detail.as_bytes());
                let detail = match hidden {
                    Some(hidden) => String::from_utf8_lossy(&hidden).into_owned(),
                    None => detail,
                };
                SendError {
                    class,
                    origin,
                    detail,
                }
            })
    }

    fn exchange(&self, request: Request, shown: &str) -> Result<Response, Failure> {
        let settings = &self.settings;
        let asked = request.timeout.unwrap_or(settings.timeout);
        let timeout = asked.min(settings.timeout);
        let rules = Rules {
            granted: &settings.granted,
            allowed: &settings.allowed,
            secrets: settings.secrets.as_ref(),
            compression: settings.compression,
        };
        let mut prepared = rules.prepare(request)?;
        let credentials = prepared.credentials.take();
        let origin = prepared.origin.clone();
        let http = self.transport.http(self.client.common());
        let proxies = Arc::clone(&self.client.common().proxies);
        let limits = Limits {
            idle: settings.read_timeout,
            bytes_max: settings.response_bytes_max,
        };
        let answer = self.client.wait_for(async move {
            let exchanged = exchange(&http, &proxies, prepared, limits);
            tokio::time::timeout(timeout, exchanged)
                .await
                .unwrap_or_else(|_| Err(late(timeout)))
        });
        let answer = answer.map_err(|Failure { class, mut detail }| {
            // The host is part of a secret, and TLS names it.
            if origin.to_string() != shown {
                detail = detail.replace(origin.host(), "***");
            }
            Failure { class, detail }
        })?;
        self.response(answer, credentials.as_ref())
    }

    fn response(&self, answer: Answer, credentials: Option<&Hider>) -> Result<Response, Failure> {
        let Answer {
            status,
            mut headers,
            body,
        } = answer;
        let coding = coding(&headers)?;
        let (mut body, decoded) = decode(body, &coding, self.settings.response_bytes_max)?;
        let hide = |bytes: &[u8]| {
            let once = self.settings.secrets.hide(bytes);
            let twice = credentials.and_then(|hider| hider.hide(once.as_deref().unwrap_or(bytes)));
            twice.or(once)
        };
        let hidden = hide(&body);
        for name in &DROPPED {
            headers.remove(name);
        }
        if decoded || hidden.is_some() {
            headers.remove(CONTENT_LENGTH);
        }
        if decoded {
            headers.remove(CONTENT_ENCODING);
        }
        body = hidden.unwrap_or(body);
        let headers = headers.iter().map(|(name, value)| {
            let hidden = hide(value.as_bytes());
            let value = hidden.as_deref().unwrap_or(value.as_bytes());
            let value = String::from_utf8_lossy(value).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(Response {
            status: status.as_u16(),
            headers: headers.collect(),
            body,
        })
    }
}

/// Several are a list, as one header with commas is; none of the kind is decoded.
fn coding(headers: &HeaderMap) -> Result<String, Failure> {
    let texts = headers.get_all(CONTENT_ENCODING).iter();
    let texts = texts.map(|value| value.to_str().ok());
    let texts: Option<Vec<&str>> = texts.collect();
    let broken = || Failure::new(Class::BrokenAnswer, "its content-encoding cannot be read");
    Ok(texts.ok_or_else(broken)?.join(", "))
}

fn late(timeout: Duration) -> Failure {
    let detail = format!("no complete answer within {timeout:?}; `http.timeout` is the limit");
    Failure::new(Class::Timeout, detail)
}
