//! Secrets go to the server they are for, in headers and addresses, and nowhere else: not into what weir says or leaves
//! on the disk, even where a server sends all of them back.

use std::path::Path;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustix::process::Signal;
use serde_json::{Value, json};
use weir_tests::client::Client;
use weir_tests::delivering::Delivering;
use weir_tests::event;
use weir_tests::fake_http::{FakeHttp, Handler, Options, Reply, Request};
use weir_tests::running::{DEADLINE, Ended, Running};

/// Secrets by their variables. In each there is [`MARK`], which is in no form of it written otherwise, but for Base64.
const SECRETS: [(&str, &str); 5] = [
    ("ES_KEY", "a2V5LWlkOmhpZGRlbi1rZXk="),
    ("TOKEN", "MARK-token.7"),
    ("HMAC_KEY", "MARK hmac \"key\""),
    ("HEADER_KEY", "MARK\\header\"key'7"),
    ("URL_KEY", "MARK-url_key.7"),
];
const PASSWORD: &str = "MARK pass:word\"7&";
const MARK: &str = "MARK";
/// An event's message that only looks like a reference.
const REFERENCE: &str = "${env:ES_KEY}";
/// An event's message of the form of a placeholder.
const PLACEHOLDER: &str = "weir-secret-00112233445566778899aabbccddeeff";

/// Sends all headers and the address back, in several forms: 400 for events with [`REFERENCE`], 401 twice, then 200.
#[derive(Default)]
struct Echo {
    refused: u32,
}

impl Handler for Echo {
    fn answer(&mut self, request: &Request) -> Reply {
        let mut lines = vec![format!("{}?{}", request.path, request.query)];
        for (name, value) in &request.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            lines.push(format!("{name}: {value}"));
            lines.push(Value::from(value.as_ref()).to_string());
            lines.push(percent_encoded(&value));
        }
        if let Some((user, password)) = request.basic() {
            lines.push(format!("{user} has {password}"));
        }
        let is_poison = request.text().contains(REFERENCE);
        self.refused += u32::from(!is_poison && self.refused < 3);
        let code = match (is_poison, self.refused) {
            (true, _) => 400,
            (_, 1 | 2) => 401,
            _ => 200,
        };
        let mut reply = match code {
            200 => Reply::json(200, &json!({"errors": false, "echo": lines})),
            _ => Reply::text(code, lines.join("\n")),
        };
        for name in ["authorization", "x-key"] {
            reply = reply.with(&format!("x-echo-{name}"), request.header(name));
        }
        reply.with("www-authenticate", request.header("authorization"))
    }
}

/// As RFC 3986 has it: what is unreserved stays.
fn percent_encoded(text: &str) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = |byte: u8| match stays(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encoded).collect()
}

type Fake = FakeHttp<Echo>;

fn fake() -> Fake {
    FakeHttp::start(Options::default(), Echo::default())
}

/// No secret in a text, in any form.
fn none_in(place: &str, text: &str) {
    let basic = BASE64_STANDARD.encode(format!("weir:{PASSWORD}"));
    let key = SECRETS[0].1;
    for secret in [MARK, "hidden-key", key, key.trim_end_matches('='), &basic] {
        if let Some(at) = text.find(secret) {
            let around: String = text[at.saturating_sub(200)..].chars().take(400).collect();
            panic!("{secret} is in {place}: {around}");
        }
    }
}

/// No secret in any file of a folder.
fn none_below(folder: &Path) -> usize {
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            files += none_below(&path);
        } else if path.file_name().is_some_and(|name| name != "password") {
            let bytes = std::fs::read(&path).expect("it can be read");
            none_in(
                &path.display().to_string(),
                &String::from_utf8_lossy(&bytes),
            );
            files += 1;
        }
    }
    files
}

fn message(number: usize, text: &str) -> String {
    event(number, "a", 0).replace(&format!("number {number} "), text)
}

/// One receiver for each way of having a secret.
fn scene(search: &Fake, basic: &Fake, hook: &Fake, loki: &Fake) -> Delivering {
    let (search, basic, hook, loki) = (search.url(), basic.url(), hook.url(), loki.url());
    let endpoint = |url: &str| format!("{url}/hook/${{env:URL_KEY}}?key=${{env:URL_KEY}}");
    let hook = json!({
        "endpoint": endpoint(&hook), "bearer": "${env:TOKEN}", "hmac": {"secret": "${env:HMAC_KEY}"},
        "headers": {"X-Key": "${env:HEADER_KEY}", "X-Message": "{{ .Message }}"},
    });
    let mut nobody = hook.clone();
    nobody["endpoint"] = endpoint("http://127.0.0.1:1").into();
    let disk = |name: &str| json!({"disk": {"path": format!("queue-{name}")}});
    let password = json!("${file:/keys/password}");
    let lines = [
        message(1, "plain"),
        message(2, REFERENCE),
        message(3, PLACEHOLDER),
    ];
    let search = json!({"elasticsearch": {"hosts": [search], "apiKey": "${env:ES_KEY}"}, "queue": disk("out")});
    let user = json!({"hosts": [basic], "username": "weir", "password": password});
    let scene = Delivering::to("secrets", search)
        .and("basic", json!({"opensearch": user}))
        .and("hook", json!({"webhook": hook, "queue": disk("hook")}))
        .and(
            "nobody",
            json!({"webhook": nobody, "queue": disk("nobody")}),
        )
        .and(
            "loki",
            json!({"loki": {"url": loki, "username": "weir", "password": password}}),
        )
        .with("logLevel", json!("trace"))
        .with("admin", json!({"listen": "127.0.0.1:0"}))
        .with("shutdown", json!({"deadline": "1s"}))
        .events(&lines.concat());
    scene.folder().write("keys/password", PASSWORD);
    let folder = scene.path("keys").display().to_string();
    let scene = scene
        .with("secrets", json!({"directories": [folder]}))
        .replacing("/keys/password", &format!("{folder}/password"));
    SECRETS
        .iter()
        .fold(scene, |scene, (name, value)| scene.environment(name, value))
}

