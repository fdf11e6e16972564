//! From what a plugin asks for to what is sent: grants are checked, secrets put in.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::coding::{Compression, encode};
use crate::failure::{Class, Failure};
use crate::origin::Origin;
use crate::reveal::{Hider, Reveal};

/// Of an address, with secrets in it.
const URL_BYTES_MAX: usize = 32 * 1024;
/// Of all headers together, with secrets in them.
const HEADERS_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// Headers that are no plugin's to set: they are about the connection, follow from the request, or would make an
/// answer in which a secret cannot be found.
const OURS: [&str; 14] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "if-range",
    "keep-alive",
    "proxy-connection",
    "range",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// A request of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST`, …; neither `CONNECT` nor `TRACE`.
    pub method: String,
    /// Absolute, at most 32 KiB. Placeholders are replaced: in user and password as they are, elsewhere as text,
    /// which has to be percent-encoded already. User and password become `Basic` credentials.
    pub url: String,
    /// In order, at most 100 and 64 KiB. Placeholders in values are replaced. Headers about the connection
    /// (`host`, `content-length`, `transfer-encoding`, `connection`, …), `accept-encoding` and `range` are refused.
    pub headers: Vec<(String, String)>,
    /// The body, sent as it is; placeholders in it mean nothing.
    pub body: Vec<u8>,
    /// Until the last byte of the answer; the configured one where that is shorter, or where this is none.
    pub timeout: Option<Duration>,
}

/// What a request is checked against.
pub(crate) struct Rules<'a> {
    pub(crate) granted: &'a [Origin],
    pub(crate) allowed: &'a [Origin],
    pub(crate) secrets: &'a dyn Reveal,
    pub(crate) compression: Compression,
}

/// Ready to be sent. Holds secrets.
pub(crate) struct Prepared {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) origin: Origin,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Finds credentials that came of the address, which nobody else knows.
    pub(crate) credentials: Option<Hider>,
}

/// The origin to show: that of the address with its placeholders.
pub(crate) fn shown(url: &str) -> String {
    let origin = if url.len() > URL_BYTES_MAX {
        None
    } else {
        Origin::parse(url).ok()
    };
    match origin {
        Some(origin) => origin.to_string(),
        None if url.contains("weir-secret-") => "(an address that is a secret)".to_owned(),
        None => "(not an address)".to_owned(),
    }
}

impl Rules<'_> {
    pub(crate) fn prepare(&self, request: Request) -> Result<Prepared, Failure> {
        let method = method(&request.method)?;
        let Address {
            url,
            user,
            has_secret,
        } = self.address(&request.url)?;
        let origin = Origin::of(&url).ok_or_else(not_http)?;
        let (mut headers, secret_header) = self.headers(&request.headers)?;
        self.check_grant(&origin, has_secret || secret_header)?;

        let mut credentials = None;
        if let Some((user, password)) = user.filter(|_| !headers.contains_key(AUTHORIZATION)) {
            let pair = BASE64_STANDARD.encode(format!("{user}:{password}"));
            if has_secret {
                let hider = Hider::new([("***", pair.as_str())]);
                credentials = Some(hider.expect("one short secret"));
            }
            let basic = format!("Basic {pair}");
            headers.insert(AUTHORIZATION, value("authorization", &basic)?);
        }
        let body = self.body(request.body, &mut headers)?;
        Ok(Prepared {
            method,
            url,
            origin,
            headers,
            body,
            credentials,
        })
    }

    fn check_grant(&self, origin: &Origin, has_secret: bool) -> Result<(), Failure> {
        let refused = |detail| Err(Failure::new(Class::NotGranted, detail));
        if self.granted.contains(origin) {
            Ok(())
        } else if !self.allowed.contains(origin) {
            refused(
                "neither the plugin's own configuration nor `allow` names this scheme, host and port; add it to one of them",
            )
        } else if has_secret {
            refused(
                "it is named by `allow` only, and the request has a secret in it; secrets are sent only to what the plugin's own configuration names",
            )
        } else {
            Ok(())
        }
    }

    fn reveal(&self, text: &str, bytes_max: usize, what: &str) -> Result<String, Failure> {
        let revealed = (text.len() <= bytes_max).then(|| self.secrets.reveal(text, bytes_max));
        revealed.flatten().ok_or_else(|| {
            Failure::bad_request(format!(
                "{what} of more than {bytes_max} bytes, with its secrets"
            ))
        })
    }

    fn address(&self, written: &str) -> Result<Address, Failure> {
        let reveal = |text: &str| self.reveal(text, URL_BYTES_MAX, "an address");
        let mut user = None;
        let mut text = written.to_owned();
        let mut has_secret = false;
        // Taken apart first where that is possible: a password may have any characters.
        if written.len() <= URL_BYTES_MAX
            && let Ok(mut url) = Url::parse(written)
            && let Some(pair) = take_user(&mut url)
        {
            let revealed = (reveal(&pair.0)?, reveal(&pair.1)?);
            has_secret = revealed != pair;
            user = Some(revealed);
            text = url.into();
        }
        let revealed = reveal(&text)?;
        has_secret |= revealed != text;
        let mut url = Url::parse(&revealed).map_err(|_| not_http())?;
        user = take_user(&mut url).or(user);
        url.set_fragment(None);
        Ok(Address {
            url,
            user,
            has_secret,
        })
    }

    fn headers(&self, written: &[(String, String)]) -> Result<(HeaderMap, bool), Failure> {
        if written.len() > HEADERS_MAX {
            let detail = format!("more than {HEADERS_MAX} headers");
            return Err(Failure::bad_request(detail));
        }
        let mut room = HEADERS_BYTES_MAX;
        let mut has_secret = false;
        let mut headers = HeaderMap::with_capacity(written.len() + 3);
        for (key, text) in written {
            let name = name(key)?;
            room = room.saturating_sub(key.len());
            let revealed = self.reveal(text, room, "headers")?;
            room -= revealed.len();
            has_secret |= revealed != *text;
            let value = value(name.as_str(), &revealed)?;
            headers.append(name, value);
        }
        let default = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
            headers
                .entry(name)
                .or_insert(HeaderValue::from_static(value));
        };
        default(&mut headers, ACCEPT, "*/*");
        default(&mut headers, ACCEPT_ENCODING, "gzip, zstd");
        default(
            &mut headers,
            USER_AGENT,
            concat!("weir/", env!("CARGO_PKG_VERSION")),
        );
        Ok((headers, has_secret))
    }

    fn body(&self, body: Vec<u8>, headers: &mut HeaderMap) -> Result<Bytes, Failure> {
        if headers.contains_key(CONTENT_ENCODING) {
            return Ok(body.into());
        }
        let encoded = encode(&body, self.compression).map_err(|error| {
            Failure::bad_request(format!("its body cannot be compressed: {error}"))
        })?;
        let Some((encoded, coding)) = encoded else {
            return Ok(body.into());
        };
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
        Ok(encoded.into())
    }
}

