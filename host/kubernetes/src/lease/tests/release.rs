//! Giving the lease back, with the position.

use tokio::time::timeout;

use super::*;
use crate::testing::{Conduct, End};

#[tokio::test(start_paused = true)]
async fn a_standby_takes_over_at_its_next_look_with_the_position() {
    let server = Server::new();
    let mut leader = held(&server, "one").await;
    let mut standby = elector(&server, "two");
    let status = standby.status();
    let waiting = tokio::spawn(async move { standby.acquire().await });
    let renewed = timeout(
        Duration::from_secs(30),
        leader.renew_loop(|| Some("p1".to_owned())),
    );
    assert!(renewed.await.is_err());
    assert!(!status.holds());
    let (before, start) = (leader.status(), Instant::now());
    assert_eq!(leader.release(Some("p2".to_owned())).await, Ok(true));
    assert!(!before.holds());
    let next = waiting.await.unwrap();
    assert!(since(start) <= PERIOD.mul_f64(1.2), "{:?}", since(start));
    assert_eq!(next.position(), Some("p2"));
    let lease = server.get(PATH).unwrap();
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 15);
}

#[tokio::test(start_paused = true)]
async fn it_leaves_a_record_that_every_election_understands() {
    let server = Server::new();
    server.put(PATH, lease(""));
    let held = held(&server, "me").await;
    assert_eq!(held.release(None).await, Ok(true));
    let lease = server.get(PATH).unwrap();
    assert_eq!(lease["spec"]["holderIdentity"], "");
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 1);
    assert_eq!(position(&server), "p1");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_any_more_is_left_alone() {
    let server = Server::new();
    let held = held(&server, "me").await;
    server.put(PATH, lease("thief"));
    let status = held.status();
    assert_eq!(held.release(Some("mine".to_owned())).await, Ok(false));
    assert!(!status.holds());
    assert_eq!(holder(&server), "thief");
    assert_eq!(position(&server), "p1");
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_lost_at_the_deadline_can_be_released() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    server.all(Conduct::lose(End::Break));
    assert_eq!(held.renew_loop(nothing).await.label(), "deadline");
    server.all(Conduct::well());
    assert_eq!(held.release(Some("p".to_owned())).await, Ok(true));
    assert_eq!(holder(&server), "");
    assert_eq!(position(&server), "p");
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_is_broken_off_does_not_undo_it() {
    let server = Server::new();
    let mut held = held(&server, "me").await;
    // It arrives a second after it was sent: in the middle of the release, or before.
    for wait in [2_500, 2_900, 3_500] {
        server.once(Conduct {
            before: Duration::from_secs(1),
            ..Conduct::well()
        });
        let renewed = timeout(Duration::from_millis(wait), held.renew_loop(nothing));
        assert!(renewed.await.is_err());
        assert_eq!(held.release(Some("p".to_owned())).await, Ok(true));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(holder(&server), "");
        held = super::held(&server, "me").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_is_tried_again() {
    for conduct in [Conduct::lose(End::Break), Conduct::end(End::Break)] {
        let server = Server::new();
        let held = held(&server, "me").await;
        server.once(conduct);
        assert_eq!(held.release(None).await, Ok(true));
        assert_eq!(holder(&server), "");
    }
}

#[tokio::test(start_paused = true)]
async fn it_does_not_hold_up_a_shutdown() {
    let server = Server::new();
    let held = held(&server, "me").await;
    let status = held.status();
    server.all(Conduct::lose(End::Hang));
    let start = Instant::now();
    let failure = held.release(None).await.unwrap_err();
    assert_eq!(failure.label(), "timeout");
    assert!(since(start) <= Duration::from_secs(6), "{:?}", since(start));
    assert!(!status.holds());
}
