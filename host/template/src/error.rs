//! What can be wrong with a template, with its rendering, and with an event.

/// A template that cannot be parsed. Line and column begin at 1; the column counts characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// The line in the template's text.
    pub line: usize,
    /// The column in that line.
    pub column: usize,
    /// What was found, what was expected.
    pub message: String,
}

/// A template that failed on one event. Nothing of its output is kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}line {line}, column {column}: {message}", at(path))]
pub struct RenderError {
    /// The leaf of the layout, such as `endpoint.labels[1]`; `None` for a template by itself.
    pub path: Option<String>,
    /// The line in the template's text.
    pub line: usize,
    /// The column in that line.
    pub column: usize,
    /// What failed, what was expected.
    pub message: String,
}

/// A document that is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the JSON of a core/v1 Event: {message}")]
pub struct EventError {
    /// What the JSON parser found, with line and column.
    pub message: String,
}

fn at(path: &Option<String>) -> String {
    path.as_ref()
        .map(|path| format!("{path}: "))
        .unwrap_or_default()
}

/// Line and column (from 1) of a byte offset in a text.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |line| line.chars().count())
        + 1;
    (line, column)
}
