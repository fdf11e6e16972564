//! Reading a file of unknown health: every frame that is whole, and the stretches between that are not.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use crate::error::{SpoolError, disk};
use crate::frame::{HEAD_BYTES, Head, MAGIC};
use crate::segment::{FORMAT, PREFIX_BYTES, format_of, read_up_to};

const BUFFER_BYTES: usize = 256 << 10;

/// What comes next in a file.
#[derive(Debug)]
pub(crate) enum Step {
    /// A whole frame.
    Frame {
        /// Where it begins.
        offset: u64,
        /// Its numbers.
        head: Head,
        /// Its watch.
        watch: String,
    },
    /// Bytes that are no frame.
    Bad {
        /// Where they begin.
        from: u64,
        /// Where they end: at a whole frame, or at the end of the file.
        to: u64,
        /// Whether it is what a write leaves that was interrupted: the beginning of a frame at the end of the file, or zeros.
        torn: bool,
    },
}

/// Reads a file from its beginning to its end.
pub(crate) struct Scan {
    path: PathBuf,
    reader: BufReader<File>,
    size: u64,
    offset: u64,
    body: Vec<u8>,
    /// A whole frame was searched for and found here.
    found: Option<(u64, Head)>,
}

impl Scan {
    /// Opens a segment, and looks at its format.
    pub(crate) fn new(path: &Path) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(disk("open", path))?;
        let size = file.metadata().map_err(disk("read", path))?.len();
        let mut scan = Self {
            path: path.to_owned(),
            reader: BufReader::with_capacity(BUFFER_BYTES, file),
            size,
            offset: 0,
            body: Vec::new(),
            found: None,
        };
        let mut prefix = [0; PREFIX_BYTES as usize];
        let count = read_up_to(&mut scan.reader, &mut prefix).map_err(disk("read", path))?;
        match format_of(&prefix[..count]) {
            Some(found) if found > FORMAT => Err(SpoolError::NewerFormat {
                path: path.to_owned(),
                found,
                known: FORMAT,
            }),
            Some(_) => {
                scan.offset = PREFIX_BYTES;
                Ok(scan)
            }
            None => Ok(scan),
        }
    }

    /// The size of the file.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// What comes next; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Step>, SpoolError> {
        if self.offset >= self.size {
            return Ok(None);
        }
        let offset = self.offset;
        let whole = match self.found.take() {
            Some((at, head)) if at == offset => Some(head),
            _ => self.whole_frame(offset)?,
        };
        if let Some(head) = whole {
            self.offset += head.frame_bytes();
            let watch = String::from_utf8_lossy(&self.body[..head.watch_bytes]).into_owned();
            return Ok(Some(Step::Frame {
                offset,
                head,
                watch,
            }));
        }
        let to = self.search(offset + 1)?;
        let torn = to == self.size && self.is_torn(offset)?;
        self.offset = to;
        Ok(Some(Step::Bad {
            from: offset,
            to,
            torn,
        }))
    }

    /// The frame at an offset, if all of it is there and right; its texts are then in `body`.
    fn whole_frame(&mut self, offset: u64) -> Result<Option<Head>, SpoolError> {
        let Some(head) = self.head(offset)? else {
            return Ok(None);
        };
        if offset + head.frame_bytes() > self.size {
            return Ok(None);
        }
        let mut body = std::mem::take(&mut self.body);
        body.resize(head.watch_bytes + head.document_bytes, 0);
        let count = self.read(offset + HEAD_BYTES as u64, &mut body)?;
        self.body = body;
        let (watch, document) = self.body.split_at(head.watch_bytes);
        let right = count == self.body.len()
            && head.holds(watch, document)
            && std::str::from_utf8(&self.body).is_ok();
        Ok(right.then_some(head))
    }

    fn head(&mut self, offset: u64) -> Result<Option<Head>, SpoolError> {
        let mut bytes = [0; HEAD_BYTES];
        let count = self.read(offset, &mut bytes)?;
        Ok((count == HEAD_BYTES).then(|| Head::parse(&bytes)).flatten())
    }

    /// Where the next whole frame begins, or the end of the file.
    fn search(&mut self, from: u64) -> Result<u64, SpoolError> {
        let mut chunk = vec![0; BUFFER_BYTES];
        let mut at = from;
        while at < self.size {
            let count = self.read(at, &mut chunk)?;
            let candidates: Vec<usize> = chunk[..count]
                .windows(MAGIC.len())
                .enumerate()
                .filter(|(_, bytes)| *bytes == MAGIC)
                .map(|(index, _)| index)
                .collect();
            for index in candidates {
                let offset = at + index as u64;
                if let Some(head) = self.whole_frame(offset)? {
                    self.found = Some((offset, head));
                    return Ok(offset);
                }
            }
            if count < chunk.len() {
                break;
            }
            // A magic may lie across two chunks.
            at += (count - (MAGIC.len() - 1)) as u64;
        }
        Ok(self.size)
    }

    /// Whether what there is from here to the end can be what an interrupted write leaves.
    fn is_torn(&mut self, from: u64) -> Result<bool, SpoolError> {
        if let Some(head) = self.head(from)? {
            return Ok(from + head.frame_bytes() > self.size);
        }
        let mut chunk = vec![0; BUFFER_BYTES];
        let mut at = from;
        if self.size - from < HEAD_BYTES as u64 {
            let count = self.read(from, &mut chunk)?;
            let common = count.min(MAGIC.len());
            if chunk[..common] == MAGIC[..common] {
                return Ok(true);
            }
        }
        while at < self.size {
            let count = self.read(at, &mut chunk)?;
            if count == 0 || chunk[..count].iter().any(|byte| *byte != 0) {
                return Ok(false);
            }
            at += count as u64;
        }
        Ok(true)
    }

    fn read(&mut self, offset: u64, bytes: &mut [u8]) -> Result<usize, SpoolError> {
        let failed = || disk("read", &self.path);
        let at = self.reader.stream_position().map_err(failed())?;
        let signed = |offset| i64::try_from(offset).expect("no file is so large");
        // Unlike `seek`, this keeps what is buffered.
        let distance = signed(offset) - signed(at);
        self.reader.seek_relative(distance).map_err(failed())?;
        read_up_to(&mut self.reader, bytes).map_err(failed())
    }
}
