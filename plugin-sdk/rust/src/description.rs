//! The custom section `weir`: a plugin's description that can be read before anything is compiled.
//!
//! Written at compile time by `register!`, as one line of JSON:
//! `{"name":…,"version":…,"description":…,"onError":…,"config-schema":…,"tests":…}`, the last three where given.

/// What a plugin says about itself.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The package's name.
    pub name: &'static str,
    /// The package's version.
    pub version: &'static str,
    /// The package's description, possibly empty.
    pub description: &'static str,
    /// The default of `onError`: `keep`, `drop` or `hold`.
    pub on_error: Option<&'static str>,
    /// A JSON schema as JSON text.
    pub config_schema: Option<&'static str>,
    /// Self-tests as JSON text: a list.
    pub tests: Option<&'static str>,
}

impl Description {
    /// How many bytes the JSON has.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.write([0; 0]).0
    }

    /// The JSON, in exactly as many bytes as [`Description::length`] says.
    ///
    /// # Panics
    /// At compile time, where `on_error` is none of the three words.
    #[must_use]
    pub const fn json<const LENGTH: usize>(&self) -> [u8; LENGTH] {
        if let Some(word) = self.on_error {
            assert!(
                same(word, "keep") || same(word, "drop") || same(word, "hold"),
                "on_error is \"keep\", \"drop\" or \"hold\""
            );
        }
        self.write([0; LENGTH]).1
    }

    /// Writes what there is room for, and counts all.
    const fn write<const ROOM: usize>(&self, room: [u8; ROOM]) -> (usize, [u8; ROOM]) {
        let mut text = Text {
            bytes: room,
            length: 0,
        };
        text.raw("{\"name\":");
        text.string(self.name);
        text.raw(",\"version\":");
        text.string(self.version);
        text.raw(",\"description\":");
        text.string(self.description);
        if let Some(word) = self.on_error {
            text.raw(",\"onError\":");
            text.string(word);
        }
        if let Some(schema) = self.config_schema {
            text.raw(",\"config-schema\":");
            text.raw(schema);
        }
        if let Some(tests) = self.tests {
            text.raw(",\"tests\":");
            text.raw(tests);
        }
        text.raw("}");
        (text.length, text.bytes)
    }
}

struct Text<const ROOM: usize> {
    bytes: [u8; ROOM],
    length: usize,
}

impl<const ROOM: usize> Text<ROOM> {
    const fn byte(&mut self, byte: u8) {
        if self.length < ROOM {
            self.bytes[self.length] = byte;
        }
        self.length += 1;
    }

    const fn raw(&mut self, text: &str) {
        let mut index = 0;
        while index < text.len() {
            self.byte(text.as_bytes()[index]);
            index += 1;
        }
    }

    const fn string(&mut self, text: &str) {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        self.byte(b'"');
        let mut index = 0;
        while index < text.len() {
            match text.as_bytes()[index] {
                byte @ (b'"' | b'\\') => {
                    self.byte(b'\\');
                    self.byte(byte);
                }
                byte @ 0..0x20 => {
                    self.raw("\\u00");
                    self.byte(HEX[(byte >> 4) as usize]);
                    self.byte(HEX[(byte & 15) as usize]);
                }
                byte => self.byte(byte),
            }
            index += 1;
        }
        self.byte(b'"');
    }
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const FULL: Description = Description {
        name: "masks",
        version: "1.2.3",
        description: "says \"no\"\n\\ and é",
        on_error: Some("drop"),
        config_schema: Some(r#"{"type":"object"}"#),
        tests: Some(r#"[{"expect":"accept"}]"#),
    };

    #[test]
    fn everything_is_json_and_fills_its_room() {
        const JSON: [u8; FULL.length()] = FULL.json();
        let value: Value = serde_json::from_slice(&JSON).unwrap();
        let expected = json!({
            "name": "masks", "version": "1.2.3", "description": "says \"no\"\n\\ and é",
            "onError": "drop", "config-schema": {"type": "object"}, "tests": [{"expect": "accept"}],
        });
        assert_eq!(value, expected);
    }

    #[test]
    fn what_is_not_given_is_left_out() {
        const PLAIN: Description = Description {
            on_error: None,
            config_schema: None,
            tests: None,
            description: "",
            ..FULL
        };
        const JSON: [u8; PLAIN.length()] = PLAIN.json();
        let value: Value = serde_json::from_slice(&JSON).unwrap();
        assert_eq!(
            value,
            json!({"name": "masks", "version": "1.2.3", "description": ""})
        );
    }
}
