//! How a receiver delivers: `batch`, `queue`, `retry`, `deadLetters`.

use std::path::PathBuf;
use std::time::Duration;

use super::fields::Fields;
use super::report::Report;
use super::{
    BATCH_AGE_DEFAULT, BATCH_AGE_MOST, BATCH_BYTES_DEFAULT, BATCH_BYTES_LEAST, BATCH_BYTES_MOST,
    BATCH_EVENTS_DEFAULT, BATCH_EVENTS_MOST, Batch, DISK_BYTES_DEFAULT, DISK_BYTES_LEAST,
    DISK_BYTES_MOST, Disk, Limits, OnFull, QUEUE_EVENTS_DEFAULT, QUEUE_EVENTS_MOST, Queue,
    RETRY_FIRST_DEFAULT, RETRY_FOR_LEAST, RETRY_FOR_MOST, RETRY_LIMIT, RETRY_MOST_DEFAULT,
    Receiver, Retry, TIME_LEAST,
};

/// `batch`.
pub(super) fn batch(fields: &Fields<'_>, limits: Limits, report: &mut Report<'_>) -> Batch {
    // A sink with little memory gets small batches, unless the file says otherwise.
    let bytes = BATCH_BYTES_DEFAULT.min(limits.memory_bytes / 2);
    let mut checked = Batch {
        events: BATCH_EVENTS_DEFAULT,
        bytes,
        age: BATCH_AGE_DEFAULT,
    };
    if let Some(batch) = fields
        .get("batch")
        .and_then(|field| field.fields("a map such as {events: 500, bytes: 5MiB, age: 1s}", report))
    {
        let events = batch
            .get("events")
            .and_then(|field| field.count(1..=BATCH_EVENTS_MOST, report));
        checked.events = events.unwrap_or(checked.events);
        if let Some(field) = batch.get("bytes") {
            checked.bytes = field
                .bytes(BATCH_BYTES_LEAST..=BATCH_BYTES_MOST, report)
                .unwrap_or(checked.bytes);
            if checked.bytes >= limits.memory_bytes {
                let help = "a batch must fit the memory of the sink: raise limits.memory";
                field.refuse("less than limits.memory", report).help(help);
            }
        }
        let age = batch
            .get("age")
            .and_then(|field| field.duration(Duration::ZERO..=BATCH_AGE_MOST, report));
        checked.age = age.unwrap_or(checked.age);
        batch.finish(report);
    }
    checked
}

/// `queue`.
pub(super) fn queue(fields: &Fields<'_>, batch: Batch, report: &mut Report<'_>) -> Queue {
    let mut checked = Queue {
        events: QUEUE_EVENTS_DEFAULT.max(batch.events),
        on_full: OnFull::Wait,
        disk: None,
    };
    let choices = [("wait", OnFull::Wait), ("dropOldest", OnFull::DropOldest)];
    if let Some(queue) = fields
        .get("queue")
        .and_then(|field| field.fields("a map such as {events: 10000, onFull: wait}", report))
    {
        if let Some(field) = queue.get("events") {
            checked.events = field
                .count(1..=QUEUE_EVENTS_MOST, report)
                .unwrap_or(checked.events);
            if checked.events < batch.events {
                field
                    .refuse(&format!("at least batch.events, {}", batch.events), report)
                    .help("a batch could never be full");
            }
        }
        let on_full = queue
            .get("onFull")
            .and_then(|field| field.choice(&choices, report));
        checked.on_full = on_full.unwrap_or(checked.on_full);
        checked.disk = disk(&queue, report);
        if let (Some(events), Some(_)) = (queue.get("events"), &checked.disk) {
            events
                .refuse("no `events` beside `disk`", report)
                .help("a queue on disk is bounded by disk.bytes");
        }
        queue.finish(report);
    }
    checked
}

