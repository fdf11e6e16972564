//! The files of a queue: their names, how they begin, and walking along one that was checked.
//!
//! A segment is named by the sequence number of its first record, and begins with 16 bytes: `weirspol`, the format
//! (u32), CRC-32 of these (u32). Then come frames.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{SpoolError, disk};
use crate::frame::{HEAD_BYTES, Head};

/// The format that is written, and the newest that is read.
pub(crate) const FORMAT: u32 = 1;
/// Size of what precedes the frames.
pub(crate) const PREFIX_BYTES: u64 = 16;
const PREFIX: &[u8; 8] = b"weirspol";
/// What a read from disk brings at once: some 50 documents.
const BUFFER_BYTES: usize = 64 << 10;

/// One file of the queue, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// The first sequence number that it can hold: its name.
    pub first: u64,
    /// Where its last frame ends.
    pub end: u64,
}

/// The file of a segment.
pub(crate) fn path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("{first:020}.log"))
}

/// The sequence number in a file's name, if it is a segment's.
pub(crate) fn first_in(name: &str, suffix: &str) -> Option<u64> {
    let digits = name.strip_suffix(suffix)?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())?
}

/// How a segment begins.
pub(crate) fn prefix(format: u32) -> [u8; PREFIX_BYTES as usize] {
    let mut bytes = [0; PREFIX_BYTES as usize];
    bytes[..8].copy_from_slice(PREFIX);
    bytes[8..12].copy_from_slice(&format.to_le_bytes());
    let sum = crc32fast::hash(&bytes[..12]);
    bytes[12..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The format that a segment says it has; `None` if it does not begin like one.
pub(crate) fn format_of(bytes: &[u8]) -> Option<u32> {
    let format = u32::from_le_bytes(bytes.get(8..12)?.try_into().ok()?);
    (bytes.get(..PREFIX_BYTES as usize)? == prefix(format)).then_some(format)
}

/// A walk along the frames of a segment.
pub(crate) struct Walk {
    path: PathBuf,
    reader: BufReader<File>,
    offset: u64,
    end: u64,
    watch: Arc<str>,
}

/// A frame that a walk came to; its document is still to be read or skipped.
#[derive(Debug)]
pub(crate) struct Found {
    pub head: Head,
    pub watch: Arc<str>,
}

impl Walk {
    /// Begins at a frame.
    pub(crate) fn new(folder: &Path, segment: Segment, offset: u64) -> Result<Self, SpoolError> {
        let path = path(folder, segment.first);
        let file = File::open(&path).map_err(disk("open", &path))?;
        let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
        reader
            .seek(SeekFrom::Start(offset))
            .map_err(disk("read", &path))?;
        Ok(Self {
            path,
            reader,
            offset,
            end: segment.end,
            watch: "".into(),
        })
    }

    /// Where the next frame begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Goes to the next frame.
    pub(crate) fn next(&mut self) -> Result<Option<Found>, SpoolError> {
        if self.offset >= self.end {
            return Ok(None);
        }
        let mut bytes = [0; HEAD_BYTES];
        self.fill(&mut bytes)?;
        let Some(head) = Head::parse(&bytes) else {
            return Err(self.damaged());
        };
        let mut watch = vec![0; head.watch_bytes];
        self.fill(&mut watch)?;
        if self.watch.as_bytes() != watch {
            let text = String::from_utf8(watch).map_err(|_| self.damaged())?;
            self.watch = text.into();
        }
        let watch = Arc::clone(&self.watch);
        Ok(Some(Found { head, watch }))
    }

    /// The document of the frame that was just found.
    pub(crate) fn document(&mut self, found: &Found) -> Result<String, SpoolError> {
        let mut document = vec![0; found.head.document_bytes];
        self.fill(&mut document)?;
        if !found.head.holds(found.watch.as_bytes(), &document) {
            return Err(self.damaged());
        }
        let document = String::from_utf8(document).map_err(|_| self.damaged())?;
        self.offset += found.head.frame_bytes();
        Ok(document)
    }

    /// Goes past the document of the frame that was just found.
    pub(crate) fn skip(&mut self, found: &Found) -> Result<(), SpoolError> {
        let bytes = i64::try_from(found.head.document_bytes).expect("documents are bounded");
        self.reader
            .seek_relative(bytes)
            .map_err(disk("read", &self.path))?;
        self.offset += found.head.frame_bytes();
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SpoolError> {
        match self.reader.read_exact(bytes) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(self.damaged()),
            Err(error) => Err(disk("read", &self.path)(error)),
        }
    }

    fn damaged(&self) -> SpoolError {
        SpoolError::Damaged {
            path: self.path.clone(),
            offset: self.offset,
        }
    }
}

/// As many bytes as there are, up to the buffer's size.
pub(crate) fn read_up_to(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
