//! Who may see what runs and have the files looked at: processes of this machine, and whoever has the token.
//!
//! A process of this machine is known by its address; through `kubectl port-forward` that is whoever may forward ports to
//! the pod, which is meant. A browser on this machine has that address, too, and does what any page asks of it: so a page's
//! POST is refused (it has an `Origin`), and so is a name that a page's own server may have pointed here (DNS rebinding).
//! What came through a proxy came from who knows where. Pure; `answer` calls it.

use std::fmt;
use std::net::IpAddr;

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, Method, Request};
use subtle::ConstantTimeEq;

/// Least characters of a token: with fewer, guessing over a network begins to be worth it.
const TOKEN_CHARACTERS_MIN: usize = 16;
/// Most of them: with `Authorization: Bearer`, a small part of the head that is read.
const TOKEN_CHARACTERS_MAX: usize = 4096;

/// What proxies add to the requests that they pass on.
const OF_PROXIES: [&str; 6] = [
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
];

const FROM_A_PAGE: &str = "a request with an Origin comes from a page in a browser, which may not do this; \
                           use curl or `weir plugin list --admin`\n";
const WRONG_TOKEN: &str = "the token is not the one of admin.token\n";
const NO_TOKEN: &str = "send the token of admin.token, as `Authorization: Bearer TOKEN`, or ask on the machine itself, \
                        for example through `kubectl port-forward`\n";
const NOT_FROM_HERE: &str = "only answered on the machine itself, for example through `kubectl port-forward`; for others \
                             set admin.token and send it, as `Authorization: Bearer TOKEN`\n";
const THROUGH_A_PROXY: &str = "this came through a proxy, so nobody knows from whom; ask without it, or set admin.token and \
                               send it, as `Authorization: Bearer TOKEN`\n";
const BY_A_NAME: &str = "the Host is a name, which may be anybody's; ask for localhost or an IP address, or set admin.token \
                         and send it, as `Authorization: Bearer TOKEN`\n";

/// The secret that opens what is not for everybody.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes 16 to 4096 characters of ASCII that can be seen, as a header can have them.
    ///
    /// # Errors
    /// With what is expected, without the text.
    pub fn new(text: String) -> Result<Token, String> {
        let expected = TOKEN_CHARACTERS_MIN..=TOKEN_CHARACTERS_MAX;
        if expected.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(Token(text));
        }
        Err(format!(
            "the token is no good (expected {TOKEN_CHARACTERS_MIN} to {TOKEN_CHARACTERS_MAX} letters, digits and other \
             visible characters of ASCII, without spaces); `openssl rand -hex 32` makes one"
        ))
    }

    /// How long it takes says nothing of the token but its length.
    fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return false;
        };
        let Some((scheme, given)) = value.to_str().ok().and_then(|text| text.split_once(' '))
        else {
            return false;
        };
        let is_same = self.0.as_bytes().ct_eq(given.trim().as_bytes());
        scheme.eq_ignore_ascii_case("bearer") && is_same.into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a request is not answered, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The token is missing, or another: 401.
    Token(&'static str),
    /// It cannot be answered as it was asked: 403.
    Way(&'static str),
}

/// Whether a request may have what is not for everybody.
pub(super) fn check<B>(
    request: &Request<B>,
    peer: IpAddr,
    token: Option<&Token>,
) -> Result<(), Refused> {
    let headers = request.headers();
    if request.method() == Method::POST && headers.contains_key(ORIGIN) {
        return Err(Refused::Way(FROM_A_PAGE));
    }
    match token {
        Some(token) if token.is_in(headers) => return Ok(()),
        Some(_) if headers.contains_key(AUTHORIZATION) => return Err(Refused::Token(WRONG_TOKEN)),
        _ => {}
    }
    if !peer.to_canonical().is_loopback() {
        return Err(match token {
            Some(_) => Refused::Token(NO_TOKEN),
            None => Refused::Way(NOT_FROM_HERE),
        });
    }
    if OF_PROXIES.iter().any(|name| headers.contains_key(*name)) {
        return Err(Refused::Way(THROUGH_A_PROXY));
    }
    if !is_asked_by_address(request) {
        return Err(Refused::Way(BY_A_NAME));
    }
    Ok(())
}

/// Whether all that names the server is `localhost` or an IP address.
fn is_asked_by_address<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = host.to_str().ok().and_then(|text| text.parse().ok());
    host.is_some_and(|host: Authority| is_address(&host))
        && request.uri().authority().is_none_or(is_address)
}

