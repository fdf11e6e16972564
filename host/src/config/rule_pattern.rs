//! Patterns of rules: Go's regular expressions, as KEE has them, for the `regex` crate.
//!
//! Both descend from RE2, but the same text can mean two things: in Go `\d \w \s \b` are ASCII (and `\s` has
//! no vertical tab), `[a&&b]` and `[[a]` are plain sets, `a{,2}` is text, `\Q…\E` quotes, `\12` is octal.
//! So a pattern is read by Go's grammar (regexp/syntax with the flags of `regexp.Compile`) and written anew
//! with nothing in it that the `regex` crate could read otherwise: literals escaped, classes spelt out. What
//! Go refuses is refused here.
//!
//! Known differences: a repetition after flags, `a(?i)*`, is refused (Go repeats the `a`); Go also limits
//! nested repetitions to 1000 in all, here the compiled size is limited; names of scripts and categories are
//! compared without case here; each has its own version of Unicode.
//!
//! Groups do not capture, since a rule only asks whether it matches. Pure; called by [`super::check_route`].

mod parts;

use std::fmt::Write;

use regex::Regex;

use parts::{char_escape, class_char, class_escape, flags, literal, posix_class, repeat_length};

/// Compiles a pattern with Go's meaning. The error is a phrase such as `missing closing )`.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern)?;
    Regex::new(&translated).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large when compiled".to_owned(),
        // Its text shows the translated pattern, so only its last line is of use.
        other => other
            .to_string()
            .lines()
            .last()
            .unwrap_or_default()
            .trim_start_matches("error: ")
            .to_owned(),
    })
}

/// What to do about a pattern that looks like a glob; only for one that is not valid.
pub(crate) fn glob_help(pattern: &str) -> Option<String> {
    if !pattern.starts_with(['*', '?'])
        || !pattern
            .chars()
            .all(|c| c.is_alphanumeric() || "*?-_./: ".contains(c))
    {
        return None;
    }
    const GLOB: &str = "this is a regular expression, not a glob";
    let inner = pattern
        .trim_matches('*')
        .replace('.', r"\.")
        .replace('*', ".*")
        .replace('?', ".");
    if inner.is_empty() {
        return Some(format!("{GLOB}: leave the key out to match anything"));
    }
    let end = if pattern.ends_with('*') { "" } else { "$" };
    Some(format!("{GLOB}: write `{inner}{end}`"))
}

/// Writes a Go pattern anew for the `regex` crate.
fn translate(pattern: &str) -> Result<String, String> {
    let mut translator = Translator {
        rest: pattern,
        out: String::new(),
        depth: 0,
        last: Last::Nothing,
    };
    while let Some(c) = translator.rest.chars().next() {
        translator.step(c)?;
    }
    if translator.depth > 0 {
        return Err("missing closing )".to_owned());
    }
    Ok(translator.out)
}

/// What stands before the current place, as far as a repetition cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Operand,
    Repetition,
}

struct Translator<'p> {
    rest: &'p str,
    out: String,
    depth: usize,
    last: Last,
}

impl<'p> Translator<'p> {
    fn step(&mut self, c: char) -> Result<(), String> {
        match c {
            '(' if self.rest.starts_with("(?") => return self.group(),
            '(' => {
                self.open("(?:");
                self.rest = &self.rest[1..];
            }
            ')' => {
                self.depth = self.depth.checked_sub(1).ok_or("unexpected )")?;
                self.copy(1);
            }
            '|' => {
                self.copy(1);
                self.last = Last::Nothing;
            }
            '*' | '+' | '?' => return self.repetition(1),
            '{' => match repeat_length(self.rest)? {
                Some(length) => return self.repetition(length),
                None => self.literal_char(c),
            },
            '.' | '^' | '$' => self.copy(1),
            '[' => self.class()?,
            '\\' => self.escape()?,
            c => self.literal_char(c),
        }
        Ok(())
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
        self.last = Last::Operand;
    }

