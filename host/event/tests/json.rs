//! JSON, pointers and edits, against serde_json as the oracle.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are outside of test functions"
)]

use proptest::prelude::*;
use serde_json::{Value, json};
use weir_event::edit::{EditError, remove, set};
use weir_event::{DEPTH_MAX, EventRef, Fields, ReadError, Reader, de_dot};

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

#[test]
fn edits_splice() {
    let check = |pointer: &str, value: &str, expect: &str| {
        let mut document = r#"{"metadata":{},"involvedObject":{},"a":[1,{"b": 2}],"n":null,"x":1.0,"x":{"y":"\u0061"}}"#.replace(' ', "");
        let before = document.clone();
        match set(&mut document, pointer, value) {
            Ok(()) => assert_eq!(document, expect),
            Err(error) => {
                assert_eq!(error.to_string(), expect);
                assert_eq!(document, before);
            }
        }
    };
    let head = r#"{"metadata":{},"involvedObject":{},"#;
    let with = |rest: &str| format!("{head}{rest}}}");
    check(
        "/a/0",
        " [ 1 ] ",
        &with(r#""a":[[1],{"b":2}],"n":null,"x":1.0,"x":{"y":"\u0061"}"#),
    );
    check(
        "/a/-",
        "3",
        &with(r#""a":[1,{"b":2},3],"n":null,"x":1.0,"x":{"y":"\u0061"}"#),
    );
    check(
        "/a/2",
        "3",
        &with(r#""a":[1,{"b":2},3],"n":null,"x":1.0,"x":{"y":"\u0061"}"#),
    );
    check(
        "/a/2/c",
        "3",
        &with(r#""a":[1,{"b":2},{"c":3}],"n":null,"x":1.0,"x":{"y":"\u0061"}"#),
    );
    check(
        "/n/b~1c/d\"",
        "3",
        &with(r#""a":[1,{"b":2}],"n":{"b/c":{"d\"":3}},"x":1.0,"x":{"y":"\u0061"}"#),
    );
    check(
        "/x/z",
        "3",
        &with(r#""a":[1,{"b":2}],"n":null,"x":{"y":"\u0061","z":3}"#),
    );
    check(
        "/",
        "3",
        &with(r#""a":[1,{"b":2}],"n":null,"x":1.0,"x":{"y":"\u0061"},"":3"#),
    );
    check("/metadata/labels/a", "\"b\"", &with("").replace(head, r#"{"metadata":{"labels":{"a":"b"}},"involvedObject":{},"a":[1,{"b":2}],"n":null,"x":1.0,"x":{"y":"\u0061"}"#));
    check(
        "",
        r#"{"metadata":{ },"involvedObject":{}}"#,
        r#"{"metadata":{},"involvedObject":{}}"#,
    );
    check(
        "",
        "[]",
        "cannot set '': invalid JSON at byte 0: expected an object, found '['",
    );
    check(
        "/metadata",
        "5",
        "cannot set '/metadata': expected an object, without which it is no event, found a number (at byte 0)",
    );
    check(
        "/a/4",
        "3",
        "cannot set '/a/4': '4' is no index of an array of 2, which takes 0 to 2 or -",
    );
    check("/a/0/b", "3", "cannot set '/a/0/b': on the way is a number");
    check(
        "/new/-",
        "3",
        "cannot set '/new/-': there is no array to append to",
    );
    check(
        "a",
        "3",
        "no JSON pointer: 'a' (it must be \"\" or start with '/'; '~' is written ~0 and '/' ~1)",
    );
    check(
        "/a",
        "[1",
        "the value for '/a' is invalid JSON at byte 2: expected ',' or ']', found the end",
    );
    let mut document = with(r#""n":null"#);
    let deep = "/a".repeat(DEPTH_MAX);
    assert_eq!(set(&mut document, &deep, "1"), Ok(()));
    assert!(Fields::scan(&document).is_ok());
    assert!(matches!(
        set(&mut document, &deep, "[]"),
        Err(EditError::Value { .. })
    ));
    let huge = format!("\"{}\"", "x".repeat(weir_event::DOCUMENT_BYTES_MAX));
    assert!(matches!(
        set(&mut document, "/x", &huge),
        Err(EditError::TooLarge { .. })
    ));
}

#[test]
fn removing_leaves_an_event() {
    let mut document =
        r#"{"x":1,"metadata":{"a":1},"x":2,"involvedObject":{},"list":[1,2,3],"x":{"y":1}}"#
            .to_owned();
    for (pointer, expect) in [
        (
            "",
            r#"{"x":1,"metadata":{"a":1},"x":2,"involvedObject":{},"list":[1,2,3],"x":{"y":1}}"#,
        ),
        (
            "/list/3",
            r#"{"x":1,"metadata":{"a":1},"x":2,"involvedObject":{},"list":[1,2,3],"x":{"y":1}}"#,
        ),
        (
            "/list/2",
            r#"{"x":1,"metadata":{"a":1},"x":2,"involvedObject":{},"list":[1,2],"x":{"y":1}}"#,
        ),
        (
            "/list/0",
            r#"{"x":1,"metadata":{"a":1},"x":2,"involvedObject":{},"list":[2],"x":{"y":1}}"#,
        ),
        (
            "/x/y",
            r#"{"metadata":{"a":1},"involvedObject":{},"list":[2],"x":{}}"#,
        ),
        (
            "/x",
            r#"{"metadata":{"a":1},"involvedObject":{},"list":[2]}"#,
        ),
        (
            "/metadata",
            r#"{"metadata":{},"involvedObject":{},"list":[2]}"#,
        ),
        (
            "/list/0",
            r#"{"metadata":{},"involvedObject":{},"list":[]}"#,
        ),
    ] {
        remove(&mut document, pointer);
        assert_eq!(document, expect, "{pointer}");
    }
}

#[test]
fn de_dot_changes_names_only() {
    let check =
        |document: &str, expect: Option<&str>| assert_eq!(de_dot(document).as_deref(), expect);
    check(
        r#"{"metadata":{"labels":{"a":"b.c"},"x.y":1},"involvedObject":{}}"#,
        None,
    );
    check(
        r#"{"metadata":{"labels":{"a.b/c":"d.e"},"annotations":{}},"involvedObject":{"labels":{"a_b":"1","\u002e\"":2,"a.b":"3"},"annotations":{"x.y.z":""}}}"#,
        Some(
            r#"{"metadata":{"labels":{"a_b/c":"d.e"},"annotations":{}},"involvedObject":{"labels":{"_\"":2,"a_b":"3"},"annotations":{"x_y_z":""}}}"#,
        ),
    );
}

/// Values with few names, so that pointers meet them.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a\"\\\\\n\u{1}é😀]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(any_name(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[abc]",
        Just(String::new()),
        Just("0".into()),
        Just("a/b~".into()),
        Just("\"é\n".into())
    ]
}

fn any_pointer() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![any_name(), Just("-".into()), "[0-3]"], 1..4)
}

fn pointer_of(way: &[String]) -> String {
    way.iter()
        .map(|part| format!("/{}", part.replace('~', "~0").replace('/', "~1")))
        .collect()
}

/// What `set` must do, on a tree. `None`: it must refuse.
fn set_oracle(value: &mut Value, way: &[String], new: &Value) -> Option<()> {
    let Some((part, rest)) = way.split_first() else {
        *value = new.clone();
        return Some(());
    };
    if value.is_null() {
        *value = json!({});
    }
    let child = match value {
        Value::Object(members) => {
            if !members.contains_key(part) && rest.iter().any(|part| part == "-") {
                return None;
            }
            members.entry(part.clone()).or_insert(Value::Null)
        }
        Value::Array(items) => {
            let index = if part == "-" {
                items.len()
            } else {
                part.parse().ok()?
            };
            if index == items.len() {
                if rest.iter().any(|part| part == "-") {
                    return None;
                }
                items.push(Value::Null);
            }
            items.get_mut(index)?
        }
        _ => return None,
    };
    if child.is_null() && rest.iter().any(|part| part == "-") {
        return None;
    }
    set_oracle(child, rest, new)
}

fn remove_oracle(value: &mut Value, way: &[String]) {
    let (part, rest) = way.split_first().unwrap();
    match value {
        Value::Object(members) if rest.is_empty() => drop(members.shift_remove(part)),
        Value::Object(members) => {
            if let Some(child) = members.get_mut(part) {
                remove_oracle(child, rest);
            }
        }
        Value::Array(items) => {
            if let Some(index) = part
                .parse::<usize>()
                .ok()
                .filter(|index| *index < items.len())
            {
                if rest.is_empty() {
                    drop(items.remove(index))
                } else {
                    remove_oracle(&mut items[index], rest)
                }
            }
        }
        _ => {}
    }
}

fn event_with(members: Vec<(String, Value)>) -> Value {
    let mut event = json!({"metadata": {"a": 1}, "involvedObject": {}});
    event.as_object_mut().unwrap().extend(members);
    event
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
    fn edits_are_those_of_a_tree(
        members in prop::collection::vec((any_name(), any_value()), 0..4),
        edits in prop::collection::vec((any_pointer(), prop::option::of(any_value())), 1..6),
    ) {
        let mut value = event_with(members);
        let mut document = value.to_string();
        for (way, new) in edits {
            let pointer = pointer_of(&way);
            match &new {
                Some(new) => {
                    let mut changed = value.clone();
                    let expect = set_oracle(&mut changed, &way, new);
                    let found = set(&mut document, &pointer, &serde_json::to_string_pretty(new).unwrap());
                    prop_assert_eq!(found.is_ok(), expect.is_some(), "{} in {}: {:?}", pointer, value, found);
                    if expect.is_some() {
                        value = changed;
                    }
                }
                None => {
                    remove(&mut document, &pointer);
                    remove_oracle(&mut value, &way);
                }
            }
            // As text, not only as values: order and all other bytes stay.
            prop_assert_eq!(&document, &value.to_string());
            let fields = Fields::scan(&document).unwrap();
            let event = EventRef::new(&document, &fields);
            let at = value.pointer(&pointer);
            let raw = event.json(&pointer).map(|raw| serde_json::from_str::<Value>(raw).unwrap());
            prop_assert_eq!(raw.as_ref(), at, "{}", pointer);
            let text = event.text(&pointer);
            prop_assert_eq!(text.as_deref(), at.and_then(Value::as_str));
        }
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