/// `retry`.
pub(super) fn retry(fields: &Fields<'_>, report: &mut Report<'_>) -> Retry {
    let mut checked = Retry {
        first: RETRY_FIRST_DEFAULT,
        most: RETRY_MOST_DEFAULT,
        limit: None,
    };
    if let Some(retry) = fields
        .get("retry")
        .and_then(|field| field.fields("a map such as {first: 500ms, most: 1m}", report))
    {
        let allowed = TIME_LEAST..=RETRY_LIMIT;
        let first = retry
            .get("first")
            .and_then(|field| field.duration(allowed.clone(), report));
        let most_field = retry.get("most");
        let most = most_field
            .as_ref()
            .and_then(|field| field.duration(allowed, report));
        checked.limit = retry
            .get("for")
            .and_then(|field| field.duration(RETRY_FOR_LEAST..=RETRY_FOR_MOST, report));
        (checked.first, checked.most) = match (first, most) {
            (None, None) => (checked.first, checked.most),
            (Some(first), None) => (first, checked.most.max(first)),
            (None, Some(most)) => (checked.first.min(most), most),
            (Some(first), Some(most)) => (first, most),
        };
        if let Some(field) = most_field.filter(|_| checked.most < checked.first) {
            field.refuse("at least retry.first", report);
        }
        retry.finish(report);
    }
    checked
}

fn disk(queue: &Fields<'_>, report: &mut Report<'_>) -> Option<Disk> {
    const EXPECTED: &str = "a map such as {path: /var/lib/weir/search, bytes: 1GiB}";
    let disk = queue.get("disk")?.fields(EXPECTED, report)?;
    let path = disk.require("path", "the folder of this receiver's queue", report);
    let path =
        path.and_then(|field| field.path_buf("a folder, such as /var/lib/weir/search", report));
    let allowed = usize::try_from(DISK_BYTES_LEAST).unwrap_or(usize::MAX)
        ..=usize::try_from(DISK_BYTES_MOST).unwrap_or(usize::MAX);
    let bytes = disk
        .get("bytes")
        .and_then(|field| field.bytes(allowed, report));
    disk.finish(report);
    Some(Disk {
        path: path?,
        bytes: bytes.map_or(DISK_BYTES_DEFAULT, |bytes| bytes as u64),
    })
}

/// Two queues in one folder would wait for each other's lock.
pub(super) fn disk_is_its_own(
    fields: &Fields<'_>,
    receiver: &Receiver,
    before: &[Receiver],
    report: &mut Report<'_>,
) {
    let path = |receiver: &Receiver| receiver.queue.disk.as_ref().map(|disk| disk.path.clone());
    let Some(own) = path(receiver) else {
        return;
    };
    let other = before
        .iter()
        .position(|other| path(other).as_ref() == Some(&own));
    let field = || {
        let disk = fields.value("queue")?.fields_of_map()?.value("disk")?;
        disk.fields_of_map()?.value("path")
    };
    if let (Some(other), Some(field)) = (other, field()) {
        field
            .refuse("a folder for each queue", report)
            .help(format!("receivers[{other}] has it"));
    }
}

/// `deadLetters`. A retry that ends needs them: what it gives up would be lost.
pub(super) fn dead_letters(
    fields: &Fields<'_>,
    retry: Retry,
    report: &mut Report<'_>,
) -> Option<PathBuf> {
    const EXPECTED: &str = "a map such as {path: /var/lib/weir/dead.ndjson}";
    let letters = fields
        .get("deadLetters")
        .and_then(|field| field.fields(EXPECTED, report));
    let path = letters.and_then(|letters| {
        let path = letters.require("path", "the file of dead letters", report);
        let path = path
            .and_then(|field| field.path_buf("a file, such as /var/lib/weir/dead.ndjson", report));
        letters.finish(report);
        path
    });
    let ends = fields
        .value("retry")
        .and_then(|retry| retry.fields_of_map()?.value("for"));
    if let (Some(ends), Some(_), None) = (ends, retry.limit, fields.value("deadLetters")) {
        ends.refuse("`deadLetters` beside it", report)
            .help("what is not delivered in that time would be lost; name a file for it, or leave `for` out: then it is tried for ever");
    }
    path
}
