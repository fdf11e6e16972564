//! The settings, and what `setup` makes of them.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use weir_plugin::sink_http::{Headers, Hosts, token};
use weir_plugin::{Result, host, secret};

use crate::bulk::Writer;
use crate::cloud_id;
use crate::index::Index;

/// kubernetes-event-exporter's.
const DEFAULT_INDEX: &str = "kube-events";
/// kubernetes-event-exporter's, without `$ELASTICSEARCH_URL`: a plugin has no environment.
const DEFAULT_HOST: &str = "http://localhost:9200";

/// The keys, for the error about an unknown one.
const KEYS: &[&str] = &[
    "hosts",
    "cloudID",
    "username",
    "password",
    "apiKey",
    "headers",
    "useEventID",
    "index",
    "indexFormat",
    "type",
    "labels",
];

/// What users write; README.md explains each.
#[derive(Default)]
pub(crate) struct Settings {
    hosts: Vec<String>,
    cloud_id: String,
    username: String,
    password: String,
    api_key: String,
    pub(crate) headers: Headers,
    use_event_id: bool,
    index: String,
    index_format: String,
    pub(crate) kind: String,
    /// What becomes of dots in the keys of labels and annotations; empty is `deDot`.
    labels: String,
}

/// By hand: what serde derives for eleven keys costs the module 8 kB more.
impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        deserializer.deserialize_map(Block)
    }
}

struct Block;

impl<'de> Visitor<'de> for Block {
    type Value = Settings;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of settings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
        let mut settings = Settings::default();
        while let Some(key) = map.next_key::<String>()? {
            let text = match key.as_str() {
                "hosts" => {
                    settings.hosts = map.next_value()?;
                    continue;
                }
                "headers" => {
                    settings.headers = map.next_value()?;
                    continue;
                }
                "useEventID" => {
                    settings.use_event_id = map.next_value()?;
                    continue;
                }
                "cloudID" => &mut settings.cloud_id,
                "username" => &mut settings.username,
                "password" => &mut settings.password,
                "apiKey" => &mut settings.api_key,
                "index" => &mut settings.index,
                "indexFormat" => &mut settings.index_format,
                "type" => &mut settings.kind,
                "labels" => &mut settings.labels,
                _ => return Err(A::Error::unknown_field(&key, KEYS)),
            };
            *text = map.next_value()?;
        }
        Ok(settings)
    }
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
    /// `index` or `indexFormat` makes no name of an index, or `labels` is neither `deDot` nor `keep`.
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
        let keeps_dots = match self.labels.as_str() {
            "" | "deDot" => false,
            "keep" => true,
            other => Err(format!("labels: `{other}`: expected `deDot` or `keep`"))?,
        };
        Ok(Writer {
            index,
            is_updating: self.use_event_id,
            keeps_dots,
            kind: None,
        })
    }
}
