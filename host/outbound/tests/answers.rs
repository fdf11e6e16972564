//! Redirects, limits, and answers that are not what they should be.

#![allow(clippy::unwrap_used)] // its helpers are tests too

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{
    Reply, Server, answer, client, endpoint, error, get, granted, header, ok, request, text,
};
use weir_outbound::{Class, Compression, Settings};

const SHORT: Duration = Duration::from_millis(50);

#[test]
fn redirects_are_followed_within_the_origin() {
    let server = Server::new(|request| match request.split(' ').nth(1) {
        Some("/a") => answer(302, "location: b?x=1\r\n", ""),
        Some("/b?x=1") => answer(308, "location: //u:p@127.0.0.1:1/\r\n", "elsewhere"),
        Some("/post") => answer(307, "location: /end\r\n", ""),
        Some("/loop") => answer(301, "location: /loop\r\n", ""),
        Some("/303") => answer(303, "location: /end\r\n", "see there"),
        _ => ok("end"),
    });
    let endpoint = endpoint(granted(&server.http()));
    let url = |path: &str| format!("{}{path}", server.http());
    let other = get(&endpoint, url("/a")).unwrap();
    assert_eq!((other.status, text(&other).as_str()), (308, "elsewhere"));
    assert_eq!(header(&other, "location"), Some("//u:p@127.0.0.1:1/"));

    let mut post = request("POST", url("/post"));
    post.body = b"body".to_vec();
    assert_eq!(text(&endpoint.send(post).unwrap()), "end");
    let seen: Vec<String> = server.requests.try_iter().collect();
    assert!(seen.last().unwrap().starts_with("POST /end "), "{seen:?}");
    assert!(seen.last().unwrap().ends_with("\r\n\r\nbody"), "{seen:?}");

    assert_eq!(text(&get(&endpoint, url("/303")).unwrap()), "end");
    assert_eq!(
        endpoint.send(request("POST", url("/303"))).unwrap().status,
        303
    );
    let error = error(&endpoint, url("/loop"));
    assert!(error.contains("more than 5 redirects"), "{error}");
}

#[test]
fn every_wait_has_a_limit() {
    let silent = Server::new(|_| Reply::Hang(Vec::new()));
    let total = endpoint(Settings {
        timeout: SHORT,
        ..granted(&silent.http())
    });
    let late = error(&total, silent.http());
    assert!(
        late.starts_with(&format!(
            "timeout: {}: no complete answer within 50ms",
            silent.http()
        )),
        "{late}"
    );

    let idle = endpoint(Settings {
        read_timeout: SHORT,
        ..granted(&silent.http())
    });
    let late = error(&idle, silent.http());
    assert!(late.contains("the server sent nothing for 50ms"), "{late}");

    let own = endpoint(granted(&silent.http()));
    let mut sent = request("GET", silent.http());
    sent.timeout = Some(SHORT);
    assert_eq!(own.send(sent).unwrap_err().class(), Class::Timeout);

    let half =
        Server::new(|_| Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab".to_vec()));
    let idle = endpoint(Settings {
        read_timeout: SHORT,
        ..granted(&half.http())
    });
    let late = error(&idle, half.http());
    assert!(late.contains("the server sent nothing for 50ms"), "{late}");
}

#[test]
fn a_handshake_that_is_never_answered_ends() {
    // Its backlog takes the connection, and nobody ever reads from it.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let endpoint = endpoint(Settings {
        connect_timeout: SHORT,
        ..granted(&url)
    });
    let late = error(&endpoint, url.clone());
    assert_eq!(
        late,
        format!("timeout: {url}: within 50ms: TLS was not ready; is it a server of TLS?")
    );
}

