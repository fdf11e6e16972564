//! The fake receiver of webhooks: ids, signatures, CloudEvents.

use serde_json::{Value, json};
use weir_tests::fake_http::webhook::{CloudEvents, Signature, Webhook};
use weir_tests::fake_http::{FakeHttp, Options};

fn start(webhook: Webhook) -> FakeHttp<Webhook> {
    FakeHttp::start(Options::default(), webhook)
}

fn post(fake: &FakeHttp<Webhook>, headers: &[(&str, &str)], body: &str) -> u16 {
    let answer = fake
        .client()
        .request("POST", "/hook", headers, body.to_owned());
    answer.expect("it answers").code
}

#[test]
fn bodies_are_kept_by_id() {
    let fake = start(Webhook::new());
    let json = ("content-type", "application/json");
    assert_eq!(post(&fake, &[json], "{\"id\":\"a\",\"n\":1}"), 204);
    assert_eq!(post(&fake, &[json], "{\"id\":\"a\",\"n\":2}"), 204);
    assert_eq!(post(&fake, &[json, ("idempotency-key", "b")], "{}"), 204);
    assert_eq!(post(&fake, &[json], "[]"), 204);
    assert_eq!(post(&fake, &[json], "no json"), 400);
    assert_eq!(post(&fake, &[("content-type", "text/plain")], "{}"), 400);
    assert_eq!(fake.client().get("/hook").unwrap().code, 405);
    fake.look(|webhook| {
        assert_eq!(webhook.ids(), ["a", "b"]);
        assert_eq!(webhook.bodies("a").len(), 2);
        assert_eq!(webhook.without_id(), [json!([])]);
        assert_eq!((webhook.count(), webhook.refused().len()), (4, 3));
    });
}

#[test]
fn signatures_are_checked() {
    // RFC 4231, test case 2.
    let fake = start(Webhook::new().signed(Signature::Hex {
        header: "x-signature-256".into(),
        prefix: "sha256=".into(),
        secret: b"Jefe".to_vec(),
    }));
    let body = "what do ya want for nothing?";
    let json = ("content-type", "application/json");
    let good = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    // The signature is good, the body no JSON.
    assert_eq!(post(&fake, &[json, ("x-signature-256", good)], body), 400);
    assert_eq!(
        post(&fake, &[json, ("x-signature-256", &good[7..])], body),
        401
    );
    assert_eq!(post(&fake, &[json], body), 401);
}

#[test]
fn standard_webhooks_are_checked() {
    // The example of the specification.
    let secret = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let secret = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, secret).unwrap();
    let fake = start(Webhook::new().signed(Signature::Standard { secret }));
    let headers = [
        ("content-type", "application/json"),
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        ("webhook-timestamp", "1614265330"),
        (
            "webhook-signature",
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
    ];
    assert_eq!(post(&fake, &headers, "{\"test\": 2432232314}"), 204);
    assert_eq!(post(&fake, &headers, "{\"test\": 2432232315}"), 401);
    assert_eq!(post(&fake, &headers[..3], "{\"test\": 2432232314}"), 401);
    assert_eq!(fake.look(Webhook::ids), ["msg_p5jXN8AQM9LWM0D4loKWxJek"]);
}

#[test]
fn structured_cloud_events_are_checked() {
    let fake = start(Webhook::new().cloud_events(CloudEvents::Structured));
    let kind = [(
        "content-type",
        "application/cloudevents+json; charset=utf-8",
    )];
    let good = json!({
        "specversion": "1.0", "id": "a", "source": "/weir", "type": "event", "time": "2026-01-01T00:00:00Z",
        "datacontenttype": "application/json", "data": {"n": 1}, "cluster": "one",
    });
    assert_eq!(post(&fake, &kind, &good.to_string()), 204);
    assert_eq!(
        post(
            &fake,
            &[("content-type", "application/json")],
            &good.to_string()
        ),
        400
    );
    for (name, value) in [
        ("specversion", json!("0.3")),
        ("id", json!("")),
        ("source", Value::Null),
        ("time", json!("yesterday")),
        ("subject", json!("")),
        ("Cluster", json!("one")),
        ("a_b", json!("c")),
        ("extension", json!({})),
        ("data_base64", json!("AA==")),
    ] {
        let mut bad = good.clone();
        bad[name] = value;
        assert_eq!(post(&fake, &kind, &bad.to_string()), 400, "{name}");
    }
    assert_eq!(fake.look(Webhook::count), 1);
}

#[test]
fn batches_of_cloud_events_are_checked() {
    let fake = start(Webhook::new().cloud_events(CloudEvents::Batch));
    let kind = [("content-type", "application/cloudevents-batch+json")];
    let event = |id: &str| json!({"specversion": "1.0", "id": id, "source": "s", "type": "t"});
    let batch = json!([event("a"), event("b")]);
    assert_eq!(post(&fake, &kind, &batch.to_string()), 204);
    assert_eq!(
        post(&fake, &kind, &json!([event("c"), event("")]).to_string()),
        400
    );
    assert_eq!(fake.look(Webhook::ids), ["a", "b"]);
}

#[test]
fn binary_cloud_events_are_checked() {
    let fake = start(Webhook::new().cloud_events(CloudEvents::Binary));
    let good = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "%C3%A4%20b"),
        ("ce-source", "/weir"),
        ("ce-type", "event"),
    ];
    assert_eq!(post(&fake, &good, "{}"), 204);
    assert_eq!(fake.look(Webhook::ids), ["ä b"]);
    for (name, value) in [
        ("ce-a", "with space"),
        ("ce-a", "%zz"),
        ("ce-datacontenttype", "application/json"),
        ("ce-time", "yesterday"),
    ] {
        let mut bad = good.to_vec();
        bad.push((name, value));
        assert_eq!(post(&fake, &bad, "{}"), 400, "{name}: {value}");
    }
    assert_eq!(post(&fake, &good[..4], "{}"), 400);
}
