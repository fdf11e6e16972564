//! Making a connection within a limit of time, and knowing how far it came where it fails.

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use tower::Service;

use crate::proxy::{Proxies, Route, Stream};
use crate::resolve::Resolver;
use crate::tls::Prepared;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The kernel asks a silent connection this often whether it is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

tokio::task_local! {
    static PHASE: Cell<Phase>;
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Lookup,
    Connect,
    Proxy,
    Tls,
}

/// Called by the parts as they begin. Without meaning outside of a [`Connector`]'s future.
pub(crate) fn reached(phase: Phase) {
    // Outside of it there is nobody who would want to know.
    let _nobody = PHASE.try_with(|cell| cell.set(phase));
}

/// A connection that was not made.
#[derive(Debug)]
pub(crate) struct ConnectError {
    pub(crate) phase: Phase,
    /// Its address, where one leads to the server.
    pub(crate) proxy: Option<String>,
    pub(crate) cause: Cause,
}

#[derive(Debug)]
pub(crate) enum Cause {
    Elapsed(Duration),
    Failed(BoxError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "no connection: {:?}", self.phase)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Elapsed(_) => None,
            Cause::Failed(error) => Some(error.as_ref()),
        }
    }
}

/// Lookup, TCP, proxy and TLS, all of it within one limit of time.
#[derive(Clone)]
pub(crate) struct Connector {
    https: HttpsConnector<Route>,
    proxies: Arc<Proxies>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(tls: Prepared, proxies: &Arc<Proxies>, timeout: Duration) -> Connector {
        let mut tcp = HttpConnector::new_with_resolver(Resolver::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        // Divided among the addresses of a name, so that one that is silent leaves time for the others.
        tcp.set_connect_timeout(Some(timeout));
        let route = Route {
            tcp,
            proxies: Arc::clone(proxies),
        };
        Connector {
            https: HttpsConnector::new(route, tls.config, false, tls.server_name),
            proxies: Arc::clone(proxies),
            timeout,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        self.https
            .poll_ready(context)
            .map_err(|error| ConnectError {
                phase: Phase::Lookup,
                proxy: None,
                cause: Cause::Failed(error),
            })
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let proxy = self.proxies.origin(&server);
        let limit = self.timeout;
        let connecting = self.https.call(server);
        Box::pin(PHASE.scope(Cell::new(Phase::Lookup), async move {
            let cause = match tokio::time::timeout(limit, connecting).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => Cause::Failed(error),
                Err(_) => Cause::Elapsed(limit),
            };
            Err(ConnectError {
                phase: PHASE.with(Cell::get),
                proxy,
                cause,
            })
        }))
    }
}
