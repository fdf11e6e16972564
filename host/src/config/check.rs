//! From text to [`Config`]: the top level, and the parts that are small.
//!
//! A check never stops at an error: it reports, takes a default and goes on. Only the end decides. Routes
//! are in [`super::check_route`], filters and receivers in [`super::check_uses`].

use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigErrors, ErrorKind, LoadError, Position};
use super::expand::{Environment, expand};
use super::fields::{Field, Fields};
use super::later::Scope;
use super::report::Report;
use super::tree::Node;
use super::{
    Config, Log, LogFormat, LogLevel, Plugins, Repeat, Replay, ReplayPath,
    SHUTDOWN_DEADLINE_DEFAULT, SHUTDOWN_DEADLINE_MOST, Secrets, Shutdown, Source, check_route,
    check_uses, yaml,
};

/// The levels, and KEE's further names for them. Upper case is accepted, as in KEE.
const LEVELS: &[(&str, LogLevel)] = &[
    ("trace", LogLevel::Trace),
    ("debug", LogLevel::Debug),
    ("info", LogLevel::Info),
    ("warn", LogLevel::Warn),
    ("error", LogLevel::Error),
];
const LEVELS_KEE: &[(&str, LogLevel)] = &[
    ("warning", LogLevel::Warn),
    ("fatal", LogLevel::Error),
    ("panic", LogLevel::Error),
];
const FORMATS: &[(&str, LogFormat)] = &[("json", LogFormat::Json), ("pretty", LogFormat::Pretty)];

/// How many errors are told: more than anyone reads at once.
const ERRORS_MOST: usize = 100;

const TOP_EXPECTED: &str = "a map with the keys source, route and receivers";

