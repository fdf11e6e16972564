//! `source.replay`, `checkpoint` and `admin`: what is accepted and what is refused.

use std::num::NonZeroU32;

use super::*;

#[test]
fn one_source() {
    check(
        "source: {}",
        "c:1:9: source: no source (expected a map with one key, kubernetes or replay)",
    );
    check(
        "source: kubernetes",
        "c:1:9: source: found the text \"kubernetes\" (expected a map with one key, kubernetes or replay)",
    );
    check(
        "source: {relay: {path: x}}",
        "c:1:10: source.relay: unknown key; did you mean \"replay\"? (expected one of: kubernetes, replay)",
    );
    check(
        "source:\n  replay: {path: x}\n  kubernetes: {}",
        "c:3:3: source.kubernetes: set together with source.replay at 2:3; remove one of them: there is one source",
    );
    check(
        "source: {replay: }",
        "c:1:10: source.replay: missing (expected a map such as {path: events.ndjson})",
    );
}

#[test]
fn replay() {
    check(
        "source: {replay: {path: 012, follow: on, rate: 1.5, repeat: -1, folow: 1}}",
        "c:1:38: source.replay.follow: found the text \"on\"; write true (expected true or false)\n\
         c:1:48: source.replay.rate: found 1.5 (expected a whole number from 0 to 4294967295)\n\
         c:1:61: source.replay.repeat: found -1 (expected a whole number from 0 to 4294967295)\n\
         c:1:65: source.replay.folow: unknown key; did you mean \"follow\"? (expected one of: path, follow, rate, repeat)",
    );
    check(
        "source: {replay: {path: x, rate: 010, repeat: \"3\"}}",
        "c:1:34: source.replay.rate: found the text \"010\"; remove the leading zero: some readers of YAML take such a number for an octal one (expected a whole number from 0 to 4294967295)\n\
         c:1:47: source.replay.repeat: found the text \"3\"; remove the quotes (expected a whole number from 0 to 4294967295)",
    );
    check(
        "source: {replay: {path: \"-\", repeat: 2}}",
        "c:1:38: source.replay.repeat: found 2; standard input cannot be read again (expected 1 with standard input)",
    );
    check(
        "source: {replay: {path: x, follow: true, repeat: 0}}",
        "c:1:50: source.replay.repeat: found 0; a file that is followed has no end after which it could be repeated (expected 1 with `follow`)",
    );
    let Source::Replay(replay) =
        accept("source: {replay: {path: a/b, rate: 0x10, repeat: 0}}").source
    else {
        panic!("it is a replay");
    };
    assert_eq!(replay.path, ReplayPath::File("/base/a/b".into()));
    assert_eq!(
        (
            replay.rate.map(NonZeroU32::get),
            replay.repeat,
            replay.follow
        ),
        (Some(16), Repeat::Forever, false)
    );
}

#[test]
fn keys_without_effect_on_a_replay() {
    check_warnings(
        &format!(
            "{SOURCE}maxEventAgeSeconds: 5\nkubeQPS: 2.5\nleaderElection: {{enabled: false}}\nnamespace: \"\"\nkubeBurst: 1\nomitLookup: true\ncacheSize: 1\nclusterName: x\nreceivers: [{{name: a, stdout: {{}}}}]\nroute: {{match: [{{receiver: a, labels: {{x: y}}}}]}}\n"
        ),
        "c:2:1: maxEventAgeSeconds: warning: has no effect with source.replay\n\
         c:3:1: kubeQPS: warning: has no effect with source.replay\n\
         c:4:1: leaderElection: warning: has no effect with source.replay\n\
         c:5:1: namespace: warning: has no effect with source.replay\n\
         c:6:1: kubeBurst: warning: has no effect with source.replay\n\
         c:7:1: omitLookup: warning: has no effect with source.replay\n\
         c:8:1: cacheSize: warning: has no effect with source.replay",
    );
    let text = format!("{SOURCE}throttlePeriod: 5\ncheckpoint: {{file: x}}\nreceivers: []");
    check_warnings(
        &text,
        "c:2:1: throttlePeriod: warning: has no effect with source.replay\n\
         c:3:1: checkpoint: warning: has no effect with source.replay; remove it: a replay starts at the first event each time\n\
         c:4:1: receivers: warning: no receivers: nothing is sent anywhere",
    );
    assert_eq!(accept(&text).checkpoint, Checkpoint::Default);
    // The values are checked all the same.
    check_with(
        "kubeBurst: many",
        "c:1:12: kubeBurst: found the text \"many\" (expected a whole number from 0 to 10000)",
    );
}

