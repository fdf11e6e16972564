//! Secrets stay with the host: a plugin sees placeholders, which work in headers and URLs only.

use crate::raw::secret;

/// A placeholder for `Basic …` of a user and a password, either of which may be a placeholder.
#[must_use]
pub fn basic(user: &str, password: &str) -> String {
    secret::basic(user, password)
}

/// HMAC-SHA256 of data under a key that may be a placeholder.
#[must_use]
pub fn hmac_sha256(key: &str, data: &[u8]) -> Vec<u8> {
    secret::hmac_sha256(key, data)
}
