//! Masking inside of one string.

use std::fmt;
use std::ops::Range;

use regex_lite::{Captures, Regex};
use serde::Deserialize;

/// A regular expression. Where it has groups, what they caught is masked, else all that it matched.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Pattern(Regex);

impl TryFrom<String> for Pattern {
    type Error = NotAPattern;

    fn try_from(text: String) -> Result<Pattern, NotAPattern> {
        match Regex::new(&text) {
            Ok(regex) => Ok(Pattern(regex)),
            Err(why) => Err(NotAPattern { text, why }),
        }
    }
}

#[derive(Debug)]
pub(crate) struct NotAPattern {
    text: String,
    why: regex_lite::Error,
}

impl fmt::Display for NotAPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "`{}` is not a regular expression: {}",
            self.text, self.why
        )
    }
}

impl Pattern {
    fn find(&self, text: &str, places: &mut Vec<Range<usize>>) {
        if self.0.captures_len() == 1 {
            places.extend(self.0.find_iter(text).map(|found| found.range()));
            return;
        }
        for captures in self.0.captures_iter(text) {
            let before = places.len();
            places.extend(groups(&captures));
            // It matched, but by a way that passes all of its groups: too much is better than nothing.
            if places.len() == before {
                places.extend(captures.get(0).map(|all| all.range()));
            }
        }
    }
}

fn groups<'a>(captures: &'a Captures<'_>) -> impl Iterator<Item = Range<usize>> + 'a {
    captures.iter().skip(1).flatten().map(|group| group.range())
}

/// The text with all that the patterns find replaced, and how many places that were. None if there are none.
///
/// Every pattern sees the text as it was, so that their order means nothing. Places that overlap or touch are one.
pub(crate) fn mask(text: &str, patterns: &[Pattern], mask: &str) -> Option<(String, u32)> {
    let mut places = Vec::new();
    for pattern in patterns {
        pattern.find(text, &mut places);
    }
    places.retain(|place| !place.is_empty());
    if places.is_empty() {
        return None;
    }
    places.sort_unstable_by_key(|place| place.start);
    let mut masked = String::with_capacity(text.len());
    let mut count = 0;
    let mut end = 0;
    for place in places {
        if count == 0 || place.start > end {
            masked.push_str(&text[end..place.start]);
            masked.push_str(mask);
            count += 1;
        }
        end = end.max(place.end);
    }
    masked.push_str(&text[end..]);
    Some((masked, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], text: &str, expected: Option<(&str, u32)>) {
        let compiled: Vec<_> = patterns
            .iter()
            .map(|text| Pattern::try_from((*text).to_owned()).unwrap())
            .collect();
        let expected = expected.map(|(text, count)| (text.to_owned(), count));
        assert_eq!(
            mask(text, &compiled, "***"),
            expected,
            "{patterns:?} in {text:?}"
        );
    }

    #[test]
    fn the_match_is_masked_or_what_its_groups_caught() {
        check(
            &[r"password=\S+"],
            "password=a b password=c",
            Some(("*** b ***", 2)),
        );
        check(
            &[r"password=(\S+)"],
            "password=a b",
            Some(("password=*** b", 1)),
        );
        check(
            &[r"user=(\S+) pass=(\S+)"],
            "user=u pass=p!",
            Some(("user=*** pass=***", 2)),
        );
        check(
            &[r"token(?::|=)([a-z]+)?"],
            "token= token:abc",
            Some(("*** token:***", 2)),
        );
        check(
            &[r"//[^/:]+:([^@]+)@"],
            "pull https://u:s3cr3t@reg/app",
            Some(("pull https://u:***@reg/app", 1)),
        );
        check(&["secret"], "nothing here", None);
    }

    #[test]
    fn patterns_do_not_see_each_others_masks() {
        check(&["abc", r"\*+"], "abc", Some(("***", 1)));
        check(&["abcd", "cdef"], "-abcdef-", Some(("-***-", 1)));
        check(&["cdef", "b.*"], "abcdefgh", Some(("a***", 1)));
        check(&["ab", "cd"], "abcd e abcd", Some(("*** e ***", 2)));
        check(&["(a(b)c)"], "xabcx", Some(("x***x", 1)));
    }

    #[test]
    fn empty_matches_and_other_scripts_do_no_harm() {
        check(&["x*"], "abc", None);
        check(&["^"], "abc", None);
        check(
            &[r"пароль: (\S+)"],
            "пароль: тайна 🔑",
            Some(("пароль: *** 🔑", 1)),
        );
    }
}
