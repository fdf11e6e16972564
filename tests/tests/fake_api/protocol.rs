//! HTTPS with HTTP/2 and HTTP/1.1, client certificates, and faults of a stream on a connection that others share.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use weir_tests::fake_api::{Credential, EventSpec, FakeApi, Fault, Options, What};
use weir_tests::folder::Folder;

/// A kubeconfig, and a connection as it says.
struct Config {
    value: Value,
}

impl Config {
    fn read(path: &Path) -> Config {
        let text = std::fs::read(path).expect("it was written");
        Config {
            value: serde_json::from_slice(&text).expect("it is JSON"),
        }
    }

    fn data(&self, part: &Value) -> Vec<u8> {
        STANDARD
            .decode(part.as_str().expect("it has this"))
            .expect("it is base64")
    }

    fn token(&self) -> &str {
        self.value["users"][0]["user"]["token"]
            .as_str()
            .unwrap_or_default()
    }

    /// A TLS connection that trusts only the authority of the file.
    async fn connect(&self, api: &FakeApi) -> TlsStream<TcpStream> {
        let cluster = &self.value["clusters"][0]["cluster"];
        assert_eq!(cluster["server"], api.url());
        let authority = self.data(&cluster["certificate-authority-data"]);
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_slice(&authority).expect("it is PEM");
        roots.add(authority).expect("it is an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("there are some")
            .with_root_certificates(roots);
        let user = &self.value["users"][0]["user"];
        let mut config = if user["client-key-data"].is_string() {
            let certificate = self.data(&user["client-certificate-data"]);
            let certificate = CertificateDer::from_pem_slice(&certificate).expect("it is PEM");
            let key = self.data(&user["client-key-data"]);
            let key = PrivateKeyDer::from_pem_slice(&key).expect("it is PEM");
            builder
                .with_client_auth_cert(vec![certificate], key)
                .expect("they fit")
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let stream = TcpStream::connect(api.address()).await.expect("it listens");
        let name = ServerName::try_from("127.0.0.1").expect("it is an address");
        let connector = TlsConnector::from(Arc::new(config));
        connector
            .connect(name, stream)
            .await
            .expect("it is who it says")
    }
}

/// HTTP/2 on a connection.
struct Http2 {
    sender: SendRequest<Empty<Bytes>>,
    token: String,
    url: String,
}

impl Http2 {
    async fn connect(api: &FakeApi, config: &Config) -> Http2 {
        let stream = config.connect(api).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let stream = TokioIo::new(stream);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await;
        let (sender, connection) = handshake.expect("it speaks HTTP/2");
        tokio::spawn(connection);
        Http2 {
            sender,
            token: config.token().to_owned(),
            url: api.url(),
        }
    }

    async fn get(&mut self, path: &str) -> Result<http::Response<Incoming>, hyper::Error> {
        let mut request = http::Request::get(format!("{}{path}", self.url));
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let request = request.body(Empty::new()).expect("it is a request");
        self.sender.send_request(request).await
    }
}

/// The next line of a watch, where frames are lines.
async fn line(response: &mut http::Response<Incoming>) -> Option<Result<Value, hyper::Error>> {
    loop {
        let frame = match response.body_mut().frame().await? {
            Ok(frame) => frame.into_data().expect("there are no trailers"),
            Err(error) => return Some(Err(error)),
        };
        // The end of a stream can be a frame of its own.
        if !frame.is_empty() {
            return Some(Ok(
                serde_json::from_slice(&frame).expect("a frame is a line")
            ));
        }
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("there is a thread").block_on(test);
}

#[test]
fn http2_is_spoken_over_tls() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("fake-api-http2");
    let config = Config::read(&api.kubeconfig(folder.path(), "admin"));
    run(async {
        let mut client = Http2::connect(&api, &config).await;
        let mut watch = client
            .get("/api/v1/events?watch=1&resourceVersion=1")
            .await
            .expect("it answers");
        assert_eq!(watch.status(), 200);
        api.create_event(EventSpec::about("a"));
        let event = line(&mut watch)
            .await
            .expect("a line")
            .expect("it is whole");
        assert_eq!(event["object"]["message"], "about a");
        api.end_all_watches();
        assert!(line(&mut watch).await.is_none(), "a clean end");

        // Other streams of the connection outlive a cut one.
        api.fault(Fault::once(What::CutAfterLines(1)));
        let mut cut = client
            .get("/api/v1/events?watch=1&resourceVersion=1")
            .await
            .expect("it answers");
        let mut whole = client
            .get("/api/v1/events?watch=1&resourceVersion=1")
            .await
            .expect("it answers");
        // The two namespaces had revisions, but are no events.
        assert!(
            line(&mut cut).await.is_some_and(|line| line.is_ok()),
            "the line before the cut"
        );
        assert!(
            line(&mut cut).await.is_some_and(|line| line.is_err()),
            "a reset stream"
        );
        assert!(line(&mut whole).await.is_some_and(|line| line.is_ok()));
        let list = client
            .get("/api/v1/events")
            .await
            .expect("the connection lives");
        assert_eq!(list.status(), 200);

        api.fault(Fault::once(What::Reset));
        assert!(client.get("/api/v1/events").await.is_err());
        assert!(
            line(&mut whole).await.is_some_and(|line| line.is_err()),
            "all of it is gone"
        );
    });
    let versions = api.look(|view| {
        view.requests()
            .iter()
            .all(|it| it.http_version == "HTTP/2.0")
    });
    assert!(versions);
}

#[test]
fn only_http1_is_offered_on_request() {
    let mut api = FakeApi::start(Options {
        http1_only: true,
        ..Options::default()
    });
    let folder = Folder::new("fake-api-http1");
    let config = Config::read(&api.kubeconfig(folder.path(), "admin"));
    run(async {
        let stream = config.connect(&api).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    });
}

#[test]
fn a_certificate_says_who_somebody_is() {
    let mut api = FakeApi::start(Options::default());
    let folder = Folder::new("fake-api-certificate");
    api.add_user("router", []);
    for (credential, user) in [
        (Credential::Certificate, "router"),
        (Credential::Token, "router"),
        (Credential::Nothing, "system:anonymous"),
    ] {
        let config = Config::read(&api.kubeconfig_with(folder.path(), "router", credential));
        run(async {
            let mut client = Http2::connect(&api, &config).await;
            let refused = client.get("/api/v1/events").await.expect("it answers");
            assert_eq!(refused.status(), 403);
        });
        let last = api.requests().pop().expect("it was recorded");
        assert_eq!(last.user, user);
    }
}
