//! Templates of a configuration, rendered by the host: Go's text/template with sprig's text functions.

use serde::{Deserialize, Deserializer};

use crate::raw::template;
use crate::{BatchEvent, Error, Result};

/// A text of the configuration that may hold `{{ … }}`: it is checked when the configuration is read.
///
/// ```
/// # use weir_plugin::template::Template;
/// #[derive(serde::Deserialize)]
/// struct Config { title: Template }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    text: String,
    is_constant: bool,
}

impl Template {
    /// Takes a template that the host can read.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn new(text: impl Into<String>) -> Result<Template> {
        let text = text.into();
        let is_constant = !text.contains("{{");
        if !is_constant {
            template::check(&text).map_err(Error::from)?;
        }
        Ok(Template { text, is_constant })
    }

    /// The text that it makes of an event. Costs nothing where there is no `{{` in it.
    ///
    /// # Errors
    /// It cannot be rendered for this event.
    pub fn render(&self, event: &BatchEvent<'_>) -> Result<String> {
        if self.is_constant {
            return Ok(self.text.clone());
        }
        event.at_hand();
        template::render(&self.text).map_err(Error::from)
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is the same for every event.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.is_constant
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Template, D::Error> {
        let text = String::deserialize(deserializer)?;
        Template::new(text).map_err(|error| serde::de::Error::custom(error.message()))
    }
}
