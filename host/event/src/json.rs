//! The JSON scanner: checks RFC 8259 and finds where things are, and builds nothing.
//!
//! It works on text that is known to be UTF-8, in one pass, without allocating. It accepts what
//! `serde_json` accepts, with two differences that are meant: a lone surrogate escape is accepted
//! (it decodes to U+FFFD) and numbers may be of any size. Everything in this crate that looks at
//! JSON does so through here.

use std::borrow::Cow;

/// How deep arrays and objects may be nested: what `serde_json` can read back.
pub const DEPTH_MAX: usize = 127;

/// The scan failed; [`Scanner::fault`] says where and why. Kept out of the error so that the
/// results of the hot functions are one byte.
#[derive(Debug)]
pub(crate) struct Invalid;

/// Where the scan failed and what would have been right there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub at: usize,
    pub expected: &'static str,
}

/// A position in a JSON text, moved forward value by value.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pub at: usize,
    /// White space was seen between tokens.
    pub spaced: bool,
    /// The last string had an escape.
    escaped: bool,
    depth: usize,
    pub fault: Fault,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str, at: usize) -> Self {
        let fault = Fault { at, expected: "" };
        Self {
            text,
            bytes: text.as_bytes(),
            at,
            spaced: false,
            escaped: false,
            depth: 0,
            fault,
        }
    }

    /// Scans what will stand inside this many arrays and objects.
    pub fn inside(text: &'a str, depth: usize) -> Self {
        Self {
            depth,
            ..Self::new(text, 0)
        }
    }

    #[cold]
    pub fn fail(&mut self, expected: &'static str) -> Invalid {
        self.fault = Fault {
            at: self.at,
            expected,
        };
        Invalid
    }

    /// The next byte that is no white space, without consuming it; 0 at the end.
    #[inline]
    pub fn token(&mut self) -> u8 {
        match self.bytes.get(self.at) {
            Some(&byte) if byte > b' ' => byte,
            _ => self.token_after_space(),
        }
    }

    #[cold]
    fn token_after_space(&mut self) -> u8 {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return byte;
            }
            self.spaced = true;
            self.at += 1;
        }
        0
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Result<(), Invalid> {
        self.token();
        if self.at < self.bytes.len() {
            Err(self.fail("the end of the value"))
        } else {
            Ok(())
        }
    }

    /// Consumes one value of any type.
    pub fn value(&mut self) -> Result<(), Invalid> {
        match self.token() {
            b'"' => self.string(),
            b'{' => self.object(|scanner, _, _| scanner.value()),
            b'[' => self.array(|scanner| scanner.value()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            _ => Err(self.fail("a value")),
        }
    }

    /// Consumes an object whose `{` is the next token. For each member `each` gets the position of
    /// its key's quote and the decoded key, and must consume the value.
    #[inline]
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, usize, &str) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        self.enter()?;
        if self.token() == b'}' {
            return self.leave();
        }
        loop {
            if self.token() != b'"' {
                return Err(self.fail("a member's name in quotes"));
            }
            let start = self.at;
            self.string()?;
            let text = self.text;
            let raw = text.get(start + 1..self.at - 1).unwrap_or_default();
            let escaped = self.escaped;
            if self.token() != b':' {
                return Err(self.fail("':'"));
            }
            self.at += 1;
            self.token();
            if escaped {
                each(self, start, &unescape(raw))?
            } else {
                each(self, start, raw)?
            }
            match self.token() {
                b',' => self.at += 1,
                b'}' => return self.leave(),
                _ => return Err(self.fail("',' or '}'")),
            }
        }
    }

    /// Consumes an array whose `[` is the next token; `each` must consume one item.
    #[inline]
    pub fn array(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), Invalid>,
    ) -> Result<(), Invalid> {
        self.enter()?;
        if self.token() == b']' {
            return self.leave();
        }
        loop {
            self.token();
            each(self)?;
            match self.token() {
                b',' => self.at += 1,
                b']' => return self.leave(),
                _ => return Err(self.fail("',' or ']'")),
            }
        }
    }

    fn enter(&mut self) -> Result<(), Invalid> {
        if self.depth == DEPTH_MAX {
            return Err(self.fail("at most 127 levels of nesting"));
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Invalid> {
        self.depth -= 1;
        self.at += 1;
        Ok(())
    }

    /// Consumes a string whose opening quote is the next byte.
    #[inline]
    pub fn string(&mut self) -> Result<(), Invalid> {
        self.escaped = false;
        let mut at = self.at + 1;
        loop {
            at = find_special(self.bytes, at);
            match self.bytes.get(at) {
                Some(b'"') => {
                    self.at = at + 1;
                    return Ok(());
                }
                Some(b'\\') => at = self.escape(at)?,
                found => {
                    self.at = at;
                    return Err(match found {
                        Some(_) => self.fail("no control character in a string"),
                        None => self.fail("the string's closing quote"),
                    });
                }
            }
        }
    }

    /// Checks the escape at a backslash; the answer is the position behind it.
    fn escape(&mut self, at: usize) -> Result<usize, Invalid> {
        self.escaped = true;
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return Ok(at + 2),
            Some(b'u') => {}
            _ => {
                self.at = at + 1;
                return Err(self.fail("an escape: one of \"\\/bfnrtu"));
            }
        }
        for digit in at + 2..at + 6 {
            if !self.bytes.get(digit).is_some_and(u8::is_ascii_hexdigit) {
                self.at = digit;
                return Err(self.fail("four hexadecimal digits"));
            }
        }
        Ok(at + 6)
    }

    fn number(&mut self) -> Result<(), Invalid> {
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.bytes.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Invalid> {
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.fail("a digit"))
        } else {
            Ok(())
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), Invalid> {
        for expected in word.bytes() {
            if self.bytes.get(self.at) != Some(&expected) {
                return Err(self.fail(word));
            }
            self.at += 1;
        }
        Ok(())
    }
}

