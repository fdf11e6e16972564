//! Who asks, and what they may: users, their tokens and certificates, RBAC rules. Tokens come and go during a test.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::status::Status;

/// Who has no credentials.
const ANONYMOUS: &str = "system:anonymous";

/// Paths that are no resources and that everybody may get.
const PUBLIC_PATHS: &[&str] = &["/version", "/readyz", "/livez", "/healthz"];

/// What a role allows. `*` stands for everything in each list.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Rule {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verbs: Vec<String>,
    /// Groups; the empty one is core.
    pub api_groups: Vec<String>,
    /// Resources, and subresources as `pods/log`.
    pub resources: Vec<String>,
    /// Names of objects; empty for all.
    #[serde(default)]
    pub resource_names: Vec<String>,
    /// The one namespace of a Role; absent for a ClusterRole.
    #[serde(default)]
    pub namespace: Option<String>,
}

/// What a request wants to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    pub verb: String,
    pub group: String,
    pub resource: String,
    pub namespace: String,
    pub name: String,
}

/// Everybody.
#[derive(Default)]
pub(super) struct Access {
    users: BTreeMap<String, User>,
    certificates: Vec<(Vec<u8>, String)>,
    tokens_made: u32,
}

#[derive(Default)]
struct User {
    rules: Vec<Rule>,
    tokens: Vec<String>,
}

impl Rule {
    /// These verbs on these resources of a group, in the whole cluster.
    pub fn new(verbs: &[&str], group: &str, resources: &[&str]) -> Rule {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Rule {
            verbs: owned(verbs),
            api_groups: vec![group.to_owned()],
            resources: owned(resources),
            resource_names: Vec::new(),
            namespace: None,
        }
    }

    /// Everything.
    pub fn everything() -> Rule {
        Rule::new(&["*"], "*", &["*"])
    }

    /// In one namespace only.
    pub fn in_namespace(mut self, namespace: &str) -> Rule {
        self.namespace = Some(namespace.into());
        self
    }

    /// For these objects only.
    pub fn named(mut self, names: &[&str]) -> Rule {
        self.resource_names = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    fn allows(&self, wish: &Wish) -> bool {
        let has = |names: &[String], name: &str| names.iter().any(|one| one == "*" || one == name);
        has(&self.verbs, &wish.verb)
            && has(&self.api_groups, &wish.group)
            && has(&self.resources, &wish.resource)
            && (self.resource_names.is_empty() || self.resource_names.contains(&wish.name))
            && self
                .namespace
                .as_ref()
                .is_none_or(|it| *it == wish.namespace)
    }
}

impl Access {
    pub(super) fn set_rules(&mut self, user: &str, rules: Vec<Rule>) {
        self.users.entry(user.into()).or_default().rules = rules;
    }

    /// A new token of a user, which all older ones stay beside.
    pub(super) fn add_token(&mut self, user: &str) -> String {
        self.tokens_made += 1;
        let token = format!("token-{}-of-{}", self.tokens_made, user.replace(':', "-"));
        let tokens = &mut self.users.entry(user.into()).or_default().tokens;
        tokens.push(token.clone());
        token
    }

    pub(super) fn revoke_tokens(&mut self, user: &str) {
        self.users.entry(user.into()).or_default().tokens.clear();
    }

    /// The newest token of a user, made where there is none.
    pub(super) fn token(&mut self, user: &str) -> String {
        let known = self.users.get(user);
        assert!(
            known.is_some(),
            "there is no user {user}: add_user adds one"
        );
        match known.and_then(|user| user.tokens.last()) {
            Some(token) => token.clone(),
            None => self.add_token(user),
        }
    }

    pub(super) fn add_certificate(&mut self, der: Vec<u8>, user: &str) {
        self.certificates.push((der, user.into()));
    }

    /// Who shows this `Authorization` header and this client certificate.
    pub(super) fn identify(&self, header: &str, certificate: &[u8]) -> Result<String, Status> {
        let mut certificates = self.certificates.iter();
        if let Some((_, user)) = certificates.find(|(der, _)| der == certificate) {
            return Ok(user.clone());
        }
        if header.is_empty() {
            return Ok(ANONYMOUS.into());
        }
        let token = header.strip_prefix("Bearer ").unwrap_or_default().trim();
        let holds = |user: &&User| user.tokens.iter().any(|there| there == token);
        let found = self.users.iter().find(|(_, user)| holds(user));
        found
            .map(|(name, _)| name.clone())
            .ok_or_else(Status::unauthorized)
    }

    /// Refuses what no rule allows, in the words of RBAC.
    pub(super) fn check(&self, user: &str, wish: &Wish) -> Result<(), Status> {
        let rules = self.users.get(user).map_or(&[][..], |user| &user.rules);
        if rules.iter().any(|rule| rule.allows(wish)) {
            return Ok(());
        }
        let scope = match wish.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let Wish {
            verb,
            group,
            resource,
            ..
        } = wish;
        let why = format!(
            "User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {scope}"
        );
        let bare = resource.split('/').next().unwrap_or_default();
        Err(Status::forbidden(group, bare, &wish.name, &why))
    }

    /// The same for a path that is no resource: discovery is for everybody with a name.
    pub(super) fn check_path(&self, user: &str, verb: &str, path: &str) -> Result<(), Status> {
        let public = PUBLIC_PATHS.contains(&path);
        let discovery =
            user != ANONYMOUS && (path.starts_with("/api") || path.starts_with("/openapi"));
        let rules = self.users.get(user).map_or(&[][..], |user| &user.rules);
        let everything = rules
            .iter()
            .any(|rule| rule.resources.iter().any(|it| it == "*"));
        if public || discovery || everything {
            return Ok(());
        }
        Err(Status::forbidden_path(user, verb, path))
    }
}
