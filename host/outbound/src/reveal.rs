//! Secrets as this crate sees them: somebody who puts them in for placeholders, and takes them out of what comes back.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

/// Shorter secrets are not looked for in what comes back. They are found everywhere: hiding `on` would break most
/// answers, and the gaps would tell what it is. Nobody should have a secret that is guessed in a second.
pub const SOUGHT_BYTES_MIN: usize = 4;

/// Shorter parts of an address are names (`_bulk`, `services`).
const TOKEN_BYTES_MIN: usize = 16;

/// What stands for a secret where its placeholder would not mean the same.
const HIDDEN: &str = "***";

/// All but RFC 3986's unreserved characters: what `encodeURIComponent` and Go's `QueryEscape` encode.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The secrets of one use of a plugin.
pub trait Reveal: Send + Sync {
    /// The text with each placeholder replaced by its secret; none where that would be more than `bytes_max`
    /// bytes (to be found out before it is made: a text can be all placeholders). A text without placeholders is
    /// returned as it is.
    fn reveal(&self, text: &str, bytes_max: usize) -> Option<String>;

    /// The bytes with every secret in them replaced, best by a [`Hider`]; none where there was no secret.
    fn hide(&self, bytes: &[u8]) -> Option<Vec<u8>>;
}

/// A use without secrets.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSecrets;

impl Reveal for NoSecrets {
    fn reveal(&self, text: &str, bytes_max: usize) -> Option<String> {
        (text.len() <= bytes_max).then(|| text.to_owned())
    }

    fn hide(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Finds secrets in bytes, all in one pass; to be kept, and made anew when there is another secret.
///
/// A secret is found as it is, as it looks in an address (percent-encoded) and in a JSON text; of `Basic …`
/// credentials the encoded part is found too, and
/// of a whole address its password and every token in it. A server that means to hand out a credential in another form can:
/// it has it.
pub struct Hider {
    sought: AhoCorasick,
    replaced_by: Vec<String>,
}

impl std::fmt::Debug for Hider {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Hider(…)")
    }
}

impl Hider {
    /// From pairs of a placeholder and its secret. Secrets shorter than [`SOUGHT_BYTES_MIN`] are left out.
    ///
    /// # Errors
    /// When the secrets are too many for one search (billions of bytes).
    pub fn new<'a>(
        secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Hider, BuildError> {
        let mut forms = HashMap::new();
        for (placeholder, secret) in secrets {
            if secret.len() < SOUGHT_BYTES_MIN {
                continue;
            }
            for form in encoded(secret) {
                forms.entry(form).or_insert(HIDDEN);
            }
            forms.insert(secret.to_owned(), placeholder);
        }
        let (sought, replaced_by): (Vec<String>, Vec<&str>) = forms.into_iter().unzip();
        let sought = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(sought)?;
        let replaced_by = replaced_by.into_iter().map(str::to_owned).collect();
        Ok(Hider {
            sought,
            replaced_by,
        })
    }

    /// The bytes with every secret replaced, by its placeholder or `***`; none where there was no secret.
    pub fn hide(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        self.sought.find(bytes)?;
        Some(self.sought.replace_all_bytes(bytes, &self.replaced_by))
    }
}

/// Other forms of a secret, which may be the same as itself.
fn encoded(secret: &str) -> Vec<String> {
    let mut forms = vec![utf8_percent_encode(secret, RESERVED).to_string()];
    let mut url = Url::parse("http://h/").expect("an address");
    url.set_query(Some(secret));
    forms.extend(url.query().map(str::to_owned));
    url.set_path(secret);
    forms.push(url.path().trim_start_matches('/').to_owned());
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    // As Go writes JSON.
    let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e");
    forms.push(escaped.replace('&', "\\u0026"));
    forms.push(json);
    forms.extend(secret.strip_prefix("Basic ").map(str::to_owned));
    forms.extend(parts(secret));
    forms.retain(|form| form.len() >= SOUGHT_BYTES_MIN);
    forms
}

/// Of a secret that is a whole address: its password, and what is long enough to be a token.
fn parts(secret: &str) -> Vec<String> {
    let url = match Url::parse(secret) {
        Ok(url) if url.has_host() => url,
        _ => return Vec::new(),
    };
    let is_token = |text: &String| text.len() >= TOKEN_BYTES_MIN;
    let segments = url.path().split('/').map(str::to_owned);
    let values = url.query_pairs().map(|(_, value)| value.into_owned());
    let mut parts: Vec<String> = segments.chain(values).filter(is_token).collect();
    parts.extend(url.password().map(str::to_owned));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(secrets: &[(&str, &str)], text: &str) -> Option<String> {
        let hider = Hider::new(secrets.iter().copied()).expect("few secrets");
        let bytes = hider.hide(text.as_bytes())?;
        Some(String::from_utf8(bytes).expect("text of text"))
    }

    #[test]
    fn secrets_are_replaced_wherever_they_are() {
        let secrets = [
            ("weir-secret-1", "pass word"),
            ("weir-secret-2", "pass word too"),
        ];
        assert_eq!(hidden(&secrets, "nothing here, pass"), None);
        assert_eq!(
            hidden(&secrets, "<pass word>pass word too<").as_deref(),
            Some("<weir-secret-1>weir-secret-2<")
        );
    }

    #[test]
    fn encoded_secrets_are_found() {
        let secrets = [
            ("weir-secret-1", "a\"<b/c d"),
            ("weir-secret-2", "Basic QWxhZGRpbjo="),
        ];
        let check = |text: &str, expected: &str| {
            assert_eq!(hidden(&secrets, text).as_deref(), Some(expected));
        };
        check("k=a%22%3Cb%2Fc%20d&", "k=***&");
        check("k=a%22%3Cb/c%20d&", "k=***&");
        check(r#"{"k":"a\"<b/c d"}"#, r#"{"k":"***"}"#);
        check(r#"{"k":"a\"\u003cb/c d"}"#, r#"{"k":"***"}"#);
        check("x: Basic QWxhZGRpbjo=", "x: weir-secret-2");
        check("x: QWxhZGRpbjo=", "x: ***");
    }

    #[test]
    fn tokens_of_an_address_are_found() {
        let secrets = [(
            "weir-secret-1",
            "https://u:pass@hooks.example/services/T0123456789ABCDEF?x=1",
        )];
        let text = "no /services/T0123456789ABCDEF for u:pass";
        assert_eq!(
            hidden(&secrets, text).as_deref(),
            Some("no /services/*** for u:***")
        );
    }

    #[test]
    fn short_secrets_are_left_alone() {
        assert_eq!(hidden(&[("weir-secret-1", "abc")], "abc"), None);
        assert_eq!(hidden(&[("weir-secret-1", "")], "abc"), None);
        assert_eq!(hidden(&[], "abc"), None);
    }
}
