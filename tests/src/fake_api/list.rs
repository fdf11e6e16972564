//! Lists: which revision they show, pages, continue tokens. A page shows the revision of the first one, until that
//! is compacted; then the token of the refusal gives the rest at the newest revision.

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use serde_json::{Value, json};

use super::form::Form;
use super::kinds::Kind;
use super::query::{ListOptions, Match};
use super::selector::Selector;
use super::status::Status;
use super::store::Store;

/// The version of continue tokens.
const TOKEN_VERSION: &str = "meta.k8s.io/v1";

/// As Go reads base64: bits that are left over at the end mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    NO_PAD.with_decode_allow_trailing_bits(true),
);

/// A checked list request.
pub(super) struct List<'a> {
    pub kind: &'a Kind,
    /// Of one namespace; empty for all.
    pub namespace: &'a str,
    pub options: &'a ListOptions,
    pub selector: &'a Selector,
    pub form: Form,
}

/// Where a page begins: the revision that it shows and the path from which on.
struct Start {
    revision: u64,
    from: String,
}

impl List<'_> {
    /// The page, as a list object.
    pub(super) fn page(&self, store: &Store) -> Result<Value, Status> {
        let start = self.start(store)?;
        let (table, prefix) = (self.kind.table(), prefix(self.namespace));
        let mut states = store.at(&table, &prefix, &start.from, start.revision);
        let (mut items, mut last, limit) = (Vec::new(), "", self.options.limit);
        for (path, object) in states.by_ref() {
            if self.selector.selects(object) {
                items.push(self.form.item(self.kind, object));
                last = path;
            }
            if limit > 0 && items.len() as u64 == limit {
                break;
            }
        }
        let mut metadata = json!({"resourceVersion": start.revision.to_string()});
        // Whether a further object is selected is not looked at: the last page may be empty.
        let left = states.count();
        if left > 0 {
            let next = format!("{}\0", &last[prefix.len()..]);
            let revision = i64::try_from(start.revision).expect("a revision is small");
            metadata["continue"] = encode_token(revision, &next).into();
            if self.selector.is_empty() {
                metadata["remainingItemCount"] = left.into();
            }
        }
        Ok(self.form.list(self.kind, metadata, items))
    }

    fn start(&self, store: &Store) -> Result<Start, Status> {
        if !self.options.continue_token.is_empty() {
            return self.continued(store);
        }
        let current = store.revision();
        let newest = Start {
            revision: current,
            from: String::new(),
        };
        let text = self.options.resource_version.as_str();
        if text.is_empty() {
            return Ok(newest);
        }
        let asked: u64 = text.parse().map_err(|_| Status::bad_list_version(text))?;
        if asked > current {
            return Err(Status::too_large_version(asked, current));
        }
        let exact = match self.options.version_match {
            Match::Exact => true,
            Match::NotOlderThan => false,
            // Of old, a limit makes it exact.
            Match::Unset => self.options.limit > 0 && asked > 0,
        };
        if !exact {
            return Ok(newest);
        }
        if asked < store.compacted() {
            return Err(Status::expired_list());
        }
        Ok(Start {
            revision: asked,
            from: String::new(),
        })
    }

    fn continued(&self, store: &Store) -> Result<Start, Status> {
        let (revision, from) = decode_token(&self.options.continue_token).map_err(|why| {
            let message = format!("invalid continue token: continue key is not valid: {why}");
            Status::bad_request(message)
        })?;
        if !["", "0"].contains(&self.options.resource_version.as_str()) {
            let message = "specifying resource version is not allowed when using continue";
            return Err(Status::bad_request(message));
        }
        let current = store.revision();
        let revision = u64::try_from(revision).unwrap_or(current);
        if revision < store.compacted() {
            return Err(Status::expired_continue(encode_token(-1, &from)));
        }
        if revision > current {
            return Err(Status::too_large_version(revision, current));
        }
        Ok(Start { revision, from })
    }
}

/// What all paths in a namespace begin with.
pub(super) fn prefix(namespace: &str) -> String {
    match namespace {
        "" => String::new(),
        namespace => format!("{namespace}/"),
    }
}

fn encode_token(revision: i64, start: &str) -> String {
    let token = json!({"v": TOKEN_VERSION, "rv": revision, "start": start});
    BASE64.encode(token.to_string())
}

/// Revision and start of a token, or what Go says of one that is none.
fn decode_token(token: &str) -> Result<(i64, String), String> {
    let bytes = BASE64
        .decode(token)
        .map_err(|_| "illegal base64 data at input byte 0".to_owned())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| no_json(&bytes))?;
    let version = value["v"].as_str().unwrap_or_default();
    if version != TOKEN_VERSION {
        return Err(format!(
            "server does not recognize this encoded version {version}"
        ));
    }
    let revision = value["rv"].as_i64().unwrap_or(0);
    let start = value["start"].as_str().unwrap_or_default();
    if revision == 0 {
        let why = "incorrect encoded start resourceVersion (version meta.k8s.io/v1)";
        return Err(why.into());
    }
    if start.is_empty() {
        return Err("encoded start key empty (version meta.k8s.io/v1)".into());
    }
    Ok((revision, start.to_owned()))
}

/// Go names the first byte that begins no JSON, as a character of that number.
fn no_json(bytes: &[u8]) -> String {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(byte) if !b"{[\"-0123456789tfn".contains(byte) => {
            let character = char::from(*byte);
            format!("invalid character '{character}' looking for beginning of value")
        }
        _ => "unexpected end of JSON input".into(),
    }
}
