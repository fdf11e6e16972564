//! What sinks that speak HTTP share: addresses, headers, credentials, what answers mean, isolating what is refused.
//!
//! A whole sink, which posts events in arrays:
//!
//! ```
//! use serde::Deserialize;
//! use weir_plugin::http::Request;
//! use weir_plugin::sink_http::{Answer, Basic, Headers, Hosts, array, deliver};
//! use weir_plugin::{Batch, Outcome, Probe, Result, Sink, sink_http};
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Hook {
//!     urls: Vec<String>,
//!     #[serde(default)]
//!     headers: Headers,
//!     #[serde(default)]
//!     basic: Option<Basic>,
//!     #[serde(skip)]
//!     hosts: Hosts,
//!     #[serde(skip)]
//!     authorization: Option<String>,
//! }
//!
//! impl Sink for Hook {
//!     fn setup(&mut self) -> Result {
//!         self.hosts = Hosts::new("urls", &self.urls)?;
//!         self.authorization = self.basic.as_ref().map(Basic::header);
//!         Ok(())
//!     }
//!
//!     fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
//!         Ok(deliver(batch, self.headers.group(batch), |headers, events| {
//!             let mut request = Request::post("/events").header("content-type", "application/json");
//!             if let Some(value) = &self.authorization {
//!                 request = request.header("authorization", value);
//!             }
//!             let request = request.replacing_headers(headers.clone()).body(array(batch, events));
//!             Ok(Answer::of(&self.hosts.send(&request)))
//!         }))
//!     }
//! }
//!
//! impl Probe for Hook {
//!     fn probe(&mut self) -> Result<String> {
//!         let response = self.hosts.send(&Request::new("HEAD", "/events"))?;
//!         Ok(format!("reachable: {}", sink_http::describe(&response)))
//!     }
//! }
//!
//! weir_plugin::register!(sink-probe: Hook);
//! ```
//!
//! Where a request's size is bounded, `send` looks at the body that it made and answers [`Answer::TooLarge`] instead of
//! sending it: [`deliver`] halves the piece.

mod address;
mod answer;
mod authorization;
mod deliver;
mod group;
mod headers;
mod hosts;

pub use address::Address;
pub use answer::{Answer, describe, excerpt};
pub use authorization::{Basic, token};
pub use deliver::{deliver, each, whole};
pub use group::{array, group, ndjson, quoted};
pub use headers::{Headers, Rendered};
pub use hosts::Hosts;

#[cfg(test)]
mod tests;
