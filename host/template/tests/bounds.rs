//! What a template may take is bounded, and nothing that it is given makes it panic.

use proptest::prelude::*;
use weir_template::{Event, Limits, Template};

const EVENT: &str = r#"{"metadata":{"name":"n","labels":{"a":"b"}},"involvedObject":{"kind":"Pod","name":"p","labels":{"app":"web"}},"message":"{{ .Reason }} é","firstTimestamp":"2026-11-23T14:45:31Z","count":3}"#;

/// Renders, and gives the error, which has to have a text.
fn failure(template: &str) -> String {
    let event = Event::parse(EVENT).expect("an event");
    let template = Template::parse(template).expect("a template");
    template.render(&event).expect_err("a bound").message
}

#[test]
fn output_and_texts_are_bounded() {
    for template in [
        "{{ repeat 2000000 \"x\" }}",
        "{{ range 1000000 }}{{ $.Message }}{{ end }}",
        "{{ indent 999999999 \"a\\nb\" }}",
        "{{ printf \"%999999d%999999d\" 1 2 }}",
        "{{ $x := repeat 1000 \"a\" }}{{ replace \"a\" (repeat 10000 \"b\") $x }}",
        "{{ $x := repeat 1000 \"a\" }}{{ regexReplaceAll \"a\" $x (repeat 10000 \"b\") }}",
        "{{ join (repeat 10000 \"x\") (until 1000) }}",
        "{{ wrapWith 1 (repeat 10000 \"x\") (repeat 1000 \"y\") }}",
        "{{ $x := list 1 }}{{ range 40 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}",
        "{{ $x := list 1 }}{{ range 40 }}{{ $x = list $x $x }}{{ end }}{{ $x }}",
    ] {
        let error = failure(template);
        assert!(error.contains("1048576"), "{template}: {error}");
    }
}

#[test]
fn steps_memory_and_depth_are_bounded() {
    let check = |template: &str, expect: &str| {
        let error = failure(template);
        assert!(error.contains(expect), "{template}: {error}");
    };
    check("{{ range 1000000000 }}{{ end }}", "steps");
    check("{{ until 1000000000 }}", "steps");
    check("{{ untilStep 0 9223372036854775807 1 }}", "steps");
    check(
        "{{ range 10000 }}{{ range 10000 }}{{ end }}{{ end }}",
        "steps",
    );
    check("{{ randAlpha 999999999 }}", "steps");
    check(
        "{{ range 1000 }}{{ $x := repeat 100000 \"x\" }}{{ end }}",
        "bytes of values",
    );
    check(
        "{{ define \"r\" }}{{ template \"r\" }}{{ end }}{{ template \"r\" }}",
        "deeper",
    );
    check(
        "{{ $x := list }}{{ range 100 }}{{ $x = list $x }}{{ end }}{{ $x }}",
        "deeper",
    );
    check(
        "{{ $d := dict }}{{ $_ := set $d \"self\" (list $d) }}",
        "into itself",
    );
    check(
        "{{ $a := list 1 }}{{ range 40 }}{{ $a = list $a $a }}{{ end }}{{ deepEqual $a (deepCopy $a) }}",
        "",
    );
}

#[test]
fn what_is_nested_deep_is_dropped_without_recursion() {
    let event = Event::parse(EVENT).expect("an event");
    for template in [
        "{{ $x := list }}{{ range 50000 }}{{ $x = list $x }}{{ end }}",
        "{{ $top := dict }}{{ $x := $top }}{{ range 20000 }}{{ $n := dict }}{{ $_ := set $x \"n\" $n }}{{ $x = $n }}{{ end }}",
    ] {
        let parsed = Template::parse(template).expect("a template");
        assert_eq!(parsed.render(&event).as_deref(), Ok(""), "{template}");
    }
}

#[test]
fn limits_can_be_narrowed() {
    let event = Event::parse(EVENT).expect("an event");
    let limits = Limits {
        output_bytes_max: 4,
        steps_max: 100,
    };
    let render = |template: &str| {
        let parsed = Template::parse(template).expect("a template");
        parsed.with_limits(limits).render(&event)
    };
    assert_eq!(render("{{ .Name }}abc").as_deref(), Ok("nabc"));
    assert!(render("{{ .Name }}abcd").is_err());
}

#[test]
fn deep_templates_are_refused() {
    for template in [
        "{{(".repeat(5_000),
        format!("{{{{{}1{}}}}}", "(".repeat(5_000), ")".repeat(5_000)),
        "{{if 1}}".repeat(5_000),
        "{{if 1}}".to_owned() + &"{{else if 2}}".repeat(5_000),
        "x".repeat(300_000),
    ] {
        assert!(Template::parse(&template).is_err());
    }
}

#[test]
fn the_text_of_an_event_is_no_template() {
    let event = Event::parse(EVENT).expect("an event");
    let template = Template::parse("{{ .Message }}").expect("a template");
    assert_eq!(template.render(&event).as_deref(), Ok("{{ .Reason }} é"));
}

