//! What is sent: entries in streams, and the JSON of `POST /loki/api/v1/push`.

use weir_plugin::serde_json;
use weir_plugin::{Batch, BatchEvent};

use crate::labels::{self, Set};
use crate::time;

/// Longer values of structured metadata are cut; the line has them whole.
const METADATA_BYTES_MOST: usize = labels::VALUE_BYTES_MOST;
/// Loki's ingesters answer for the last stream of a request alone (`pkg/ingester/instance.go`), so a stream with
/// entries that may be too old for it goes alone. It refuses what is an hour behind the newest, and admits entries
/// 10 minutes ahead of its clock.
const ALONE_AFTER_NS: u64 = 30 * 60 * 1_000_000_000;

/// One event.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where in the batch it is.
    pub(crate) index: u32,
    pub(crate) at_ns: u64,
    pub(crate) line: String,
    /// Names and values beside the line.
    pub(crate) metadata: Set,
    /// Whether it got another time than its own, because Loki refused that.
    pub(crate) is_moved: bool,
}

impl Entry {
    pub(crate) fn new(event: &BatchEvent<'_>, metadata: Set) -> Entry {
        Entry {
            index: event.index(),
            at_ns: time::of_event(event),
            line: event.document(),
            metadata,
            is_moved: false,
        }
    }

    /// Bytes of names and values, as Loki counts them.
    pub(crate) fn metadata_bytes(&self) -> usize {
        let sizes = self
            .metadata
            .iter()
            .map(|(name, value)| name.len() + value.len());
        sizes.sum()
    }
}

/// Entries under one set of labels, the oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) labels: Set,
    pub(crate) entries: Vec<Entry>,
}

impl Stream {
    fn new(labels: Set, entry: Entry) -> Stream {
        let entries = vec![entry];
        Stream { labels, entries }
    }
}

/// Names and values of headers.
pub(crate) type Headers = Vec<(String, String)>;

/// One request: streams that go with the same headers, never without an entry.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) headers: Headers,
    pub(crate) streams: Vec<Stream>,
}

