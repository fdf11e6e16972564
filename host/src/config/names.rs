//! Names of filters and receivers: what they may be, and finding the one that is meant.

use super::error::{ErrorKind, Position};
use super::fields::{Field, Fields};
use super::report::{Report, one_of};
use super::tree::Kind;

const NAME_EXPECTED: &str = "1 to 253 of A-Z a-z 0-9 . _ -, first a letter or digit";
const NAME_MOST_CHARACTERS: usize = 253;
/// What is expected where a plugin is named.
pub(crate) const STEM_EXPECTED: &str =
    "the stem of a plugin's file, such as drop-reasons for drop-reasons.wasm";

/// What was checked, in the order of the file, and the names by which rules and routes refer to it.
pub(crate) struct Uses<T> {
    pub(crate) checked: Vec<T>,
    pub(crate) names: Vec<Name>,
}

/// The name of a use.
pub(crate) struct Name {
    pub(crate) text: String,
    /// Whether it came from the environment, so that it must not be shown.
    is_expanded: bool,
    /// The path of the use.
    pub(crate) path: String,
    /// Where the use stands.
    pub(crate) at: Position,
}

impl<T> Uses<T> {
    /// The index of a name; reports one that is not there.
    pub(crate) fn index(
        &self,
        field: &Field<'_>,
        what: &str,
        report: &mut Report<'_>,
    ) -> Option<usize> {
        let text = field.text(&format!("the name of a {what}"), report)?;
        if let Some(index) = self.names.iter().position(|name| name.text == text) {
            return Some(index);
        }
        let found = field.node.found();
        let shown = || {
            self.names
                .iter()
                .filter(|name| !name.is_expanded && !name.text.is_empty())
                .map(|name| name.text.as_str())
        };
        let error = report
            .error(
                ErrorKind::Reference,
                field.node.at,
                &field.path,
                format!(
                    "no {what} has the name {}",
                    found.trim_start_matches("the text ")
                ),
            )
            .found(found);
        if shown().next().is_some() {
            error.expected(one_of(shown()));
        } else {
            error.expected(format!("a name from `{what}s`, which has none"));
        }
        if !field.node.is_expanded() {
            error.did_you_mean(text, shown());
        }
        None
    }
}

/// A name that is there, sane and unique; "" if it is not.
pub(crate) fn check_name(
    fields: &Fields<'_>,
    names: &mut Vec<Name>,
    item: &Field<'_>,
    what: &str,
    report: &mut Report<'_>,
) -> String {
    let field = fields.require("name", NAME_EXPECTED, report);
    let text = field
        .as_ref()
        .and_then(|field| field.text(NAME_EXPECTED, report))
        .unwrap_or_default();
    let mut is_expanded = false;
    if let Some(field) =
        field.filter(|field| !matches!(field.node.kind, Kind::List(_) | Kind::Map(_)))
    {
        is_expanded = field.node.is_expanded();
        if let Some(first) = names.iter().find(|name| name.text == text) {
            let problem = format!(
                "a second {what} with the name {}",
                field.node.found().trim_start_matches("the text ")
            );
            report
                .error(ErrorKind::Reference, field.node.at, &field.path, problem)
                .help(format!(
                    "the first is {} at {}:{}",
                    first.path, first.at.line, first.at.column
                ));
        } else if !is_name(text) {
            field.refuse(NAME_EXPECTED, report);
        }
    }
    names.push(Name {
        text: text.to_owned(),
        is_expanded,
        path: item.path.clone(),
        at: item.node.at,
    });
    text.to_owned()
}

pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= NAME_MOST_CHARACTERS
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

pub(crate) fn check_stem(field: &Field<'_>, report: &mut Report<'_>) -> Option<String> {
    let text = field.text(STEM_EXPECTED, report)?;
    let stem = text.rsplit('/').next().unwrap_or(text);
    let stem = [".wasm.gz", ".wasm", ".wat"]
        .iter()
        .find_map(|suffix| stem.strip_suffix(suffix))
        .unwrap_or(stem);
    if is_name(text) && stem == text {
        return Some(text.to_owned());
    }
    let error = field.refuse(STEM_EXPECTED, report);
    if is_name(stem) && !field.node.is_expanded() {
        error.help(format!(
            "write {stem:?}; where plugins are is said by plugins.directories"
        ));
    }
    None
}
