//! The proxies of the environment, and connecting through them.
//!
//! `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the same in lower case where that is not set; a
//! server on this host (`localhost`, loopback addresses) is never asked for through a proxy, as in Go. `https` goes
//! through CONNECT, `http` is asked of the proxy itself. With a proxy it is the proxy that looks the name up, so
//! the addresses that are refused otherwise are the proxy's affair.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderValue, Uri};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

use crate::connect::{Phase, reached};
use crate::resolve::Resolver;

type BoxError = Box<dyn std::error::Error + Send + Sync>;
type Tcp = HttpConnector<Resolver>;

/// Which servers are reached through which proxy.
#[derive(Debug)]
pub(crate) struct Proxies {
    matcher: Matcher,
}

impl Proxies {
    /// From the variables of an environment. An error names the variable, not its value: there may be a password in it.
    pub(crate) fn of(environment: &dyn Fn(&str) -> Option<String>) -> Result<Proxies, String> {
        let variable = |name: &str| {
            let value = environment(name).filter(|value| !value.is_empty());
            value.or_else(|| environment(&name.to_ascii_lowercase()))
        };
        let proxy = |name: &str| -> Result<String, String> {
            let value = variable(name).unwrap_or_default();
            if !value.is_empty() && !is_proxy(&value) {
                return Err(format!(
                    "environment variable {name}: expected the address of a proxy, as http://proxy:3128 or socks5://proxy:1080"
                ));
            }
            Ok(value)
        };
        let matcher = Matcher::builder()
            .all(proxy("ALL_PROXY")?)
            .http(proxy("HTTP_PROXY")?)
            .https(proxy("HTTPS_PROXY")?)
            .no(variable("NO_PROXY").unwrap_or_default())
            .build();
        Ok(Proxies { matcher })
    }

    fn for_server(&self, server: &Uri) -> Option<Intercept> {
        let host = server.host()?.trim_start_matches('[').trim_end_matches(']');
        let address = host.parse::<IpAddr>();
        if host == "localhost" || address.is_ok_and(|address| address.is_loopback()) {
            return None;
        }
        self.matcher.intercept(server)
    }

    /// The proxy's address without credentials.
    pub(crate) fn origin(&self, server: &Uri) -> Option<String> {
        let proxy = self.for_server(server)?;
        let (scheme, authority) = (proxy.uri().scheme_str()?, proxy.uri().authority()?);
        Some(format!("{scheme}://{authority}"))
    }

    /// What a request that is asked of the proxy itself needs: credentials for it.
    pub(crate) fn authorization(&self, server: &Uri) -> Option<HeaderValue> {
        if server.scheme_str() != Some("http") {
            return None;
        }
        self.for_server(server)?.basic_auth().cloned()
    }
}

fn is_proxy(value: &str) -> bool {
    let matcher = Matcher::builder().all(value).build();
    let proxy = matcher.intercept(&Uri::from_static("http://server.example"));
    proxy.is_some_and(|proxy| {
        matches!(
            proxy.uri().scheme_str(),
            Some("http" | "socks5" | "socks5h")
        )
    })
}

/// Connects to a server, or to what leads there.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) tcp: Tcp,
    pub(crate) proxies: Arc<Proxies>,
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let proxy = self.proxies.for_server(&server);
        let reaching = Reaching {
            tcp: self.tcp.clone(),
            then: if proxy.is_some() {
                Phase::Proxy
            } else {
                Phase::Tls
            },
        };
        Box::pin(async move {
            let (io, asks_proxy) = connect(server, proxy, reaching).await?;
            reached(Phase::Tls);
            Ok(Stream { io, asks_proxy })
        })
    }
}

async fn connect(
    server: Uri,
    proxy: Option<Intercept>,
    mut tcp: Reaching,
) -> Result<(TokioIo<TcpStream>, bool), BoxError> {
    let Some(proxy) = proxy else {
        return Ok((tcp.call(server).await?, false));
    };
    let to = proxy.uri().clone();
    if to.scheme_str() != Some("http") {
        let mut socks = SocksV5::new(to, tcp);
        if let Some((user, password)) = proxy.raw_auth() {
            socks = socks.with_auth(user.to_owned(), password.to_owned());
        }
        return Ok((socks.call(server).await?, false));
    }
    if server.scheme_str() == Some("http") {
        return Ok((tcp.call(to).await?, true));
    }
    let mut tunnel = Tunnel::new(to, tcp);
    if let Some(credentials) = proxy.basic_auth() {
        tunnel = tunnel.with_auth(credentials.clone());
    }
    Ok((tunnel.call(server).await?, false))
}

/// TCP, and a note of what comes next once it is connected.
#[derive(Clone)]
struct Reaching {
    tcp: Tcp,
    then: Phase,
}

impl Service<Uri> for Reaching {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let host = to.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_address = host.parse::<IpAddr>().is_ok();
        let then = self.then;
        let connecting = self.tcp.call(to);
        Box::pin(async move {
            if is_address {
                reached(Phase::Connect);
            }
            let stream = connecting.await?;
            reached(then);
            Ok(stream)
        })
    }
}

/// A connection, and whether the proxy at its other end has to be told the whole address.
pub(crate) struct Stream {
    io: TokioIo<TcpStream>,
    asks_proxy: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        self.io.connected().proxy(self.asks_proxy)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: ReadBufCursor<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, into)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies, String> {
        Proxies::of(&|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    fn proxy_of(variables: &[(&str, &str)], server: &'static str) -> Option<String> {
        let proxies = proxies(variables).expect("addresses of proxies");
        proxies.origin(&Uri::from_static(server))
    }

    #[test]
    fn the_scheme_chooses_the_proxy() {
        let all = [
            ("https_proxy", "http://user:pw@one:3128/"),
            ("HTTP_PROXY", "two:8080"),
            ("http_proxy", "http://three"),
            ("NO_PROXY", "internal.example, 10.0.0.0/8"),
        ];
        assert_eq!(
            proxy_of(&all, "https://es").as_deref(),
            Some("http://one:3128")
        );
        assert_eq!(
            proxy_of(&all, "http://es").as_deref(),
            Some("http://two:8080")
        );
        for server in [
            "http://es.internal.example",
            "https://10.1.2.3:9200",
            "http://localhost:9200",
            "http://127.0.0.2",
            "http://[::1]",
        ] {
            assert_eq!(proxy_of(&all, server), None, "{server}");
        }
        let only = [("ALL_PROXY", "socks5h://s:1080")];
        assert_eq!(
            proxy_of(&only, "https://es").as_deref(),
            Some("socks5h://s:1080")
        );
        assert_eq!(proxy_of(&[], "https://es"), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_without_its_address() {
        for value in [
            "https://pw@one",
            "ftp://pw@one",
            "http://pw one",
            "socks4://pw@one",
        ] {
            let error = proxies(&[("ALL_PROXY", value)]).expect_err(value);
            assert!(
                error.starts_with("environment variable ALL_PROXY: expected"),
                "{error}"
            );
            assert!(!error.contains("pw"), "{error}");
        }
    }
}
