//! The fake Elasticsearch: what it stores and what it refuses. `tests/real` holds it against real ones.

use serde_json::{Value, json};
use weir_tests::client::{Answer, Client};
use weir_tests::fake_http::elasticsearch::{Elasticsearch, Product};
use weir_tests::fake_http::{FakeHttp, Options};

const NDJSON: &str = "application/x-ndjson";

fn start(handler: Elasticsearch) -> FakeHttp<Elasticsearch> {
    FakeHttp::start(Options::default(), handler)
}

fn bulk_as(client: &Client, content_type: &str, lines: &str) -> Answer {
    let headers = [("content-type", content_type)];
    let answer = client.request("POST", "/_bulk", &headers, lines.to_owned());
    answer.expect("it answers")
}

/// An item of a bulk request.
fn item(action: &str, parameters: &Value, document: &Value) -> String {
    format!("{}\n{document}\n", json!({action: parameters}))
}

/// Status and type of the error of each item.
fn outcome(answer: &Answer) -> Vec<(u64, String)> {
    assert_eq!(answer.code, 200, "{}", answer.text());
    let answer = answer.json();
    let items = answer["items"].as_array().expect("a list").iter();
    items
        .map(|item| {
            let done = item
                .as_object()
                .expect("an item")
                .values()
                .next()
                .expect("an item");
            let kind = done["error"]["type"].as_str().unwrap_or_default();
            (done["status"].as_u64().expect("an item"), kind.to_owned())
        })
        .collect()
}

fn outcomes(expected: &[(u64, &str)]) -> Vec<(u64, String)> {
    let owned = |(code, kind): &(u64, &str)| (*code, (*kind).to_owned());
    expected.iter().map(owned).collect()
}

#[test]
fn it_says_what_it_is() {
    for (product, version, distribution) in [
        (Product::Elasticsearch7, "7.", Value::Null),
        (Product::Elasticsearch8, "8.", Value::Null),
        (Product::Elasticsearch9, "9.", Value::Null),
        (Product::OpenSearch1, "1.", json!("opensearch")),
        (Product::OpenSearch2, "2.", json!("opensearch")),
        (Product::OpenSearch3, "3.", json!("opensearch")),
    ] {
        let fake = start(Elasticsearch::new(product));
        let answer = fake.client().get("/").unwrap();
        let about = answer.json()["version"].clone();
        assert!(about["number"].as_str().unwrap().starts_with(version));
        assert_eq!(about["distribution"], distribution);
        let header = match distribution.is_null() {
            true => "Elasticsearch",
            false => "",
        };
        assert_eq!(answer.header("x-elastic-product"), header);
    }
    let fake = start(Elasticsearch::new(Product::Other("{\"a\":1}")));
    assert_eq!(fake.client().get("/").unwrap().text(), "{\"a\":1}");
}

#[test]
fn documents_are_created_once() {
    let fake = start(Elasticsearch::new(Product::Elasticsearch8));
    let to = json!({"_index": "events", "_id": "a"});
    let lines = item("create", &to, &json!({"n": 1})) + &item("create", &to, &json!({"n": 2}));
    let answer = bulk_as(&fake.client(), NDJSON, &lines);
    assert_eq!(answer.json()["errors"], true);
    let conflict = (409, "version_conflict_engine_exception");
    assert_eq!(outcome(&answer), outcomes(&[(201, ""), conflict]));
    let answer = bulk_as(
        &fake.client(),
        NDJSON,
        &item("index", &to, &json!({"n": 3})),
    );
    assert_eq!(outcome(&answer), outcomes(&[(200, "")]));
    fake.look(|es| {
        let document = es.document("events", "a").unwrap();
        assert_eq!(document.source, json!({"n": 3}));
        assert_eq!(
            (document.created, document.updated, document.conflicts),
            (1, 1, 1)
        );
        assert_eq!((es.count(), es.bulk_requests()), (1, 2));
    });
}

