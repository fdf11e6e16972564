//! The sink `webhook`: events to one HTTP endpoint, one request an event or several in one.
//!
//! README.md has the settings, and what each answer of the endpoint means.

mod cloud_event;
mod settings;

use serde::Deserialize;
use weir_plugin::http::Request;
use weir_plugin::sink_http::{Address, Answer, Rendered, deliver, describe, each};
use weir_plugin::{Batch, BatchEvent, Outcome, Probe, Result, Sink, secret};

use settings::{CloudEvents, Pack, Settings};

#[derive(Deserialize)]
#[serde(from = "Settings")]
struct Webhook {
    settings: Settings,
    /// What `setup` makes of `endpoint`.
    address: Option<Address>,
    authorization: Option<String>,
}

impl From<Settings> for Webhook {
    fn from(settings: Settings) -> Webhook {
        Webhook {
            settings,
            address: None,
            authorization: None,
        }
    }
}

impl Sink for Webhook {
    fn setup(&mut self) -> Result {
        self.settings.check()?;
        let address = self.settings.address()?;
        let own = address.authorization().map(str::to_owned);
        self.authorization = self.settings.authorization()?.or(own);
        self.address = Some(address);
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        if self.settings.pack == Pack::Single {
            return Ok(deliver(batch, each(batch), |(), events| {
                Ok(self.send_one(&batch.event(events[0])))
            }));
        }
        let groups = self.settings.headers.group(batch);
        Ok(deliver(batch, groups, |headers, events| {
            Ok(self.send_several(batch, headers, events))
        }))
    }
}

impl Webhook {
    fn send_one(&self, event: &BatchEvent<'_>) -> Answer {
        let made = self.settings.headers.render(event);
        let made = made.and_then(|headers| Ok((headers, self.content(event)?)));
        let (headers, content) = match made {
            Ok(made) => made,
            // It is about this template and this event: the next one may be rendered.
            Err(error) => return Answer::Refused(error.into_message()),
        };
        let mut request = self.request();
        if self.settings.cloud_events == Some(CloudEvents::Binary) {
            request.headers.extend(cloud_event::headers(event));
        }
        self.send(request, headers, content)
    }

    fn send_several(&self, batch: &Batch, headers: &Rendered, events: &[u32]) -> Answer {
        let is_array = self.settings.pack == Pack::Array;
        let mut body = String::from(if is_array { "[" } else { "" });
        let mut count = 0;
        for index in events {
            let event = batch.event(*index);
            let content = match self.content(&event) {
                Ok(content) => content,
                Err(error) => {
                    event.reject(error.message());
                    continue;
                }
            };
            if is_array && count > 0 {
                body.push(',');
            }
            if is_array {
                body.push_str(&content);
            } else {
                // A line feed would end the line; between the parts of JSON it means as much as a space.
                body.push_str(&content.replace('\n', " "));
                body.push('\n');
            }
            count += 1;
        }
        if is_array {
            body.push(']');
        }
        if count == 0 {
            return Answer::Accepted;
        }
        self.send(self.request(), headers.clone(), body)
    }

    /// What is sent of an event.
    fn content(&self, event: &BatchEvent<'_>) -> Result<String> {
        let document = match &self.settings.body {
            Some(body) => body
                .render(event)
                .map_err(|error| format!("body: {}", error.message()))?,
            None => event.document(),
        };
        if self.settings.cloud_events == Some(CloudEvents::Structured) {
            return cloud_event::structured(event, &document);
        }
        Ok(document)
    }

    fn request(&self) -> Request {
        let mut request = self.to_endpoint(&self.settings.method);
        request = request.header("content-type", self.settings.content_type());
        request
    }

    fn to_endpoint(&self, method: &str) -> Request {
        let url = self.address.as_ref().map_or("", Address::url);
        let request = Request::new(method, url);
        match &self.authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        }
    }

    fn send(&self, request: Request, headers: Rendered, body: String) -> Answer {
        let mut request = request.replacing_headers(headers).body(body);
        if let Some(hmac) = &self.settings.hmac {
            let signature = secret::hmac_sha256(&hmac.secret, &request.body);
            request = request.header(&hmac.header, hmac.value(&signature));
        }
        Answer::of(&request.send())
    }
}

/// `OPTIONS` is a safe method: it asks what there is, and nobody delivers anything by it.
impl Probe for Webhook {
    fn probe(&mut self) -> Result<String> {
        let request = self
            .to_endpoint("OPTIONS")
            .replacing_headers(self.settings.headers.constant());
        let response = request.send()?;
        let origin = self.address.as_ref().map_or("", Address::origin);
        let line = format!("{origin}: OPTIONS {}", describe(&response));
        match response.status {
            401 | 403 | 407 | 500.. if response.status != 501 => Err(line)?,
            404 | 405 | 501 => Ok(format!(
                "{line}\nthat is an answer to OPTIONS alone: whether {} is taken shows with the first event",
                self.settings.method
            )),
            _ => Ok(line),
        }
    }
}

weir_plugin::register!(sink-probe: Webhook);

#[cfg(test)]
mod tests;
