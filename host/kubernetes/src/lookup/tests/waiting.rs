//! The deadline, the rate, and requests that are shared.

use super::*;

fn elapsed_since(start: Instant) -> u128 {
    start.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn one_request_for_all_who_ask_at_once() {
    let world = World::new(settings());
    world.set_pod(r#""labels":{"app":"cart"}"#);
    let events = vec![about_pod("p"); 5];
    let (first, second) = tokio::join!(world.enrich(&events), world.enrich(&events));
    for document in first.iter().chain(&second) {
        assert_eq!(document["involvedObject"]["labels"]["app"], "cart");
    }
    assert_eq!(
        world.requests(),
        ["/api/v1", "/api/v1/namespaces/shop/pods/p"]
    );
    assert_eq!(world.counted().misses, 10);
}

#[tokio::test(start_paused = true)]
async fn discovery_is_shared() {
    let world = World::new(settings());
    let events: Vec<String> = (0..20).map(|at| about_pod(&format!("p{at}"))).collect();
    world.enrich(&events).await;
    let requests = world.requests();
    assert_eq!(requests.iter().filter(|path| *path == "/api/v1").count(), 1);
    assert_eq!(requests.len(), 21);
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_events_go_on_without() {
    let world = World::new(settings());
    let mut slow = metadata(r#""labels":{"app":"cart"}"#);
    slow.after = Duration::from_secs(3);
    world.set("/api/v1/namespaces/shop/pods/p", slow);
    let start = Instant::now();
    assert_eq!(world.label(&about_pod("p")).await, None);
    assert_eq!(elapsed_since(start), 2000);
    assert_eq!((world.counted().without, world.counted().failures), (1, 0));
    // The request went on, so the next event gets what it brought.
    assert_eq!(world.label(&about_pod("p")).await.as_deref(), Some("cart"));
    assert_eq!(
        world.requests(),
        ["/api/v1", "/api/v1/namespaces/shop/pods/p"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_costs_each_chunk_its_deadline_and_no_more() {
    let (log, _guard) = Log::start();
    let world = World::new(settings());
    let mut hangs = answer(200, "{}");
    hangs.after = Duration::from_secs(3600);
    world.set("/api/v1", hangs);
    for round in 0..3 {
        let start = Instant::now();
        let events: Vec<String> = (0..50)
            .map(|at| about_pod(&format!("p{at}-{round}")))
            .collect();
        world.enrich(&events).await;
        assert_eq!(elapsed_since(start), 2000);
    }
    assert_eq!(
        (world.counted().without, world.counted().requests),
        (150, 1)
    );
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(world.counted().failures, 1);
    assert_eq!(log.take().len(), 1);
    // For ten seconds it is known that it does not work.
    for expected in [0, 2000] {
        let start = Instant::now();
        world.enrich(&[about_pod("q")]).await;
        assert_eq!(elapsed_since(start), expected);
        tokio::time::advance(Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn requests_keep_to_the_rate_and_start_before_the_deadline() {
    let world = World::new(Settings {
        qps: 10.0,
        burst: 4,
        ..settings()
    });
    let events: Vec<String> = (0..60).map(|at| about_pod(&format!("p{at}"))).collect();
    let start = Instant::now();
    let documents = world.enrich(&events).await;
    assert!(elapsed_since(start) <= 2000);
    let log = std::mem::take(&mut world.server.lock().unwrap().log);
    // A burst of 4 and 10 a second for less than 2 s.
    assert_eq!(log.len(), 23, "{log:?}");
    for window in log.windows(5) {
        assert!(window[4].1 - window[0].1 >= 99, "{log:?}");
    }
    let deleted = documents
        .iter()
        .filter(|document| document["involvedObject"]["deleted"] == true)
        .count();
    assert_eq!(deleted, 22);
    let counted = world.counted();
    assert_eq!(
        (counted.without, counted.requests, counted.failures),
        (38, 23, 0)
    );
    assert_eq!(counted.late, 38);
    assert!(world.enricher.lookups.is_idle());
}

#[tokio::test(start_paused = true)]
async fn no_more_than_the_burst_are_in_flight() {
    let world = World::new(Settings {
        qps: 1e6,
        burst: 7,
        ..settings()
    });
    for at in 0..60 {
        let mut pod = metadata("");
        pod.after = Duration::from_millis(50);
        world.set(&format!("/api/v1/namespaces/shop/pods/p{at}"), pod);
    }
    let events: Vec<String> = (0..60).map(|at| about_pod(&format!("p{at}"))).collect();
    world.enrich(&events).await;
    assert_eq!(world.server.lock().unwrap().in_flight_most, 7);
    assert_eq!(world.counted().without, 0);
}

#[tokio::test(start_paused = true)]
async fn held_events_wait_until_it_works() {
    let world = World::new(Settings {
        hold: true,
        ..settings()
    });
    world.set("/api/v1/namespaces/shop/pods/p", answer(500, "oh"));
    let repair = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.set_pod(r#""labels":{"app":"cart"}"#);
    };
    let start = Instant::now();
    let event = about_pod("p");
    let (label, ()) = tokio::join!(world.label(&event), repair);
    assert_eq!(label.as_deref(), Some("cart"));
    assert!(elapsed_since(start) < 66_000);
    let counted = world.counted();
    assert_eq!(
        (counted.without, counted.requests - 2),
        (0, counted.failures)
    );
    assert!(
        (10..30).contains(&counted.failures),
        "with growing pauses: {}",
        counted.failures
    );
}

#[tokio::test(start_paused = true)]
async fn held_events_wait_for_their_place_too() {
    let world = World::new(Settings {
        hold: true,
        qps: 1.0,
        burst: 1,
        ..settings()
    });
    let events: Vec<String> = (0..20).map(|at| about_pod(&format!("p{at}"))).collect();
    let start = Instant::now();
    let documents = world.enrich(&events).await;
    assert!(
        documents
            .iter()
            .all(|document| document["involvedObject"]["deleted"] == true)
    );
    assert!(
        (20_000..120_000).contains(&elapsed_since(start)),
        "{}",
        elapsed_since(start)
    );
    assert_eq!(world.counted().without, 0);
}

#[tokio::test(start_paused = true)]
async fn what_would_not_change_is_not_waited_for() {
    let world = World::new(Settings {
        hold: true,
        ..settings()
    });
    let start = Instant::now();
    for reply in [
        answer(403, ""),
        answer(200, "no JSON"),
        answer(400, ""),
        answer(200, "x".repeat(2 << 20)),
    ] {
        world.set("/apis/apps/v1/namespaces/shop/deployments/d", reply);
        let deployment =
            event(r#""apiVersion":"apps/v1","kind":"Deployment","namespace":"shop","name":"d""#);
        world.enrich(&[deployment]).await;
        tokio::time::advance(Duration::from_secs(700)).await;
    }
    world
        .enrich(&[event(
            r#""apiVersion":"apps/v1","kind":"Unknown","namespace":"shop","name":"d""#,
        )])
        .await;
    world
        .enrich(&[event(
            r#""apiVersion":"gone/v1","kind":"Unknown","namespace":"shop","name":"d""#,
        )])
        .await;
    assert!(elapsed_since(start) < 4 * 700_000 + 2000);
    assert_eq!(world.counted().without, 6);
}

#[tokio::test(start_paused = true)]
async fn dropping_it_ends_what_is_under_way() {
    let world = World::new(settings());
    let mut slow = metadata("");
    slow.after = Duration::from_secs(5);
    world.set("/api/v1/namespaces/shop/pods/p", slow);
    world.enrich(&[about_pod("p")]).await;
    let lookups = Arc::downgrade(&world.enricher.lookups);
    drop(world.enricher);
    tokio::task::yield_now().await;
    assert!(lookups.upgrade().is_none());
}

#[tokio::test(start_paused = true)]
async fn it_can_be_shared_by_tasks() {
    let world = World::new(settings());
    world.set_pod(r#""labels":{"app":"cart"}"#);
    let enricher = Arc::new(world.enricher);
    let tasks = [(); 2].map(|()| {
        let enricher = Arc::clone(&enricher);
        tokio::spawn(async move { enricher.enrich(chunk(&[about_pod("p")])).await })
    });
    for task in tasks {
        let chunks = task.await.expect("no panic");
        assert!(chunks[0].get(0).json("/involvedObject/labels").is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_found_before_is_better_than_nothing() {
    let world = World::new(Settings {
        qps: 1.0,
        burst: 2,
        ..settings()
    });
    world.set_pod(r#""labels":{"app":"old"},"resourceVersion":"10""#);
    let at = |version: &str| about_p(&format!(r#""resourceVersion":"{version}""#));
    assert_eq!(world.label(&at("10")).await.as_deref(), Some("old"));
    // The rate has no place for it.
    world.set_pod(r#""labels":{"app":"new"},"resourceVersion":"20""#);
    let mut events: Vec<String> = (0..2).map(|at| about_pod(&format!("x{at}"))).collect();
    events.push(at("20"));
    let documents = world.enrich(&events).await;
    assert_eq!(documents[2]["involvedObject"]["labels"]["app"], "old");
    // It fails.
    tokio::time::advance(Duration::from_secs(9)).await;
    world.set("/api/v1/namespaces/shop/pods/p", answer(500, ""));
    assert_eq!(world.label(&at("20")).await.as_deref(), Some("old"));
    assert_eq!(world.label(&at("20")).await.as_deref(), Some("old"));
    assert_eq!((world.counted().stale, world.counted().failures), (2, 1));
    // It takes too long.
    tokio::time::advance(Duration::from_secs(11)).await;
    let mut slow = metadata(r#""labels":{"app":"new"},"resourceVersion":"20""#);
    slow.after = Duration::from_secs(3);
    world.set("/api/v1/namespaces/shop/pods/p", slow);
    assert_eq!(world.label(&at("20")).await.as_deref(), Some("old"));
    assert_eq!(world.label(&at("20")).await.as_deref(), Some("new"));
    assert_eq!((world.counted().stale, world.counted().without), (3, 0));
}
