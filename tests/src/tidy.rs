//! What the source text must not do: functions over text, so that they can be shown to find what they look for.
//!
//! They read Rust as far as it takes: comments, string literals, paths. `tests/tidy.rs` runs them over the
//! workspace.

/// The code of a file: without comments, with string literals emptied, and without its unit tests.
pub fn code(text: &str) -> String {
    scan(without_tests(text)).0
}

/// The string literals of a file's code, as they are written between the quotes.
pub fn literals(text: &str) -> Vec<String> {
    scan(without_tests(text)).1
}

fn without_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests")
        .map_or(text, |start| &text[..start])
}

/// Separates code from literals and drops comments.
fn scan(text: &str) -> (String, Vec<String>) {
    let (mut code, mut literals) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
        } else if rest.starts_with("/*") {
            rest = rest.find("*/").map_or("", |end| &rest[end + 2..]);
        } else if let Some(quote) = character(rest) {
            rest = &rest[quote..];
        } else if let Some((literal, after)) = string(rest, code.ends_with(is_word)) {
            literals.push(literal.to_owned());
            code.push_str("\"\"");
            rest = after;
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    (code, literals)
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The length of a character literal that could be taken for the start of a string: '"' and '\"'.
fn character(rest: &str) -> Option<usize> {
    ["'\"'", "'\\\"'", "b'\"'"]
        .iter()
        .find(|literal| rest.starts_with(**literal))
        .map(|literal| literal.len())
}

/// What a string literal at the start of the text holds, and what follows it.
fn string(rest: &str, in_word: bool) -> Option<(&str, &str)> {
    if let Some(inside) = rest.strip_prefix('"') {
        let mut escaped = false;
        let end = inside.find(|character| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        })?;
        return Some((&inside[..end], &inside[end + 1..]));
    }
    let raw = rest.strip_prefix('r').filter(|_| !in_word)?;
    let inside = raw.trim_start_matches('#');
    let hashes = &raw[..raw.len() - inside.len()];
    inside.strip_prefix('"')?.split_once(&format!("\"{hashes}"))
}

/// The modules of its own crate that a file's code names: `crate::x`, `crate::{x, y::z}`, and `super::x` where
/// `super` is the crate's root.
pub fn own_imports(text: &str, super_is_root: bool) -> Vec<String> {
    let code = code(text);
    let roots: &[&str] = if super_is_root {
        &["crate::", "super::"]
    } else {
        &["crate::"]
    };
    let mut names = Vec::new();
    for root in roots {
        for (at, _) in code.match_indices(root) {
            if code[..at].ends_with(|before: char| is_word(before) || before == ':') {
                continue;
            }
            let path = &code[at + root.len()..];
            match path.strip_prefix('{') {
                Some(group) => names.extend(group_members(group)),
                None => names.push(first_word(path)),
            }
        }
    }
    names.retain(|name| name.starts_with(char::is_lowercase));
    names.sort();
    names.dedup();
    names
}

fn first_word(path: &str) -> String {
    path.trim_start()
        .chars()
        .take_while(|character| is_word(*character))
        .collect()
}

/// The first word of each member of `{a, b::{c, d}}`, from behind the brace.
fn group_members(group: &str) -> Vec<String> {
    let (mut depth, mut members) = (0, vec![String::new()]);
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => members.push(String::new()),
            _ => {}
        }
        members.last_mut().expect("there is one").push(character);
    }
    members
        .iter()
        .map(|member| first_word(member.trim_start_matches(',')))
        .collect()
}

/// Whether code names a path, `std::fs` for example, as whole words.
pub fn names(text: &str, path: &str) -> bool {
    let code = code(text);
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].ends_with(|before: char| is_word(before) || before == ':');
        let after = code[at + path.len()..].starts_with(is_word);
        !before && !after
    })
}

/// The doc comment that a file begins with; empty where it does not begin with one.
pub fn opening(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r##"//! Text that names crate::app and wasmtime.
use crate::{config::{Config, Route}, ledger};
use super::queue::Queue;
use wasmtime::Store; // std::fs
/* crate::gone */
fn f() -> (&'static str, char, &str) {
    crate::shutdown::now();
    (r#"crate::raw "quoted""#, '"', "a \"crate::text\" b")
}
#[cfg(test)]
mod tests {
    use crate::tests_only;
}
"##;

    #[test]
    fn imports_are_found_in_code_and_nowhere_else() {
        assert_eq!(
            own_imports(SAMPLE, true),
            ["config", "ledger", "queue", "shutdown"]
        );
        assert_eq!(own_imports(SAMPLE, false), ["config", "ledger", "shutdown"]);
        assert!(names(SAMPLE, "wasmtime") && !names(SAMPLE, "std::fs") && !names(SAMPLE, "wasm"));
        assert_eq!(
            literals(SAMPLE),
            ["crate::raw \"quoted\"", "a \\\"crate::text\\\" b"]
        );
        assert!(opening(SAMPLE).contains("wasmtime") && opening("use std::fs;").is_empty());
    }
}
