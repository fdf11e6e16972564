//! Addresses of servers, as a configuration holds them.

use std::fmt;

use crate::{Result, secret};

/// An address of `http://` or `https://`, checked, without the credentials that it may have had.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    url: String,
    authorization: Option<String>,
}

impl Address {
    /// Checks an address. `https://user:password@es:9200/prefix/` is `https://es:9200/prefix/`, and an authorization.
    ///
    /// # Errors
    /// It does not begin with `http://` or `https://`, names no server, or holds what no address can.
    pub fn new(text: &str) -> Result<Address> {
        let text = text.trim();
        let scheme_bytes =
            scheme_bytes(text).ok_or("expected an address that begins with http:// or https://")?;
        let (scheme, rest) = text.split_at(scheme_bytes);
        if rest.chars().any(|c| c.is_whitespace() || c.is_control()) {
            Err("an address has no spaces")?;
        }
        let authority_bytes = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_bytes);
        let (user, server) = match authority.rsplit_once('@') {
            Some((user, server)) => (Some(user), server),
            None => (None, authority),
        };
        check_server(server)?;
        let authorization = user.map(|user| {
            let (user, password) = user.split_once(':').unwrap_or((user, ""));
            secret::basic(&percent_decoded(user), &percent_decoded(password))
        });
        Ok(Address {
            url: format!("{scheme}{server}{path}"),
            authorization,
        })
    }

    /// Without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The header's value for the credentials that it had: a placeholder.
    #[must_use]
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Scheme, server and port: all that an error should show, since a path may be a credential.
    #[must_use]
    pub fn origin(&self) -> &str {
        let start = scheme_bytes(&self.url).unwrap_or_default();
        let end = self.url[start..]
            .find(['/', '?', '#'])
            .map_or(self.url.len(), |at| start + at);
        &self.url[..end]
    }

    /// The address with a path behind its own: `https://es/prefix/` and `/_bulk` are `https://es/prefix/_bulk`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }
}

/// The origin only.
impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.origin())
    }
}

fn scheme_bytes(text: &str) -> Option<usize> {
    let schemes = ["http://", "https://"].map(str::len);
    let is_scheme = |bytes: &usize| {
        let start = text.get(..*bytes).map(str::to_ascii_lowercase);
        matches!(start.as_deref(), Some("http://" | "https://"))
    };
    schemes.into_iter().find(is_scheme)
}

fn check_server(server: &str) -> Result {
    let (name, port) = match server.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (server, None),
    };
    if name.is_empty() {
        Err("the address names no server")?;
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        Err("the address has a port that is no number up to 65535")?;
    }
    Ok(())
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = match rest {
            [b'%', high, low, ..] => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            bytes.push(high << 4 | low);
            rest = &rest[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_taken_out() {
        let address = Address::new("https://elastic:p%40ss%zz@es:9200/prefix/").unwrap();
        assert_eq!(address.url(), "https://es:9200/prefix/");
        assert_eq!(address.authorization(), Some("<basic elastic:p@ss%zz>"));
        assert_eq!(address.join("/_bulk"), "https://es:9200/prefix/_bulk");
        assert_eq!(address.origin(), "https://es:9200");
        assert_eq!(format!("{address:?}"), "https://es:9200");
        let plain = Address::new("http://[::1]:80?key=1").unwrap();
        assert_eq!(
            (plain.origin(), plain.authorization()),
            ("http://[::1]:80", None)
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let scheme = "expected an address that begins with http:// or https://";
        for (text, expected) in [
            ("es:9200", scheme),
            ("", scheme),
            ("ftp://x", scheme),
            ("https://", "the address names no server"),
            ("https:///x", "the address names no server"),
            ("https://u:p@:80", "the address names no server"),
            ("https://a b", "an address has no spaces"),
            (
                "http://a:99999",
                "the address has a port that is no number up to 65535",
            ),
        ] {
            assert_eq!(
                Address::new(text).unwrap_err().message(),
                expected,
                "{text}"
            );
        }
        assert!(Address::new("HTTPS://es").is_ok() && Address::new("http://[::1]").is_ok());
    }
}
