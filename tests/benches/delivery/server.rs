//! A server that does as little as possible: it reads requests of HTTP/1.1 and answers each that all went well, as the
//! asked sink expects it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

/// Runs until the process ends.
pub struct Server {
    address: SocketAddr,
}

impl Server {
    /// On a free port.
    pub fn start() -> Server {
        Server::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// At this address.
    pub fn listen(address: SocketAddr) -> Server {
        let listener = TcpListener::bind(address).expect("the port is free");
        let address = listener.local_addr().expect("it is bound");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                std::thread::spawn(move || serve(stream));
            }
        });
        Server { address }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A port where nobody listens.
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound")
}

fn serve(mut stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::with_capacity(1 << 16, stream.try_clone().expect("a descriptor"));
    // Until the client closes it.
    while let Some(answer) = answer(&mut reader) {
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// Reads a request.
fn answer(reader: &mut BufReader<TcpStream>) -> Option<&'static str> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let is_bulk = line.contains("/_bulk");
    let is_get = line.starts_with("GET ");
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':')?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().expect("a number");
        }
        assert!(
            !name.eq_ignore_ascii_case("transfer-encoding"),
            "this server knows no chunks"
        );
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).ok()?;
    Some(if is_bulk {
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"errors\":false}"
    } else if is_get {
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 31\r\n\r\n{\"version\":{\"number\":\"8.19.0\"}}"
    } else {
        "HTTP/1.1 204 No Content\r\n\r\n"
    })
}
