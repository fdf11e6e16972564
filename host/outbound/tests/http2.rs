//! HTTP/2, where the server offers it.

#![allow(clippy::unwrap_used)] // its helpers are tests too

mod common;

use std::convert::Infallible;
use std::sync::Arc;

use common::certificates::{self, Ca, Folder};
use common::{client, granted, request, text};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use weir_outbound::{Settings, Tls};

/// Answers with the version of HTTP and what was sent.
async fn echo(request: http::Request<Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let version = format!("{:?} ", request.version());
    let host = request.uri().authority().map(ToString::to_string);
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes());
    let body = [version.as_bytes(), &body.unwrap_or_default()].concat();
    let response = http::Response::builder().header("x-authority", host.unwrap_or_default());
    Ok(response.body(Full::from(body)).unwrap())
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let stream = TokioIo::new(acceptor.accept(stream).await.unwrap());
            let service = TowerToHyperService::new(tower::service_fn(echo));
            let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
            // It ends with the client.
            let _ = server.serve_connection(stream, service).await;
        });
    }
}

#[test]
fn requests_of_many_threads_are_answered() {
    let (folder, ca) = (Folder::new(), Ca::new("ours"));
    let mut config = certificates::server(&ca.pair("localhost"));
    Arc::get_mut(&mut config).unwrap().alpn_protocols = vec![b"h2".to_vec()];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let authority = format!("localhost:{}", listener.local_addr().unwrap().port());
    runtime.spawn(serve(listener, TlsAcceptor::from(config)));

    let url = format!("https://{authority}");
    let tls = Tls {
        ca_file: Some(folder.file("ca.crt", &ca.pem())),
        ..Tls::default()
    };
    let client = client();
    let endpoint = client
        .endpoint(Settings {
            tls,
            ..granted(&url)
        })
        .unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (endpoint, url, authority) = (&endpoint, &url, &authority);
            scope.spawn(move || {
                let mut sent = request("POST", format!("{url}/x"));
                sent.body = vec![b'a' + number; 100_000];
                let expected = [b"HTTP/2.0 ".as_slice(), &sent.body].concat();
                let answer = endpoint.send(sent).unwrap();
                assert!(answer.body == expected, "{}", text(&answer).len());
                assert_eq!(
                    common::header(&answer, "x-authority"),
                    Some(authority.as_str())
                );
            });
        }
    });
}
