//! What patterns mean, and which are refused: by the rules of Go's regexp/syntax.

use super::*;

/// Asserts what a pattern matches, with `!` before what it does not.
#[track_caller]
fn check(pattern: &str, texts: &[&str]) {
    let regex = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    for text in texts {
        let (text, expected) = text
            .strip_prefix('!')
            .map_or((*text, true), |text| (text, false));
        assert_eq!(regex.is_match(text), expected, "{pattern} on {text:?}");
    }
}

/// The expectations were made by Go's rules in regexp/syntax.
#[test]
fn meaning_of_go() {
    check("", &["", "x"]);
    check("test", &["a-test-b", "!tes"]);
    check("^a.c$", &["abc", "!a\nc", "!abc\n", "aéc"]);
    check(r"\Aa\z", &["a", "!ab"]);
    check(r"^\d$", &["5", "!٥"]);
    check(r"^\w$", &["_", "!é"]);
    check(r"^\W$", &["é", "!a"]);
    check(r"^\s$", &["\t", "!\u{B}", "!\u{A0}"]);
    check(r"^[\s]$", &["\n", "!\u{B}"]);
    check(r"^[^\S]$", &[" ", "!\u{A0}"]);
    check(r"^[[:space:]]$", &["\u{B}", "!\u{A0}"]);
    check(r"a\b", &["a", "aé", "!ab"]);
    check(r"é\B", &["é", "éé", "!éa"]);
    check("^[a&&b]$", &["a", "&", "b", "!c"]);
    check("^[[a]$", &["[", "a", "!b"]);
    check("^[a[b]c]$", &["ac]", "[c]", "!a"]);
    check("^[]a]$", &["]", "a"]);
    check("^[^]a]$", &["b", "\n", "!]"]);
    check("^[a-]$", &["a", "-"]);
    check("^[a-c-e]$", &["b", "-", "e", "!d"]);
    check("^[~~#--]$", &["~", "-", "#", "+", "!.", "!/"]);
    check("^[[:^alpha:]]$", &["1", "é", "!a"]);
    check("^[[:alpha]$", &["[", ":", "a", "!b"]);
    check("^a{,2}$", &["a{,2}", "!a"]);
    check("^a{2}$", &["aa", "!a"]);
    check("^a{02}$", &["a{02}"]);
    check("^{a}]$", &["{a}]"]);
    check(r"^\Qa.b*\E+$", &["a.b*", "a.b***", "!axb*"]);
    check(r"\Q(", &["("]);
    check(r"^\x41\x{42}\103\012\0$", &["ABC\n\0"]);
    check(r"^\_\-\/\<$", &["_-/<"]);
    check("(?i)^straSSe ſ$", &["STRASSE S"]);
    check(r"(?i)^\w$", &["K", "\u{212A}"]);
    check(r"^(?i:a)b$", &["Ab", "!AB"]);
    check(r"(?s)^a.b$", &["a\nb"]);
    check(r"(?m)^b$", &["a\nb\nc"]);
    check(r"(?ii-s)A(?)b", &["ab"]);
    check(r"^(?P<x>a)(?<y_1>b)(c)(?:d)$", &["abcd"]);
    check("^(?P<x>a)(?<x>b)$", &["ab"]);
    check(
        r"^\pL\PL\p{Greek}\p{^Greek}[\p{Lu}\d]$",
        &["a1αbZ", "a1αb5", "!a1bbZ"],
    );
    check("a||b|", &["c"]);
    check("^*a", &["a"]);
    check("a*?b+?c??", &["b"]);
    check("x # y", &["x # y"]);
    check("kube-.*|.*-system", &["kube-public"]);
}

#[test]
fn refused_as_in_go() {
    for (pattern, expected) in [
        ("*test*", "nothing before `*` that it could repeat"),
        ("a|*", "nothing before `*` that it could repeat"),
        ("(+a)", "nothing before `+` that it could repeat"),
        ("a**", "`*` after another repetition"),
        ("a{2}{3}", "`{3}` after another repetition"),
        ("a???", "`?` after another repetition"),
        ("a++", "`+` after another repetition"),
        ("(", "missing closing )"),
        ("a)", "unexpected )"),
        ("[a", "missing closing ]"),
        ("[]", "missing closing ]"),
        ("[z-a]", "the range z-a is the wrong way round"),
        ("[[:foo:]]", "[:foo:] is no class of characters"),
        (r"[a\Q]", r"\Q has no meaning"),
        (r"[\b]", r"\b has no meaning"),
        (r"a\", r"a \ at the end"),
        (r"\C", r"\C has no meaning"),
        (r"\Z", r"\Z has no meaning"),
        (r"\u0041", r"\u has no meaning"),
        (r"\é", r"\é has no meaning"),
        (r"(a)\1", r"\1: there are no references back to a group"),
        (r"\8", r"\8 has no meaning"),
        (
            r"\xg0",
            r"\x needs two hexadecimal digits, or a character's number in braces",
        ),
        (
            r"\x{110000}",
            r"\x needs two hexadecimal digits, or a character's number in braces",
        ),
        (
            "a{1001}",
            "a repetition of {1001} is not possible (at most 1000)",
        ),
        (
            "a{3,2}",
            "a repetition of {3,2} is not possible (at most 1000)",
        ),
        ("(?=a)", "there is no look-ahead"),
        ("(?<!a)", "the name of a group has no >"),
        (
            "(?<=a>)",
            "the name of a group may only have letters, digits and _ (there is no look-behind)",
        ),
        ("a(?i)*", "nothing before `*` that it could repeat"),
        ("(?x)a", "unknown flag or group (?x"),
        ("(?u:a)", "unknown flag or group (?u"),
        ("(?i-)a", "unknown flag or group (?i-"),
        (r"\p{sc=Greek}", r"\p{sc=Greek} is no class of Unicode"),
        (r"\p{Foo}", r"\p{Foo} is no class of Unicode"),
        (
            r"((((a{1000}){1000}){1000}){1000})",
            "it is too large when compiled",
        ),
    ] {
        assert_eq!(
            compile(pattern).err().as_deref(),
            Some(expected),
            "{pattern}"
        );
    }
}

#[test]
fn globs() {
    const GLOB: &str = "this is a regular expression, not a glob";
    for (pattern, expected) in [
        ("*test*", Some("write `test`")),
        ("*-system", Some("write `-system$`")),
        ("*a*b.c*", Some(r"write `a.*b\.c`")),
        ("*", Some("leave the key out to match anything")),
        ("(a", None),
    ] {
        assert_eq!(
            glob_help(pattern),
            expected.map(|help| format!("{GLOB}: {help}")),
            "{pattern}"
        );
    }
}

proptest::proptest! {
    #[test]
    fn never_panics(pattern in "([\\[\\](){}?*+|^$.,:<>\\\\&~-]|[a-zA-Z0-9]|é){0,30}") {
        // What this grammar accepts the other one must accept as well, but for what is too large.
        if let Ok(translated) = translate(&pattern) {
            let compiled = Regex::new(&translated);
            proptest::prop_assert!(
                matches!(compiled, Ok(_) | Err(regex::Error::CompiledTooBig(_))),
                "{} became {}", pattern, translated
            );
        }
    }
}
