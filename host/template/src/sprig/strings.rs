//! Texts: trimming, cutting, searching, splitting. Lengths and places are bytes, as in Go; what a cut
//! leaves of a character becomes U+FFFD.

use crate::format::{plain, text_of};
use crate::functions::{Arguments, Function, MANY, function};
use crate::limits::Budget;
use crate::quote::quote;
use crate::value::{Entries, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("hello", 0, 0, |_, _| Ok(Value::borrowed("Hello!"))),
    function("abbrev", 2, 2, |_, arguments| {
        let (width, text) = (arguments.int(0)?, arguments.text(1)?);
        Ok(Value::text(abbreviate(0, width, text)))
    }),
    function("abbrevboth", 3, 3, |_, arguments| {
        let (left, right, text) = (arguments.int(0)?, arguments.int(1)?, arguments.text(2)?);
        let refused = right < 4 || left > 0 && right < 7;
        Ok(Value::text(if refused {
            text.to_owned()
        } else {
            abbreviate(left, right, text)
        }))
    }),
    function("trunc", 2, 2, truncate),
    function("substr", 3, 3, substring),
    function("trim", 1, 1, |_, arguments| {
        Ok(Value::text(arguments.text(0)?.trim()))
    }),
    function("upper", 1, 1, |_, arguments| {
        Ok(Value::text(map_case(
            arguments.text(0)?,
            char::to_uppercase,
        )))
    }),
    function("lower", 1, 1, |_, arguments| {
        Ok(Value::text(map_case(
            arguments.text(0)?,
            char::to_lowercase,
        )))
    }),
    function("repeat", 2, 2, |budget, arguments| {
        let count =
            usize::try_from(arguments.int(0)?).map_err(|_| "negative Repeat count".to_owned())?;
        let mut out = budget.output();
        out.repeat(arguments.text(1)?, count)?;
        Ok(Value::text(out.into_string()))
    }),
    function("trimall", 2, 2, trim_all),
    function("trimAll", 2, 2, trim_all),
    function("trimSuffix", 2, 2, |_, arguments| {
        let (suffix, text) = (arguments.text(0)?, arguments.text(1)?);
        Ok(Value::text(text.strip_suffix(suffix).unwrap_or(text)))
    }),
    function("trimPrefix", 2, 2, |_, arguments| {
        let (prefix, text) = (arguments.text(0)?, arguments.text(1)?);
        Ok(Value::text(text.strip_prefix(prefix).unwrap_or(text)))
    }),
    function("nospace", 1, 1, |_, arguments| {
        let kept = arguments
            .text(0)?
            .chars()
            .filter(|character| !character.is_whitespace());
        Ok(Value::text(kept.collect::<String>()))
    }),
    function("contains", 2, 2, |_, arguments| {
        Ok(Value::Bool(arguments.text(1)?.contains(arguments.text(0)?)))
    }),
    function("hasPrefix", 2, 2, |_, arguments| {
        Ok(Value::Bool(
            arguments.text(1)?.starts_with(arguments.text(0)?),
        ))
    }),
    function("hasSuffix", 2, 2, |_, arguments| {
        Ok(Value::Bool(
            arguments.text(1)?.ends_with(arguments.text(0)?),
        ))
    }),
    function("quote", 0, MANY, |budget, arguments| {
        quoted(budget, arguments, |budget, value| {
            text_of(budget.output(), value).map(|text| quote(&text, false))
        })
    }),
    function("squote", 0, MANY, |budget, arguments| {
        quoted(budget, arguments, |budget, value| {
            let mut out = budget.output();
            plain(&mut out, value, 0)?;
            Ok(format!("'{}'", out.as_str()))
        })
    }),
    function("cat", 0, MANY, |budget, arguments| {
        quoted(budget, arguments, |budget, value| {
            let mut out = budget.output();
            plain(&mut out, value, 0)?;
            Ok(out.into_string())
        })
    }),
    function("indent", 2, 2, |budget, arguments| {
        indent(budget, arguments, "")
    }),
    function("nindent", 2, 2, |budget, arguments| {
        indent(budget, arguments, "\n")
    }),
    function("replace", 3, 3, replace),
    function("plural", 3, 3, |_, arguments| {
        let at = usize::from(arguments.int(2)? != 1);
        arguments.text(at).map(Value::text)
    }),
    function("split", 2, 2, |budget, arguments| {
        split(budget, arguments.text(0)?, -1, arguments.text(1)?)
    }),
    function("splitn", 3, 3, |budget, arguments| {
        split(
            budget,
            arguments.text(0)?,
            arguments.int(1)?,
            arguments.text(2)?,
        )
    }),
    function("splitList", 2, 2, |budget, arguments| {
        let parts = parts(budget, arguments.text(0)?, -1, arguments.text(1)?)?;
        Ok(Value::texts(parts))
    }),
    function("join", 2, 2, join),
    function("sortAlpha", 1, 1, |budget, arguments| {
        let mut texts = texts_of(budget, arguments.get(0))?;
        texts.sort_unstable();
        Ok(Value::texts(texts))
    }),
    function("toStrings", 1, 1, |budget, arguments| {
        texts_of(budget, arguments.get(0)).map(Value::texts)
    }),
];

