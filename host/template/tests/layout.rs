//! Layouts, and what templates say of what they read.

use std::io::Read;

use serde_json::json;
use weir_template::{Event, Layout, Template};

const EVENT: &str = r#"{"metadata":{"name":"n"},"involvedObject":{"kind":"Pod","name":"p\"q"},"reason":"R","message":"a\nb","count":2}"#;

fn render(layout: &serde_json::Value) -> String {
    let event = Event::parse(EVENT).expect("an event");
    let layout = Layout::parse(layout).expect("a layout");
    layout.render(&event).expect("JSON")
}

#[test]
fn keys_keep_their_order_and_other_scalars_stay() {
    let layout = json!({
        "z": "{{ .Reason }}",
        "a": {"name": "{{ .InvolvedObject.Name }}", "tags": ["x", "{{ .Message }}", 1.5, [null, true]]},
        "{{ .Name }}": 7,
        "count": "{{ .Count }}",
        "empty": {},
    });
    assert_eq!(
        render(&layout),
        r#"{"z":"R","a":{"name":"p\"q","tags":["x","a\nb",1.5,[null,true]]},"{{ .Name }}":7,"count":"2","empty":{}}"#
    );
    assert_eq!(render(&json!(["{{ .Reason }}"])), r#"["R"]"#);
}

#[test]
fn what_is_rendered_is_json_for_every_recorded_event() {
    let recorded = include_bytes!("../../../tests/data/events-core-v1.ndjson.gz");
    let mut lines = String::new();
    flate2::read::GzDecoder::new(recorded.as_slice())
        .read_to_string(&mut lines)
        .expect("text");
    let layout = Layout::parse(&json!({
        "message": "{{ .Message }}",
        "at": "{{ .GetTimestampISO8601 }}",
        "object": "{{ toJson .InvolvedObject }}",
        "all": "{{ toJson . }}",
    }))
    .expect("a layout");
    for line in lines.lines() {
        let event = Event::parse(line).expect("an event");
        let rendered = layout.render(&event).expect("JSON");
        let given: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let got: serde_json::Value = serde_json::from_str(&rendered).expect("JSON");
        assert_eq!(got["message"], given["message"]);
        let all: serde_json::Value =
            serde_json::from_str(got["all"].as_str().expect("text")).expect("JSON");
        for member in [
            "reason",
            "message",
            "source",
            "firstTimestamp",
            "eventTime",
            "count",
            "series",
        ] {
            let given = given.get(member).filter(|value| !value.is_null());
            let got = all
                .get(member)
                .filter(|value| !value.is_null() && **value != json!({}));
            assert_eq!(got, given.filter(|value| **value != json!({})), "{member}");
        }
    }
}

#[test]
fn errors_name_the_leaf() {
    let errors =
        Layout::parse(&json!({"endpoint": {"labels": ["{{ .Reason }}", "{{ nope }}"]}, "x": "{{"}))
            .expect_err("two errors");
    let paths: Vec<&str> = errors.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["endpoint.labels[1]", "x"]);

    let layout = Layout::parse(&json!({"a": [{"b": "{{ .Nope }}"}]})).expect("a layout");
    let event = Event::parse(EVENT).expect("an event");
    let error = layout.render(&event).expect_err("no such field");
    assert_eq!(error.path.as_deref(), Some("a[0].b"));
    assert!(
        error
            .to_string()
            .starts_with("a[0].b: line 1, column 4: can't evaluate field Nope"),
        "{error}"
    );
}

#[test]
fn lookups_are_told() {
    let check = |template: &str, expect: bool| {
        let parsed = Template::parse(template).expect("a template");
        assert_eq!(parsed.reads_lookups(), expect, "{template}");
    };
    for template in [
        "plain",
        "{{ .Message }} {{ .InvolvedObject.Name }} {{ .Labels }} {{ .Event.InvolvedObject }}",
        "{{ with .Source }}{{ .Host }}{{ toJson . }}{{ end }}",
        "{{ range .Labels }}{{ . }}{{ $.Reason }}{{ end }}",
        "{{ define \"t\" }}{{ . }}{{ end }}{{ template \"t\" .Reason }}",
        "{{ toJson .InvolvedObject.ObjectReference }}",
    ] {
        check(template, false);
    }
    for template in [
        "{{ .InvolvedObject.Labels.app }}",
        "{{ .InvolvedObject.OwnerReferences }}",
        "{{ .InvolvedObject.Deleted }}",
        "{{ toJson .InvolvedObject }}",
        "{{ toJson . }}",
        "{{ .ToJSON | toString }}",
        "{{ $e := . }}{{ $e.InvolvedObject.Labels }}",
        "{{ (.DeDot).Reason }}",
        "{{ with .InvolvedObject }}{{ .Labels }}{{ end }}",
        "{{ range list 1 }}{{ $.InvolvedObject.Annotations }}{{ end }}",
        "{{ if true }}{{ index .InvolvedObject.Annotations \"a\" }}{{ end }}",
        "{{ define \"t\" }}{{ .InvolvedObject.Labels }}{{ end }}{{ template \"t\" . }}",
        "{{ with $x := .Reason }}{{ else }}{{ . }}{{ end }}",
        "{{ \"x\" | printf \"%s %v\" .InvolvedObject.Labels }}",
    ] {
        check(template, true);
    }
    let layout = Layout::parse(&json!({"a": ["x", "{{ .InvolvedObject.Labels.app }}"]}));
    assert!(layout.expect("a layout").reads_lookups());
}

#[test]
fn what_is_no_event_is_refused() {
    for json in [
        "",
        "[]",
        "{",
        r#"{"message": 1}"#,
        r#"{"involvedObject":{"labels":{"a":1}}}"#,
    ] {
        assert!(Event::parse(json).is_err(), "{json}");
    }
}
