//! What an answer of a server means for the events that one request carried.

use std::time::Duration;

use crate::Result;
use crate::http::Response;

/// A server may ask for a longer wait; it is asked again after this one.
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);
/// How much of a server's own words is shown.
const EXCERPT_BYTES_MAX: usize = 300;

/// What became of the events of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All were accepted, but for those that were marked already.
    Accepted,
    /// None was accepted, whatever they are: the server cannot be reached, is busy, or has to be set right by a
    /// person. Nothing more is sent in this call; all that is left comes again.
    Busy {
        /// Why, and what to change.
        reason: String,
        /// How long the server wants to be left alone.
        wait: Option<Duration>,
    },
    /// The server failed, at these events or by itself: a smaller request may be accepted.
    Failed(String),
    /// The server refuses at least one of these for ever.
    Refused(String),
    /// There are too many of them, or the only one is too large.
    TooLarge(String),
}

impl Answer {
    /// [`Answer::Busy`] without a wish for how long.
    #[must_use]
    pub fn busy(reason: impl Into<String>) -> Answer {
        Answer::Busy {
            reason: reason.into(),
            wait: None,
        }
    }

    /// What a request's end means: [`Answer::of_response`], or that there was no response.
    #[must_use]
    pub fn of(sent: &Result<Response>) -> Answer {
        match sent {
            Ok(response) => Answer::of_response(response),
            Err(error) if error.message().starts_with("too large") => {
                Answer::TooLarge(error.message().to_owned())
            }
            Err(error) => Answer::busy(error.message()),
        }
    }

    /// What a status means. 2xx is accepted; 400, 409, 422 and 431 are about what was sent; 413 is about its size;
    /// 500 is a failure. Anything else comes again, since a person can mend it: the reason says what to change.
    #[must_use]
    pub fn of_response(response: &Response) -> Answer {
        let reason = describe(response);
        match response.status {
            200..300 => Answer::Accepted,
            400 | 409 | 422 | 431 => Answer::Refused(reason),
            413 => Answer::TooLarge(reason),
            500 => Answer::Failed(reason),
            _ => Answer::Busy {
                reason,
                wait: response.retry_after().map(|wait| wait.min(WAIT_MAX)),
            },
        }
    }
}

/// An answer in words: its status, how its body begins, and what to change where a person has to.
#[must_use]
pub fn describe(response: &Response) -> String {
    let mut text = format!("answered {}", response.status);
    if let Some(location) = response
        .header("location")
        .filter(|_| (300..400).contains(&response.status))
    {
        text = format!("{text}, to {}", excerpt(location.as_bytes()));
    }
    let body = excerpt(&response.body);
    if !body.is_empty() {
        text = format!("{text} ({body})");
    }
    match advice(response.status) {
        "" => text,
        advice => format!("{text}: {advice}"),
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        300..=399 => "the server sends elsewhere: write the address that it names",
        401 => "check the credentials",
        402 | 451 => "the service does not let this account write",
        403 => "check what these credentials may do",
        404 | 410 => "nothing is there: check the path of the address",
        405 => "the method is not allowed there: check the path of the address, and the method",
        406 | 415 => "the server does not take this content type",
        407 => "the proxy wants credentials",
        411 => "the server wants a content length: a proxy between may have taken it away",
        413 => "the server, or a proxy before it, takes no request of this size",
        414 => "the address is too long",
        421 => "this server does not serve that name: check the address",
        426 => "the server wants another protocol: check whether the address begins with https://",
        431 => "the headers are too large",
        511 => "a network between wants a login",
        _ => "",
    }
}

/// How a body begins, for people: 300 bytes at most, on one line, without control characters.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    let begin = &body[..body.len().min(EXCERPT_BYTES_MAX * 2)];
    let text = String::from_utf8_lossy(begin);
    let mut out = String::new();
    for character in text.chars() {
        let is_space = character.is_whitespace() || character.is_control();
        if is_space && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if out.len() + character.len_utf8() > EXCERPT_BYTES_MAX - '…'.len_utf8() {
            return format!("{}…", out.trim_end());
        }
        out.push(if is_space { ' ' } else { character });
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Response {
            status,
            headers: headers.collect(),
            body: body.into(),
        }
    }

    #[test]
    fn a_status_says_whether_to_send_again() {
        for status in [200, 201, 204, 299] {
            assert_eq!(
                Answer::of_response(&response(status, &[], "x")),
                Answer::Accepted
            );
        }
        let refused = Answer::Refused("answered 422 (no such field)".to_owned());
        assert_eq!(
            Answer::of_response(&response(422, &[], "no such\n field")),
            refused
        );
        let failed = Answer::Failed("answered 500".to_owned());
        assert_eq!(Answer::of_response(&response(500, &[], "")), failed);
        let large = "answered 413: the server, or a proxy before it, takes no request of this size";
        assert_eq!(
            Answer::of_response(&response(413, &[], "")),
            Answer::TooLarge(large.to_owned())
        );
        for (status, reason) in [
            (401, "answered 401: check the credentials"),
            (403, "answered 403: check what these credentials may do"),
            (
                404,
                "answered 404: nothing is there: check the path of the address",
            ),
            (429, "answered 429"),
            (503, "answered 503"),
        ] {
            assert_eq!(
                Answer::of_response(&response(status, &[], "")),
                Answer::busy(reason)
            );
        }
    }

    #[test]
    fn a_redirect_is_shown_and_a_wait_is_bounded() {
        let moved = response(301, &[("Location", "https://new.example.net/in")], "");
        assert_eq!(
            describe(&moved),
            "answered 301, to https://new.example.net/in: the server sends elsewhere: write the address that it names"
        );
        let wait = |seconds: &str| match Answer::of_response(&response(
            429,
            &[("Retry-After", seconds)],
            "",
        )) {
            Answer::Busy { wait, .. } => wait,
            other => panic!("{other:?}"),
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("99999"), Some(WAIT_MAX));
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), None);
    }

    #[test]
    fn without_a_response_it_comes_again_unless_it_is_too_large() {
        assert_eq!(
            Answer::of(&Err("connect: refused".into())),
            Answer::busy("connect: refused")
        );
        let large = "too large: the request has 70 MB";
        assert_eq!(
            Answer::of(&Err(large.into())),
            Answer::TooLarge(large.to_owned())
        );
    }

    #[test]
    fn an_excerpt_is_one_short_clean_line() {
        assert_eq!(
            excerpt(b"  <html>\r\n\t<b>\x1b[31mno\x00</b> \n"),
            "<html> <b> [31mno </b>"
        );
        assert_eq!(excerpt(b"\xff ok"), "\u{fffd} ok");
        let long = excerpt("é".repeat(400).as_bytes());
        assert!(
            long.len() <= EXCERPT_BYTES_MAX && long.ends_with("é…"),
            "{long}"
        );
        assert_eq!(excerpt(b" \n "), "");
    }
}
