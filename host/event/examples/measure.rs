//! What the hot path costs: `cargo run --release --example measure -- FILE.ndjson`.

use std::hint::black_box;
use std::time::Instant;

use weir_event::edit::{remove, set};
use weir_event::frame::Framer;
use weir_event::{Chunk, Document, EventRef, Fields, Reader};

/// Rounds over the whole file; the best one is shown, because other programs share the machine.
const ROUNDS: usize = 30;

fn main() {
    let path = std::env::args()
        .nth(1)
        .expect("a file of events, one a line");
    let text = std::fs::read(&path).expect("the file can be read");
    let lines: Vec<&[u8]> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .collect();
    println!(
        "{path}: {} lines of {} bytes",
        lines.len(),
        text.len() / lines.len()
    );

    let mut reader = Reader::new("prod");
    let mut chunks = vec![Chunk::new()];
    for line in &lines {
        let each = &mut |event: Result<EventRef<'_>, _>| {
            let event = event.expect("an event");
            if !chunks.last_mut().expect("one").push(event) {
                chunks.push(Chunk::new());
                assert!(chunks.last_mut().expect("one").push(event));
            }
        };
        reader.read(line, each).expect("a readable line");
    }
    let events: Vec<EventRef<'_>> = chunks.iter().flat_map(Chunk::iter).collect();

    measure("read", lines.len(), || {
        for line in &lines {
            let _ = black_box(reader.read(black_box(line), &mut |event| drop(black_box(event))));
        }
    });
    measure("frame", lines.len(), || {
        let mut framer = Framer::new();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let space = framer.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            rest = &rest[count..];
            framer.filled(count);
            while let Some(frame) = framer.next_frame() {
                let _ = black_box(frame);
            }
        }
    });
    let mut chunk = Chunk::with_capacity(256, 64 * 1024);
    measure("push to a chunk", events.len(), || {
        for event in &events {
            if !chunk.push(*event) {
                chunk.clear();
            }
        }
    });
    let getter = |name: &str, get: &dyn Fn(EventRef<'_>) -> usize| {
        measure(name, events.len(), || {
            for event in &events {
                black_box(get(black_box(*event)));
            }
        });
    };
    getter("(an empty getter)", &|_| 0);
    getter("reason", &|event| event.reason().len());
    getter("message", &|event| event.message().len());
    getter("component", &|event| event.component().len());
    getter("count", &|event| event.count() as usize);
    getter("timestamp", &|event| event.timestamp() as usize);
    getter("object_key", &|event| event.object_key() as usize);
    getter("id", &|event| event.id().len());
    getter("text /involvedObject/name", &|event| {
        event
            .text("/involvedObject/name")
            .map_or(0, |text| text.len())
    });
    getter("text /metadata/labels/app", &|event| {
        event
            .text("/metadata/labels/app")
            .map_or(0, |text| text.len())
    });
    getter("text /unknown/member", &|event| {
        event.text("/unknown/member").map_or(0, |text| text.len())
    });
    getter("Document::new", &|event| {
        Document::new(event).as_str().len()
    });
    let mut document = String::new();
    let mut edit = |name: &str, change: &dyn Fn(&mut String)| {
        measure(name, events.len(), || {
            for event in &events {
                document.clear();
                document.push_str(event.document());
                change(black_box(&mut document));
            }
        });
    };
    edit("(copy for an edit)", &|_| ());
    edit("set /message", &|document| {
        set(document, "/message", "\"hidden\"").expect("is set")
    });
    edit("set /metadata/labels/a", &|document| {
        set(document, "/metadata/labels/a", "\"b\"").expect("is set")
    });
    edit("remove /source/host", &|document| {
        remove(document, "/source/host")
    });
    getter("de_dot", &|event| {
        weir_event::de_dot(event.document()).is_some() as usize
    });
    getter("Fields::scan", &|event| {
        Fields::scan(event.document()).is_ok() as usize
    });
}

fn measure(name: &str, count: usize, mut round: impl FnMut()) {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        round();
        best = best.min(start.elapsed().as_nanos() as f64 / count as f64);
    }
    println!("{name:28} {best:8.1} ns");
}
