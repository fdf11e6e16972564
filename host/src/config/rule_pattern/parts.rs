//! The smallest parts of a Go pattern: escapes, classes, flags, counts. Pure functions that take the text at
//! hand and answer with what it stands for and the rest of it.

use std::fmt::Write;

use regex::Regex;

/// Go's limit of a repetition count.
const REPEAT_MOST: u32 = 1000;

const DIGIT: &str = "0-9";
const SPACE: &str = r"\t\n\x{C}\r\x{20}";
const WORD: &str = "0-9A-Za-z_";
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Writes a character so that it can only be itself, in a class and outside.
pub(super) fn literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || (!c.is_ascii() && !c.is_whitespace()) {
        out.push(c);
    } else {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
    }
}

/// The flags of a group, in the order on, then off, each once. Go knows `imsU`.
pub(super) fn flags(written: &str) -> Result<String, String> {
    let mut on = Vec::new();
    let mut off = Vec::new();
    let mut negative = false;
    for c in written.chars() {
        match c {
            'i' | 'm' | 's' | 'U' => {
                let (add, remove) = if negative {
                    (&mut off, &mut on)
                } else {
                    (&mut on, &mut off)
                };
                remove.retain(|known| *known != c);
                if !add.contains(&c) {
                    add.push(c);
                }
            }
            '-' if !negative => negative = true,
            '=' | '!' => return Err("there is no look-ahead".to_owned()),
            _ => return Err(format!("unknown flag or group (?{written}")),
        }
    }
    if negative && off.is_empty() {
        return Err(format!("unknown flag or group (?{written}"));
    }
    let mut flags: String = on.into_iter().collect();
    if !off.is_empty() {
        flags.push('-');
        flags.extend(off);
    }
    Ok(flags)
}

/// The length of `{n}`, `{n,}` or `{n,m}` at the start of a text; `None` if it is no repetition but text.
pub(super) fn repeat_length(text: &str) -> Result<Option<usize>, String> {
    let Some((inner, _)) = text[1..].split_once('}') else {
        return Ok(None);
    };
    let is_number = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    };
    let (low, high) = inner.split_once(',').unwrap_or((inner, inner));
    if !is_number(low) || !(high.is_empty() || is_number(high)) {
        return Ok(None);
    }
    let count = |text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|count| *count <= REPEAT_MOST)
    };
    let (low, high) = (
        count(low),
        if high.is_empty() {
            Some(REPEAT_MOST)
        } else {
            count(high)
        },
    );
    match (low, high) {
        (Some(low), Some(high)) if low <= high => Ok(Some(inner.len() + 2)),
        _ => Err(format!(
            "a repetition of {{{inner}}} is not possible (at most {REPEAT_MOST})"
        )),
    }
}

/// `\d`, `\pL`, `\p{Greek}` and so on at the start of a text, as one class, with the rest.
pub(super) fn class_escape(text: &str) -> Result<Option<(String, &str)>, String> {
    let Some(after) = text.strip_prefix('\\') else {
        return Ok(None);
    };
    let Some(letter) = after.chars().next() else {
        return Ok(None);
    };
    let rest = &after[letter.len_utf8()..];
    let class = match letter {
        'd' => format!("[{DIGIT}]"),
        'D' => format!("[^{DIGIT}]"),
        's' => format!("[{SPACE}]"),
        'S' => format!("[^{SPACE}]"),
        'w' => format!("[{WORD}]"),
        'W' => format!("[^{WORD}]"),
        'p' | 'P' => return unicode_class(rest, letter == 'P').map(Some),
        _ => return Ok(None),
    };
    Ok(Some((class, rest)))
}

fn unicode_class(text: &str, negative: bool) -> Result<(String, &str), String> {
    let (name, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or(r"\p{ has no }")?,
        None => text.split_at(text.chars().next().ok_or(r"\p without a name")?.len_utf8()),
    };
    let (name, negative) = match name.strip_prefix('^') {
        Some(name) => (name, !negative),
        None => (name, negative),
    };
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphabetic() || c == '_') {
        return Err(format!(r"\p{{{name}}} is no class of Unicode"));
    }
    let inner = match name {
        "Any" => r"\p{Any}".to_owned(),
        // Go leaves out what is not assigned.
        "C" => r"\p{Cc}\p{Cf}\p{Co}".to_owned(),
        // No text has a surrogate in it.
        "Cs" => {
            return Ok((
                if negative { r"\p{Any}" } else { r"[^\p{Any}]" }.to_owned(),
                rest,
            ));
        }
        _ if name.len() <= 2 => format!(r"\p{{gc={name}}}"),
        _ => format!(r"\p{{sc={name}}}"),
    };
    if Regex::new(&format!("[{inner}]")).is_err() {
        return Err(format!(r"\p{{{name}}} is no class of Unicode"));
    }
    Ok((
        format!("[{}{inner}]", if negative { "^" } else { "" }),
        rest,
    ))
}

/// `[:alpha:]` or `[:^alpha:]` in a class.
pub(super) fn posix_class(text: &str) -> Result<Option<(String, &str)>, String> {
    let Some((name, rest)) = text
        .strip_prefix("[:")
        .and_then(|after| after.split_once(":]"))
    else {
        return Ok(None);
    };
    if POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
        return Ok(Some((format!("[:{name}:]"), rest)));
    }
    Err(format!("[:{name}:] is no class of characters"))
}

pub(super) fn class_char(text: &str) -> Result<(char, &str), String> {
    match text.chars().next() {
        None => Err("missing closing ]".to_owned()),
        Some('\\') => char_escape(text),
        Some(c) => Ok((c, &text[c.len_utf8()..])),
    }
}

/// An escape that stands for one character, with the rest of the text.
pub(super) fn char_escape(text: &str) -> Result<(char, &str), String> {
    let after = &text[1..];
    let c = after.chars().next().ok_or(r"a \ at the end")?;
    let rest = &after[c.len_utf8()..];
    let invalid = || format!(r"\{c} has no meaning");
    let found = match c {
        'a' => '\u{7}',
        'f' => '\u{C}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{B}',
        'x' => return hexadecimal(rest),
        '0'..='7' => {
            let octal = |b: u8| (b'0'..=b'7').contains(&b);
            let length = after.bytes().take(3).take_while(|b| octal(*b)).count();
            // A single digit other than 0 would refer back to a group, which is not possible.
            if c != '0' && length < 2 {
                return Err(format!(r"\{c}: there are no references back to a group"));
            }
            let value = u32::from_str_radix(&after[..length], 8)
                .ok()
                .and_then(char::from_u32);
            return value
                .map(|value| (value, &after[length..]))
                .ok_or_else(invalid);
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return Err(invalid()),
    };
    Ok((found, rest))
}

/// What follows `\x`: two digits, or any number of them in braces.
fn hexadecimal(text: &str) -> Result<(char, &str), String> {
    let invalid =
        || r"\x needs two hexadecimal digits, or a character's number in braces".to_owned();
    let (digits, rest) = match text.strip_prefix('{') {
        Some(braced) => braced.split_once('}').ok_or_else(invalid)?,
        None => (text.get(..2).ok_or_else(invalid)?, &text[2..]),
    };
    if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(invalid());
    }
    let value = u32::from_str_radix(digits, 16)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(invalid)?;
    Ok((value, rest))
}
