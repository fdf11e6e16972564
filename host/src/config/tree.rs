//! A YAML document as a tree that knows where everything stands.
//!
//! It holds and resolves scalars (what is a number, what is text); [`super::yaml`] builds it,
//! [`super::expand`] puts the environment in, the checks read it. It knows no key of weir's.
//!
//! Scalars are those of YAML 1.2's core schema, so `on`, `yes` and `1_000` are text. One exception: a number
//! with a leading zero (`012`) is text too, because readers differ on whether it is 12 or 10.

use super::error::Position;

/// One value.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// Where it starts. For an alias: where what it stands for was written.
    pub(crate) at: Position,
    /// A scalar as it stands in the file, before the environment is put in; "" for lists and maps.
    pub(crate) written: String,
    pub(crate) origin: Origin,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Integer(i128),
    /// Also `.inf`, `.nan`, and integers beyond 128 bits.
    Float(f64),
    String(String),
    List(Vec<Node>),
    /// In the order of the file; keys are unique.
    Map(Vec<Entry>),
}

/// One key of a map with its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_at: Position,
    pub(crate) value: Node,
}

/// How a scalar was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Without quotes.
    Plain,
    /// In quotes, as a block (`|`, `>`) or with `!!str`: always text.
    Quoted,
    /// Text with a part that came from the environment.
    Mixed,
    /// Without quotes, and all of it is one variable that is set: it may be read as what the key expects.
    Variable,
}

impl PartialEq for Node {
    /// Compares what is said, not where.
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Node {
    /// The value as a key that expects something else than text sees it.
    pub(crate) fn typed(&self) -> Kind {
        match (&self.kind, self.origin) {
            (Kind::String(text), Origin::Variable) => resolve(text),
            (kind, _) => kind.clone(),
        }
    }

    /// Whether a part of it came from the environment, so that it must not be shown.
    pub(crate) fn is_expanded(&self) -> bool {
        matches!(self.origin, Origin::Mixed | Origin::Variable)
    }

    /// What was found, for an error text: as written, so never a value of the environment.
    pub(crate) fn found(&self) -> String {
        const SHOWN_CHARACTERS_MOST: usize = 60;
        let mut shown: String = self.written.chars().take(SHOWN_CHARACTERS_MOST).collect();
        if shown.len() < self.written.len() {
            shown.push('…');
        }
        match self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => shown,
            Kind::String(_) => format!("the text {shown:?}"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// How large it is.
    pub(crate) fn size(&self) -> Size {
        let mut size = Size {
            nodes: 1,
            bytes: self.written.len(),
            levels: 0,
        };
        let mut add = |node: &Node| {
            let inner = node.size();
            size.nodes += inner.nodes;
            size.bytes += inner.bytes;
            size.levels = size.levels.max(inner.levels);
        };
        match &self.kind {
            Kind::List(items) => items.iter().for_each(&mut add),
            Kind::Map(entries) => entries.iter().for_each(|entry| add(&entry.value)),
            _ => {}
        }
        size.levels += 1;
        size
    }
}

/// How large a value is, itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    /// Of all scalars.
    pub(crate) bytes: usize,
    pub(crate) levels: usize,
}

/// What an unquoted scalar means.
pub(crate) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Kind::Float(f64::NAN),
        _ => {}
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let negative = text.starts_with('-');
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") {
        return Kind::Float(if negative {
            f64::NEG_INFINITY
        } else {
            f64::INFINITY
        });
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(digits) = text.strip_prefix(prefix)
            && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && let Ok(value) = i128::from_str_radix(digits, radix)
        {
            return Kind::Integer(value);
        }
    }
    if !is_decimal(unsigned) || has_leading_zero(text) {
        return Kind::String(text.to_owned());
    }
    if let Ok(value) = text.parse::<i128>() {
        return Kind::Integer(value);
    }
    match text.parse::<f64>() {
        Ok(value) => Kind::Float(value),
        Err(_) => Kind::String(text.to_owned()),
    }
}

/// Whether a text is a decimal number with a needless zero in front, such as `012`.
pub(crate) fn has_leading_zero(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text).as_bytes();
    is_decimal(text.strip_prefix(['-', '+']).unwrap_or(text))
        && unsigned.len() > 1
        && unsigned[0] == b'0'
        && unsigned[1].is_ascii_digit()
}

/// `( "." digits | digits [ "." digits? ] ) [ e sign? digits ]`
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return false;
    }
    exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars() {
        let text = |text: &str| Kind::String(text.to_owned());
        for (written, expected) in [
            ("", Kind::Null),
            ("~", Kind::Null),
            ("on", text("on")),
            ("no", text("no")),
            ("True", Kind::Bool(true)),
            ("0", Kind::Integer(0)),
            ("-0", Kind::Integer(0)),
            ("+12", Kind::Integer(12)),
            ("012", text("012")),
            ("-007", text("-007")),
            ("00.5", text("00.5")),
            ("0.5", Kind::Float(0.5)),
            ("0x1F", Kind::Integer(31)),
            ("0x-1", text("0x-1")),
            ("0o17", Kind::Integer(15)),
            ("0b1", text("0b1")),
            ("1_000", text("1_000")),
            ("1e3", Kind::Float(1000.0)),
            ("1.", Kind::Float(1.0)),
            (".5", Kind::Float(0.5)),
            (".", text(".")),
            ("e5", text("e5")),
            ("1e", text("1e")),
            ("-", text("-")),
            ("-.inf", Kind::Float(f64::NEG_INFINITY)),
            ("inf", text("inf")),
            ("nan", text("nan")),
            ("1:30", text("1:30")),
            ("2024-01-01", text("2024-01-01")),
            ("18446744073709551616", Kind::Integer(1 << 64)),
        ] {
            assert_eq!(resolve(written), expected, "{written}");
        }
        assert!(matches!(resolve(".nan"), Kind::Float(value) if value.is_nan()));
    }
}
