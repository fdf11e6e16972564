//! TLS: who is believed, who we are, and files that change.

#![allow(clippy::unwrap_used)] // its helpers are tests too

mod common;

use std::path::Path;

use common::certificates::{self, Ca, Folder};
use common::{Server, client, error, get, granted, ok, text};
use weir_outbound::{Class, Client, Endpoint, Settings, Tls};

fn endpoint(client: &Client, server: &Server, tls: Tls) -> Endpoint {
    let settings = Settings {
        tls,
        ..granted(&server.https())
    };
    client.endpoint(settings).unwrap()
}

fn refused(server: &Server, tls: Tls) -> String {
    let client = client();
    let error = error(&endpoint(&client, server, tls), server.https());
    let begins = format!("TLS: {}: ", server.https());
    assert!(error.starts_with(&begins), "{error}");
    error
}

fn ca_file(file: &Path) -> Tls {
    Tls {
        ca_file: Some(file.to_owned()),
        ..Tls::default()
    }
}

#[test]
fn the_servers_certificate_is_checked() {
    let (folder, ca) = (Folder::new(), Ca::new("ours"));
    let file = folder.file("ca.crt", &ca.pem());
    let server = Server::tls(certificates::server(&ca.pair("localhost")), |_| ok("hello"));
    let client = client();
    let believed = endpoint(&client, &server, ca_file(&file));
    assert_eq!(text(&get(&believed, server.https()).unwrap()), "hello");

    let error = refused(&server, Tls::default());
    assert!(error.contains("put its CA into http.tls.caFile"), "{error}");
    let skipped = Tls {
        insecure_skip_verify: true,
        ..Tls::default()
    };
    assert_eq!(
        get(&endpoint(&client, &server, skipped), server.https())
            .unwrap()
            .status,
        200
    );

    let named = Server::tls(certificates::server(&ca.pair("es.example")), |_| {
        ok("hello")
    });
    let error = refused(&named, ca_file(&file));
    assert!(
        error.contains("http.tls.serverName") && error.contains("es.example"),
        "{error}"
    );
    let tls = Tls {
        server_name: Some("es.example".to_owned()),
        ..ca_file(&file)
    };
    assert_eq!(
        get(&endpoint(&client, &named, tls), named.https())
            .unwrap()
            .status,
        200
    );

    let settings = Settings {
        tls: ca_file(&file),
        secrets: common::Secrets::of(&[("weir-secret-1", &named.https())]),
        ..granted(&named.https())
    };
    let error = common::error(&client.endpoint(settings).unwrap(), "weir-secret-1");
    assert!(
        error.starts_with("TLS: (an address that is a secret): "),
        "{error}"
    );
    assert!(!error.contains("localhost"), "{error}");

    let expired = Server::tls(certificates::server(&ca.expired("localhost")), |_| ok(""));
    let error = refused(&expired, ca_file(&file));
    assert!(error.contains("has expired"), "{error}");

    // What a server of HTTP says to the beginning of TLS.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!(
        "https://localhost:{}",
        listener.local_addr().unwrap().port()
    );
    let speaking = std::thread::spawn(move || {
        use std::io::Write;
        let (mut stream, _) = listener.accept().unwrap();
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        stream
    });
    let plain_endpoint = client.endpoint(granted(&url)).unwrap();
    let error = common::error(&plain_endpoint, url);
    assert!(
        error.contains("something else than TLS; is it http://?"),
        "{error}"
    );
    drop(speaking.join().unwrap());
}

#[test]
fn a_client_shows_its_certificate() {
    let (folder, ca) = (Folder::new(), Ca::new("ours"));
    let file = folder.file("ca.crt", &ca.pem());
    let config = ca.server_for_clients(&ca.pair("localhost"));
    let server = Server::tls(config, |_| ok("hello"));
    let error = refused(&server, ca_file(&file));
    assert!(error.contains("http.tls.certFile"), "{error}");

    let pair = Ca::new("another").pair("weir");
    let with = |certificate: &str, key: &str| Tls {
        cert_file: Some(folder.file("tls.crt", certificate)),
        key_file: Some(folder.file("tls.key", key)),
        ..ca_file(&file)
    };
    let tls = with(&pair.certificate, &pair.key);
    let error = refused(&server, tls.clone());
    assert!(error.contains("http.tls.certFile"), "{error}");

    // One file at a time: in between they do not belong together, and what was before is used.
    let client = client();
    let rotating = endpoint(&client, &server, tls);
    let ours = ca.pair("weir");
    folder.file("tls.crt", &ours.certificate);
    assert_eq!(
        get(&rotating, server.https()).unwrap_err().class(),
        Class::Tls
    );
    folder.file("tls.key", &ours.key);
    assert_eq!(text(&get(&rotating, server.https()).unwrap()), "hello");
}