#[test]
fn an_external_version_must_be_higher() {
    let fake = start(Elasticsearch::new(Product::OpenSearch2));
    let lines = [5, 5, 4, 7].map(|version| {
        let to =
            json!({"_index": "events", "_id": "a", "version": version, "version_type": "external"});
        item("index", &to, &json!({"n": version}))
    });
    let answer = bulk_as(&fake.client(), NDJSON, &lines.concat());
    let conflict = (409, "version_conflict_engine_exception");
    assert_eq!(
        outcome(&answer),
        outcomes(&[(201, ""), conflict, conflict, (200, "")])
    );
    let document = fake.look(|es| es.document("events", "a").unwrap().clone());
    assert_eq!((document.version, document.source), (7, json!({"n": 7})));
}

#[test]
fn data_streams_take_new_documents_with_a_time() {
    let fake = start(Elasticsearch::new(Product::Elasticsearch9).data_streams("logs-"));
    let time = json!({"@timestamp": "2026-01-01T00:00:00Z"});
    let to = |id: &str| json!({"_index": "logs-a", "_id": id});
    let lines = [
        item("create", &to("a"), &time),
        item("index", &to("b"), &time),
        item("create", &to("c"), &json!({})),
        item("create", &to("d"), &json!({"@timestamp": "yesterday"})),
    ];
    let answer = bulk_as(&fake.client(), NDJSON, &lines.concat());
    let parsing = (400, "document_parsing_exception");
    let expected = [
        (201, ""),
        (400, "illegal_argument_exception"),
        parsing,
        parsing,
    ];
    assert_eq!(outcome(&answer), outcomes(&expected));
    let first = &answer.json()["items"][0]["create"];
    assert!(first["_index"].as_str().unwrap().starts_with(".ds-logs-a-"));
    assert_eq!(fake.look(|es| es.documents("logs-a").len()), 1);
}

#[test]
fn an_item_fails_alone() {
    let fake = start(Elasticsearch::new(Product::OpenSearch3).whole_number("n"));
    fake.change(|es| es.reject_items(1));
    let to = |index: &str, id: &str| json!({"_index": index, "_id": id});
    let lines = [
        item("create", &to("events", "a"), &json!({})),
        item("create", &to("events", "b"), &json!({"n": "x"})),
        item("create", &to("events", "c"), &json!({"n": "7"})),
        item("create", &to("Events", "d"), &json!({})),
        item("create", &to("events", "e"), &json!("no object")),
        item("create", &to("events", ""), &json!({})),
    ];
    let answer = bulk_as(&fake.client(), NDJSON, &lines.concat());
    let expected = [
        (429, "rejected_execution_exception"),
        (400, "mapper_parsing_exception"),
        (201, ""),
        (400, "invalid_index_name_exception"),
        (400, "mapper_parsing_exception"),
        (400, "illegal_argument_exception"),
    ];
    assert_eq!(outcome(&answer), outcomes(&expected));
    assert_eq!(fake.look(Elasticsearch::indices), ["events"]);
}

#[test]
fn a_malformed_request_stores_nothing() {
    let fake = start(Elasticsearch::new(Product::Elasticsearch8));
    let good = item(
        "create",
        &json!({"_index": "events", "_id": "a"}),
        &json!({}),
    );
    let long = "x".repeat(513);
    let action =
        |action: &str, parameters: Value| good.clone() + &item(action, &parameters, &json!({}));
    let external = json!({"_index": "e", "_id": "b", "version": 1, "version_type": "external"});
    for (lines, why) in [
        (String::new(), "request body is required"),
        ("\n".to_owned(), "no requests added"),
        (
            good.trim_end().to_owned(),
            "must be terminated by a newline",
        ),
        (
            format!("{good}{{\"create\":{{\"_index\":\"e\"}}}}\n"),
            "must be terminated by a newline",
        ),
        (
            format!("{good}no json\n{{}}\n"),
            "Malformed action/metadata line [3]",
        ),
        (
            action("upsert", json!({"_index": "e"})),
            "but found [upsert]",
        ),
        (
            action("create", json!({"_index": "e", "x": 1})),
            "unknown parameter [x]",
        ),
        (
            action("create", json!({"_id": "b"})),
            "1: index is missing;",
        ),
        (
            action("create", external),
            "create operations only support internal versioning",
        ),
        (
            action("index", json!({"_index": "e", "_id": "b", "version": 1})),
            "internal versioning can not",
        ),
        (
            action("index", json!({"_index": "e", "_id": long})),
            "is too long, must be no longer than 512",
        ),
    ] {
        let answer = bulk_as(&fake.client(), NDJSON, &lines);
        assert_eq!(answer.code, 400, "{lines}");
        let reason = answer.json()["error"]["reason"].to_string();
        assert!(reason.contains(why), "{reason}");
    }
    assert_eq!(fake.look(Elasticsearch::count), 0);
}

