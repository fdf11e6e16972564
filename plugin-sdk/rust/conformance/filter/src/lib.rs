//! What a filter can do with this crate, a word of the configuration each: `tests/conformance/README.md` says what is expected.

use std::hint::spin_loop;
use std::ops::Range;
use std::time::Duration;

use serde::Deserialize;
use weir_plugin::http::Request;
use weir_plugin::serde_json::json;
use weir_plugin::{Event, Filter, Result, Verdict, host, secret, state};

/// From 2020 to 2100, in milliseconds since the Unix epoch.
const PLAUSIBLE_MS: Range<u64> = 1_577_836_800_000..4_102_444_800_000;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Refuse,
    Keep,
    Drop,
    Error,
    Getters,
    Text,
    Json,
    Copy,
    Set,
    Remove,
    Emit,
    Config,
    Log,
    Print,
    Count,
    Now,
    Random,
    State,
    Ttl,
    Http,
    Basic,
    Hmac,
    Throw,
    Loop,
}

#[derive(Deserialize)]
struct Conformance {
    r#do: Word,
    #[serde(default)]
    text: String,
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    value: String,
    #[serde(default)]
    number: i64,
    #[serde(default)]
    list: Vec<String>,
    #[serde(default)]
    flag: bool,
    #[serde(default)]
    url: String,
    when: Option<String>,
}

impl Filter for Conformance {
    fn setup(&mut self) -> Result {
        match self.r#do {
            Word::Refuse => Err(self.text.as_str())?,
            _ => Ok(()),
        }
    }

    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        if self
            .when
            .as_ref()
            .is_some_and(|when| *when != event.reason())
        {
            return Ok(Verdict::Keep);
        }
        match self.r#do {
            Word::Drop => return Ok(Verdict::drop(&self.text)),
            Word::Error => Err(self.text.as_str())?,
            Word::Keep | Word::Refuse => {}
            Word::Getters | Word::Text | Word::Json | Word::Copy => self.read(event)?,
            Word::Set => event.set_json(&self.pointer, &self.value)?,
            Word::Remove => event.remove(&self.pointer),
            Word::Emit => event.emit_json(&self.value)?,
            Word::Config => {
                event.set("/out/text", &self.text)?;
                event.set("/out/number", &self.number)?;
                event.set("/out/list", &self.list)?;
                event.set("/out/flag", &self.flag)?;
            }
            Word::Log | Word::Print | Word::Count => self.tell()?,
            Word::Now => event.set("/out", &PLAUSIBLE_MS.contains(&host::now()))?,
            Word::Random => event.set("/out", &(host::random() != host::random()))?,
            Word::State | Word::Ttl => self.remember(event)?,
            Word::Http => self.send(event)?,
            Word::Basic => event.set("/out", &!secret::basic("user", "password").is_empty())?,
            Word::Hmac => {
                let signature = secret::hmac_sha256(&self.text, self.value.as_bytes());
                let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
                event.set("/out", &hex)?;
            }
            Word::Throw => panic!("{}", self.text),
            Word::Loop => loop {
                spin_loop();
            },
        }
        Ok(Verdict::Keep)
    }
}

impl Conformance {
    fn read(&self, event: &mut Event) -> Result {
        match self.r#do {
            Word::Text => match event.text(&self.pointer) {
                Some(text) => event.set("/out", &text),
                None => event.set("/out", &false),
            },
            Word::Json => match event.json(&self.pointer) {
                Some(json) => event.set_json("/out", &json),
                None => event.set("/out", &false),
            },
            Word::Copy => event.set("/out", &event.message()),
            _ => {
                let all = json!({
                    "id": event.id(),
                    "severity": event.severity(),
                    "reason": event.reason(),
                    "message": event.message(),
                    "namespace": event.namespace(),
                    "kind": event.object_kind(),
                    "name": event.object_name(),
                    "component": event.component(),
                    "node": event.node(),
                    "count": event.count(),
                    "timestamp": event.timestamp(),
                });
                event.set("/out", &all)
            }
        }
    }

    fn tell(&self) -> Result {
        match self.r#do {
            Word::Print => host::print(format!("{}\n", self.text)),
            Word::Count => host::count(&self.text, u32::try_from(self.number)?),
            _ => {
                host::debug(&self.text);
                host::info(&self.text);
                host::warn(&self.text);
                host::error(&self.text);
            }
        }
        Ok(())
    }

    fn remember(&self, event: &mut Event) -> Result {
        if matches!(self.r#do, Word::Ttl) {
            state::put("t", b"x", Some(Duration::from_millis(1)));
            let until = host::now() + 20;
            while host::now() < until {
                spin_loop();
            }
            return event.set("/out", &state::get("t").is_none());
        }
        let value = String::from_utf8(state::get("k").unwrap_or_default())?;
        state::put("k", format!("{value}x").as_bytes(), None);
        event.set("/out/value", &value)?;
        event.set("/out/sum", &state::add("n", -2, None))
    }

    fn send(&self, event: &mut Event) -> Result {
        let response = Request::post(&self.url)
            .header("x-test", &self.text)
            .body(self.value.as_str())
            .send()?;
        event.set("/out/status", &response.status)?;
        event.set("/out/body", &response.text())?;
        event.set(
            "/out/header",
            response.header("x-answer").unwrap_or_default(),
        )
    }
}

weir_plugin::register!(filter: Conformance);
