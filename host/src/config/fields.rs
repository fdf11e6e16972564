//! Reading a map key by key, with the type each key expects.
//!
//! [`Fields`] hands out each key as a [`Field`] and in the end reports what was not asked for: so the keys
//! that are known are exactly those that the checks read. A key with the value null is as if left out, as in
//! KEE. Where text is expected, a number or truth value is text as it is written (`namespace: 123`), as in KEE.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use super::error::{ConfigError, ErrorKind, Position};
use super::quantity;
use super::report::{Report, join, one_of};
use super::tree::{Entry, Kind, Node, has_leading_zero};

/// A value and the path to it.
#[derive(Clone)]
pub(crate) struct Field<'t> {
    pub(crate) node: &'t Node,
    /// Of the key; of the value where there is no key.
    pub(crate) key_at: Position,
    pub(crate) path: String,
}

/// A map whose keys are being read.
pub(crate) struct Fields<'t> {
    pub(crate) entries: &'t [Entry],
    pub(crate) at: Position,
    pub(crate) path: String,
    /// The keys that were asked for, and whether to name them in an error text.
    known: RefCell<Vec<(&'static str, bool)>>,
}

impl<'t> Fields<'t> {
    /// The value of a key; `None` if the key is not there or null.
    pub(crate) fn get(&self, key: &'static str) -> Option<Field<'t>> {
        self.known.borrow_mut().push((key, true));
        self.value(key)
    }

    /// As [`Self::get`], for a spelling that is accepted but not advertised.
    pub(crate) fn get_old(&self, key: &'static str) -> Option<Field<'t>> {
        self.known.borrow_mut().push((key, false));
        self.value(key)
    }

    /// The value of a key that was, or will be, asked for.
    pub(crate) fn value(&self, key: &'static str) -> Option<Field<'t>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.kind != Kind::Null).then(|| self.field(entry))
    }

    /// The value of a key that must be there.
    pub(crate) fn require(
        &self,
        key: &'static str,
        expected: &str,
        report: &mut Report<'_>,
    ) -> Option<Field<'t>> {
        let field = self.get(key);
        if field.is_none() {
            let at = self
                .entries
                .iter()
                .find(|entry| entry.key == key)
                .map_or(self.at, |entry| entry.key_at);
            report
                .error(
                    ErrorKind::Missing,
                    at,
                    &join(&self.path, key),
                    "missing".to_owned(),
                )
                .expected(expected);
        }
        field
    }

    /// An entry of this map.
    pub(crate) fn field(&self, entry: &'t Entry) -> Field<'t> {
        Field {
            node: &entry.value,
            key_at: entry.key_at,
            path: join(&self.path, &entry.key),
        }
    }

    /// The entries that nobody read so far.
    pub(crate) fn unread(&self) -> Vec<&'t Entry> {
        let known = self.known.borrow();
        let unread = |entry: &&Entry| known.iter().all(|(key, _)| *key != entry.key);
        self.entries.iter().filter(unread).collect()
    }

    /// Reports a key that is none.
    pub(crate) fn report_unknown<'r>(
        &self,
        entry: &Entry,
        report: &'r mut Report<'_>,
    ) -> &'r mut ConfigError {
        let known = self.known.borrow();
        let names_shown = |is_shown: bool| {
            let known = known.iter().filter(move |(_, shown)| *shown == is_shown);
            known.map(|(key, _)| *key)
        };
        let names = || names_shown(true);
        let accepted = names().chain(names_shown(false));
        report
            .error(
                ErrorKind::UnknownKey,
                entry.key_at,
                &join(&self.path, &entry.key),
                "unknown key".to_owned(),
            )
            .found(entry.key.clone())
            .did_you_mean(&entry.key, accepted)
            .expected(one_of(names()))
    }

    /// Reports all that was not read.
    pub(crate) fn finish(&self, report: &mut Report<'_>) {
        for entry in self.unread() {
            self.report_unknown(entry, report);
        }
    }
}

