//! Masking inside of one string.

use std::ops::Range;

use regex_lite::{Captures, Regex};

/// The text with all that the patterns find replaced, and how many places that were. None if there are none.
///
/// Every pattern sees the text as it was, so that their order means nothing. Places that overlap or touch are one.
pub(crate) fn mask(text: &str, patterns: &[Regex], mask: &str) -> Option<(String, u32)> {
    let mut places = Vec::new();
    for pattern in patterns {
        find(pattern, text, &mut places);
    }
    if places.is_empty() {
        return None;
    }
    let mut hidden = vec![false; text.len()];
    for place in places {
        hidden[place].fill(true);
    }
    let mut masked = String::with_capacity(text.len());
    let mut count = 0;
    let mut before = false;
    for (index, character) in text.char_indices() {
        if !hidden[index] {
            masked.push(character);
        } else if !before {
            masked.push_str(mask);
            count += 1;
        }
        before = hidden[index];
    }
    if count == 0 {
        None
    } else {
        Some((masked, count))
    }
}

/// Where a pattern has groups, what they caught, else all that it matched.
fn find(pattern: &Regex, text: &str, places: &mut Vec<Range<usize>>) {
    if pattern.captures_len() == 1 {
        places.extend(pattern.find_iter(text).map(|found| found.range()));
        return;
    }
    for captures in pattern.captures_iter(text) {
        let before = places.len();
        places.extend(groups(&captures));
        // It matched, but by a way that passes all of its groups: too much is better than nothing.
        if places.len() == before {
            places.extend(captures.get(0).map(|all| all.range()));
        }
    }
}

fn groups<'a>(captures: &'a Captures<'_>) -> impl Iterator<Item = Range<usize>> + 'a {
    captures.iter().skip(1).flatten().map(|group| group.range())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(patterns: &[&str], text: &str, expected: Option<(&str, u32)>) {
        let compiled: Vec<_> = patterns
            .iter()
            .map(|text| Regex::new(text).unwrap())
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
