//! Puts the environment into values: `$NAME` and `${NAME}`.
//!
//! As KEE does it, with three differences: only values are expanded, after the YAML is read, so a variable
//! can never change the structure of the file; a variable that is not set stays as written (KEE makes it
//! empty, and so destroys the `$x` of a template); and an expanded value stays text. It is read as a number,
//! truth value, size or duration only where the whole unquoted scalar is one variable and the key expects
//! such a thing (`queue: {events: $EVENTS}`). What a plugin gets is always text: only the plugin knows better.
//!
//! There is no escape: `$$` stays `$$`. `${env:X}` and `${file:/p}` are secrets, which are not touched here.
//! Called by [`super::check`]; never logs, and leaves `written` as it was, so that error texts show the name.

use super::tree::{Kind, Node, Origin};

/// What looks up a variable; `None` if it is not set.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Expands all values below a node.
pub(crate) fn expand(node: &mut Node, environment: Environment<'_>) {
    match &mut node.kind {
        Kind::String(text) => {
            let (expanded, whole) = expand_text(text, environment);
            if let Some(expanded) = expanded {
                *text = expanded;
                node.origin = if whole && node.origin == Origin::Plain {
                    Origin::Variable
                } else {
                    Origin::Mixed
                };
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| expand(item, environment)),
        Kind::Map(entries) => entries
            .iter_mut()
            .for_each(|entry| expand(&mut entry.value, environment)),
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => {}
    }
}

/// The expanded text (`None` if nothing in it is a set variable), and whether it is one variable alone.
fn expand_text(text: &str, environment: Environment<'_>) -> (Option<String>, bool) {
    let mut expanded = String::new();
    let (mut rest, mut found, mut whole) = (text, false, false);
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        rest = &rest[dollar..];
        let value = variable(rest).and_then(|(name, length)| Some((environment(name)?, length)));
        match value {
            Some((value, length)) => {
                whole = length == text.len();
                found = true;
                expanded.push_str(&value);
                rest = &rest[length..];
            }
            None => {
                expanded.push('$');
                rest = &rest[1..];
            }
        }
    }
    expanded.push_str(rest);
    (found.then_some(expanded), whole)
}

/// The name of the variable at the start of a text, and the length of all that names it.
fn variable(text: &str) -> Option<(&str, usize)> {
    let after = text.strip_prefix('$')?;
    if let Some(braced) = after.strip_prefix('{') {
        let name = &braced[..braced.find('}')?];
        return (name_length(name) == name.len() && !name.is_empty())
            .then_some((name, name.len() + 3));
    }
    let length = name_length(after);
    (length > 0).then(|| (&after[..length], length + 1))
}

/// How much of a text is a name: a letter or `_`, then letters, digits and `_`.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let environment = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "DOLLAR" => Some("$A".to_owned()),
            "NONE" => Some(String::new()),
            _ => None,
        };
        for (text, expected, whole) in [
            ("", None, false),
            ("$", None, false),
            ("$A", Some("1"), true),
            ("${A}", Some("1"), true),
            ("x${A}y", Some("x1y"), false),
            ("$A$A", Some("11"), false),
            ("$A-$B", Some("1-$B"), false),
            ("$AB", None, false),
            ("${B}", None, false),
            ("${A", None, false),
            ("${}", None, false),
            ("$$A", Some("$1"), false),
            ("$1 $* ^a$|b$", None, false),
            ("${env:A} ${file:/A}", None, false),
            ("${A:-b}", None, false),
            ("$DOLLAR", Some("$A"), true),
            ("${NONE}", Some(""), true),
            ("é$Aé", Some("é1é"), false),
        ] {
            let (found, is_whole) = expand_text(text, &environment);
            assert_eq!((found.as_deref(), is_whole), (expected, whole), "{text}");
        }
    }
}
