//! Lists: pages, tokens, which revision they show, and how they are refused.

use serde_json::{Value, json};
use weir_tests::fake_api::{EventSpec, FakeApi};
use weir_tests::input::unpack;
use weir_tests::program::tests;

use crate::client::{Client, plain};

/// Five events named a to e, one revision each.
fn five(api: &FakeApi) -> u64 {
    for name in ["a", "b", "c", "d", "e"] {
        api.create_event(
            json!({"metadata": {"name": name}, "involvedObject": {"kind": "Pod", "name": name}}),
        );
    }
    api.revision()
}

/// The token of a page, of the last list's metadata.
fn token(client: &Client, path: &str) -> String {
    let list = client.get(path).json();
    list["metadata"]["continue"]
        .as_str()
        .expect("there is more")
        .to_owned()
}

#[test]
fn a_page_is_as_recorded() {
    let (api, client) = plain();
    // The state of the recording when it was compacted at 234.
    for (name, revision) in [("u1.wts8c", 232), ("u2.7l899", 233), ("u3.7cszb", 234)] {
        let prefix = name.split_at(3).0;
        let line = json!({
            "kind": "Event", "apiVersion": "v1",
            "metadata": {"name": name, "generateName": prefix, "namespace": "default",
                "uid": "fe2cd5df-91f5-404b-ba53-3672ece453e0", "resourceVersion": revision.to_string(),
                "creationTimestamp": "2026-11-23T14:52:36Z"},
            "involvedObject": {"kind": "Pod", "namespace": "default", "name": "p"},
            "reason": "R", "message": "m", "type": "Normal",
        });
        assert!(api.seed_line(&line.to_string()));
    }
    let expected = r#"{
  "kind": "EventList",
  "apiVersion": "v1",
  "metadata": {
    "resourceVersion": "234",
    "continue": "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjM0LCJzdGFydCI6ImRlZmF1bHQvdTEud3RzOGNcdTAwMDAifQ",
    "remainingItemCount": 2
  },
  "items": [
    {
      "metadata": {
        "name": "u1.wts8c",
        "generateName": "u1.",
        "namespace": "default",
        "uid": "fe2cd5df-91f5-404b-ba53-3672ece453e0",
        "resourceVersion": "232",
        "creationTimestamp": "2026-11-23T14:52:36Z"
      },
      "involvedObject": {
        "kind": "Pod",
        "namespace": "default",
        "name": "p"
      },
      "reason": "R",
      "message": "m",
      "source": {},
      "firstTimestamp": null,
      "lastTimestamp": null,
      "type": "Normal",
      "eventTime": null,
      "reportingComponent": "",
      "reportingInstance": ""
    }
  ]
}"#;
    assert_eq!(client.get("/api/v1/events?limit=1").text(), expected);
    // Of two, the start is that of the recorded token.
    let recorded =
        "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjM0LCJzdGFydCI6ImRlZmF1bHQvdTIuN2w4OTlcdTAwMDAifQ";
    assert_eq!(token(&client, "/api/v1/events?limit=2"), recorded);
    let last = client.get(&format!("/api/v1/events?limit=2&continue={recorded}"));
    assert_eq!(last.names(), ["u3.7cszb"]);
    assert_eq!(last.json()["metadata"], json!({"resourceVersion": "234"}));
}

#[test]
fn pages_show_the_first_one_s_revision() {
    let (api, client) = plain();
    let revision = five(&api);
    let first = client.get("/api/v1/events?limit=2").json();
    assert_eq!(first["metadata"]["remainingItemCount"], 3);
    api.create_event(json!({"metadata": {"name": "bb"}}));
    api.expire_events(|event| event["metadata"]["name"] == "c");
    api.update_event("default", "d");
    let next = first["metadata"]["continue"]
        .as_str()
        .expect("there is more");
    let second = client.get(&format!("/api/v1/events?limit=2&continue={next}"));
    assert_eq!(second.names(), ["c", "d"]);
    let second = second.json();
    assert_eq!(second["metadata"]["resourceVersion"], revision.to_string());
    assert_eq!(
        second["items"][1]["metadata"]["resourceVersion"],
        (revision - 1).to_string()
    );
    assert!(second["items"][1].get("kind").is_none());
    // Without the limit it is all of now.
    assert_eq!(
        client.get("/api/v1/events").names(),
        ["a", "b", "bb", "d", "e"]
    );
}

