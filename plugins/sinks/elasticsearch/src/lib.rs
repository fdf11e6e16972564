//! The sink `elasticsearch`, which also ships as `opensearch`: events in an index or a data stream, by `_bulk`.
//!
//! Nothing is lost that a person can mend: such events come again, with a reason that says what to change. What an index
//! can never take is rejected. README.md has the settings and what each error means.

mod answer;
mod bulk;
mod cloud_id;
mod document;
mod index;
mod json;
mod layout;
mod probe;
mod server;
mod settings;

use serde::Deserialize;
use weir_plugin::http::Request;
use weir_plugin::sink_http::{Answer, Hosts, deliver};
use weir_plugin::{Batch, Error, Outcome, Result, Sink, host};

use bulk::Writer;
use server::Server;
use settings::Settings;

/// A larger body is split before it is sent: hosted services take no more than 10 MiB in their smallest sizes.
const BODY_BYTES_MAX: usize = 9 << 20;

#[derive(Deserialize)]
#[serde(from = "Settings")]
struct Elasticsearch {
    settings: Settings,
    hosts: Hosts,
    authorization: Option<String>,
    writer: Writer,
    /// Whether it is known what `type` means to the server.
    is_kind_settled: bool,
}

impl From<Settings> for Elasticsearch {
    fn from(settings: Settings) -> Elasticsearch {
        Elasticsearch {
            is_kind_settled: settings.kind.is_empty(),
            settings,
            hosts: Hosts::default(),
            authorization: None,
            writer: Writer::default(),
        }
    }
}

impl Sink for Elasticsearch {
    fn setup(&mut self) -> Result {
        self.hosts = self.settings.hosts()?;
        self.authorization = self.settings.authorization()?;
        self.writer = self.settings.writer()?;
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        if !self.is_kind_settled {
            self.settle_kind()?;
        }
        let groups = self.settings.headers.group(batch);
        Ok(deliver(batch, groups, |headers, events| {
            Ok(self.send(batch, headers, events))
        }))
    }
}

impl Elasticsearch {
    fn send(&mut self, batch: &Batch, headers: &[(String, String)], events: &[u32]) -> Answer {
        let body = self.writer.body(batch, events);
        if body.len() > BODY_BYTES_MAX && events.len() > 1 {
            return Answer::TooLarge(format!("the request would have {} bytes", body.len()));
        }
        let request = Request::post(format!("/_bulk?{}", answer::FILTER))
            .header("content-type", "application/x-ndjson")
            .body(body);
        let request = self.authorized(request).replacing_headers(headers.to_vec());
        match self.hosts.send(&request) {
            Ok(response) => answer::read(&response, batch, events),
            Err(error) => Answer::of(&Err(self.explained(error))),
        }
    }

    fn authorized(&self, request: Request) -> Request {
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    /// Nobody granted what nobody wrote.
    fn explained(&self, error: Error) -> Error {
        if self.settings.is_default_host() && error.message().starts_with("not granted") {
            return format!(
                "{}: neither `hosts` nor `cloudID` is set, and a plugin sees no $ELASTICSEARCH_URL: write `hosts`",
                error.message()
            )
            .into();
        }
        error
    }

    /// Asks the server's version, once: types are for Elasticsearch 6 and older, 8 refuses them.
    fn settle_kind(&mut self) -> Result {
        let request = self
            .authorized(Request::get("/"))
            .replacing_headers(self.settings.headers.constant());
        let sent = self.hosts.send(&request);
        let response = sent.map_err(|error| self.explained(error))?;
        let server = Server::read(&response)?;
        self.is_kind_settled = true;
        if server.has_types() {
            self.writer.kind = Some(self.settings.kind.clone());
        } else if self.settings.kind != "_doc" {
            host::warn(format!(
                "type: {server} has no types, so `{}` is left out; remove it",
                self.settings.kind
            ));
        }
        Ok(())
    }
}

weir_plugin::register!(sink-probe: Elasticsearch);

#[cfg(test)]
mod tests;
