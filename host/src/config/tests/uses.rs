//! What is refused or warned of in rules, filters and receivers.

use super::*;

#[test]
fn rules() {
    let rule = |rule: &str, expected: &str| {
        check_with(&format!("route: {{match: [{{{rule}}}]}}"), expected)
    };
    rule(
        "kind: [a]",
        "c:1:24: route.match[0].kind: found a list; one pattern can match any of several: `a|b` (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "namespace: '*test*'",
        "c:1:29: route.match[0].namespace: no valid pattern: nothing before `*` that it could repeat; this is a regular expression, not a glob: write `test` (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "labels: {a/b: '('}",
        "c:1:32: route.match[0].labels[\"a/b\"]: no valid pattern: missing closing ) (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "message: $BROKEN",
        "c:1:27: route.match[0].message: no valid pattern: missing closing ) (expected a regular expression, or \"\" for anything)",
    );
    rule(
        "minCount: three",
        "c:1:28: route.match[0].minCount: found the text \"three\" (expected a whole number)",
    );
    rule(
        "minCount: 1, mincount: 1",
        "c:1:31: route.match[0].mincount: set together with minCount; remove it: it is the old spelling of minCount",
    );
    rule(
        "receiver: $SECRET",
        "c:1:28: route.match[0].receiver: no receiver has the name \"$SECRET\" (expected one of: dump, search)",
    );
    check_with(
        "route: {match: {receiver: dump}}",
        "c:1:16: route.match: found a map (expected a list of rules, such as [{type: Warning}])",
    );
    check_with(
        "route: {match: [dump]}",
        "c:1:17: route.match[0]: found the text \"dump\" (expected a rule: a map of conditions, such as {type: Warning})",
    );
    check_with(
        "route: {filters: [quiet]}",
        "c:1:19: route.filters[0]: no filter has the name \"quiet\" (expected a name from `filters`, which has none)",
    );
}

#[test]
fn traps_of_kee() {
    let rule = |rule: &str, expected: &str| check_with(&format!("route: {rule}"), expected);
    rule(
        "{drop: [{name: x}]}",
        "c:1:17: route.drop[0].name: a rule cannot ask for the name of an object; KEE ignored it, and so dropped everything",
    );
    rule(
        "{match: [{name: x, kind: y}]}",
        "c:1:18: route.match[0].name: a rule cannot ask for the name of an object; KEE ignored it, and so matched more than this says",
    );
    rule(
        "{match: [{drop: []}]}",
        "c:1:18: route.match[0].drop: `drop` is a key of a route, not of a rule; KEE ignored it here; write it beside `match`",
    );
    rule(
        "{match: [{maxEventAgeSeconds: 5}]}",
        "c:1:18: route.match[0].maxEventAgeSeconds: this is a key of the top level, not of a rule; KEE ignored it here",
    );
    rule(
        "{drop: [{kind: x, receiver: dump}]}",
        "c:1:26: route.drop[0].receiver: a rule under `drop` sends nothing, so it has no receiver; remove it (KEE ignored it), or move the rule to `match`",
    );
    check_warnings(
        &format!(
            "route: {{drop: [{{}}], match: [{{receiver: dump}}]}}\n{SOURCE}{RECEIVERS}filters: [{{name: f, plugin: p}}]\n"
        ),
        "c:1:16: route.drop[0]: warning: an empty rule matches everything, so this drops every event of the route; remove it, or give it a condition\n\
         c:3:39: receivers[1]: warning: no rule sends to this receiver\n\
         c:4:11: filters[0]: warning: no route uses this filter",
    );
    check_with(
        "maxEventAgeSeconds: 5\nthrottlePeriod: 5\nomitLookup: yes\nmetricsNamePrefix: weir",
        "c:2:1: throttlePeriod: set together with maxEventAgeSeconds at 1:1; remove throttlePeriod: it is the old name of maxEventAgeSeconds\n\
         c:3:13: omitLookup: found the text \"yes\"; write true (expected true or false)\n\
         c:4:20: metricsNamePrefix: found the text \"weir\" (expected letters, digits, `_` and `:`, first a letter, last a `_`)",
    );
}

