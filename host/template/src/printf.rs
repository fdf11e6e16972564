//! `printf`: Go's verbs, flags, width, precision and argument indexes, and its marks of what does not fit.
//! Not there: `%b` and `%x` of floats, and Go's syntax by `%#v` of anything but texts and numbers.

use crate::duration;
use crate::format::{general, not_finite, plain, scientific};
use crate::limits::{Budget, DEPTH_MAX, Output};
use crate::quote::{quote, quote_char};
use crate::value::Value;

/// Go refuses a width or precision beyond this.
const WIDTH_MAX: i64 = 1_000_000;

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
struct Spec {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The arguments, and which comes next.
struct Arguments<'s, 'a> {
    values: &'s [Value<'a>],
    next: usize,
    reordered: bool,
    bad_index: bool,
}

/// `printf` with its format and arguments.
///
/// # Errors
/// The text grows beyond its bound.
pub(crate) fn sprintf(
    budget: &mut Budget,
    format: &str,
    values: &[Value<'_>],
) -> Result<String, String> {
    let mut out = budget.output();
    let mut arguments = Arguments {
        values,
        next: 0,
        reordered: false,
        bad_index: false,
    };
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push(&rest[..at])?;
        rest = directive(&mut out, &rest[at + 1..], &mut arguments)?;
    }
    out.push(rest)?;
    if !arguments.reordered && arguments.next < values.len() {
        out.push("%!(EXTRA ")?;
        for (at, value) in values[arguments.next..].iter().enumerate() {
            if at > 0 {
                out.push(", ")?;
            }
            typed(&mut out, value)?;
        }
        out.push(")")?;
    }
    Ok(out.into_string())
}

/// One directive; gives what comes after it.
fn directive<'t>(
    out: &mut Output,
    text: &'t str,
    arguments: &mut Arguments<'_, '_>,
) -> Result<&'t str, String> {
    arguments.bad_index = false;
    let (mut spec, mut rest) = flags(text);
    let mut after_index;
    (rest, after_index) = arguments.index(rest);
    if let Some(after) = rest.strip_prefix('*') {
        rest = after;
        let (width, valid) = arguments.number();
        if !valid {
            out.push("%!(BADWIDTH)")?;
        }
        spec.minus |= width.is_some_and(|width| width < 0);
        spec.zero &= !spec.minus;
        spec.width = width.map(|width| usize::try_from(width.unsigned_abs()).unwrap_or(0));
        after_index = false;
    } else {
        let width;
        (width, rest) = number(rest);
        if after_index && width.is_some() {
            arguments.bad_index = true;
        }
        spec.width = width;
    }
    if let Some(after) = rest.strip_prefix('.') {
        if after_index {
            arguments.bad_index = true;
        }
        (rest, after_index) = arguments.index(after);
        if let Some(after) = rest.strip_prefix('*') {
            rest = after;
            let (precision, valid) = arguments.number();
            spec.precision = precision.and_then(|precision| usize::try_from(precision).ok());
            if !valid || precision.is_some_and(|precision| precision < 0) {
                out.push("%!(BADPREC)")?;
            }
            after_index = false;
        } else {
            let precision;
            (precision, rest) = number(rest);
            spec.precision = Some(precision.unwrap_or(0));
        }
    }
    if !after_index {
        (rest, _) = arguments.index(rest);
    }
    let Some(verb) = rest.chars().next() else {
        out.push("%!(NOVERB)")?;
        return Ok("");
    };
    rest = &rest[verb.len_utf8()..];
    let value = arguments.values.get(arguments.next);
    match (verb, value) {
        ('%', _) => out.push("%")?,
        _ if arguments.bad_index => out.push(&format!("%!{verb}(BADINDEX)"))?,
        (_, None) => out.push(&format!("%!{verb}(MISSING)"))?,
        (_, Some(value)) => {
            arguments.next += 1;
            print(out, &spec, verb, value, 0)?;
        }
    }
    Ok(rest)
}

impl Arguments<'_, '_> {
    /// `[3]`: the argument that comes next.
    fn index<'t>(&mut self, text: &'t str) -> (&'t str, bool) {
        let Some(inner) = text.strip_prefix('[') else {
            return (text, false);
        };
        self.reordered = true;
        let Some((digits, after)) = inner.split_once(']') else {
            self.bad_index = true;
            return (inner, false);
        };
        match digits.parse::<usize>() {
            Ok(index) if (1..=self.values.len()).contains(&index) => self.next = index - 1,
            _ => self.bad_index = true,
        }
        (after, true)
    }

    /// The argument that a `*` stands for, and whether it is a number in range.
    fn number(&mut self) -> (Option<i64>, bool) {
        let value = self.values.get(self.next);
        self.next += usize::from(value.is_some());
        match value {
            Some(Value::Int(number, _)) if number.abs() <= WIDTH_MAX => (Some(*number), true),
            _ => (None, false),
        }
    }
}

