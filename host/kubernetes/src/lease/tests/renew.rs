//! Keeping the lease, and noticing in time that it is lost.

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use tokio::time::timeout;

use super::super::Lost;
use super::*;
use crate::testing::{Conduct, End};

/// Renews for so long.
async fn renew_for(held: &mut Held, time: Duration) {
    let renewed = timeout(time, held.renew_loop(nothing)).await;
    assert_eq!(renewed.ok(), None, "lost");
}

#[tokio::test(start_paused = true)]
async fn each_renewal_carries_the_newest_position() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let count = Cell::new(0);
    let renewed = timeout(
        Duration::from_secs(60),
        held.renew_loop(|| {
            count.set(count.get() + 1);
            Some(format!("p{}", count.get()))
        }),
    );
    assert!(renewed.await.is_err());
    // Each 2 s to 2.4 s.
    assert!((25..=30).contains(&count.get()), "{}", count.get());
    assert_eq!(position(&server), format!("p{}", count.get()));
    assert_eq!(held.status().snapshot().counts.renewed, count.get());
    // What was found at the acquisition stays what it was.
    assert_eq!(held.position(), None);
    // One request each, no look before it.
    assert_eq!(server.calls().len() as u64, 2 + count.get());
}

#[tokio::test(start_paused = true)]
async fn without_a_position_the_stored_one_stays() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let mut held = held(&server, "me").await;
    renew_for(&mut held, Duration::from_secs(20)).await;
    assert_eq!(position(&server), "p1");
}

/// From the last renewal that was sent, whatever happens.
async fn check_lost_at_the_deadline(conduct: Conduct, label: &str) {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let status = held.status();
    renew_for(&mut held, Duration::from_secs(30)).await;
    server.all(conduct);
    let until = held.until();
    let lost = held.renew_loop(nothing).await;
    assert_eq!(Instant::now(), until, "{label}");
    assert!(!status.holds());
    let Lost::Deadline {
        failure: Some(failure),
    } = &lost
    else {
        panic!("{lost}");
    };
    assert_eq!(failure.label(), label);
    assert_eq!(lost.label(), "deadline");
    let snapshot = status.snapshot();
    assert_eq!(snapshot.counts.lost, 1);
    assert_eq!(snapshot.leader, None);
    assert!(!snapshot.leading);
}

#[tokio::test(start_paused = true)]
async fn lost_at_the_deadline_whatever_the_failure() {
    check_lost_at_the_deadline(Conduct::lose(End::Hang), "timeout").await;
    check_lost_at_the_deadline(Conduct::lose(End::Break), "network").await;
    check_lost_at_the_deadline(Conduct::refuse(500, "etcd"), "server").await;
    check_lost_at_the_deadline(Conduct::refuse(403, "x cannot update"), "forbidden").await;
    check_lost_at_the_deadline(Conduct::refuse(401, "Unauthorized"), "unauthorized").await;
    let mut busy = Conduct::refuse(429, "busy");
    if let Some((_, body)) = &mut busy.refuse {
        body["details"] = json!({"retryAfterSeconds": 60});
    }
    check_lost_at_the_deadline(busy, "too-many-requests").await;
}

#[tokio::test(start_paused = true)]
async fn an_outage_that_ends_before_the_deadline_costs_nothing() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    for conduct in [Conduct::lose(End::Break), Conduct::refuse(503, "no")] {
        server.all(conduct);
        renew_for(&mut held, Duration::from_secs(8)).await;
        assert!(held.status().snapshot().failure.is_some());
        server.all(Conduct::well());
        renew_for(&mut held, Duration::from_secs(8)).await;
        assert_eq!(held.status().snapshot().failure, None);
    }
    // Hanging: the first try is given up early enough for a second.
    server.once(Conduct::lose(End::Hang));
    renew_for(&mut held, Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_took_is_lost_at_once() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    server.put(PATH, lease("thief"));
    let start = Instant::now();
    let lost = held.renew_loop(nothing).await;
    assert!(since(start) <= PERIOD * 2);
    let by = Some("thief".to_owned());
    assert_eq!(lost, Lost::Taken { by: by.clone() });
    assert!(!held.status().holds());
    assert_eq!(held.status().snapshot().leader, by);
    assert_eq!(holder(&server), "thief");
}

#[tokio::test(start_paused = true)]
async fn a_label_that_somebody_sets_is_kept() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let mut changed = server.get(PATH).unwrap();
    changed["metadata"]["labels"] = json!({"team": "a"});
    server.put(PATH, changed);
    renew_for(&mut held, Duration::from_secs(10)).await;
    assert_eq!(server.get(PATH).unwrap()["metadata"]["labels"]["team"], "a");
    assert_eq!(held.status().snapshot().counts.failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_answer_was_lost_is_recognised() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    server.once(Conduct::end(End::Break));
    renew_for(&mut held, Duration::from_secs(60)).await;
    let snapshot = held.status().snapshot();
    assert_eq!(snapshot.counts.failed, 1);
    assert!(snapshot.leading);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_is_created_again_with_its_position() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let mut held = held(&server, "me").await;
    server.delete(PATH);
    renew_for(&mut held, Duration::from_secs(10)).await;
    assert_eq!(holder(&server), "me");
    assert_eq!(position(&server), "p1");
}

#[tokio::test(start_paused = true)]
async fn a_position_that_is_too_large_does_not_cost_the_lease() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let mut held = held(&server, "me").await;
    let large = "x".repeat(300_000);
    let renewed = timeout(
        Duration::from_secs(60),
        held.renew_loop(|| Some(large.clone())),
    );
    assert!(renewed.await.is_err());
    assert_eq!(position(&server), "p1");
    let counts = held.status().snapshot().counts;
    assert_eq!(counts.oversize, counts.renewed);
    assert_eq!(counts.failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_not_run_for_long_notices_first() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let calls = server.calls().len();
    tokio::time::advance(DEADLINE).await;
    let lost = held.renew_loop(nothing).await;
    assert_eq!(lost, Lost::Deadline { failure: None });
    assert_eq!(server.calls().len(), calls, "it must not renew any more");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_before_the_renewal() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let slow = Duration::from_secs(1);
    let sent = Arc::new(Mutex::new(Instant::now()));
    let last = Arc::clone(&sent);
    server.plan(move |_| {
        *last.lock().unwrap() = Instant::now();
        Conduct {
            after: slow,
            ..Conduct::well()
        }
    });
    // Until just after the answer to the first renewal.
    let status = held.status();
    let answered = async {
        while status.snapshot().counts.renewed == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        lost = held.renew_loop(nothing) => panic!("{lost}"),
        () = answered => {}
    }
    assert_eq!(held.until(), *sent.lock().unwrap() + DEADLINE);
    assert!(held.until() <= Instant::now() + DEADLINE - slow);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_noticed_after_the_deadline_does_not_bring_it_back() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    let status = held.status();
    server.all(Conduct {
        after: Duration::from_secs(1),
        ..Conduct::well()
    });
    let start = Instant::now();
    let renewing = held.renew_loop(nothing);
    tokio::pin!(renewing);
    // The renewal is sent; then the process does not run until the old deadline has passed, not the new one.
    let sent = timeout(Duration::from_millis(2_500), &mut renewing).await;
    assert!(sent.is_err());
    tokio::time::sleep_until(start + DEADLINE + Duration::from_secs(1)).await;
    assert!(!status.holds());
    let lost = timeout(Duration::from_secs(60), renewing).await;
    assert_eq!(lost.map(|lost| lost.label()), Ok("deadline"));
    assert!(!status.holds());
    assert_eq!(status.snapshot().counts.renewed, 0);
}
