//! `source.kubernetes`: what is watched, and what is looked up. Leader election is in [`super::check_leader`].
//!
//! KEE has some of its keys at the top level. They mean the same, under the same checks; a key in both places is
//! an error. Where KEE takes 0 for its default (`kubeQPS`, `kubeBurst`, `cacheSize`) so does weir, but with its
//! own default, which is also what holds where the key is left out.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::dns_name::{self, Form};
use super::error::{ErrorKind, Position};
use super::fields::{Field, Fields};
use super::quantity;
use super::report::Report;
use super::tree::Kind;
use super::{
    Backlog, EventsApi, Kubernetes, LeaderElection, Lookup, OnMissing, check_leader, field_selector,
};

/// Each namespace is a watch of its own, and each one left out is in the address of the requests.
const NAMESPACES_MOST: usize = 500;

/// Enough to see that it works, and too little to flood a sink.
const BACKLOG_DEFAULT: Duration = Duration::from_secs(300);
const BACKLOG_LEAST: Duration = Duration::from_secs(1);
/// No cluster keeps events that long.
const BACKLOG_MOST: Duration = Duration::from_secs(30 * 86_400);

/// Objects: about 1 kB each, so a few megabytes.
const CACHE_DEFAULT: usize = 4096;
const CACHE_MOST: usize = 1_000_000;
/// Requests a second: what an API server does not notice, and four times KEE's, which throttled its users.
const QPS_DEFAULT: f64 = 20.0;
const QPS_ALLOWED: RangeInclusive<f64> = 0.01..=1_000_000.0;
const BURST_DEFAULT: u32 = 40;
const BURST_MOST: i64 = 10_000;
/// An answer takes milliseconds; a person who looks on does not notice two seconds.
const DEADLINE_DEFAULT: Duration = Duration::from_secs(2);
const DEADLINE_LEAST: Duration = Duration::from_millis(10);
const DEADLINE_MOST: Duration = Duration::from_secs(60);

const APIS: &[(&str, EventsApi)] = &[
    ("v1", EventsApi::Core),
    ("events.k8s.io/v1", EventsApi::EventsV1),
];
const ON_MISSING: &[(&str, OnMissing)] =
    &[("without", OnMissing::Without), ("hold", OnMissing::Hold)];

const KUBERNETES_EXPECTED: &str = "a map such as {namespaces: [default]}; {} is all namespaces";

