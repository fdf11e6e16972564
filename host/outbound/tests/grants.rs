//! What may be reached, and where secrets may go.

#![allow(clippy::unwrap_used)] // its helpers are tests too

mod common;

use common::{
    Secrets, Server, answer, endpoint, error, get, granted, header, ok, origin, request, text,
};
use weir_outbound::{Class, Settings};

const KEY: &str = "weir-secret-000102030405060708090a0b0c0d0e0f";
const PASSWORD: &str = "weir-secret-101112131415161718191a1b1c1d1e1f";

#[test]
fn only_granted_and_allowed_origins_are_reached() {
    let server = Server::new(|_| ok("hello"));
    let (address, port) = (server.http(), server.address.port());
    let reached = endpoint(granted(&address));
    assert_eq!(
        text(&get(&reached, format!("{address}/x?y#z")).unwrap()),
        "hello"
    );
    assert!(server.next().starts_with("GET /x?y HTTP/1.1\r\n"));
    let allowed = endpoint(Settings {
        allowed: vec![origin(&address)],
        ..Settings::default()
    });
    assert_eq!(get(&allowed, address.clone()).unwrap().status, 200);
    server.next();

    for url in [
        format!("http://localhost:{port}/x"),
        format!("https://127.0.0.1:{port}"),
        "http://127.0.0.1/".to_owned(),
    ] {
        let refused = get(&reached, url.clone()).unwrap_err();
        assert_eq!(refused.class(), Class::NotGranted, "{url}: {refused}");
    }
    let refused = error(&reached, "http://es:9200/_bulk?key=1");
    assert!(
        refused.starts_with("not granted: http://es:9200: neither"),
        "{refused}"
    );
    assert!(server.is_unasked());
}

#[test]
fn an_address_that_is_refused_otherwise_is_reached_where_it_is_granted_literally() {
    let server = Server::new(|_| ok("hello"));
    // Linux takes it for this host.
    let address = format!("http://0.0.0.0:{}", server.address.port());
    assert_eq!(
        get(&endpoint(granted(&address)), address).unwrap().status,
        200
    );
}

#[test]
fn secrets_are_put_into_address_and_headers_but_not_into_the_body() {
    let server = Server::new(|_| ok(""));
    let endpoint = endpoint(Settings {
        secrets: Secrets::of(&[(KEY, "open sesame"), (PASSWORD, "p@ss:/#?")]),
        ..granted(&server.http())
    });
    let mut sent = request(
        "POST",
        format!("http://u:{PASSWORD}@{}/x?key={KEY}", server.address),
    );
    sent.headers
        .push(("X-Key".to_owned(), format!("ApiKey {KEY}")));
    sent.body = KEY.as_bytes().to_vec();
    endpoint.send(sent).unwrap();
    let seen = server.next();
    assert!(
        seen.starts_with("POST /x?key=open%20sesame HTTP/1.1\r\n"),
        "{seen}"
    );
    assert!(seen.contains("x-key: ApiKey open sesame\r\n"), "{seen}");
    assert!(
        seen.contains("authorization: Basic dTpwQHNzOi8jPw==\r\n"),
        "{seen}"
    );
    assert!(seen.ends_with(&format!("\r\n\r\n{KEY}")), "{seen}");
}

#[test]
fn an_address_may_be_a_secret() {
    let server = Server::new(|_| ok(""));
    let whole = format!("http://u:pass@{}/base", server.address);
    let reached = endpoint(Settings {
        secrets: Secrets::of(&[(KEY, &whole), (PASSWORD, "http://not.granted/path")]),
        ..granted(&server.http())
    });
    get(&reached, format!("{KEY}/x")).unwrap();
    let seen = server.next();
    assert!(seen.starts_with("GET /base/x HTTP/1.1\r\n"), "{seen}");
    assert!(seen.contains("authorization: Basic dTpwYXNz\r\n"), "{seen}");
    let refused = error(&reached, format!("{PASSWORD}/x"));
    assert!(
        refused.starts_with("not granted: (an address that is a secret): "),
        "{refused}"
    );
    assert!(!refused.contains("not.granted"), "{refused}");
}

