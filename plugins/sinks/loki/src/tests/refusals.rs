//! What becomes of events that Loki does not take.

use super::*;

/// The text of an ingester that refused the first entries of a stream.
fn behind(ignored: usize, of: usize) -> String {
    format!(
        "entry with timestamp 2026-11-23 12:45:31 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: \
         2026-11-23T12:45:31Z, oldest acceptable timestamp is: 2026-11-23T13:45:31Z',\nuser 'fake', total ignored: \
         {ignored} out of {of} for stream: {STREAM}\n"
    )
}

#[test]
fn entries_too_far_behind_get_the_present_time_and_the_others_are_not_sent_again() {
    let mut sink = loki(json!({}));
    sink.host.respond(400, behind(2, 3));
    sink.host.respond(204, "");
    let run = sink.deliver([
        aged(7300, json!({})),
        aged(10, json!({})),
        aged(7200, json!({})),
    ]);
    check(&run, &[], &[]);
    assert_eq!(
        times(&sink, 0),
        [[(7300.0, false), (7200.0, false), (10.0, false)]]
    );
    let moved = &body(&sink, 1)["streams"][0]["values"];
    assert_eq!(moved.as_array().unwrap().len(), 2);
    assert_eq!(
        (&moved[0][0], &moved[1][0]),
        (&json!("1795445131000000000"), &json!("1795445131000000001"))
    );
    assert_eq!(moved[0][2]["event_time"], "2026-11-23T12:43:51Z");
    assert_eq!(
        (sink.host.logs.len(), sink.host.counters["moved_entries"]),
        (1, 2)
    );
}

#[test]
fn what_is_behind_can_be_rejected() {
    let mut sink = loki(json!({"outOfOrder": "reject"}));
    sink.host.respond(400, behind(1, 2));
    let run = sink.deliver([aged(10, json!({})), aged(7300, json!({}))]);
    check(&run, &[1], &[]);
    assert!(run.rejected[&1].contains("entry too far behind"), "{run:?}");
}

#[test]
fn streams_with_old_entries_go_alone() {
    let mut sink = loki(json!({}));
    sink.host.respond(204, "");
    sink.host.respond(204, "");
    let run = sink.deliver([
        aged(1900, json!({})),
        aged(10, json!({"type": "Normal"})),
        aged(1, json!({})),
    ]);
    check(&run, &[], &[]);
    assert_eq!(times(&sink, 0), [[(1900.0, false), (1.0, false)]]);
    assert_eq!(times(&sink, 1), [[(10.0, false)]]);
}

/// The answer is about one stream: which of the others were stored is not known.
#[test]
fn a_refusal_by_an_ingester_of_several_streams_is_asked_for_stream_by_stream() {
    let mut sink = loki(json!({}));
    sink.host.respond(400, behind(1, 1));
    sink.host.respond(204, "");
    sink.host.respond(400, behind(1, 1));
    sink.host.respond(204, "");
    let run = sink.deliver([aged(10, json!({})), aged(10, json!({"type": "Normal"}))]);
    check(&run, &[], &[]);
    assert_eq!(times(&sink, 1), [[(10.0, false)]]);
    assert_eq!(times(&sink, 2), [[(10.0, false)]]);
    assert_eq!(times(&sink, 3), [[(0.0, true)]]);
}

/// Loki has cut the stream in shards, and speaks of one of them.
#[test]
fn a_refusal_of_a_part_of_a_stream_is_asked_for_in_halves() {
    let mut sink = loki(json!({}));
    sink.host.respond(400, behind(1, 1));
    sink.host.respond(400, behind(1, 1));
    sink.host.respond(204, "");
    sink.host.respond(204, "");
    check(
        &sink.deliver([aged(7200, json!({})), aged(10, json!({}))]),
        &[],
        &[],
    );
    assert_eq!(times(&sink, 1), [[(7200.0, false)]]);
    assert_eq!(times(&sink, 2), [[(10.0, false)]]);
    assert_eq!(times(&sink, 3), [[(0.0, true)]]);
}

