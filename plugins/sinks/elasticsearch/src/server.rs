//! Which product a server is, and which version.

use std::fmt;

use weir_plugin::Result;
use weir_plugin::http::Response;
use weir_plugin::sink_http::describe;

use crate::json;

/// What `GET /` says.
pub(crate) struct Server {
    pub(crate) cluster: String,
    version: String,
    /// `opensearch`; Elasticsearch has none.
    distribution: String,
    /// `serverless`, `default`, …
    flavor: String,
}

impl Server {
    /// Reads the answer to `GET /`.
    ///
    /// # Errors
    /// It is an error, or not of Elasticsearch or OpenSearch.
    pub(crate) fn read(response: &Response) -> Result<Server> {
        if !response.is_success() {
            Err(format!("GET / {}", describe(response)))?;
        }
        let answer = response.text();
        let version = json::word(&answer, &["version", "number"]);
        if version.is_empty() {
            Err(format!(
                "GET / {}: that is neither Elasticsearch nor OpenSearch: check the address",
                describe(response)
            ))?;
        }
        Ok(Server {
            cluster: json::word(&answer, &["cluster_name"]),
            version,
            distribution: json::word(&answer, &["version", "distribution"]),
            flavor: json::word(&answer, &["version", "build_flavor"]),
        })
    }

    pub(crate) fn is_opensearch(&self) -> bool {
        self.distribution == "opensearch"
    }

    /// Elasticsearch 6 and older want a type, 7 warns of it, 8 refuses it; OpenSearch began without.
    pub(crate) fn has_types(&self) -> bool {
        let major = self.version.split('.').next();
        let major = major.and_then(|text| text.parse::<u32>().ok());
        !self.is_opensearch() && major.is_some_and(|major| major < 7)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_opensearch() {
            "OpenSearch"
        } else {
            "Elasticsearch"
        };
        match self.flavor.as_str() {
            "serverless" => write!(out, "{name} serverless"),
            _ => write!(out, "{name} {}", self.version),
        }
    }
}
