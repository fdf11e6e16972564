//! A receiver of JSON over HTTP: keeps the bodies by id, checks signatures, and CloudEvents 1.0 where it is told to.
//! The id is that of the CloudEvent, else `id` of the body, else the header `idempotency-key` or `webhook-id`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha2::Sha256;

use super::{Handler, Reply, Request};

/// How a request must be signed.
#[derive(Debug, Clone)]
pub enum Signature {
    /// The HMAC-SHA256 of the body in hex, behind a prefix as `sha256=`, in this header.
    Hex {
        /// The header.
        header: String,
        /// What stands before the digits.
        prefix: String,
        /// The key.
        secret: Vec<u8>,
    },
    /// Standard Webhooks: `webhook-signature: v1,BASE64` over `webhook-id.webhook-timestamp.body`.
    Standard {
        /// The key.
        secret: Vec<u8>,
    },
}

/// How events must be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloudEvents {
    /// Attributes in `ce-…` headers, the data as the body.
    Binary,
    /// All in the body, `application/cloudevents+json`.
    Structured,
    /// A list of such, `application/cloudevents-batch+json`.
    Batch,
}

/// What it got, and how it is.
#[derive(Debug, Default)]
pub struct Webhook {
    signature: Option<Signature>,
    cloud_events: Option<CloudEvents>,
    received: BTreeMap<String, Vec<Value>>,
    without_id: Vec<Value>,
    refused: Vec<String>,
}

impl Webhook {
    /// One that takes any JSON.
    pub fn new() -> Webhook {
        Webhook::default()
    }

    /// Takes only what is signed so; else HTTP 401.
    #[must_use]
    pub fn signed(mut self, signature: Signature) -> Webhook {
        self.signature = Some(signature);
        self
    }

    /// Takes only valid CloudEvents; else HTTP 400.
    #[must_use]
    pub fn cloud_events(mut self, mode: CloudEvents) -> Webhook {
        self.cloud_events = Some(mode);
        self
    }

    /// All ids.
    pub fn ids(&self) -> Vec<String> {
        self.received.keys().cloned().collect()
    }

    /// All bodies that came with an id, in their order: more than one where it was sent again.
    pub fn bodies(&self, id: &str) -> &[Value] {
        self.received.get(id).map_or(&[], Vec::as_slice)
    }

    /// Bodies without an id, in their order.
    pub fn without_id(&self) -> &[Value] {
        &self.without_id
    }

    /// How many bodies (events, of a batch) were taken.
    pub fn count(&self) -> usize {
        let with_id = self.received.values().map(Vec::len).sum::<usize>();
        with_id + self.without_id.len()
    }

    /// Why requests were refused, in their order.
    pub fn refused(&self) -> &[String] {
        &self.refused
    }

    fn refuse(&mut self, code: u16, why: String) -> Reply {
        self.refused.push(why.clone());
        Reply::text(code, why)
    }

    fn take(&mut self, id: Option<String>, body: Value) {
        match id {
            Some(id) => self.received.entry(id).or_default().push(body),
            None => self.without_id.push(body),
        }
    }

    /// What is in a request, each with its id.
    fn read(&self, request: &Request) -> Result<Vec<(Option<String>, Value)>, String> {
        let media_type = request.media_type();
        let is_json = media_type == "application/json" || media_type.ends_with("+json");
        if !is_json {
            return Err(format!("content-type {media_type:?} is no JSON"));
        }
        let body: Value = serde_json::from_slice(&request.body)
            .map_err(|error| format!("the body is no JSON: {error}"))?;
        let id_of = |event: &Value| event["id"].as_str().map(str::to_owned);
        match self.cloud_events {
            Some(CloudEvents::Binary) => {
                let attributes = binary_attributes(request)?;
                check_attributes(&attributes)?;
                Ok(vec![(id_of(&attributes.into()), body)])
            }
            Some(CloudEvents::Structured) => {
                expect_type(&media_type, "application/cloudevents+json")?;
                check_structured(&body)?;
                Ok(vec![(id_of(&body), body)])
            }
            Some(CloudEvents::Batch) => {
                expect_type(&media_type, "application/cloudevents-batch+json")?;
                let events = body.as_array().ok_or("a batch is no list")?;
                events.iter().try_for_each(check_structured)?;
                Ok(events.iter().map(|it| (id_of(it), it.clone())).collect())
            }
            None => {
                let header = ["idempotency-key", "webhook-id"]
                    .into_iter()
                    .map(|name| request.header(name))
                    .find(|value| !value.is_empty());
                let id = id_of(&body).or_else(|| header.map(str::to_owned));
                Ok(vec![(id, body)])
            }
        }
    }
}

