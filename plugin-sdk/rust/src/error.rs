//! The one error of a plugin: a text for people.

use std::fmt;

/// What went wrong, in words: it ends up in the host's log beside the plugin's name.
///
/// Anything that can be displayed becomes one, so `?` works on every error, on `&str` and on `String`.
/// That is why it is not `Display` itself: read it with [`Error::message`].
#[derive(Clone, PartialEq, Eq)]
pub struct Error(String);

/// A result whose error is [`Error`].
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

impl Error {
    /// What went wrong.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0
    }

    /// What went wrong, owned.
    #[must_use]
    pub fn into_message(self) -> String {
        self.0
    }
}

impl<E: fmt::Display> From<E> for Error {
    fn from(error: E) -> Error {
        Error(error.to_string())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_displayed_becomes_an_error() {
        fn number(text: &str) -> Result<u32> {
            if text.is_empty() {
                Err("nothing to read")?;
            }
            Ok(text.parse()?)
        }
        assert_eq!(number("").unwrap_err().message(), "nothing to read");
        assert_eq!(
            number("x").unwrap_err().message(),
            "invalid digit found in string"
        );
        assert_eq!(number("7"), Ok(7));
    }
}
