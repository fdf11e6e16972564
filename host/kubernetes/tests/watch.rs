//! The state machine of a watch, over a server by script.

mod common;

use std::time::Duration;

use common::*;
use weir_kubernetes::status::Phase;
use weir_kubernetes::watch::Backlog;

#[tokio::test(start_paused = true)]
async fn a_first_start_lists_by_version_and_watches_from_the_first_page() {
    let mut run = start(
        settings(None),
        16,
        vec![
            ("limit=500", page(90, &[30, 10], "more")),
            ("continue=more", page(95, &[20, 93], "")),
            newest(95),
            watch("resourceVersion=90", &[added(93)], Then::Silence),
        ],
    );
    // 93 came into being while the pages were read: it comes once, from the watch.
    run.expect(&["10 20 30 seen 30", "seen 90", "93 seen 93"])
        .await;
    assert_eq!(run.snapshot().phase, Phase::Watching);
    assert_eq!(run.snapshot().gaps.values().sum::<u64>(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_backlog_nothing_is_listed() {
    let mut settings = settings(None);
    settings.backlog = Backlog::None;
    let script = vec![newest(50), newest(50), idle("resourceVersion=50")];
    start(settings, 16, script).expect(&["seen 50"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_backlog_leaves_out_what_is_older() {
    let mut settings = settings(None);
    settings.backlog = Backlog::Within(Duration::from_secs(300));
    let old = event(1, r#","lastTimestamp":"2020-01-01T00:00:00Z""#);
    let new = event(2, r#","lastTimestamp":"2999-01-01T00:00:00Z""#);
    let items = format!("{old},{new}");
    let script = vec![
        ("limit=500", raw_page(9, &items, "")),
        newest(9),
        idle("resourceVersion=9"),
    ];
    let mut run = start(settings, 16, script);
    run.expect(&["2 seen 2", "seen 9"]).await;
    assert_eq!(run.counts.get(), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn the_first_stream_waits_until_a_position_is_kept() {
    let (keep, kept) = tokio::sync::watch::channel(false);
    let script = vec![
        list(50, &[7]),
        newest(50),
        watch("resourceVersion=50", &[added(51)], Then::Silence),
    ];
    let mut run = start_kept(settings(None), 16, script, Some(kept));
    assert_eq!(run.next().await, "7 seen 7");
    assert_eq!(run.next().await, "seen 50");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(run.snapshot().phase, Phase::Connecting);
    keep.send_replace(true);
    run.expect(&["51 seen 51"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_position_is_where_the_watch_begins() {
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &[added(75), added(80)], Then::Silence),
    ];
    start(settings(Some(70)), 16, script)
        .expect(&["began 80", "75 80 seen 80"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn every_line_moves_what_was_seen_and_deletions_are_no_events() {
    let bookmark = r#"{"type":"BOOKMARK","object":{"kind":"Event","apiVersion":"v1","metadata":{"resourceVersion":"79"}}}"#;
    let lines = [
        added(71),
        line("MODIFIED", 72),
        line("DELETED", 75),
        bookmark.to_owned(),
    ];
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &lines, Then::Silence),
    ];
    start(settings(Some(70)), 16, script)
        .expect(&["began 80", "71 72 seen 72", "seen 79"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_clean_end_and_a_broken_stream_go_on_where_they_were() {
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &[added(71)], Then::End),
        newest(80),
        watch("resourceVersion=71", &[added(72)], Then::Break),
        newest(80),
        idle("resourceVersion=72"),
    ];
    let mut run = start(settings(Some(70)), 16, script);
    run.expect(&["began 80", "71 seen 71", "seen 71", "72 seen 72", "seen 72"])
        .await;
    let snapshot = run.snapshot();
    assert_eq!(
        (snapshot.restarts["end"], snapshot.restarts["failure"]),
        (1, 1)
    );
    assert_eq!(
        snapshot.gaps.values().sum::<u64>(),
        0,
        "nothing can be missing"
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_is_listed_and_reported() {
    for by_status in [false, true] {
        let expired = if by_status {
            let status = r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}"#;
            ("resourceVersion=70", Reply::Status(410, status.to_owned()))
        } else {
            watch("resourceVersion=70", &[EXPIRED.to_owned()], Then::End)
        };
        let script = vec![
            newest(200),
            newest(200),
            expired,
            list(210, &[150, 60, 69, 70, 71]),
            newest(210),
            idle("resourceVersion=210"),
        ];
        let mut run = start(settings(Some(70)), 16, script);
        run.expect(&["began 200", "71 150 seen 150", "seen 210"])
            .await;
        assert_eq!(run.snapshot().gaps["states"], 1);
        assert_eq!(
            run.counts.get(),
            (0, 3, 0),
            "60, 69 and 70 were seen before"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_gap_can_be_an_event() {
    let mut settings = settings(Some(70));
    settings.gap_events = true;
    let script = vec![
        newest(200),
        newest(200),
        watch("resourceVersion=70", &[EXPIRED.to_owned()], Then::End),
        list(210, &[150]),
        newest(210),
        idle("resourceVersion=210"),
    ];
    let mut run = start(settings, 16, script);
    // The gap's own event has the version before it.
    run.expect(&["began 200", "70 150 seen 150", "seen 210"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_pages_expire_goes_on_with_what_the_server_offers() {
    let status = r#"{"kind":"Status","apiVersion":"v1","metadata":{"continue":"newer"},"status":"Failure","message":"too old","reason":"Expired","code":410}"#;
    let script = vec![
        ("limit=500", page(90, &[10], "older")),
        ("continue=older", Reply::Status(410, status.to_owned())),
        ("continue=newer", page(300, &[20, 299], "")),
        newest(300),
        watch("resourceVersion=90", &[added(299)], Then::Silence),
    ];
    start(settings(None), 16, script)
        .expect(&["10 20 seen 20", "seen 90", "299 seen 299"])
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_restored_is_listed_anew() {
    let script = vec![
        newest(40),
        list(41, &[12, 11]),
        newest(41),
        idle("resourceVersion=41"),
    ];
    let mut run = start(settings(Some(70)), 16, script);
    run.expect(&["restarted", "11 12 seen 12", "seen 41"]).await;
    assert_eq!(run.snapshot().gaps["history"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_position_of_nothing_is_no_version_to_watch_from() {
    let script = vec![list(41, &[12, 11]), newest(41), idle("resourceVersion=41")];
    let mut run = start(settings(Some(0)), 16, script);
    run.expect(&["restarted", "11 12 seen 12", "seen 41"]).await;
    assert_eq!(run.snapshot().gaps.values().sum::<u64>(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_versions_expire_at_once_is_not_listed_without_a_pause() {
    let mut script = vec![newest(80), newest(80)];
    for _ in 0..8 {
        script.push(watch("watch=true", &[EXPIRED.to_owned()], Then::End));
        script.push(list(90, &[]));
        script.push(newest(90));
    }
    script.push(idle("resourceVersion=90"));
    let before = tokio::time::Instant::now();
    let mut run = start(settings(Some(70)), 64, script);
    run.expect(&["began 80"]).await;
    let waited = before.elapsed().as_secs();
    assert!(waited >= 15, "{waited} s for eight lists");
}

#[tokio::test(start_paused = true)]
async fn a_silent_watch_from_the_future_is_noticed() {
    // The server is restored while the watch is open: it says nothing, for ever.
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &[added(75)], Then::Silence),
        newest(76),
        newest(30),
        list(31, &[12]),
        newest(31),
        idle("resourceVersion=31"),
    ];
    let mut run = start(settings(Some(70)), 16, script);
    run.expect(&[
        "began 80",
        "75 seen 75",
        "seen 75",
        "restarted",
        "12 seen 12",
        "seen 31",
    ])
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_outlives_its_time_is_dead() {
    let mut script = vec![newest(80), newest(80), idle("resourceVersion=70")];
    // Asked after each minute of silence, until the server should have ended the stream long ago.
    let before = tokio::time::Instant::now();
    script.extend((0..20).map(|_| newest(80)));
    let run = start(settings(Some(70)), 16, script);
    while !run.snapshot().failures.contains_key("timeout") {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let waited = before.elapsed().as_secs();
    assert!((330..=700).contains(&waited), "{waited}");
    run.task.abort();
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_with_the_pause_that_the_server_asks_for() {
    let status = |code: u16, message: &str| {
        Reply::Status(
            code,
            format!(
                r#"{{"kind":"Status","status":"Failure","message":"{message}","code":{code}}}"#
            ),
        )
    };
    let script = vec![
        (
            "limit=1",
            status(
                403,
                "events is forbidden: User \\\"u\\\" cannot list resource",
            ),
        ),
        ("limit=1", status(401, "Unauthorized")),
        ("limit=1", Reply::Later(429, 60)),
        ("limit=1", status(500, "etcd is away")),
        newest(80),
        newest(80),
        idle("resourceVersion=70"),
    ];
    let before = tokio::time::Instant::now();
    let mut run = start(settings(Some(70)), 16, script);
    run.expect(&["began 80"]).await;
    assert!(before.elapsed() >= Duration::from_secs(60));
    let failures = run.snapshot().failures;
    let labels: Vec<_> = failures.into_iter().collect();
    assert_eq!(
        labels,
        [
            ("forbidden", 1),
            ("server", 1),
            ("too-many-requests", 1),
            ("unauthorized", 1)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_the_server_does_not_know_ends_the_watch() {
    let status = r#"{"kind":"Status","status":"Failure","message":"field label not supported: x","code":400}"#;
    let run = start(
        settings(Some(70)),
        16,
        vec![("limit=1", Reply::Status(400, status.to_owned()))],
    );
    let failure = run.task.await.expect("no panic").expect_err("a mistake");
    assert!(
        failure.to_string().contains("field label not supported: x"),
        "{failure}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_line_that_is_no_event_costs_nothing_but_itself() {
    let lines = [
        added(71),
        "no JSON".to_owned(),
        r#"{"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{}}}"#.to_owned(),
        r#"{"type":"ADDED","object":{"kind":"Event","apiVersion":"v1","metadata":17}}"#.to_owned(),
        added(72),
    ];
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &lines, Then::Silence),
    ];
    let mut run = start(settings(Some(70)), 16, script);
    let mut events = Vec::new();
    while !events.iter().any(|message: &String| message.contains("72")) {
        events.push(run.next().await);
    }
    assert!(events.iter().any(|message| message.contains("71")));
    assert_eq!(run.counts.get().0, 3, "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_nobody_reads_is_closed_and_goes_on_later() {
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &[added(71)], Then::Silence),
        newest(80),
        watch("resourceVersion=71", &[added(72)], Then::Silence),
    ];
    // Room for one message, and nobody takes it.
    let mut run = start(settings(Some(70)), 1, script);
    while run.snapshot().phase != Phase::HeldUp {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    run.expect(&["began 80", "71 seen 71", "seen 71", "72 seen 72"])
        .await;
    assert_eq!(run.snapshot().restarts["held-up"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_the_end_cuts_off_comes_again() {
    let half = added(72);
    let half = half[..half.len() / 2].to_owned();
    let script = vec![
        newest(80),
        newest(80),
        watch("resourceVersion=70", &[added(71), half], Then::Break),
        newest(80),
        watch("resourceVersion=71", &[added(72)], Then::Silence),
    ];
    let mut run = start(settings(Some(70)), 16, script);
    let mut versions = Vec::new();
    while versions
        .last()
        .is_none_or(|last: &String| !last.starts_with("72"))
    {
        versions.push(run.next().await);
    }
    assert_eq!(run.snapshot().restarts["failure"], 1);
}
