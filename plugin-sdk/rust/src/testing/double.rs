//! The host's functions by the names of the contract, answered from the [`Host`] of this thread.
//!
//! The signatures are those that wit-bindgen generates, so that [`crate::raw`] can name either.

use std::cell::RefCell;

use serde_json::Value;

use super::host::Host;
use super::{document, fields, read};

thread_local! {
    static CURRENT: RefCell<Host> = RefCell::new(Host::default());
}

/// Runs with this double as the host of the thread.
pub(crate) fn with_host<T>(double: &mut Host, call: impl FnOnce() -> T) -> T {
    CURRENT.with_borrow_mut(|current| std::mem::swap(current, double));
    let answer = call();
    CURRENT.with_borrow_mut(|current| std::mem::swap(current, double));
    answer
}

fn current<T>(read: impl FnOnce(&mut Host) -> T) -> T {
    CURRENT.with_borrow_mut(read)
}

fn at_hand<T>(read: impl FnOnce(&mut Value) -> T) -> T {
    current(|host| {
        let selected = host.selected;
        read(
            host.events
                .get_mut(selected)
                .expect("there is an event at hand"),
        )
    })
}

pub(crate) mod event {
    use super::{at_hand, read};

    fn first(pointers: &[&str]) -> String {
        at_hand(|event| read::first(event, pointers))
    }

    pub(crate) fn id() -> String {
        at_hand(|event| read::id(event))
    }

    pub(crate) fn severity() -> String {
        first(&["/type"])
    }

    pub(crate) fn reason() -> String {
        first(&["/reason"])
    }

    pub(crate) fn message() -> String {
        first(&["/message"])
    }

    pub(crate) fn namespace() -> String {
        first(&["/metadata/namespace"])
    }

    pub(crate) fn object_kind() -> String {
        first(&["/involvedObject/kind"])
    }

    pub(crate) fn object_name() -> String {
        first(&["/involvedObject/name"])
    }

    pub(crate) fn component() -> String {
        first(&["/source/component", "/reportingComponent"])
    }

    pub(crate) fn node() -> String {
        first(&["/source/host", "/reportingInstance"])
    }

    pub(crate) fn count() -> u32 {
        at_hand(|event| read::count(event))
    }

    pub(crate) fn timestamp() -> u64 {
        at_hand(|event| read::timestamp(event))
    }

    pub(crate) fn text(pointer: &str) -> Option<String> {
        at_hand(|event| read::text(event, pointer).map(str::to_owned))
    }

    pub(crate) fn json(pointer: &str) -> Option<String> {
        at_hand(|event| event.pointer(pointer).map(ToString::to_string))
    }
}

pub(crate) mod change {
    use serde_json::Value;

    use super::{at_hand, current, document};

    pub(crate) fn set(pointer: &str, json: &str) -> Result<(), String> {
        let value =
            serde_json::from_str(json).map_err(|error| format!("{pointer}: not JSON: {error}"))?;
        at_hand(|event| document::set(event, pointer, value))
    }

    pub(crate) fn remove(pointer: &str) {
        at_hand(|event| document::remove(event, pointer));
    }

    pub(crate) fn emit(json: &str) -> Result<(), String> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| format!("not JSON: {error}"))?;
        if !value.is_object() {
            return Err("an event is a JSON object".to_owned());
        }
        current(|host| host.emitted.push(value));
        Ok(())
    }
}

pub(crate) mod host {
    use super::current;

    pub(crate) enum Level {
        Debug,
        Info,
        Warn,
        Error,
    }

    pub(crate) fn log(level: Level, message: &str) {
        let level = match level {
            Level::Debug => crate::host::Level::Debug,
            Level::Info => crate::host::Level::Info,
            Level::Warn => crate::host::Level::Warn,
            Level::Error => crate::host::Level::Error,
        };
        current(|host| host.logs.push((level, message.to_owned())));
    }

    pub(crate) fn print(fd: u8, bytes: &[u8]) {
        current(|host| host.printed.push((fd, bytes.to_vec())));
    }

    pub(crate) fn now() -> u64 {
        current(|host| host.now_ms)
    }

    pub(crate) fn random() -> u64 {
        current(super::Host::next_random)
    }

    pub(crate) fn count(name: &str, by: u32) {
        current(|host| *host.counters.entry(name.to_owned()).or_default() += u64::from(by));
    }
}

pub(crate) mod state {
    use super::current;

    pub(crate) fn get(key: &str) -> Option<Vec<u8>> {
        current(|host| host.state.get(key, host.now_ms))
    }

