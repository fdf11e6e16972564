//! Looking into JSON text without reading all of it into a tree.
//!
//! Answers are large where many events were accepted, and little of them is looked at; a tree would also make the module
//! 9 kB larger. What is no JSON has no members: nothing here fails.

use std::ops::Range;

use weir_plugin::serde_json;

/// A member of an object or an element of an array, as places in the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Child {
    /// Between the quotes; empty for an element.
    pub(crate) key: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// The members or elements of what is at a place, in order.
pub(crate) struct Children<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The children of an object or array that begins at a place; none where there is neither.
pub(crate) fn children(text: &str, at: usize) -> Children<'_> {
    let bytes = text.as_bytes();
    let at = after_spaces(bytes, at);
    let is_container = matches!(bytes.get(at), Some(b'{' | b'['));
    Children {
        bytes,
        at: if is_container { at + 1 } else { bytes.len() },
    }
}

impl Iterator for Children<'_> {
    type Item = Child;

    fn next(&mut self) -> Option<Child> {
        let mut start = after_spaces(self.bytes, self.at);
        if self.bytes.get(start) == Some(&b',') {
            start = after_spaces(self.bytes, start + 1);
        }
        if matches!(self.bytes.get(start), None | Some(b'}' | b']')) {
            return None;
        }
        let mut end = end_of_value(self.bytes, start);
        let mut key = start..start;
        let colon = after_spaces(self.bytes, end);
        if self.bytes[start] == b'"' && self.bytes.get(colon) == Some(&b':') {
            key = start + 1..end - 1;
            start = after_spaces(self.bytes, colon + 1);
            end = end_of_value(self.bytes, start);
        }
        // Always forward, so that it ends whatever the text is.
        self.at = end.max(start + 1);
        Some(Child {
            key,
            value: start..end,
        })
    }
}

/// The text of the value that these keys lead to, each within the one before.
pub(crate) fn find<'a>(text: &'a str, keys: &[&str]) -> Option<&'a str> {
    let mut value = text;
    for key in keys {
        let child = children(value, 0).find(|child| value.get(child.key.clone()) == Some(*key))?;
        value = value.get(child.value)?;
    }
    Some(value)
}

/// The string that these keys lead to; empty where there is none.
pub(crate) fn word(text: &str, keys: &[&str]) -> String {
    let value = find(text, keys).unwrap_or_default();
    serde_json::from_str(value).unwrap_or_default()
}

/// The texts of all children's values.
pub(crate) fn values(text: &str) -> impl Iterator<Item = &str> {
    children(text, 0).filter_map(|child| text.get(child.value))
}

/// Where a value ends that begins at a place.
pub(crate) fn end_of_value(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_u32);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_string(bytes, at + 1),
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return at,
            _ if depth == 0 => {
                at += 1;
                continue;
            }
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at.min(bytes.len())
}

/// Where the quote that closes a string is.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

fn after_spaces(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found() {
        let text = r#" {"a" : [1, {"b,}":"x\"]"}, true] ,"c":{"d":{"e":-1.5e3}},"f":"é\n" }"#;
        assert_eq!(find(text, &["c", "d", "e"]), Some("-1.5e3"));
        assert_eq!(find(text, &["c"]), Some(r#"{"d":{"e":-1.5e3}}"#));
        assert_eq!(find(text, &["d"]), None);
        assert_eq!(word(text, &["f"]), "é\n");
        assert_eq!(word(text, &["c"]), "");
        let list = find(text, &["a"]).unwrap();
        let elements: Vec<_> = values(list).collect();
        assert_eq!(elements, ["1", r#"{"b,}":"x\"]"}"#, "true"]);
        assert_eq!((values("[]").count(), values("{ }").count()), (0, 0));
    }

    #[test]
    fn what_is_no_json_ends() {
        for text in [
            "",
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":}",
            "{a:1}",
            "[[",
            "[,,]",
            "{::}",
            "\\",
            "{\"\\",
            "<html>",
            "{\"a\":\"é",
            "]",
            "{\"a\":[}",
        ] {
            assert!(values(text).count() <= text.len(), "{text}");
            assert_eq!(find(text, &["a", "b"]), None, "{text}");
        }
    }
}