#[test]
fn checkpoint() {
    let accepted = |text: &str| accept(&format!("checkpoint: {text}")).checkpoint;
    assert_eq!(accept("clusterName: x").checkpoint, Checkpoint::Default);
    assert_eq!(accepted(""), Checkpoint::Default);
    assert_eq!(
        accepted("{file: data/position}"),
        Checkpoint::File("/base/data/position".into())
    );
    assert_eq!(
        accepted("{configMap: weir.position}"),
        Checkpoint::ConfigMap("weir.position".to_owned())
    );
    let refused = |text: &str, expected: &str| check(&format!("checkpoint: {text}"), expected);
    refused(
        "position",
        "c:1:13: checkpoint: found the text \"position\" (expected a map with one key, file or configMap)",
    );
    refused(
        "{}",
        "c:1:13: checkpoint: no place; without `checkpoint` it is a ConfigMap in a cluster, and elsewhere nothing (expected a map with one key, file or configMap)",
    );
    refused(
        "{path: x}",
        "c:1:14: checkpoint.path: unknown key (expected one of: file, configMap)",
    );
    refused(
        "{configmap: x}",
        "c:1:14: checkpoint.configmap: unknown key; did you mean \"configMap\"? (expected one of: file, configMap)",
    );
    refused(
        "{configMap: x, file: y}",
        "c:1:28: checkpoint.file: set together with checkpoint.configMap at 1:14; remove one of them: the position is kept in one place",
    );
    refused(
        "{configMap: Weir}",
        "c:1:25: checkpoint.configMap: found the text \"Weir\"; did you mean \"weir\"? (expected 1 to 253 of a-z 0-9 - ., first and last a letter or digit, also around each dot)",
    );
    refused(
        "{file: /data/}",
        "c:1:20: checkpoint.file: found the text \"/data/\"; this is a folder (expected the path of a file)",
    );
    refused(
        "{file: ''}",
        "c:1:20: checkpoint.file: found the text \"\" (expected the path of a file)",
    );
    for place in ["file", "configMap"] {
        for election in [
            "leaderElection: {enabled: true}",
            "source: {kubernetes: {leaderElection: {enabled: true}}}",
        ] {
            check(
                &format!("{election}\ncheckpoint: {{{place}: x}}"),
                &format!(
                    "c:2:14: checkpoint.{place}: not together with leader election; remove it: the position is kept in the lease, so that the next leader has it"
                ),
            );
        }
    }
    accept("leaderElection: {enabled: false}\ncheckpoint: {file: x}");
}

#[test]
fn admin() {
    for (text, expected) in [
        ("0.0.0.0:2112", "0.0.0.0:2112"),
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("\"[::]:2112\"", "[::]:2112"),
        ("\"[::1]:80\"", "[::1]:80"),
        (":2112", "0.0.0.0:2112"),
        ("2112", "0.0.0.0:2112"),
        ("\"2112\"", "0.0.0.0:2112"),
        ("$NUMBER", "0.0.0.0:7"),
    ] {
        let config = accept(&format!(
            "admin: {{listen: {text}}}\nmetricsNamePrefix: kee_"
        ));
        let admin = Admin {
            listen: expected.parse().expect("an address"),
            token: None,
            metrics_name_prefix: "kee_".to_owned(),
        };
        assert_eq!(config.admin, Some(admin), "{text}");
    }
    assert_eq!(accept("clusterName: x").admin, None);
    const EXPECTED: &str = "(expected an address and a port such as 0.0.0.0:2112, or a port)";
    check(
        "admin: {}",
        &format!("c:1:8: admin.listen: missing {EXPECTED}"),
    );
    check(
        "admin: {listen: 1, tls: {}}",
        "c:1:20: admin.tls: unknown key (expected one of: listen, token)",
    );
    check(
        "admin: :2112",
        "c:1:8: admin: found the text \":2112\" (expected a map such as {listen: \":2112\"})",
    );
    for (text, found) in [
        (
            "localhost:2112",
            "the text \"localhost:2112\"; write 127.0.0.1 for localhost: names are not looked up",
        ),
        (
            "weir.example:2112",
            "the text \"weir.example:2112\"; names of hosts are not looked up: write an address, or the port alone for all",
        ),
        (
            "http://0.0.0.0:2112",
            "the text \"http://0.0.0.0:2112\"; it is no URL: write the address and the port alone",
        ),
        ("0.0.0.0", "the text \"0.0.0.0\"; write the port, too"),
        (
            "\"::1:2112\"",
            "the text \"::1:2112\"; write an IPv6 address in brackets, as in \"[::]:2112\"",
        ),
        (
            "\"::\"",
            "the text \"::\"; write an IPv6 address in brackets, as in \"[::]:2112\"",
        ),
        ("0.0.0.0:65536", "the text \"0.0.0.0:65536\""),
        ("65536", "65536"),
        ("-1", "-1"),
        ("+80", "+80"),
        ("\"\"", "the text \"\""),
        ("$SECRET", "the text \"$SECRET\""),
    ] {
        check(
            &format!("admin: {{listen: {text}}}"),
            &format!("c:1:17: admin.listen: found {found} {EXPECTED}"),
        );
    }
    for (text, expected) in [
        ("\"${env:X}\"", "${env:X}"),
        ("\"${file:/p}\"", "${file:/p}"),
        ("$SECRET", "hunter2"),
        ("1234567890123456", "1234567890123456"),
    ] {
        let config = accept(&format!("admin: {{listen: 1, token: {text}}}"));
        assert!(!format!("{config:?}").contains(expected), "{text}");
        let token = config.admin.and_then(|admin| admin.token).expect("given");
        assert_eq!(
            (token.text.as_str(), token.at.column),
            (expected, 27),
            "{text}"
        );
    }
    check(
        "admin: {listen: 1, token: [hunter2]}",
        "c:1:27: admin.token: found a list (expected a secret such as ${env:WEIR_ADMIN_TOKEN})",
    );
    check_warnings(
        "metricsNamePrefix: weir_\nreceivers: []",
        "c:1:1: metricsNamePrefix: warning: has no effect without `admin`; KEE always listens on :2112; write `admin: {listen: \":2112\"}`\n\
         c:2:1: receivers: warning: no receivers: nothing is sent anywhere",
    );
}
