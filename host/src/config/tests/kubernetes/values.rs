//! The values of the keys of `source.kubernetes`: their limits, and the texts of what is refused.

use super::*;

#[test]
fn namespaces() {
    const EXPECTED: &str = "(expected 1 to 63 of a-z 0-9 -, first and last a letter or digit)";
    assert_eq!(own("namespaces: [a, b]").namespaces, ["a", "b"]);
    check_own(
        "namespaces: a",
        "c:1:35: source.kubernetes.namespaces: found the text \"a\" (expected a list of names of namespaces)",
    );
    check_own(
        "namespaces: [Kube-System, \"*\", \"\", $SECRET, [], b_c]",
        &format!(
            "c:1:36: source.kubernetes.namespaces[0]: found the text \"Kube-System\"; did you mean \"kube-system\"? {EXPECTED}\n\
             c:1:49: source.kubernetes.namespaces[1]: found the text \"*\"; leave the key out to watch all {EXPECTED}\n\
             c:1:54: source.kubernetes.namespaces[2]: found the text \"\"; leave the key out to watch all {EXPECTED}\n\
             c:1:67: source.kubernetes.namespaces[4]: found a list {EXPECTED}\n\
             c:1:71: source.kubernetes.namespaces[5]: found the text \"b_c\" {EXPECTED}"
        ),
    );
    check_own(
        "excludeNamespaces: [a, b, a]",
        "c:1:49: source.kubernetes.excludeNamespaces[2]: a second time; the first is at 1:43; remove one of them",
    );
    check_own(
        "namespaces: [a], excludeNamespaces: [b]",
        "c:1:40: source.kubernetes.excludeNamespaces: set together with source.kubernetes.namespaces at 1:23; remove one of them: what is not among the namespaces is left out anyway",
    );
    check(
        "namespace: a\nsource: {kubernetes: {excludeNamespaces: [b]}}",
        "c:2:23: source.kubernetes.excludeNamespaces: set together with namespace at 1:1; remove one of them: what is not among the namespaces is left out anyway",
    );
    check(
        "namespace: a,b",
        &format!(
            "c:1:12: namespace: found the text \"a,b\"; write \"\" for all, and several under source.kubernetes.namespaces {EXPECTED}"
        ),
    );
    let list = |length: usize| {
        let names: Vec<String> = (0..length).map(|index| format!("n{index}")).collect();
        names.join(", ")
    };
    assert_eq!(
        own(&format!("namespaces: [{}]", list(500)))
            .namespaces
            .len(),
        500
    );
    check_own(
        &format!("namespaces: [{}]", list(501)),
        "c:1:35: source.kubernetes.namespaces: 501 namespaces; leave the key out to watch all (expected at most 500)",
    );
    check_own(
        &format!("excludeNamespaces: [{}]", list(501)),
        "c:1:42: source.kubernetes.excludeNamespaces: 501 namespaces; drop the rest by a rule of the route (expected at most 500)",
    );
}

#[test]
fn selectors() {
    const AT: &str = "c:1:38: source.kubernetes.fieldSelector:";
    const EXPECTED: &str =
        "(expected a field selector such as type=Warning,reason!=Pulled, or \"\" for every event)";
    for text in [
        "type=Warning",
        "involvedObject.kind==Pod,involvedObject.namespace!=,metadata.namespace!=a",
        "reason=a\\,b,reportingComponent=kubelet,source=x",
    ] {
        assert_eq!(
            own(&format!("fieldSelector: '{text}'")).field_selector,
            text
        );
    }
    let refused = |text: &str, problem: &str| {
        check_own(
            &format!("fieldSelector: '{text}'"),
            &format!("{AT} {problem}"),
        );
    };
    refused(
        "type",
        &format!(
            "the part \"type\" has no =, == or !=; only these three are there; `,` is and, and there is no or {EXPECTED}"
        ),
    );
    refused(
        "type=Warning, reason=x",
        &format!(
            "the part \" reason=x\" has a space, which the server takes for a part of the field or value; remove the space {EXPECTED}"
        ),
    );
    refused(
        "reason=a=b",
        &format!(
            "the part \"reason=a=b\" has a second `=`; write `\\=` for one in a value {EXPECTED}"
        ),
    );
    refused(
        "regarding.kind=Pod",
        "the field \"regarding.kind\" is one of the API events.k8s.io/v1; did you mean \"involvedObject.kind\"? Or set `api: events.k8s.io/v1`",
    );
    refused(
        "reportingController=x",
        "the field \"reportingController\" is one of the API events.k8s.io/v1; did you mean \"reportingComponent\"? Or set `api: events.k8s.io/v1`",
    );
    check_own(
        "fieldSelector: involvedObject.name=x, api: events.k8s.io/v1",
        &format!(
            "{AT} the field \"involvedObject.name\" is one of the API v1; did you mean \"regarding.name\"? Or set `api: v1`"
        ),
    );
    check_own(
        "fieldSelector: []",
        &format!("{AT} found a list {EXPECTED}"),
    );
    check_own(
        "fieldSelector: $SECRET",
        &format!(
            "{AT} the part that $… stands for has no =, == or !=; only these three are there; `,` is and, and there is no or {EXPECTED}"
        ),
    );
    check_own(
        "labelSelector: {app: web}",
        "c:1:38: source.kubernetes.labelSelector: found a map (expected a label selector such as app=web,tier!=cache)",
    );
    const KNOWN: &str = "(expected one of: type, reason, source, reportingComponent, involvedObject.kind, involvedObject.namespace, involvedObject.name, involvedObject.uid, involvedObject.apiVersion, involvedObject.resourceVersion, involvedObject.fieldPath, metadata.name, metadata.namespace)";
    check_own_warnings(
        "fieldSelector: 'involvedobject.kind=Pod,foo=bar'",
        &format!(
            "{AT} warning: the server may refuse the field \"involvedobject.kind\"; did you mean \"involvedObject.kind\"? {KNOWN}\n\
             {AT} warning: the server may refuse the field \"foo\" {KNOWN}"
        ),
    );
    check_own_warnings(
        "fieldSelector: \"$SECRET=x\"",
        &format!("{AT} warning: the server may refuse the field that $… stands for {KNOWN}"),
    );
}

