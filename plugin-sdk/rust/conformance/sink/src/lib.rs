//! What a sink can do with this crate, a word of the configuration each: `tests/conformance/README.md` says what is expected.

use std::hint::spin_loop;
use std::time::Duration;

use serde::Deserialize;
use weir_plugin::http::Request;
use weir_plugin::{Batch, Outcome, Result, Sink, host, output, state};

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Refuse,
    Documents,
    Each,
    Select,
    Some,
    Retry,
    Reject,
    Error,
    After,
    Past,
    Http,
    State,
    Log,
    Count,
    Throw,
    Loop,
}

#[derive(Deserialize)]
struct Conformance {
    r#do: Word,
    #[serde(default)]
    text: String,
    #[serde(default)]
    number: u32,
    #[serde(default)]
    url: String,
}

impl Sink for Conformance {
    fn setup(&mut self) -> Result {
        match self.r#do {
            Word::Refuse => Err(self.text.as_str())?,
            _ => Ok(()),
        }
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        match self.r#do {
            Word::Retry => return Ok(Outcome::retry(&self.text)),
            Word::Reject => return Ok(Outcome::reject(&self.text)),
            Word::Error => Err(self.text.as_str())?,
            Word::Http => return Ok(self.send(batch)),
            Word::Refuse => {}
            Word::Documents => output::write(&batch.documents(0..batch.size()))?,
            Word::Each => output::write(&lines(batch.events().map(|event| event.document())))?,
            Word::Select => output::write(&lines(batch.events().map(|event| event.reason())))?,
            Word::Some => {
                for event in batch.events() {
                    match event.reason().as_str() {
                        "Bad" => event.reject(&self.text),
                        "Later" => event.retry(&self.text),
                        _ => {}
                    }
                }
            }
            Word::After => batch.retry_after(Duration::from_millis(self.number.into())),
            Word::Past => {
                // Reading is what selects: the host is told of the event that is read.
                let past = batch.event(batch.size()).reason();
                output::write(past.as_bytes())?;
            }
            Word::State => {
                let value = String::from_utf8(state::get("k").unwrap_or_default())?;
                state::put("k", format!("{value}x").as_bytes(), None);
                let sum = state::add("n", -2, None);
                output::write(format!("{value} {sum}\n").as_bytes())?;
            }
            Word::Log => {
                host::debug(&self.text);
                host::info(&self.text);
                host::warn(&self.text);
                host::error(&self.text);
            }
            Word::Count => host::count(&self.text, self.number),
            Word::Throw => panic!("{}", self.text),
            Word::Loop => loop {
                spin_loop();
            },
        }
        Ok(Outcome::Done)
    }
}

impl Conformance {
    fn send(&self, batch: &Batch) -> Outcome {
        let request = Request::post(&self.url)
            .header("content-type", "application/x-ndjson")
            .body(batch.documents(0..batch.size()));
        match request.send() {
            Ok(response) if response.is_success() => Outcome::Done,
            Ok(response) => Outcome::retry(format!("HTTP {}", response.status)),
            Err(error) => Outcome::retry(error.message()),
        }
    }
}

fn lines(texts: impl Iterator<Item = String>) -> Vec<u8> {
    texts
        .map(|text| text + "\n")
        .collect::<String>()
        .into_bytes()
}

weir_plugin::register!(sink: Conformance);
