//! The settings, and what `setup` makes of them.

use serde::Deserialize;
use weir_plugin::sink_http::{Headers, Hosts, token};
use weir_plugin::{Result, host, secret};

use crate::bulk::Writer;
use crate::cloud_id;
use crate::index::Index;

/// kubernetes-event-exporter's.
const DEFAULT_INDEX: &str = "kube-events";
/// kubernetes-event-exporter's, without `$ELASTICSEARCH_URL`: a plugin has no environment.
const DEFAULT_HOST: &str = "http://localhost:9200";

/// What users write; README.md explains each.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Settings {
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(rename = "cloudID", default)]
    cloud_id: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    api_key: String,
    #[serde(default)]
    pub(crate) headers: Headers,
    #[serde(rename = "useEventID", default)]
    use_event_id: bool,
    #[serde(default)]
    index: String,
    #[serde(default)]
    index_format: String,
    #[serde(rename = "type", default)]
    pub(crate) kind: String,
    #[serde(default)]
    labels: Labels,
}

/// What becomes of dots in the keys of labels and annotations.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
enum Labels {
    #[default]
    DeDot,
    Keep,
}

impl Settings {
    /// Whether nothing says where Elasticsearch is.
    pub(crate) fn is_default_host(&self) -> bool {
        self.hosts.is_empty() && self.cloud_id.is_empty()
    }

    /// The servers.
    ///
    /// # Errors
    /// `hosts` and `cloudID` are both there, or one of them is wrong.
    pub(crate) fn hosts(&self) -> Result<Hosts> {
        match (self.hosts.is_empty(), self.cloud_id.is_empty()) {
            (false, false) => Err("expected `hosts` or `cloudID`, not both")?,
            (false, true) => Hosts::new("hosts", &self.hosts),
            (true, false) => Hosts::new("cloudID", &[cloud_id::address(&self.cloud_id)?]),
            (true, true) => Hosts::new("hosts", &[DEFAULT_HOST]),
        }
    }

    /// The value of `authorization`. `apiKey` wins, as in kubernetes-event-exporter.
    ///
    /// # Errors
    /// `apiKey` is not in its Base64 form, or there is a password for nobody.
    pub(crate) fn authorization(&self) -> Result<Option<String>> {
        if !self.api_key.is_empty() {
            if self.api_key.contains(':') {
                Err(
                    "apiKey: expected the Base64 form (`encoded` in what made the key), not `id:key`",
                )?;
            }
            let value = token("ApiKey", &self.api_key)
                .map_err(|error| format!("apiKey: {}", error.message()))?;
            return Ok(Some(value));
        }
        if self.username.is_empty() && !self.password.is_empty() {
            Err("password: expected a `username` beside it")?;
        }
        let has_user = !self.username.is_empty();
        Ok(has_user.then(|| secret::basic(&self.username, &self.password)))
    }

    /// How events become documents; without a type, which only a server's version can allow.
    ///
    /// # Errors
    /// `index` or `indexFormat` makes no name of an index.
    pub(crate) fn writer(&self) -> Result<Writer> {
        let index = match (self.index_format.as_str(), self.index.as_str()) {
            ("", "") => Index::named(DEFAULT_INDEX)?,
            ("", name) => Index::named(name)?,
            (format, name) => {
                if !name.is_empty() {
                    host::info("indexFormat is used; index beside it means nothing");
                }
                Index::format(format)?
            }
        };
        Ok(Writer {
            index,
            is_updating: self.use_event_id,
            keeps_dots: self.labels == Labels::Keep,
            kind: None,
        })
    }
}