#[test]
fn values() {
    check_own(
        "api: v2, gapEvents: no, backlg: 5m, cache: 1",
        "c:1:28: source.kubernetes.api: found the text \"v2\"; did you mean \"v1\"? (expected one of: v1, events.k8s.io/v1)\n\
         c:1:43: source.kubernetes.gapEvents: found the text \"no\"; write false (expected true or false)\n\
         c:1:47: source.kubernetes.backlg: unknown key; did you mean \"backlog\"? (expected one of: api, namespaces, excludeNamespaces, fieldSelector, labelSelector, backlog, gapEvents, leaderElection, lookup)\n\
         c:1:59: source.kubernetes.cache: unknown key (expected one of: api, namespaces, excludeNamespaces, fieldSelector, labelSelector, backlog, gapEvents, leaderElection, lookup)",
    );
    assert_eq!(own("backlog: all").backlog, Backlog::All);
    assert_eq!(own("backlog: none").backlog, Backlog::None);
    assert_eq!(
        own("backlog: 720h").backlog,
        Backlog::Within(Duration::from_secs(30 * 86_400))
    );
    for (text, found) in [
        ("0", "0; write none"),
        ("0s", "the text \"0s\""),
        ("true", "true; write all"),
        ("300", "300; write the unit, such as 300s"),
        ("721h", "the text \"721h\""),
        ("999ms", "the text \"999ms\""),
        ("everything", "the text \"everything\""),
        ("[]", "a list"),
    ] {
        check_own(
            &format!("backlog: {text}"),
            &format!(
                "c:1:32: source.kubernetes.backlog: found {found} (expected all, none, or a duration from 1s to 720h, such as 5m)"
            ),
        );
    }
    for (text, found) in [("-1", "-1"), ("1.5", "1.5"), ("5s", "the text \"5s\"")] {
        check(
            &format!("maxEventAgeSeconds: {text}"),
            &format!(
                "c:1:21: maxEventAgeSeconds: found {found} (expected a whole number from 0 to 4294967295)"
            ),
        );
    }
}

