//! Follows the brackets of one value, over as many pieces of input as it takes.
//!
//! It keeps what it must know to go on at the next byte: how deep it is, whether each level is an
//! object or an array, whether it is inside a string, and what the last token was. Only brackets,
//! strings, commas and colons matter; anything else is a scalar.

use crate::json::decode;

/// Why a walk stopped. Its `at` is behind what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// All input is read and the value has not ended.
    NeedsInput,
    /// The value has ended.
    End,
    /// An item of the list has ended; the walk can go on.
    Item,
    /// The list has ended.
    ListEnd,
    /// The value broke off at a newline inside a string.
    Broken,
    /// The value broke off: a new one starts here.
    Restart,
    /// There is no more input.
    CutOff,
}

/// What the last token was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Open,
    Comma,
    Colon,
    Name,
    Value,
}

/// Which part of the input is handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The whole value; it is no list as far as is known.
    Whole,
    /// Items of the list: between two of them.
    Between,
    /// Items of the list: inside one.
    Item,
    /// Behind the items.
    Behind,
}

/// A walk through one value. All positions are from the start of the input given to `advance`.
#[derive(Debug)]
pub(crate) struct Walk {
    /// The next byte to look at.
    pub at: usize,
    /// The line at `at`.
    pub line: u64,
    /// Where what is handed out next begins, and its line.
    pub piece_start: usize,
    pub piece_line: u64,
    /// Bytes of the piece that are gone already, because it is too large anyway.
    pub dropped_bytes: usize,
    /// The line that the whole value starts in.
    pub first_line: u64,
    depth: usize,
    /// A bit for each level, the deepest lowest: it is an array. Exact for 128 levels; deeper values
    /// are malformed anyway.
    arrays: u128,
    /// Inside a string that starts here.
    string: Option<usize>,
    last: Last,
    /// The last name at depth 1 was `items`.
    items_name: bool,
    /// The byte before `at` is a newline.
    line_start: bool,
    /// Something stood on a line after the first.
    past_first_line: bool,
    part: Part,
}

impl Walk {
    pub fn new(line: u64) -> Self {
        Self {
            at: 0,
            line,
            piece_start: 0,
            piece_line: line,
            dropped_bytes: 0,
            first_line: line,
            depth: 0,
            arrays: 0,
            string: None,
            last: Last::Nothing,
            items_name: false,
            line_start: false,
            past_first_line: false,
            part: Part::Whole,
        }
    }

    /// There is a piece that would be handed out.
    pub fn in_piece(&self) -> bool {
        matches!(self.part, Part::Whole | Part::Item)
    }

    pub fn is_past_first_line(&self) -> bool {
        self.past_first_line
    }

    /// How much at the start of the input is not needed any more.
    pub fn droppable(&self, piece_bytes_max: usize) -> usize {
        let too_large = self.dropped_bytes + (self.at - self.piece_start) > piece_bytes_max;
        if !self.in_piece() || too_large {
            self.at
        } else {
            self.piece_start
        }
    }

    /// The input starts this much later now.
    pub fn dropped(&mut self, bytes: usize) {
        if self.in_piece() {
            self.dropped_bytes += bytes.saturating_sub(self.piece_start);
        }
        self.piece_start = self.piece_start.saturating_sub(bytes);
        self.at -= bytes;
        self.string = self.string.map(|start| start.saturating_sub(bytes));
    }

    /// The item was handed out, and the input starts behind it now.
    pub fn item_taken(&mut self) {
        self.part = Part::Between;
        self.at = 0;
        self.piece_start = 0;
        self.dropped_bytes = 0;
    }

