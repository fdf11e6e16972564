//! Values of the header `authorization`.

use std::fmt;

use serde::Deserialize;

use crate::{Result, secret};

/// A user and a password, as a configuration holds them: `basic: {username: …, password: …}`.
#[derive(Clone, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Basic {
    /// May be a placeholder of a secret.
    pub username: String,
    /// May be a placeholder of a secret.
    #[serde(default)]
    pub password: String,
}

impl Basic {
    /// The header's value: a placeholder. The same each time, so ask once.
    #[must_use]
    pub fn header(&self) -> String {
        secret::basic(&self.username, &self.password)
    }
}

/// Neither is shown: people write passwords in the wrong place.
impl fmt::Debug for Basic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Basic").finish_non_exhaustive()
    }
}

/// The header's value for a scheme and its token: `token("Bearer", "…")`.
///
/// # Errors
/// The token is empty, or brings the scheme along, or something that cannot stand in a header. It is never shown.
pub fn token(scheme: &str, token: &str) -> Result<String> {
    let token = token.trim();
    if token.is_empty() {
        Err("expected a token, found nothing")?;
    }
    let brings_scheme = token
        .get(..scheme.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if brings_scheme && token[scheme.len()..].starts_with(' ') {
        Err(format!("expected the token alone, without `{scheme}`"))?;
    }
    if token.chars().any(|character| !character.is_ascii_graphic()) {
        Err("expected a token on one line, without spaces")?;
    }
    Ok(format!("{scheme} {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_alone() {
        assert_eq!(token("Bearer", " abc= \n").unwrap(), "Bearer abc=");
        for (text, expected) in [
            ("", "expected a token, found nothing"),
            ("bearer abc", "expected the token alone, without `Bearer`"),
            ("a b", "expected a token on one line, without spaces"),
        ] {
            assert_eq!(token("Bearer", text).unwrap_err().message(), expected);
        }
        assert!(token("ApiKey", "é").is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let basic = Basic {
            username: "u".to_owned(),
            password: "hunter2".to_owned(),
        };
        assert_eq!(format!("{basic:?}"), "Basic { .. }");
    }
}