#[test]
fn an_expired_token_gives_another() {
    let (api, client) = plain();
    five(&api);
    let old = token(&client, "/api/v1/events?limit=2");
    api.create_event(json!({"metadata": {"name": "bb"}}));
    let now = api.compact();
    let refused = client.get(&format!("/api/v1/events?limit=2&continue={old}"));
    assert_eq!(refused.code, 410);
    let refused = refused.json();
    let recorded = "The provided continue parameter is too old to display a consistent list result. You can start \
                    a new list without the continue parameter, or use the continue token in this response to \
                    retrieve the remainder of the results. Continuing with the provided token results in an \
                    inconsistent list - objects that were created, modified, or deleted between the time the first \
                    chunk was returned and now may show up in the list.";
    assert_eq!(refused["message"], recorded);
    assert_eq!(refused["reason"], "Expired");
    let new = refused["metadata"]["continue"]
        .as_str()
        .expect("it gives one");
    let rest = client.get(&format!("/api/v1/events?limit=2&continue={new}"));
    assert_eq!(rest.names(), ["bb", "c"]);
    assert_eq!(rest.json()["metadata"]["resourceVersion"], now.to_string());
}

#[test]
fn an_expired_token_of_the_recording_gives_the_recorded_one() {
    let (api, client) = plain();
    api.advance(400);
    api.compact();
    let old =
        "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MjUwLCJzdGFydCI6ImRlZmF1bHQvdTIuN2w4OTlcdTAwMDAifQ";
    let refused = client.get(&format!("/api/v1/events?limit=2&continue={old}"));
    let recorded =
        "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoiZGVmYXVsdC91Mi43bDg5OVx1MDAwMCJ9";
    assert_eq!(refused.json()["metadata"]["continue"], recorded);
    assert_eq!(refused.header("content-length"), Some("663"), "as recorded");
}

#[test]
fn a_bad_token_is_refused() {
    let (_api, client) = plain();
    let refused = client.get("/api/v1/events?limit=2&continue=xyz");
    assert_eq!(refused.code, 400);
    let recorded = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "invalid continue token: continue key is not valid: invalid character 'Ç' looking for beginning of value",
  "reason": "BadRequest",
  "code": 400
}"#;
    assert_eq!(refused.text(), recorded);
}

#[test]
fn resource_versions_mean_what_they_do() {
    let (api, client) = plain();
    let revision = five(&api);
    let get = |parameters: &str| client.get(&format!("/api/v1/events?{parameters}"));
    let exact = get(&format!(
        "resourceVersion={}&resourceVersionMatch=Exact",
        revision - 2
    ));
    assert_eq!(exact.names(), ["a", "b", "c"]);
    assert_eq!(
        exact.json()["metadata"]["resourceVersion"],
        (revision - 2).to_string()
    );
    let legacy = get(&format!("resourceVersion={}&limit=10", revision - 2));
    assert_eq!(legacy.names(), ["a", "b", "c"]);
    api.advance(10);
    let now = api.compact();
    for newest in [
        "resourceVersion=0",
        &format!("resourceVersion={revision}"),
        &format!("resourceVersion={revision}&limit=2&resourceVersionMatch=NotOlderThan"),
    ] {
        let list = get(newest).json();
        assert_eq!(
            list["metadata"]["resourceVersion"],
            now.to_string(),
            "{newest}"
        );
    }
    let recorded = r#"{
  "kind": "Status",
  "apiVersion": "v1",
  "metadata": {},
  "status": "Failure",
  "message": "The resourceVersion for the provided list is too old.",
  "reason": "Expired",
  "code": 410
}"#;
    for expired in [
        format!("resourceVersion={revision}&resourceVersionMatch=Exact"),
        format!("resourceVersion={revision}&limit=2"),
    ] {
        let refused = get(&expired);
        assert_eq!((refused.code, refused.text()), (410, recorded), "{expired}");
        assert_eq!(refused.header("content-length"), Some("193"));
    }
    let future = get(&format!("resourceVersion={}", now + 5));
    assert_eq!(future.code, 504);
    let future = future.json();
    assert_eq!(future["reason"], "Timeout");
    assert_eq!(
        future["details"]["causes"][0]["reason"],
        "ResourceVersionTooLarge"
    );
}