/// Part of a text by bytes.
pub(super) fn cut(text: &str, from: usize, to: usize) -> Result<String, String> {
    let bytes = text.as_bytes().get(from..to).ok_or_else(|| {
        format!(
            "slice bounds out of range: {from} to {to} of {} bytes",
            text.len()
        )
    })?;
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn map_case<I: Iterator<Item = char>>(text: &str, map: impl Fn(char) -> I) -> String {
    let single = |character: char| {
        let mut mapped = map(character);
        // Go maps one character to one.
        match (mapped.next(), mapped.next()) {
            (Some(one), None) => one,
            _ => character,
        }
    };
    text.chars().map(single).collect()
}

fn abbreviate(offset: i64, width: i64, text: &str) -> String {
    let length = text.len() as i64;
    if width < 4 || length <= width {
        return text.to_owned();
    }
    let part = |from: i64, to: i64| {
        let place = |at: i64| usize::try_from(at.clamp(0, length)).unwrap_or(0);
        cut(text, place(from), place(to)).unwrap_or_default()
    };
    let mut offset = offset.min(length);
    if length - offset < width - 3 {
        offset = length - (width - 3);
    }
    if offset <= 4 {
        return part(0, width - 3) + "...";
    }
    if width < 7 {
        return String::new();
    }
    if offset + width - 3 < length {
        return format!("...{}", abbreviate(0, width - 3, &part(offset, length)));
    }
    format!("...{}", part(length - (width - 3), length))
}

fn truncate<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let (count, text) = (arguments.int(0)?, arguments.text(1)?);
    let length = text.len();
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = match count < 0 {
        true if size < length => cut(text, length - size, length)?,
        false if size < length => cut(text, 0, size)?,
        _ => text.to_owned(),
    };
    Ok(Value::text(kept))
}

fn substring<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let (start, end, text) = (arguments.int(0)?, arguments.int(1)?, arguments.text(2)?);
    let place = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
    let end_given = usize::try_from(end).ok().filter(|end| *end <= text.len());
    let (from, to) = match start {
        ..0 => (0, place(end)),
        _ => (place(start), end_given.unwrap_or(text.len())),
    };
    cut(text, from, to).map(Value::text)
}

fn trim_all<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let cutset: Vec<char> = arguments.text(0)?.chars().collect();
    Ok(Value::text(
        arguments.text(1)?.trim_matches(cutset.as_slice()),
    ))
}

/// What is not nil, each written in a way, with spaces between.
fn quoted<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    write: impl Fn(&mut Budget, &Value<'a>) -> Result<String, String>,
) -> Result<Value<'a>, String> {
    let mut out = budget.output();
    let given = arguments
        .0
        .iter()
        .filter(|value| !matches!(value, Value::Nil));
    for (at, value) in given.enumerate() {
        if at > 0 {
            out.push(" ")?;
        }
        out.push(&write(budget, value)?)?;
    }
    Ok(Value::text(out.into_string()))
}

fn indent<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    before: &str,
) -> Result<Value<'a>, String> {
    let spaces =
        usize::try_from(arguments.int(0)?).map_err(|_| "negative Repeat count".to_owned())?;
    let mut out = budget.output();
    out.push(before)?;
    for (at, line) in arguments.text(1)?.split('\n').enumerate() {
        if at > 0 {
            out.push("\n")?;
        }
        out.repeat(" ", spaces)?;
        out.push(line)?;
    }
    Ok(Value::text(out.into_string()))
}

fn replace<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let (old, new, text) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
    let mut out = budget.output();
    let mut rest = 0;
    for (at, found) in text.match_indices(old) {
        out.push(&text[rest..at])?;
        out.push(new)?;
        rest = at + found.len();
    }
    out.push(&text[rest..])?;
    Ok(Value::text(out.into_string()))
}

/// As Go's SplitN: at most `most` parts, all when it is negative; an empty separator gives the characters.
fn parts(
    budget: &mut Budget,
    separator: &str,
    most: i64,
    text: &str,
) -> Result<Vec<String>, String> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if most == 0 {
        return Ok(Vec::new());
    }
    let parts: Vec<String> = if separator.is_empty() {
        let mut characters = text.chars();
        let mut parts: Vec<String> = characters
            .by_ref()
            .take(most - 1)
            .map(String::from)
            .collect();
        if !characters.as_str().is_empty() {
            parts.push(characters.as_str().to_owned());
        }
        parts
    } else {
        text.splitn(most, separator)
            .map(ToOwned::to_owned)
            .collect()
    };
    budget.steps(parts.len())?;
    budget.memory(parts.len() * 2 * size_of::<Value<'_>>() + text.len())?;
    Ok(parts)
}

fn split<'a>(
    budget: &mut Budget,
    separator: &str,
    most: i64,
    text: &str,
) -> Result<Value<'a>, String> {
    let parts = parts(budget, separator, most, text)?;
    let named = parts.into_iter().enumerate();
    let entries: Entries<'a> = named
        .map(|(at, part)| (format!("_{at}").into(), Value::text(part)))
        .collect();
    Ok(Value::map_of("string", entries))
}

/// sprig's `strslice`: the texts of a list's items, nil left out; anything else is a list of one.
pub(super) fn texts_of(budget: &mut Budget, value: &Value<'_>) -> Result<Vec<String>, String> {
    let items = match value {
        Value::List(list) => &list.items[..],
        Value::Nil => &[],
        other => std::slice::from_ref(other),
    };
    let mut texts = Vec::with_capacity(items.len());
    for item in items.iter().filter(|item| !matches!(item, Value::Nil)) {
        let text = text_of(budget.output(), item)?;
        budget.memory(text.len())?;
        texts.push(text);
    }
    Ok(texts)
}

fn join<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let separator = arguments.text(0)?;
    let mut out = budget.output();
    for (at, text) in texts_of(budget, arguments.get(1))?.iter().enumerate() {
        if at > 0 {
            out.push(separator)?;
        }
        out.push(text)?;
    }
    Ok(Value::text(out.into_string()))
}