#[test]
fn leader_election() {
    assert_eq!(
        own("leaderElection: {enabled: true}").leader_election,
        Some(election("weir"))
    );
    assert_eq!(
        own("leaderElection: {enabled: false}").leader_election,
        None
    );
    check_own_warnings(
        "leaderElection: {leaseName: a}",
        "c:1:39: source.kubernetes.leaderElection: warning: leader election is off; write `enabled: true`",
    );
    // What is off is checked all the same.
    check_own(
        "leaderElection: {leaseName: A_b, leaseNamespace: a.b, leaseDuration: 4s, renewDeadline: 10, retryPeriod: 1ms}",
        "c:1:51: source.kubernetes.leaderElection.leaseName: found the text \"A_b\" (expected 1 to 253 of a-z 0-9 - ., first and last a letter or digit, also around each dot)\n\
         c:1:72: source.kubernetes.leaderElection.leaseNamespace: found the text \"a.b\" (expected 1 to 63 of a-z 0-9 -, first and last a letter or digit)\n\
         c:1:92: source.kubernetes.leaderElection.leaseDuration: found the text \"4s\" (expected a duration from 5s to 1h)\n\
         c:1:111: source.kubernetes.leaderElection.renewDeadline: found 10; write the unit, such as 10s (expected a duration such as 500ms, 30s, 5m or 1h30m)\n\
         c:1:128: source.kubernetes.leaderElection.retryPeriod: found the text \"1ms\" (expected a duration from 100ms to 1h)",
    );
    let times = |times: &str, expected: &str| {
        check_own(
            &format!("leaderElection: {{{times}}}"),
            &format!("c:{expected}"),
        );
    };
    const CALLS: &str = "the last calls of a leader must end before its lease does";
    const AGAIN: &str = "a renewal that failed must be tried again in time";
    times(
        "leaseDuration: 5500ms",
        "1:55: source.kubernetes.leaderElection.leaseDuration: found the text \"5500ms\"; a lease has no parts of a second (expected a duration in whole seconds)",
    );
    times(
        "leaseDuration: 12s",
        &format!(
            "1:55: source.kubernetes.leaderElection.leaseDuration: found the text \"12s\"; {CALLS} (expected at least 3s more than renewDeadline, also where that is left out)"
        ),
    );
    times(
        "renewDeadline: 12001ms",
        &format!(
            "1:55: source.kubernetes.leaderElection.renewDeadline: found the text \"12001ms\"; {CALLS} (expected at least 3s less than leaseDuration, also where that is left out)"
        ),
    );
    times(
        "leaseDuration: 10s, renewDeadline: 8s",
        &format!(
            "1:75: source.kubernetes.leaderElection.renewDeadline: found the text \"8s\"; {CALLS} (expected at least 3s less than leaseDuration)"
        ),
    );
    times(
        "renewDeadline: 2s",
        &format!(
            "1:55: source.kubernetes.leaderElection.renewDeadline: found the text \"2s\"; {AGAIN} (expected more than retryPeriod, also where that is left out)"
        ),
    );
    times(
        "retryPeriod: 10s",
        &format!(
            "1:53: source.kubernetes.leaderElection.retryPeriod: found the text \"10s\"; {AGAIN} (expected less than renewDeadline, also where that is left out)"
        ),
    );
    times(
        "leaderElectionID: a",
        "1:40: source.kubernetes.leaderElection.leaderElectionID: unknown key; leaseName is its name here (expected one of: enabled, leaseName, leaseNamespace, leaseDuration, renewDeadline, retryPeriod)",
    );
    check(
        "leaderElection: {enabled: true, leaseDuration: 30s, id: a}",
        "c:1:33: leaderElection.leaseDuration: unknown key; write the block as source.kubernetes.leaderElection, which has this key (expected one of: enabled, leaderElectionID)\n\
         c:1:53: leaderElection.id: unknown key (expected one of: enabled, leaderElectionID)",
    );
    check(
        "leaderElection: {enabled: true, leaderElectionID: a b}",
        "c:1:51: leaderElection.leaderElectionID: found the text \"a b\" (expected 1 to 253 of a-z 0-9 - ., first and last a letter or digit, also around each dot)",
    );
}

#[test]
fn lookups() {
    assert_eq!(
        own("lookup: {labels: false, annotations: false, owners: false}").lookup,
        None
    );
    check_own(
        "lookup: {labels: yes, cache: 0, qps: 0, burst: 0, deadline: 5m, onMissing: drop, owner: true}",
        "c:1:40: source.kubernetes.lookup.labels: found the text \"yes\"; write true (expected true or false)\n\
         c:1:52: source.kubernetes.lookup.cache: found 0 (expected a whole number from 1 to 1000000)\n\
         c:1:60: source.kubernetes.lookup.qps: found 0; to look nothing up, write `omitLookup: true` in place of the block (expected a number from 0.01 to 1000000)\n\
         c:1:70: source.kubernetes.lookup.burst: found 0 (expected a whole number from 1 to 10000)\n\
         c:1:83: source.kubernetes.lookup.deadline: found the text \"5m\" (expected a duration from 10ms to 1m)\n\
         c:1:98: source.kubernetes.lookup.onMissing: found the text \"drop\" (expected one of: without, hold)\n\
         c:1:104: source.kubernetes.lookup.owner: unknown key; did you mean \"owners\"? (expected one of: labels, annotations, owners, namespaceLabels, nodeLabels, cache, qps, burst, deadline, onMissing)",
    );
    for (text, found) in [
        ("-1", "-1"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1e9", "1e9"),
        ("many", "the text \"many\""),
    ] {
        check(
            &format!("kubeQPS: {text}"),
            &format!("c:1:10: kubeQPS: found {found} (expected a number from 0.01 to 1000000)"),
        );
    }
}
