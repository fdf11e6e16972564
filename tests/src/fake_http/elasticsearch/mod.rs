//! A strict Elasticsearch or OpenSearch: `GET /`, `_bulk`, who may what, and what was stored. Its answers to `_bulk` were
//! held against OpenSearch 2.19.6 and Elasticsearch 7.17.28 (`tests/tests/real`); where Elasticsearch 8 says it
//! otherwise, that is from its source. What it does not know is refused as an unknown path.
//!
//! - `bulk`: the lines of a bulk request, and the answers to its items
//! - `index`: indices, data streams and their documents
//! - `access`: users, API keys, privileges

mod access;
mod bulk;
mod index;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

pub use index::Document;

use access::Access;
use index::Index;

use super::{Handler, Reply, Request};

/// What the server says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Elasticsearch 7.17.
    Elasticsearch7,
    /// Elasticsearch 8.
    Elasticsearch8,
    /// Elasticsearch 9.
    Elasticsearch9,
    /// OpenSearch 1.3.
    OpenSearch1,
    /// OpenSearch 2.
    OpenSearch2,
    /// OpenSearch 3.
    OpenSearch3,
    /// Something that answers with this JSON.
    Other(&'static str),
}

impl Product {
    fn is_elasticsearch(self) -> bool {
        matches!(
            self,
            Product::Elasticsearch7 | Product::Elasticsearch8 | Product::Elasticsearch9
        )
    }

    fn version(self) -> &'static str {
        match self {
            Product::Elasticsearch7 => "7.17.28",
            Product::Elasticsearch8 => "8.18.0",
            Product::Elasticsearch9 => "9.1.0",
            Product::OpenSearch1 => "1.3.20",
            Product::OpenSearch2 => "2.19.6",
            Product::OpenSearch3 => "3.2.0",
            Product::Other(_) => "",
        }
    }

    fn major(self) -> u32 {
        let major = self.version().split('.').next();
        major.and_then(|major| major.parse().ok()).unwrap_or(0)
    }

    /// The type of the error for a document that cannot be parsed.
    fn parsing_exception(self) -> &'static str {
        match self {
            Product::Elasticsearch8 | Product::Elasticsearch9 => "document_parsing_exception",
            _ => "mapper_parsing_exception",
        }
    }

    /// The type of the error for an item that there is no room for.
    fn rejected_exception(self) -> &'static str {
        if self.is_elasticsearch() {
            "es_rejected_execution_exception"
        } else {
            "rejected_execution_exception"
        }
    }
}

/// What it knows, and how it is.
pub struct Elasticsearch {
    product: Product,
    indices: BTreeMap<String, Index>,
    /// Beginnings of the names of data streams.
    streams: BTreeSet<String>,
    /// Fields whose values must be whole numbers.
    numbers: BTreeSet<String>,
    /// Items that are rejected from now on.
    rejected: usize,
    access: Access,
    bulk_requests: u64,
    body_bytes_max: usize,
    made: u64,
}

impl Elasticsearch {
    /// An empty one where everybody may do all.
    pub fn new(product: Product) -> Elasticsearch {
        Elasticsearch {
            product,
            indices: BTreeMap::new(),
            streams: BTreeSet::new(),
            numbers: BTreeSet::new(),
            rejected: 0,
            access: Access::default(),
            bulk_requests: 0,
            body_bytes_max: 100 * 1024 * 1024,
            made: 0,
        }
    }

    /// All names that begin like this are data streams: they take `create` only, with an `@timestamp`.
    #[must_use]
    pub fn data_streams(mut self, beginning: &str) -> Elasticsearch {
        self.streams.insert(beginning.to_owned());
        self
    }

    /// A mapping: documents where this field of the top level is no whole number are refused.
    #[must_use]
    pub fn whole_number(mut self, field: &str) -> Elasticsearch {
        self.numbers.insert(field.to_owned());
        self
    }

    /// Only who has credentials gets in; this user has them. Its privileges are all, until
    /// [`Elasticsearch::privileges`] says otherwise.
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Elasticsearch {
        self.access.user(name, password);
        self
    }

    /// Only who has credentials gets in; this is one, as `Authorization: ApiKey` has it.
    #[must_use]
    pub fn api_key(mut self, encoded: &str) -> Elasticsearch {
        self.access.api_key(encoded);
        self
    }

    /// From now on everybody has only these privileges (as `create_doc`, `index`, `auto_configure`, `write`, `all`) on
    /// indices whose names begin like this.
    pub fn privileges(&mut self, beginning: &str, privileges: &[&str]) {
        self.access.privileges(beginning, privileges);
    }

