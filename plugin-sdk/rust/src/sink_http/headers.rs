//! Headers of a configuration, whose values may be templates.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::group;
use crate::template::Template;
use crate::{Batch, BatchEvent, Result};

/// What the host writes itself: another value would break the request.
const HOSTS_OWN: [&str; 4] = ["connection", "content-length", "host", "transfer-encoding"];

/// Headers of a request, in order.
pub type Rendered = Vec<(String, String)>;

/// A map of header names to templates, in the order of the configuration. Names are checked when it is read; values
/// may be whole numbers and booleans, too.
///
/// ```
/// # use weir_plugin::sink_http::Headers;
/// #[derive(serde::Deserialize)]
/// struct Config { #[serde(default)] headers: Headers }
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    entries: Vec<(String, Template)>,
}

impl Headers {
    /// Whether there is one of this name, in any case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        let mut names = self.entries.iter().map(|(name, _)| name);
        names.any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Whether they are the same for every event.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        let mut templates = self.entries.iter().map(|(_, template)| template);
        templates.all(Template::is_constant)
    }

    /// The headers for an event. What cannot stand in a header, such as a line feed, becomes a space.
    ///
    /// # Errors
    /// A value cannot be rendered for this event; the error names the header.
    pub fn render(&self, event: &BatchEvent<'_>) -> Result<Rendered> {
        let mut headers = Vec::with_capacity(self.entries.len());
        for (name, template) in &self.entries {
            let value = template
                .render(event)
                .map_err(|error| format!("headers.{name}: {}", error.message()))?;
            headers.push((name.clone(), clean(&value)));
        }
        Ok(headers)
    }

    /// The headers that are the same for every event: for requests that are about none, as a probe's.
    #[must_use]
    pub fn constant(&self) -> Rendered {
        let constant = self
            .entries
            .iter()
            .filter(|(_, template)| template.is_constant());
        constant
            .map(|(name, template)| (name.clone(), clean(template.as_str())))
            .collect()
    }

    /// Events by their headers: each group can go in one request. An event whose headers cannot be rendered is rejected.
    #[must_use]
    pub fn group(&self, batch: &Batch) -> Vec<(Rendered, Vec<u32>)> {
        if self.is_constant() {
            return vec![(self.constant(), (0..batch.size()).collect())];
        }
        group(batch, |event| self.render(event))
    }
}

/// Names only: values may be credentials.
impl fmt::Debug for Headers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.entries.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Headers, D::Error> {
        deserializer.deserialize_map(Map)
    }
}

struct Map;

impl<'de> Visitor<'de> for Map {
    type Value = Headers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of header names to values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Headers::default();
        while let Some(name) = map.next_key::<String>()? {
            check_name(&name).map_err(A::Error::custom)?;
            if headers.contains(&name) {
                return Err(A::Error::custom(format!(
                    "the header `{name}` is there twice"
                )));
            }
            let Value(template) = map.next_value()?;
            headers.entries.push((name, template));
        }
        Ok(headers)
    }
}

fn check_name(name: &str) -> Result<(), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!(
            "{name:?} is no name of a header: expected letters, digits and `-`"
        ));
    }
    if HOSTS_OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return Err(format!(
            "the header `{name}` is written by weir itself: leave it out"
        ));
    }
    Ok(())
}

/// A value: text, a whole number or a boolean. A visitor of its own, since a tree would cost a module 6 kB.
struct Value(Template);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let text = deserializer.deserialize_any(Text)?;
        let template = Template::new(text).map_err(|error| D::Error::custom(error.message()))?;
        Ok(Value(template))
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = String;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("text, a whole number or a boolean")
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    fn visit_u64<E>(self, number: u64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_i64<E>(self, number: i64) -> Result<String, E> {
        Ok(number.to_string())
    }

    fn visit_bool<E>(self, is: bool) -> Result<String, E> {
        Ok(is.to_string())
    }
}

fn clean(value: &str) -> String {
    let cleaned = value.trim().chars();
    cleaned
        .map(|character| {
            if character.is_control() {
                ' '
            } else {
                character
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(headers: serde_json::Value, expected: &str) {
        let error = serde_json::from_value::<Headers>(headers).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn names_and_values_are_checked() {
        let headers: Headers =
            serde_json::from_value(json!({"X-Tenant": 7, "Y": true, "Z": " a\nb "})).unwrap();
        let pairs = [("X-Tenant", "7"), ("Y", "true"), ("Z", "a b")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(headers.constant(), pairs);
        assert!(headers.is_constant() && headers.contains("x-tenant"));
        assert_eq!(format!("{headers:?}"), r#"["X-Tenant", "Y", "Z"]"#);
        refused(
            json!({"a b": "c"}),
            "\"a b\" is no name of a header: expected letters, digits and `-`",
        );
        refused(
            json!({"Content-Length": 7}),
            "the header `Content-Length` is written by weir itself: leave it out",
        );
        refused(json!({"A": 1, "a": 2}), "the header `a` is there twice");
        refused(
            json!({"A": ["b"]}),
            "invalid type: sequence, expected text, a whole number or a boolean",
        );
        refused(json!({"A": "{{ .Name"}), "{{ .Name: `{{` without `}}`");
    }
}
