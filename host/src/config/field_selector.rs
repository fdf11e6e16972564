//! `fieldSelector`: its rough syntax, and whether its fields are those of the chosen API.
//!
//! The API server refuses a wrong selector with 400 for each list and watch, so what is surely wrong is told
//! here. The grammar is that of Kubernetes (apimachinery's `fields`): parts with commas between them, each
//! `field=value`, `field==value` or `field!=value`; in a value `\` stands before `,`, `=` and `\`.
//! The text itself goes to the server as it is. Called by [`super::check_kubernetes`].

use super::EventsApi;
use super::error::ErrorKind;
use super::fields::Field;
use super::report::{Report, one_of};

const EXPECTED: &str =
    "a field selector such as type=Warning,reason!=Pulled, or \"\" for every event";

/// The fields by which events can be selected: in core/v1, and the same in events.k8s.io/v1 (Kubernetes 1.36).
const SELECTABLE: &[[&str; 2]] = &[
    ["type", "type"],
    ["reason", "reason"],
    ["source", "source"],
    ["reportingComponent", "reportingController"],
    ["involvedObject.kind", "regarding.kind"],
    ["involvedObject.namespace", "regarding.namespace"],
    ["involvedObject.name", "regarding.name"],
    ["involvedObject.uid", "regarding.uid"],
    ["involvedObject.apiVersion", "regarding.apiVersion"],
    [
        "involvedObject.resourceVersion",
        "regarding.resourceVersion",
    ],
    ["involvedObject.fieldPath", "regarding.fieldPath"],
    ["metadata.name", "metadata.name"],
    ["metadata.namespace", "metadata.namespace"],
];

/// A field selector that the server can read; "" if it is not. Without an API its fields are not checked.
pub(crate) fn check(field: &Field<'_>, api: Option<EventsApi>, report: &mut Report<'_>) -> String {
    let Some(text) = field.text(EXPECTED, report) else {
        return String::new();
    };
    for part in parts(text) {
        match field_of(part) {
            Ok(name) => {
                if let Some(api) = api {
                    check_name(field, name, api, report);
                }
            }
            Err((problem, help)) => {
                let problem = format!("{} {problem}", shown(field, "the part", part));
                report
                    .error(ErrorKind::Value, field.node.at, &field.path, problem)
                    .found(field.node.found())
                    .expected(EXPECTED)
                    .help(help);
            }
        }
    }
    text.to_owned()
}

/// A piece of the selector for an error text; without it where it may be a value of the environment.
fn shown(field: &Field<'_>, what: &str, piece: &str) -> String {
    if field.node.is_expanded() {
        format!("{what} that $… stands for")
    } else {
        format!("{what} {piece:?}")
    }
}

/// What stands between commas that have no `\` before them. Empty parts are skipped, as the server does.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (index, c) in text.char_indices() {
        if c == ',' && !escaped {
            parts.push(&text[start..index]);
            start = index + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// The name of a part's field; or what is wrong with the part, and what to do.
fn field_of(part: &str) -> Result<&str, (&'static str, &'static str)> {
    const SPACE: &str = "has a space, which the server takes for a part of the field or value";
    if part.trim() != part {
        return Err((SPACE, "remove the space"));
    }
    let Some(operator) = part.find(['=', '!']) else {
        return Err((
            "has no =, == or !=",
            "only these three are there; `,` is and, and there is no or",
        ));
    };
    let (name, rest) = part.split_at(operator);
    let Some(value) = ["!=", "==", "="]
        .iter()
        .find_map(|operator| rest.strip_prefix(operator))
    else {
        return Err(("has a `!` without `=`", "write `field!=value`"));
    };
    if name.is_empty() {
        return Err(("has no field before its operator", "write `field=value`"));
    }
    if name.contains(char::is_whitespace) || value.trim() != value {
        return Err((SPACE, "remove the space"));
    }
    check_value(value).map(|()| name)
}

fn check_value(value: &str) -> Result<(), (&'static str, &'static str)> {
    let mut characters = value.chars();
    while let Some(c) = characters.next() {
        match c {
            '=' => return Err(("has a second `=`", r"write `\=` for one in a value")),
            '\\' if !matches!(characters.next(), Some('\\' | ',' | '=')) => {
                return Err((
                    r"has a `\` that escapes nothing",
                    r"write `\\` for one; only `\\`, `\,` and `\=` are there",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_name(field: &Field<'_>, name: &str, api: EventsApi, report: &mut Report<'_>) {
    let (own, other, other_api) = match api {
        EventsApi::Core => (0, 1, "events.k8s.io/v1"),
        EventsApi::EventsV1 => (1, 0, "v1"),
    };
    let known = || SELECTABLE.iter().map(|names| names[own]);
    if known().any(|known| known == name) {
        return;
    }
    let shown = shown(field, "the field", name);
    let is_expanded = field.node.is_expanded();
    if let Some(names) = SELECTABLE.iter().find(|names| names[other] == name) {
        let problem = format!("{shown} is one of the API {other_api}");
        let error = report
            .error(ErrorKind::Value, field.node.at, &field.path, problem)
            .found(field.node.found());
        if is_expanded {
            error.help(format!("set `api: {other_api}`"));
        } else {
            error.help(format!(
                "did you mean {:?}? Or set `api: {other_api}`",
                names[own]
            ));
        }
        return;
    }
    let problem = format!("the server may refuse {shown}");
    let warning = report
        .warn(field.node.at, &field.path, &problem)
        .expected(one_of(known()));
    if !is_expanded {
        warning.did_you_mean(name, known());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        for (text, expected) in [
            ("", Ok(vec![])),
            (",,", Ok(vec![])),
            ("type=Warning", Ok(vec!["type"])),
            ("a==b,c!=d,e=", Ok(vec!["a", "c", "e"])),
            (r"a=x\,y\=z\\,b!=", Ok(vec!["a", "b"])),
            (r"a=\\,b=c", Ok(vec!["a", "b"])),
            ("a=b!c", Ok(vec!["a"])),
            ("é=ü", Ok(vec!["é"])),
            ("a", Err("has no =, == or !=")),
            ("a in (b)", Err("has no =, == or !=")),
            ("a!b", Err("has a `!` without `=`")),
            ("=b", Err("has no field before its operator")),
            ("a=b=c", Err("has a second `=`")),
            ("a===c", Err("has a second `=`")),
            (r"a=\b", Err(r"has a `\` that escapes nothing")),
            (r"a=b\", Err(r"has a `\` that escapes nothing")),
        ] {
            let found: Result<Vec<&str>, &str> = parts(text)
                .into_iter()
                .map(|part| field_of(part).map_err(|(problem, _)| problem))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
        for text in ["a=b, c=d", "a = b", "a= b", "a=b\n", "a b=c"] {
            assert!(
                parts(text).into_iter().any(|part| field_of(part).is_err()),
                "{text}"
            );
        }
    }

    #[test]
    fn each_name_is_there_once() {
        for api in [0, 1] {
            let mut names: Vec<&str> = SELECTABLE.iter().map(|names| names[api]).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), SELECTABLE.len());
        }
    }
}
