//! Chunks and documents: limits, and that events stay what they were.

use weir_event::{CHUNK_BYTES_MAX, CHUNK_EVENTS_MAX, Chunk, Document, Reader};

fn event(message_bytes: usize) -> String {
    let message = "x".repeat(message_bytes);
    format!(r#"{{"metadata":{{"uid":"u"}},"involvedObject":{{"name":"n"}},"message":"{message}"}}"#)
}

/// How many events of this size one chunk takes.
fn fill(message_bytes: usize) -> Chunk {
    let mut chunk = Chunk::new();
    let mut reader = Reader::new("c");
    let mut full = false;
    while !full {
        let each = &mut |event: Result<weir_event::EventRef<'_>, _>| {
            full = !chunk.push(event.expect("an event"));
        };
        reader
            .read(event(message_bytes).as_bytes(), each)
            .expect("a value");
    }
    chunk
}

#[test]
fn a_chunk_has_its_limits() {
    let small = fill(1);
    assert_eq!(small.len(), CHUNK_EVENTS_MAX);
    assert!(small.is_full());
    let medium = fill(10_000);
    assert_eq!(medium.len(), 6);
    assert!(medium.bytes() <= CHUNK_BYTES_MAX && !medium.is_full());
    let large = fill(CHUNK_BYTES_MAX);
    assert_eq!(large.len(), 1);
    assert!(large.is_full());
}

#[test]
fn events_stay_what_they_were() {
    let mut chunk = fill(3);
    let documents: Vec<Document> = chunk.iter().map(Document::new).collect();
    for (index, document) in documents.iter().enumerate() {
        let event = chunk.get(index);
        assert_eq!(event.document(), document.as_str());
        assert_eq!(event.fields(), document.event().fields());
        assert_eq!(
            (event.uid().as_ref(), event.message().as_ref()),
            ("u", "xxx")
        );
    }
    let copy = documents[0].clone();
    drop(documents);
    chunk.clear();
    assert!(chunk.is_empty() && chunk.bytes() == 0);
    assert_eq!(copy.event().object_name(), "n");
}