    pub(crate) fn put(key: &str, value: &[u8], ttl: u32) {
        current(|host| host.state.put(key, value, ttl, host.now_ms));
    }

    pub(crate) fn add(key: &str, by: i32, ttl: u32) -> i64 {
        current(|host| host.state.add(key, by, ttl, host.now_ms))
    }
}

pub(crate) mod http {
    use super::current;

    pub(crate) struct Request {
        pub(crate) method: String,
        pub(crate) url: String,
        pub(crate) headers: Vec<(String, String)>,
        pub(crate) body: Vec<u8>,
        pub(crate) timeout: u32,
    }

    pub(crate) struct Response {
        pub(crate) status: u16,
        pub(crate) headers: Vec<(String, String)>,
        pub(crate) body: Vec<u8>,
    }

    pub(crate) fn send(request: &Request) -> Result<Response, String> {
        let timeout = std::time::Duration::from_millis(u64::from(request.timeout));
        let sent = crate::http::Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body: request.body.clone(),
            timeout: Some(timeout).filter(|timeout| !timeout.is_zero()),
        };
        let crate::http::Response {
            status,
            headers,
            body,
        } = current(|host| host.exchange(sent))?;
        Ok(Response {
            status,
            headers,
            body,
        })
    }
}

pub(crate) mod secret {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    /// Not what a header will hold: the real host answers with a placeholder, too.
    pub(crate) fn basic(user: &str, password: &str) -> String {
        format!("<basic {user}:{password}>")
    }

    pub(crate) fn hmac_sha256(key: &str, data: &[u8]) -> Vec<u8> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("HMAC takes a key of any length");
        mac.update(data);
        mac.finalize().into_bytes().to_vec()
    }
}

pub(crate) mod template {
    use super::{at_hand, fields};

    pub(crate) fn check(template: &str) -> Result<(), String> {
        fields::check(template)
    }

    pub(crate) fn render(template: &str) -> Result<String, String> {
        at_hand(|event| fields::render(template, event))
    }
}

pub(crate) mod file {
    use super::current;

    pub(crate) struct Rotation {
        pub(crate) size: u32,
        pub(crate) every: u32,
        pub(crate) backups: u32,
        pub(crate) age: u32,
        pub(crate) compress: bool,
    }

    pub(crate) fn append(path: &str, lines: &[u8], rotation: Rotation) -> Result<(), String> {
        let Rotation {
            size,
            every,
            backups,
            age,
            compress,
        } = rotation;
        let rotation = crate::file::Rotation {
            size,
            every,
            backups,
            age,
            compress,
        };
        current(|host| {
            if let Some(error) = host.file_errors.pop_front() {
                return Err(error);
            }
            host.appended
                .push((path.to_owned(), lines.to_vec(), rotation));
            Ok(())
        })
    }
}

pub(crate) mod output {
    use super::current;

    pub(crate) fn write(bytes: &[u8]) -> Result<(), String> {
        current(|host| {
            if let Some(error) = host.output_errors.pop_front() {
                return Err(error);
            }
            host.output.push(bytes.to_vec());
            Ok(())
        })
    }
}

pub(crate) mod batch {
    use super::current;

    fn count(length: usize) -> u32 {
        u32::try_from(length).expect("a test's batch is small")
    }

    fn place(index: u32, size: usize) -> usize {
        let index = index as usize;
        assert!(
            index < size,
            "index {index} is past the end of a batch of {size}"
        );
        index
    }

    pub(crate) fn size() -> u32 {
        current(|host| count(host.events.len()))
    }

    pub(crate) fn select(index: u32) {
        current(|host| host.selected = place(index, host.events.len()));
    }

    pub(crate) fn document(index: u32) -> String {
        current(|host| host.document(place(index, host.events.len())))
    }

    pub(crate) fn documents(start: u32, end: u32) -> Vec<u8> {
        let documents = (start..end).map(|index| document(index) + "\n");
        documents.collect::<String>().into_bytes()
    }

    pub(crate) fn reject(index: u32, reason: &str) {
        current(|host| {
            host.rejected
                .insert(place(index, host.events.len()), reason.to_owned())
        });
    }

    pub(crate) fn retry(index: u32, reason: &str) {
        current(|host| {
            host.retried
                .insert(place(index, host.events.len()), reason.to_owned())
        });
    }

    pub(crate) fn retry_after(milliseconds: u32) {
        current(|host| {
            host.retry_after = Some(std::time::Duration::from_millis(u64::from(milliseconds)))
        });
    }
}