#[test]
fn receivers() {
    const NAME: &str = "(expected 1 to 253 of A-Z a-z 0-9 . _ -, first a letter or digit)";
    const SINK: &str = "(expected one key that is the name of a sink plugin, with its configuration, such as `stdout: {}`)";
    const KEYS: &str = "(expected one of: name, batch, queue, retry, deadLetters, layout, http, limits, or one key that is the name of a sink plugin)";
    check_receivers(
        "- {name: a}",
        &format!("c:2:3: receivers[0]: no sink {SINK}"),
    );
    check_receivers(
        "- {stdout: {}}",
        &format!("c:2:3: receivers[0].name: missing {NAME}"),
    );
    check_receivers(
        "- {name: a b, stdout: {}}",
        &format!("c:2:10: receivers[0].name: found the text \"a b\" {NAME}"),
    );
    check_receivers(
        "- {name: a, stdout: {}}\n- {name: a, file: {}}",
        "c:3:10: receivers[1].name: a second receiver with the name \"a\"; the first is receivers[0] at 2:3",
    );
    check_receivers(
        "- {name: a, stdout: {}, file: {}}",
        &format!(
            "c:2:25: receivers[0].file: a second sink beside \"stdout\", or an unknown key; write a receiver for each sink {SINK}"
        ),
    );
    check_receivers(
        "- {name: a, stdout: {}, bach: {}}",
        &format!("c:2:25: receivers[0].bach: unknown key; did you mean \"batch\"? {KEYS}"),
    );
    check_receivers(
        "- {name: a, stdout: {}, deDot: true}",
        &format!(
            "c:2:25: receivers[0].deDot: unknown key; write it in the sink's block, as in `stdout: {{deDot: …}}` {KEYS}"
        ),
    );
    check_receivers(
        "- {name: a, stdout: hunter2}",
        "c:2:21: receivers[0].stdout: not a map (expected the plugin's configuration, a map)",
    );
    check_receivers(
        "- {name: a, ../x: {}}",
        "c:2:13: receivers[0][\"../x\"]: \"../x\" is no name of a plugin (expected the stem of a plugin's file, such as drop-reasons for drop-reasons.wasm)",
    );
    check_receivers(
        "- {name: a, stdout: {}, batch: {events: 0, bytes: 5Mi}, queue: {events: 9, onFull: drop}, retry: {first: 2m, most: 1m}, limits: {memory: 1KiB, time: 2h}}",
        "c:2:41: receivers[0].batch.events: found 0 (expected a whole number from 1 to 100000)\n\
         c:2:51: receivers[0].batch.bytes: found the text \"5Mi\" (expected a size such as 32MiB, 5MB or 1048576 (KiB, MiB, GiB count 1024; kB, MB, GB 1000))\n\
         c:2:73: receivers[0].queue.events: found 9; a batch could never be full (expected at least batch.events, 500)\n\
         c:2:84: receivers[0].queue.onFull: found the text \"drop\" (expected one of: wait, dropOldest)\n\
         c:2:116: receivers[0].retry.most: found the text \"1m\" (expected at least retry.first)\n\
         c:2:138: receivers[0].limits.memory: found the text \"1KiB\" (expected a size from 64KiB to 4GiB)\n\
         c:2:150: receivers[0].limits.time: found the text \"2h\" (expected a duration from 1ms to 1h)",
    );
    check_receivers(
        "- {name: a, stdout: {}, batch: {bytes: 64MiB}}",
        "c:2:40: receivers[0].batch.bytes: found the text \"64MiB\"; a batch must fit the memory of the sink: raise limits.memory (expected less than limits.memory)",
    );
    check_warnings(
        &format!("{SOURCE}receivers: [{{name: a, stdout: }}]\nroute: {{match: [{{receiver: a}}]}}"),
        "c:2:23: receivers[0].stdout: warning: a sink without a configuration; write `{}`: KEE takes this for no sink at all, and sends nothing",
    );
}

#[test]
fn filters() {
    const STEM: &str =
        "(expected the stem of a plugin's file, such as drop-reasons for drop-reasons.wasm)";
    let filter = |filter: &str, expected: &str| {
        check_with(&format!("filters: [{{name: f, {filter}}}]"), expected)
    };
    filter(
        "config: {}",
        &format!("c:1:11: filters[0].plugin: missing {STEM}"),
    );
    filter(
        "plugin: a/b.wasm",
        &format!(
            "c:1:29: filters[0].plugin: found the text \"a/b.wasm\"; write \"b\"; where plugins are is said by plugins.directories {STEM}"
        ),
    );
    filter(
        "plugin: b, onError: kep",
        "c:1:41: filters[0].onError: found the text \"kep\"; did you mean \"keep\"? (expected one of: keep, drop, hold)",
    );
    filter(
        "plugin: b, config: [hunter2]",
        "c:1:40: filters[0].config: not a map (expected the plugin's configuration, a map)",
    );
    filter(
        "plugin: b, allow: ['https://a/b', 'http://a:1', '*']",
        "c:1:40: filters[0].allow[0]: found the text \"https://a/b\" (expected an origin such as https://host:8443, without a path)\nc:1:69: filters[0].allow[2]: found the text \"*\" (expected an origin such as https://host:8443, without a path)",
    );
    filter(
        "plugin: b, config: {a: .inf, b: [99999999999999999999], c: '${env:}', d: '${file:x}'}",
        "c:1:44: filters[0].config.a: a number that JSON cannot hold; in quotes it is text, and stays as it is (expected a finite number; whole ones from -2^63 to 2^64-1)\n\
         c:1:54: filters[0].config.b[0]: a number that JSON cannot hold; in quotes it is text, and stays as it is (expected a finite number; whole ones from -2^63 to 2^64-1)\n\
         c:1:80: filters[0].config.c: a secret `${env:…}` that names nothing (expected the name of a variable, then `}`)\n\
         c:1:94: filters[0].config.d: a secret `${file:…}` that names nothing (expected the absolute path of a file, then `}`)",
    );
}
