//! Where one value ends and the next begins, in a stream of bytes. No input or output.
//!
//! The rules, which depend on the bytes alone and never on how they were cut into reads:
//!
//! 1. A line is a value (NDJSON), unless it is cut off outside a string and the next line does not
//!    start with `{`: then the value goes on over the lines (`kubectl get -o json`), and its brackets
//!    tell where it ends. A line of 64 KiB or more is followed by its brackets, too.
//! 2. A value followed by its brackets that turns out to be a list (a member `items` that is an
//!    array) is taken apart: each item is a value, what is around them is dropped. So a list of any
//!    size needs the memory of one item. Shorter one-line lists are handed out whole.
//! 3. A value that breaks off costs nothing but itself: a newline inside a string ends it, and so
//!    does a `{` at the start of a line where no value can stand or that is its second line. Then
//!    what follows is skipped up to a line that starts with `{`.
//! 4. A value of more than [`VALUE_BYTES_MAX`] is skipped and reported.
//!
//! Nothing is validated here; the reader does that.

use std::ops::Range;

use crate::walk::{Stop, Walk, is_open_line};

/// The largest value that is handed out, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A line of at least this many bytes is followed by its brackets.
const SPLIT_BYTES_MIN: usize = 64 * 1024;

/// What [`Framer::space`] offers at least.
const SPACE_BYTES_MIN: usize = 64 * 1024;

/// A buffer that grew beyond this is given back when it is empty.
const KEPT_BYTES_MAX: usize = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Bytes in, values out. The caller's loop, without copying anything but cut-off tails:
///
/// ```
/// # use std::io::Read;
/// # let mut file: &[u8] = b"{}\n{}\n";
/// # let mut values = 0;
/// let mut framer = weir_event::frame::Framer::new();
/// loop {
///     let bytes = file.read(framer.space())?;
///     if bytes == 0 {
///         framer.finish();
///     }
///     framer.filled(bytes);
///     while let Some(frame) = framer.next_frame() {
/// #       values += 1;
///         // frame.line, frame.value
///     }
///     if bytes == 0 {
///         break;
///     }
/// }
/// # assert_eq!(values, 2);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Framer {
    /// `start..end` is what was filled in and not handed out yet; the rest is space.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// The line at `start`, the first is 1.
    line: u64,
    mode: Mode,
    finished: bool,
    /// A byte order mark may still come.
    at_start: bool,
}

#[derive(Debug)]
enum Mode {
    /// A value begins at `start`. There is no newline in the first `searched` bytes behind it.
    Line { searched: usize },
    /// The value at `start` is followed by its brackets.
    Value(Box<Walk>),
    /// Up to a newline; this much of the line is gone already.
    SkipLine { dropped: usize },
    /// Up to a line that starts with `{`.
    Resync { line_start: bool },
}

/// One value, or what stood in the place of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The line that it starts in (of a list that is cut off: that the list starts in); the first
    /// is 1.
    pub line: u64,
    /// The bytes of the value, not validated.
    pub value: Result<&'a [u8], FrameError>,
}

/// Why there is no value to hand out. The values that follow are not affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The value was skipped.
    #[error("a value of {bytes} bytes, more than the {VALUE_BYTES_MAX} that are allowed")]
    TooLarge {
        /// How large it was.
        bytes: usize,
    },
    /// A list broke off between two items; those before were handed out.
    #[error("the list is cut off before its end")]
    ListCutOff,
}