#[test]
fn bad_parameters_are_refused() {
    let (_api, client) = plain();
    for (parameters, code, message) in [
        (
            "limit=many",
            400,
            "strconv.ParseInt: parsing \"many\": invalid syntax",
        ),
        (
            "resourceVersion=abc",
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        ),
        (
            "resourceVersionMatch=Exact",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersion=1&resourceVersionMatch=Sometimes",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported value: \"Sometimes\": supported values: \"Exact\", \"NotOlderThan\", \"\"",
        ),
        (
            "sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list",
        ),
        (
            "fieldSelector=reason",
            400,
            "invalid selector: 'reason'; can't understand 'reason'",
        ),
        (
            "labelSelector=a%20in%20b",
            400,
            "unable to parse requirement: \"a in b\"",
        ),
        (
            "watch=true&sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        (
            "watch=true&resourceVersion=1&resourceVersionMatch=NotOlderThan",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        ),
    ] {
        let refused = client.get(&format!("/api/v1/events?{parameters}"));
        assert_eq!(
            (refused.code, refused.message().as_str()),
            (code, message),
            "{parameters}"
        );
    }
}

#[test]
fn selectors_select() {
    let (api, client) = plain();
    api.create_event(EventSpec::about("web").reason("Pulled"));
    api.create_event(
        EventSpec::about("db")
            .reason("Killing")
            .warning()
            .namespace("kube-system")
            .newer(),
    );
    api.create_event(
        json!({"metadata": {"name": "l", "labels": {"team": "a,b"}}, "source": {"component": "x"}}),
    );
    api.create_event(json!({"metadata": {"name": "m", "labels": {"team": "c", "app": "web"}}}));
    let count =
        |path: &str, selector: &str| client.get(&format!("{path}?{selector}")).names().len();
    for (selector, expected) in [
        ("fieldSelector=reason%3DPulled", 1),
        ("fieldSelector=reason!=Pulled,type=Warning", 1),
        ("fieldSelector=involvedObject.name==web", 1),
        ("fieldSelector=metadata.namespace=default", 3),
        ("fieldSelector=reportingComponent=kubelet", 2),
        ("fieldSelector=source=x", 1),
        ("labelSelector=team", 2),
        ("labelSelector=!team", 2),
        ("labelSelector=team%20in%20(c,d)", 1),
        ("labelSelector=team%20notin%20(c)", 3),
        ("labelSelector=app=web,team=c", 1),
        ("labelSelector=app!=web", 3),
    ] {
        assert_eq!(count("/api/v1/events", selector), expected, "{selector}");
    }
    assert_eq!(
        count(
            "/apis/events.k8s.io/v1/events",
            "fieldSelector=regarding.name=web"
        ),
        1
    );
    assert_eq!(
        count(
            "/apis/events.k8s.io/v1/events",
            "fieldSelector=reportingController=kubelet"
        ),
        2
    );
    assert_eq!(count("/api/v1/namespaces/kube-system/events", ""), 1);
    assert_eq!(count("/api/v1/namespaces/nobody/events", ""), 0);
    // With a selector nobody counts what is left.
    let page = client
        .get("/api/v1/events?limit=1&fieldSelector=metadata.namespace=default")
        .json();
    assert!(page["metadata"]["continue"].is_string());
    assert!(page["metadata"].get("remainingItemCount").is_none());
}

#[test]
fn each_group_refuses_the_other_s_fields() {
    let (_api, client) = plain();
    for (path, field) in [
        ("/apis/events.k8s.io/v1/events", "involvedObject.name"),
        ("/apis/events.k8s.io/v1/events", "reportingComponent"),
        ("/apis/events.k8s.io/v1/events", "source"),
        ("/api/v1/events", "regarding.name"),
        ("/api/v1/events", "reportingController"),
        ("/api/v1/configmaps", "reason"),
    ] {
        let refused = client.get(&format!("{path}?fieldSelector={field}=x"));
        assert_eq!(refused.code, 400);
        let message = match path {
            "/api/v1/configmaps" => {
                "\"reason\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"".into()
            }
            _ => format!("field label not supported: {field}"),
        };
        assert_eq!(refused.message(), message);
        assert_eq!(refused.json()["reason"], "BadRequest");
    }
}

