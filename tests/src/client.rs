//! A small HTTP client for tests of servers: one connection for each request, no retries, no redirects; what went
//! wrong is said in words.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::running::DEADLINE;

/// Somebody who asks a server.
#[derive(Clone)]
pub struct Client {
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    http2: bool,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub code: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Bytes,
}

impl Client {
    /// Over plain HTTP/1.1.
    pub fn plain(address: SocketAddr) -> Client {
        Client {
            address,
            tls: None,
            http2: false,
        }
    }

    /// Over TLS: trusts this authority (PEM) and shows this certificate with its key, if any (PEM both).
    pub fn tls(address: SocketAddr, authority: &str, identity: Option<(&str, &str)>) -> Client {
        let mut roots = RootCertStore::empty();
        roots
            .add(certificate(authority))
            .expect("it is an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some((own, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("the key is PEM");
                config
                    .with_client_auth_cert(vec![certificate(own)], key)
                    .expect("the key is that of the certificate")
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Client {
            address,
            tls: Some(Arc::new(config)),
            http2: false,
        }
    }

    /// The same over HTTP/2: by ALPN, or from the first byte without TLS.
    pub fn http2(mut self) -> Client {
        self.http2 = true;
        if let Some(config) = &mut self.tls {
            Arc::make_mut(config).alpn_protocols = vec![b"h2".to_vec()];
        }
        self
    }

    /// Asks.
    ///
    /// # Errors
    /// Where no whole answer came, with what went wrong.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, String> {
        let mut request = http::Request::builder().method(method);
        request = match self.http2 {
            // HTTP/2 carries the authority in place of `Host`.
            true => request.uri(format!("http://{}{path}", self.address)),
            false => request.uri(path).header("host", self.address.to_string()),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into()));
        let request = request.map_err(|error| format!("no such request: {error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the machine has a descriptor left");
        runtime.block_on(async {
            tokio::time::timeout(DEADLINE, self.ask(request))
                .await
                .unwrap_or_else(|_| Err(format!("no answer within {DEADLINE:?}")))
        })
    }

    /// Gets.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn get(&self, path: &str) -> Result<Answer, String> {
        self.request("GET", path, &[], Bytes::new())
    }

    /// Posts JSON.
    ///
    /// # Errors
    /// As [`Client::request`].
    pub fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        let headers = [("content-type", "application/json")];
        self.request("POST", path, &headers, body.to_string())
    }

    async fn ask(&self, request: http::Request<Full<Bytes>>) -> Result<Answer, String> {
        let stream = TcpStream::connect(self.address)
            .await
            .map_err(|error| format!("cannot connect: {error}"))?;
        let Some(config) = &self.tls else {
            return self.ask_over(stream, request).await;
        };
        let name = ServerName::from(self.address.ip());
        let stream = TlsConnector::from(config.clone())
            .connect(name, stream)
            .await
            .map_err(|error| format!("no TLS: {error}"))?;
        self.ask_over(stream, request).await
    }

    async fn ask_over<S>(
        &self,
        stream: S,
        request: http::Request<Full<Bytes>>,
    ) -> Result<Answer, String>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let broken = |error: hyper::Error| format!("no answer: {error:?}");
        let stream = TokioIo::new(stream);
        let answer: http::Response<Incoming> = if self.http2 {
            let executor = TokioExecutor::new();
            let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, stream)
                .await
                .map_err(broken)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(broken)?
        } else {
            let (mut sender, connection) = hyper::client::conn::http1::handshake(stream)
                .await
                .map_err(broken)?;
            tokio::spawn(connection);
            sender.send_request(request).await.map_err(broken)?
        };
        let (head, body) = answer.into_parts();
        let body = body.collect().await;
        let body = body.map_err(|error| format!("the answer broke off: {error:?}"))?;
        Ok(Answer {
            code: head.status.as_u16(),
            headers: head.headers,
            body: body.to_bytes(),
        })
    }
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON, which it must be.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }
}

fn certificate(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("the certificate is PEM")
}
