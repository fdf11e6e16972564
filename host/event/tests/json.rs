//! Reading JSON and its getters, against serde_json as the oracle.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are outside of test functions"
)]

mod common;

use common::{any_value, event_with};
use proptest::prelude::*;
use serde_json::Value;
use weir_event::{DEPTH_MAX, EventRef, Fields, ReadError, Reader};

/// An event around a value, as text: the validator is reached through `Reader`.
fn around(value: &str) -> String {
    format!(r#"{{"metadata":{{}},"involvedObject":{{}},"x":{value}}}"#)
}

fn read(value: &[u8]) -> Result<String, ReadError> {
    let mut document = None;
    Reader::new("").read(value, &mut |event| {
        document = Some(event.map(|event| event.document().to_owned()))
    })?;
    document.expect("an event")
}

/// serde_json without its limits on numbers and surrogates, and with its limit of depth.
fn is_json(text: &str) -> bool {
    let deepest = text
        .bytes()
        .scan((0usize, false, false), |(depth, quoted, escaped), byte| {
            match byte {
                _ if *escaped => *escaped = false,
                b'\\' if *quoted => *escaped = true,
                b'"' => *quoted = !*quoted,
                b'{' | b'[' if !*quoted => *depth += 1,
                b'}' | b']' if !*quoted => *depth = depth.saturating_sub(1),
                _ => {}
            }
            Some(*depth)
        });
    deepest.max().unwrap_or(0) <= DEPTH_MAX
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn check_validator(value: &str) {
    let text = around(value);
    let expect = is_json(&text);
    let found = read(text.as_bytes());
    assert_eq!(found.is_ok(), expect, "{text}: {found:?}");
}

#[test]
fn the_validator_accepts_what_serde_json_does() {
    for value in [
        "0",
        "-0",
        "1.5",
        "1e5",
        "1E+5",
        "1e-05",
        "1e999",
        "123456789012345678901234567890",
        "-",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "0x1",
        "NaN",
        "true",
        "tru",
        "truee",
        "null",
        "nul",
        "\"\"",
        "\"a",
        "\"\\u00e9\"",
        "\"\\ud800\"",
        "\"\\u12\"",
        "\"\\x\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "\"\u{1f}\"",
        "[]",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "{,}",
        "[1}",
        "{\"a\":1]",
        " [ 1 , { \"a\" : null } ] ",
        "1 2",
        "'a'",
        "\u{feff}1",
        "/**/1",
        "\u{b}1",
    ] {
        check_validator(value);
    }
    for depth in [DEPTH_MAX - 2, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1] {
        check_validator(&("[".repeat(depth) + &"]".repeat(depth)));
        check_validator(&(r#"{"":"#.repeat(depth) + "1" + &"}".repeat(depth)));
    }
}

#[test]
fn errors_say_where_and_what() {
    let check = |value: &str, message: &str, incomplete: bool| {
        let error = read(value.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.is_incomplete(), incomplete, "{message}");
    };
    check(
        "",
        "invalid JSON at byte 0: expected a value, found the end",
        true,
    );
    check(
        "{\"a\":tr",
        "invalid JSON at byte 7: expected true, found the end",
        true,
    );
    check(
        "{\"a\":\"b\\",
        "invalid JSON at byte 8: expected an escape: one of \"\\/bfnrtu, found the end",
        true,
    );
    check(
        "{\"a\": ?}",
        "invalid JSON at byte 6: expected a value, found '?'",
        false,
    );
    check(
        "{\"a\":1 \"b\":2}",
        "invalid JSON at byte 7: expected ',' or '}', found '\"'",
        false,
    );
    check(
        "{} {}",
        "invalid JSON at byte 3: expected the end of the value, found '{'",
        false,
    );
    check(
        "{\"a\":\"\n\"}",
        "invalid JSON at byte 6: expected no control character in a string, found U+000A",
        false,
    );
    check("[]", "expected an Event, found an array (at byte 0)", false);
    check(
        "{\"kind\":\"Pod\",\"metadata\":{}}",
        "expected an Event, found kind Pod (at byte 8)",
        false,
    );
    check(
        "{\"involvedObject\":{}}",
        "expected an event with an object metadata, found nothing (at byte 0)",
        false,
    );
    check(
        "  {\"metadata\": {}, \"involvedObject\": 5}",
        "expected an event with an object involvedObject, found a number (at byte 37)",
        false,
    );
    check(
        "{\"apiVersion\":\"v2\",\"kind\":\"Event\",\"metadata\":{},\"involvedObject\":{}}",
        "expected an Event of v1 or events.k8s.io/v1, found apiVersion v2 (at byte 14)",
        false,
    );
    check(
        "{\"type\":\"ADDED\",\"object\":{\"kind\":\"Pod\"}}",
        "expected an Event, found kind Pod (at byte 33)",
        false,
    );
    let cut = read(b"{\"a\":\"\xc3").unwrap_err();
    assert_eq!(
        (cut.to_string().as_str(), cut.is_incomplete()),
        ("invalid UTF-8 at byte 6 (cut off)", true)
    );
    assert!(!read(b"{\"a\":\"\xc3\"}").unwrap_err().is_incomplete());
}

#[test]
fn odd_events_are_read() {
    let check = |value: &str, document: &str| {
        assert_eq!(read(value.as_bytes()).as_deref(), Ok(document));
        let fields = Fields::scan(document).unwrap();
        let mut reader = Reader::new("");
        reader
            .read(value.as_bytes(), &mut |event| {
                assert_eq!(event.unwrap().fields(), &fields)
            })
            .unwrap();
    };
    // managedFields in every place, also twice and with an escaped name
    for metadata in [
        r#"{"managedFields":[1],"uid":"u"}"#,
        r#"{"uid":"u","managedFields":[1]}"#,
        r#"{"managedFields":[1],"managedFields":[2],"uid":"u"}"#,
        r#"{"managedFields":[1],"uid":"u","managed\u0046ields":[2]}"#,
        r#"{"uid":"u","managedFields":[1],"managedFields":[2]}"#,
    ] {
        check(
            &format!(r#"{{"metadata":{metadata},"involvedObject":{{"deleted":true}},"n":1}}"#),
            r#"{"metadata":{"uid":"u"},"involvedObject":{"deleted":true},"n":1,"clusterName":""}"#,
        );
    }
    check(
        r#"{"metadata":{"managedFields":[]},"involvedObject":{},"clusterName":"old"}"#,
        r#"{"metadata":{},"involvedObject":{"deleted":false},"clusterName":"old"}"#,
    );
    // of members with one name the last counts; names with escapes are known
    check(
        r#"{"reason":"a","metadata":{"uid":"1"},"metadata":{},"involved\u004fbject":{"kind":"K"},"reason":"b"}"#,
        r#"{"metadata":{},"involved\u004fbject":{"kind":"K","deleted":false},"reason":"b","clusterName":""}"#,
    );
    check(
        r#"{"regarding":{"name":"n"},"note":"x","metadata":{},"deprecatedCount":2,"more":[1.50]}"#,
        concat!(
            r#"{"involvedObject":{"name":"n","deleted":false},"message":"x","metadata":{},"count":2,"more":[1.50],"#,
            r#""source":{},"firstTimestamp":null,"lastTimestamp":null,"eventTime":null,"#,
            r#""reportingComponent":"","reportingInstance":"","clusterName":""}"#
        ),
    );
    // names of the other form are members like any other
    check(
        r#"{"apiVersion":"v1","metadata":{},"involvedObject":{"kind":"K"},"source":{"host":"h"},"note":"n","regarding":{"kind":"L"},"deprecatedSource":{"host":"i"}}"#,
        r#"{"metadata":{},"involvedObject":{"kind":"K","deleted":false},"source":{"host":"h"},"note":"n","regarding":{"kind":"L"},"deprecatedSource":{"host":"i"},"clusterName":""}"#,
    );
}

#[test]
fn getters_forgive() {
    let mut reader = Reader::new("");
    let mut with = |members: &str, check: &dyn Fn(EventRef<'_>)| {
        let value = format!(r#"{{"metadata":{{}},"involvedObject":{{}}{members}}}"#);
        reader
            .read(value.as_bytes(), &mut |event| check(event.unwrap()))
            .unwrap();
    };
    with("", &|event| {
        assert_eq!(
            (event.count(), event.raw_count(), event.timestamp()),
            (1, 0, 0)
        );
        assert_eq!(
            (event.reason().as_ref(), event.component().as_ref()),
            ("", "")
        );
        assert_eq!(event.id().len(), 33);
    });
    with(
        r#","reason":5,"type":null,"message":"\ud83d\ude00 \ud800 \ud800\u0041 \u0000\/""#,
        &|event| {
            assert_eq!(
                (event.reason().as_ref(), event.severity().as_ref()),
                ("", "")
            );
            assert_eq!(event.message(), "\u{1f600} \u{fffd} \u{fffd}A \0/");
        },
    );
    with(
        r#","count":0,"series":{"count":7,"lastObservedTime":"2026-11-23T14:45:31.5Z"}"#,
        &|event| {
            assert_eq!(
                (event.count(), event.raw_count(), event.timestamp()),
                (7, 0, 1_795_445_131_500)
            );
        },
    );
    with(
        r#","count":"5","lastTimestamp":"?","firstTimestamp":"1970-01-01T00:00:01Z""#,
        &|event| {
            assert_eq!((event.count(), event.timestamp()), (1, 1_000));
        },
    );
    with(
        r#","count":99999999999,"source":{"component":""},"reportingComponent":"r""#,
        &|event| {
            assert_eq!(
                (event.count(), event.raw_count()),
                (u32::MAX, 99_999_999_999)
            );
            assert_eq!(
                (
                    event.component().as_ref(),
                    event.source_component().as_ref()
                ),
                ("r", "")
            );
        },
    );
    with(
        r#","count":3.0,"labels":{"a":"1","b":2,"c\n":"\u0033"},"list":[10,[20]]"#,
        &|event| {
            assert_eq!((event.count(), event.raw_count()), (3, 3));
            let labels: Vec<_> = event
                .string_map("/labels")
                .map(|(key, value)| format!("{key}={value}"))
                .collect();
            assert_eq!(labels, ["a=1", "c\n=3"]);
            let labels: Vec<_> = event
                .members("/labels")
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            assert_eq!(labels, ["a=\"1\"", "b=2", "c\n=\"\\u0033\""]);
            assert_eq!(event.members("/list").count(), 0);
            let top = event.members("").map(|(name, _)| name);
            assert_eq!(top.last().as_deref(), Some("clusterName"));
            assert_eq!(
                event.string_map("/list").count() + event.string_map("/none").count(),
                0
            );
            assert_eq!(event.json("/list/1/0"), Some("20"));
            for nothing in [
                "/list/01",
                "/list/-",
                "/list/2",
                "/list/+1",
                "/list/",
                "list",
                "/count/x",
                "/labels/~2",
            ] {
                assert_eq!(event.json(nothing), None, "{nothing}");
            }
        },
    );
}

proptest! {
    #[test]
    fn broken_json_is_seen(value in any_value(), at in any::<prop::sample::Index>(), byte in "[\\[\\]{}\",:0a\\\\ \n]", cut in any::<bool>()) {
        let mut text = value.to_string();
        check_validator(&text);
        let mut at = at.index(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        if cut { text.truncate(at) } else { text.insert_str(at, &byte) }
        check_validator(&text);
    }

    #[test]
    fn a_prefix_is_incomplete(value in any_value(), at in any::<prop::sample::Index>()) {
        let text = around(&value.to_string());
        let at = at.index(text.len());
        let error = read(&text.as_bytes()[..at]).unwrap_err();
        prop_assert!(error.is_incomplete(), "{error}: {}", &text[..at.min(text.len())]);
    }

    #[test]
    fn pretty_is_compact(value in any_value()) {
        let pretty = serde_json::to_string_pretty(&event_with(vec![("x".into(), value)])).unwrap();
        let document = read(pretty.as_bytes()).unwrap();
        let compact = serde_json::from_str::<Value>(&document).unwrap().to_string();
        prop_assert_eq!(document, compact);
    }

    #[test]
    fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}\":,a0\\\\u]{0,40}") {
        let _ = read(&bytes);
        let _ = read(text.as_bytes());
        let _ = Fields::scan(&text);
    }

    #[test]
    fn foreign_fields_never_panic(text in "[a\"é{}:,\\[\\]\\\\]{0,60}") {
        let mut reader = Reader::new("c");
        reader.read(br#"{"metadata":{"uid":"uuu","name":"n"},"involvedObject":{"kind":"k"},"message":"mmm"}"#, &mut |event| {
            let event = EventRef::new(&text, event.unwrap().fields());
            let _ = (event.id(), event.message(), event.object_key(), event.timestamp(), event.count());
            let _ = (event.json("/metadata/a"), event.text("/b"), event.string_map("/metadata").count());
        }).unwrap();
    }
}
