//! Certificates: the server's and clients'.

use weir_tests::client::Client;
use weir_tests::fake_http::{Certificate, FakeHttp, Handler, Options, Reply, Request};

fn start(client_certificate: bool) -> FakeHttp<impl Handler> {
    let options = Options {
        tls: true,
        client_certificate,
        ..Options::default()
    };
    FakeHttp::start(options, |_: &Request| Reply::text(200, "in"))
}

#[test]
fn both_versions_of_http_are_offered() {
    let fake = start(false);
    assert!(fake.url().starts_with("https://127.0.0.1:"));
    assert_eq!(fake.client().get("/").unwrap().text(), "in");
    assert_eq!(fake.client().http2().get("/").unwrap().text(), "in");
    let journal = fake.journal();
    let versions: Vec<&str> = journal.iter().map(|it| it.http_version.as_str()).collect();
    assert_eq!(versions, ["HTTP/1.1", "HTTP/2.0"]);
    assert!(!journal[0].has_certificate);
}

#[test]
fn a_wrong_certificate_lets_nobody_in() {
    let fake = start(false);
    let wrong = [
        Certificate::OtherName,
        Certificate::OtherAuthority,
        Certificate::Expired,
    ];
    for certificate in wrong {
        fake.show(certificate);
        let why = fake.client().get("/").unwrap_err();
        assert!(why.starts_with("no TLS"), "{certificate:?}: {why}");
    }
    assert_eq!(fake.journal().len(), 0);
    fake.show(Certificate::Good);
    assert_eq!(fake.client().get("/").unwrap().code, 200);
}

#[test]
fn a_needed_certificate_must_be_of_the_authority() {
    let fake = start(true);
    assert_eq!(fake.client().get("/").unwrap().code, 200);
    assert!(fake.journal()[0].has_certificate);
    let without = Client::tls(fake.address(), &fake.authority_pem(), None);
    assert!(without.get("/").is_err());
    let other = start(true).identity();
    let other = Some((other.certificate.as_str(), other.key.as_str()));
    let other = Client::tls(fake.address(), &fake.authority_pem(), other);
    assert!(other.get("/").is_err());
    assert_eq!(fake.journal().len(), 1);
}