#[test]
fn long_lists_are_packed_for_who_wants_it() {
    let (api, mut client) = plain();
    client.agent = "weir";
    assert_eq!(api.seed_recorded(usize::MAX), 400);
    let packed = client.request("GET", "/api/v1/events", &[("Accept-Encoding", "gzip")], "");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let plain = client.get("/api/v1/events");
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(unpack(packed.body), plain.body);
    let short = client.request(
        "GET",
        "/api/v1/events?limit=2",
        &[("Accept-Encoding", "gzip")],
        "",
    );
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn both_forms_are_as_recorded() {
    let (api, client) = plain();
    api.seed_recorded(usize::MAX);
    for (file, group) in [
        ("data/events-core-v1.ndjson.gz", "/api/v1"),
        ("data/events-k8s-io-v1.ndjson.gz", "/apis/events.k8s.io/v1"),
    ] {
        let bytes = std::fs::read(tests(file)).expect("the recording is there");
        let recorded = String::from_utf8(unpack(bytes)).expect("it is text");
        for line in recorded.lines() {
            let recorded: Value = serde_json::from_str(line).expect("it is JSON");
            let text = |name: &str| recorded["metadata"][name].as_str().expect("it has one");
            let (namespace, name) = (text("namespace"), text("name"));
            let given = client.get(&format!("{group}/namespaces/{namespace}/events/{name}"));
            let mut given = given.json();
            // Those of a recording do not come in the order of their revisions.
            given["metadata"]["resourceVersion"] = text("resourceVersion").into();
            assert_eq!(given.to_string(), recorded.to_string());
        }
    }
}

#[test]
fn metadata_alone_is_given_on_request() {
    let (api, client) = plain();
    api.put(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "web-1", "namespace": "default",
        "ownerReferences": [{"kind": "Deployment", "name": "web"}]}, "spec": {"replicas": 3}}));
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let path = "/apis/apps/v1/namespaces/default/replicasets/web-1";
    let partial = client
        .request("GET", path, &[("Accept", accept)], "")
        .json();
    assert_eq!(partial["kind"], "PartialObjectMetadata");
    assert_eq!(partial["apiVersion"], "meta.k8s.io/v1");
    assert_eq!(partial["metadata"]["ownerReferences"][0]["name"], "web");
    assert!(partial.get("spec").is_none());
    let both = format!("application/json;as=Table;g=meta.k8s.io;v=v1,{accept},application/json");
    let partial = client.request("GET", path, &[("Accept", &both)], "").json();
    assert_eq!(partial["kind"], "PartialObjectMetadata");
    let whole = client.get(path).json();
    assert_eq!(
        (&whole["kind"], &whole["spec"]["replicas"]),
        (&json!("ReplicaSet"), &json!(3))
    );
    let refused = client.request(
        "GET",
        path,
        &[("Accept", "application/vnd.kubernetes.protobuf")],
        "",
    );
    assert_eq!(refused.code, 406);
    let missing = client.get("/apis/apps/v1/namespaces/default/replicasets/none");
    assert_eq!(missing.code, 404);
    assert_eq!(missing.message(), "replicasets.apps \"none\" not found");
}

#[test]
fn options_that_are_not_known_are_recorded() {
    let (api, client) = plain();
    client.get("/api/v1/events?limit=1&resourceversion=7");
    let request = api.requests().pop().expect("it was recorded");
    assert_eq!(request.unknown_parameters, ["resourceversion"]);
    assert_eq!(request.parameter("limit"), "1");
    assert_eq!(
        (
            request.method.as_str(),
            request.status,
            request.user.as_str()
        ),
        ("GET", 200, "admin")
    );
    assert_eq!(
        (request.user_agent.as_str(), request.http_version.as_str()),
        ("curl/8.5.0", "HTTP/1.1")
    );
}
