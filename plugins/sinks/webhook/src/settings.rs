//! The settings, and what is wrong with them.

use serde::Deserialize;
use weir_plugin::Result;
use weir_plugin::sink_http::{Address, Basic, Headers, token};
use weir_plugin::template::Template;

/// What users write; README.md explains each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Settings {
    endpoint: String,
    #[serde(default)]
    pub(crate) headers: Headers,
    #[serde(default = "post")]
    pub(crate) method: String,
    #[serde(default)]
    pub(crate) body: Option<Template>,
    #[serde(rename = "batch", default)]
    pub(crate) pack: Pack,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    pub(crate) hmac: Option<Hmac>,
    #[serde(default)]
    pub(crate) cloud_events: Option<CloudEvents>,
    #[serde(default)]
    basic: Option<Basic>,
    #[serde(default)]
    bearer: Option<String>,
}

/// How many events are in one request, and how.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pack {
    #[default]
    Single,
    Array,
    Ndjson,
}

/// The two ways of CloudEvents over HTTP.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CloudEvents {
    /// An envelope around the document.
    Structured,
    /// Headers beside the document.
    Binary,
}

/// A signature of the body.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hmac {
    pub(crate) secret: String,
    #[serde(default = "github_header")]
    pub(crate) header: String,
    #[serde(default = "github_prefix")]
    prefix: String,
}

impl Hmac {
    /// The header's value.
    pub(crate) fn value(&self, signature: &[u8]) -> String {
        let mut value = self.prefix.clone();
        for byte in signature {
            value.push_str(&format!("{byte:02x}"));
        }
        value
    }
}

fn post() -> String {
    "POST".to_owned()
}

/// GitHub's, which most receivers can check.
fn github_header() -> String {
    "X-Hub-Signature-256".to_owned()
}

fn github_prefix() -> String {
    "sha256=".to_owned()
}

impl Settings {
    /// What goes together.
    ///
    /// # Errors
    /// Names the setting.
    pub(crate) fn check(&self) -> Result {
        if !["POST", "PUT", "PATCH"].contains(&self.method.as_str()) {
            Err(format!(
                "method: `{}`: expected POST, PUT or PATCH",
                self.method
            ))?;
        }
        match (self.cloud_events, self.pack) {
            (Some(CloudEvents::Binary), Pack::Array | Pack::Ndjson) => {
                Err(
                    "cloudEvents: binary has its attributes in headers, so it needs `batch: single`",
                )?;
            }
            (Some(CloudEvents::Structured), Pack::Ndjson) => {
                Err("cloudEvents: structured goes with `batch: single` or `array`")?;
            }
            _ => {}
        }
        if self.cloud_events == Some(CloudEvents::Structured) && self.content_type.is_some() {
            Err("contentType: cloudEvents: structured has its own, leave it out")?;
        }
        if self
            .hmac
            .as_ref()
            .is_some_and(|hmac| hmac.secret.is_empty())
        {
            Err("hmac.secret: expected a key, as in ${env:KEY}")?;
        }
        Ok(())
    }

    /// Where events go.
    ///
    /// # Errors
    /// `endpoint` is no address.
    pub(crate) fn address(&self) -> Result<Address> {
        let address = Address::new(&self.endpoint);
        address.map_err(|error| format!("endpoint: {}", error.message()).into())
    }

    /// The value of `authorization`.
    ///
    /// # Errors
    /// There are two, or the token cannot be one.
    pub(crate) fn authorization(&self) -> Result<Option<String>> {
        match (&self.basic, &self.bearer) {
            (Some(_), Some(_)) => Err("expected `basic` or `bearer`, not both")?,
            (Some(basic), None) => Ok(Some(basic.header())),
            (None, Some(text)) => {
                let value = token("Bearer", text);
                Ok(Some(
                    value.map_err(|error| format!("bearer: {}", error.message()))?,
                ))
            }
            (None, None) => Ok(None),
        }
    }

    /// The value of `content-type`.
    pub(crate) fn content_type(&self) -> &str {
        match (self.cloud_events, self.pack, &self.content_type) {
            (Some(CloudEvents::Structured), Pack::Array, _) => "application/cloudevents-batch+json",
            (Some(CloudEvents::Structured), _, _) => "application/cloudevents+json",
            (_, _, Some(own)) => own,
            (_, Pack::Ndjson, None) => "application/x-ndjson",
            (_, _, None) => "application/json",
        }
    }
}