/// A value that was found, before it is borrowed.
struct Found {
    line: u64,
    value: Result<Range<usize>, FrameError>,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// A framer at the start of a stream. Takes no memory yet.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            end: 0,
            line: 1,
            mode: Mode::Line { searched: 0 },
            finished: false,
            at_start: true,
        }
    }

    /// Room for the next read, at least 64 KiB; say with [`filled`](Self::filled) how much was used.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end && self.buffer.len() > KEPT_BYTES_MAX {
            self.buffer = Vec::new();
            (self.start, self.end) = (0, 0);
        }
        if self.buffer.len() - self.end < SPACE_BYTES_MIN {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.buffer.len() - self.end < SPACE_BYTES_MIN {
                let len = (self.buffer.len() * 2).max(2 * SPACE_BYTES_MIN);
                self.buffer.resize(len, 0);
            }
        }
        &mut self.buffer[self.end..]
    }

    /// This many bytes of the last [`space`](Self::space) hold input now.
    pub fn filled(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// Copies bytes in, for callers that have them already. Take all values out after each push: the
    /// framer keeps what it was given.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let space = self.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            self.filled(count);
            rest = &rest[count..];
        }
    }

    /// There will be no more input: what is left is the last value.
    pub fn finish(&mut self) {
        self.finished = true;
    }

    /// The next value. `None`: it needs more input, or all was handed out.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        let found = self.find()?;
        let value = found.value.map(|range| &self.buffer[range]);
        Some(Frame {
            line: found.line,
            value,
        })
    }

    fn find(&mut self) -> Option<Found> {
        loop {
            let found = match &mut self.mode {
                Mode::Line { .. } => self.find_line()?,
                Mode::Value(_) => self.find_end()?,
                Mode::SkipLine { dropped } => {
                    let rest = &self.buffer[self.start..self.end];
                    let newline = memchr::memchr(b'\n', rest);
                    let bytes = *dropped + newline.unwrap_or(rest.len());
                    self.start += newline.unwrap_or(rest.len());
                    if newline.is_none() && !self.finished {
                        *dropped = bytes;
                        return None;
                    }
                    self.mode = Mode::Line { searched: 0 };
                    Some(Found {
                        line: self.line,
                        value: Err(FrameError::TooLarge { bytes }),
                    })
                }
                Mode::Resync { line_start } => {
                    let mut line_start = *line_start;
                    if !self.resync(&mut line_start) {
                        self.mode = Mode::Resync { line_start };
                        return None;
                    }
                    self.mode = Mode::Line { searched: 0 };
                    None
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }

    /// A step in line mode: `None` needs more input; `Some(None)` changed the mode.
    fn find_line(&mut self) -> Option<Option<Found>> {
        if self.at_start {
            let input = &self.buffer[self.start..self.end];
            if input.len() < 3 && BYTE_ORDER_MARK.starts_with(input) && !self.finished {
                return None;
            }
            if input.starts_with(BYTE_ORDER_MARK) {
                self.start += 3;
            }
            self.at_start = false;
        }
        let Mode::Line { searched } = &mut self.mode else {
            return Some(None);
        };
        while let Some(space @ (b' ' | b'\n' | b'\r' | b'\t')) =
            self.buffer[..self.end].get(self.start)
        {
            self.line += u64::from(*space == b'\n');
            self.start += 1;
            *searched = 0;
        }
        let input = &self.buffer[self.start..self.end];
        let bracket = matches!(input.first()?, b'{' | b'[');
        let newline = memchr::memchr(b'\n', &input[*searched..]).map(|at| at + *searched);
        let length = newline.unwrap_or(input.len());
        *searched = length;
        if length >= SPLIT_BYTES_MIN && bracket {
            return Some(self.follow_brackets());
        }
        let Some(newline) = newline else {
            if length > VALUE_BYTES_MAX {
                self.start = self.end;
                self.mode = Mode::SkipLine { dropped: length };
                return Some(None);
            }
            return if self.finished {
                Some(self.line_value(length))
            } else {
                None
            };
        };
        let next = input.get(newline + 1);
        let ends = match next {
            Some(b'{') => true,
            None if self.finished => true,
            _ => !bracket || !is_open_line(&input[..newline]),
        };
        if ends {
            return Some(self.line_value(newline));
        }
        next?;
        Some(self.follow_brackets())
    }

    fn line_value(&mut self, length: usize) -> Option<Found> {
        let line = self.line;
        let range = self.start..self.start + length;
        self.start += length;
        self.mode = Mode::Line { searched: 0 };
        Some(Found {
            line,
            value: self.piece(range, 0),
        })
    }

    fn follow_brackets(&mut self) -> Option<Found> {
        self.mode = Mode::Value(Box::new(Walk::new(self.line)));
        None
    }

    /// A step while brackets are followed: `None` needs more input; `Some(None)` changed something.
    fn find_end(&mut self) -> Option<Option<Found>> {
        let Mode::Value(walk) = &mut self.mode else {
            return Some(None);
        };
        let input = &self.buffer[self.start..self.end];
        let mut stop = walk.advance(input);
        if stop == Stop::NeedsInput {
            if !self.finished {
                // What is not needed any more need not stay in memory.
                let droppable = walk.droppable(VALUE_BYTES_MAX);
                self.start += droppable;
                walk.dropped(droppable);
                return None;
            }
            stop = Stop::CutOff;
        }
        let piece = self.start + walk.piece_start..self.start + walk.at;
        let (first_line, line, dropped) = (walk.first_line, walk.piece_line, walk.dropped_bytes);
        self.start = piece.end;
        self.line = walk.line;
        let in_value = walk.in_piece();
        let second_line = walk.is_past_first_line();
        match stop {
            // The walk goes on behind the item.
            Stop::Item => walk.item_taken(),
            Stop::End | Stop::ListEnd => self.mode = Mode::Line { searched: 0 },
            Stop::Restart => self.mode = Mode::Line { searched: 0 },
            Stop::Broken if second_line => self.mode = Mode::Resync { line_start: false },
            Stop::Broken | Stop::CutOff | Stop::NeedsInput => {
                self.mode = Mode::Line { searched: 0 }
            }
        }
        if stop == Stop::ListEnd {
            return Some(None);
        }
        if in_value {
            return Some(Some(Found {
                line,
                value: self.piece(piece, dropped),
            }));
        }
        Some(Some(Found {
            line: first_line,
            value: Err(FrameError::ListCutOff),
        }))
    }

    /// The value of which `dropped` bytes are gone already, if it is not too large.
    fn piece(&self, range: Range<usize>, dropped: usize) -> Result<Range<usize>, FrameError> {
        let bytes = dropped + range.len();
        if bytes > VALUE_BYTES_MAX {
            return Err(FrameError::TooLarge { bytes });
        }
        let start = range.start;
        Ok(start..start + self.buffer[range].trim_ascii_end().len())
    }

    /// Skips up to a `{` at the start of a line; `false` where more input is needed.
    fn resync(&mut self, line_start: &mut bool) -> bool {
        while self.start < self.end {
            if *line_start && self.buffer[self.start] == b'{' {
                return true;
            }
            let rest = &self.buffer[self.start..self.end];
            let newline = memchr::memchr(b'\n', rest);
            *line_start = newline.is_some();
            self.line += u64::from(*line_start);
            self.start += newline.map_or(rest.len(), |at| at + 1);
        }
        false
    }
}