impl Handler for Webhook {
    fn answer(&mut self, request: &Request) -> Reply {
        if !["POST", "PUT"].contains(&request.method.as_str()) {
            let why = format!("{} is not allowed", request.method);
            return self.refuse(405, why);
        }
        if let Some(why) = self.signature.as_ref().and_then(|it| it.refuse(request)) {
            return self.refuse(401, why);
        }
        match self.read(request) {
            Err(why) => self.refuse(400, why),
            Ok(events) => {
                for (id, body) in events {
                    self.take(id, body);
                }
                Reply::empty(204)
            }
        }
    }
}

impl Signature {
    /// Why a request is not signed so.
    fn refuse(&self, request: &Request) -> Option<String> {
        match self {
            Signature::Hex {
                header,
                prefix,
                secret,
            } => {
                let given = request.header(header);
                let expected = format!("{prefix}{}", hex(&hmac(secret, &[&request.body])));
                (given != expected).then(|| format!("the signature in {header} is not good"))
            }
            Signature::Standard { secret } => {
                let (id, time) = (
                    request.header("webhook-id"),
                    request.header("webhook-timestamp"),
                );
                if id.is_empty() || time.parse::<u64>().is_err() {
                    return Some(
                        "webhook-id and webhook-timestamp (in seconds) are needed".to_owned(),
                    );
                }
                let signed = format!("{id}.{time}.");
                let code = hmac(secret, &[signed.as_bytes(), &request.body]);
                let expected = format!("v1,{}", BASE64_STANDARD.encode(code));
                let mut given = request.header("webhook-signature").split(' ');
                (!given.any(|it| it == expected))
                    .then(|| "the signature in webhook-signature is not good".to_owned())
            }
        }
    }
}

fn hmac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key may have any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn expect_type(given: &str, expected: &str) -> Result<(), String> {
    if given == expected {
        return Ok(());
    }
    Err(format!("content-type is {given:?}, not {expected:?}"))
}

/// The attributes in `ce-…` headers, with the percent-encoding of the HTTP binding undone.
fn binary_attributes(request: &Request) -> Result<Map<String, Value>, String> {
    let mut attributes = Map::new();
    for (name, value) in &request.headers {
        let Some(name) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let value = value
            .to_str()
            .map_err(|_| format!("ce-{name} has characters that must be percent-encoded"))?;
        attributes.insert(name.to_owned(), percent_decoded(name, value)?.into());
    }
    if attributes.contains_key("datacontenttype") {
        return Err("ce-datacontenttype must not be: it is Content-Type".to_owned());
    }
    Ok(attributes)
}

fn percent_decoded(name: &str, value: &str) -> Result<String, String> {
    if value.contains([' ', '"']) {
        return Err(format!(
            "ce-{name} has a space or a double quote that is not percent-encoded"
        ));
    }
    let mut decoded = Vec::new();
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let digits = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
        let digits = std::str::from_utf8(&digits).unwrap_or_default();
        let byte = u8::from_str_radix(digits, 16)
            .map_err(|_| format!("ce-{name} has a % without two hex digits"))?;
        decoded.push(byte);
    }
    String::from_utf8(decoded).map_err(|_| format!("ce-{name} is no UTF-8"))
}

fn check_structured(event: &Value) -> Result<(), String> {
    let event = event.as_object().ok_or("an event is no JSON object")?;
    if event.contains_key("data") && event.contains_key("data_base64") {
        return Err("an event has both data and data_base64".to_owned());
    }
    let mut attributes = event.clone();
    attributes.retain(|name, _| name != "data" && name != "data_base64");
    check_attributes(&attributes)
}

/// What CloudEvents 1.0 says of attributes.
fn check_attributes(attributes: &Map<String, Value>) -> Result<(), String> {
    for name in ["id", "source", "specversion", "type"] {
        let value = attributes.get(name).and_then(Value::as_str);
        if value.is_none_or(str::is_empty) {
            return Err(format!("attribute {name} is needed, as text"));
        }
    }
    if attributes["specversion"] != "1.0" {
        return Err(format!("specversion is {}", attributes["specversion"]));
    }
    for (name, value) in attributes {
        let is_word =
            |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
        if name.is_empty() || name.len() > 20 || !name.chars().all(is_word) {
            return Err(format!(
                "attribute {name:?} is not 1 to 20 lower-case letters and digits"
            ));
        }
        if !(value.is_string() || value.is_boolean() || value.is_i64()) {
            return Err(format!(
                "attribute {name} is {value}, not text, bool or int"
            ));
        }
    }
    let time = attributes
        .get("time")
        .map(|time| time.as_str().unwrap_or("?"));
    if let Some(time) = time.filter(|time| time.parse::<jiff::Timestamp>().is_err()) {
        return Err(format!("time is {time:?}, not RFC 3339"));
    }
    for name in ["subject", "dataschema", "datacontenttype"] {
        let value = attributes.get(name).map(|value| value.as_str());
        if value.is_some_and(|value| value.is_none_or(str::is_empty)) {
            return Err(format!("{name} is empty or no text"));
        }
    }
    Ok(())
}