#[test]
fn types_of_bodies_are_those_of_the_product() {
    let lines = item("index", &json!({"_index": "events"}), &json!({}));
    let own = "application/vnd.elasticsearch+x-ndjson; compatible-with=8";
    for (product, content_type, code) in [
        (Product::Elasticsearch8, "application/json", 200),
        (Product::Elasticsearch8, NDJSON, 200),
        (Product::Elasticsearch8, "text/plain", 406),
        (Product::Elasticsearch7, own, 406),
        (Product::Elasticsearch8, own, 200),
        (Product::Elasticsearch9, own, 200),
        (Product::OpenSearch2, own, 406),
    ] {
        let fake = start(Elasticsearch::new(product));
        let answer = bulk_as(&fake.client(), content_type, &lines);
        assert_eq!(answer.code, code, "{product:?} {content_type}");
    }
}

#[test]
fn credentials_and_privileges_are_checked() {
    let handler = Elasticsearch::new(Product::Elasticsearch8)
        .user("weir", "secret")
        .api_key("a2V5");
    let fake = start(handler);
    let client = fake.client();
    let get = |path: &str, credentials: &str| {
        let headers = [("authorization", credentials)];
        client.request("GET", path, &headers, "").unwrap()
    };
    assert_eq!(client.get("/").unwrap().code, 401);
    assert_eq!(get("/", "Basic d2Vpcjp3cm9uZw==").code, 401);
    assert_eq!(get("/", "ApiKey b3RoZXI=").code, 401);
    assert_eq!(get("/", "ApiKey a2V5").code, 200);
    let me = get("/_security/_authenticate", "Basic d2VpcjpzZWNyZXQ=");
    assert_eq!(me.json()["username"], "weir");
    fake.change(|es| es.privileges("events", &["create_doc", "auto_configure"]));
    let headers = [
        ("authorization", "ApiKey a2V5"),
        ("content-type", "application/json"),
    ];
    let wish =
        json!({"index": [{"names": ["events-a", "other"], "privileges": ["create_doc", "index"]}]});
    let path = "/_security/user/_has_privileges";
    let answer = client.request("POST", path, &headers, wish.to_string());
    let answer = answer.unwrap().json();
    assert_eq!(answer["has_all_requested"], false);
    assert_eq!(
        answer["index"]["events-a"],
        json!({"create_doc": true, "index": false})
    );
    let lines = item("create", &json!({"_index": "events-a"}), &json!({}))
        + &item("index", &json!({"_index": "events-a"}), &json!({}))
        + &item("create", &json!({"_index": "other"}), &json!({}));
    let answer = client.request("POST", "/_bulk", &headers, lines).unwrap();
    let denied = (403, "security_exception");
    assert_eq!(outcome(&answer), outcomes(&[(201, ""), denied, denied]));
    fake.change(Elasticsearch::revoke);
    assert_eq!(get("/", "ApiKey a2V5").code, 401);
}

#[test]
fn a_filtered_answer_has_what_was_asked_for() {
    let fake = start(Elasticsearch::new(Product::OpenSearch2));
    let lines = item(
        "create",
        &json!({"_index": "events", "_id": "a"}),
        &json!({}),
    );
    let headers = [("content-type", NDJSON)];
    let post = |query: &str| {
        let path = format!("/_bulk?{query}");
        fake.client()
            .request("POST", &path, &headers, lines.clone())
            .unwrap()
    };
    let answer = post("filter_path=errors,items.*.status");
    assert_eq!(
        answer.json(),
        json!({"errors": false, "items": [{"create": {"status": 201}}]})
    );
    let answer = post("filter_path=items.*.error");
    assert_eq!(
        answer.json()["items"][0]["create"]["error"]["type"],
        "version_conflict_engine_exception"
    );
    assert_eq!(post("no_such=1").code, 400);
    fake.change(|es| es.set_body_bytes_max(10));
    assert_eq!(post("").code, 413);
    assert_eq!(fake.client().get("/_unknown").unwrap().code, 400);
}
