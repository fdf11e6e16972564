//! From text to [`Config`]: the top level, and the parts that are small.
//!
//! A check never stops at an error: it reports, takes a default and goes on. Only the end decides. Routes
//! are in [`super::check_route`], filters and receivers in [`super::check_uses`].

use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::{ConfigErrors, ErrorKind, LoadError, Position};
use super::expand::{Environment, expand};
use super::fields::{Field, Fields};
use super::report::Report;
use super::tree::Node;
use super::{
    Admin, Config, Log, LogFormat, LogLevel, Plugins, SHUTDOWN_DEADLINE_DEFAULT,
    SHUTDOWN_DEADLINE_MOST, Secrets, Shutdown, Source, TEXT_MOST_BYTES, Token, check_route,
    check_source, check_uses, yaml,
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

const TOP_EXPECTED: &str = "a map with the keys source, route and receivers";
const LISTEN_EXPECTED: &str = "an address and a port such as 0.0.0.0:2112, or a port";

impl Config {
    /// Reads a configuration file, with the environment of this process.
    ///
    /// # Errors
    /// If the file cannot be read, is no UTF-8, or is no valid configuration.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        Self::of(path, &Self::read(path)?)
    }

    /// Reads the bytes of a configuration file, which may be a pipe.
    ///
    /// # Errors
    /// If it cannot be read, or is too large.
    pub fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
        let read = |source| LoadError::Read {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        // One byte more than is allowed, so that what is too large is noticed and not read.
        let most = TEXT_MOST_BYTES as u64 + 1;
        File::open(path)
            .map_err(read)?
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(read)?;
        if bytes.len() > TEXT_MOST_BYTES {
            return Err(LoadError::TooLarge {
                path: path.to_owned(),
                most_bytes: TEXT_MOST_BYTES,
            });
        }
        Ok(bytes)
    }

    /// The configuration that these bytes of a file say, with the environment of this process.
    ///
    /// # Errors
    /// If they are no UTF-8, or no valid configuration.
    pub fn of(path: &Path, bytes: &[u8]) -> Result<Self, LoadError> {
        let text = std::str::from_utf8(bytes).map_err(|error| LoadError::NotText {
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
        let (errors, warnings) = report.finish();
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
    let top = whole.fields(TOP_EXPECTED, report)?;
    let log = check_log(&top, report);
    let cluster_name = top
        .get("clusterName")
        .and_then(|field| field.text("text", report))
        .unwrap_or_default();
    let source = check_source::source(&top, report);
    let checkpoint = check_source::checkpoint(&top, source.as_ref(), report);
    let admin = check_admin(&top, report);
    let plugins = check_plugins(&top, report);
    let filters = check_uses::filters(&top, report);
    let route_field = top.get("route");
    let receivers = check_uses::receivers(&top, report);
    let route = check_route::root(route_field, &filters, &receivers, report);
    if let Some(Source::Kubernetes(kubernetes)) = &source {
        check_route::warn_without_lookup(&route, "route", kubernetes.lookup.as_ref(), report);
    }
    let secrets = check_secrets(&top, report);
    let shutdown = check_shutdown(&top, report);
    top.finish(report);
    Some(Config {
        log,
        cluster_name: cluster_name.to_owned(),
        source: source?,
        checkpoint,
        admin,
        plugins,
        filters: filters.checked,
        route,
        receivers: receivers.checked,
        secrets,
        shutdown,
        base: report.base.to_owned(),
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

fn check_plugins(top: &Fields<'_>, report: &mut Report<'_>) -> Plugins {
    let mut checked = Plugins {
        directories: Vec::new(),
        cache: None,
    };
    let Some(plugins) = top
        .get("plugins")
        .and_then(|field| field.fields("a map with the keys directories and cache", report))
    else {
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
        .and_then(|field| field.fields("a map with the key directories", report))
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
        .and_then(|field| field.fields("a map with the key deadline", report))
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

/// `admin`, and the prefix of its metrics, which KEE has at the top level.
fn check_admin(top: &Fields<'_>, report: &mut Report<'_>) -> Option<Admin> {
    const EXPECTED: &str = "a map such as {listen: \":2112\"}";
    let prefix_field = top.get("metricsNamePrefix");
    let prefix = prefix_field
        .as_ref()
        .and_then(|field| check_prefix(field, report))
        .unwrap_or_default();
    let Some(field) = top.get("admin") else {
        if let Some(field) = prefix_field {
            report
                .warn(field.key_at, &field.path, "has no effect without `admin`")
                .help("KEE always listens on :2112; write `admin: {listen: \":2112\"}`");
        }
        return None;
    };
    let admin = field.fields(EXPECTED, report)?;
    let listen_field = admin.require("listen", LISTEN_EXPECTED, report);
    let listen = listen_field.and_then(|field| check_listen(&field, report));
    let token = admin.get("token").and_then(|field| {
        let text = field.secret("a secret such as ${env:WEIR_ADMIN_TOKEN}", report)?;
        let at = field.node.at;
        Some(Token { text, at })
    });
    admin.finish(report);
    Some(Admin {
        listen: listen?,
        token,
        metrics_name_prefix: prefix,
    })
}

fn check_prefix(field: &Field<'_>, report: &mut Report<'_>) -> Option<String> {
    const EXPECTED: &str = "letters, digits, `_` and `:`, first a letter, last a `_`";
    let text = field.text(EXPECTED, report)?;
    let is_valid = text.is_empty()
        || text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() > 1
            && text.ends_with('_')
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':');
    if !is_valid {
        field.refuse(EXPECTED, report);
        return None;
    }
    Some(text.to_owned())
}

/// An address to listen on. As in KEE's flag, one without an address (`:2112`) is all of IPv4's.
fn check_listen(field: &Field<'_>, report: &mut Report<'_>) -> Option<SocketAddr> {
    let text = field.text(LISTEN_EXPECTED, report)?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(port) = port(text.strip_prefix(':').unwrap_or(text)) {
        return Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
    }
    let help = match text.rsplit_once(':') {
        _ if text.contains('/') => Some("it is no URL: write the address and the port alone"),
        Some(("localhost", _)) => Some("write 127.0.0.1 for localhost: names are not looked up"),
        _ if text.parse::<Ipv6Addr>().is_ok() => {
            Some("write an IPv6 address in brackets, as in \"[::]:2112\"")
        }
        Some((name, after)) if port(after).is_some() && !is_ip(name) => {
            Some("names of hosts are not looked up: write an address, or the port alone for all")
        }
        None if is_ip(text) => Some("write the port, too"),
        _ => None,
    };
    let error = field.refuse(LISTEN_EXPECTED, report);
    if let Some(help) = help {
        error.help(help);
    }
    None
}

/// A port, without the sign and the zeros in front that `parse` takes.
fn port(text: &str) -> Option<u16> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zero = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| is_plain && !has_zero)
}

fn is_ip(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}
