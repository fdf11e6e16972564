//! What a request asks for: the parameters of its query as a list or a watch reads them, and the checks that the
//! server does on them before it looks at any object.

use super::status::{Cause, Status};

const NOT_OLDER_THAN: &str = "NotOlderThan";
const EXACT: &str = "Exact";

/// Which parameters these endpoints know. The server ignores all others; the record of requests names them.
const KNOWN: &[&str] = &[
    "allowWatchBookmarks",
    "continue",
    "dryRun",
    "fieldManager",
    "fieldSelector",
    "fieldValidation",
    "force",
    "gracePeriodSeconds",
    "labelSelector",
    "limit",
    "orphanDependents",
    "pretty",
    "propagationPolicy",
    "resourceVersion",
    "resourceVersionMatch",
    "sendInitialEvents",
    "timeoutSeconds",
    "watch",
];

/// The decoded query, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Query(Vec<(String, String)>);

/// How a `resourceVersion` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    Unset,
    Exact,
    NotOlderThan,
}

/// The options of a list or a watch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListOptions {
    pub watch: bool,
    pub limit: u64,
    pub continue_token: String,
    pub resource_version: String,
    pub version_match: Match,
    pub field_selector: String,
    pub label_selector: String,
    pub timeout_s: Option<u64>,
    pub bookmarks: bool,
    pub send_initial_events: bool,
}

impl Query {
    pub(super) fn parse(text: &str) -> Query {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Query(pairs.collect())
    }

    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The first value of a parameter; empty where it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(there, _)| there == name);
        found.map_or("", |(_, value)| value)
    }

    pub(super) fn unknown(&self) -> Vec<String> {
        let names = self.0.iter().map(|(name, _)| name);
        names
            .filter(|name| !KNOWN.contains(&name.as_str()))
            .cloned()
            .collect()
    }

    /// As the server reads a boolean: present and neither "0" nor "false" is true.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let (_, value) = self.0.iter().find(|(there, _)| there == name)?;
        Some(value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, Status> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                let message = format!("strconv.ParseInt: parsing {text:?}: invalid syntax");
                Status::bad_request(message)
            }),
        }
    }
}

impl ListOptions {
    /// Reads and checks them.
    pub(super) fn read(query: &Query) -> Result<ListOptions, Status> {
        let watch = query.flag("watch").unwrap_or(false);
        let initial = query.flag("sendInitialEvents");
        let limit = query.number("limit")?.unwrap_or(0);
        let timeout = query.number("timeoutSeconds")?;
        let causes = if watch {
            watch_problems(query, initial)
        } else {
            list_problems(query, initial)
        };
        if !causes.is_empty() {
            return Err(Status::invalid("meta.k8s.io", "ListOptions", "", &causes));
        }
        let version = query.get("resourceVersion");
        let from_now = watch && (version.is_empty() || version == "0");
        Ok(ListOptions {
            watch,
            limit: u64::try_from(limit).unwrap_or(0),
            continue_token: query.get("continue").into(),
            resource_version: version.into(),
            version_match: match query.get("resourceVersionMatch") {
                EXACT => Match::Exact,
                NOT_OLDER_THAN => Match::NotOlderThan,
                _ => Match::Unset,
            },
            field_selector: query.get("fieldSelector").into(),
            label_selector: query.get("labelSelector").into(),
            timeout_s: timeout.and_then(|seconds| u64::try_from(seconds).ok()),
            bookmarks: query.flag("allowWatchBookmarks").unwrap_or(false),
            // The server turns it on itself for a watch that does not say from where.
            send_initial_events: initial.unwrap_or(from_now),
        })
    }
}

fn watch_problems(query: &Query, initial: Option<bool>) -> Vec<Cause> {
    let field = "resourceVersionMatch";
    let asked = query.get(field);
    let mut causes = Vec::new();
    if initial.is_some() && asked != NOT_OLDER_THAN {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        causes.push(Cause::forbidden(field, why));
    }
    if asked.is_empty() {
        return causes;
    }
    if initial.is_none() {
        let why =
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        causes.push(Cause::forbidden(field, why));
    }
    if asked != NOT_OLDER_THAN {
        causes.push(Cause::unsupported(field, asked, &[NOT_OLDER_THAN]));
    }
    if !query.get("continue").is_empty() {
        let why = "resourceVersionMatch is forbidden when continue is provided";
        causes.push(Cause::forbidden(field, why));
    }
    causes
}

fn list_problems(query: &Query, initial: Option<bool>) -> Vec<Cause> {
    let field = "resourceVersionMatch";
    let (asked, version) = (query.get(field), query.get("resourceVersion"));
    let mut causes = Vec::new();
    if !asked.is_empty() {
        if version.is_empty() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden(field, why));
        }
        if !query.get("continue").is_empty() {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden(field, why));
        }
        if ![EXACT, NOT_OLDER_THAN].contains(&asked) {
            causes.push(Cause::unsupported(
                field,
                asked,
                &[EXACT, NOT_OLDER_THAN, ""],
            ));
        }
        if asked == EXACT && version == "0" {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden(field, why));
        }
    }
    if initial.is_some() {
        let why = "sendInitialEvents is forbidden for list";
        causes.push(Cause::forbidden("sendInitialEvents", why));
    }
    causes
}

/// Takes percent encoding and `+` apart.
pub(super) fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let escape = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(if bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}
