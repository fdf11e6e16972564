//! Framing: where values end, and that it does not matter how the bytes were cut.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are outside of test functions"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_event::frame::{FrameError, Framer, VALUE_BYTES_MAX};

/// The line and text of each frame; of an error its words.
fn frames(pieces: &[&[u8]]) -> Vec<(u64, String)> {
    let mut framer = Framer::new();
    let mut found = Vec::new();
    for at in 0..=pieces.len() {
        match pieces.get(at) {
            Some(piece) => framer.push(piece),
            None => framer.finish(),
        }
        while let Some(frame) = framer.next_frame() {
            let text = match frame.value {
                Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                Err(error) => error.to_string(),
            };
            found.push((frame.line, text));
        }
    }
    found
}

fn bytewise(input: &[u8]) -> Vec<(u64, String)> {
    frames(&input.chunks(1).collect::<Vec<_>>())
}

fn check(input: &str, expect: &[(u64, &str)]) {
    let expect: Vec<_> = expect
        .iter()
        .map(|(line, text)| (*line, (*text).to_owned()))
        .collect();
    assert_eq!(frames(&[input.as_bytes()]), expect, "{input:?} at once");
    assert_eq!(bytewise(input.as_bytes()), expect, "{input:?} byte by byte");
}

#[test]
fn a_line_is_a_value() {
    check("", &[]);
    check("\n \n", &[]);
    check("{}", &[(1, "{}")]);
    check("{}\n{\"a\":1}\n", &[(1, "{}"), (2, "{\"a\":1}")]);
    check("\u{feff}{}\r\n\r\n  {} \r\n", &[(1, "{}"), (3, "{}")]);
    check("\u{feff}", &[]);
    check(
        "{}\nplain words\n{}",
        &[(1, "{}"), (2, "plain words"), (3, "{}")],
    );
    check("{} {}\n{}", &[(1, "{} {}"), (2, "{}")]);
    check("\"a\"\n1\n[]\n", &[(1, "\"a\""), (2, "1"), (3, "[]")]);
}

#[test]
fn what_breaks_off_costs_only_itself() {
    check("{\"a\":\n{}\n{}", &[(1, "{\"a\":"), (2, "{}"), (3, "{}")]);
    check(
        "{\"a\":\"b\nfoo\n{}",
        &[(1, "{\"a\":\"b"), (2, "foo"), (3, "{}")],
    );
    check("{\"a\":\"b\\\n{}", &[(1, "{\"a\":\"b\\"), (2, "{}")]);
    check("{\"a\":\n\n{}", &[(1, "{\"a\":"), (3, "{}")]);
    check(
        "{\"a\":[1,\nfoo\n{}\n{}",
        &[(1, "{\"a\":[1,\nfoo"), (3, "{}"), (4, "{}")],
    );
    check("{\n \"a\": 1,\n{}\n", &[(1, "{\n \"a\": 1,"), (3, "{}")]);
    check(
        "{\n \"a\": \"x\n \"b\": 1\n}\n{}\n",
        &[(1, "{\n \"a\": \"x"), (5, "{}")],
    );
    check("{}\n{\"a\":", &[(1, "{}"), (2, "{\"a\":")]);
}

#[test]
fn a_value_over_several_lines() {
    check(
        "{\n  \"a\": [\n    1\n  ]\n}\n{}\n",
        &[(1, "{\n  \"a\": [\n    1\n  ]\n}"), (6, "{}")],
    );
    check(
        "\n{\n\"a\":\n{}\n}\n{\n}",
        &[(2, "{\n\"a\":\n{}\n}"), (6, "{\n}")],
    );
    check(
        "{\"a\": {}\n, \"b\": \"}\\\"{\"}\n",
        &[(1, "{\"a\": {}\n, \"b\": \"}\\\"{\"}")],
    );
    check("{\n}{\n}", &[(1, "{\n}"), (2, "{\n}")]);
}

#[test]
fn a_list_is_taken_apart() {
    check(
        "{\n \"apiVersion\": \"v1\",\n \"items\": [\n  {\n   \"items\": [1]\n  },\n  {}, 5 ,\"a,]\"\n ],\n \"kind\": \"List\",\n \"items\": []\n}\n{}",
        &[
            (4, "{\n   \"items\": [1]\n  }"),
            (7, "{}"),
            (7, "5"),
            (7, "\"a,]\""),
            (12, "{}"),
        ],
    );
    check("{\n\"items\": []\n}\n{}", &[(4, "{}")]);
    check(
        "{\n\"items\": 5\n}\n{}",
        &[(1, "{\n\"items\": 5\n}"), (4, "{}")],
    );
    check(
        "{\n\"x\": {\"items\": [1]}\n}",
        &[(1, "{\n\"x\": {\"items\": [1]}\n}")],
    );
    check("{\n\"it\\u0065ms\": [1]\n}", &[(2, "1")]);
    check(
        "{\n\"items\": [\n {},\n {\"a\"",
        &[(3, "{}"), (4, "{\"a\"")],
    );
    check(
        "{\n\"items\": [\n {},\n",
        &[(3, "{}"), (1, "the list is cut off before its end")],
    );
    check(
        "{\n\"items\": [\n 1\n],\n{}\n",
        &[
            (3, "1"),
            (1, "the list is cut off before its end"),
            (5, "{}"),
        ],
    );
    check(
        "{\"items\":[{}]}\n{}",
        &[(1, "{\"items\":[{}]}"), (2, "{}")],
    );
}