impl<'t> Field<'t> {
    /// The error that something else was expected.
    pub(crate) fn mismatch<'r>(
        &self,
        expected: &str,
        report: &'r mut Report<'_>,
    ) -> &'r mut ConfigError {
        let found = self.node.found();
        report
            .error(
                ErrorKind::Type,
                self.node.at,
                &self.path,
                format!("found {found}"),
            )
            .found(found)
            .expected(expected)
    }

    /// The error that the value is of the right type but not allowed.
    pub(crate) fn refuse<'r>(
        &self,
        expected: &str,
        report: &'r mut Report<'_>,
    ) -> &'r mut ConfigError {
        let error = self.mismatch(expected, report);
        error.kind = ErrorKind::Value;
        error
    }

    /// The error that two keys are there of which one is enough, at the one that comes later.
    pub(crate) fn report_both<'r>(
        &self,
        other: &Field<'_>,
        report: &'r mut Report<'_>,
    ) -> &'r mut ConfigError {
        let (first, second) = if self.key_at <= other.key_at {
            (self, other)
        } else {
            (other, self)
        };
        let Position { line, column } = first.key_at;
        let problem = format!("set together with {} at {line}:{column}", first.path);
        report.error(ErrorKind::Duplicate, second.key_at, &second.path, problem)
    }

    /// Text; a number or truth value as it is written.
    pub(crate) fn text(&self, expected: &str, report: &mut Report<'_>) -> Option<&'t str> {
        match &self.node.kind {
            Kind::String(text) => {
                for secret in ["${env:", "${file:"] {
                    if self.node.written.contains(secret) {
                        self.refuse(expected, report).help(format!(
                            "a secret (`{secret}…}}`) is only possible in a plugin's configuration and in admin.token; use `${{NAME}}`"
                        ));
                        return None;
                    }
                }
                Some(text)
            }
            Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => Some(&self.node.written),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.mismatch(expected, report);
                None
            }
        }
    }

    /// Text that may have references to secrets in it, or be one. It is in no error.
    pub(crate) fn secret(&self, expected: &str, report: &mut Report<'_>) -> Option<String> {
        match &self.node.kind {
            Kind::String(text) => Some(text.clone()),
            Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => Some(self.node.written.clone()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => {
                self.mismatch(expected, report);
                None
            }
        }
    }

    /// A path, relative to the folder of the configuration.
    pub(crate) fn path_buf(&self, expected: &str, report: &mut Report<'_>) -> Option<PathBuf> {
        let text = self.text(expected, report)?;
        if text.is_empty() || text.contains('\0') {
            self.refuse(expected, report);
            return None;
        }
        Some(report.base.join(text))
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, report: &mut Report<'_>) -> Option<bool> {
        if let Kind::Bool(value) = self.node.typed() {
            return Some(value);
        }
        let meant = match self.node.written.to_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Some("write true"),
            "false" | "no" | "off" | "n" => Some("write false"),
            _ => None,
        };
        let error = self.mismatch("true or false", report);
        if let Some(meant) = meant {
            error.help(meant);
        }
        None
    }

    /// A whole number.
    pub(crate) fn integer(
        &self,
        allowed: RangeInclusive<i64>,
        report: &mut Report<'_>,
    ) -> Option<i64> {
        let (least, most) = (*allowed.start(), *allowed.end());
        let expected = match (least, most) {
            (i64::MIN, i64::MAX) => "a whole number".to_owned(),
            (least, i64::MAX) => format!("a whole number, {least} or more"),
            _ => format!("a whole number from {least} to {most}"),
        };
        match self.node.typed() {
            Kind::Integer(value) => match i64::try_from(value) {
                Ok(value) if allowed.contains(&value) => return Some(value),
                _ => self.refuse(&expected, report),
            },
            Kind::String(text) if has_leading_zero(&text) => self.mismatch(&expected, report).help(
                "remove the leading zero: some readers of YAML take such a number for an octal one",
            ),
            Kind::String(text) if text.parse::<i64>().is_ok() => {
                self.mismatch(&expected, report).help("remove the quotes")
            }
            _ => self.mismatch(&expected, report),
        };
        None
    }

    /// A whole number as a count.
    pub(crate) fn count(
        &self,
        allowed: RangeInclusive<usize>,
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let bound = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let value = self.integer(bound(*allowed.start())..=bound(*allowed.end()), report)?;
        usize::try_from(value).ok()
    }

    /// A number.
    pub(crate) fn number(
        &self,
        allowed: RangeInclusive<f64>,
        report: &mut Report<'_>,
    ) -> Option<f64> {
        let (least, most) = (*allowed.start(), *allowed.end());
        let expected = format!("a number from {least} to {most}");
        let value = match self.node.typed() {
            // Beyond 2^53 it is not exact, and not allowed.
            Kind::Integer(value) => value as f64,
            Kind::Float(value) => value,
            _ => {
                self.mismatch(&expected, report);
                return None;
            }
        };
        if allowed.contains(&value) {
            return Some(value);
        }
        self.refuse(&expected, report);
        None
    }

    /// A size in bytes.
    pub(crate) fn bytes(
        &self,
        allowed: RangeInclusive<usize>,
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let value = match self.node.typed() {
            Kind::Integer(value) => usize::try_from(value).ok(),
            Kind::String(text) => quantity::size(&text),
            _ => None,
        };
        match value {
            Some(value) if allowed.contains(&value) => return Some(value),
            Some(_) => {
                let (least, most) = (
                    quantity::show_size(*allowed.start()),
                    quantity::show_size(*allowed.end()),
                );
                self.refuse(&format!("a size from {least} to {most}"), report);
            }
            None => {
                self.mismatch(quantity::SIZE_EXPECTED, report);
            }
        }
        None
    }

    /// A duration.
    pub(crate) fn duration(
        &self,
        allowed: RangeInclusive<Duration>,
        report: &mut Report<'_>,
    ) -> Option<Duration> {
        let value = match self.node.typed() {
            Kind::Integer(0) => Some(Duration::ZERO),
            Kind::String(text) => quantity::duration(&text),
            _ => None,
        };
        match value {
            Some(value) if allowed.contains(&value) => return Some(value),
            Some(_) => {
                let (least, most) = (
                    quantity::show_duration(*allowed.start()),
                    quantity::show_duration(*allowed.end()),
                );
                self.refuse(&format!("a duration from {least} to {most}"), report);
            }
            None => {
                let error = self.mismatch(quantity::DURATION_EXPECTED, report);
                if let Kind::Integer(value) = self.node.kind {
                    error.help(format!("write the unit, such as {value}s"));
                }
            }
        }
        None
    }

    /// One of some words.
    pub(crate) fn choice<T: Copy>(
        &self,
        choices: &[(&str, T)],
        report: &mut Report<'_>,
    ) -> Option<T> {
        let expected = one_of(choices.iter().map(|(name, _)| *name));
        let text = self.text(&expected, report)?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*value);
        }
        let names = choices.iter().map(|(name, _)| *name);
        let error = self.refuse(&expected, report);
        if !self.node.is_expanded() {
            error.did_you_mean(text, names);
        }
        None
    }

    /// The items of a list; none if it is no list.
    pub(crate) fn items(&self, expected: &str, report: &mut Report<'_>) -> Vec<Field<'t>> {
        let Kind::List(items) = &self.node.kind else {
            self.mismatch(expected, report);
            return Vec::new();
        };
        let item = |(index, node): (usize, &'t Node)| Field {
            node,
            key_at: node.at,
            path: format!("{}[{index}]", self.path),
        };
        items.iter().enumerate().map(item).collect()
    }

    /// The keys of a map; none, with an error, if it is no map.
    pub(crate) fn fields(&self, expected: &str, report: &mut Report<'_>) -> Option<Fields<'t>> {
        let fields = self.fields_of_map();
        if fields.is_none() {
            self.mismatch(expected, report);
        }
        fields
    }

    /// The keys of a map; none if it is no map.
    pub(crate) fn fields_of_map(&self) -> Option<Fields<'t>> {
        let Kind::Map(entries) = &self.node.kind else {
            return None;
        };
        let (at, path) = (self.node.at, self.path.clone());
        Some(Fields {
            entries,
            at,
            path,
            known: RefCell::new(Vec::new()),
        })
    }
}
