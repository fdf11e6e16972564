//! The bulk API: lines of an action and of its document. What is wrong with the lines is an error of the whole request,
//! and then nothing is stored; what is wrong with a document is an error of its item.

use serde_json::{Map, Value, json};

use super::super::{Reply, Request};
use super::access::implied_by;
use super::index::{Index, Write};
use super::{Elasticsearch, Product, refusal};

/// An id may have so many bytes.
const ID_BYTES_MAX: usize = 512;
/// Parameters of the query that change nothing that a test could see here.
const PARAMETERS: [&str; 6] = [
    "refresh",
    "timeout",
    "pipeline",
    "pretty",
    "human",
    "wait_for_active_shards",
];

/// An action with its document.
struct Item {
    create: bool,
    index: String,
    id: Option<String>,
    version: Option<u64>,
    /// None where it is no JSON object.
    document: Option<Value>,
}

/// An error of the whole request.
struct Malformed {
    kind: &'static str,
    reason: String,
}

fn malformed<T>(reason: impl Into<String>) -> Result<T, Malformed> {
    Err(Malformed {
        kind: "illegal_argument_exception",
        reason: reason.into(),
    })
}

impl Elasticsearch {
    pub(super) fn bulk(&mut self, request: &Request, default: Option<&str>) -> Reply {
        if request.body.len() > self.body_bytes_max {
            return Reply::empty(413);
        }
        if let Some(why) = self.refused_type(request) {
            return Reply::json(406, &json!({"error": why, "status": 406}));
        }
        let filter = match parameters(request) {
            Ok(filter) => filter,
            Err(reason) => return refusal(400, "illegal_argument_exception", &reason),
        };
        if request.body.is_empty() {
            return refusal(400, "parse_exception", "request body is required");
        }
        let items = match items(&request.body, default) {
            Ok(items) => items,
            Err(Malformed { kind, reason }) => return refusal(400, kind, &reason),
        };
        self.bulk_requests += 1;
        let answers: Vec<Value> = items.into_iter().map(|item| self.item(item)).collect();
        let failed = |answer: &Value| {
            let done = answer.as_object().and_then(|answer| answer.values().next());
            done.is_some_and(|done| done.get("error").is_some())
        };
        let errors = answers.iter().any(failed);
        let mut answer = json!({"took": 1, "errors": errors, "items": answers});
        if let Some(paths) = filter {
            let paths: Vec<Vec<&str>> = paths.iter().map(|it| it.split('.').collect()).collect();
            let paths: Vec<&[&str]> = paths.iter().map(Vec::as_slice).collect();
            answer = kept(&answer, &paths).unwrap_or_else(|| json!({}));
        }
        Reply::json(200, &answer)
    }

    /// Why the type of the body is refused.
    fn refused_type(&self, request: &Request) -> Option<String> {
        let given = request.header("content-type");
        if given.is_empty() {
            return Some("Content-Type header is missing".to_owned());
        }
        let good = match request.media_type().as_str() {
            "application/json" | "application/x-ndjson" => true,
            "application/vnd.elasticsearch+json" | "application/vnd.elasticsearch+x-ndjson" => {
                let version = given.split("compatible-with=").nth(1);
                let version = version.and_then(|it| it.trim().parse::<u32>().ok());
                let own = self.product.major();
                self.product.is_elasticsearch()
                    && own >= 8
                    && version.is_none_or(|version| version == own || version + 1 == own)
            }
            _ => false,
        };
        (!good).then(|| format!("Content-Type header [{given}] is not supported"))
    }

    /// Writes a document; gives the item of the answer.
    fn item(&mut self, item: Item) -> Value {
        let action = if item.create { "create" } else { "index" };
        let id = item.id.clone().unwrap_or_else(|| {
            self.made += 1;
            format!("made-{}", self.made)
        });
        let done = match self.refuse_item(&item, &id) {
            Some((status, error)) => {
                let index = self.backing(&item.index);
                json!({"_index": index, "_id": id, "status": status, "error": error})
            }
            None => {
                let is_stream = self.is_stream(&item.index);
                let product = self.product;
                let index = self
                    .indices
                    .entry(item.index.clone())
                    .or_insert_with(|| Index::new(&item.index, is_stream));
                let write = Write {
                    create: item.create,
                    id,
                    version: item.version,
                    source: item.document.unwrap_or_default(),
                };
                index.write(product, write)
            }
        };
        let mut answer = Map::new();
        answer.insert(action.to_owned(), done);
        answer.into()
    }

    fn backing(&self, name: &str) -> String {
        Index::new(name, self.is_stream(name)).backing(self.product)
    }