#[test]
fn errors_say_where_and_what() {
    let check = |template: &str, expect: &str| {
        let event = Event::parse(EVENT).expect("an event");
        let error = match Template::parse(template) {
            Ok(parsed) => parsed.render(&event).expect_err("an error").to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(error, expect);
    };
    check(
        "a\né {{ uper .Name }}",
        "line 2, column 6: function \"uper\" is not defined; the nearest is \"upper\"",
    );
    check(
        "{{ env \"HOME\" }}",
        "line 1, column 4: function \"env\" is not supported in weir: a template does not read the host's environment; write ${env:NAME} in the configuration",
    );
    check(
        "{{ if .Name }}x",
        "line 1, column 16: unexpected EOF: the {{if}} here has no {{end}} (it begins on line 1)",
    );
    check(
        "{{ .Source.Hots }}",
        "line 1, column 4: can't evaluate field Hots in type v1.EventSource; it has Component, Host",
    );
    check(
        "{{ upper .Count }}",
        "line 1, column 4: upper: wrong type for argument 1: expected string, got int32",
    );
    check("{{ .Name", "line 1, column 1: unclosed action; expected }}");
}

/// Pieces that make templates, wrong ones more often than not.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    "|",
    "(",
    ")",
    ".",
    "$",
    "$x",
    ":=",
    "=",
    ",",
    "\"a\"",
    "`b`",
    "'c'",
    "1",
    "-7",
    "0x1F",
    "1.5",
    "1e300",
    "9223372036854775807",
    "if ",
    "else",
    "end",
    "range ",
    "with ",
    "define \"t\"",
    "template \"t\"",
    "block \"t\" ",
    "break",
    "continue",
    "nil",
    "true",
    "and ",
    "or ",
    "/*",
    "*/",
    "é",
    "\n",
    "\\",
    ".Name",
    ".Labels",
    ".InvolvedObject",
    ".FirstTimestamp",
    ".Message",
    ".Count",
    ".ToJSON",
    ".DeDot",
    ".Time",
    ".Sub ",
    ".Format ",
    "text",
    "{{ end }}",
    "{{ else }}",
    "{{ range until 5 }}",
    "{{ if .Name }}",
    "{{ $x := list 1 2 }}",
];

/// Functions with bounds, places or formats to get wrong, for calls with arguments of all types.
const CALLS: &[&str] = &[
    "abbrev",
    "abbrevboth",
    "substr",
    "trunc",
    "wrap",
    "wrapWith",
    "indent",
    "repeat",
    "splitn",
    "slice",
    "chunk",
    "index",
    "printf",
    "print",
    "div",
    "mod",
    "round",
    "untilStep",
    "seq",
    "until",
    "date",
    "dateInZone",
    "toDate",
    "dateModify",
    "durationRound",
    "duration",
    "regexFind",
    "regexReplaceAll",
    "regexSplit",
    "regexFindAll",
    "urlParse",
    "urlJoin",
    "semver",
    "semverCompare",
    "snakecase",
    "camelcase",
    "initials",
    "title",
    "b32dec",
    "b64dec",
    "fromJson",
    "toJson",
    "toPrettyJson",
    "dict",
    "set",
    "merge",
    "dig",
    "pick",
    "omit",
    "without",
    "uniq",
    "has",
    "concat",
    "sortAlpha",
    "join",
    "cat",
    "quote",
    "toDecimal",
    "int",
    "addf",
    "divf",
    "mulf",
    "add",
    "mul",
    "sub",
    "max",
    "len",
    "eq",
    "lt",
    "html",
    "js",
    "urlquery",
    "typeOf",
    "deepEqual",
    "deepCopy",
    "base",
    "dir",
    "clean",
    "ext",
    "ternary",
    "default",
    "coalesce",
    "shuffle",
    "randInt",
    "plural",
    "replace",
    "adler32sum",
    "ago",
    "htmlDate",
    "unixEpoch",
];
const ARGUMENTS: &[&str] = &[
    "nil",
    "true",
    "0",
    "1",
    "-1",
    "3",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "1e308",
    "\"\"",
    "\"é✓x\"",
    "\"a b-C_d9.x/y\"",
    "\"%v %[9]d %*d %q\"",
    "\"(a+)|b\"",
    "\"2006-01-02T15:04:05.000Z07:00\"",
    "\"1h-3.5ns\"",
    "\"http://u:p@h:1/p%20?q#f\"",
    "\"^1.2 || <x\"",
    "(list 1 \"a\" nil)",
    "(list)",
    "(dict \"a\" (dict \"b\" 1))",
    "(dict)",
    ".",
    ".Labels",
    ".FirstTimestamp",
    ".EventTime",
    ".Source",
    ".Series",
    ".ToJSON",
    ".Message",
    "now",
    "(until 3)",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn nothing_panics_on_random_templates(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..24)) {
        let event = Event::parse(EVENT).expect("an event");
        if let Ok(template) = Template::parse(&pieces.concat()) {
            let _ = template.render(&event);
        }
    }

    #[test]
    fn nothing_panics_on_random_calls(
        name in prop::sample::select(CALLS),
        arguments in prop::collection::vec(prop::sample::select(ARGUMENTS), 0..5),
    ) {
        let event = Event::parse(EVENT).expect("an event");
        let text = format!("{{{{ {name} {} }}}}", arguments.join(" "));
        let template = Template::parse(&text).expect("a template");
        let limits = Limits { output_bytes_max: 64 * 1024, steps_max: 20_000 };
        let _ = template.with_limits(limits).render(&event);
    }

    #[test]
    fn nothing_panics_on_random_text(text in ".{0,80}", json in ".{0,80}") {
        let _ = Template::parse(&text);
        let _ = Template::parse(&format!("{{{{{text}}}}}"));
        let _ = Event::parse(&json);
    }
}