#[test]
fn times_that_the_tenant_refuses_become_the_present_one() {
    let mut sink = loki(json!({}));
    let week = 7 * 86_400;
    let old = time::show(NOW_NS - (week + 1) * 1_000_000_000);
    let new = time::show(NOW_NS + 700 * 1_000_000_000);
    sink.host.respond(
        400,
        format!(
            "2 errors like: entry for stream '{STREAM}' has timestamp too old: {old}, oldest acceptable timestamp is: x; \
             1 errors like: entry for stream '{STREAM}' has timestamp too new: {new}\n"
        ),
    );
    sink.host.respond(204, "");
    let ahead = event(json!({"lastTimestamp": new}));
    let events = [
        aged(week + 1, json!({})),
        aged(week + 5, json!({})),
        ahead,
        aged(week - 1, json!({})),
    ];
    check(&sink.deliver(events), &[], &[]);
    assert_eq!(sink.host.requests.len(), 2);
    let moved = times(&sink, 1);
    assert_eq!(
        (moved[0].len(), moved[0].iter().all(|(_, moved)| *moved)),
        (3, true),
        "{moved:?}"
    );
}

#[test]
fn a_present_time_that_is_refused_is_a_wrong_clock() {
    let mut sink = loki(json!({}));
    let text = |time: &str| format!("entry for stream '{STREAM}' has timestamp too new: {time}");
    sink.host.respond(400, text("2026-11-23T14:45:31Z"));
    sink.host.respond(400, text("2026-11-23T14:45:31Z"));
    let run = sink.deliver([event(json!({}))]);
    let Ok(Outcome::Retry(reason)) = run.outcome else {
        panic!("{run:?}");
    };
    assert!(
        reason.ends_with("the clocks of weir and Loki differ"),
        "{reason}"
    );
}

#[test]
fn a_line_that_is_too_long_is_rejected_alone() {
    let mut sink = loki(json!({}));
    sink.host.respond(
        400,
        format!("max entry size '1000' bytes exceeded for stream '{STREAM}' while adding an entry with length '3000' bytes"),
    );
    let long = event(json!({"message": "x".repeat(2000)}));
    let run = sink.deliver([event(json!({})), long, event(json!({}))]);
    check(&run, &[1], &[]);
    assert!(run.rejected[&1].contains("max_line_size"), "{run:?}");
    assert_eq!(sink.host.requests.len(), 1, "the others were stored");
}

