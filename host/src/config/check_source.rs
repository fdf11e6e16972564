//! Where events come from, and where the position in them is kept: `source`, `checkpoint`, and KEE's keys of the
//! top level that mean a part of `source.kubernetes`.
//!
//! There is exactly one source; without `source` it is Kubernetes with its defaults. Kubernetes itself is in
//! [`super::check_kubernetes`].

use std::num::NonZeroU32;

use super::check_kubernetes;
use super::dns_name::{self, Form};
use super::error::{ErrorKind, Position};
use super::fields::{Field, Fields};
use super::report::Report;
use super::tree::{Entry, Kind};
use super::{Checkpoint, Repeat, Replay, ReplayPath, Source};

const SOURCE_EXPECTED: &str = "a map with one key, kubernetes or replay";
const REPLAY_EXPECTED: &str = "a map such as {path: events.ndjson}";

/// The keys of the top level that tune `source.kubernetes` only.
const ONLY_KUBERNETES: &[&str] = &[
    "maxEventAgeSeconds",
    "throttlePeriod",
    "namespace",
    "leaderElection",
    "kubeQPS",
    "kubeBurst",
    "omitLookup",
    "cacheSize",
    "checkpoint",
];

/// The source. Also checks KEE's keys, whichever source it is.
pub(crate) fn source(top: &Fields<'_>, report: &mut Report<'_>) -> Option<Source> {
    let field = top.get("source");
    let is_left_out = field.is_none();
    let block = field.and_then(|field| field.fields(SOURCE_EXPECTED, report));
    let kubernetes_field = block.as_ref().and_then(|block| block.get("kubernetes"));
    let replay_field = block.as_ref().and_then(|block| block.get("replay"));
    // `kubernetes:` with nothing behind it is the source with its defaults.
    let kubernetes_entry = block.as_ref().and_then(|block| entry(block, "kubernetes"));
    let replay_entry = block.as_ref().and_then(|block| entry(block, "replay"));
    if let Some(block) = &block {
        block.finish(report);
        report_number(block, kubernetes_entry, replay_entry, report);
    }
    let at = kubernetes_entry.map_or(Position::default(), |entry| entry.key_at);
    let kubernetes = check_kubernetes::kubernetes(kubernetes_field, at, top, report);
    if let Some(field) = replay_field {
        report_no_effect(top, report);
        return replay(&field, report).map(Source::Replay);
    }
    (is_left_out || kubernetes_entry.is_some()).then(|| Source::Kubernetes(Box::new(kubernetes)))
}

fn entry<'t>(block: &Fields<'t>, key: &str) -> Option<&'t Entry> {
    block.entries.iter().find(|entry| entry.key == key)
}

/// Reports two sources, or none.
fn report_number(
    block: &Fields<'_>,
    kubernetes: Option<&Entry>,
    replay: Option<&Entry>,
    report: &mut Report<'_>,
) {
    match (kubernetes, replay) {
        (Some(kubernetes), Some(replay)) => block
            .field(kubernetes)
            .report_both(&block.field(replay), report)
            .help("remove one of them: there is one source"),
        (None, Some(replay)) if replay.value.kind == Kind::Null => report
            .error(
                ErrorKind::Missing,
                replay.key_at,
                "source.replay",
                "missing".to_owned(),
            )
            .expected(REPLAY_EXPECTED),
        (None, None) if block.entries.is_empty() => report
            .error(
                ErrorKind::Missing,
                block.at,
                "source",
                "no source".to_owned(),
            )
            .expected(SOURCE_EXPECTED),
        _ => return,
    };
}

fn report_no_effect(top: &Fields<'_>, report: &mut Report<'_>) {
    for key in ONLY_KUBERNETES {
        if let Some(field) = top.get_old(key) {
            let warning = report.warn(
                field.key_at,
                &field.path,
                "has no effect with source.replay",
            );
            if *key == "checkpoint" {
                warning.help("remove it: a replay starts at the first event each time");
            }
        }
    }
}

