//! Every class of answer, in the words of the servers.

use std::time::Duration;

use weir_plugin::http::Response;
use weir_plugin::testing::Delivered;

use super::*;

/// Delivers as many events as there are answers in a list of items.
fn deliver_items(items: &[Value]) -> Delivered {
    let mut sink = at_es(json!({}));
    let items: Vec<_> = items.iter().map(|item| json!({ "create": item })).collect();
    sink.host
        .respond(200, json!({"errors": true, "items": items}).to_string());
    let run = sink.deliver(items.iter().map(|_| event(json!({}))));
    assert_eq!(run.outcome, Ok(Outcome::Done));
    run
}

fn error(status: u16, kind: &str, reason: &str) -> Value {
    json!({"status": status, "error": {"type": kind, "reason": reason}})
}

fn check_retry(item: Value, advice: &str) {
    let run = deliver_items(std::slice::from_ref(&item));
    let reason = run.retried.get(&0).cloned().unwrap_or_default();
    assert!(reason.contains(advice), "{item}: {run:?}");
    assert!(run.rejected.is_empty());
}

fn check_reject(item: Value, advice: &str) {
    let run = deliver_items(std::slice::from_ref(&item));
    let reason = run.rejected.get(&0).cloned().unwrap_or_default();
    assert!(reason.contains(advice), "{item}: {run:?}");
    assert!(run.retried.is_empty());
}

#[test]
fn each_event_has_its_own_answer() {
    let conflict = error(
        409,
        "version_conflict_engine_exception",
        "document already exists",
    );
    let nested = json!({"status": 400, "error": {"type": "mapper_parsing_exception",
        "reason": "failed to parse field [x]", "caused_by": {"type": "y", "reason": "For input string: \"a\""}}});
    let busy = error(429, "es_rejected_execution_exception", "rejected execution");
    let run = deliver_items(&[
        json!({"status": 201}),
        conflict,
        nested,
        busy,
        json!({"status": 503}),
    ]);
    let [(2, rejected)] = &run.rejected.into_iter().collect::<Vec<_>>()[..] else {
        panic!("the third is rejected");
    };
    assert!(
        rejected.starts_with("mapper_parsing_exception: failed to parse field [x]: For input string: \"a\": the field has another type"),
        "{rejected}"
    );
    let retried: Vec<_> = run.retried.into_iter().collect();
    let busy = "es_rejected_execution_exception: rejected execution: the cluster is busy";
    assert_eq!(
        retried,
        [(3, busy.to_owned()), (4, "status 503".to_owned())]
    );
}

#[test]
fn what_an_index_can_never_take_is_rejected_with_advice() {
    for (kind, reason, advice) in [
        (
            "document_parsing_exception",
            "[1:5] failed to parse",
            "an index template that fits",
        ),
        (
            "illegal_argument_exception",
            "mapper [a] cannot be changed from type [text] to [object]",
            "another type",
        ),
        (
            "illegal_argument_exception",
            "Limit of total fields [1000] has been exceeded",
            "`flattened`",
        ),
        (
            "strict_dynamic_mapping_exception",
            "mapping set to strict, [a] within [_doc] is not allowed",
            "known fields",
        ),
        (
            "illegal_argument_exception",
            "data stream timestamp field [@timestamp] encountered multiple values",
            "a date",
        ),
        (
            "x_content_parse_exception",
            "odd",
            "x_content_parse_exception: odd",
        ),
    ] {
        check_reject(error(400, kind, reason), advice);
    }
    check_reject(json!({"status": 413}), "status 413");
}

#[test]
fn what_a_person_can_mend_comes_again_with_advice() {
    for (status, kind, reason, advice) in [
        (
            404,
            "index_not_found_exception",
            "no such index [k]",
            "auto_create_index",
        ),
        (400, "index_closed_exception", "closed", "open the index"),
        (
            403,
            "cluster_block_exception",
            "index [k] blocked by: [FORBIDDEN/12/index read-only]",
            "a disk is full",
        ),
        (
            429,
            "cluster_block_exception",
            "blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded",
            "a disk is full",
        ),
        (
            403,
            "security_exception",
            "action [indices:data/write/bulk[s]] is unauthorized",
            "`create_doc`",
        ),
        (
            401,
            "security_exception",
            "missing authentication",
            "check `apiKey`",
        ),
        (
            503,
            "unavailable_shards_exception",
            "primary shard is not active",
            "the cluster's health",
        ),
        (
            400,
            "validation_exception",
            "this action would add [2] shards, but this cluster currently has [1000]/[1000] \
            maximum normal shards open",
            "max_shards_per_node",
        ),
        (
            400,
            "illegal_argument_exception",
            "only write ops with an op_type of create are allowed in data streams",
            "remove `useEventID`",
        ),
        (
            400,
            "illegal_argument_exception",
            "no write index is defined for alias [k]",
            "is_write_index",
        ),
        (
            400,
            "invalid_index_name_exception",
            "Invalid index name [K]",
            "change `index`",
        ),
        (
            400,
            "illegal_argument_exception",
            "pipeline with id [p] does not exist",
            "ingest pipeline",
        ),
        (
            400,
            "illegal_argument_exception",
            "Rejecting mapping update to [k] as the final mapping would have more \
            than 1 type: [_doc, event]",
            "set `type` to that",
        ),
        (500, "exception", "odd", "exception: odd"),
    ] {
        check_retry(error(status, kind, reason), advice);
    }
}

