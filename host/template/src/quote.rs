//! Texts in Go's quotes, and the escapes of `html`, `js` and `urlquery`.

use std::fmt::Write;

/// A text as `%q` prints it.
pub(crate) fn quote(text: &str, ascii: bool) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        escape(&mut quoted, character, '"', ascii);
    }
    quoted.push('"');
    quoted
}

/// A character as `%q` prints it.
pub(crate) fn quote_char(character: char, ascii: bool) -> String {
    let mut quoted = String::from("'");
    escape(&mut quoted, character, '\'', ascii);
    quoted.push('\'');
    quoted
}

fn escape(to: &mut String, character: char, around: char, ascii: bool) {
    let short = match character {
        '\u{7}' => "\\a",
        '\u{8}' => "\\b",
        '\u{c}' => "\\f",
        '\n' => "\\n",
        '\r' => "\\r",
        '\t' => "\\t",
        '\u{b}' => "\\v",
        '\\' => "\\\\",
        _ if character == around => {
            to.push('\\');
            to.push(around);
            return;
        }
        _ => "",
    };
    let code = u32::from(character);
    // A write to a String never fails.
    let _ = match character {
        _ if !short.is_empty() => to.write_str(short),
        ' '..='~' => to.write_char(character),
        _ if code < 0x80 => write!(to, "\\x{code:02x}"),
        _ if !ascii && is_print(character) => to.write_char(character),
        _ if code < 0x10000 => write!(to, "\\u{code:04x}"),
        _ => write!(to, "\\U{code:08x}"),
    };
}

/// About Go's strconv.IsPrint: no controls, no spaces but the ASCII one, no formats, no surrogates.
fn is_print(character: char) -> bool {
    let hidden = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e000}'..='\u{f8ff}' | '\u{fff9}'..='\u{fffb}'
    );
    !(character.is_control() || character.is_whitespace() || hidden)
}

/// What `html` gives.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\0' => escaped.push('\u{fffd}'),
            '"' => escaped.push_str("&#34;"),
            '\'' => escaped.push_str("&#39;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// What `js` gives.
pub(crate) fn js(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '\'' => escaped.push_str("\\'"),
            '"' => escaped.push_str("\\\""),
            '<' => escaped.push_str("\\u003C"),
            '>' => escaped.push_str("\\u003E"),
            '&' => escaped.push_str("\\u0026"),
            '=' => escaped.push_str("\\u003D"),
            _ if u32::from(character) < 0x20 || !character.is_ascii() && !is_print(character) => {
                escaped.push_str(&format!("\\u{:04X}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// What `urlquery` gives: spaces become `+`.
pub(crate) fn url_query(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                escaped.push(char::from(byte));
            }
            b' ' => escaped.push('+'),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}