fn flags(text: &str) -> (Spec, &str) {
    let mut spec = Spec::default();
    for (at, character) in text.char_indices() {
        match character {
            '-' => spec.minus = true,
            '+' => spec.plus = true,
            '#' => spec.sharp = true,
            ' ' => spec.space = true,
            '0' => spec.zero = true,
            _ => return (spec, &text[at..]),
        }
    }
    (spec, "")
}

fn number(text: &str) -> (Option<usize>, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number = text[..digits].parse::<i64>().ok();
    let number = number.filter(|number| *number <= WIDTH_MAX);
    (
        number.and_then(|number| usize::try_from(number).ok()),
        &text[digits..],
    )
}

fn print(
    out: &mut Output,
    spec: &Spec,
    verb: char,
    value: &Value<'_>,
    depth: usize,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    if verb == 'T' {
        return pad(out, spec, &value.type_name());
    }
    match value {
        Value::Text(text) => print_text(out, spec, verb, text, value),
        Value::Bytes(text) if matches!(verb, 's' | 'q' | 'x' | 'X') => {
            print_text(out, spec, verb, text, value)
        }
        Value::Bool(flag) if matches!(verb, 't' | 'v') => {
            pad(out, spec, if *flag { "true" } else { "false" })
        }
        Value::Int(number, _) => print_int(out, spec, verb, *number, value),
        Value::Float(number) => print_float(out, spec, verb, *number, value),
        Value::Duration(number) if !matches!(verb, 's' | 'v' | 'q' | 'x' | 'X') => {
            print_int(out, spec, verb, *number, value)
        }
        Value::Duration(number) => print_text(out, spec, verb, &duration::format(*number), value),
        Value::Time(time) if matches!(verb, 's' | 'v' | 'q' | 'x' | 'X') => {
            print_text(out, spec, verb, &crate::format::time(time), value)
        }
        Value::Version(version, _) if matches!(verb, 's' | 'v' | 'q' | 'x' | 'X') => {
            print_text(out, spec, verb, &version.to_string(), value)
        }
        Value::Nil | Value::NilPointer(_) if verb == 'v' => pad(out, spec, "<nil>"),
        Value::List(list) => {
            out.push("[")?;
            for (at, item) in list.items.iter().enumerate() {
                if at > 0 {
                    out.push(" ")?;
                }
                print(out, spec, verb, item, depth + 1)?;
            }
            out.push("]")
        }
        Value::Map(_) | Value::Labels(_) => {
            out.push("map[")?;
            for (at, (key, item)) in value.members().unwrap_or_default().into_iter().enumerate() {
                if at > 0 {
                    out.push(" ")?;
                }
                print(out, spec, verb, &Value::Text(key), depth + 1)?;
                out.push(":")?;
                print(out, spec, verb, &item, depth + 1)?;
            }
            out.push("]")
        }
        Value::Struct(_) | Value::Bytes(_) if matches!(verb, 'v' | 's') => plain(out, value, depth),
        _ => bad_verb(out, verb, value),
    }
}

/// `%!d(string=hi)`.
fn bad_verb(out: &mut Output, verb: char, value: &Value<'_>) -> Result<(), String> {
    out.push("%!")?;
    out.push_char(verb)?;
    out.push("(")?;
    typed(out, value)?;
    out.push(")")
}

fn typed(out: &mut Output, value: &Value<'_>) -> Result<(), String> {
    if !matches!(value, Value::Nil) {
        out.push(&value.type_name())?;
        out.push("=")?;
    }
    plain(out, value, 0)
}