#[test]
fn structured_metadata_that_is_not_allowed_is_left_away_from_then_on() {
    let mut sink = loki(json!({}));
    let text = format!(
        "2 errors like: stream '{STREAM}' includes structured metadata, but this feature is disallowed. Please see \
         `limits_config.allow_structured_metadata` or contact your Loki administrator to enable it\n"
    );
    sink.host.respond(400, text);
    sink.host.respond(204, "");
    check(
        &sink.deliver([event(json!({})), event(json!({}))]),
        &[],
        &[],
    );
    let values = &body(&sink, 1)["streams"][0]["values"];
    assert_eq!(
        (
            values.as_array().unwrap().len(),
            values[0].as_array().unwrap().len()
        ),
        (2, 2)
    );
    let (_, warning) = &sink.host.logs[0];
    assert!(warning.contains("`structuredMetadata: false`"), "{warning}");
    sink.host.respond(204, "");
    check(&sink.deliver([event(json!({}))]), &[], &[]);
    assert_eq!(
        body(&sink, 2)["streams"][0]["values"][0]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn too_much_structured_metadata_is_left_away_where_it_is() {
    let mut sink = loki(json!({}));
    sink.host.respond(
        400,
        format!("stream '{STREAM}' has structured metadata too large: '900' bytes, limit: '500' bytes. Please see `x`"),
    );
    sink.host.respond(204, "");
    let much = event(json!({"reason": "r".repeat(600)}));
    check(&sink.deliver([event(json!({})), much]), &[], &[]);
    let values = &body(&sink, 1)["streams"][0]["values"];
    assert_eq!(
        (
            values.as_array().unwrap().len(),
            values[0].as_array().unwrap().len()
        ),
        (1, 2)
    );
}

#[test]
fn errors_about_labels_say_what_to_set() {
    let of = |namespace: &str| event(json!({"metadata": {"namespace": namespace}}));
    let mut sink = loki(json!({}));
    let text = format!("entry for stream '{STREAM}' has 4 label names; limit 3");
    sink.host.respond(400, text.clone());
    let run = sink.deliver([of("a")]);
    let Ok(Outcome::Retry(reason)) = run.outcome else {
        panic!("{run:?}");
    };
    assert!(reason.contains("max_label_names_per_series"), "{reason}");

    let mut sink = loki(json!({}));
    let text = format!("stream '{STREAM}' has label value too long: 'b'");
    sink.host.respond(400, text.clone());
    sink.host.respond(204, "");
    sink.host.respond(400, text);
    let run = sink.deliver([of("a"), of("b")]);
    check(&run, &[1], &[]);
    assert!(
        run.rejected[&1].contains("max_label_value_length"),
        "{run:?}"
    );
}

#[test]
fn a_refusal_that_is_not_understood_is_narrowed_down() {
    let mut sink = loki(json!({}));
    sink.host.respond(400, "no");
    sink.host.respond(204, "");
    sink.host.respond(400, "no");
    sink.host.respond(204, "");
    sink.host.respond(400, "no such thing");
    let run = sink.deliver((0..4).map(|_| event(json!({}))));
    check(&run, &[3], &[]);
    assert_eq!(run.rejected[&3], "answered 400 (no such thing)");
}

/// One error is known, another is not: the rest is sent again, since it may have been refused.
#[test]
fn what_is_left_of_an_answer_is_asked_for_again() {
    let mut sink = loki(json!({}));
    sink.host.respond(
        400,
        "1 errors like: max entry size '1000' bytes exceeded for stream '{}' while adding; 1 errors like: new in 4.0",
    );
    sink.host.respond(204, "");
    let long = event(json!({"message": "x".repeat(2000)}));
    check(&sink.deliver([long, event(json!({}))]), &[0], &[]);
    assert_eq!(times(&sink, 1), [[(0.0, false)]]);
}

#[test]
fn requests_that_are_too_large_are_halved() {
    for (status, text) in [
        (413, "request body too large"),
        (400, "message size too large than max (9 vs 8)"),
        (
            500,
            "rpc error: code = ResourceExhausted desc = trying to send message larger than max (9 vs 8)",
        ),
    ] {
        let mut sink = loki(json!({}));
        sink.host.respond(status, text);
        sink.host.respond(204, "");
        sink.host.respond(status, text);
        check(
            &sink.deliver([event(json!({})), event(json!({}))]),
            &[1],
            &[],
        );
        assert_eq!(sink.host.requests.len(), 3);
    }
}

#[test]
fn what_a_person_can_mend_comes_again_with_what_to_do() {
    for (status, text, hint) in [
        (401, "no org id", "set `tenant`"),
        (401, "", "`bearerToken`"),
        (403, "", "check what these credentials may do"),
        (404, "404 page not found", "/loki/api/v1/push"),
        (
            260,
            "ingestion blocked for user 'fake' until 'x' with status code '260'",
            "block_ingestion_until",
        ),
        (
            429,
            "maximum active stream limit exceeded when trying to create stream {}",
            "max_global_streams_per_user",
        ),
        (
            429,
            "entry with timestamp x ignored, reason: 'Per stream rate limit exceeded'",
            "per_stream_rate_limit",
        ),
        (500, "empty ring", "Loki failed"),
        (503, "", "answered 503"),
    ] {
        let mut sink = loki(json!({}));
        sink.host.respond(status, text);
        let run = sink.deliver([event(json!({})), aged(10, json!({}))]);
        let Ok(Outcome::Retry(reason)) = run.outcome else {
            panic!("{status} {text}: {run:?}");
        };
        assert!(reason.contains(hint), "{reason}");
        assert_eq!(sink.host.requests.len(), 1);
    }
}

#[test]
fn loki_says_when_to_come_again() {
    let mut sink = loki(json!({}));
    let headers = vec![("Retry-After".to_owned(), "7".to_owned())];
    let body = b"busy".to_vec();
    sink.host.responses.push_back(Ok(Response {
        status: 429,
        headers,
        body,
    }));
    let run = sink.deliver([event(json!({}))]);
    assert_eq!(run.outcome, Ok(Outcome::retry("answered 429 (busy)")));
    assert_eq!(run.retry_after, Some(std::time::Duration::from_secs(7)));
}

#[test]
fn nobody_there_is_nobody_for_any_tenant() {
    let mut sink = loki(json!({"tenant": "{{ .Namespace }}"}));
    sink.host.refuse("connect: refused");
    let run = sink.deliver([
        event(json!({})),
        event(json!({"metadata": {"namespace": "b"}})),
    ]);
    assert_eq!(run.outcome, Ok(Outcome::retry("connect: refused")));
    assert_eq!(sink.host.requests.len(), 1);
}