#[test]
fn answers_that_are_too_large_are_given_up() {
    let declared =
        Server::new(|_| Reply::Hang(b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n".to_vec()));
    let streamed = Server::new(|_| {
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n65\r\n";
        Reply::Hang([head.as_slice(), &[b'x'; 101]].concat())
    });
    let bomb = Server::new(|_| {
        let body = zstd::encode_all([0; 1_000_000].as_slice(), 0).unwrap();
        answer(200, "content-encoding: zstd\r\n", body)
    });
    for server in [&declared, &streamed, &bomb] {
        let endpoint = endpoint(Settings {
            response_bytes_max: 100,
            ..granted(&server.http())
        });
        let error = error(&endpoint, server.http());
        let expected = format!(
            "too large: {}: the answer is larger than 100 bytes",
            server.http()
        );
        assert!(error.starts_with(&expected), "{error}");
    }
    let server = Server::new(|_| ok([b'x'; 100]));
    let endpoint = endpoint(Settings {
        response_bytes_max: 100,
        ..granted(&server.http())
    });
    assert_eq!(get(&endpoint, server.http()).unwrap().body.len(), 100);
    let head = endpoint.send(request("HEAD", declared.http())).unwrap_err();
    assert_eq!(head.class(), Class::NotGranted);
}

#[test]
fn a_head_has_a_length_and_no_body() {
    let server = Server::new(|_| {
        Reply::Bytes(
            b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\ncontent-encoding: gzip\r\n\r\n"
                .to_vec(),
        )
    });
    let endpoint = endpoint(granted(&server.http()));
    let answer = endpoint.send(request("HEAD", server.http())).unwrap();
    assert_eq!(header(&answer, "content-length"), Some("99999999"));
    assert!(answer.body.is_empty());
}

#[test]
fn bodies_are_compressed_both_ways() {
    let body = "weir ".repeat(1000);
    let reply = body.clone();
    let server = Server::new(move |_| {
        let body = zstd::encode_all(reply.as_bytes(), 0).unwrap();
        answer(200, "content-encoding: zstd\r\n", body)
    });
    let endpoint = endpoint(Settings {
        compression: Compression::Gzip,
        ..granted(&server.http())
    });
    let mut sent = request("POST", server.http());
    sent.body = body.clone().into_bytes();
    let answer = endpoint.send(sent.clone()).unwrap();
    assert_eq!(text(&answer), body);
    assert_eq!(header(&answer, "content-encoding"), None);
    let seen = server.next();
    assert!(seen.contains("accept-encoding: gzip, zstd\r\n"), "{seen}");
    assert!(seen.contains("content-encoding: gzip\r\n"), "{seen}");
    assert!(seen.len() < body.len(), "{seen}");

    sent.headers
        .push(("content-encoding".to_owned(), "identity".to_owned()));
    endpoint.send(sent).unwrap();
    assert!(server.next().ends_with(&body));
}

#[test]
fn half_an_answer_is_none() {
    for (reply, expected) in [
        (
            Reply::Last(Vec::new()),
            "the connection ended before the answer did",
        ),
        (
            Reply::Last(b"HTTP/1.1 200 OK\r\nx: y".to_vec()),
            "the connection ended before the answer did",
        ),
        (
            Reply::Last(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
            "before the answer",
        ),
        (
            Reply::Reset(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
            "before the answer",
        ),
        (
            Reply::Last(b"\x15\x03\x01\x00\x02\x02\x50 no HTTP\r\n\r\n".to_vec()),
            "what it sent is not HTTP",
        ),
        (
            answer(200, "content-encoding: br\r\n", "xyz"),
            "its content-encoding is neither",
        ),
        (
            answer(200, "content-encoding: gzip\r\n", "xyz"),
            "its body cannot be decompressed",
        ),
    ] {
        let reply = std::sync::Mutex::new(Some(reply));
        let server = Server::new(move |_| reply.lock().unwrap().take().unwrap());
        let endpoint = endpoint(granted(&server.http()));
        let error = error(&endpoint, format!("{}/path", server.http()));
        let begins = format!("broken answer: {}: ", server.http());
        assert!(
            error.starts_with(&begins) && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn nobody_there_and_no_such_name() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refused = error(&endpoint(granted(&url)), url.clone());
    assert!(
        refused.starts_with(&format!("connect: {url}: Connection refused")),
        "{refused}"
    );
    // Longer than a name can be: no server is asked.
    let url = format!("http://{}.example", "x".repeat(64));
    let unknown = error(&endpoint(granted(&url)), url.clone());
    assert!(
        unknown.starts_with(&format!("name lookup: {url}: ")),
        "{unknown}"
    );
}

#[test]
fn stopping_ends_what_is_under_way_and_what_comes_later() {
    let server = Server::new(|_| Reply::Hang(Vec::new()));
    let client = client();
    let endpoint = client.endpoint(granted(&server.http())).unwrap();
    let url = server.http();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| error(&endpoint, url.clone()));
        server.next();
        client.stop();
        let expected = format!("stopping: {}: weir is ending", server.http());
        assert!(waiting.join().unwrap().starts_with(&expected));
        assert!(error(&endpoint, server.http()).starts_with(&expected));
    });
}

#[test]
fn connections_are_kept() {
    let server = Server::new(|_| ok("hello"));
    let endpoint = endpoint(granted(&server.http()));
    // The next request may be a moment earlier than the connection is back; it is not each time.
    for _ in 0..50 {
        get(&endpoint, server.http()).unwrap();
    }
    assert!(server.connections.load(Ordering::Acquire) < 50);
}
