//! Which product a server is, and which version.

use std::fmt;

use serde::Deserialize;
use weir_plugin::Result;
use weir_plugin::http::Response;
use weir_plugin::sink_http::describe;

/// What `GET /` says.
#[derive(Deserialize)]
pub(crate) struct Server {
    #[serde(default)]
    pub(crate) cluster_name: String,
    version: Version,
}

#[derive(Deserialize)]
struct Version {
    number: String,
    /// `opensearch`; Elasticsearch has none.
    #[serde(default)]
    distribution: String,
    /// `serverless`, `default`, …
    #[serde(default)]
    build_flavor: String,
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
        response.json().map_err(|_| {
            format!(
                "GET / {}: that is neither Elasticsearch nor OpenSearch: check the address",
                describe(response)
            )
            .into()
        })
    }

    pub(crate) fn is_opensearch(&self) -> bool {
        self.version.distribution == "opensearch"
    }

    /// Elasticsearch 6 and older want a type, 7 warns of it, 8 refuses it; OpenSearch began without.
    pub(crate) fn has_types(&self) -> bool {
        let major = self.version.number.split('.').next();
        let major = major.and_then(|text| text.parse::<u32>().ok());
        !self.is_opensearch() && major.is_some_and(|major| major < 7)
    }
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version {
            number,
            build_flavor,
            ..
        } = &self.version;
        let name = if self.is_opensearch() {
            "OpenSearch"
        } else {
            "Elasticsearch"
        };
        match build_flavor.as_str() {
            "serverless" => write!(out, "{name} serverless"),
            _ => write!(out, "{name} {number}"),
        }
    }
}
