//! The route tree, and the rules in it.
//!
//! Besides what every check does, it knows the traps of KEE's rules: keys that KEE ignored, so that a rule
//! meant something else than its author thought. Those have an error text of their own.

use regex::Regex;

use super::error::ErrorKind;
use super::fields::{Field, Fields};
use super::names::Uses;
use super::report::Report;
use super::rule_pattern;
use super::tree::{Entry, Kind};
use super::{Filter, Lookup, Receiver, Route, Rule};

const ROUTE_EXPECTED: &str = "a map with the keys drop, filters, match and routes";
const RULE_EXPECTED: &str = "a rule: a map of conditions, such as {type: Warning}";
const PATTERN_EXPECTED: &str = "a regular expression, or \"\" for anything";

/// Where a rule stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Drop,
    Match,
}

/// What routes refer to, and which of it they did.
struct Targets<'u> {
    filters: &'u Uses<Filter>,
    receivers: &'u Uses<Receiver>,
    filters_used: Vec<bool>,
    receivers_used: Vec<bool>,
}

/// Checks `route`, and warns of filters and receivers that nothing in it names.
pub(crate) fn root(
    field: Option<Field<'_>>,
    filters: &Uses<Filter>,
    receivers: &Uses<Receiver>,
    report: &mut Report<'_>,
) -> Route {
    let mut targets = Targets {
        filters,
        receivers,
        filters_used: vec![false; filters.names.len()],
        receivers_used: vec![false; receivers.names.len()],
    };
    let route = field
        .map(|field| check_route(&field, &mut targets, report))
        .unwrap_or_default();
    for (name, used) in filters.names.iter().zip(&targets.filters_used) {
        if !used {
            report.warn(name.at, &name.path, "no route uses this filter");
        }
    }
    for (name, used) in receivers.names.iter().zip(&targets.receivers_used) {
        if !used {
            report.warn(name.at, &name.path, "no rule sends to this receiver");
        }
    }
    route
}

fn check_route(field: &Field<'_>, targets: &mut Targets<'_>, report: &mut Report<'_>) -> Route {
    let mut route = Route {
        at: field.node.at,
        ..Route::default()
    };
    let Some(fields) = field.fields(ROUTE_EXPECTED, report) else {
        return route;
    };
    if let Some(field) = fields.get("drop") {
        route.drop = check_rules(&field, Place::Drop, targets, report);
    }
    if let Some(field) = fields.get("filters") {
        for item in field.items("a list of names from `filters`", report) {
            if let Some(index) = targets.filters.index(&item, "filter", report) {
                targets.filters_used[index] = true;
                route.filters.push(index);
            }
        }
    }
    if let Some(field) = fields.get("match") {
        route.matches = check_rules(&field, Place::Match, targets, report);
    }
    if let Some(field) = fields.get("routes") {
        let items = field.items("a list of routes", report);
        route.routes = items
            .iter()
            .map(|item| check_route(item, targets, report))
            .collect();
    }
    fields.finish(report);
    route
}

fn check_rules(
    field: &Field<'_>,
    place: Place,
    targets: &mut Targets<'_>,
    report: &mut Report<'_>,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for item in field.items("a list of rules, such as [{type: Warning}]", report) {
        if let Some(fields) = item.fields(RULE_EXPECTED, report) {
            rules.push(check_rule(&item, &fields, place, targets, report));
        }
    }
    rules
}

fn check_rule(
    item: &Field<'_>,
    fields: &Fields<'_>,
    place: Place,
    targets: &mut Targets<'_>,
    report: &mut Report<'_>,
) -> Rule {
    let errors_before = report.errors.len();
    let rule = Rule {
        labels: check_map(fields.get("labels"), report),
        annotations: check_map(fields.get("annotations"), report),
        message: check_pattern(fields.get("message"), report),
        api_version: check_pattern(either(fields, "apiVersion", "apiversion", report), report),
        kind: check_pattern(fields.get("kind"), report),
        namespace: check_pattern(fields.get("namespace"), report),
        reason: check_pattern(fields.get("reason"), report),
        type_: check_pattern(fields.get("type"), report),
        component: check_pattern(fields.get("component"), report),
        host: check_pattern(fields.get("host"), report),
        min_count: either(fields, "minCount", "mincount", report)
            .and_then(|field| field.integer(i64::MIN..=i64::MAX, report))
            .filter(|count| *count > 0),
        receiver: check_receiver(fields, place, targets, report),
        at: item.node.at,
    };
    for entry in fields.unread() {
        report_unknown(fields, entry, place, report);
    }
    if place == Place::Drop && report.errors.len() == errors_before && is_unconditional(&rule) {
        report
            .warn(
                item.node.at,
                &item.path,
                "an empty rule matches everything, so this drops every event of the route",
            )
            .help("remove it, or give it a condition");
    }
    rule
}

/// Warns of rules that ask for what is not looked up. Only for a source whose events do not bring it themselves.
pub(crate) fn warn_without_lookup(
    route: &Route,
    path: &str,
    lookup: Option<&Lookup>,
    report: &mut Report<'_>,
) {
    for (key, rules) in [("drop", &route.drop), ("match", &route.matches)] {
        for (index, rule) in rules.iter().enumerate() {
            let mut warn = |what: &str| {
                let path = format!("{path}.{key}[{index}]");
                let problem = format!(
                    "{what} are not looked up, so this matches only events that bring {what} themselves"
                );
                report.warn(rule.at, &path, &problem).help(format!(
                    "set source.kubernetes.lookup.{what} to true, without omitLookup"
                ));
            };
            if !rule.labels.is_empty() && lookup.is_none_or(|lookup| !lookup.labels) {
                warn("labels");
            }
            if !rule.annotations.is_empty() && lookup.is_none_or(|lookup| !lookup.annotations) {
                warn("annotations");
            }
        }
    }
    for (index, child) in route.routes.iter().enumerate() {
        warn_without_lookup(child, &format!("{path}.routes[{index}]"), lookup, report);
    }
}