    /// No credentials are good any more.
    pub fn revoke(&mut self) {
        self.access.revoke();
    }

    /// What a bulk request may have, unpacked; more is HTTP 413. 100 MiB until then.
    pub fn set_body_bytes_max(&mut self, bytes: usize) {
        self.body_bytes_max = bytes;
    }

    /// The next so many items are rejected with 429, as by a full queue.
    pub fn reject_items(&mut self, count: usize) {
        self.rejected = count;
    }

    /// Names of all indices and data streams.
    pub fn indices(&self) -> Vec<String> {
        self.indices.keys().cloned().collect()
    }

    /// A document.
    pub fn document(&self, index: &str, id: &str) -> Option<&Document> {
        self.indices.get(index)?.documents.get(id)
    }

    /// All documents of an index or a data stream, by id.
    pub fn documents(&self, index: &str) -> Vec<&Document> {
        let index = self.indices.get(index);
        index.map_or_else(Vec::new, |index| index.documents.values().collect())
    }

    /// How many documents there are in all.
    pub fn count(&self) -> usize {
        let counts = self.indices.values().map(|index| index.documents.len());
        counts.sum()
    }

    /// How many bulk requests were processed.
    pub fn bulk_requests(&self) -> u64 {
        self.bulk_requests
    }

    fn is_stream(&self, name: &str) -> bool {
        let mut streams = self.streams.iter();
        streams.any(|beginning| name.starts_with(beginning.as_str()))
    }

    fn route(&mut self, request: &Request) -> Reply {
        if let Some(refused) = self.access.refuse(request) {
            return refused;
        }
        let path: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), path.as_slice()) {
            ("GET", [""]) => Reply::json(200, &self.about()),
            ("HEAD", [""]) => Reply::empty(200),
            ("POST" | "PUT", ["_bulk"]) => self.bulk(request, None),
            ("POST" | "PUT", [index, "_bulk"]) => self.bulk(request, Some(index)),
            ("GET", ["_security", "_authenticate"]) if self.product.is_elasticsearch() => {
                Reply::json(200, &self.access.authenticate(request))
            }
            ("GET" | "POST", ["_security", "user", "_has_privileges"])
                if self.product.is_elasticsearch() =>
            {
                self.access.has_privileges(request)
            }
            ("HEAD", [name]) => Reply::empty(if self.indices.contains_key(*name) {
                200
            } else {
                404
            }),
            (method, _) => Reply::json(
                400,
                &json!({"error": format!("no handler found for uri [{}] and method [{method}]", request.path)}),
            ),
        }
    }

    /// The answer to `GET /`.
    fn about(&self) -> Value {
        if let Product::Other(answer) = self.product {
            return serde_json::from_str(answer).expect("the test gave JSON");
        }
        let number = self.product.version();
        if self.product.is_elasticsearch() {
            return json!({
                "name": "fake", "cluster_name": "fake", "cluster_uuid": "gKNVh_8cRYCOjgEQA4k4Ig",
                "version": {
                    "number": number, "build_flavor": "default", "build_type": "docker",
                    "build_hash": "139cb5a961d8de68b8e02c45cc47f5289a3623af", "build_date": "2025-02-20T09:05:31.349013687Z",
                    "build_snapshot": false, "lucene_version": "9.12.0",
                    "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
                },
                "tagline": "You Know, for Search",
            });
        }
        json!({
            "name": "fake", "cluster_name": "fake", "cluster_uuid": "gKNVh_8cRYCOjgEQA4k4Ig",
            "version": {
                "distribution": "opensearch", "number": number, "build_type": "tar",
                "build_hash": "97d3c13bf22a4a72ac11dc503fe44c97662b9161", "build_date": "2026-07-01T04:27:16.038403104Z",
                "build_snapshot": false, "lucene_version": "9.12.3",
                "minimum_wire_compatibility_version": "7.10.0", "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "The OpenSearch Project: https://opensearch.org/",
        })
    }
}

impl Handler for Elasticsearch {
    fn answer(&mut self, request: &Request) -> Reply {
        let reply = self.route(request);
        if self.product.is_elasticsearch() {
            return reply.with("x-elastic-product", "Elasticsearch");
        }
        reply
    }
}

/// A refusal as the real ones write it.
fn refusal(code: u16, kind: &str, reason: &str) -> Reply {
    let cause = json!({"type": kind, "reason": reason});
    Reply::json(
        code,
        &json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": code}),
    )
}
