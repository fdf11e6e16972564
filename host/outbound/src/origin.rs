//! Scheme, host and port: what grants are about, and all that an error shows of an address.

use std::fmt;

use url::Url;

/// Scheme (`http` or `https`), host (lower case, IDNA as browsers do it) and port (the scheme's own where none is
/// given). Equal origins are the same server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: &'static str,
    host: String,
    port: u16,
}

impl Origin {
    /// The origin of an absolute address; credentials, path, query and fragment are left out.
    ///
    /// # Errors
    /// When it is no absolute `http://` or `https://` address. The text is not in the error: it may hold a secret.
    pub fn parse(address: &str) -> Result<Origin, String> {
        let expected = "expected an absolute http:// or https:// address";
        let url = Url::parse(address).map_err(|error| format!("{expected}: {error}"))?;
        Origin::of(&url).ok_or_else(|| expected.to_owned())
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// None for other schemes.
    pub(crate) fn of(url: &Url) -> Option<Origin> {
        let scheme = match url.scheme() {
            "http" => "http",
            "https" => "https",
            _ => return None,
        };
        Some(Origin {
            scheme,
            host: url.host_str()?.to_owned(),
            port: url.port_or_known_default()?,
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { scheme, host, port } = self;
        write!(out, "{scheme}://{host}")?;
        if (*scheme, *port) != ("http", 80) && (*scheme, *port) != ("https", 443) {
            write!(out, ":{port}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(address: &str) -> String {
        Origin::parse(address).map_or_else(|error| error, |origin| origin.to_string())
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(
            shown("https://user:pw@ES:9200/_bulk?key=1#x"),
            "https://es:9200"
        );
        assert_eq!(shown("http://es:80/"), "http://es");
        assert_eq!(shown("https://es:80/"), "https://es:80");
        assert_eq!(
            shown("https://B\u{fc}cher.example"),
            "https://xn--bcher-kva.example"
        );
        assert_eq!(
            shown("http://[::FFFF:1.2.3.4]:80"),
            "http://[::ffff:102:304]"
        );
        assert_eq!(shown("http://0x7f.1"), "http://127.0.0.1");
    }

    #[test]
    fn an_error_does_not_show_the_address() {
        let expected = "expected an absolute http:// or https:// address";
        assert_eq!(shown("ftp://secret"), expected);
        assert_eq!(shown("data:secret"), expected);
        assert_eq!(
            shown("secret"),
            format!("{expected}: relative URL without a base")
        );
        assert_eq!(
            shown("http://es:secret"),
            format!("{expected}: invalid port number")
        );
    }

    #[test]
    fn default_ports_are_the_same_origin() {
        let same = |one, other| Origin::parse(one) == Origin::parse(other);
        assert!(same("https://es", "https://ES:443/x"));
        assert!(!same("https://es", "http://es:443"));
        assert!(!same("https://es", "https://es."));
    }
}