    /// Why a document is not even tried to be written.
    fn refuse_item(&mut self, item: &Item, id: &str) -> Option<(u16, Value)> {
        let error = |kind: &str, reason: String| json!({"type": kind, "reason": reason});
        if let Some(why) = bad_name(&item.index) {
            let mut error = error("invalid_index_name_exception", why);
            error["index"] = item.index.clone().into();
            error["index_uuid"] = "_na_".into();
            return Some((400, error));
        }
        let privilege = if item.create { "create_doc" } else { "index" };
        if !self.access.may(&item.index, &implied_by(privilege)) {
            let reason = format!(
                "action [indices:data/write/bulk[s]] is unauthorized for user on indices [{}]",
                item.index
            );
            return Some((403, error("security_exception", reason)));
        }
        let is_new = !self.indices.contains_key(&item.index);
        if is_new && !self.access.may(&item.index, &implied_by("auto_configure")) {
            let reason = format!(
                "action [indices:admin/auto_create] is unauthorized for user on indices [{}]",
                item.index
            );
            return Some((403, error("security_exception", reason)));
        }
        if id.is_empty() {
            let reason = "if _id is specified it must not be empty".to_owned();
            return Some((400, error("illegal_argument_exception", reason)));
        }
        let is_stream = self.is_stream(&item.index);
        if is_stream && !item.create {
            let reason = "only write ops with an op_type of create are allowed in data streams";
            return Some((400, error("illegal_argument_exception", reason.to_owned())));
        }
        if self.rejected > 0 {
            self.rejected -= 1;
            let reason = "rejected execution of primary operation [coordinating_and_primary_bytes=0, replica_bytes=0]";
            return Some((
                429,
                error(self.product.rejected_exception(), reason.to_owned()),
            ));
        }
        self.unparsable(item, id, is_stream)
            .map(|error| (400, error))
    }

    /// Why a document does not fit the mapping.
    fn unparsable(&self, item: &Item, id: &str, is_stream: bool) -> Option<Value> {
        let failed = |reason: String, cause: &str| {
            json!({
                "type": self.product.parsing_exception(), "reason": reason,
                "caused_by": {"type": "illegal_argument_exception", "reason": cause},
            })
        };
        let Some(document) = item.document.as_ref().and_then(Value::as_object) else {
            return Some(failed(
                self.placed("failed to parse"),
                "it is no JSON object",
            ));
        };
        if is_stream && !is_time(document.get("@timestamp")) {
            let cause =
                "documents must contain a single-valued timestamp field '@timestamp' of date type";
            return Some(failed(self.placed("failed to parse"), cause));
        }
        let wrong = document
            .iter()
            .find(|(field, value)| self.numbers.contains(*field) && !is_whole(value));
        let (field, value) = wrong?;
        let preview = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        let reason = format!(
            "failed to parse field [{field}] of type [long] in document with id '{id}'. Preview of field's value: '{preview}'"
        );
        Some(failed(
            self.placed(&reason),
            &format!("For input string: \"{preview}\""),
        ))
    }

    /// Elasticsearch 8 says where in the document.
    fn placed(&self, reason: &str) -> String {
        match self.product {
            Product::Elasticsearch8 | Product::Elasticsearch9 => format!("[1:1] {reason}"),
            _ => reason.to_owned(),
        }
    }
}

/// The paths of `filter_path`; an error for a parameter that the API has not.
fn parameters(request: &Request) -> Result<Option<Vec<String>>, String> {
    let mut filter = None;
    for pair in request.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "filter_path" => {
                let value = value
                    .replace("%2C", ",")
                    .replace("%2c", ",")
                    .replace("%2A", "*");
                filter = Some(value.split(',').map(str::to_owned).collect());
            }
            name if PARAMETERS.contains(&name) => {}
            name => {
                return Err(format!(
                    "request [{}] contains unrecognized parameter: [{name}]",
                    request.path
                ));
            }
        }
    }
    Ok(filter)
}

/// What these paths keep of a value; a path goes through lists, and `*` stands for each name.
fn kept(value: &Value, paths: &[&[&str]]) -> Option<Value> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Value::Array(list) => {
            let list: Vec<Value> = list.iter().filter_map(|it| kept(it, paths)).collect();
            (!list.is_empty()).then(|| list.into())
        }
        Value::Object(fields) => {
            let mut some = Map::new();
            for (name, field) in fields {
                let fitting = paths
                    .iter()
                    .filter(|path| path[0] == "*" || path[0] == name);
                let rest: Vec<&[&str]> = fitting.map(|path| &path[1..]).collect();
                if let Some(field) = kept(field, &rest).filter(|_| !rest.is_empty()) {
                    some.insert(name.clone(), field);
                }
            }
            (!some.is_empty()).then(|| some.into())
        }
        _ => None,
    }
}

