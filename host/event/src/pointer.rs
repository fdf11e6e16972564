//! JSON pointers (RFC 6901) into compact JSON text.
//!
//! Where an object has a key twice, the last one counts, as in every common JSON library.

use std::borrow::Cow;

use crate::json::{Invalid, Scanner};

/// The decoded parts of a pointer that starts with `/`. `None` as an item is a part with a `~`
/// that is followed by neither 0 nor 1.
pub(crate) fn parts(pointer: &str) -> impl Iterator<Item = Option<Cow<'_, str>>> {
    pointer.split('/').skip(1).map(decode_part)
}

fn decode_part(part: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b'~', part.as_bytes()).is_none() {
        return Some(Cow::Borrowed(part));
    }
    let mut out = String::with_capacity(part.len());
    let mut characters = part.chars();
    while let Some(character) = characters.next() {
        match character {
            '~' => match characters.next() {
                Some('0') => out.push('~'),
                Some('1') => out.push('/'),
                _ => return None,
            },
            other => out.push(other),
        }
    }
    Some(Cow::Owned(out))
}

/// The number that a part is as an array index: digits only, no leading zero.
pub(crate) fn index(part: &str) -> Option<usize> {
    let plain = part == "0" || !part.starts_with('0');
    if plain && part.bytes().all(|byte| byte.is_ascii_digit()) {
        part.parse().ok()
    } else {
        None
    }
}

/// The raw value at a pointer inside a valid compact value; "" is the value itself.
pub(crate) fn find<'a>(value: &'a str, pointer: &str) -> Option<&'a str> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    let mut value = value;
    for part in parts(pointer) {
        value = child(value, &part?)?;
    }
    Some(value)
}

/// The raw value of a member or an item.
pub(crate) fn child<'a>(value: &'a str, part: &str) -> Option<&'a str> {
    let mut found = None;
    match value.as_bytes().first()? {
        b'{' => {
            let scanned = members(value, |_, key, start, end| {
                if key == part {
                    found = value.get(start..end);
                }
            });
            scanned.ok()?;
        }
        b'[' => {
            let wanted = index(part)?;
            let mut at = 0;
            let mut scanner = Scanner::new(value, 0);
            let scanned = scanner.array(|scanner| {
                let start = scanner.at;
                scanner.value()?;
                if at == wanted {
                    found = value.get(start..scanner.at);
                }
                at += 1;
                Ok(())
            });
            scanned.ok()?;
        }
        _ => {}
    }
    found
}

/// Calls `each` for the members of an object: start of the key's quote, key, start and end of the
/// value.
pub(crate) fn members(
    object: &str,
    mut each: impl FnMut(usize, &str, usize, usize),
) -> Result<(), Invalid> {
    let mut scanner = Scanner::new(object, 0);
    scanner.object(|scanner, key_start, key| {
        let start = scanner.at;
        scanner.value()?;
        each(key_start, key, start, scanner.at);
        Ok(())
    })
}