impl Config {
    /// Reads a configuration file, with the environment of this process.
    ///
    /// # Errors
    /// If the file cannot be read, is no UTF-8, or is no valid configuration.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let read = |source| LoadError::Read {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        // One byte more than is allowed, so that what is too large is noticed and not read.
        let most = yaml::TEXT_MOST_BYTES as u64 + 1;
        File::open(path)
            .map_err(read)?
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        if bytes.len() > yaml::TEXT_MOST_BYTES {
            return Err(LoadError::TooLarge {
                path: path.to_owned(),
                most_bytes: yaml::TEXT_MOST_BYTES,
            });
        }
        let text = std::str::from_utf8(&bytes).map_err(|error| LoadError::NotText {
            path: path.to_owned(),
            offset: error.valid_up_to(),
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        let environment = |name: &str| std::env::var(name).ok();
        Ok(Self::parse(
            text,
            &path.display().to_string(),
            base,
            &environment,
        )?)
    }

    /// Checks a configuration.
    ///
    /// `file_name` is only for error texts; relative paths are joined to `base`; `environment` looks up a
    /// variable and answers `None` if it is not set.
    ///
    /// # Errors
    /// With all that is wrong, by position.
    pub fn parse(
        text: &str,
        file_name: &str,
        base: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigErrors> {
        let mut report = Report::new(file_name, base);
        let config = parse_reporting(text, environment, &mut report);
        let mut errors = report.errors;
        let mut warnings = report.warnings;
        errors.sort_by_key(|error| error.at);
        warnings.sort_by_key(|warning| warning.at);
        if errors.len() > ERRORS_MOST {
            let more = errors.len() - ERRORS_MOST;
            errors.truncate(ERRORS_MOST);
            if let Some(last) = errors.last_mut() {
                last.help = Some(format!("and {more} more errors"));
            }
        }
        match config {
            Some(config) if errors.is_empty() => Ok(Self { warnings, ..config }),
            _ => Err(ConfigErrors(errors)),
        }
    }
}

fn parse_reporting(
    text: &str,
    environment: Environment<'_>,
    report: &mut Report<'_>,
) -> Option<Config> {
    let mut root = match yaml::read(text, report) {
        Some(root) => root,
        None => {
            if report.errors.is_empty() {
                let start = Position { line: 1, column: 1 };
                report
                    .error(
                        ErrorKind::Missing,
                        start,
                        "",
                        "the file is empty".to_owned(),
                    )
                    .expected(TOP_EXPECTED);
            }
            return None;
        }
    };
    expand(&mut root, environment);
    check_root(&root, report)
}

fn check_root(root: &Node, report: &mut Report<'_>) -> Option<Config> {
    let whole = Field {
        node: root,
        key_at: root.at,
        path: String::new(),
    };
    let top = whole.fields(Scope::Top, TOP_EXPECTED, report)?;
    let log = check_log(&top, report);
    let cluster_name = top
        .get("clusterName")
        .and_then(|field| field.text("text", report))
        .unwrap_or_default();
    let source = check_source(&top, report);
    let plugins = check_plugins(&top, report);
    let filters = check_uses::filters(&top, report);
    let route_field = top.get("route");
    let receivers = check_uses::receivers(&top, report);
    let route = check_route::root(route_field, &filters, &receivers, report);
    let secrets = check_secrets(&top, report);
    let shutdown = check_shutdown(&top, report);
    check_without_effect(&top, report);
    top.finish(report);
    Some(Config {
        log,
        cluster_name: cluster_name.to_owned(),
        source: source?,
        plugins,
        filters: filters.checked,
        route,
        receivers: receivers.checked,
        secrets,
        shutdown,
        warnings: Vec::new(),
    })
}

fn check_log(top: &Fields<'_>, report: &mut Report<'_>) -> Log {
    let mut log = Log {
        level: LogLevel::Info,
        format: LogFormat::Json,
    };
    // "" is the default in KEE.
    if let Some(field) = top.get("logLevel").filter(|field| !is_empty(field)) {
        let lower = field.node.written.to_lowercase();
        match LEVELS
            .iter()
            .chain(LEVELS_KEE)
            .find(|(name, _)| *name == lower)
        {
            Some((_, level)) => log.level = *level,
            None => log.level = field.choice(LEVELS, report).unwrap_or(log.level),
        }
    }
    if let Some(field) = top.get("logFormat").filter(|field| !is_empty(field)) {
        log.format = field.choice(FORMATS, report).unwrap_or(log.format);
    }
    log
}

fn is_empty(field: &Field<'_>) -> bool {
    matches!(&field.node.kind, super::tree::Kind::String(text) if text.is_empty())
}

fn check_source(top: &Fields<'_>, report: &mut Report<'_>) -> Option<Source> {
    const EXPECTED: &str = "a map with the key replay";
    let Some(field) = top.get("source") else {
        report
            .error(ErrorKind::Missing, top.at, "source", "missing".to_owned())
            .help("without it weir would watch Kubernetes, which is not in this version yet; use `source: {replay: {path: events.ndjson}}`")
            .expected(EXPECTED);
        return None;
    };
    let source = field.fields(Scope::Source, EXPECTED, report)?;
    let replay = source.get("replay");
    source.finish(report);
    match replay {
        Some(replay) => check_replay(&replay, report).map(Source::Replay),
        None => {
            if source.entries.is_empty() || source.entries.iter().any(|entry| entry.key == "replay")
            {
                report
                    .error(
                        ErrorKind::Missing,
                        source.at,
                        "source.replay",
                        "missing".to_owned(),
                    )
                    .expected("a map such as {path: events.ndjson}");
            }
            None
        }
    }
}

fn check_replay(field: &Field<'_>, report: &mut Report<'_>) -> Option<Replay> {
    const PATH_EXPECTED: &str =
        "the path of a file with one event a line, or \"-\" for standard input";
    let replay = field.fields(Scope::Other, "a map such as {path: events.ndjson}", report)?;
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

fn check_plugins(top: &Fields<'_>, report: &mut Report<'_>) -> Plugins {
    let mut checked = Plugins {
        directories: Vec::new(),
        cache: None,
    };
    let Some(plugins) = top.get("plugins").and_then(|field| {
        field.fields(
            Scope::Other,
            "a map with the keys directories and cache",
            report,
        )
    }) else {
        return checked;
    };
    checked.directories = check_directories(&plugins, report);
    checked.cache = plugins
        .get("cache")
        .and_then(|field| field.path_buf("the path of a directory", report));
    plugins.finish(report);
    checked
}

fn check_directories(fields: &Fields<'_>, report: &mut Report<'_>) -> Vec<PathBuf> {
    let Some(field) = fields.get("directories") else {
        return Vec::new();
    };
    let items = field.items("a list of paths of directories", report);
    items
        .iter()
        .filter_map(|item| item.path_buf("the path of a directory", report))
        .collect()
}

fn check_secrets(top: &Fields<'_>, report: &mut Report<'_>) -> Secrets {
    let Some(secrets) = top
        .get("secrets")
        .and_then(|field| field.fields(Scope::Other, "a map with the key directories", report))
    else {
        return Secrets::default();
    };
    let directories = check_directories(&secrets, report);
    secrets.finish(report);
    Secrets { directories }
}

fn check_shutdown(top: &Fields<'_>, report: &mut Report<'_>) -> Shutdown {
    let mut checked = Shutdown {
        deadline: SHUTDOWN_DEADLINE_DEFAULT,
    };
    if let Some(shutdown) = top
        .get("shutdown")
        .and_then(|field| field.fields(Scope::Other, "a map with the key deadline", report))
    {
        let deadline = shutdown.get("deadline");
        let allowed = Duration::ZERO..=SHUTDOWN_DEADLINE_MOST;
        checked.deadline = deadline
            .and_then(|field| field.duration(allowed, report))
            .unwrap_or(checked.deadline);
        shutdown.finish(report);
    }
    checked
}

/// KEE's keys that tune what is not there yet: [`super::later`] warns of them, here their values are checked.
fn check_without_effect(top: &Fields<'_>, report: &mut Report<'_>) {
    let whole = |key, report: &mut Report<'_>| {
        if let Some(field) = top.get(key) {
            field.integer(0..=i64::MAX, report);
        }
    };
    whole("maxEventAgeSeconds", report);
    whole("throttlePeriod", report);
    whole("kubeBurst", report);
    whole("cacheSize", report);
    if let (Some(_), Some(alias)) = (top.get("maxEventAgeSeconds"), top.get("throttlePeriod")) {
        report
            .error(
                ErrorKind::Value,
                alias.key_at,
                &alias.path,
                "set together with maxEventAgeSeconds".to_owned(),
            )
            .help("remove it: it is the old name of maxEventAgeSeconds");
    }
    if let Some(field) = top.get("kubeQPS") {
        field.number(report);
    }
    if let Some(field) = top.get("omitLookup") {
        field.boolean(report);
    }
    if let Some(field) = top.get("namespace") {
        field.text("the name of one namespace, or \"\" for all", report);
    }
    if let Some(field) = top.get("metricsNamePrefix") {
        const EXPECTED: &str = "letters, digits, `_` and `:`, first a letter, last a `_`";
        let valid = |text: &str| {
            text.is_empty()
                || text.starts_with(|c: char| c.is_ascii_alphabetic())
                    && text.len() > 1
                    && text.ends_with('_')
                    && text
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
        };
        if field
            .text(EXPECTED, report)
            .is_some_and(|text| !valid(text))
        {
            field.refuse(EXPECTED, report);
        }
    }
    let leader = top.get("leaderElection");
    if let Some(leader) =
        leader.and_then(|field| field.fields(Scope::Other, "a map with the key enabled", report))
    {
        if let Some(field) = leader.get("enabled") {
            field.boolean(report);
        }
        if let Some(field) = leader.get("leaderElectionID") {
            field.text("the name of a lease", report);
        }
        leader.finish(report);
    }
}
