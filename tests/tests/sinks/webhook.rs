//! Events at an HTTP endpoint, as receivers of webhooks want them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, few, id};
use weir_tests::fake_http::webhook::{CloudEvents, Signature, Webhook};
use weir_tests::fake_http::{FakeHttp, Fault, Options, Times};
use weir_tests::running::Ended;

type Fake = FakeHttp<Webhook>;

fn fake(webhook: Webhook) -> Fake {
    FakeHttp::start(Options::default(), webhook)
}

fn scene(fake: &Fake, mut settings: Value) -> Delivering {
    settings["endpoint"] = format!("{}/hook", fake.url()).into();
    Delivering::to("webhook", json!({"webhook": settings}))
}

fn all_delivered(scene: &Delivering, ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(scene.count("out", "delivered"), few().len() as i64);
    assert!(scene.letters("out").is_empty());
}

fn ids<'a>(events: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    events.into_iter().map(id).collect()
}

fn nothing_refused(fake: &Fake) {
    fake.look(|fake| assert_eq!(fake.refused(), [""; 0]));
}

#[test]
fn an_event_is_a_request_with_its_own_headers() {
    let fake = fake(Webhook::new());
    let headers = json!({"X-Reason": "{{ .Reason }}", "X-Fixed": "one", "User-Agent": "exporter"});
    let scene = scene(&fake, json!({"headers": headers}));
    all_delivered(&scene, &scene.run());
    nothing_refused(&fake);
    let journal = fake.journal();
    assert_eq!(journal.len(), few().len());
    for request in &journal {
        let event = request.json();
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", "/hook")
        );
        assert_eq!(event["reason"], request.header("x-reason"));
        assert_eq!(request.header("x-fixed"), "one");
        assert_eq!(request.header("user-agent"), "exporter");
    }
    let bodies: Vec<Value> = journal.iter().map(|request| request.json()).collect();
    assert_eq!(ids(&bodies), ids(&few()));
}

#[test]
fn a_layout_is_the_body() {
    let fake = fake(Webhook::new());
    let layout = json!({"text": "{{ .Reason }} of {{ .InvolvedObject.Kind }}", "list": ["{{ .Type | upper }}"]});
    let scene = scene(&fake, json!({"layout": layout}));
    all_delivered(&scene, &scene.run());
    let mut expected: Vec<String> = few()
        .iter()
        .map(|event| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let about = text(&event["involvedObject"]["kind"]);
            let line = format!("{} of {about}", text(&event["reason"]));
            json!({"text": line, "list": [text(&event["type"]).to_uppercase()]}).to_string()
        })
        .collect();
    let journal = fake.journal();
    let mut found: Vec<String> = journal.iter().map(|it| it.json().to_string()).collect();
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_signature_is_good_for_github_and_for_others() {
    for (header, prefix) in [("X-Hub-Signature-256", "sha256="), ("X-Own", "v0:")] {
        let signature = Signature::Hex {
            header: header.to_owned(),
            prefix: prefix.to_owned(),
            secret: b"a key".to_vec(),
        };
        let fake = fake(Webhook::new().signed(signature));
        let hmac = json!({"secret": "${env:KEY}", "header": header, "prefix": prefix});
        let scene = scene(&fake, json!({"hmac": hmac})).environment("KEY", "a key");
        all_delivered(&scene, &scene.run());
        nothing_refused(&fake);
        assert_eq!(fake.look(Webhook::count), few().len());
    }
}

#[test]
fn cloud_events_are_valid_in_all_their_modes() {
    for (mode, settings) in [
        (CloudEvents::Binary, json!({"cloudEvents": "binary"})),
        (
            CloudEvents::Structured,
            json!({"cloudEvents": "structured"}),
        ),
        (
            CloudEvents::Batch,
            json!({"cloudEvents": "structured", "batch": "array"}),
        ),
    ] {
        let fake = fake(Webhook::new().cloud_events(mode));
        let scene = scene(&fake, settings);
        all_delivered(&scene, &scene.run());
        nothing_refused(&fake);
        let ids: BTreeSet<String> = fake.look(Webhook::ids).into_iter().collect();
        assert_eq!(ids, self::ids(&few()), "{mode:?}");
        for id in ids {
            let bodies = fake.look(|fake| fake.bodies(&id).to_vec());
            assert_eq!(bodies.len(), 1);
            let event = match mode {
                CloudEvents::Binary => &bodies[0],
                _ => &bodies[0]["data"],
            };
            assert_eq!(self::id(event), id);
        }
    }
}

#[test]
fn what_is_refused_for_one_event_is_dead_alone() {
    let fake = fake(Webhook::new());
    fake.fail_if(Times::Always, Fault::status(400), |request| {
        request.text().contains("\"reason\":\"UnmanagedPods\"")
    });
    let scene = scene(&fake, json!({}));
    let ended = scene.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    let letters = scene.letters("out");
    assert_eq!(letters.len(), 1, "{letters:?}");
    assert_eq!(letters[0]["event"]["reason"], "UnmanagedPods");
    let reason = letters[0]["reason"].as_str().expect("text");
    assert!(
        reason.contains("400") && reason.contains("the test has this fail"),
        "{reason}"
    );
    assert_eq!(fake.look(Webhook::count), few().len() - 1);
}

#[test]
fn an_array_that_is_refused_is_halved_down_to_the_event() {
    let fake = fake(Webhook::new());
    fake.fail_if(Times::Always, Fault::status(400), |request| {
        request.text().contains("\"reason\":\"UnmanagedPods\"")
    });
    let scene = scene(&fake, json!({"batch": "array"}));
    let ended = scene.run();
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert_eq!(scene.letters("out").len(), 1);
    let taken: Vec<Value> = fake.look(|fake| {
        let arrays = fake.without_id().iter();
        arrays
            .flat_map(|array| array.as_array().expect("an array").clone())
            .collect()
    });
    assert_eq!(taken.len(), few().len() - 1, "none is there twice");
    assert_eq!(ids(&taken).len(), few().len() - 1);
    assert!(
        fake.journal().len() < few().len(),
        "one request has several"
    );
}

#[test]
fn a_failure_that_passes_costs_no_event() {
    for fault in [
        Fault::Reset,
        Fault::status(503),
        Fault::too_many(0),
        Fault::status(401),
    ] {
        let fake = fake(Webhook::new());
        fake.fail(Times::Next(3), fault);
        let scene = scene(&fake, json!({}));
        all_delivered(&scene, &scene.run());
        assert_eq!(
            fake.look(Webhook::count),
            few().len(),
            "none is there twice"
        );
    }
    let mut fake = fake(Webhook::new());
    fake.stop_listening();
    let scene = scene(&fake, json!({}));
    let mut running = scene.start();
    running.await_said("is it running");
    fake.start_listening();
    all_delivered(&scene, &running.end());
    assert_eq!(fake.look(Webhook::count), few().len());
}
