//! A client that hides nothing: HTTP/1.1 by hand over plain TCP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;
use weir_tests::fake_api::{ADMIN, FakeApi, Options};
use weir_tests::running::DEADLINE;

/// An answer with an end.
#[derive(Debug)]
pub struct Reply {
    pub code: u16,
    pub head: String,
    pub body: Vec<u8>,
}

/// An open watch.
pub struct Stream {
    pub code: u16,
    pub head: String,
    body: BufReader<TcpStream>,
    buffer: Vec<u8>,
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    Clean,
    Broken,
}

/// Somebody who asks.
pub struct Client {
    address: SocketAddr,
    pub token: String,
    pub agent: &'static str,
}

/// A plain server and its admin, who has curl.
pub fn plain() -> (FakeApi, Client) {
    plain_with(Options::default())
}

pub fn plain_with(options: Options) -> (FakeApi, Client) {
    let api = FakeApi::start(Options {
        plain: true,
        ..options
    });
    let client = Client::new(&api, ADMIN);
    (api, client)
}

impl Client {
    pub fn new(api: &FakeApi, user: &str) -> Client {
        Client {
            address: api.address(),
            token: api.token(user),
            agent: "curl/8.5.0",
        }
    }

    /// Sends a request; gives the head of the answer and what comes behind it.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Stream {
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: fake\r\nUser-Agent: {}\r\n",
            self.agent
        );
        if !self.token.is_empty() {
            text += &format!("Authorization: Bearer {}\r\n", self.token);
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream
            .set_read_timeout(Some(DEADLINE))
            .expect("a socket has timeouts");
        stream.write_all(text.as_bytes()).expect("it reads");
        Stream::open(stream)
    }

    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(method, path, headers, body).whole()
    }

    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], "")
    }

    pub fn write(&self, method: &str, path: &str, body: &Value) -> Reply {
        let content = if method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        self.request(
            method,
            path,
            &[("Content-Type", content)],
            &body.to_string(),
        )
    }

    /// Opens a watch of core/v1 events with these parameters.
    pub fn watch(&self, parameters: &str) -> Stream {
        self.send(
            "GET",
            &format!("/api/v1/events?watch=true&{parameters}"),
            &[],
            "",
        )
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the answer is JSON")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the answer is text")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }

    pub fn message(&self) -> String {
        self.json()["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Names of the items of a list.
    pub fn names(&self) -> Vec<String> {
        let list = self.json();
        let items = list["items"].as_array().expect("it is a list").iter();
        items
            .map(|item| {
                item["metadata"]["name"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            })
            .collect()
    }
}

impl Stream {
    fn open(stream: TcpStream) -> Stream {
        let mut body = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = body.read_line(&mut head).unwrap_or(0);
            if read == 0 {
                break;
            }
        }
        let code = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        Stream {
            code: code.unwrap_or(0),
            head,
            body,
            buffer: Vec::new(),
        }
    }

    fn whole(mut self) -> Reply {
        let mut body = Vec::new();
        match header(&self.head, "content-length").and_then(|length| length.parse::<u64>().ok()) {
            Some(length) => {
                // Where it breaks off, what came is the answer.
                let _ = (&mut self.body).take(length).read_to_end(&mut body);
            }
            None => {
                while let Some(chunk) = self.chunk().filter(|chunk| !chunk.is_empty()) {
                    body.extend(chunk);
                }
            }
        }
        Reply {
            code: self.code,
            head: self.head,
            body,
        }
    }

    /// The next chunk, or none at the clean end. A broken one is an empty chunk.
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = String::new();
        if self.body.read_line(&mut size).unwrap_or(0) == 0 {
            return Some(Vec::new());
        }
        let Ok(size) = usize::from_str_radix(size.trim(), 16) else {
            return Some(Vec::new());
        };
        let mut chunk = vec![0; size + 2];
        if self.body.read_exact(&mut chunk).is_err() {
            return Some(Vec::new());
        }
        chunk.truncate(size);
        (size > 0).then_some(chunk)
    }

    /// The next line, or how it ended.
    pub fn text(&mut self) -> Result<String, End> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(String::from_utf8(line)
                    .expect("a line is UTF-8")
                    .trim_end()
                    .to_owned());
            }
            match self.chunk() {
                None => return Err(End::Clean),
                Some(chunk) if chunk.is_empty() => return Err(End::Broken),
                Some(chunk) => self.buffer.extend(chunk),
            }
        }
    }

    /// The next line as JSON, which must come.
    pub fn line(&mut self) -> Value {
        let text = self.text().expect("a line comes");
        serde_json::from_str(&text).expect("a line is JSON")
    }

    /// The next line as its type and the name and resourceVersion of its object.
    pub fn brief(&mut self) -> String {
        let line = self.line();
        let metadata = &line["object"]["metadata"];
        format!(
            "{} {} {}",
            line["type"].as_str().unwrap_or_default(),
            metadata["name"].as_str().unwrap_or_default(),
            metadata["resourceVersion"].as_str().unwrap_or_default()
        )
    }

    /// How it ends, where nothing more comes.
    pub fn end(&mut self) -> End {
        self.text().expect_err("nothing more comes")
    }

    /// What came of a line that was never finished.
    pub fn rest(&self) -> &[u8] {
        &self.buffer
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (there, value) = line.split_once(": ")?;
        there.eq_ignore_ascii_case(name).then_some(value)
    })
}