const ONES: u64 = u64::from_ne_bytes([1; 8]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);

/// The first quote, backslash or control character from `at` on; the length where there is none.
/// Eight bytes at a time: a byte of `word` is found where the high bit of the mask is set, and the
/// lowest bit set is always right (borrows only spoil higher bytes).
#[inline]
fn find_special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let found = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let found = found & HIGHS;
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20))
    {
        at += 1;
    }
    at
}

/// Appends `text`, which must be valid JSON, without the white space between its tokens.
pub(crate) fn compact_into(text: &str, out: &mut String) {
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut kept = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string_end(bytes, at),
            b' ' | b'\n' | b'\r' | b'\t' => {
                out.push_str(&text[kept..at]);
                while bytes
                    .get(at)
                    .is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'))
                {
                    at += 1;
                }
                kept = at;
            }
            _ => at += 1,
        }
    }
    out.push_str(&text[kept..]);
}

/// Where the byte `compact_at` of the compacted form stands in `text`.
pub(crate) fn offset_before_compaction(text: &str, compact_at: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut passed, mut quoted) = (0, 0, false);
    while at < bytes.len() {
        let byte = bytes[at];
        let space = !quoted && matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        if !space {
            if passed >= compact_at {
                return at;
            }
            passed += 1;
            if quoted && byte == b'\\' {
                passed += 1;
                at += 1;
            } else if byte == b'"' {
                quoted = !quoted;
            }
        }
        at += 1;
    }
    bytes.len()
}

/// The position behind the closing quote of the string that starts at `at`; the length where it
/// does not close.
pub(crate) fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    loop {
        at = find_special(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// The string that a raw value is, decoded; `None` where the value is no string.
#[inline]
pub(crate) fn decode(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inside));
    }
    Some(Cow::Owned(unescape(inside)))
}

/// Decodes the inside of a valid string. A lone surrogate becomes U+FFFD.
#[cold]
fn unescape(inside: &str) -> String {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut used = at + 2;
        match escape {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let high = code_unit(rest, used);
                used += 4;
                let low = match rest.get(used..used + 2) {
                    Some("\\u") if (0xD800..0xDC00).contains(&high) => code_unit(rest, used + 2),
                    _ => 0,
                };
                if (0xDC00..0xE000).contains(&low) {
                    used += 6;
                    let scalar = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    out.push(char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER));
                } else {
                    out.push(char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
            other => out.push(other as char),
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn code_unit(text: &str, at: usize) -> u32 {
    text.get(at..at + 4)
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .unwrap_or(0xFFFD)
}

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn encode_into(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                out.push_str("\\u00");
                for nibble in [control as u32 >> 4, control as u32 & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
