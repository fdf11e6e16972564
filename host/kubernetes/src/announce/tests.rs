//! Announcing against a server in memory that refuses what a real one does.

use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{Call, Conduct, End, Server};

const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/weir/events";
const POD: &str = "/api/v1/namespaces/weir/pods/weir-7d4b";
const FORBIDDEN: &str =
    "events.events.k8s.io is forbidden: User \"u\" cannot create resource \"events\"";

fn pod(uid: Option<&str>) -> OwnPod {
    let pod = OwnPod::from_environment(|name| match name {
        "KUBERNETES_SERVICE_HOST" => Some("10.0.0.1".to_owned()),
        "POD_NAME" => Some("weir-7d4b".to_owned()),
        "POD_NAMESPACE" => Some("weir".to_owned()),
        "POD_UID" => uid.map(str::to_owned),
        _ => None,
    });
    pod.expect("all of it is set")
}

fn announcer(server: &Server, pod: OwnPod) -> Announcer {
    Announcer::new(Connection::of(server.clients()()), pod)
}

/// One that runs until it is dropped.
struct Running {
    announcements: Announcements,
    task: JoinHandle<()>,
}

impl Running {
    fn start(server: &Server) -> Self {
        Self::with(
            announcer(server, pod(Some("u-1"))),
            Announcements::default(),
        )
    }

    fn with(announcer: Announcer, announcements: Announcements) -> Self {
        let task = tokio::spawn(announcer.run(announcements.clone()));
        Self {
            announcements,
            task,
        }
    }