#[test]
fn secrets_are_not_sent_to_origins_that_are_only_allowed() {
    let server = Server::new(|_| ok(""));
    let endpoint = endpoint(Settings {
        allowed: vec![origin(&server.http())],
        secrets: Secrets::of(&[(KEY, "open sesame")]),
        ..Settings::default()
    });
    let mut sent = request("GET", server.http());
    sent.headers.push(("x-key".to_owned(), KEY.to_owned()));
    for sent in [
        sent,
        request("GET", format!("{}/?{KEY}", server.http())),
        request("GET", format!("http://u:{KEY}@{}", server.address)),
    ] {
        let refused = endpoint.send(sent).unwrap_err().to_string();
        let expected = format!(
            "not granted: {}: it is named by `allow` only",
            server.http()
        );
        assert!(refused.starts_with(&expected), "{refused}");
    }
    assert!(server.is_unasked());
    assert_eq!(get(&endpoint, server.http()).unwrap().status, 200);
}

#[test]
fn a_server_that_echoes_gives_no_secret_away() {
    let server = Server::new(|request| {
        let line = request.lines().next().unwrap();
        answer(
            200,
            &format!("x-echo: {line}\r\nset-cookie: open sesame\r\n"),
            request,
        )
    });
    let endpoint = endpoint(Settings {
        secrets: Secrets::of(&[(KEY, "open sesame"), (PASSWORD, "123")]),
        ..granted(&server.http())
    });
    let mut sent = request(
        "GET",
        format!("http://u:{PASSWORD}@{}/?k={KEY}", server.address),
    );
    sent.headers.push(("x-key".to_owned(), KEY.to_owned()));
    let answer = endpoint.send(sent).unwrap();
    assert_eq!(header(&answer, "x-echo"), Some("GET /?k=*** HTTP/1.1"));
    assert_eq!(header(&answer, "set-cookie"), Some(KEY));
    assert_eq!(header(&answer, "content-length"), None, "no longer true");
    let body = text(&answer);
    assert!(body.starts_with("GET /?k=*** HTTP/1.1\r\n"), "{body}");
    assert!(body.contains(&format!("x-key: {KEY}\r\n")), "{body}");
    assert!(body.contains("authorization: Basic ***\r\n"), "{body}");
}

#[test]
fn a_secret_cannot_add_a_header() {
    let server = Server::new(|_| ok(""));
    let endpoint = endpoint(Settings {
        secrets: Secrets::of(&[(KEY, "open\r\nx-more: sesame")]),
        ..granted(&server.http())
    });
    let mut sent = request("GET", server.http());
    sent.headers.push(("x-key".to_owned(), KEY.to_owned()));
    let refused = endpoint.send(sent).unwrap_err().to_string();
    let expected = format!(
        "bad request: {}: the value of the header \"x-key\"",
        server.http()
    );
    assert!(refused.starts_with(&expected), "{refused}");
    assert!(!refused.contains("sesame"), "{refused}");
    // In an address it is not a line break any more.
    get(&endpoint, format!("{}/?{KEY}", server.http())).unwrap();
    assert!(!server.next().contains("\nx-more"));
}

#[test]
fn headers_about_the_connection_are_refused() {
    let server = Server::new(|_| ok(""));
    let endpoint = endpoint(granted(&server.http()));
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "connection",
        "proxy-authorization",
        "accept-encoding",
    ] {
        let mut sent = request("GET", server.http());
        sent.headers.push((name.to_owned(), "x".to_owned()));
        let refused = endpoint.send(sent).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("the header {name:?} is set by weir")),
            "{refused}"
        );
    }
    let mut sent = request("GET", server.http());
    sent.headers.push(("x y".to_owned(), String::new()));
    let refused = endpoint.send(sent).unwrap_err();
    assert_eq!(refused.class(), Class::BadRequest);
    for method in ["CONNECT", "TRACE", "", "a b"] {
        let refused = endpoint.send(request(method, server.http())).unwrap_err();
        assert_eq!(refused.class(), Class::BadRequest, "{method}");
    }
    for url in ["", "/path", "ftp://x", "http://"] {
        assert!(
            error(&endpoint, url).starts_with("bad request: (not an address): "),
            "{url}"
        );
    }
    assert!(server.is_unasked());
}
