//! Unpacks gzip (RFC 1952) as its bytes come. No input or output: `input` gives it what it has read.
//!
//! ```text
//! header ─► body ─► trailer ─► header …        a file may have many members; the end is before a header
//! ```
//!
//! The decoders of `flate2` read by themselves, and hand out nothing while they wait for more.

use std::io::{Error, ErrorKind, Result};

use flate2::{Crc, Decompress, FlushDecompress, Status};

/// How a gzip member starts.
const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// The only method there is.
const METHOD_DEFLATE: u8 = 8;
/// Bytes of the header that are always there.
const HEADER_BYTES: usize = 10;
/// The checksum and the length of what is unpacked.
const TRAILER_BYTES: usize = 8;
/// Packed bytes that are taken at once.
pub const PACKED_BYTES_MAX: usize = 32 * 1024;

const FLAG_CHECKSUM: u8 = 2;
const FLAG_EXTRA: u8 = 4;
const FLAG_NAME: u8 = 8;
const FLAG_COMMENT: u8 = 16;
const FLAGS_UNKNOWN: u8 = 0xe0;

/// Whether this is the start of a gzip file: no JSON starts with such a byte.
pub fn is_packed(start: &[u8]) -> bool {
    start.first() == Some(&MAGIC[0])
}

/// A gzip file on its way. Its memory does not depend on what the file unpacks to.
pub struct Unpacker {
    /// `start..end` is not unpacked yet.
    packed: Box<[u8]>,
    start: usize,
    end: usize,
    part: Part,
    inflate: Decompress,
    sums: Crc,
}

/// The part of a member that comes next.
enum Part {
    Header(Header),
    Body,
    /// What is there of it.
    Trailer([u8; TRAILER_BYTES], usize),
}

/// A header, as far as it came.
struct Header {
    field: Field,
    /// Bytes of this field that are over.
    at: usize,
    /// Fields that are still to come.
    flags: u8,
    extra_bytes: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Checksum,
}

impl Default for Unpacker {
    fn default() -> Unpacker {
        Unpacker {
            packed: vec![0; PACKED_BYTES_MAX].into(),
            start: 0,
            end: 0,
            part: Part::Header(Header::new()),
            inflate: Decompress::new(false),
            sums: Crc::new(),
        }
    }
}

impl Unpacker {
    /// Takes packed bytes from `read`, which gives their number, 0 at the end of the file. To be called
    /// only after [`unpack`](Self::unpack) gave 0.
    ///
    /// # Errors
    /// Those of `read`; and where the file ends within a member.
    pub fn fill(&mut self, read: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<usize> {
        debug_assert_eq!(self.start, self.end, "all was unpacked");
        let count = read(&mut self.packed)?;
        (self.start, self.end) = (0, count);
        let between = matches!(&self.part, Part::Header(header) if header.is_untouched());
        if count == 0 && !between {
            return Err(Error::new(
                ErrorKind::UnexpectedEof,
                "the gzip data is cut off before its end",
            ));
        }
        Ok(count)
    }

    /// Unpacks into `to`; gives the number of bytes. 0: it needs more packed bytes.
    ///
    /// # Errors
    /// When it is damaged. What comes before the damage was handed out.
    pub fn unpack(&mut self, to: &mut [u8]) -> Result<usize> {
        loop {
            let packed = &self.packed[self.start..self.end];
            match &mut self.part {
                // Also without input: there may be more of it than found room the last time.
                Part::Body => {
                    let (unpacked, ended) = self.inflate(to)?;
                    if ended {
                        self.part = Part::Trailer([0; TRAILER_BYTES], 0);
                    }
                    if unpacked > 0 {
                        return Ok(unpacked);
                    }
                    if !ended && self.start == self.end {
                        return Ok(0);
                    }
                }
                _ if packed.is_empty() => return Ok(0),
                Part::Header(header) => {
                    self.start += 1;
                    if header.take(packed[0])? {
                        self.part = Part::Body;
                    }
                }
                Part::Trailer(bytes, count) => {
                    self.start += 1;
                    bytes[*count] = packed[0];
                    *count += 1;
                    if *count == TRAILER_BYTES {
                        let expected = u64::from_le_bytes(*bytes);
                        let found =
                            u64::from(self.sums.amount()) << 32 | u64::from(self.sums.sum());
                        if expected != found {
                            return Err(damaged("the checksum does not fit"));
                        }
                        self.part = Part::Header(Header::new());
                        self.inflate.reset(false);
                        self.sums.reset();
                    }
                }
            }
        }
    }

    /// A step in the body: how much it gave, and whether this was its end.
    fn inflate(&mut self, to: &mut [u8]) -> Result<(usize, bool)> {
        let packed = &self.packed[self.start..self.end];
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self.inflate.decompress(packed, to, FlushDecompress::None);
        let less = |count: u64| usize::try_from(count).expect("no more than the slice has");
        let taken = less(self.inflate.total_in() - before_in);
        let unpacked = less(self.inflate.total_out() - before_out);
        self.start += taken;
        self.sums.update(&to[..unpacked]);
        match status {
            Ok(Status::StreamEnd) => Ok((unpacked, true)),
            // The next call says it again.
            Err(_) if unpacked > 0 => Ok((unpacked, false)),
            Ok(_) if taken + unpacked > 0 || packed.is_empty() => Ok((unpacked, false)),
            Ok(_) | Err(_) => Err(damaged("it cannot be unpacked")),
        }
    }
}

impl Header {
    fn new() -> Header {
        Header {
            field: Field::Fixed,
            at: 0,
            flags: 0,
            extra_bytes: 0,
        }
    }

