//! Requests a second, and processor time for each, against a server in this process: `measure [requests] [threads]`.
//!
//! The server is threads of the standard library, whose time is measured by itself and taken off.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use weir_outbound::{Client, Compression, Options, Origin, Request, Settings};

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"errors\":false}";

static SERVER_NANOS: AtomicU64 = AtomicU64::new(0);

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().ok());
    let requests: usize = arguments.next().flatten().unwrap_or(20_000);
    let threads: usize = arguments.next().flatten().unwrap_or(1).max(1);
    let client = Client::new(&Options::default()).expect("a thread");
    let address = serve();
    for (name, bytes, compression) in [
        ("no body", 0, Compression::None),
        ("100 KB", 100_000, Compression::None),
        ("100 KB, gzip", 100_000, Compression::Gzip),
        ("100 KB, zstd", 100_000, Compression::Zstd),
    ] {
        let requests = if bytes == 0 { requests } else { requests / 10 };
        measure(
            &client,
            &address,
            (name, bytes, compression),
            requests / threads,
            threads,
        );
    }
}

fn measure(
    client: &Client,
    address: &str,
    (name, bytes, compression): (&str, usize, Compression),
    requests: usize,
    threads: usize,
) {
    let settings = Settings {
        granted: vec![Origin::parse(address).expect("an address")],
        compression,
        ..Settings::default()
    };
    let endpoint = client.endpoint(settings).expect("no files");
    let line =
        br#"{"metadata":{"name":"web-1.17a","namespace":"shop"},"reason":"BackOff","count":3}"#;
    let body: Vec<u8> = line.iter().copied().cycle().take(bytes).collect();
    let request = Request {
        method: "POST".to_owned(),
        url: format!("{address}/_bulk"),
        headers: vec![("content-type".to_owned(), "application/x-ndjson".to_owned())],
        body,
        timeout: None,
    };
    endpoint.send(request.clone()).expect("an answer");
    SERVER_NANOS.store(0, Ordering::Relaxed);
    let (began, used) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..requests {
                    endpoint.send(request.clone()).expect("an answer");
                }
            });
        }
    });
    let (elapsed, used) = (began.elapsed(), cpu(ClockId::ProcessCPUTime) - used);
    let server = Duration::from_nanos(SERVER_NANOS.load(Ordering::Relaxed));
    let count = (requests * threads).max(1);
    let each = used.saturating_sub(server).as_secs_f64() * 1e6 / count as f64;
    let rate = count as f64 / elapsed.as_secs_f64();
    println!(
        "{name:14} {threads} thread(s): {rate:7.0} requests/s, {each:6.1} us CPU a request (server's left out)"
    );
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(
        time.tv_sec
            .try_into()
            .expect("time that was used is not negative"),
        time.tv_nsec.try_into().expect("less than a second"),
    )
}

fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    format!("http://{address}")
}

/// Until the client closes the connection.
fn answer(mut stream: TcpStream) {
    let (mut room, mut request) = (vec![0; 256 * 1024], Vec::new());
    loop {
        let used = cpu(ClockId::ThreadCPUTime);
        request.clear();
        while !is_complete(&request) {
            match stream.read(&mut room) {
                Ok(bytes @ 1..) => request.extend_from_slice(&room[..bytes]),
                _ => return,
            }
        }
        if stream.write_all(ANSWER).is_err() {
            return;
        }
        let nanos = (cpu(ClockId::ThreadCPUTime) - used).as_nanos();
        SERVER_NANOS.fetch_add(nanos as u64, Ordering::Relaxed);
    }
}

fn is_complete(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") else {
        return false;
    };
    let head = String::from_utf8_lossy(&request[..end]).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|text| text.parse().ok()).unwrap_or(0);
    request.len() >= end + 4 + length
}
