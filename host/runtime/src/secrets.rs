//! Secrets stay with the host: plugins hold placeholders.
//!
//! A placeholder is unguessable, means nothing elsewhere, and only [`Secrets`] of the same use know it.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::prelude::{BASE64_STANDARD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::file::hex;

/// Bytes of a user, password or key as a plugin hands it over, and with its placeholders replaced: each
/// placeholder may stand for a long text, and credentials may be made of credentials.
const REVEALED_BYTES_MAX: usize = 64 * 1024;

/// Placeholders that a plugin may make with `secret.basic`, beside those of its configuration.
const DERIVED_MAX: usize = 100;

/// The secrets of one use, by placeholder.
#[derive(Default)]
pub struct Secrets {
    known: Mutex<HashMap<String, Secret>>,
}

struct Secret {
    value: String,
    derived: bool,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Keeps a secret; the plugin gets the placeholder.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn keep(&self, value: String) -> Result<String, getrandom::Error> {
        self.insert(value, false)
    }

    /// A placeholder for HTTP's `Basic` credentials; the same for the same user and password.
    pub(crate) fn basic(&self, user: &str, password: &str) -> Result<String, String> {
        let reveal = |text| {
            self.reveal_limited(text)
                .map_err(|error| format!("secret.basic: {error}"))
        };
        let pair = format!("{}:{}", reveal(user)?, reveal(password)?);
        let value = format!("Basic {}", BASE64_STANDARD.encode(pair));
        {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let derived = || known.iter().filter(|(_, secret)| secret.derived);
            if let Some((placeholder, _)) = derived().find(|(_, secret)| secret.value == value) {
                return Ok(placeholder.clone());
            }
            if derived().count() >= DERIVED_MAX {
                return Err(format!(
                    "secret.basic: more than {DERIVED_MAX} different credentials"
                ));
            }
        }
        self.insert(value, true)
            .map_err(|error| format!("secret.basic: {error}"))
    }

    pub(crate) fn hmac_sha256(&self, key: &str, data: &[u8]) -> Result<Vec<u8>, String> {
        let key = self
            .reveal_limited(key)
            .map_err(|error| format!("secret.hmac-sha256: {error}"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
            .expect("HMAC-SHA256 takes keys of any length (RFC 2104)");
        mac.update(data);
        Ok(mac.finalize().into_bytes().to_vec())
    }

    /// The text with each placeholder in it replaced by its secret: for headers and URLs that leave the host. `None` where
    /// that would be longer than `bytes_max`. Looked at before anything is replaced: nothing large is ever made.
    pub fn reveal(&self, text: &str, bytes_max: usize) -> Option<String> {
        let bytes = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let more = known.iter().map(|(placeholder, secret)| {
                let times = if text.len() > bytes_max {
                    0
                } else {
                    text.matches(placeholder.as_str()).count()
                };
                times * secret.value.len()
            });
            text.len().saturating_add(more.sum::<usize>())
        };
        (bytes <= bytes_max).then(|| self.replaced(text))
    }

    fn reveal_limited(&self, text: &str) -> Result<String, String> {
        self.reveal(text, REVEALED_BYTES_MAX).ok_or_else(|| {
            format!("a user, password or key of more than {REVEALED_BYTES_MAX} bytes")
        })
    }

    fn replaced(&self, text: &str) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .fold(text.to_owned(), |text, (placeholder, secret)| {
                if text.contains(placeholder) {
                    text.replace(placeholder, &secret.value)
                } else {
                    text
                }
            })
    }

    /// All of them, each behind its placeholder: for who takes them out of what a server echoes.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let pair =
            |(placeholder, secret): (&String, &Secret)| (placeholder.clone(), secret.value.clone());
        known.iter().map(pair).collect()
    }

    /// How many there are: none is ever taken away.
    pub fn count(&self) -> usize {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.len()
    }

    fn insert(&self, value: String, derived: bool) -> Result<String, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let placeholder = format!("weir-secret-{}", hex(&bytes));
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(placeholder.clone(), Secret { value, derived });
        Ok(placeholder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_of_placeholders_are_a_placeholder() {
        let secrets = Secrets::default();
        let password = secrets.keep("open sesame".into()).expect("random bytes");
        let basic = secrets
            .basic("Aladdin", &password)
            .expect("few credentials");
        assert!(basic.starts_with("weir-secret-"), "{basic}");
        assert_eq!(
            secrets.replaced(&basic),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        ); // RFC 7617
        assert_eq!(
            secrets
                .basic("Aladdin", &password)
                .expect("few credentials"),
            basic
        );
    }

    #[test]
    fn hmac_of_the_rfc_under_a_placeholder() {
        let secrets = Secrets::default();
        let key = secrets.keep("Jefe".into()).expect("random bytes");
        let mac = secrets.hmac_sha256(&key, b"what do ya want for nothing?");
        let mac = mac.expect("a short key"); // RFC 4231, case 2
        assert_eq!(
            hex(&mac),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn credentials_of_credentials_stay_short() {
        let secrets = Secrets::default();
        let mut user = secrets.keep("x".repeat(1000)).expect("random bytes");
        let error = (0..20).find_map(|_| {
            let eight = user.repeat(8);
            match secrets.basic(&eight, "") {
                Ok(placeholder) => {
                    user = placeholder;
                    None
                }
                Err(error) => Some(error),
            }
        });
        assert_eq!(
            error.as_deref(),
            Some("secret.basic: a user, password or key of more than 65536 bytes")
        );
        assert!(secrets.hmac_sha256(&user.repeat(8), b"").is_err());
        assert!(secrets.hmac_sha256(&"x".repeat(65_537), b"").is_err());
    }

    #[test]
    fn another_use_does_not_know_the_placeholder() {
        let placeholder = Secrets::default()
            .keep("secret".into())
            .expect("random bytes");
        assert_eq!(Secrets::default().replaced(&placeholder), placeholder);
    }
}
