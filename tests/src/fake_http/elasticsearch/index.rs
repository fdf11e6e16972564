//! Indices and data streams, with their documents.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Product;

/// A document as it is, and how it came to be so.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its id.
    pub id: String,
    /// Its version, external or not.
    pub version: u64,
    /// Its contents.
    pub source: Value,
    /// How often it was created: once.
    pub created: u32,
    /// How often it was replaced.
    pub updated: u32,
    /// How often it was refused because it was there (or newer).
    pub conflicts: u32,
}

/// An index or a data stream.
pub(super) struct Index {
    pub name: String,
    pub is_stream: bool,
    pub documents: BTreeMap<String, Document>,
    sequence: u64,
}

/// What is written.
pub(super) struct Write {
    pub create: bool,
    pub id: String,
    /// The external version.
    pub version: Option<u64>,
    pub source: Value,
}

impl Index {
    pub(super) fn new(name: &str, is_stream: bool) -> Index {
        Index {
            name: name.to_owned(),
            is_stream,
            documents: BTreeMap::new(),
            sequence: 0,
        }
    }

    /// The index that documents really go to.
    pub(super) fn backing(&self, product: Product) -> String {
        match (self.is_stream, product.is_elasticsearch()) {
            (false, _) => self.name.clone(),
            (true, true) => format!(".ds-{}-2026.01.01-000001", self.name),
            (true, false) => format!(".ds-{}-000001", self.name),
        }
    }

    /// Writes a document; gives the answer's item without its action.
    pub(super) fn write(&mut self, product: Product, write: Write) -> Value {
        let backing = self.backing(product);
        let there = self.documents.get_mut(&write.id);
        if let Some(there) = there {
            if let Some(reason) = conflict(there, &write) {
                there.conflicts += 1;
                let error = json!({
                    "type": "version_conflict_engine_exception", "reason": reason, "index": backing, "shard": "0",
                    "index_uuid": "mhtzcWkQRraSsZ43ZUMO0w",
                });
                return json!({"_index": backing, "_id": write.id, "status": 409, "error": error});
            }
            there.version = write.version.unwrap_or(there.version + 1);
            there.source = write.source;
            there.updated += 1;
            let version = there.version;
            return self.written(product, &backing, &write.id, version, false);
        }
        let version = write.version.unwrap_or(1);
        let document = Document {
            id: write.id.clone(),
            version,
            source: write.source,
            created: 1,
            updated: 0,
            conflicts: 0,
        };
        self.documents.insert(write.id.clone(), document);
        self.written(product, &backing, &write.id, version, true)
    }

    fn written(
        &mut self,
        product: Product,
        backing: &str,
        id: &str,
        version: u64,
        created: bool,
    ) -> Value {
        let sequence = self.sequence;
        self.sequence += 1;
        let mut item = Map::new();
        item.insert("_index".into(), backing.into());
        if product == Product::Elasticsearch7 || product == Product::OpenSearch1 {
            item.insert("_type".into(), "_doc".into());
        }
        let (result, status) = if created {
            ("created", 201)
        } else {
            ("updated", 200)
        };
        let rest = json!({
            "_id": id, "_version": version, "result": result,
            "_shards": {"total": 2, "successful": 1, "failed": 0}, "_seq_no": sequence, "_primary_term": 1,
            "status": status,
        });
        item.extend(rest.as_object().cloned().unwrap_or_default());
        item.into()
    }
}

/// Why a document that is there is not replaced.
fn conflict(there: &Document, write: &Write) -> Option<String> {
    if write.create {
        return Some(format!(
            "[{}]: version conflict, document already exists (current version [{}])",
            write.id, there.version
        ));
    }
    let version = write.version?;
    (version <= there.version).then(|| {
        format!(
            "[{}]: version conflict, current version [{}] is higher or equal to the one provided [{version}]",
            write.id, there.version
        )
    })
}