    async fn announce(&self, note: &str) {
        self.announcements.announce(warning(note));
        seconds(2).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn warning(note: &str) -> Announcement {
    Announcement {
        kind: Kind::Warning,
        reason: "ReloadPending",
        action: "Reload",
        note: note.to_owned(),
    }
}

/// Of the paused clock.
async fn seconds(number: u64) {
    sleep(Duration::from_secs(number)).await;
}

fn notes(server: &Server) -> Vec<String> {
    let events = server.below(EVENTS);
    let note = |event: &Value| event["note"].as_str().unwrap().to_owned();
    events.iter().map(note).collect()
}

fn verbs(server: &Server) -> Vec<Method> {
    server.calls().into_iter().map(|call| call.method).collect()
}

fn counts(server: &Server) -> Vec<Value> {
    let events = server.below(EVENTS);
    events
        .iter()
        .map(|event| event["series"]["count"].clone())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_announcement_is_an_event_about_the_pod() {
    let server = Server::new();
    let running = Running::start(&server);
    running.announce("plugins/loki.wasm: not a component").await;
    let mut event = server.below(EVENTS).remove(0);
    let name = event["metadata"]["name"].take();
    let suffix = name.as_str().unwrap().strip_prefix("weir-7d4b.").unwrap();
    u64::from_str_radix(suffix, 16).expect("hexadecimal");
    let time = event["eventTime"].take();
    assert!(time.is_string());
    event["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("resourceVersion");
    assert_eq!(
        event,
        json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": null, "namespace": "weir"},
            "eventTime": null,
            "reportingController": "weir.dev/weir",
            "reportingInstance": "weir-7d4b",
            "regarding": {"apiVersion": "v1", "kind": "Pod", "namespace": "weir", "name": "weir-7d4b", "uid": "u-1"},
            "action": "Reload",
            "reason": "ReloadPending",
            "note": "plugins/loki.wasm: not a component",
            "type": "Warning",
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_repeat_within_ten_minutes_is_a_series() {
    let server = Server::new();
    let running = Running::start(&server);
    for _ in 0..3 {
        running.announce("a").await;
        seconds(590).await;
    }
    assert_eq!(verbs(&server), [Method::POST, Method::PATCH, Method::PATCH]);
    assert_eq!(counts(&server), [json!(3)]);
    seconds(20).await;
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(3), json!(null)]);
    // It is another one if anything differs.
    let normal = Announcement {
        kind: Kind::Normal,
        ..warning("a")
    };
    running.announcements.announce(normal);
    running.announce("b").await;
    assert_eq!(server.below(EVENTS).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn repeats_that_wait_together_are_one_request() {
    let server = Server::new();
    let announcements = Announcements::default();
    for _ in 0..1000 {
        announcements.announce(warning("a"));
    }
    let running = Running::with(announcer(&server, pod(Some("u"))), announcements);
    seconds(1).await;
    assert_eq!(counts(&server), [json!(1000)]);
    running.announcements.announce(warning("a"));
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(1002)]);
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_burst_and_then_one_a_second_and_the_newest_stay() {
    let server = Server::new();
    let (start, times) = (Instant::now(), Arc::new(std::sync::Mutex::new(Vec::new())));
    let of_plan = Arc::clone(&times);
    server.plan(move |_| {
        of_plan.lock().unwrap().push(start.elapsed().as_secs());
        Conduct::well()
    });
    let announcements = Announcements::default();
    for number in 0..20 {
        announcements.announce(warning(&number.to_string()));
    }
    let _running = Running::with(announcer(&server, pod(Some("u"))), announcements);
    seconds(60).await;
    let expected: Vec<u64> = [0; 4].into_iter().chain(0..12).collect();
    assert_eq!(*times.lock().unwrap(), expected);
    // The names are in the order of time.
    let kept: Vec<String> = (4..20).map(|number| number.to_string()).collect();
    assert_eq!(notes(&server), kept);
}

#[tokio::test(start_paused = true)]
async fn what_is_forbidden_is_tried_once_each_time_and_works_when_it_is_granted() {
    let server = Server::new();
    server.all(Conduct::refuse(403, FORBIDDEN));
    let running = Running::start(&server);
    running.announce("a").await;
    running.announce("b").await;
    seconds(300).await;
    assert_eq!(server.calls().len(), 2);
    server.all(Conduct::well());
    running.announce("a").await;
    assert_eq!(notes(&server), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_missing_right_is_news_once_until_it_is_granted() {
    let server = Server::new();
    let mut announcer = announcer(&server, pod(Some("u")));
    server.all(Conduct::refuse(403, FORBIDDEN));
    let request = || Request::new(EVENTS).create(&PostParams::default(), Vec::new());
    let failure = announcer.ask("create", request).await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "may not create events in the API group \"events.k8s.io\" in namespace \"weir\": \
         apply deploy/00-roles.yaml, or grant verb create on events to User \"u\""
    );
    assert!(announcer.is_first_refusal("create"));
    assert!(!announcer.is_first_refusal("create"));
    server.put(&format!("{EVENTS}/x"), json!({}));
    server.all(Conduct::well());
    let request = || Request::new(EVENTS).get("x", &Default::default());
    announcer.ask("create", request).await.unwrap();
    assert!(announcer.is_first_refusal("create"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_for_a_while_gets_it_and_one_that_stays_away_does_not() {
    for (conduct, away, expected) in [
        (Conduct::lose(End::Break), 25, 1),
        (Conduct::lose(End::Hang), 25, 1),
        (Conduct::refuse(503, "starting"), 25, 1),
        (Conduct::lose(End::Break), 300, 0),
        (Conduct::lose(End::Hang), 300, 0),
    ] {
        let server = Server::new();
        server.all(conduct);
        let running = Running::start(&server);
        running.announce("a").await;
        seconds(away).await;
        server.all(Conduct::well());
        seconds(120).await;
        assert_eq!(server.below(EVENTS).len(), expected, "{away} s away");
        assert!(server.calls().len() <= usize::try_from(TRIES).unwrap());
        // Whatever became of it, the next one is written.
        running.announce("b").await;
        assert!(notes(&server).contains(&"b".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_neither_doubles_nor_counts_twice() {
    for end in [End::Break, End::Hang] {
        let server = Server::new();
        let running = Running::start(&server);
        server.once(Conduct::end(end));
        running.announce("a").await;
        seconds(60).await;
        server.once(Conduct::end(end));
        running.announce("a").await;
        seconds(60).await;
        assert_eq!(counts(&server), [json!(2)]);
        assert_eq!(
            verbs(&server),
            [Method::POST, Method::POST, Method::PATCH, Method::PATCH]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn repeats_that_could_not_be_written_are_in_the_next_count() {
    let server = Server::new();
    let running = Running::start(&server);
    running.announce("a").await;
    server.plan(|call: &Call| match call.method {
        Method::PATCH => Conduct::refuse(403, "events is forbidden: User \"u\" cannot patch"),
        _ => Conduct::well(),
    });
    running.announce("a").await;
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(null)]);
    server.all(Conduct::well());
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(4)]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_gone_is_made_anew() {
    let server = Server::new();
    let running = Running::start(&server);
    running.announce("a").await;
    let name = server.below(EVENTS)[0]["metadata"]["name"].clone();
    server.delete(&format!("{EVENTS}/{}", name.as_str().unwrap()));
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(null)]);
    running.announce("a").await;
    assert_eq!(counts(&server), [json!(2)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_never_takes_is_not_tried_again() {
    let namespace = "namespaces \"weir\" not found";
    for (code, text) in [(400, "no"), (422, "no"), (404, namespace)] {
        let server = Server::new();
        server.once(Conduct::refuse(code, text));
        let running = Running::start(&server);
        running.announce("a").await;
        seconds(300).await;
        assert_eq!(server.calls().len(), 1, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn many_different_ones_stay_bounded() {
    let server = Server::new();
    let mut announcer = announcer(&server, pod(Some("u")));
    let announcements = Announcements::default();
    for number in 0..SERIES_MAX + 10 {
        announcements.announce(warning(&number.to_string()));
        let (waiting, left_out) = announcements.take().unwrap();
        assert_eq!(left_out, 0);
        announcer.write(waiting).await;
    }
    assert_eq!(announcer.series.len(), SERIES_MAX);
    assert_eq!(announcer.series.front().unwrap().of, warning("10"));
    seconds(601).await;
    announcements.announce(warning("0"));
    announcer.write(announcements.take().unwrap().0).await;
    assert_eq!(announcer.series.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_strangest_note_and_the_longest_pod_are_taken() {
    let server = Server::new();
    let mut pod = pod(Some("u"));
    pod.rename(&"a".repeat(253));
    let running = Running::with(announcer(&server, pod), Announcements::default());
    running.announce(&"\u{0}\n\"ä".repeat(1000)).await;
    running.announce("").await;
    assert_eq!(server.below(EVENTS).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_uid_that_is_not_told_is_asked_for_once() {
    let server = Server::new();
    server.put(
        POD,
        json!({"kind": "Pod", "metadata": {"name": "weir-7d4b", "uid": "u-9"}}),
    );
    let running = Running::with(announcer(&server, pod(None)), Announcements::default());
    running.announce("a").await;
    running.announce("b").await;
    assert_eq!(verbs(&server), [Method::GET, Method::POST, Method::POST]);
    for event in server.below(EVENTS) {
        assert_eq!(event["regarding"]["uid"], "u-9");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_uid_it_is_announced_all_the_same() {
    // A missing right is not asked for again, a server that does not answer is.
    for (conduct, gets) in [
        (
            Conduct::refuse(
                403,
                "pods \"weir-7d4b\" is forbidden: User \"u\" cannot get",
            ),
            1,
        ),
        (Conduct::refuse(404, "not found"), 1),
        (Conduct::refuse(500, "no"), 2),
        (Conduct::lose(End::Hang), 2),
    ] {
        let server = Server::new();
        server.plan(move |call| match call.method {
            Method::GET => conduct.clone(),
            _ => Conduct::well(),
        });
        let running = Running::with(announcer(&server, pod(None)), Announcements::default());
        running.announce("a").await;
        running.announce("b").await;
        seconds(60).await;
        let found = verbs(&server)
            .into_iter()
            .filter(|verb| *verb == Method::GET);
        assert_eq!(found.count(), gets);
        let events = server.below(EVENTS);
        assert_eq!(events.len(), 2);
        for event in events {
            assert_eq!(event["regarding"]["uid"], json!(null));
        }
    }
}

#[test]
fn there_is_no_pod_where_anything_is_missing() {
    for missing in ["KUBERNETES_SERVICE_HOST", "POD_NAME", "POD_NAMESPACE"] {
        for value in [None, Some(String::new())] {
            let pod = OwnPod::from_environment(|name| match name == missing {
                true => value.clone(),
                false => Some("x".to_owned()),
            });
            assert_eq!(pod, None, "{missing}");
        }
    }
}
