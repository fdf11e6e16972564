//! Reading recorded events, against serde_json as the oracle.
//!
//! `WEIR_RECORDED=<folder>` runs it over other files of the same names than those in `testdata/`.

#![allow(
    clippy::unwrap_used,
    reason = "the helpers of tests are outside of test functions"
)]

use std::path::PathBuf;

use serde_json::{Map, Value, json};
use weir_event::{EventRef, Fields, Reader, Seen};

fn lines(file: &str) -> Vec<String> {
    let folder = std::env::var_os("WEIR_RECORDED").map(PathBuf::from);
    let folder =
        folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata"));
    let path = folder.join(file);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(str::to_owned).collect()
}

/// Reads a value that holds one event.
fn read_one(reader: &mut Reader, line: &str, check: impl FnOnce(EventRef<'_>)) {
    let mut check = Some(check);
    let seen = reader.read(line.as_bytes(), &mut |event| {
        let check = check.take().expect("one event");
        check(event.unwrap_or_else(|error| panic!("{error}: {line}")));
    });
    assert_eq!(seen, Ok(Seen::Event), "{line}");
    assert!(check.is_none(), "no event: {line}");
}

/// The document that a core/v1 event must become.
fn expected(core: &Value, cluster: &str) -> Value {
    let mut document = core.clone();
    let members = document.as_object_mut().unwrap();
    members.remove("kind");
    members.remove("apiVersion");
    members["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    members["involvedObject"]
        .as_object_mut()
        .unwrap()
        .insert("deleted".to_owned(), json!(false));
    members.insert("clusterName".to_owned(), json!(cluster));
    document
}

fn text<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

fn check_getters(event: EventRef<'_>) {
    let value: Value = serde_json::from_str(event.document()).unwrap();
    let either = |first, second| {
        if text(&value, first).is_empty() {
            second
        } else {
            first
        }
    };
    assert_eq!(
        event.id(),
        format!(
            "{}/{}",
            text(&value, "/metadata/uid"),
            text(&value, "/metadata/resourceVersion")
        )
    );
    for (found, pointer) in [
        (event.severity(), "/type"),
        (event.reason(), "/reason"),
        (event.message(), "/message"),
        (event.name(), "/metadata/name"),
        (event.namespace(), "/metadata/namespace"),
        (event.object_kind(), "/involvedObject/kind"),
        (event.object_name(), "/involvedObject/name"),
        (event.object_namespace(), "/involvedObject/namespace"),
        (event.object_uid(), "/involvedObject/uid"),
        (event.object_api_version(), "/involvedObject/apiVersion"),
        (event.source_component(), "/source/component"),
        (event.source_host(), "/source/host"),
        (
            event.component(),
            either("/source/component", "/reportingComponent"),
        ),
        (event.node(), either("/source/host", "/reportingInstance")),
        (event.cluster_name(), "/clusterName"),
    ] {
        assert_eq!(found, text(&value, pointer), "{pointer} of {value}");
    }
    let count = value
        .get("count")
        .or(value.pointer("/series/count"))
        .and_then(Value::as_u64)
        .unwrap_or(1);
    assert_eq!(u64::from(event.count()), count);
    assert_eq!(
        event.raw_count(),
        value.get("count").and_then(Value::as_i64).unwrap_or(0)
    );
    assert!(event.timestamp() > 1_790_000_000_000, "{value}");
    check_pointers(event, &value, &mut String::new());
}

/// Every place in the event reads as serde_json has it.
fn check_pointers(event: EventRef<'_>, value: &Value, pointer: &mut String) {
    let raw = event
        .json(pointer)
        .unwrap_or_else(|| panic!("nothing at {pointer}"));
    assert_eq!(
        &serde_json::from_str::<Value>(raw).unwrap(),
        value,
        "{pointer}"
    );
    assert_eq!(event.text(pointer).as_deref(), value.as_str(), "{pointer}");
    let length = pointer.len();
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(at, value)| (at.to_string(), value))
            .collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        pointer.push('/');
        pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        check_pointers(event, child, pointer);
        pointer.truncate(length);
    }
    pointer.push_str("/missing");
    assert_eq!(event.json(pointer), None);
    pointer.truncate(length);
}

#[test]
fn documents_are_what_core_v1_says() {
    let mut reader = Reader::new("test");
    for line in lines("events-core-v1.ndjson") {
        let core: Value = serde_json::from_str(&line).unwrap();
        read_one(&mut reader, &line, |event| {
            let document: Value = serde_json::from_str(event.document()).unwrap();
            assert_eq!(document, expected(&core, "test"));
            assert!(!event.document().contains('\n'));
            check_getters(event);
        });
    }
}

#[test]
fn both_api_forms_give_the_same_document() {
    let mut reader = Reader::new("");
    let cores = lines("events-core-v1.ndjson");
    let news = lines("events-k8s-io-v1.ndjson");
    assert_eq!(cores.len(), news.len());
    for (core, new) in cores.iter().zip(&news) {
        let core: Value = serde_json::from_str(core).unwrap();
        read_one(&mut reader, new, |event| {
            let document: Value = serde_json::from_str(event.document()).unwrap();
            assert_eq!(document, expected(&core, ""));
            check_getters(event);
        });
    }
}