fn is_unconditional(rule: &Rule) -> bool {
    let patterns = [
        &rule.message,
        &rule.api_version,
        &rule.kind,
        &rule.namespace,
        &rule.reason,
        &rule.type_,
        &rule.component,
        &rule.host,
    ];
    rule.labels.is_empty()
        && rule.annotations.is_empty()
        && rule.min_count.is_none()
        && patterns.iter().all(|pattern| pattern.is_none())
}

/// The receiver a rule names. In a `drop` rule it has no meaning: KEE ignored it there.
fn check_receiver(
    fields: &Fields<'_>,
    place: Place,
    targets: &mut Targets<'_>,
    report: &mut Report<'_>,
) -> Option<usize> {
    let field = fields.get("receiver")?;
    if place == Place::Drop {
        let problem = "a rule under `drop` sends nothing, so it has no receiver".to_owned();
        report
            .error(ErrorKind::Trap, field.key_at, &field.path, problem)
            .help("remove it (KEE ignored it), or move the rule to `match`");
        return None;
    }
    // "" is no receiver in KEE.
    if field.node.kind == Kind::String(String::new()) {
        return None;
    }
    let index = targets.receivers.index(&field, "receiver", report)?;
    targets.receivers_used[index] = true;
    Some(index)
}

/// A key with two spellings; both at once is an error.
fn either<'t>(
    fields: &Fields<'t>,
    name: &'static str,
    old_name: &'static str,
    report: &mut Report<'_>,
) -> Option<Field<'t>> {
    let (field, old) = (fields.get(name), fields.get_old(old_name));
    if let (Some(_), Some(old)) = (&field, &old) {
        report
            .error(
                ErrorKind::Duplicate,
                old.key_at,
                &old.path,
                format!("set together with {name}"),
            )
            .help(format!("remove it: it is the old spelling of {name}"));
    }
    field.or(old)
}

fn check_map(field: Option<Field<'_>>, report: &mut Report<'_>) -> Vec<(String, Regex)> {
    let Some(fields) =
        field.and_then(|field| field.fields("a map of keys to regular expressions", report))
    else {
        return Vec::new();
    };
    let mut patterns = Vec::new();
    for entry in fields.entries {
        let field = fields.field(entry);
        // The key must exist even if its value may be anything.
        let pattern = if entry.value.kind == Kind::Null {
            Some("")
        } else {
            field.text(PATTERN_EXPECTED, report)
        };
        if let Some(regex) = pattern.and_then(|pattern| compile(&field, pattern, report)) {
            patterns.push((entry.key.clone(), regex));
        }
    }
    patterns
}

fn check_pattern(field: Option<Field<'_>>, report: &mut Report<'_>) -> Option<Regex> {
    let field = field?;
    if let Kind::List(_) = field.node.kind {
        field
            .mismatch(PATTERN_EXPECTED, report)
            .help("one pattern can match any of several: `a|b`");
        return None;
    }
    let pattern = field.text(PATTERN_EXPECTED, report)?;
    if pattern.is_empty() {
        None
    } else {
        compile(&field, pattern, report)
    }
}

fn compile(field: &Field<'_>, pattern: &str, report: &mut Report<'_>) -> Option<Regex> {
    match rule_pattern::compile(pattern) {
        Ok(regex) => Some(regex),
        Err(problem) => {
            let found = field.node.found();
            let error = report
                .error(
                    ErrorKind::Pattern,
                    field.node.at,
                    &field.path,
                    format!("no valid pattern: {problem}"),
                )
                .found(found)
                .expected(PATTERN_EXPECTED);
            if !field.node.is_expanded()
                && let Some(help) = rule_pattern::glob_help(pattern)
            {
                error.help(help);
            }
            None
        }
    }
}

/// A key that is no condition; those that are known to be written by mistake say what KEE made of them.
fn report_unknown(fields: &Fields<'_>, entry: &Entry, place: Place, report: &mut Report<'_>) {
    let alone = fields.entries.len() == 1;
    let effect = match (place, alone) {
        (Place::Drop, true) => "KEE ignored it, and so dropped everything",
        (Place::Drop, false) => "KEE ignored it, and so dropped more than this says",
        (Place::Match, true) => "KEE ignored it, and so matched everything",
        (Place::Match, false) => "KEE ignored it, and so matched more than this says",
    };
    let (problem, help) = match entry.key.as_str() {
        "name" => (
            "a rule cannot ask for the name of an object",
            effect.to_owned(),
        ),
        "drop" => (
            "`drop` is a key of a route, not of a rule",
            "KEE ignored it here; write it beside `match`".to_owned(),
        ),
        "match" | "routes" | "filters" => (
            "this is a key of a route, not of a rule",
            "KEE ignored it here; write a route under `routes`".to_owned(),
        ),
        "maxEventAgeSeconds" | "throttlePeriod" => (
            "this is a key of the top level, not of a rule",
            "KEE ignored it here".to_owned(),
        ),
        _ => {
            fields.report_unknown(entry, report);
            return;
        }
    };
    let error = fields.report_unknown(entry, report);
    error.kind = ErrorKind::Trap;
    problem.clone_into(&mut error.problem);
    error.help = Some(help);
    error.expected = None;
}