impl Push {
    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.streams.iter().flat_map(|stream| &stream.entries)
    }

    /// The same without the entries that are taken out, which are answered, in streams; either may be empty.
    pub(crate) fn take(&mut self, is_taken: &mut dyn FnMut(&Entry) -> bool) -> Vec<Stream> {
        let mut taken = Vec::new();
        for stream in &mut self.streams {
            let entries: Vec<Entry> = stream
                .entries
                .extract_if(.., |entry| is_taken(entry))
                .collect();
            if !entries.is_empty() {
                taken.push(Stream {
                    labels: stream.labels.clone(),
                    entries,
                });
            }
        }
        self.streams.retain(|stream| !stream.entries.is_empty());
        taken
    }

    /// A request for each stream.
    pub(crate) fn by_stream(self) -> Vec<Push> {
        let Push { headers, streams } = self;
        let one = |stream| Push {
            headers: headers.clone(),
            streams: vec![stream],
        };
        streams.into_iter().map(one).collect()
    }

    /// Two requests of about half of the entries: by streams, and where there is one, by time.
    ///
    /// # Errors
    /// It has one entry: here it is again.
    pub(crate) fn halves(mut self) -> Result<Vec<Push>, Push> {
        if self.entries().count() < 2 {
            return Err(self);
        }
        let headers = self.headers.clone();
        let upper = if let [stream] = self.streams.as_mut_slice() {
            let middle = stream.entries.len() / 2;
            vec![Stream {
                labels: stream.labels.clone(),
                entries: stream.entries.split_off(middle),
            }]
        } else {
            self.streams.split_off(self.streams.len() / 2)
        };
        let upper = Push {
            headers,
            streams: upper,
        };
        Ok(vec![self, upper])
    }

    /// The body of the request.
    pub(crate) fn json(&self) -> Vec<u8> {
        let bytes: usize = self
            .entries()
            .map(|entry| entry.line.len() * 5 / 4 + 256)
            .sum();
        let mut out = Vec::with_capacity(bytes);
        out.extend_from_slice(br#"{"streams":["#);
        separated(&mut out, &self.streams, |out, stream| {
            out.extend_from_slice(br#"{"stream":"#);
            object(out, &stream.labels);
            out.extend_from_slice(br#","values":["#);
            separated(out, &stream.entries, entry);
            out.extend_from_slice(b"]}");
        });
        out.extend_from_slice(b"]}");
        out
    }
}

fn entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend_from_slice(b"[\"");
    out.extend_from_slice(entry.at_ns.to_string().as_bytes());
    out.extend_from_slice(b"\",");
    string(out, &entry.line);
    if !entry.metadata.is_empty() {
        out.push(b',');
        object(out, &entry.metadata);
    }
    out.push(b']');
}

fn object(out: &mut Vec<u8>, members: &Set) {
    out.push(b'{');
    separated(out, members, |out, (name, value)| {
        string(out, name);
        out.push(b':');
        string(out, value);
    });
    out.push(b'}');
}

fn separated<T>(out: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(out, text).expect("a text can be written to memory");
}

/// What is put beside the line: each has its own name in LogQL, and none is an index.
pub(crate) fn metadata(event: &BatchEvent<'_>) -> Set {
    let level = if event.severity() == "Warning" {
        "warn"
    } else {
        "info"
    };
    let uid = event.text("/involvedObject/uid");
    let mut fields = Set::with_capacity(10);
    let mut add = |name: &str, mut value: String| {
        labels::cut(&mut value, METADATA_BYTES_MOST);
        if !value.is_empty() {
            fields.push((name.to_owned(), value));
        }
    };
    add("component", event.component());
    add("count", event.count().to_string());
    add("event_id", event.id());
    add("kind", event.object_kind());
    add("level", level.to_owned());
    add("name", event.object_name());
    add("node", event.node());
    add("reason", event.reason());
    add("uid", uid.unwrap_or_default());
    fields
}

/// Adds fields beside the line, in the place of those of these names.
pub(crate) fn add_metadata(metadata: &mut Set, fields: impl IntoIterator<Item = (String, String)>) {
    for (name, value) in fields {
        metadata.retain(|(known, _)| *known != name);
        metadata.push((name, value));
    }
}

/// An entry with where it belongs.
#[derive(Debug)]
pub(crate) struct Sorted {
    /// What it is sent with: one tenant, as a rule.
    pub(crate) headers: Headers,
    pub(crate) labels: Set,
    pub(crate) entry: Entry,
}

impl Sorted {
    fn key(&self) -> (&Headers, &Set, u64) {
        (&self.headers, &self.labels, self.entry.at_ns)
    }
}

/// The requests to make. In each stream the oldest is first, and what is of one time as it was in the batch.
pub(crate) fn pushes(all: Vec<Sorted>) -> Vec<Push> {
    // Each where it belongs among those before it: the code of `sort` is 3 kB, and few bytes move for a place.
    let mut places: Vec<usize> = Vec::with_capacity(all.len());
    for (index, sorted) in all.iter().enumerate() {
        let place = places.partition_point(|other| all[*other].key() <= sorted.key());
        places.insert(place, index);
    }
    let mut all: Vec<Option<Sorted>> = all.into_iter().map(Some).collect();
    let mut pushes: Vec<Push> = Vec::new();
    for sorted in places.into_iter().filter_map(|place| all[place].take()) {
        let Sorted {
            headers,
            labels,
            entry,
        } = sorted;
        let Some(push) = pushes.last_mut().filter(|push| push.headers == headers) else {
            let streams = vec![Stream::new(labels, entry)];
            pushes.push(Push { headers, streams });
            continue;
        };
        match push.streams.last_mut() {
            Some(stream) if stream.labels == labels => stream.entries.push(entry),
            _ => push.streams.push(Stream::new(labels, entry)),
        }
    }
    alone(pushes)
}

/// Gives streams that begin with an old entry a request of their own, before the others.
fn alone(pushes: Vec<Push>) -> Vec<Push> {
    let alone_before = time::now().saturating_sub(ALONE_AFTER_NS);
    let mut apart = Vec::with_capacity(pushes.len());
    for Push { headers, streams } in pushes {
        let mut together = Vec::new();
        for stream in streams {
            if stream.entries[0].at_ns < alone_before {
                let (headers, streams) = (headers.clone(), vec![stream]);
                apart.push(Push { headers, streams });
            } else {
                together.push(stream);
            }
        }
        if !together.is_empty() {
            let streams = together;
            apart.push(Push { headers, streams });
        }
    }
    apart
}

/// Marks the entries of streams in the batch, by `Batch::reject` or `Batch::retry`.
pub(crate) fn mark(streams: &[Stream], batch: &Batch, mark: fn(&Batch, u32, &str), reason: &str) {
    for entry in streams.iter().flat_map(|stream| &stream.entries) {
        mark(batch, entry.index, reason);
    }
}