/// Waits until all but the receiver that reaches nobody are done; gives the metrics.
fn settled(running: &mut Running) -> String {
    let said: Value =
        serde_json::from_str(&running.await_line("probes and metrics")).expect("JSON");
    let address = said["address"].as_str().expect("its address");
    let client = Client::plain(address.parse().expect("an address"));
    let deadline = Instant::now() + DEADLINE;
    loop {
        let metrics = client.get("/metrics").expect("it answers").text();
        let has = |name: &str, kind: &str, count: u32| {
            let line = format!("weir_receiver_{kind}_total{{receiver=\"{name}\"}} {count}\n");
            metrics.contains(&line)
        };
        let mut names = ["out", "basic", "hook", "loki"].iter();
        if names.all(|name| has(name, "delivered", 2) && has(name, "dead", 1)) {
            return metrics;
        }
        assert!(Instant::now() < deadline, "never settled: {metrics}");
        std::thread::yield_now();
    }
}

#[test]
fn no_secret_is_in_what_weir_says_or_leaves() {
    let fakes = [fake(), fake(), fake(), fake()];
    let [search, basic, hook, loki] = &fakes;
    let scene = scene(search, basic, hook, loki);
    let mut running = scene.start();
    let metrics = settled(&mut running);
    running.await_said("is it running");
    running.signal(Signal::TERM);
    let Ended {
        code,
        stdout,
        stderr,
    } = running.await_end();
    assert_eq!(code, Some(1), "some are dead: {stderr}");
    none_in("standard error", &stderr);
    none_in("standard output", &String::from_utf8_lossy(&stdout));
    none_in("/metrics", &metrics);
    assert!(
        none_below(scene.folder().path()) >= 9,
        "configuration, ledger, letters, queues"
    );
    for name in ["out", "basic", "hook", "loki"] {
        let letters = scene.letters(name);
        assert_eq!(letters.len(), 1, "{name}: {letters:?}");
        assert_eq!(letters[0]["event"]["message"], REFERENCE);
        let reason = letters[0]["reason"].as_str().expect("text");
        assert!(reason.contains("400"), "{reason}");
    }
    let (code, said) = scene.check();
    assert_eq!(code, Some(1), "nobody is not there: {said}");
    none_in("check --connect", &said.to_string());
    true_credentials(&fakes);
}

/// The servers got what they must know, and not in a body.
fn true_credentials([search, basic, hook, loki]: &[Fake; 4]) {
    let secret = |name: &str| {
        let found = SECRETS.iter().find(|(known, _)| *known == name);
        found.expect("it is one").1
    };
    for request in [search, basic, hook, loki]
        .iter()
        .flat_map(|it| it.journal())
    {
        none_in("a body", &request.text());
    }
    for request in search.journal() {
        let key = format!("ApiKey {}", secret("ES_KEY"));
        assert_eq!(request.header("authorization"), key);
    }
    for request in basic.journal().into_iter().chain(loki.journal()) {
        let user = ("weir".to_owned(), PASSWORD.to_owned());
        assert_eq!(
            request.basic(),
            Some(user),
            "{} {}",
            request.method,
            request.path
        );
    }
    let posted = hook.journal().into_iter();
    let posted: Vec<Request> = posted.filter(|it| it.method == "POST").collect();
    for request in &posted {
        let token = format!("Bearer {}", secret("TOKEN"));
        assert_eq!(request.header("authorization"), token);
        assert_eq!(request.header("x-key"), secret("HEADER_KEY"));
        assert_eq!(request.path, format!("/hook/{}", secret("URL_KEY")));
        assert_eq!(request.parameter("key"), Some(secret("URL_KEY")));
        assert_eq!(request.json()["message"], request.header("x-message"));
    }
    for message in ["plain", REFERENCE, PLACEHOLDER] {
        assert!(
            posted.iter().any(|it| it.header("x-message") == message),
            "{message}"
        );
    }
}