fn items(body: &[u8], default: Option<&str>) -> Result<Vec<Item>, Malformed> {
    let Some(body) = body.strip_suffix(b"\n") else {
        return malformed("The bulk request must be terminated by a newline [\\n]");
    };
    let mut lines = body.split(|byte| *byte == b'\n').enumerate();
    let (mut items, mut problems) = (Vec::new(), Vec::new());
    while let Some((at, line)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let mut item = action(at + 1, line, default, &mut problems)?;
        let Some((_, document)) = lines.next() else {
            return malformed("The bulk request must be terminated by a newline [\\n]");
        };
        item.document = serde_json::from_slice(document).ok();
        items.push(item);
    }
    if items.is_empty() {
        problems.push("no requests added".to_owned());
    }
    if problems.is_empty() {
        return Ok(items);
    }
    let problems = problems.iter().enumerate();
    let problems: String = problems
        .map(|(at, problem)| format!(" {}: {problem};", at + 1))
        .collect();
    Err(Malformed {
        kind: "action_request_validation_exception",
        reason: format!("Validation Failed:{problems}"),
    })
}

/// An action's line; what is wrong with its values is a problem of the request.
fn action(
    at: usize,
    line: &[u8],
    default: Option<&str>,
    problems: &mut Vec<String>,
) -> Result<Item, Malformed> {
    let line = serde_json::from_slice::<Map<String, Value>>(line);
    let Ok(line) = line else {
        return malformed(format!(
            "Malformed action/metadata line [{at}], expected START_OBJECT or END_OBJECT"
        ));
    };
    let mut actions = line.into_iter();
    let (Some((name, values)), None) = (actions.next(), actions.next()) else {
        return malformed(format!(
            "Malformed action/metadata line [{at}], expected END_OBJECT but found [FIELD_NAME]"
        ));
    };
    if !["create", "index"].contains(&name.as_str()) {
        return malformed(format!(
            "Malformed action/metadata line [{at}], expected one of [create, delete, index, update] but found [{name}] (this fake knows create and index)"
        ));
    }
    let Value::Object(values) = values else {
        return malformed(format!(
            "Malformed action/metadata line [{at}], expected START_OBJECT but found [VALUE]"
        ));
    };
    let mut item = Item {
        create: name == "create",
        index: default.unwrap_or_default().to_owned(),
        id: None,
        version: None,
        document: None,
    };
    let mut external = false;
    for (name, value) in values {
        let text = value.as_str().map(str::to_owned);
        match (name.as_str(), text, value.as_u64()) {
            ("_index", Some(index), _) => item.index = index,
            ("_id", Some(id), _) => item.id = Some(id),
            ("version", None, Some(version)) => item.version = Some(version),
            ("version_type", Some(kind), _) => external = kind == "external",
            ("pipeline" | "routing", Some(_), _) | ("require_alias", None, None) => {}
            _ => {
                return malformed(format!(
                    "Action/metadata line [{at}] contains an unknown parameter [{name}]"
                ));
            }
        }
    }
    validate(&item, external, problems);
    Ok(item)
}

fn validate(item: &Item, external: bool, problems: &mut Vec<String>) {
    if item.index.is_empty() {
        problems.push("index is missing".to_owned());
    }
    if item.create && (external || item.version.is_some()) {
        problems.push(
            "create operations only support internal versioning. use index instead".to_owned(),
        );
    } else if item.version.is_some() && !external {
        problems.push("internal versioning can not be used for optimistic concurrency control. Please use `if_seq_no` and `if_primary_term` instead".to_owned());
    } else if external && item.version.is_none() {
        problems.push("illegal version value [-3] for version type [EXTERNAL]".to_owned());
    }
    match item.id.as_deref() {
        Some(id) if id.len() > ID_BYTES_MAX => problems.push(format!(
            "id [{id}] is too long, must be no longer than 512 bytes but was: {}",
            id.len()
        )),
        None if external => {
            problems.push("an id is required for a versioned operation".to_owned());
        }
        _ => {}
    }
}

/// Why an index cannot have this name.
fn bad_name(name: &str) -> Option<String> {
    let wrong = |why: &str| Some(format!("Invalid index name [{name}], {why}"));
    if name.chars().any(char::is_uppercase) {
        return wrong("must be lowercase");
    }
    if name.contains(['\\', '/', '*', '?', '"', '<', '>', '|', ' ', ',', '#', ':']) {
        return wrong(
            "must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?, #, :]",
        );
    }
    if name.starts_with(['_', '-', '+']) {
        return wrong("must not start with '_', '-', or '+'");
    }
    if name == "." || name == ".." {
        return wrong("must not be '.' or '..'");
    }
    if name.len() > 255 {
        return wrong(&format!("index name is too long, ({} > 255)", name.len()));
    }
    None
}

/// A date as the default format of dates has it: RFC 3339, or milliseconds.
fn is_time(value: Option<&Value>) -> bool {
    match value {
        Some(Value::String(text)) => text.parse::<jiff::Timestamp>().is_ok(),
        Some(Value::Number(number)) => number.is_i64() || number.is_u64(),
        _ => false,
    }
}

/// What a field of type `long` takes: numbers and what reads as one; null is no value.
fn is_whole(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::String(text) => text.parse::<i64>().is_ok(),
        _ => false,
    }
}