/// The whole request of two events is answered with this, and then nothing more is sent.
fn check_busy(status: u16, body: &str, advice: &str) {
    let mut sink = at_es(json!({}));
    sink.host.respond(status, body);
    let run = sink.deliver([version("1"), version("2")]);
    let Ok(Outcome::Retry(reason)) = run.outcome else {
        panic!("{status} {body}: {run:?}");
    };
    assert!(reason.contains(advice), "{status}: {reason}");
    assert_eq!(sink.host.requests.len(), 1);
}

#[test]
fn a_whole_request_that_a_person_can_mend_comes_again() {
    let security = r#"{"error":{"type":"security_exception"},"status":401}"#;
    check_busy(401, security, "security_exception");
    check_busy(401, "", "check `apiKey`");
    check_busy(403, "", "`create_doc`");
    let block = r#"{"error":{"type":"cluster_block_exception","reason":"blocked by: [SERVICE_UNAVAILABLE/1/state not recovered"}}"#;
    check_busy(503, block, "takes no documents");
    check_busy(403, block, "takes no documents");
    check_busy(404, "not found", "`_bulk` is not there");
    check_busy(405, "", "`_bulk` is not there");
    check_busy(429, "", "answered 429");
    check_busy(502, "bad gateway", "answered 502 (bad gateway)");
    check_busy(302, "", "answered 302: the server sends elsewhere");
    let type_missing =
        r#"{"error":{"reason":"Validation Failed: 1: type is missing;"},"status":400}"#;
    check_busy(400, type_missing, "set `type: _doc`");
    let parameter = r#"{"error":{"reason":"Action/metadata line [1] contains an unknown parameter [_type]"},"status":400}"#;
    check_busy(400, parameter, "remove `type`");
}

#[test]
fn what_is_no_answer_of_bulk_accepts_nothing() {
    check_busy(
        200,
        "<html>\n<title>Sign in</title>",
        "answered 200 (<html> <title>Sign in</title>): that is no answer of `_bulk`",
    );
    check_busy(200, "{}", "that is no answer of `_bulk`");
    check_busy(200, "", "that is no answer of `_bulk`");
    check_busy(
        200,
        r#"{"errors":true,"items":[{"create":{"status":201}}]}"#,
        "about 1 documents, 2 were sent",
    );
}

#[test]
fn a_server_that_wants_a_rest_gets_it() {
    let headers = vec![("Retry-After".to_owned(), "30".to_owned())];
    let body = json!({"errors": true, "items": [{"create": {"status": 429}}]});
    for (status, body) in [(429, String::new()), (200, body.to_string())] {
        let mut sink = at_es(json!({}));
        sink.host.responses.push_back(Ok(Response {
            status,
            headers: headers.clone(),
            body: body.into_bytes(),
        }));
        let run = sink.deliver([event(json!({}))]);
        assert_eq!(run.retry_after, Some(Duration::from_secs(30)));
    }
}

#[test]
fn too_much_is_split_and_one_that_is_too_large_rejected() {
    let mut sink = at_es(json!({}));
    for (status, body) in [(413, ""), (200, ACCEPTED), (413, "")] {
        sink.host.respond(status, body);
    }
    let run = sink.deliver([version("1"), version("2")]);
    assert_eq!(run.outcome, Ok(Outcome::Done));
    assert_eq!(run.rejected.len(), 1);
    assert!(
        run.rejected[&1].contains("http.max_content_length"),
        "{run:?}"
    );
}

#[test]
fn a_request_that_is_refused_as_a_whole_is_taken_apart() {
    let mut sink = at_es(json!({}));
    for (status, body) in [(400, "odd"), (400, "odd"), (200, ACCEPTED)] {
        sink.host.respond(status, body);
    }
    let run = sink.deliver([version("1"), version("2")]);
    assert_eq!(
        run.rejected.into_iter().collect::<Vec<_>>(),
        [(0, "answered 400 (odd)".to_owned())]
    );
}

#[test]
fn another_host_is_asked() {
    let mut sink = sink(json!({"hosts": ["http://one", "http://two"]}));
    sink.host.refuse("connect: refused");
    sink.host.respond(200, ACCEPTED);
    assert_eq!(sink.deliver([event(json!({}))]).outcome, Ok(Outcome::Done));
    assert!(sink.host.requests[1].url.starts_with("http://two/_bulk"));
}