struct Address {
    url: Url,
    user: Option<(String, String)>,
    has_secret: bool,
}

fn not_http() -> Failure {
    Failure::bad_request("expected an absolute http:// or https:// address")
}

fn method(text: &str) -> Result<Method, Failure> {
    match Method::from_bytes(text.as_bytes()) {
        Ok(method) if method != Method::CONNECT && method != Method::TRACE => Ok(method),
        _ => Err(Failure::bad_request(
            "expected a method such as GET or POST, and neither CONNECT nor TRACE",
        )),
    }
}

/// User and password of an address, which has none afterwards.
fn take_user(url: &mut Url) -> Option<(String, String)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user = decoded(url.username());
    let password = decoded(url.password().unwrap_or_default());
    if user.is_empty() && password.is_empty() {
        return None;
    }
    // They fail for addresses that cannot have any, and this one had.
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some((user, password))
}

fn name(text: &str) -> Result<HeaderName, Failure> {
    let short: String = text.chars().take(64).collect();
    let name = HeaderName::from_bytes(text.as_bytes())
        .map_err(|_| Failure::bad_request(format!("{short:?} is no name of a header")))?;
    if OURS.contains(&name.as_str()) || name.as_str().starts_with("proxy-") {
        return Err(Failure::bad_request(format!(
            "the header {short:?} is set by weir where it is needed; leave it out"
        )));
    }
    Ok(name)
}

fn value(name: &str, text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_bytes(text.as_bytes())
        .map_err(|_| {
            Failure::bad_request(format!(
                "the value of the header {name:?} has a character that no header can have; a secret from a file may end with a line break"
            ))
        })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_what_the_plugin_wrote_is_shown() {
        assert_eq!(
            shown("https://user:pw@ES:9200/_bulk?key=1"),
            "https://es:9200"
        );
        assert_eq!(
            shown("weir-secret-00/_bulk"),
            "(an address that is a secret)"
        );
        assert_eq!(shown("/_bulk?key=1"), "(not an address)");
        assert_eq!(
            shown(&format!("http://{}", "x".repeat(40_000))),
            "(not an address)"
        );
    }

    #[test]
    fn user_and_password_are_taken_out_of_an_address() {
        let mut url = Url::parse("http://a%40b:c%3A@es/x").expect("an address");
        let user = take_user(&mut url);
        assert_eq!(user, Some(("a@b".to_owned(), "c:".to_owned())));
        assert_eq!(url.as_str(), "http://es/x");
        assert_eq!(take_user(&mut url), None);
    }
}