fn print_text(
    out: &mut Output,
    spec: &Spec,
    verb: char,
    text: &str,
    value: &Value<'_>,
) -> Result<(), String> {
    let cut = match spec.precision {
        Some(most) if matches!(verb, 's' | 'v' | 'q') => text
            .char_indices()
            .nth(most)
            .map_or(text, |(at, _)| &text[..at]),
        _ => text,
    };
    match verb {
        'v' if spec.sharp => pad(out, spec, &quote(cut, false)),
        's' | 'v' => pad(out, spec, cut),
        'q' if spec.sharp && !cut.contains(['`', '\n', '\r']) => {
            pad(out, spec, &format!("`{cut}`"))
        }
        'q' => pad(out, spec, &quote(cut, spec.plus)),
        'x' | 'X' => {
            let most = spec.precision.unwrap_or(usize::MAX);
            let mut hex = String::new();
            for (at, byte) in text.bytes().take(most).enumerate() {
                if spec.space && at > 0 {
                    hex.push(' ');
                }
                if spec.sharp && (spec.space || at == 0) {
                    hex.push_str("0x");
                }
                hex.push_str(&format!("{byte:02x}"));
            }
            pad(out, spec, &in_case(hex, verb))
        }
        _ => bad_verb(out, verb, value),
    }
}

fn in_case(text: String, verb: char) -> String {
    if verb.is_uppercase() {
        text.to_uppercase()
    } else {
        text
    }
}

fn print_int(
    out: &mut Output,
    spec: &Spec,
    verb: char,
    number: i64,
    value: &Value<'_>,
) -> Result<(), String> {
    let all = number.unsigned_abs();
    let character = u32::try_from(number)
        .ok()
        .and_then(char::from_u32)
        .unwrap_or('\u{fffd}');
    let (prefix, digits) = match verb {
        'd' | 'v' => ("", all.to_string()),
        'b' => (if spec.sharp { "0b" } else { "" }, format!("{all:b}")),
        'o' => (if spec.sharp { "0" } else { "" }, format!("{all:o}")),
        'O' => ("0o", format!("{all:o}")),
        'x' => (if spec.sharp { "0x" } else { "" }, format!("{all:x}")),
        'X' => (if spec.sharp { "0X" } else { "" }, format!("{all:X}")),
        'c' => return pad(out, spec, &character.to_string()),
        'q' => return pad(out, spec, &quote_char(character, spec.plus)),
        'U' => {
            let shown = if spec.sharp {
                format!(" '{character}'")
            } else {
                String::new()
            };
            return pad(out, spec, &format!("U+{all:04X}{shown}"));
        }
        _ => return bad_verb(out, verb, value),
    };
    let digits = match spec.precision {
        Some(0) if all == 0 => String::new(),
        Some(precision) => format!("{digits:0>precision$}"),
        None => digits,
    };
    let sign = sign_of(spec, number < 0);
    let zeros = spec.precision.is_none();
    pad_number(out, spec, &format!("{sign}{prefix}"), &digits, zeros)
}

fn sign_of(spec: &Spec, negative: bool) -> &'static str {
    match (negative, spec.plus, spec.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn print_float(
    out: &mut Output,
    spec: &Spec,
    verb: char,
    number: f64,
    value: &Value<'_>,
) -> Result<(), String> {
    let all = number.abs();
    let digits = match verb {
        'v' | 'g' | 'G' => general(all, spec.precision, spec.sharp),
        'e' | 'E' => scientific(all, spec.precision.unwrap_or(6)),
        'f' | 'F' => {
            not_finite(all).unwrap_or_else(|| format!("{all:.*}", spec.precision.unwrap_or(6)))
        }
        _ => return bad_verb(out, verb, value),
    };
    let finite = number.is_finite();
    let digits = digits.trim_start_matches('+').to_owned();
    let sign = match number.is_nan() {
        true => "",
        false if number.is_infinite() && number > 0.0 => "+",
        false => sign_of(spec, number.is_sign_negative()),
    };
    let digits = if verb == 'E' || verb == 'G' {
        digits.replace('e', "E")
    } else {
        digits
    };
    pad_number(out, spec, sign, &digits, finite)
}

/// Zeros go between the sign and the digits, spaces before both.
fn pad_number(
    out: &mut Output,
    spec: &Spec,
    sign: &str,
    digits: &str,
    zeros: bool,
) -> Result<(), String> {
    let length = sign.len() + digits.len();
    let missing = spec.width.unwrap_or(0).saturating_sub(length);
    if spec.zero && zeros && !spec.minus {
        out.push(sign)?;
        out.repeat("0", missing)?;
        return out.push(digits);
    }
    pad(
        out,
        &Spec {
            zero: false,
            ..*spec
        },
        &format!("{sign}{digits}"),
    )
}

fn pad(out: &mut Output, spec: &Spec, text: &str) -> Result<(), String> {
    let missing = match spec.width {
        Some(width) => width.saturating_sub(text.chars().count()),
        None => 0,
    };
    if spec.minus {
        out.push(text)?;
        return out.repeat(" ", missing);
    }
    out.repeat(if spec.zero { "0" } else { " " }, missing)?;
    out.push(text)
}