#[test]
fn a_ca_is_read_again_when_a_link_leads_elsewhere() {
    let (folder, old, new) = (Folder::new(), Ca::new("old"), Ca::new("new"));
    let of_old = Server::tls(certificates::server(&old.pair("localhost")), |_| ok("old"));
    let of_new = Server::tls(certificates::server(&new.pair("localhost")), |_| ok("new"));
    for (name, ca) in [("..1", &old), ("..2", &new)] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        folder.file(&format!("{name}/ca.crt"), &ca.pem());
    }
    // As a kubelet does it: ca.crt -> ..data/ca.crt, ..data -> ..1, and ..data is replaced.
    let link = |to: &str, name: &str| {
        std::os::unix::fs::symlink(to, folder.path().join(name)).unwrap();
    };
    link("..1", "..data");
    link("..data/ca.crt", "ca.crt");
    let client = client();
    let settings = Settings {
        granted: [&of_old, &of_new]
            .map(|server| common::origin(&server.https()))
            .to_vec(),
        tls: ca_file(&folder.path().join("ca.crt")),
        ..Settings::default()
    };
    let endpoint = client.endpoint(settings).unwrap();
    assert_eq!(text(&get(&endpoint, of_old.https()).unwrap()), "old");
    assert_eq!(
        get(&endpoint, of_new.https()).unwrap_err().class(),
        Class::Tls
    );

    link("..2", "..data_tmp");
    std::fs::rename(
        folder.path().join("..data_tmp"),
        folder.path().join("..data"),
    )
    .unwrap();
    assert_eq!(text(&get(&endpoint, of_new.https()).unwrap()), "new");
    assert_eq!(
        get(&endpoint, of_old.https()).unwrap_err().class(),
        Class::Tls
    );

    // Gone, or broken: what was before is used.
    std::fs::remove_file(folder.path().join("..data")).unwrap();
    assert_eq!(text(&get(&endpoint, of_new.https()).unwrap()), "new");
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let (folder, ca) = (Folder::new(), Ca::new("ours"));
    let (one, two) = (ca.pair("one"), ca.pair("two"));
    let certificate = folder.file("one.crt", &one.certificate);
    let key = folder.file("one.key", &one.key);
    let other_key = folder.file("two.key", &two.key);
    let encrypted = folder.file(
        "enc.key",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
    );
    let empty = folder.file("empty", "");
    let missing = folder.path().join("missing");
    let check =
        |ca: Option<&Path>, certificate: Option<&Path>, key: Option<&Path>, expected: &str| {
            let tls = Tls {
                ca_file: ca.map(Path::to_owned),
                cert_file: certificate.map(Path::to_owned),
                key_file: key.map(Path::to_owned),
                ..Tls::default()
            };
            let settings = Settings {
                tls,
                ..Settings::default()
            };
            let error = client().endpoint(settings).err().expect("an error");
            let folder = folder.path().display().to_string();
            let error = error.replace(&format!("{folder}/"), "");
            assert!(error.contains(expected), "{error}");
        };
    let (certificate, key) = (certificate.as_path(), key.as_path());
    check(
        Some(&missing),
        None,
        None,
        "tls.caFile missing: cannot be read: No such file",
    );
    check(
        Some(folder.path()),
        None,
        None,
        "cannot be read: not a regular file",
    );
    check(
        Some(&empty),
        None,
        None,
        "tls.caFile empty: expected PEM certificates (-----BEGIN CERTIFICATE-----), found none",
    );
    check(
        Some(key),
        None,
        None,
        "tls.caFile one.key: expected PEM certificates",
    );
    check(
        None,
        Some(key),
        Some(certificate),
        "found a private key: are certFile and keyFile swapped?",
    );
    check(
        None,
        Some(certificate),
        Some(certificate),
        "tls.keyFile one.crt: expected a PEM private key (-----BEGIN PRIVATE KEY-----), found a certificate",
    );
    check(
        None,
        Some(certificate),
        Some(&encrypted),
        "found an encrypted one: decrypt it first",
    );
    check(
        None,
        Some(certificate),
        Some(&other_key),
        "tls.certFile one.crt and tls.keyFile two.key do not belong together",
    );
    check(
        None,
        Some(certificate),
        None,
        "tls.certFile needs tls.keyFile",
    );
    check(None, None, Some(key), "tls.keyFile needs tls.certFile");
    let tls = Tls {
        server_name: Some("a b".to_owned()),
        ..Tls::default()
    };
    let error = client().endpoint(Settings {
        tls,
        ..Settings::default()
    });
    assert!(error.err().unwrap().contains("expected a DNS name"));
}
