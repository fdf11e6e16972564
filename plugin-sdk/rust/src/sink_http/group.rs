//! Which events go in one request, and what the body of it is.

use std::ops::Range;

use crate::{Batch, BatchEvent, Result};

/// Events by what they have in common (headers, a tenant, an index), in the order of their first events.
/// An event for which that cannot be said is rejected with the error.
pub fn group<K: PartialEq>(
    batch: &Batch,
    mut key: impl FnMut(&BatchEvent<'_>) -> Result<K>,
) -> Vec<(K, Vec<u32>)> {
    // A request follows for each group: looking through them costs nothing beside it.
    let mut groups: Vec<(K, Vec<u32>)> = Vec::new();
    for event in batch.events() {
        match key(&event) {
            Ok(key) => match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, events)) => events.push(event.index()),
                None => groups.push((key, vec![event.index()])),
            },
            Err(error) => event.reject(error.message()),
        }
    }
    groups
}

/// A text as JSON, in quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// The documents of these events, each followed by a newline.
#[must_use]
pub fn ndjson(batch: &Batch, events: &[u32]) -> Vec<u8> {
    let mut body = Vec::new();
    for run in runs(events) {
        let documents = batch.documents(run);
        if body.is_empty() {
            body = documents;
        } else {
            body.extend(documents);
        }
    }
    body
}

/// The documents of these events as a JSON array.
#[must_use]
pub fn array(batch: &Batch, events: &[u32]) -> Vec<u8> {
    let mut body = vec![b'['];
    for (count, index) in events.iter().enumerate() {
        if count > 0 {
            body.push(b',');
        }
        body.extend(batch.document(*index).into_bytes());
    }
    body.push(b']');
    body
}

/// Neighbours go in one call of the host.
fn runs(events: &[u32]) -> impl Iterator<Item = Range<u32>> {
    let runs = events.chunk_by(|one, next| one + 1 == *next);
    runs.map(|run| run[0]..run[run.len() - 1] + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_run() {
        let found: Vec<_> = runs(&[0, 1, 2, 5, 7, 8]).collect();
        assert_eq!(found, [0..3, 5..6, 7..9]);
        assert_eq!(runs(&[]).count(), 0);
    }
}
