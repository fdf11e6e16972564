//! Taking the lease: missing, released, expired, held, and two at once.

use tokio::time::{sleep, timeout};

use super::*;
use crate::testing::{Conduct, End};

#[tokio::test(start_paused = true)]
async fn a_missing_lease_is_created() {
    let server = Server::new();
    let start = Instant::now();
    let held = held(&server, "me").await;
    assert_eq!(since(start), Duration::ZERO);
    assert_eq!(held.position(), None);
    assert_eq!(held.until(), start + DEADLINE);
    let lease = server.get(PATH).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "me");
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 15);
    assert_eq!(lease["spec"]["leaseTransitions"], 0);
    let status = held.status();
    assert!(status.holds());
    let snapshot = status.snapshot();
    assert_eq!(snapshot.leader.as_deref(), Some("me"));
    assert!(snapshot.leading);
    sleep(DEADLINE).await;
    assert!(!status.holds());
    assert_eq!(status.held_until(), None);
}

#[tokio::test(start_paused = true)]
async fn a_released_lease_is_taken_at_once_with_its_position() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let start = Instant::now();
    let held = held(&server, "me").await;
    assert_eq!(since(start), Duration::ZERO);
    assert_eq!(held.position(), Some("p1"));
    let lease = server.get(PATH).unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 5);
    assert_eq!(position(&server), "p1");
}

#[tokio::test(start_paused = true)]
async fn an_abandoned_lease_is_taken_after_its_duration() {
    let server = Server::new();
    server.put(PATH, lease("other"));
    let start = Instant::now();
    let held = held(&server, "me").await;
    assert_eq!(since(start), DURATION);
    assert_eq!(held.position(), Some("p1"));
    assert_eq!(server.get(PATH).unwrap()["spec"]["leaseTransitions"], 5);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_is_not_taken_and_its_leader_is_known() {
    let server = Server::new();
    let mut leader = held(&server, "other").await;
    let mut standby = elector(&server, "me");
    let status = standby.status();
    let waited = timeout(Duration::from_secs(600), async {
        tokio::select! {
            lost = leader.renew_loop(nothing) => panic!("{lost}"),
            _ = standby.acquire() => panic!("taken"),
        }
    });
    assert!(waited.await.is_err());
    let snapshot = status.snapshot();
    assert_eq!(snapshot.leader.as_deref(), Some("other"));
    assert!(!snapshot.leading);
    assert_eq!(snapshot.failure, None);
    assert!(leader.status().holds());
}

#[tokio::test(start_paused = true)]
async fn who_is_late_with_its_write_looks_again() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let other = server.clone();
    let mut once = true;
    // Between the look and the write another takes it.
    server.plan(move |call| {
        if call.method == http::Method::PUT && std::mem::take(&mut once) {
            let other = other.clone();
            tokio::spawn(async move { other.put(PATH, lease("faster")) });
            return Conduct {
                before: Duration::from_millis(1),
                ..Conduct::well()
            };
        }
        Conduct::well()
    });
    let mut elector = elector(&server, "me");
    let status = elector.status();
    let soon = timeout(Duration::from_secs(5), elector.acquire()).await;
    assert!(soon.is_err());
    assert_eq!(holder(&server), "faster");
    assert_eq!(status.snapshot().leader.as_deref(), Some("faster"));
    assert_eq!(status.snapshot().counts.failed, 0);
}

#[tokio::test(start_paused = true)]
async fn two_that_start_together_get_one_leader() {
    let server = Server::new();
    let (mut one, mut two) = (elector(&server, "one"), elector(&server, "two"));
    let (first, second) = (one.status(), two.status());
    let both = async { tokio::join!(one.acquire(), two.acquire()) };
    assert!(timeout(Duration::from_secs(9), both).await.is_err());
    assert!(first.holds() != second.holds());
}

#[tokio::test(start_paused = true)]
async fn a_missing_role_is_named_and_waited_for() {
    let server = Server::new();
    server.all(Conduct::refuse(
        403,
        "leases.coordination.k8s.io \"weir\" is forbidden: User \"u\" cannot get resource \"leases\"",
    ));
    let mut elector = elector(&server, "me");
    let status = elector.status();
    let waited = timeout(Duration::from_secs(300), elector.acquire()).await;
    assert!(waited.is_err());
    let failure = status.snapshot().failure.unwrap();
    assert_eq!(failure.label(), "forbidden");
    assert!(failure.to_string().contains("deploy/00-roles.yaml"));
    let calls = server.calls().len();
    assert!((60..200).contains(&calls), "{calls} requests in 300 s");

    server.all(Conduct::well());
    let start = Instant::now();
    elector.acquire().await;
    assert!(since(start) <= Duration::from_secs(5));
    assert_eq!(status.snapshot().failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_namespace_that_is_missing_is_a_failure() {
    let server = Server::new();
    server.all(Conduct::refuse(404, "namespaces \"monitoring\" not found"));
    let mut elector = elector(&server, "me");
    let waited = timeout(Duration::from_secs(60), elector.acquire()).await;
    assert!(waited.is_err());
    let failure = elector.status().snapshot().failure.unwrap();
    assert_eq!(failure.label(), "not-found");
    assert!(failure.to_string().starts_with("could not create leases"));
    assert!(server.calls().len() < 100);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_is_given_up_and_its_late_effect_is_ours() {
    let server = Server::new();
    let mut calls = 0;
    // The create is done, but nobody hears of it.
    server.plan(move |_| {
        calls += 1;
        match calls {
            2 => Conduct::end(End::Hang),
            _ => Conduct::well(),
        }
    });
    let start = Instant::now();
    let held = held(&server, "me").await;
    // Half the renew deadline for the request, and the wait after a failure.
    assert!(since(start) <= DEADLINE / 2 + PERIOD, "{:?}", since(start));
    // Counted from the write whose answer came.
    assert_eq!(held.until(), Instant::now() + DEADLINE);
    assert_eq!(server.get(PATH).unwrap()["spec"]["leaseTransitions"], 0);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_counts_from_before_the_write() {
    let server = Server::new();
    let slow = Duration::from_secs(2);
    server.all(Conduct {
        after: slow,
        ..Conduct::well()
    });
    let held = held(&server, "me").await;
    assert_eq!(held.until(), Instant::now() + DEADLINE - slow);
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_an_unchanged_lease_is_taken() {
    let server = Server::new();
    server.put(PATH, lease("other"));
    let mut elector = elector(&server, "me");
    let waited = timeout(Duration::from_secs(5), elector.acquire()).await;
    assert!(waited.is_err());
    server.all(Conduct::lose(End::Break));
    let waited = timeout(Duration::from_secs(60), elector.acquire()).await;
    assert!(waited.is_err());
    assert_eq!(
        elector.status().snapshot().failure.unwrap().label(),
        "network"
    );
    server.all(Conduct::well());
    let start = Instant::now();
    elector.acquire().await;
    // It has to see it for its whole duration again, since each call of acquire looks afresh.
    assert!(since(start) >= DURATION);
    assert!(since(start) <= DURATION + Duration::from_secs(5));
}
