//! Edits, against trees of serde_json as the oracle.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are outside of test functions"
)]

mod common;

use common::{any_name, any_value, event_with};
use proptest::prelude::*;
use serde_json::{Value, json};
use weir_event::edit::{EditError, remove, set};
use weir_event::{DEPTH_MAX, EventRef, Fields, de_dot};

#[test]
fn fields_after_a_splice_are_those_of_a_scan() {
    let document = r#"{"type":"a","metadata":{"name":"b","x":1,"uid":"c"},"involvedObject":{"deleted":false,"kind":"d"},"source":{"host":"e"},"reason":"f","note":{},"count":2}"#;
    let fields = Fields::scan(document).unwrap();
    for (place, old, new) in [
        ("{\"type", "", ""),
        (",\"x\":1", ",\"x\":1", ""),
        (",\"x\":1", "", ",\"labels\":{\"name\":[1]}"),
        ("false", "false", "true"),
        ("false", "false", "[1,{\"kind\":2}]"),
        ("},\"source", "", ",\"labels\":{\"a\":\"b\"}"),
        ("},\"reason", "", ",\"x\":1"),
        (",\"note\":{}", ",\"note\":{}", ""),
        (",\"count", "", ",\"x\":{\"count\":2}"),
        ("}", "", ",\"x\":1"),
    ] {
        // The last "}" is the document's.
        let start = document.rfind(place).unwrap();
        let range = start..start + old.len();
        let mut spliced = document.to_owned();
        spliced.replace_range(range.clone(), new);
        let scanned = Fields::scan(&spliced).unwrap();
        assert_eq!(fields.after_splice(range, new.len()), scanned, "{spliced}");
    }
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

proptest! {
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
}

#[test]
fn every_repetition_of_a_name_is_taken_out_with_one_comma() {
    for pattern in 0..1 << 7 {
        let is_removed = |at: usize| pattern >> at & 1 == 1;
        let object = |members: &[usize]| {
            let name = |at: &usize| if is_removed(*at) { "x" } else { "k" };
            let members = members.iter().map(|at| format!(r#""{}":{at}"#, name(at)));
            let members = members.collect::<Vec<_>>().join(",");
            format!(r#"{{"metadata":{{}},"involvedObject":{{}},"o":{{{members}}}}}"#)
        };
        let all: Vec<usize> = (0..7).collect();
        let kept: Vec<usize> = all.iter().copied().filter(|at| !is_removed(*at)).collect();
        let mut document = object(&all);
        remove(&mut document, "/o/x");
        assert_eq!(document, object(&kept));
    }
}
