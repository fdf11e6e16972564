//! One template.

use crate::error::{RenderError, TemplateError};
use crate::evaluate::render;
use crate::event::Event;
use crate::limits::Limits;
use crate::parser;
use crate::program::{Node, Program};
use crate::structs::Struct;
use crate::value::Value;

/// A parsed template. A text without `{{` costs next to nothing to render.
#[derive(Debug)]
pub struct Template {
    program: Program,
    limits: Limits,
}

impl Template {
    /// Parses a template with the default [`Limits`].
    ///
    /// # Errors
    /// The first thing that is wrong: syntax, a function, variable or template that is not known, a text
    /// longer than [`crate::TEMPLATE_BYTES_MAX`] or nested deeper than [`crate::DEPTH_MAX`].
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Ok(Self {
            program: parser::parse(text)?,
            limits: Limits::default(),
        })
    }

    /// The same template with other limits.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The text that the template gives for an event.
    ///
    /// # Errors
    /// What Go fails on as well: a field that the event does not have, arguments that do not fit, `fail`;
    /// and going beyond a limit.
    pub fn render(&self, event: &Event<'_>) -> Result<String, RenderError> {
        if let Some(constant) = self.constant() {
            return Ok(constant.to_owned());
        }
        let dot = Value::Struct(Struct::Event(&event.document, false));
        render(&self.program, dot, self.limits).map_err(|failure| {
            let (line, column, message) = failure.place(&self.program.source);
            RenderError {
                path: None,
                line,
                column,
                message,
            }
        })
    }

    /// Whether the template can read what weir looks up about the involved object: its labels,
    /// annotations, owner references, and whether it was deleted. It errs towards yes, so that `false`
    /// can be relied on.
    #[must_use]
    pub fn reads_lookups(&self) -> bool {
        self.program.reads_lookups
    }

    /// The text of a template that has no actions.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match self.program.bodies[0].nodes.as_slice() {
            [] => Some(""),
            [Node::Text(text)] => Some(text),
            _ => None,
        }
    }
}
