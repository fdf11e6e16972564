//! The body of `_bulk`: for each event a line that says what to do, and its document.

use weir_plugin::sink_http::quoted;
use weir_plugin::{Batch, BatchEvent, time};

use crate::document;
use crate::index::Index;

/// Elasticsearch's limit for an `_id`.
const ID_BYTES_MAX: usize = 512;

/// How events become documents.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    pub(crate) index: Index,
    /// One document an event, updated, in place of one for each observation.
    pub(crate) is_updating: bool,
    /// Whether keys of labels keep their dots.
    pub(crate) keeps_dots: bool,
    /// `_type`, which only Elasticsearch 6 and older have.
    pub(crate) kind: Option<String>,
}

impl Writer {
    /// The body for these events.
    pub(crate) fn body(&self, batch: &Batch, events: &[u32]) -> String {
        let mut body = String::new();
        for index in events {
            let event = batch.event(*index);
            body.push_str(&self.action(&event));
            body.push('\n');
            body.push_str(&self.document(&event));
            body.push('\n');
        }
        body
    }

    fn document(&self, event: &BatchEvent<'_>) -> String {
        let document = document::with_timestamp(event.document(), event.timestamp());
        let document = if self.keeps_dots {
            document
        } else {
            document::without_dots(document)
        };
        // A line feed would end the line; between the parts of a document it means as much as a space.
        if document.contains('\n') {
            document.replace('\n', " ")
        } else {
            document
        }
    }

    fn action(&self, event: &BatchEvent<'_>) -> String {
        if self.is_updating {
            self.update(event)
        } else {
            self.create(event)
        }
    }

    /// A document for each observation. The same observation sent again is refused with 409, which says that it is there.
    fn create(&self, event: &BatchEvent<'_>) -> String {
        let id = event.id();
        // Where half of the identity is missing others have the same: rather one twice than one lost.
        let is_whole = !id.starts_with('/') && !id.ends_with('/') && id.len() <= ID_BYTES_MAX;
        let id = is_whole.then(|| id.replace('/', "-"));
        self.line("create", event.timestamp(), id.as_deref(), None)
    }

    /// One document an event. It is in the index of when the event was made, so that updates find it; an older version
    /// is refused with 409, which says that a newer one is there.
    fn update(&self, event: &BatchEvent<'_>) -> String {
        let made = event.text("/metadata/creationTimestamp");
        let made = made.and_then(|text| time::milliseconds(&text));
        let uid = event.text("/metadata/uid").unwrap_or_default();
        let has_uid = !uid.is_empty() && uid.len() <= ID_BYTES_MAX;
        // Without a number that can be compared the last one wins.
        let version = event.text("/metadata/resourceVersion");
        let version = version.and_then(|text| text.parse::<i64>().ok());
        self.line(
            "index",
            made.unwrap_or_else(|| event.timestamp()),
            has_uid.then_some(&uid),
            version.filter(|_| has_uid),
        )
    }

    fn line(
        &self,
        action: &str,
        milliseconds: u64,
        id: Option<&str>,
        version: Option<i64>,
    ) -> String {
        let index = quoted(&self.index.at(milliseconds));
        let mut line = format!("{{\"{action}\":{{\"_index\":{index}");
        if let Some(id) = id {
            line.push_str(&format!(",\"_id\":{}", quoted(id)));
        }
        if let Some(version) = version {
            line.push_str(&format!(
                ",\"version\":{version},\"version_type\":\"external\""
            ));
        }
        if let Some(kind) = &self.kind {
            line.push_str(&format!(",\"_type\":{}", quoted(kind)));
        }
        line.push_str("}}");
        line
    }
}