/// Reads that are cut at odd places, of something large.
fn odd_pieces(input: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut rest, mut size) = (input, 1);
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = after;
        size = (size * 7 + 13) % 150_001;
    }
    pieces
}

#[test]
fn a_large_list_on_one_line_is_taken_apart() {
    let items: Vec<Value> = (0..3_000)
        .map(|n| json!({"n": n, "text": "}],\"".repeat(n % 40)}))
        .collect();
    let input = format!(
        "{}\n{{}}\n",
        json!({"kind": "List", "items": items, "metadata": {"x": "y"}})
    );
    let mut expect: Vec<_> = items.iter().map(|item| (1, item.to_string())).collect();
    expect.push((2, "{}".to_owned()));
    assert!(frames(&[input.as_bytes()]) == expect);
    assert!(frames(&odd_pieces(input.as_bytes())) == expect);
}

#[test]
fn large_lines_break_off_like_others() {
    let long = "x".repeat(100_000);
    for (line, next) in [
        (format!("{{\"a\":[\"{long}\","), 2),
        (format!("{{\"a\":\"{long}"), 2),
    ] {
        let expect = vec![(1, line.clone()), (next, "{}".to_owned())];
        let input = format!("{line}\n{{}}");
        assert!(frames(&[input.as_bytes()]) == expect);
        assert!(frames(&odd_pieces(input.as_bytes())) == expect);
    }
}

#[test]
fn what_is_too_large_is_skipped() {
    let long = "x".repeat(VALUE_BYTES_MAX);
    for (input, bytes, last_line) in [
        (format!("{long}x\n{{}}"), long.len() + 1, 2),
        (format!("{{\"a\":\"{long}\"}}\n{{}}"), long.len() + 8, 2),
        (
            format!("{{\n\"a\":\"{long}\",\"items\":[1]}}\n{{}}"),
            long.len() + 21,
            3,
        ),
        (
            format!("{{\n\"items\":[\"{long}\",{{}}]}}\n"),
            long.len() + 2,
            2,
        ),
    ] {
        let error = FrameError::TooLarge { bytes }.to_string();
        let at_once = frames(&[input.as_bytes()]);
        assert!(
            at_once[0].1 == error,
            "{} {error}",
            &at_once[0].1[..100.min(at_once[0].1.len())]
        );
        assert_eq!(at_once[1..], [(last_line, "{}".to_owned())]);
        assert!(frames(&odd_pieces(input.as_bytes())) == at_once);
    }
}

#[test]
fn memory_is_that_of_one_item() {
    let mut framer = Framer::new();
    framer.push(b"{\"items\":[");
    let item = format!("{{\"a\":\"{}\"}},", "x".repeat(1_000));
    let mut count = 0;
    for _ in 0..20_000 {
        framer.push(item.as_bytes());
        while let Some(frame) = framer.next_frame() {
            assert_eq!(frame.value.map(<[u8]>::len), Ok(item.len() - 1));
            count += 1;
        }
        assert!(framer.space().len() <= 256 * 1024);
    }
    assert!(count > 19_900, "{count}");
}

fn any_text() -> impl Strategy<Value = String> {
    // What stands here twice is twice as likely.
    let part = prop::sample::select(vec![
        "\n",
        "\n",
        "\n",
        "{",
        "{",
        "}",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"items\":[",
        "\"items\":[",
        "\"a\":",
        "\"a\":",
        "\"",
        "\\",
        " ",
        "\r\n",
        "1",
        "{}\n",
        "{\"a\":\"b\"}\n",
        "{\n \"items\": [\n {},\n {\"x\": 1}\n ]\n}\n",
        "\u{feff}",
        "é",
    ]);
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn cuts_make_no_difference(text in any_text(), mut cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6)) {
        let bytes = text.as_bytes();
        let mut pieces = Vec::new();
        let mut at = 0;
        cuts.sort_by_key(|cut| cut.index(bytes.len() + 1));
        for cut in cuts {
            let cut = cut.index(bytes.len() + 1);
            pieces.push(&bytes[at..cut]);
            at = cut;
        }
        pieces.push(&bytes[at..]);
        let whole = frames(&[bytes]);
        prop_assert_eq!(&frames(&pieces), &whole);
        prop_assert_eq!(&bytewise(bytes), &whole);
    }

    #[test]
    fn valid_values_come_back(values in prop::collection::vec((0u8..4, "[a{}\\[\\]\"\n\\\\,é]{0,8}"), 0..6)) {
        let mut input = String::new();
        let mut expect = Vec::new();
        for (form, text) in values {
            let value = json!({"a": text, "b": [{"items": [1, {}]}, null]});
            match form {
                0 => input += &value.to_string(),
                1 => input += &serde_json::to_string_pretty(&value).unwrap(),
                2 => input += &serde_json::to_string_pretty(&json!({"kind": "List", "items": [value, value], "z": value})).unwrap(),
                _ => input += &format!("{value}\r\n"),
            }
            input += "\n";
            expect.extend(std::iter::repeat_n(value, if form == 2 { 2 } else { 1 }));
        }
        let found: Vec<Value> = frames(&[input.as_bytes()]).iter().map(|(_, text)| serde_json::from_str(text).unwrap()).collect();
        prop_assert_eq!(found, expect);
    }
}
