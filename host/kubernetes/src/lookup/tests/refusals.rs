//! Ways that the server says no, and replies that are none.

use super::*;

const WIDGET: &str =
    r#""apiVersion":"example.com/v1","kind":"Widget","namespace":"shop","name":"w""#;

#[tokio::test(start_paused = true)]
async fn forbidden_is_switched_off_with_one_line_and_tried_again() {
    let (log, _guard) = Log::start();
    let world = World::new(settings());
    for at in 0..30 {
        world.set(
            &format!("/api/v1/namespaces/shop/pods/p{at}"),
            answer(403, "{}"),
        );
    }
    world.set("/api/v1/nodes/n1", metadata(r#""labels":{"app":"node"}"#));
    let events: Vec<String> = (0..30).map(|at| about_pod(&format!("p{at}"))).collect();
    for _ in 0..3 {
        world.enrich(&events).await;
    }
    let lines = log.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        r#"verb="get""#,
        r#"resource="pods""#,
        r#"group="""#,
        "weir-lookup",
        "deploy/00-roles.yaml",
    ] {
        assert!(lines[0].contains(part), "{part}: {lines:?}");
    }
    let counted = world.counted();
    assert_eq!((counted.without, counted.failures), (90, 0));
    assert_eq!(counted.forbidden + 1, counted.requests);
    let sent = counted.requests;
    // Other resources are looked up as before.
    assert!(
        world
            .label(&event(r#""apiVersion":"v1","kind":"Node","name":"n1""#))
            .await
            .is_some()
    );
    assert_eq!(world.counted().requests, sent + 1);

    world.set(
        "/api/v1/namespaces/shop/pods/p0",
        metadata(r#""labels":{"app":"cart"}"#),
    );
    tokio::time::advance(Duration::from_secs(590)).await;
    assert_eq!(world.label(&about_pod("p0")).await, None);
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(world.label(&about_pod("p0")).await.as_deref(), Some("cart"));
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_comes_later_is_found() {
    let world = World::new(settings());
    let widget = event(WIDGET);
    assert_eq!(world.label(&widget).await, None);
    for _ in 0..5 {
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(
            world.enrich_object(&widget).await["deleted"],
            false,
            "nothing is known of it"
        );
    }
    assert_eq!(
        world.requests(),
        ["/apis/example.com/v1"],
        "asked once a minute at most"
    );
    world.set("/apis/example.com/v1", list(&[("gadgets", "Gadget", true)]));
    tokio::time::advance(Duration::from_secs(11)).await;
    assert_eq!(world.label(&widget).await, None);
    world.set(
        "/apis/example.com/v1",
        list(&[("widgets", "Widget", true), ("gadgets", "Gadget", true)]),
    );
    world.set(
        "/apis/example.com/v1/namespaces/shop/widgets/w",
        metadata(r#""labels":{"app":"widget"}"#),
    );
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(world.label(&widget).await.as_deref(), Some("widget"));
    assert_eq!(world.counted().without, 7);
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_gone_is_not_a_deleted_object() {
    let world = World::new(settings());
    world.set("/apis/example.com/v1", list(&[("widgets", "Widget", true)]));
    let path = "/apis/example.com/v1/namespaces/shop/widgets/w";
    world.set(path, answer(404, "404 page not found\n"));
    let widget = event(WIDGET);
    assert_eq!(world.enrich_object(&widget).await["deleted"], false);
    // It came back with another scope.
    world.set(
        "/apis/example.com/v1",
        list(&[("widgets", "Widget", false)]),
    );
    world.set(
        "/apis/example.com/v1/widgets/w",
        metadata(r#""labels":{"app":"widget"}"#),
    );
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(world.label(&widget).await.as_deref(), Some("widget"));
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_logged_once_a_minute_and_believed_for_ten_seconds() {
    let broken = Answer {
        broken: true,
        ..answer(200, "")
    };
    let slow = Answer {
        after: Duration::from_secs(60),
        ..metadata("")
    };
    for (reply, class) in [
        (answer(401, "{}"), "unauthorized"),
        (answer(429, ""), "too-many-requests"),
        (answer(500, ""), "server"),
        (answer(503, "{}"), "server"),
        (answer(400, ""), "refused"),
        (answer(301, ""), "refused"),
        (answer(200, "<html>"), "malformed"),
        (answer(200, "{}"), "malformed"),
        (answer(200, " ".repeat(1024 * 1024 + 1)), "too-large"),
        (broken, "network"),
        (slow, "timeout"),
    ] {
        let (log, _guard) = Log::start();
        let world = World::new(settings());
        world.set("/api/v1/namespaces/shop/pods/p", reply);
        let event = about_pod("p");
        assert_eq!(world.enrich_object(&event).await["deleted"], false);
        tokio::time::sleep(Duration::from_secs(10)).await;
        let first = world.counted();
        assert_eq!(
            (first.failures, first.without, first.requests),
            (1, 1, 2),
            "{class}"
        );
        assert!(world.enrich_object(&event).await["labels"].is_null());
        let lines = log.take();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains(&format!("class={class:?}")), "{lines:?}");
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.set_pod(r#""labels":{"app":"cart"}"#);
        assert!(world.label(&event).await.is_some(), "{class}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_asked_about_at_once() {
    let world = World::new(settings());
    world.set("/api/v1/namespaces/shop/pods/p", answer(500, ""));
    for _ in 0..7 {
        world.enrich(&[about_p(r#""resourceVersion":"7""#)]).await;
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(world.counted().requests, 2);
    tokio::time::advance(Duration::from_secs(5)).await;
    world.enrich(&[about_p(r#""resourceVersion":"7""#)]).await;
    assert_eq!(world.counted().requests, 3);
}

#[tokio::test(start_paused = true)]
async fn retry_after_holds_all_requests_back() {
    let world = World::new(Settings {
        deadline: Duration::from_secs(20),
        ..settings()
    });
    let busy = Answer {
        retry_after: Some(7),
        ..answer(429, "")
    };
    world.set("/api/v1/namespaces/shop/pods/p", busy);
    world.set(
        "/api/v1/namespaces/shop/pods/q",
        metadata(r#""labels":{"app":"q"}"#),
    );
    world.enrich(&[about_pod("p")]).await;
    let start = Instant::now();
    assert!(world.label(&about_pod("q")).await.is_some());
    assert_eq!(start.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn discovery_fails_and_works_again() {
    let world = World::new(settings());
    let discovery = world.server.lock().unwrap().answers["/api/v1"].clone();
    world.set_pod(r#""labels":{"app":"cart"}"#);
    for reply in [
        answer(500, ""),
        answer(200, "[]"),
        answer(200, r#"{"resources":[{"name":1}]}"#),
        answer(403, ""),
    ] {
        world.set("/api/v1", reply);
        assert_eq!(world.label(&about_pod("p")).await, None);
        let sent = world.counted().requests;
        assert_eq!(world.label(&about_pod("p")).await, None);
        assert_eq!(world.counted().requests, sent);
        tokio::time::advance(Duration::from_secs(601)).await;
    }
    world.set("/api/v1", discovery);
    assert_eq!(world.label(&about_pod("p")).await.as_deref(), Some("cart"));
}

#[tokio::test(start_paused = true)]
async fn any_number_of_made_up_api_versions_is_bounded() {
    let world = World::new(Settings {
        qps: 1e6,
        burst: 1000,
        ..settings()
    });
    for at in 0..500 {
        let object = format!(r#""apiVersion":"g{at}/v1","kind":"K","namespace":"shop","name":"w""#);
        world.enrich(&[event(&object)]).await;
    }
    assert_eq!(
        (world.counted().requests, world.counted().entries),
        (500, 0)
    );
    assert!(world.enricher.lookups.is_idle());
}