#[test]
fn spans_are_those_of_a_fresh_scan() {
    let mut reader = Reader::new("c");
    for file in ["events-core-v1.ndjson", "events-k8s-io-v1.ndjson"] {
        for line in lines(file) {
            read_one(&mut reader, &line, |event| {
                assert_eq!(
                    Fields::scan(event.document()).as_ref(),
                    Ok(event.fields()),
                    "{line}"
                );
            });
        }
    }
}

#[test]
fn pretty_and_sorted_input_gives_the_same() {
    let mut reader = Reader::new("c");
    for line in lines("events-core-v1.ndjson") {
        let core: Value = serde_json::from_str(&line).unwrap();
        let pretty = serde_json::to_string_pretty(&core).unwrap();
        let sorted: std::collections::BTreeMap<String, Value> =
            core.as_object().unwrap().clone().into_iter().collect();
        for input in [pretty, serde_json::to_string(&sorted).unwrap()] {
            read_one(&mut reader, &input, |event| {
                assert_eq!(
                    serde_json::from_str::<Value>(event.document()).unwrap(),
                    expected(&core, "c")
                );
                assert_eq!(Fields::scan(event.document()).as_ref(), Ok(event.fields()));
            });
        }
    }
}

#[test]
fn a_document_reads_as_itself() {
    let mut first = Reader::new("a");
    let mut again = Reader::new("");
    let mut renamed = Reader::new("b");
    for line in lines("events-core-v1.ndjson") {
        let mut document = String::new();
        read_one(&mut first, &line, |event| {
            document.push_str(event.document())
        });
        read_one(&mut again, &document, |event| {
            assert_eq!(event.document(), document)
        });
        read_one(&mut renamed, &document, |event| {
            assert_eq!(
                event.document(),
                document.replace("\"clusterName\":\"a\"", "\"clusterName\":\"b\"")
            );
        });
    }
}

#[test]
fn watch_lines_and_lists() {
    let mut reader = Reader::new("c");
    let mut items = Vec::new();
    for line in lines("watch-core-v1.ndjson") {
        let value: Value = serde_json::from_str(&line).unwrap();
        let mut count = 0;
        let seen = reader.read(line.as_bytes(), &mut |event| {
            let document: Value = serde_json::from_str(event.unwrap().document()).unwrap();
            assert_eq!(document, expected(&value["object"], "c"));
            count += 1;
        });
        let kind = value["type"].as_str().unwrap();
        assert_eq!(count, usize::from(matches!(kind, "ADDED" | "MODIFIED")));
        match seen.unwrap() {
            Seen::Event => {
                let mut item: Map<String, Value> = value["object"].as_object().unwrap().clone();
                item.remove("kind");
                item.remove("apiVersion");
                items.push(Value::Object(item));
            }
            Seen::Ignored { message, code, .. } if kind == "ERROR" => {
                assert_eq!(
                    message,
                    "The resourceVersion for the provided watch is too old."
                );
                assert_eq!(code, 410);
            }
            Seen::Ignored {
                resource_version, ..
            } => {
                assert_eq!(
                    resource_version,
                    value["object"]["metadata"]["resourceVersion"]
                        .as_str()
                        .unwrap()
                );
            }
            Seen::List { .. } => panic!("no list: {line}"),
        }
    }
    let list = json!({"kind": "EventList", "apiVersion": "v1", "items": items}).to_string();
    let mut documents = Vec::new();
    let seen = reader.read(list.as_bytes(), &mut |event| {
        documents.push(event.unwrap().document().to_owned())
    });
    assert_eq!(seen, Ok(Seen::List { count: items.len() }));
    for (item, document) in items.iter().zip(&documents) {
        assert_eq!(
            serde_json::from_str::<Value>(document).unwrap(),
            expected(item, "c")
        );
    }
}

#[test]
fn a_pretty_list_gives_what_the_lines_give() {
    let mut reader = Reader::new("c");
    let mut expect = Vec::new();
    let mut items = Vec::new();
    for line in lines("events-core-v1.ndjson") {
        read_one(&mut reader, &line, |event| {
            expect.push(event.document().to_owned())
        });
        items.push(serde_json::from_str::<Value>(&line).unwrap());
    }
    let list = json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}});
    for input in [
        serde_json::to_string_pretty(&list).unwrap(),
        list.to_string(),
    ] {
        let mut framer = weir_event::frame::Framer::new();
        let mut found = Vec::new();
        for piece in input.as_bytes().chunks(8_191) {
            framer.push(piece);
            while let Some(frame) = framer.next_frame() {
                read_one(
                    &mut reader,
                    std::str::from_utf8(frame.value.unwrap()).unwrap(),
                    |event| {
                        found.push(event.document().to_owned());
                    },
                );
            }
        }
        assert!(found == expect);
    }
}