    fn is_untouched(&self) -> bool {
        self.field == Field::Fixed && self.at == 0
    }

    /// Takes a byte; gives whether it was the last one.
    fn take(&mut self, byte: u8) -> Result<bool> {
        let at = self.at;
        self.at += 1;
        let field_ended = match self.field {
            Field::Fixed => {
                let right = match at {
                    0 | 1 => byte == MAGIC[at],
                    2 => byte == METHOD_DEFLATE,
                    3 => byte & FLAGS_UNKNOWN == 0,
                    _ => true,
                };
                if !right {
                    return Err(damaged("here should be a gzip header"));
                }
                if at == 3 {
                    self.flags = byte;
                }
                self.at == HEADER_BYTES
            }
            Field::ExtraLength => {
                self.extra_bytes |= usize::from(byte) << (8 * at);
                self.at == 2
            }
            Field::Extra => self.at == self.extra_bytes,
            Field::Name | Field::Comment => byte == 0,
            Field::Checksum => self.at == 2,
        };
        Ok(field_ended && self.next_field().is_none())
    }

    fn next_field(&mut self) -> Option<()> {
        self.at = 0;
        if self.field == Field::ExtraLength && self.extra_bytes > 0 {
            self.field = Field::Extra;
            return Some(());
        }
        // In the order in which they stand.
        let fields = [
            (FLAG_EXTRA, Field::ExtraLength),
            (FLAG_NAME, Field::Name),
            (FLAG_COMMENT, Field::Comment),
            (FLAG_CHECKSUM, Field::Checksum),
        ];
        let next = fields.iter().find(|(flag, _)| self.flags & flag != 0)?;
        self.flags &= !next.0;
        self.field = next.1;
        Some(())
    }
}

fn damaged(what: &str) -> Error {
    Error::new(
        ErrorKind::InvalidData,
        format!("the gzip data is damaged: {what}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, GzBuilder};
    use std::io::Write;

    fn pack(bytes: &[u8]) -> Vec<u8> {
        let all = GzBuilder::new().filename("name").comment("words").mtime(7);
        let mut packer = all
            .extra(vec![1, 0, 2])
            .write(Vec::new(), Compression::best());
        packer.write_all(bytes).expect("memory takes it");
        packer.finish().expect("memory takes it")
    }

    /// Unpacks what comes in pieces; gives what came out, also before an error.
    fn unpack(packed: &[u8], piece: usize, room: usize) -> (Vec<u8>, Result<()>) {
        let (mut unpacker, mut unpacked) = (Unpacker::default(), Vec::new());
        let (mut pieces, mut to) = (packed.chunks(piece), vec![0; room]);
        loop {
            match unpacker.unpack(&mut to) {
                Ok(0) => {}
                Ok(count) => {
                    unpacked.extend_from_slice(&to[..count]);
                    continue;
                }
                Err(error) => return (unpacked, Err(error)),
            }
            let filled = unpacker.fill(|space| {
                let piece = pieces.next().unwrap_or_default();
                space[..piece.len()].copy_from_slice(piece);
                Ok(piece.len())
            });
            match filled {
                Ok(0) => return (unpacked, Ok(())),
                Ok(_) => {}
                Err(error) => return (unpacked, Err(error)),
            }
        }
    }

    fn text() -> Vec<u8> {
        (0..20_000_u32)
            .flat_map(|number| format!("line {number}\n").into_bytes())
            .collect()
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        // Two members, an empty one between them, and a header with every field.
        let mut packed = [pack(&text()), pack(b""), pack(b"end")].concat();
        let mut with_checksum = pack(b"!");
        with_checksum[3] |= FLAG_CHECKSUM;
        let body = with_checksum
            .windows(6)
            .position(|bytes| bytes == b"words\0");
        let at = body.expect("its comment") + 6;
        with_checksum.splice(at..at, [0, 0]);
        packed.extend(with_checksum);
        let expected = [text(), b"end!".to_vec()].concat();
        for (piece, room) in [
            (1, 1),
            (1, 70_000),
            (7, 64),
            (PACKED_BYTES_MAX, 1),
            (PACKED_BYTES_MAX, 70_000),
        ] {
            let (found, ended) = unpack(&packed, piece, room);
            assert!(ended.is_ok(), "{piece} {room}: {ended:?}");
            assert!(found == expected, "{piece} {room}");
        }
    }

    #[test]
    fn what_has_arrived_is_handed_on() {
        let mut packer = GzBuilder::new().write(Vec::new(), Compression::default());
        packer.write_all(b"first\n").expect("memory takes it");
        packer.flush().expect("memory takes it");
        let (found, ended) = unpack(packer.get_ref(), 1, 100);
        assert_eq!((&found[..], ended.is_err()), (&b"first\n"[..], true));
    }

    #[test]
    fn a_cut_off_file_is_an_error_wherever_it_is_cut() {
        let packed = pack(b"some text, some text, some text");
        for length in 1..packed.len() {
            let (_, ended) = unpack(&packed[..length], 5, 100);
            let kind = ended.map_err(|error| error.kind());
            assert_eq!(kind, Err(ErrorKind::UnexpectedEof), "{length}");
        }
    }

    #[test]
    fn damage_is_an_error_after_what_was_right() {
        let text = text();
        let mut packed = pack(&text);
        let last = packed.len() - 1;
        packed[last] ^= 1;
        let (found, ended) = unpack(&packed, PACKED_BYTES_MAX, 1000);
        assert!(found == text && ended.is_err(), "{ended:?}");
        let garbage = [pack(&text), b"{}".to_vec()].concat();
        let (found, ended) = unpack(&garbage, PACKED_BYTES_MAX, 1000);
        assert!(found == text && ended.is_err(), "{ended:?}");
        let middle = packed.len() / 2;
        packed[middle..middle + 200].fill(0xff);
        let (found, ended) = unpack(&packed, PACKED_BYTES_MAX, 1000);
        assert!(ended.is_err() && found.len() > text.len() / 10);
        assert!(text[..1000] == found[..1000]);
    }

    #[test]
    fn a_bomb_comes_out_in_pieces() {
        let packed = pack(&vec![0; 32 * 1024 * 1024]);
        let (found, ended) = unpack(&packed, PACKED_BYTES_MAX, 65_536);
        assert!(ended.is_ok(), "{ended:?}");
        assert_eq!(found.len(), 32 * 1024 * 1024);
    }
}
