//! The events of a list, in the order of their resourceVersions, without holding them in memory as they are.
//!
//! A list comes in the order of names, and positions need that of versions. So each page is sorted and packed
//! (deflate; a recorded event takes about 110 bytes then), and in the end all pages are merged, one event of each in
//! memory. Where there are many runs, some are merged into one before, so that a list of any size needs no more
//! than 32 readers a level.
//!
//! A packed run is a deflate stream of records: the version (u64, little endian), the length of the document
//! (u32, little endian), the document.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// So many runs of a level become one of the next.
const RUNS_MAX: usize = 32;

/// A page that is being read.
#[derive(Debug, Default)]
pub struct PageEvents {
    text: String,
    /// Version, start and end of each document.
    events: Vec<(u64, usize, usize)>,
}

impl PageEvents {
    /// Takes an event.
    pub fn push(&mut self, version: u64, document: &str) {
        let start = self.text.len();
        self.text.push_str(document);
        self.events.push((version, start, self.text.len()));
    }
}

/// All that was listed so far. Level 0 has pages, level n what RUNS_MAX of level n - 1 became.
#[derive(Debug, Default)]
pub struct Listed {
    levels: Vec<Vec<Run>>,
    events: usize,
}

/// Events by version, packed.
#[derive(Debug, Default)]
struct Run {
    packed: Vec<u8>,
}

/// Writes a run.
struct Writer {
    packed: DeflateEncoder<Vec<u8>>,
}

impl Writer {
    fn new() -> Writer {
        Writer {
            packed: DeflateEncoder::new(Vec::new(), Compression::fast()),
        }
    }

    fn record(&mut self, version: u64, document: &str) {
        let length = u32::try_from(document.len()).expect("a document is of at most some MiB");
        let head = [&version.to_le_bytes()[..], &length.to_le_bytes()[..]].concat();
        for bytes in [&head[..], document.as_bytes()] {
            self.packed
                .write_all(bytes)
                .expect("writing to memory does not fail");
        }
    }

    fn finish(self) -> Run {
        let mut packed = self
            .packed
            .finish()
            .expect("writing to memory does not fail");
        packed.shrink_to_fit();
        Run { packed }
    }
}

impl Listed {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.events
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// Bytes that it takes, without the readers of a merge.
    pub fn bytes(&self) -> usize {
        self.levels
            .iter()
            .flatten()
            .map(|run| run.packed.len())
            .sum()
    }

    /// Adds a page.
    pub fn add(&mut self, mut page: PageEvents) {
        if page.events.is_empty() {
            return;
        }
        self.events += page.events.len();
        page.events.sort_unstable();
        let mut writer = Writer::new();
        for (version, start, end) in page.events {
            writer.record(version, &page.text[start..end]);
        }
        self.put(0, writer.finish());
    }

    fn put(&mut self, level: usize, run: Run) {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(run);
        if self.levels[level].len() == RUNS_MAX {
            let mut merged = Writer::new();
            let mut merge = Merge::of(std::mem::take(&mut self.levels[level]));
            while let Some((version, document)) = merge.next() {
                merged.record(version, document);
            }
            self.put(level + 1, merged.finish());
        }
    }

    /// All events by version, of equal ones in any order.
    pub fn into_merge(self) -> Merge {
        Merge::of(self.levels.into_iter().flatten().collect())
    }
}

/// Gives the events of several runs by version.
pub struct Merge {
    runs: Vec<Reader>,
    /// The version of the event at hand of each run that has one.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The run whose event was given last: it must move on first.
    given: Option<usize>,
}

struct Reader {
    unpacked: DeflateDecoder<std::io::Cursor<Vec<u8>>>,
    document: String,
}

impl Reader {
    /// Reads the next record into `document`; gives its version.
    fn advance(&mut self) -> Option<u64> {
        let mut head = [0; 12];
        // We packed it in this process: that it breaks off can only be its end.
        self.unpacked.read_exact(&mut head).ok()?;
        let (version, length) = head.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes(length.try_into().ok()?);
        self.document.clear();
        let read = (&mut self.unpacked)
            .take(u64::from(length))
            .read_to_string(&mut self.document)
            .ok()?;
        (read == length as usize).then(|| u64::from_le_bytes(*version))
    }
}

impl Merge {
    fn of(runs: Vec<Run>) -> Merge {
        let reader = |run: Run| Reader {
            unpacked: DeflateDecoder::new_with_buf(std::io::Cursor::new(run.packed), vec![0; 4096]),
            document: String::new(),
        };
        let mut merge = Merge {
            runs: runs.into_iter().map(reader).collect(),
            next: BinaryHeap::new(),
            given: None,
        };
        (0..merge.runs.len()).for_each(|run| merge.advance(run));
        merge
    }

    fn advance(&mut self, run: usize) {
        match self.runs[run].advance() {
            Some(version) => self.next.push(Reverse((version, run))),
            // Its memory is not needed any more.
            None => self.runs[run].unpacked = DeflateDecoder::new(std::io::Cursor::new(Vec::new())),
        }
    }

    /// The next event: its version and its document.
    #[allow(clippy::should_implement_trait, reason = "it lends what it gives")]
    pub fn next(&mut self) -> Option<(u64, &str)> {
        if let Some(run) = self.given.take() {
            self.advance(run);
        }
        let Reverse((version, run)) = self.next.pop()?;
        self.given = Some(run);
        Some((version, &self.runs[run].document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn merged(pages: &[Vec<u64>]) -> Vec<(u64, String)> {
        let mut listed = Listed::default();
        for page in pages {
            let mut events = PageEvents::default();
            page.iter()
                .for_each(|version| events.push(*version, &format!("document {version}")));
            listed.add(events);
        }
        assert_eq!(listed.len(), pages.iter().map(Vec::len).sum::<usize>());
        let mut merge = listed.into_merge();
        let mut out = Vec::new();
        while let Some((version, document)) = merge.next() {
            out.push((version, document.to_owned()));
        }
        out
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn everything_comes_out_in_order(pages in prop::collection::vec(prop::collection::vec(0_u64..1_000_000, 0..8), 0..100)) {
            let mut expected: Vec<_> = pages
                .iter()
                .flatten()
                .map(|version| (*version, format!("document {version}")))
                .collect();
            expected.sort();
            prop_assert_eq!(merged(&pages), expected);
        }
    }

    #[test]
    fn many_pages_become_few_runs() {
        let mut listed = Listed::default();
        for page in 0..RUNS_MAX * RUNS_MAX + 1 {
            let mut events = PageEvents::default();
            events.push(page as u64, "{}");
            listed.add(events);
        }
        let runs: Vec<_> = listed.levels.iter().map(Vec::len).collect();
        assert_eq!(runs, [1, 0, 1]);
    }
}
