//! Names of Kubernetes' objects: what they may be, by RFC 1123 as the API server reads it.

use super::fields::Field;
use super::report::Report;

/// The two forms of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of namespaces.
    Label,
    /// Of leases and ConfigMaps: labels with dots between them.
    Subdomain,
}

impl Form {
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Label => "1 to 63 of a-z 0-9 -, first and last a letter or digit",
            Self::Subdomain => {
                "1 to 253 of a-z 0-9 - ., first and last a letter or digit, also around each dot"
            }
        }
    }

    pub(crate) fn allows(self, text: &str) -> bool {
        match self {
            Self::Label => text.len() <= 63 && is_part(text),
            // A part of a subdomain has no limit of its own.
            Self::Subdomain => text.len() <= 253 && text.split('.').all(is_part),
        }
    }
}

fn is_part(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(ends) && text.ends_with(ends) && text.chars().all(|c| ends(c) || c == '-')
}

/// A name that an object can have; reports what is none.
pub(crate) fn check(field: &Field<'_>, form: Form, report: &mut Report<'_>) -> Option<String> {
    let text = field.text(form.expected(), report)?;
    if form.allows(text) {
        return Some(text.to_owned());
    }
    let lower = text.to_ascii_lowercase();
    let error = field.refuse(form.expected(), report);
    if form.allows(&lower) && !field.node.is_expanded() {
        error.help(format!("did you mean {lower:?}?"));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let (long, longer) = ("a".repeat(63), "a".repeat(253));
        for (text, label, subdomain) in [
            ("default", true, true),
            ("0", true, true),
            ("a-b", true, true),
            ("a--b", true, true),
            (long.as_str(), true, true),
            (longer.as_str(), false, true),
            ("a.b-c.0", false, true),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("A", false, false),
            ("a_b", false, false),
            ("a b", false, false),
            ("é", false, false),
            ("a..b", false, false),
            ("a.-b", false, false),
            (".a", false, false),
            ("a.", false, false),
            ("*", false, false),
        ] {
            assert_eq!(
                (Form::Label.allows(text), Form::Subdomain.allows(text)),
                (label, subdomain),
                "{text}"
            );
        }
        assert!(!Form::Subdomain.allows(&"a".repeat(254)));
    }
}