/// Checks the source, from its own block (none is all defaults) and from KEE's keys of the top level.
pub(crate) fn kubernetes(
    own: Option<Field<'_>>,
    at: Position,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> Kubernetes {
    let block = own.and_then(|field| field.fields(KUBERNETES_EXPECTED, report));
    let block = block.as_ref();
    let max_age = check_max_age(top, report);
    let api_field = part(block, "api");
    let api = match &api_field {
        Some(field) => field.choice(APIS, report),
        None => Some(EventsApi::Core),
    };
    let (namespaces, exclude_namespaces) = check_namespaces(block, top, report);
    let checked = Kubernetes {
        api: api.unwrap_or(EventsApi::Core),
        namespaces,
        exclude_namespaces,
        field_selector: part(block, "fieldSelector")
            .map(|field| field_selector::check(&field, api, report))
            .unwrap_or_default(),
        label_selector: part(block, "labelSelector")
            .and_then(|field| field.text("a label selector such as app=web,tier!=cache", report))
            .unwrap_or_default()
            .to_owned(),
        backlog: part(block, "backlog")
            .and_then(|field| check_backlog(&field, report))
            .unwrap_or(Backlog::Within(BACKLOG_DEFAULT)),
        gap_events: flag(block, "gapEvents", false, report),
        max_age,
        leader_election: check_leader_election(block, top, report),
        lookup: check_lookup(block, top, report),
        at,
    };
    if let Some(block) = block {
        block.finish(report);
    }
    checked
}

/// A key of a block that may be left out.
fn part<'t>(block: Option<&Fields<'t>>, key: &'static str) -> Option<Field<'t>> {
    block.and_then(|block| block.get(key))
}

fn flag(
    block: Option<&Fields<'_>>,
    key: &'static str,
    default: bool,
    report: &mut Report<'_>,
) -> bool {
    part(block, key)
        .and_then(|field| field.boolean(report))
        .unwrap_or(default)
}

/// Reports a key of KEE beside the key that means the same.
fn report_twice(own: Option<&Field<'_>>, kee: Option<&Field<'_>>, report: &mut Report<'_>) {
    if let (Some(own), Some(kee)) = (own, kee) {
        own.report_both(kee, report)
            .help("remove one of them: they mean the same");
    }
}

fn check_max_age(top: &Fields<'_>, report: &mut Report<'_>) -> Option<Duration> {
    let (field, old) = (top.get("maxEventAgeSeconds"), top.get_old("throttlePeriod"));
    if let (Some(field), Some(old)) = (&field, &old) {
        field
            .report_both(old, report)
            .help("remove throttlePeriod: it is the old name of maxEventAgeSeconds");
    }
    let seconds = field
        .or(old)?
        .integer(0..=i64::from(u32::MAX), report)?
        .unsigned_abs();
    (seconds > 0).then_some(Duration::from_secs(seconds))
}

fn check_namespaces(
    block: Option<&Fields<'_>>,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> (Vec<String>, Vec<String>) {
    let own = part(block, "namespaces");
    let kee = top.get_old("namespace");
    report_twice(own.as_ref(), kee.as_ref(), report);
    let only = match (&own, &kee) {
        (Some(field), _) => namespace_list(field, "leave the key out to watch all", report),
        (None, Some(field)) => namespace_of_kee(field, report),
        (None, None) => Vec::new(),
    };
    let Some(field) = part(block, "excludeNamespaces") else {
        return (only, Vec::new());
    };
    let without = namespace_list(&field, "drop the rest by a rule of the route", report);
    if let Some(only_field) = own
        .or(kee)
        .filter(|_| !only.is_empty() && !without.is_empty())
    {
        field
            .report_both(&only_field, report)
            .help("remove one of them: what is not among the namespaces is left out anyway");
    }
    (only, without)
}

fn namespace_list(field: &Field<'_>, help: &str, report: &mut Report<'_>) -> Vec<String> {
    let items = field.items("a list of names of namespaces", report);
    if items.len() > NAMESPACES_MOST {
        let problem = format!("{} namespaces", items.len());
        report
            .error(ErrorKind::Value, field.node.at, &field.path, problem)
            .expected(format!("at most {NAMESPACES_MOST}"))
            .help(help);
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    let mut firsts: Vec<Field<'_>> = Vec::new();
    for item in items {
        // How others name all of them.
        let is_all =
            matches!(&item.node.kind, Kind::String(text) if text.is_empty() || text == "*");
        let Some(name) = namespace(&item, Some(help).filter(|_| is_all), report) else {
            continue;
        };
        if let Some(index) = names.iter().position(|known| *known == name) {
            let Position { line, column } = firsts[index].node.at;
            let problem = format!("a second time; the first is at {line}:{column}");
            report
                .error(ErrorKind::Duplicate, item.node.at, &item.path, problem)
                .help("remove one of them");
        } else {
            names.push(name);
            firsts.push(item);
        }
    }
    names
}

/// KEE's one namespace; "" is all.
fn namespace_of_kee(field: &Field<'_>, report: &mut Report<'_>) -> Vec<String> {
    const HELP: &str = "write \"\" for all, and several under source.kubernetes.namespaces";
    if field.node.kind == Kind::String(String::new()) {
        return Vec::new();
    }
    let name = namespace(field, Some(HELP), report);
    name.into_iter().collect()
}

/// The name of a namespace; `help` is for one that is not close to a name.
fn namespace(field: &Field<'_>, help: Option<&str>, report: &mut Report<'_>) -> Option<String> {
    let errors_before = report.errors.len();
    let name = dns_name::check(field, Form::Label, report);
    if let (Some(help), Some(error)) = (help, report.errors.get_mut(errors_before))
        && error.help.is_none()
    {
        error.help(help);
    }
    name
}

fn check_backlog(field: &Field<'_>, report: &mut Report<'_>) -> Option<Backlog> {
    const EXPECTED: &str = "all, none, or a duration from 1s to 720h, such as 5m";
    let found = match field.node.typed() {
        Kind::String(text) if text == "all" => Some(Backlog::All),
        Kind::String(text) if text == "none" => Some(Backlog::None),
        Kind::String(text) => quantity::duration(&text)
            .filter(|age| (BACKLOG_LEAST..=BACKLOG_MOST).contains(age))
            .map(Backlog::Within),
        _ => None,
    };
    if found.is_none() {
        let help = match field.node.typed() {
            Kind::Integer(0) | Kind::Bool(false) => Some("write none".to_owned()),
            Kind::Bool(true) => Some("write all".to_owned()),
            Kind::Integer(value) if !field.node.is_expanded() => {
                Some(format!("write the unit, such as {value}s"))
            }
            _ => None,
        };
        let error = field.refuse(EXPECTED, report);
        if let Some(help) = help {
            error.help(help);
        }
    }
    found
}

fn check_leader_election(
    block: Option<&Fields<'_>>,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> Option<LeaderElection> {
    let (own, kee) = (part(block, "leaderElection"), top.get_old("leaderElection"));
    report_twice(own.as_ref(), kee.as_ref(), report);
    match (own, kee) {
        (Some(field), _) => check_leader::own(&field, report),
        (None, kee) => check_leader::of_kee(&kee?, report),
    }
}

fn check_lookup(
    block: Option<&Fields<'_>>,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> Option<Lookup> {
    const EXPECTED: &str = "a map such as {labels: true, cache: 4096}";
    let own_field = part(block, "lookup");
    let omit_field = top.get_old("omitLookup");
    let omit = omit_field
        .as_ref()
        .and_then(|field| field.boolean(report))
        .unwrap_or(false);
    if let (Some(own), Some(omit_field), true) = (&own_field, &omit_field, omit) {
        own.report_both(omit_field, report)
            .help("remove one of them: omitLookup turns all lookups off");
    }
    let own = own_field.and_then(|field| field.fields(EXPECTED, report));
    let own = own.as_ref();
    let checked = Lookup {
        labels: flag(own, "labels", true, report),
        annotations: flag(own, "annotations", true, report),
        owners: flag(own, "owners", true, report),
        namespace_labels: flag(own, "namespaceLabels", false, report),
        node_labels: flag(own, "nodeLabels", false, report),
        cache: check_cache(own, top, report).unwrap_or(CACHE_DEFAULT),
        qps: check_qps(own, top, report).unwrap_or(QPS_DEFAULT),
        burst: check_burst(own, top, report).unwrap_or(BURST_DEFAULT),
        deadline: part(own, "deadline")
            .and_then(|field| field.duration(DEADLINE_LEAST..=DEADLINE_MOST, report))
            .unwrap_or(DEADLINE_DEFAULT),
        on_missing: part(own, "onMissing")
            .and_then(|field| field.choice(ON_MISSING, report))
            .unwrap_or(OnMissing::Without),
    };
    if let Some(own) = own {
        own.finish(report);
    }
    let any = checked.labels
        || checked.annotations
        || checked.owners
        || checked.namespace_labels
        || checked.node_labels;
    (any && !omit).then_some(checked)
}

fn check_cache(
    own: Option<&Fields<'_>>,
    top: &Fields<'_>,
    report: &mut Report<'_>,
) -> Option<usize> {
    let (own, kee) = (part(own, "cache"), top.get_old("cacheSize"));
    report_twice(own.as_ref(), kee.as_ref(), report);
    match (own, kee) {
        (Some(field), _) => field.count(1..=CACHE_MOST, report),
        (None, kee) => kee?.count(0..=CACHE_MOST, report).filter(|size| *size > 0),
    }
}

fn check_qps(own: Option<&Fields<'_>>, top: &Fields<'_>, report: &mut Report<'_>) -> Option<f64> {
    let (own, kee) = (part(own, "qps"), top.get_old("kubeQPS"));
    report_twice(own.as_ref(), kee.as_ref(), report);
    match (own, kee) {
        (Some(field), _) => {
            let errors_before = report.errors.len();
            let value = field.number(QPS_ALLOWED, report);
            if is_zero(&field)
                && let Some(error) = report.errors.get_mut(errors_before)
            {
                error.help("to look nothing up, write `omitLookup: true` in place of the block");
            }
            value
        }
        (None, Some(field)) if is_zero(&field) => None,
        (None, kee) => kee?.number(QPS_ALLOWED, report),
    }
}

fn is_zero(field: &Field<'_>) -> bool {
    matches!(field.node.typed(), Kind::Integer(0) | Kind::Float(0.0))
}

fn check_burst(own: Option<&Fields<'_>>, top: &Fields<'_>, report: &mut Report<'_>) -> Option<u32> {
    let (own, kee) = (part(own, "burst"), top.get_old("kubeBurst"));
    report_twice(own.as_ref(), kee.as_ref(), report);
    let value = match (own, kee) {
        (Some(field), _) => field.integer(1..=BURST_MOST, report),
        (None, kee) => kee?
            .integer(0..=BURST_MOST, report)
            .filter(|burst| *burst > 0),
    };
    u32::try_from(value?).ok()
}
