//! Through the proxies of an environment.

#![allow(clippy::unwrap_used)] // its helpers are tests too

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

use common::certificates::{self, Ca, Folder};
use common::{Server, client_in, error, get, granted, ok, read_request, text};
use weir_outbound::{Settings, Tls};

/// Takes CONNECT to anywhere as one to `upstream`. Each connection is one tunnel, and ends with it.
struct Proxy {
    address: SocketAddr,
    heads: Receiver<String>,
}

impl Proxy {
    /// For this many connections.
    fn new(upstream: SocketAddr, connections: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, heads) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().take(connections) {
                let mut stream = stream.unwrap();
                let Some(head) = read_request(&mut stream) else {
                    continue;
                };
                let _ = seen.send(head);
                let upstream = TcpStream::connect(upstream).unwrap();
                stream.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").unwrap();
                let pairs = [
                    (stream.try_clone().unwrap(), upstream.try_clone().unwrap()),
                    (upstream, stream),
                ];
                for (from, to) in pairs {
                    std::thread::spawn(move || copy(from, to));
                }
            }
        });
        Proxy { address, heads }
    }
}

fn copy(mut from: impl Read, mut to: TcpStream) {
    // It ends when one side does.
    let _ = std::io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

#[test]
fn https_goes_through_a_tunnel() {
    let (folder, ca) = (Folder::new(), Ca::new("ours"));
    let server = Server::tls(certificates::server(&ca.pair("es.example")), |_| {
        ok("hello")
    });
    let proxy = Proxy::new(server.address, 1);
    let variable = format!("http://u:pass@{}", proxy.address);
    let client = client_in(&|name| (name == "https_proxy").then(|| variable.clone()));
    let tls = Tls {
        ca_file: Some(folder.file("ca.crt", &ca.pem())),
        ..Tls::default()
    };
    let settings = Settings {
        tls,
        ..granted("https://es.example:9200")
    };
    let endpoint = client.endpoint(settings).unwrap();
    let answer = get(&endpoint, "https://es.example:9200/x").unwrap();
    assert_eq!(text(&answer), "hello");
    let head = proxy.heads.recv().unwrap();
    assert!(
        head.starts_with("CONNECT es.example:9200 HTTP/1.1\r\n"),
        "{head}"
    );
    assert!(
        head.contains("Proxy-Authorization: Basic dTpwYXNz\r\n"),
        "{head}"
    );
    assert!(
        !server
            .next()
            .to_ascii_lowercase()
            .contains("proxy-authorization")
    );
}

#[test]
fn http_is_asked_of_the_proxy() {
    let proxy = Server::new(|_| ok("by proxy"));
    let variable = format!("http://u:pass@{}", proxy.address);
    let client = client_in(&|name| match name {
        "HTTP_PROXY" => Some(variable.clone()),
        "NO_PROXY" => Some("direct.invalid".to_owned()),
        _ => None,
    });
    let endpoint = client.endpoint(granted("http://es.example")).unwrap();
    assert_eq!(
        text(&get(&endpoint, "http://es.example/x?y").unwrap()),
        "by proxy"
    );
    let seen = proxy.next();
    assert!(
        seen.starts_with("GET http://es.example/x?y HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(
        seen.contains("proxy-authorization: Basic dTpwYXNz\r\n"),
        "{seen}"
    );

    // This host is never asked for through a proxy, and neither is what NO_PROXY names.
    let server = Server::new(|_| ok("itself"));
    let endpoint = client.endpoint(granted(&server.http())).unwrap();
    assert_eq!(text(&get(&endpoint, server.http()).unwrap()), "itself");
    let direct = client.endpoint(granted("http://direct.invalid")).unwrap();
    let unknown = error(&direct, "http://direct.invalid");
    assert!(!unknown.contains("proxy"), "{unknown}");
    assert!(proxy.is_unasked());
}

#[test]
fn a_proxy_that_fails_is_named_without_its_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let refusing = Server::new(|_| common::answer(407, "", ""));
    for (address, expected) in [
        (gone, "Connection refused"),
        (refusing.address, "proxy authorization required"),
    ] {
        let variable = format!("http://u:pass@{address}");
        let client = client_in(&|name| (name == "ALL_PROXY").then(|| variable.clone()));
        let endpoint = client.endpoint(granted("https://es.example")).unwrap();
        let error = error(&endpoint, "https://es.example/x");
        let begins = format!("connect: https://es.example: through the proxy http://{address}: ");
        assert!(error.starts_with(&begins), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("pass"), "{error}");
    }
}