fn is_address(authority: &Authority) -> bool {
    let host = authority.host();
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    host.eq_ignore_ascii_case("localhost") || inside.unwrap_or(host).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    /// What becomes of a request with these headers, `name: value`.
    fn checked(
        method: &str,
        uri: &str,
        headers: &[&str],
        peer: &str,
        token: bool,
    ) -> Result<(), Refused> {
        let mut request = Request::builder().method(method).uri(uri);
        for header in headers {
            let (name, value) = header.split_once(": ").expect("a header");
            request = request.header(name, value);
        }
        let token = token.then(|| Token::new(TOKEN.to_owned()).expect("long enough"));
        let peer = peer.parse().expect("an address");
        check(&request.body(()).expect("a request"), peer, token.as_ref())
    }

    #[test]
    fn this_machine_may_and_others_need_the_token() {
        let local = ["Host: localhost:2112"];
        for peer in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            for token in [false, true] {
                assert_eq!(checked("POST", "/reload", &local, peer, token), Ok(()));
            }
        }
        for peer in ["10.0.0.1", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"] {
            let of = |token| checked("GET", "/plugins", &local, peer, token);
            assert_eq!(of(false), Err(Refused::Way(NOT_FROM_HERE)), "{peer}");
            assert_eq!(of(true), Err(Refused::Token(NO_TOKEN)), "{peer}");
        }
        let right = format!("Authorization: bearer  {TOKEN}");
        let headers = ["Host: weir.example", "X-Forwarded-For: 1.2.3.4", &right];
        let of = |peer, token| checked("POST", "/reload", &headers, peer, token);
        assert_eq!(of("10.0.0.1", true), Ok(()));
        assert_eq!(of("127.0.0.1", true), Ok(()));
        assert_eq!(of("10.0.0.1", false), Err(Refused::Way(NOT_FROM_HERE)));
    }

    #[test]
    fn a_wrong_token_is_none() {
        let right = format!("Authorization: Bearer {TOKEN}");
        for wrong in [
            "Authorization: Bearer 0123456789abcdeF",
            "Authorization: Bearer 0123456789abcde",
            "Authorization: Bearer 0123456789abcdef0",
            "Authorization: Basic 0123456789abcdef",
            "Authorization: 0123456789abcdef",
            "Authorization: Bearer ",
        ] {
            for headers in [vec![wrong], vec![right.as_str(), wrong]] {
                let headers = [vec!["Host: localhost"], headers].concat();
                let found = checked("GET", "/plugins", &headers, "127.0.0.1", true);
                assert_eq!(found, Err(Refused::Token(WRONG_TOKEN)), "{headers:?}");
            }
        }
        // Nobody asked for one.
        let headers = ["Host: localhost", right.as_str()];
        let found = checked("GET", "/plugins", &headers, "127.0.0.1", false);
        assert_eq!(found, Ok(()));
    }

    #[test]
    fn browsers_and_proxies_get_nothing() {
        let local = |method, uri, headers: &[&str]| checked(method, uri, headers, "::1", true);
        for host in ["127.0.0.1", "[::1]:2112", "10.1.2.3:80", "LOCALHOST"] {
            let host = format!("Host: {host}");
            assert_eq!(local("GET", "/plugins", &[&host]), Ok(()), "{host}");
        }
        for host in ["weir", "evil.example:2112", "localhost.evil", "127.1", ""] {
            let host = format!("Host: {host}");
            let found = local("GET", "/plugins", &[&host]);
            assert_eq!(found, Err(Refused::Way(BY_A_NAME)), "{host}");
        }
        let twice = ["Host: localhost", "Host: evil.example"];
        for (uri, headers) in [
            ("/plugins", &[][..]),
            ("/plugins", &twice),
            ("http://evil.example/plugins", &twice[..1]),
        ] {
            let found = local("GET", uri, headers);
            assert_eq!(found, Err(Refused::Way(BY_A_NAME)), "{uri} {headers:?}");
        }
        let passed_on = ["Host: localhost", "Via: 1.1 proxy"];
        let found = local("GET", "/plugins", &passed_on);
        assert_eq!(found, Err(Refused::Way(THROUGH_A_PROXY)));
        let right = format!("Authorization: Bearer {TOKEN}");
        let page = ["Host: localhost", "Origin: null", &right];
        let found = local("POST", "/reload", &page);
        assert_eq!(found, Err(Refused::Way(FROM_A_PAGE)));
        assert_eq!(local("GET", "/plugins", &page), Ok(()));
    }

    #[test]
    fn a_token_is_long_and_never_shown() {
        let token = Token::new(TOKEN.to_owned()).expect("long enough");
        assert_eq!(format!("{token:?}"), "Token(…)");
        let long = "x".repeat(TOKEN_CHARACTERS_MAX + 1);
        for bad in [
            "",
            "0123456789abcde",
            "0123456789abcdef\n",
            "0123456789 abcdef",
            &long,
        ] {
            let error = Token::new(bad.to_owned()).expect_err("no good");
            assert!(error.contains("expected 16 to 4096"), "{error}");
            assert!(bad.is_empty() || !error.contains(bad), "{error}");
        }
    }
}