    pub fn advance(&mut self, input: &[u8]) -> Stop {
        while let Some(&byte) = input.get(self.at) {
            if self.string.is_some() {
                match self.string_rest(input) {
                    Some(stop) => return stop,
                    None => continue,
                }
            }
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.line_start = true;
                    self.at += 1;
                    continue;
                }
                b' ' | b'\t' | b'\r' => {
                    self.line_start = false;
                    self.at += 1;
                    continue;
                }
                _ => {}
            }
            let line_start = std::mem::take(&mut self.line_start);
            if byte == b'{' && line_start && !(self.past_first_line && self.value_may_start()) {
                self.line_start = true;
                return Stop::Restart;
            }
            self.past_first_line |= self.line > self.first_line;
            if let Some(stop) = self.token(byte, input) {
                return stop;
            }
        }
        Stop::NeedsInput
    }

    /// Reads one token that is no white space.
    fn token(&mut self, byte: u8, input: &[u8]) -> Option<Stop> {
        if self.part == Part::Item && self.depth == 2 && matches!(byte, b',' | b']') {
            // A scalar item ends where something else begins, which is read again.
            return Some(Stop::Item);
        }
        if self.part == Part::Between && !matches!(byte, b',' | b']' | b'}') {
            self.part = Part::Item;
            self.piece_start = self.at;
            self.piece_line = self.line;
        }
        self.at += 1;
        match byte {
            b'"' => self.string = Some(self.at - 1),
            b'{' | b'[' => self.open(byte == b'['),
            b'}' | b']' => return self.close(),
            b',' => self.last = Last::Comma,
            b':' => self.last = Last::Colon,
            _ => {
                self.last = Last::Value;
                while input
                    .get(self.at)
                    .is_some_and(|byte| byte.is_ascii_alphanumeric())
                {
                    self.at += 1;
                }
            }
        }
        None
    }

    fn open(&mut self, array: bool) {
        let items = array && self.depth == 1 && self.last == Last::Colon && self.items_name;
        let small =
            self.dropped_bytes + (self.at - self.piece_start) <= crate::frame::VALUE_BYTES_MAX;
        if items && small && self.part == Part::Whole {
            self.part = Part::Between;
            self.dropped_bytes = 0;
        }
        self.depth += 1;
        self.arrays = self.arrays << 1 | u128::from(array);
        self.last = Last::Open;
    }

    fn close(&mut self) -> Option<Stop> {
        self.depth = self.depth.saturating_sub(1);
        self.arrays >>= 1;
        self.last = Last::Value;
        match (self.part, self.depth) {
            (Part::Whole, 0) => Some(Stop::End),
            (Part::Item, 2) => Some(Stop::Item),
            (Part::Between, 1) => {
                self.part = Part::Behind;
                None
            }
            (_, 0) => Some(Stop::ListEnd),
            _ => None,
        }
    }

    /// Reads on to the end of a string. `None`: it has ended.
    fn string_rest(&mut self, input: &[u8]) -> Option<Stop> {
        loop {
            let found = memchr::memchr3(b'"', b'\\', b'\n', &input[self.at..]);
            let Some(at) = found.map(|at| at + self.at) else {
                self.at = input.len();
                return Some(Stop::NeedsInput);
            };
            self.at = at;
            match input[at] {
                b'"' => break,
                b'\n' => return Some(Stop::Broken),
                _ => match input.get(at + 1) {
                    None => return Some(Stop::NeedsInput),
                    Some(b'\n') => self.at = at + 1,
                    Some(_) => self.at = at + 2,
                },
            }
        }
        self.at += 1;
        let start = self.string.take().unwrap_or_default();
        let in_object = self.arrays & 1 == 0;
        if in_object && matches!(self.last, Last::Open | Last::Comma) {
            self.last = Last::Name;
            if self.depth == 1 {
                let raw = std::str::from_utf8(&input[start..self.at]).unwrap_or_default();
                self.items_name = decode(raw).is_some_and(|name| name == "items");
            }
        } else {
            self.last = Last::Value;
        }
        None
    }

    fn value_may_start(&self) -> bool {
        match self.last {
            Last::Colon | Last::Nothing => true,
            Last::Open | Last::Comma => self.arrays & 1 == 1,
            Last::Name | Last::Value => false,
        }
    }
}

/// The line is cut off at a place where its value could go on in the next one: brackets are open,
/// and it does not end inside a string.
pub(crate) fn is_open_line(line: &[u8]) -> bool {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return false;
                }
            }
            b'"' => {
                let mut closed = false;
                while let Some(found) =
                    memchr::memchr2(b'"', b'\\', line.get(at..).unwrap_or_default())
                {
                    at += found;
                    if line[at] == b'"' {
                        closed = true;
                        break;
                    }
                    at += 2;
                }
                if !closed {
                    return false;
                }
                at += 1;
            }
            _ => {}
        }
    }
    true
}
