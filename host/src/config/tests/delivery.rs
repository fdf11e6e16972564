//! How a receiver delivers: queue on disk, the end of retries, dead letters, HTTP, layouts.

use super::*;

/// The one receiver of a configuration.
#[track_caller]
fn receiver(text: &str) -> Receiver {
    let config = accept(&format!("receivers:\n- {{name: a, {text}}}\n{SOURCE}"));
    config.receivers[0].clone()
}

#[test]
fn queues_on_disk() {
    let disk = |text: &str| receiver(text).queue.disk;
    assert_eq!(
        disk("stdout: {}, queue: {disk: {path: q}}"),
        Some(Disk {
            path: "/base/q".into(),
            bytes: DISK_BYTES_DEFAULT
        })
    );
    assert_eq!(
        disk("stdout: {}, queue: {onFull: dropOldest, disk: {path: /q, bytes: 2GiB}}"),
        Some(Disk {
            path: "/q".into(),
            bytes: 2 << 30
        })
    );
    check_receivers(
        "- {name: a, stdout: {}, queue: {events: 1000, disk: {path: q}}}",
        "c:2:41: receivers[0].queue.events: found 1000; a queue on disk is bounded by disk.bytes (expected no `events` beside `disk`)",
    );
    check_receivers(
        "- {name: a, stdout: {}, queue: {disk: {bytes: 1}}}",
        "c:2:39: receivers[0].queue.disk.path: missing (expected the folder of this receiver's queue)\n\
         c:2:47: receivers[0].queue.disk.bytes: found 1 (expected a size from 1MiB to 1024GiB)",
    );
    check(
        "receivers:\n- {name: a, stdout: {}, queue: {disk: {path: /q}}}\n- {name: b, stdout: {}, queue: {disk: {path: /q}}}\nsource: {replay: {path: e}}\n",
        "c:3:46: receivers[1].queue.disk.path: found the text \"/q\"; receivers[0] has it (expected a folder for each queue)",
    );
}

#[test]
fn retries_that_end() {
    let kept = receiver("stdout: {}, retry: {for: 1h}, deadLetters: {path: dead.ndjson}");
    assert_eq!(kept.retry.limit, Some(Duration::from_secs(3600)));
    assert_eq!(kept.dead_letters, Some("/base/dead.ndjson".into()));
    assert_eq!(receiver("stdout: {}").retry.limit, None);
    check_receivers(
        "- {name: a, stdout: {}, retry: {for: 1h}}",
        "c:2:38: receivers[0].retry.for: found the text \"1h\"; what is not delivered in that time would be lost; name a file for it, or leave `for` out: then it is tried for ever (expected `deadLetters` beside it)",
    );
}

#[test]
fn http() {
    let http = receiver(
        "webhook: {endpoint: 'https://h/x'}, http: {timeout: 5s, connectTimeout: 1s, readTimeout: 2s, compression: gzip, \
         responseBytes: 1MiB, tls: {caFile: ca.crt, serverName: h, certFile: c, keyFile: /k}, allow: ['https://other']}",
    )
    .http;
    assert_eq!(
        (http.timeout, http.connect_timeout),
        (Duration::from_secs(5), Duration::from_secs(1))
    );
    assert_eq!(
        (http.compression, http.response_bytes),
        (Compression::Gzip, 1 << 20)
    );
    assert_eq!(http.tls.ca_file, Some("/base/ca.crt".into()));
    assert_eq!(
        (http.tls.key_file, http.tls.server_name.as_deref()),
        (Some("/k".into()), Some("h"))
    );
    assert_eq!(http.allow.len(), 1);
    check_receivers(
        "- {name: a, webhook: {tls: {certFile: c, insecureSkipVerify: maybe}}, http: {timeout: 2h, compression: lz4, allow: ['https://a/b']}}",
        "c:2:28: receivers[0].webhook.tls: found a map (expected certFile and keyFile together, or neither)\n\
         c:2:62: receivers[0].webhook.tls.insecureSkipVerify: found the text \"maybe\" (expected true or false)\n\
         c:2:87: receivers[0].http.timeout: found the text \"2h\" (expected a duration from 1ms to 1h)\n\
         c:2:104: receivers[0].http.compression: found the text \"lz4\" (expected one of: none, gzip, zstd)\n\
         c:2:117: receivers[0].http.allow[0]: found the text \"https://a/b\" (expected an origin such as https://host:8443, without a path)",
    );
    check_receivers(
        "- {name: a, webhook: {tls: {serverName: x}}, http: {tls: {serverName: y}}}",
        "c:2:28: receivers[0].webhook.tls: found a map; it is in `http` as well (expected one `tls`)",
    );
}

/// KEE's keys in a sink's block that are the host's.
#[test]
fn tls_of_kee() {
    let text = "loki: {url: 'https://l', tls: {insecureSkipVerify: true, serverName: \"\", caFile: \"\", keyFile: \"\", certFile: \"\"}}";
    let loki = receiver(text);
    assert!(loki.http.tls.insecure_skip_verify && loki.http.tls.ca_file.is_none());
    assert_eq!(loki.config.to_string(), r#"{"url":"https://l"}"#);
    check_warnings(
        &format!("receivers: [{{name: a, {text}}}]\nroute: {{match: [{{receiver: a}}]}}\n{SOURCE}"),
        "c:1:54: receivers[0].loki.tls.insecureSkipVerify: warning: anybody can pose as the server; name its certificate authority instead, with caFile",
    );
}

#[test]
fn layouts() {
    let render = |text: &str| {
        let layout = receiver(text).layout.expect("a layout");
        let event = r#"{"metadata":{"namespace":"shop"},"involvedObject":{},"reason":"Pulled","message":"a \"b\""}"#;
        let event = weir_template::Event::parse(event).expect("an event");
        layout.render(&event).expect("it can be rendered")
    };
    let layout = "layout: {z: '{{ .Message }}', a: ['{{ .Namespace | upper }}', {n: 1}]}";
    let expected = r#"{"z":"a \"b\"","a":["SHOP",{"n":1}]}"#;
    assert_eq!(render(&format!("stdout: {{{layout}}}")), expected);
    assert_eq!(render(&format!("stdout: {{}}, {layout}")), expected);
    check_receivers(
        "- {name: a, stdout: {layout: {a: x}}, layout: {b: x}}",
        "c:2:47: receivers[0].layout: found a map; it is in the sink's block and beside it (expected one layout)",
    );
    check_receivers(
        "- {name: a, stdout: {layout: text}}",
        "c:2:30: receivers[0].stdout.layout: found the text \"text\" (expected a map or list of templates)",
    );
    check_receivers(
        "- {name: a, stdout: {layout: {key: 'Bearer ${env:KEY}'}}}",
        "c:2:36: receivers[0].stdout.layout.key: a secret (`${env:…}`) in a layout; a document is no place for a secret; `${NAME}` puts in what is none (expected text and templates)",
    );
    let wrong = parse(&format!(
        "receivers:\n- {{name: a, stdout: {{layout: {{b: [x, '{{{{ .Reason | uper }}}}']}}}}}}\n{SOURCE}"
    ));
    let wrong = wrong.expect_err("no such function").to_string();
    assert!(
        wrong.starts_with("c:2:38: receivers[0].stdout.layout.b[1]: "),
        "{wrong}"
    );
}
