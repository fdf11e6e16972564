//! TLS as receivers have it: who is trusted, under which name, who the client is.

use std::path::Path;

use serde_json::{Value, json};
use weir_tests::delivering::{Delivering, few};
use weir_tests::fake_http::elasticsearch::{Elasticsearch, Product};
use weir_tests::fake_http::{Certificate, FakeHttp, Options};
use weir_tests::running::Ended;

type Fake = FakeHttp<Elasticsearch>;

fn fake(client_certificate: bool) -> Fake {
    let options = Options {
        tls: true,
        client_certificate,
        http1_only: false,
    };
    FakeHttp::start(options, Elasticsearch::new(Product::Elasticsearch8))
}

fn scene(fake: &Fake, tls: Value) -> Delivering {
    let sink = json!({"elasticsearch": {"hosts": [fake.url()]}, "http": {"tls": tls}});
    Delivering::to("tls", sink)
}

fn all_there(fake: &Fake, ended: &Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(fake.look(Elasticsearch::count), few().len());
}

/// Replaces a file as a mounted Secret is replaced: at once.
fn replace(path: &Path, contents: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, contents).expect("a file can be written");
    std::fs::rename(new, path).expect("a file can be renamed");
}

#[test]
fn an_unknown_authority_is_named_with_the_key_to_set_and_its_file_can_come_later() {
    let fake = fake(false);
    let nobody = scene(&fake, json!({}));
    let mut running = nobody.start();
    let said = running.await_line("not delivered, will be tried again");
    for part in ["http.tls.caFile", "signed by nobody known", "TLS"] {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    running.signal(rustix::process::Signal::KILL);
    running.await_end();
    assert_eq!(fake.look(Elasticsearch::count), 0);
    // The file has another authority at first; then it is replaced while weir runs.
    let scene = scene(&fake, json!({"caFile": "ca.crt"}));
    scene
        .folder()
        .write("ca.crt", self::fake(false).authority_pem());
    let mut running = scene.start();
    running.await_said("not delivered, will be tried again");
    replace(&scene.path("ca.crt"), &fake.authority_pem());
    all_there(&fake, &running.end());
}

#[test]
fn a_certificate_for_another_name_needs_server_name() {
    let fake = fake(false);
    fake.show(Certificate::OtherName);
    let wrong = scene(&fake, json!({"caFile": "ca.crt"}));
    wrong.folder().write("ca.crt", fake.authority_pem());
    let mut running = wrong.start();
    let said = running.await_line("not delivered, will be tried again");
    assert!(said.contains("http.tls.serverName"), "{said}");
    running.signal(rustix::process::Signal::KILL);
    running.await_end();
    let tls = json!({"caFile": "ca.crt", "serverName": "elsewhere.example"});
    let right = scene(&fake, tls);
    right.folder().write("ca.crt", fake.authority_pem());
    all_there(&fake, &right.run());
}

#[test]
fn a_certificate_that_has_ended_is_said_and_one_that_replaces_it_is_taken() {
    let fake = fake(false);
    fake.show(Certificate::Expired);
    let scene = scene(&fake, json!({"caFile": "ca.crt"}));
    scene.folder().write("ca.crt", fake.authority_pem());
    let mut running = scene.start();
    let said = running.await_line("not delivered, will be tried again");
    assert!(said.contains("expired"), "{said}");
    fake.show(Certificate::Good);
    all_there(&fake, &running.end());
}

#[test]
fn a_client_certificate_is_shown_and_read_again_when_it_is_replaced() {
    let fake = fake(true);
    let none = scene(&fake, json!({"caFile": "ca.crt"}));
    none.folder().write("ca.crt", fake.authority_pem());
    let mut running = none.start();
    running.await_said("not delivered, will be tried again");
    running.signal(rustix::process::Signal::KILL);
    running.await_end();
    let tls = json!({"caFile": "ca.crt", "certFile": "tls.crt", "keyFile": "tls.key"});
    let scene = scene(&fake, tls);
    let (strange, own) = (self::fake(true).identity(), fake.identity());
    scene.folder().write("ca.crt", fake.authority_pem());
    scene.folder().write("tls.crt", &strange.certificate);
    scene.folder().write("tls.key", &strange.key);
    let mut running = scene.start();
    running.await_said("not delivered, will be tried again");
    replace(&scene.path("tls.crt"), &own.certificate);
    replace(&scene.path("tls.key"), &own.key);
    all_there(&fake, &running.end());
    let journal = fake.journal();
    assert!(journal.iter().all(|request| request.has_certificate));
}
