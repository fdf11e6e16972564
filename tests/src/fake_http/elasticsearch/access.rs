//! Who asks, and what they may.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::super::{Reply, Request};
use super::refusal;

/// Everybody. Without users and keys there is no security, as without its plugin.
#[derive(Default)]
pub(super) struct Access {
    secured: bool,
    users: BTreeMap<String, String>,
    api_keys: BTreeSet<String>,
    /// By the beginning of an index's name; none while everybody may do all.
    privileges: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl Access {
    pub(super) fn user(&mut self, name: &str, password: &str) {
        self.secured = true;
        self.users.insert(name.to_owned(), password.to_owned());
    }

    pub(super) fn api_key(&mut self, encoded: &str) {
        self.secured = true;
        self.api_keys.insert(encoded.to_owned());
    }

    pub(super) fn privileges(&mut self, beginning: &str, privileges: &[&str]) {
        let all = self.privileges.get_or_insert_default();
        let privileges = privileges.iter().map(|name| (*name).to_owned());
        all.insert(beginning.to_owned(), privileges.collect());
    }

    pub(super) fn revoke(&mut self) {
        self.secured = true;
        self.users.clear();
        self.api_keys.clear();
    }

    /// The name of who asks; `None` where that is nobody it knows.
    fn identify(&self, request: &Request) -> Option<String> {
        if !self.secured {
            return Some("_anonymous".to_owned());
        }
        if let Some((name, password)) = request.basic() {
            return (self.users.get(&name) == Some(&password)).then_some(name);
        }
        let key = request.header("authorization").strip_prefix("ApiKey ")?;
        self.api_keys.contains(key).then(|| "key".to_owned())
    }

    pub(super) fn refuse(&self, request: &Request) -> Option<Reply> {
        if self.identify(request).is_some() {
            return None;
        }
        let reason = match request.header("authorization") {
            "" => format!(
                "missing authentication credentials for REST request [{}]",
                request.path
            ),
            given if given.starts_with("Basic ") => format!(
                "unable to authenticate user [{}] for REST request [{}]",
                request.basic().unwrap_or_default().0,
                request.path
            ),
            _ => format!(
                "unable to authenticate with provided credentials and anonymous access is not allowed for this request [{}]",
                request.path
            ),
        };
        let refused = refusal(401, "security_exception", &reason);
        Some(refused.with("www-authenticate", "Basic realm=\"security\", ApiKey"))
    }

    /// Whether everybody has one of these privileges on an index.
    pub(super) fn may(&self, index: &str, one_of: &[&str]) -> bool {
        let Some(privileges) = &self.privileges else {
            return true;
        };
        let mut fitting = privileges
            .iter()
            .filter(|(beginning, _)| index.starts_with(beginning.as_str()));
        fitting.any(|(_, has)| has.contains("all") || one_of.iter().any(|it| has.contains(*it)))
    }

    pub(super) fn authenticate(&self, request: &Request) -> Value {
        let kind = match request.header("authorization").starts_with("ApiKey ") {
            true => "api_key",
            false => "realm",
        };
        json!({
            "username": self.identify(request), "roles": [], "full_name": null, "email": null, "metadata": {}, "enabled": true,
            "authentication_realm": {"name": "file", "type": "file"},
            "lookup_realm": {"name": "file", "type": "file"}, "authentication_type": kind,
        })
    }

    pub(super) fn has_privileges(&self, request: &Request) -> Reply {
        let Ok(asked) = serde_json::from_slice::<Value>(&request.body) else {
            return refusal(400, "parse_exception", "request body is required");
        };
        let words = |value: &Value| -> Vec<String> {
            let words = value.as_array().into_iter().flatten();
            words
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect()
        };
        let (mut all, mut indices) = (true, Map::new());
        for wish in asked["index"].as_array().into_iter().flatten() {
            for name in words(&wish["names"]) {
                let beginning = name.trim_end_matches('*');
                let mut has = Map::new();
                for privilege in words(&wish["privileges"]) {
                    let may = self.may(beginning, &implied_by(&privilege));
                    all &= may;
                    has.insert(privilege, may.into());
                }
                indices.insert(name, has.into());
            }
        }
        let mut cluster = Map::new();
        for privilege in words(&asked["cluster"]) {
            cluster.insert(privilege, true.into());
        }
        Reply::json(
            200,
            &json!({
                "username": self.identify(request), "has_all_requested": all, "cluster": cluster, "index": indices,
                "application": {},
            }),
        )
    }
}

/// The privileges that have this one in them.
pub(super) fn implied_by(privilege: &str) -> Vec<&str> {
    match privilege {
        "create_doc" => vec!["create_doc", "create", "index", "write"],
        "create" => vec!["create", "index", "write"],
        "index" => vec!["index", "write"],
        "auto_configure" => vec!["auto_configure", "manage"],
        other => vec![other],
    }
}
