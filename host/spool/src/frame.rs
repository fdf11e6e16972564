//! The bytes of one frame: what the files of the queue are made of. Pure.
//!
//! ```text
//!  0  magic      FF 57 52 FE: FF and FE are in no UTF-8 text, so no document can look like a frame
//!  4  kind       u8, see `Kind`
//!  5  last       u8: 1 in the last frame of a group, else 0. A group counts as a whole or not at all
//!  6  watch      u16, length of the watch's name in bytes
//!  8  document   u32, length of the document in bytes
//! 12  sequence   u64 ┐
//! 20  version    u64 ├ what they mean depends on the kind
//! 28  below      u64 ┘
//! 36  checksum   u32, CRC-32 of bytes 0 to 35, the name and the document
//! 40  the watch's name, then the document, both UTF-8
//! ```
//!
//! All numbers are little endian.

/// Size of what precedes the texts.
pub(crate) const HEAD_BYTES: usize = 40;
/// How a frame begins.
pub(crate) const MAGIC: [u8; 4] = [0xFF, b'W', b'R', 0xFE];
/// The largest document.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 16 << 20;
/// The longest name of a watch; Kubernetes allows 63 bytes for a namespace.
pub(crate) const WATCH_BYTES_MAX: usize = 1024;

/// What a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A segment begins: what former segments said of marks, gaps and discards is said anew after it.
    Begin = 1,
    /// A record: its sequence number, its version, and its watch's mark with this portion.
    Record = 2,
    /// The watch's mark is `version`; its versions began anew with the record `sequence` (0: never).
    Mark = 3,
    /// Everything up to `sequence` was delivered or dropped.
    Removed = 4,
    /// Records of the watch from `below` to `sequence` are settled where their version is at most `version`.
    Discard = 5,
    /// The records from `sequence` to `version` are lost, and somebody was told.
    Gap = 6,
}

/// A frame's numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub kind: Kind,
    pub last: bool,
    pub watch_bytes: usize,
    pub document_bytes: usize,
    pub sequence: u64,
    pub version: u64,
    pub below: u64,
    checksum: u32,
    checked: [u8; HEAD_BYTES - 4],
}

impl Head {
    /// Reads what precedes the texts; `None` if it cannot be that of a frame.
    pub(crate) fn parse(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let number = |at: usize| {
            u64::from_le_bytes(
                bytes[at..at + 8]
                    .try_into()
                    .expect("eight bytes were asked for"),
            )
        };
        let half = |at: usize| {
            u32::from_le_bytes(
                bytes[at..at + 4]
                    .try_into()
                    .expect("four bytes were asked for"),
            )
        };
        let kind = match bytes[4] {
            1 => Kind::Begin,
            2 => Kind::Record,
            3 => Kind::Mark,
            4 => Kind::Removed,
            5 => Kind::Discard,
            6 => Kind::Gap,
            _ => return None,
        };
        let head = Self {
            kind,
            last: bytes[5] == 1,
            watch_bytes: usize::from(u16::from_le_bytes([bytes[6], bytes[7]])),
            document_bytes: usize::try_from(half(8)).ok()?,
            sequence: number(12),
            version: number(20),
            below: number(28),
            checksum: half(36),
            checked: bytes[..HEAD_BYTES - 4]
                .try_into()
                .expect("a head is longer"),
        };
        let fits = bytes[..4] == MAGIC
            && bytes[5] <= 1
            && head.watch_bytes <= WATCH_BYTES_MAX
            && head.document_bytes <= DOCUMENT_BYTES_MAX;
        fits.then_some(head)
    }

    /// Size of the whole frame.
    pub(crate) fn frame_bytes(&self) -> u64 {
        (HEAD_BYTES + self.watch_bytes + self.document_bytes) as u64
    }

    /// Whether these texts belong to these numbers.
    pub(crate) fn holds(&self, watch: &[u8], document: &[u8]) -> bool {
        checksum(&self.checked, watch, document) == self.checksum
    }
}

/// A frame to write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub kind: Kind,
    pub last: bool,
    pub sequence: u64,
    pub version: u64,
    pub below: u64,
    pub watch: &'a str,
    pub document: &'a str,
}

impl Frame<'_> {
    /// A frame with numbers only, a group by itself.
    pub(crate) fn new(kind: Kind, sequence: u64, version: u64) -> Self {
        Self {
            kind,
            last: true,
            sequence,
            version,
            below: 0,
            watch: "",
            document: "",
        }
    }

    /// Appends the frame's bytes.
    pub(crate) fn write(&self, into: &mut Vec<u8>) {
        let start = into.len();
        let watch_bytes = u16::try_from(self.watch.len()).expect("names are bounded when given");
        let document_bytes =
            u32::try_from(self.document.len()).expect("documents are bounded when given");
        into.extend(MAGIC);
        into.extend([self.kind as u8, u8::from(self.last)]);
        into.extend(watch_bytes.to_le_bytes());
        into.extend(document_bytes.to_le_bytes());
        for number in [self.sequence, self.version, self.below] {
            into.extend(number.to_le_bytes());
        }
        let sum = checksum(
            &into[start..],
            self.watch.as_bytes(),
            self.document.as_bytes(),
        );
        into.extend(sum.to_le_bytes());
        into.extend(self.watch.as_bytes());
        into.extend(self.document.as_bytes());
    }
}

/// The size of a record's frame.
pub(crate) fn record_bytes(watch: &str, document: &str) -> u64 {
    (HEAD_BYTES + watch.len() + document.len()) as u64
}

fn checksum(head: &[u8], watch: &[u8], document: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [head, watch, document] {
        hasher.update(part);
    }
    hasher.finalize()
}