    fn literal_char(&mut self, c: char) {
        literal(&mut self.out, c);
        self.rest = &self.rest[c.len_utf8()..];
        self.last = Last::Operand;
    }

    fn open(&mut self, text: &str) {
        self.out.push_str(text);
        self.depth += 1;
        self.last = Last::Nothing;
    }

    fn repetition(&mut self, length: usize) -> Result<(), String> {
        let operator = &self.rest[..length];
        match self.last {
            Last::Nothing => {
                return Err(format!("nothing before `{operator}` that it could repeat"));
            }
            Last::Repetition => return Err(format!("`{operator}` after another repetition")),
            Last::Operand => {}
        }
        self.copy(length);
        if self.rest.starts_with('?') {
            self.copy(1);
        }
        self.last = Last::Repetition;
        Ok(())
    }

    /// `(?…`: a named group, a group without a number, or flags.
    fn group(&mut self) -> Result<(), String> {
        for start in ["(?P<", "(?<"] {
            if let Some(after) = self.rest.strip_prefix(start) {
                let (name, after) = after
                    .split_once('>')
                    .ok_or("the name of a group has no >")?;
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return Err("the name of a group may only have letters, digits and _ (there is no look-behind)".to_owned());
                }
                self.rest = after;
                self.open("(?:");
                return Ok(());
            }
        }
        let after = &self.rest[2..];
        let end = after.find([':', ')']).ok_or("missing closing )")?;
        let flags = flags(&after[..end])?;
        let is_group = after[end..].starts_with(':');
        self.rest = &after[end + 1..];
        if is_group {
            self.open(&format!("(?{flags}:"));
        } else {
            if !flags.is_empty() {
                write!(self.out, "(?{flags})").map_err(|error| error.to_string())?;
            }
            // In Go a repetition after flags repeats what is before them. Nobody means that.
            self.last = Last::Nothing;
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let after = &self.rest[1..];
        if let Some(quoted) = after.strip_prefix('Q') {
            let (text, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            for c in text.chars() {
                literal(&mut self.out, c);
                self.last = Last::Operand;
            }
            self.rest = rest;
            return Ok(());
        }
        let assertion = match after.chars().next() {
            Some('A') => Some(r"\A"),
            Some('z') => Some(r"\z"),
            Some('b') => Some(r"(?-u:\b)"),
            Some('B') => Some(r"(?-u:\B)"),
            _ => None,
        };
        if let Some(assertion) = assertion {
            self.out.push_str(assertion);
            self.rest = &after[1..];
        } else if let Some((class, rest)) = class_escape(self.rest)? {
            self.out.push_str(&class);
            self.rest = rest;
        } else {
            let (c, rest) = char_escape(self.rest)?;
            literal(&mut self.out, c);
            self.rest = rest;
        }
        self.last = Last::Operand;
        Ok(())
    }

    /// `[…]`. A `]` that comes first and every `[`, `&`, `~`, `-` that forms nothing is text, as in Go.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        let mut rest = &self.rest[1..];
        if let Some(after) = rest.strip_prefix('^') {
            self.out.push('^');
            rest = after;
        }
        let mut first = true;
        loop {
            if rest.is_empty() {
                return Err("missing closing ]".to_owned());
            }
            if rest.starts_with(']') && !first {
                break;
            }
            first = false;
            if let Some((class, after)) = posix_class(rest)? {
                self.out.push_str(&class);
                rest = after;
                continue;
            }
            if let Some((class, after)) = class_escape(rest)? {
                self.out.push_str(&class);
                rest = after;
                continue;
            }
            let (low, after) = class_char(rest)?;
            rest = after;
            literal(&mut self.out, low);
            if rest.starts_with('-') && rest.len() > 1 && !rest.starts_with("-]") {
                let (high, after) = class_char(&rest[1..])?;
                if high < low {
                    return Err(format!("the range {low}-{high} is the wrong way round"));
                }
                self.out.push('-');
                literal(&mut self.out, high);
                rest = after;
            }
        }
        self.out.push(']');
        self.rest = &rest[1..];
        self.last = Last::Operand;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
