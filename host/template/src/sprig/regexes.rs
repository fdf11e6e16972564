//! Regular expressions: RE2's syntax. A pattern is compiled once a thread, as long as it is among the
//! last that were used.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use crate::functions::{Arguments, Function, function};
use crate::limits::Budget;
use crate::value::Value;

/// Compiled patterns that a thread keeps; all are dropped when there are more.
const KEPT_MAX: usize = 64;

/// The most bytes that a compiled pattern may take.
const COMPILED_BYTES_MAX: usize = 1024 * 1024;

/// What compiling a pattern costs in steps.
const COMPILE_STEPS: usize = 1_000;

thread_local! {
    static KEPT: RefCell<HashMap<String, Regex>> = RefCell::default();
}

pub(super) static FUNCTIONS: &[Function] = &[
    // A pattern that is none matches nothing.
    function("regexMatch", 2, 2, |budget, arguments| {
        let text = arguments.text(1)?;
        Ok(Value::Bool(
            compiled(budget, arguments).is_ok_and(|regex| regex.is_match(text)),
        ))
    }),
    function("mustRegexMatch", 2, 2, |budget, arguments| {
        Ok(Value::Bool(
            compiled(budget, arguments)?.is_match(arguments.text(1)?),
        ))
    }),
    function("regexFind", 2, 2, find),
    function("mustRegexFind", 2, 2, find),
    function("regexFindAll", 3, 3, find_all),
    function("mustRegexFindAll", 3, 3, find_all),
    function("regexReplaceAll", 3, 3, |budget, arguments| {
        replace(budget, arguments, true)
    }),
    function("mustRegexReplaceAll", 3, 3, |budget, arguments| {
        replace(budget, arguments, true)
    }),
    function("regexReplaceAllLiteral", 3, 3, |budget, arguments| {
        replace(budget, arguments, false)
    }),
    function("mustRegexReplaceAllLiteral", 3, 3, |budget, arguments| {
        replace(budget, arguments, false)
    }),
    function("regexSplit", 3, 3, split),
    function("mustRegexSplit", 3, 3, split),
    function("regexQuoteMeta", 1, 1, |_, arguments| {
        let special = r"\.+*?()|[]{}^$";
        let mut quoted = String::new();
        for character in arguments.text(0)?.chars() {
            if special.contains(character) {
                quoted.push('\\');
            }
            quoted.push(character);
        }
        Ok(Value::text(quoted))
    }),
];

/// The compiled first argument.
fn compiled(budget: &mut Budget, arguments: &Arguments<'_, '_>) -> Result<Regex, String> {
    let pattern = arguments.text(0)?;
    if let Some(regex) = KEPT.with_borrow(|kept| kept.get(pattern).cloned()) {
        return Ok(regex);
    }
    budget.steps(COMPILE_STEPS)?;
    let regex = RegexBuilder::new(pattern)
        .size_limit(COMPILED_BYTES_MAX)
        .dfa_size_limit(COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| format!("the pattern {pattern:?} is not valid: {error}"))?;
    KEPT.with_borrow_mut(|kept| {
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), regex.clone());
    });
    Ok(regex)
}

/// A count as Go has it: negative is all.
fn most(arguments: &Arguments<'_, '_>) -> Result<usize, String> {
    Ok(usize::try_from(arguments.int(2)?).unwrap_or(usize::MAX))
}

fn find<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let regex = compiled(budget, arguments)?;
    let found = regex.find(arguments.text(1)?);
    Ok(Value::text(found.map_or("", |found| found.as_str())))
}

fn find_all<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let regex = compiled(budget, arguments)?;
    let mut found = Vec::new();
    for one in regex.find_iter(arguments.text(1)?).take(most(arguments)?) {
        budget.steps(1)?;
        found.push(Value::text(one.as_str()));
    }
    Ok(if found.is_empty() {
        Value::nil_list("string")
    } else {
        Value::list_of("string", found)
    })
}

fn replace<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    expand: bool,
) -> Result<Value<'a>, String> {
    let regex = compiled(budget, arguments)?;
    let (text, replacement) = (arguments.text(1)?, arguments.text(2)?);
    let mut out = budget.output();
    let mut rest = 0;
    for captures in regex.captures_iter(text) {
        budget.steps(1)?;
        let found = captures.get_match();
        out.push(&text[rest..found.start()])?;
        rest = found.end();
        if !expand {
            out.push(replacement)?;
            continue;
        }
        // An expansion has each capture at most as often as the replacement has dollars.
        let dollars = replacement.matches('$').count();
        budget.memory(replacement.len() + found.len().saturating_mul(dollars))?;
        let mut expanded = String::new();
        captures.expand(replacement, &mut expanded);
        out.push(&expanded)?;
    }
    out.push(&text[rest..])?;
    Ok(Value::text(out.into_string()))
}

/// Go's Regexp.Split: an empty match at the very start or end splits nothing off.
fn split<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let regex = compiled(budget, arguments)?;
    let (text, most) = (arguments.text(1)?, most(arguments)?);
    if most == 0 {
        return Ok(Value::nil_list("string"));
    }
    if !arguments.text(0)?.is_empty() && text.is_empty() {
        return Ok(Value::texts([String::new()]));
    }
    let mut parts = Vec::new();
    let (mut from, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        budget.steps(1)?;
        if parts.len() + 1 == most {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text[from..end].to_owned());
        }
        from = found.end();
    }
    if end != text.len() {
        parts.push(text[from..].to_owned());
    }
    Ok(Value::texts(parts))
}
