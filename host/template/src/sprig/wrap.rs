//! `wrap` and `wrapWith`: lines of a length, broken at spaces.

use crate::functions::{Function, function};
use crate::limits::Budget;
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("wrap", 2, 2, |budget, arguments| {
        wrap(budget, arguments.text(1)?, arguments.int(0)?, "\n", false)
    }),
    function("wrapWith", 3, 3, |budget, arguments| {
        let separator = match arguments.text(1)? {
            "" => "\n",
            separator => separator,
        };
        wrap(
            budget,
            arguments.text(2)?,
            arguments.int(0)?,
            separator,
            true,
        )
    }),
];

fn wrap<'a>(
    budget: &mut Budget,
    text: &str,
    length: i64,
    line: &str,
    break_words: bool,
) -> Result<Value<'a>, String> {
    let length = usize::try_from(length.max(1)).unwrap_or(usize::MAX);
    let bytes = text.as_bytes();
    let mut wrapped = budget.output();
    let mut put = |from: usize, to: usize, with_line: bool| {
        wrapped.push(&String::from_utf8_lossy(&bytes[from..to]))?;
        wrapped.push(if with_line { line } else { "" })
    };
    let space_in = |from: usize, to: usize| bytes[from..to].iter().rposition(|byte| *byte == b' ');
    let mut at = 0;
    while bytes.len() - at > length {
        if bytes[at] == b' ' {
            at += 1;
        } else if let Some(space) = space_in(at, at + length + 1) {
            put(at, at + space, true)?;
            at += space + 1;
        } else if break_words {
            put(at, at + length, true)?;
            at += length;
        } else {
            let space = bytes[at + length..].iter().position(|byte| *byte == b' ');
            let end = space.map_or(bytes.len(), |space| at + length + space);
            put(at, end, space.is_some())?;
            at = (end + 1).min(bytes.len());
        }
    }
    put(at, bytes.len(), false)?;
    Ok(Value::text(wrapped.into_string()))
}
