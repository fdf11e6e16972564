//! A layout: a JSON value of any depth whose texts are templates.

use serde_json::Value;

use crate::error::{RenderError, TemplateError};
use crate::event::Event;
use crate::limits::{DEPTH_MAX, Limits};
use crate::template::Template;

/// A parsed layout. Keys keep their order, and are never templates; numbers, booleans and null stay as
/// they are (in KEE they became null).
#[derive(Debug)]
pub struct Layout {
    root: Part,
}

#[derive(Debug)]
enum Part {
    /// JSON that is the same for every event.
    Fixed(String),
    Leaf {
        path: String,
        template: Template,
    },
    List(Vec<Part>),
    /// Keys as JSON texts, with their quotes.
    Map(Vec<(String, Part)>),
}

impl Layout {
    /// Parses all templates of a layout.
    ///
    /// # Errors
    /// Every template that is wrong, with its path, such as `endpoint.labels[1]`; a layout that is nested
    /// deeper than [`DEPTH_MAX`].
    pub fn parse(value: &Value) -> Result<Self, Vec<(String, TemplateError)>> {
        let mut errors = Vec::new();
        let root = parse(value, String::new(), 0, &mut errors);
        if errors.is_empty() {
            Ok(Self { root })
        } else {
            Err(errors)
        }
    }

    /// The same layout with other limits for each of its templates.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.root = self.root.with_limits(limits);
        self
    }

    /// The layout for an event: JSON on one line.
    ///
    /// # Errors
    /// The first template that failed, with its path.
    pub fn render(&self, event: &Event<'_>) -> Result<String, RenderError> {
        let mut json = String::new();
        self.root.render(event, &mut json)?;
        Ok(json)
    }

    /// Whether any of the templates can read what weir looks up; see [`Template::reads_lookups`].
    #[must_use]
    pub fn reads_lookups(&self) -> bool {
        self.root.reads_lookups()
    }
}

fn parse(
    value: &Value,
    path: String,
    depth: usize,
    errors: &mut Vec<(String, TemplateError)>,
) -> Part {
    if depth > DEPTH_MAX {
        let message = format!("the layout is nested deeper than {DEPTH_MAX}");
        errors.push((
            path,
            TemplateError {
                line: 1,
                column: 1,
                message,
            },
        ));
        return Part::Fixed(String::new());
    }
    match value {
        Value::String(text) => match Template::parse(text) {
            Ok(template) => match template.constant() {
                Some(constant) => Part::Fixed(quoted(constant)),
                None => Part::Leaf { path, template },
            },
            Err(error) => {
                errors.push((path, error));
                Part::Fixed(String::new())
            }
        },
        Value::Array(items) => {
            let parts = items.iter().enumerate();
            Part::List(
                parts
                    .map(|(at, item)| parse(item, format!("{path}[{at}]"), depth + 1, errors))
                    .collect(),
            )
        }
        Value::Object(members) => {
            let parts = members.iter().map(|(key, member)| {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                (quoted(key), parse(member, path, depth + 1, errors))
            });
            Part::Map(parts.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Part::Fixed(value.to_string()),
    }
}

impl Part {
    fn render(&self, event: &Event<'_>, to: &mut String) -> Result<(), RenderError> {
        match self {
            Self::Fixed(json) => to.push_str(json),
            Self::Leaf { path, template } => {
                let text = template.render(event).map_err(|error| RenderError {
                    path: Some(path.clone()),
                    ..error
                })?;
                push_quoted(to, &text);
            }
            Self::List(parts) => {
                to.push('[');
                for (at, part) in parts.iter().enumerate() {
                    if at > 0 {
                        to.push(',');
                    }
                    part.render(event, to)?;
                }
                to.push(']');
            }
            Self::Map(members) => {
                to.push('{');
                for (at, (key, part)) in members.iter().enumerate() {
                    if at > 0 {
                        to.push(',');
                    }
                    to.push_str(key);
                    to.push(':');
                    part.render(event, to)?;
                }
                to.push('}');
            }
        }
        Ok(())
    }

    fn reads_lookups(&self) -> bool {
        match self {
            Self::Fixed(_) => false,
            Self::Leaf { template, .. } => template.reads_lookups(),
            Self::List(parts) => parts.iter().any(Self::reads_lookups),
            Self::Map(members) => members.iter().any(|(_, part)| part.reads_lookups()),
        }
    }

    fn with_limits(self, limits: Limits) -> Self {
        match self {
            Self::Fixed(json) => Self::Fixed(json),
            Self::Leaf { path, template } => Self::Leaf {
                path,
                template: template.with_limits(limits),
            },
            Self::List(parts) => Self::List(
                parts
                    .into_iter()
                    .map(|part| part.with_limits(limits))
                    .collect(),
            ),
            Self::Map(members) => {
                let limited = members.into_iter();
                Self::Map(
                    limited
                        .map(|(key, part)| (key, part.with_limits(limits)))
                        .collect(),
                )
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_quoted(&mut json, text);
    json
}

/// A text as a JSON string.
fn push_quoted(to: &mut String, text: &str) {
    to.push('"');
    let mut plain_from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..0x20 => "",
            _ => continue,
        };
        to.push_str(&text[plain_from..at]);
        if escape.is_empty() {
            to.push_str(&format!("\\u{byte:04x}"));
        } else {
            to.push_str(escape);
        }
        plain_from = at + 1;
    }
    to.push_str(&text[plain_from..]);
    to.push('"');
}
