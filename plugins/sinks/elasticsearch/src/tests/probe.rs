//! What the probe finds, and that it writes nothing.

use super::*;

const ES: &str = r#"{"cluster_name":"c","version":{"number":"8.15.0","build_flavor":"default"}}"#;
const DATE: &str =
    r#"{"k":{"mappings":{"@timestamp":{"mapping":{"@timestamp":{"type":"date"}}}}}}"#;

/// Answers in order, and what the probe makes of them.
fn check(config: Value, answers: &[(u16, &str)], expected: Result<&str, &str>) {
    let mut sink = at_es(config);
    for (status, body) in answers {
        sink.host.respond(*status, *body);
    }
    let found = sink.probe().map_err(Error::into_message);
    assert_eq!(found.as_deref().map_err(String::as_str), expected);
    assert!(sink.host.responses.is_empty(), "all was asked");
    for request in &sink.host.requests {
        let writes = !["GET", "HEAD"].contains(&request.method.as_str())
            && !request.url.contains("_has_privileges")
            && !request.url.contains("/_simulate_index/");
        assert!(!writes, "{} {}", request.method, request.url);
    }
}

#[test]
fn all_is_well() {
    let privileges = r#"{"index":{"kube-events":{"create_doc":true,"auto_configure":true}}}"#;
    check(
        json!({"apiKey": "k"}),
        &[
            (200, ES),
            (200, r#"{"username":"weir"}"#),
            (200, privileges),
            (200, DATE),
            (200, "{}"),
        ],
        Ok(
            "https://es.example.net:9200: Elasticsearch 8.15.0, cluster `c`, over TLS\n\
            credentials: accepted, user `weir`\n\
            privileges: `create_doc` on `kube-events`\n\
            data stream `kube-events`: it is there\n\
            `@timestamp`: a date",
        ),
    );
}

#[test]
fn what_is_missing_is_said() {
    let privileges = r#"{"index":{"kube-events":{"index":false,"auto_configure":false}}}"#;
    let text = DATE.replace("date", "text");
    check(
        json!({"useEventID": true}),
        &[
            (200, ES),
            (200, r#"{"username":"weir"}"#),
            (200, privileges),
            (200, &text),
            (200, "{}"),
        ],
        Err(
            "https://es.example.net:9200: Elasticsearch 8.15.0, cluster `c`, over TLS\n\
            credentials: accepted, user `weir`\n\
            privileges: `index` on `kube-events` is missing: give it to the role or the API key\n\
            privileges: `auto_configure` on `kube-events` is missing: it cannot be made by writing, and new fields may be \
            refused\n\
            data stream `kube-events`: it is there\n\
            useEventID updates documents, which no data stream allows: remove it, or name an index\n\
            `@timestamp`: mapped as text, expected date: change the index template, and write to a new index",
        ),
    );
}

#[test]
fn without_security_and_without_an_index() {
    let template = r#"{"template":{"mappings":{"properties":{"@timestamp":{"type":"date"}}}}}"#;
    check(
        json!({}),
        &[
            (200, ES),
            (400, "no handler found"),
            (404, "{}"),
            (200, template),
        ],
        Ok(
            "https://es.example.net:9200: Elasticsearch 8.15.0, cluster `c`, over TLS\n\
            credentials: the server asks for none (security is off)\n\
            index `kube-events`: not there yet; the first event makes it, where cluster and privileges allow\n\
            `@timestamp`: a date",
        ),
    );
}

#[test]
fn opensearch_is_asked_in_its_own_way() {
    let opensearch =
        r#"{"cluster_name":"c","version":{"number":"2.11.0","distribution":"opensearch"}}"#;
    check(
        json!({"username": "u", "password": "p"}),
        &[
            (200, opensearch),
            (200, r#"{"user_name":"u"}"#),
            (200, "{}"),
            (404, ""),
        ],
        Ok(
            "https://es.example.net:9200: OpenSearch 2.11.0, cluster `c`, over TLS\n\
            credentials: accepted, user `u`\n\
            index `kube-events`: it is there\n\
            `@timestamp`: no mapping says what it is; by default it becomes a date",
        ),
    );
}

#[test]
fn a_server_that_is_none_ends_it() {
    check(
        json!({}),
        &[(401, "")],
        Err("https://es.example.net:9200: GET / answered 401: check the credentials"),
    );
    check(
        json!({}),
        &[(200, "hello")],
        Err(
            "https://es.example.net:9200: GET / answered 200 (hello): that is neither Elasticsearch nor OpenSearch: \
            check the address",
        ),
    );
    check(
        json!({}),
        &[
            (200, r#"{"version":{"number":"6.8.0"}}"#),
            (404, ""),
            (404, ""),
            (404, ""),
        ],
        Err(
            "https://es.example.net:9200: Elasticsearch 6.8.0, cluster ``, over TLS\n\
            this version wants a type: set `type: _doc`\n\
            credentials: the server asks for none (security is off)\n\
            index `kube-events`: not there yet; the first event makes it, where cluster and privileges allow",
        ),
    );
}