fn replay(field: &Field<'_>, report: &mut Report<'_>) -> Option<Replay> {
    const PATH_EXPECTED: &str =
        "the path of a file with one event a line, or \"-\" for standard input";
    let replay = field.fields(REPLAY_EXPECTED, report)?;
    let path_field = replay.require("path", PATH_EXPECTED, report);
    let path = path_field.and_then(|field| match field.text(PATH_EXPECTED, report)? {
        "-" => Some(ReplayPath::Stdin),
        _ => field.path_buf(PATH_EXPECTED, report).map(ReplayPath::File),
    });
    let follow_field = replay.get("follow");
    let follow = follow_field
        .as_ref()
        .and_then(|field| field.boolean(report))
        .unwrap_or(false);
    let any = 0..=i64::from(u32::MAX);
    let rate = replay
        .get("rate")
        .and_then(|field| field.integer(any.clone(), report))
        .unwrap_or(0);
    let repeat_field = replay.get("repeat");
    let repeat = repeat_field
        .as_ref()
        .and_then(|field| field.integer(any, report))
        .unwrap_or(1);
    replay.finish(report);
    if let Some(field) = repeat_field.filter(|_| repeat != 1) {
        if follow {
            field
                .refuse("1 with `follow`", report)
                .help("a file that is followed has no end after which it could be repeated");
        } else if path == Some(ReplayPath::Stdin) {
            field
                .refuse("1 with standard input", report)
                .help("standard input cannot be read again");
        }
    }
    let number = |value: i64| u32::try_from(value).ok().and_then(NonZeroU32::new);
    Some(Replay {
        path: path?,
        follow,
        rate: number(rate),
        repeat: number(repeat).map_or(Repeat::Forever, Repeat::Times),
        at: field.key_at,
    })
}

/// `checkpoint`: at most one place, and none beside a lease, which holds the position itself.
pub(crate) fn checkpoint(
    top: &Fields<'_>,
    source: Option<&Source>,
    report: &mut Report<'_>,
) -> Checkpoint {
    const EXPECTED: &str = "a map with one key, file or configMap";
    const FILE_EXPECTED: &str = "the path of a file";
    let Some(block) = top
        .get("checkpoint")
        .and_then(|field| field.fields(EXPECTED, report))
    else {
        return Checkpoint::Default;
    };
    let (file_field, map_field) = (block.get("file"), block.get("configMap"));
    block.finish(report);
    let path = file_field.as_ref().and_then(|field| {
        let text = field.text(FILE_EXPECTED, report)?;
        if text.ends_with('/') {
            field.refuse(FILE_EXPECTED, report).help("this is a folder");
            return None;
        }
        field.path_buf(FILE_EXPECTED, report)
    });
    let name = map_field
        .as_ref()
        .and_then(|field| dns_name::check(field, Form::Subdomain, report));
    match (&file_field, &map_field) {
        (Some(file), Some(map)) => {
            file.report_both(map, report)
                .help("remove one of them: the position is kept in one place");
        }
        (None, None) if block.unread().is_empty() => {
            report
                .error(
                    ErrorKind::Missing,
                    block.at,
                    &block.path,
                    "no place".to_owned(),
                )
                .expected(EXPECTED)
                .help("without `checkpoint` it is a ConfigMap in a cluster, and elsewhere nothing");
        }
        _ => {}
    }
    if is_elected(source) {
        for field in file_field.iter().chain(&map_field) {
            let problem = "not together with leader election".to_owned();
            report
                .error(ErrorKind::Value, field.key_at, &field.path, problem)
                .help(
                    "remove it: the position is kept in the lease, so that the next leader has it",
                );
        }
    }
    match (path, name) {
        // A replay keeps none; that it was said is warned of.
        _ if !matches!(source, Some(Source::Kubernetes(_))) => Checkpoint::Default,
        (Some(path), _) => Checkpoint::File(path),
        (None, Some(name)) => Checkpoint::ConfigMap(name),
        (None, None) => Checkpoint::Default,
    }
}

fn is_elected(source: Option<&Source>) -> bool {
    matches!(source, Some(Source::Kubernetes(kubernetes)) if kubernetes.leader_election.is_some())
}
