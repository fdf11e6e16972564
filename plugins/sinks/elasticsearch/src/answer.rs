//! What Elasticsearch and OpenSearch answer to `_bulk`, and what to change where a person has to.

use weir_plugin::Batch;
use weir_plugin::http::Response;
use weir_plugin::sink_http::{Answer, describe, excerpt};

use crate::json;

/// Only what is read here: an answer for 500 accepted events has 30 bytes for each.
pub(crate) const FILTER: &str = "filter_path=errors,error,status,items.*.status,items.*.error";

const PRIVILEGES: &str = "the user or API key needs the index privileges `create_doc` and `auto_configure` (with useEventID `index`)";
const CREDENTIALS: &str =
    "check `apiKey` (the Base64 form, `encoded` in what made it), or `username` and `password`";

/// What became of one event.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Accepted,
    Retry(String),
    Reject(String),
}

/// What a response means for these events; marks those that were not accepted.
pub(crate) fn read(response: &Response, batch: &Batch, events: &[u32]) -> Answer {
    if !response.is_success() {
        return of_refusal(response);
    }
    let body = response.text();
    match json::find(&body, &["errors"]) {
        Some("false") => return Answer::Accepted,
        Some("true") => {}
        _ => {
            return Answer::busy(format!(
                "{}: that is no answer of `_bulk`: check that the address is Elasticsearch or OpenSearch, and no login \
                 page or proxy",
                describe(response)
            ));
        }
    }
    let items: Vec<&str> =
        json::values(json::find(&body, &["items"]).unwrap_or_default()).collect();
    if items.len() != events.len() {
        return Answer::busy(format!(
            "the answer is about {} documents, {} were sent",
            items.len(),
            events.len()
        ));
    }
    for (event, item) in events.iter().zip(items) {
        // The only member is named by what was done.
        match judge(json::values(item).next().unwrap_or_default()) {
            Verdict::Accepted => {}
            Verdict::Retry(reason) => batch.retry(*event, &reason),
            Verdict::Reject(reason) => batch.reject(*event, &reason),
        }
    }
    if let Some(wait) = response.retry_after() {
        batch.retry_after(wait);
    }
    Answer::Accepted
}

/// No document was looked at.
fn of_refusal(response: &Response) -> Answer {
    let told = |advice: &str| format!("{}: {advice}", describe(response));
    let body = excerpt(&response.body);
    match response.status {
        400 if body.contains("type is missing") => Answer::busy(told(
            "this is Elasticsearch 6 or older, which wants a type: set `type: _doc`",
        )),
        400 if body.contains("unknown parameter [_type]") => {
            Answer::busy(told("this version has no types: remove `type`"))
        }
        401 => Answer::busy(told(CREDENTIALS)),
        403 if is_block(&body) => Answer::busy(told(BLOCKED)),
        403 => Answer::busy(told(PRIVILEGES)),
        404 | 405 => Answer::busy(told(
            "`_bulk` is not there: check that the address is Elasticsearch or OpenSearch",
        )),
        413 => Answer::TooLarge(told(
            "raise `http.max_content_length` (100mb by default), or the proxy's limit",
        )),
        _ => match Answer::of_response(response) {
            Answer::Busy { reason, wait } if is_block(&body) => Answer::Busy {
                reason: format!("{reason}: {BLOCKED}"),
                wait,
            },
            answer => answer,
        },
    }
}

const BLOCKED: &str = "the index takes no documents. Where it is the flood-stage watermark a disk is full: free some of it \
    or add nodes; older versions also want `index.blocks.read_only_allow_delete: null`";

fn is_block(text: &str) -> bool {
    text.contains("cluster_block_exception")
}

/// What became of one document.
fn judge(item: &str) -> Verdict {
    let status = json::find(item, &["status"]).and_then(|text| text.parse::<u16>().ok());
    let status = status.unwrap_or_default();
    if matches!(status, 200..300 | 409) {
        return Verdict::Accepted;
    }
    let text = match json::find(item, &["error"]) {
        None => format!("status {status}"),
        Some(error) => cause(error),
    };
    if let Some(advice) = for_operators(status, &text) {
        return Verdict::Retry(format!("{text}: {advice}"));
    }
    match status {
        400..=499 if status != 408 => match for_this_event(&text) {
            "" => Verdict::Reject(text),
            advice => Verdict::Reject(format!("{text}: {advice}")),
        },
        _ => Verdict::Retry(text),
    }
}

/// The type, the reason, and the reason behind each of them.
fn cause(error: &str) -> String {
    let mut text = json::word(error, &["type"]);
    let mut inner = Some(error);
    while let Some(error) = inner {
        text = format!("{text}: {}", json::word(error, &["reason"]));
        inner = json::find(error, &["caused_by"]);
    }
    excerpt(text.as_bytes())
}

/// Advice where it is not the event's fault: a person can mend it, and then the event is welcome.
fn for_operators(status: u16, text: &str) -> Option<&'static str> {
    /// What an error holds, and what to do.
    const KNOWN: &[(&str, &str)] = &[
        ("cluster_block_exception", BLOCKED),
        (
            "index_closed_exception",
            "open the index, or name another in `index`",
        ),
        (
            "index_not_found_exception",
            "the cluster does not make indices by itself (action.auto_create_index), or the credentials may not \
             (`auto_configure`): make the index, or allow it",
        ),
        (
            "invalid_index_name_exception",
            "change `index` or `indexFormat`",
        ),
        (
            "only write ops with an op_type of create are allowed in data streams",
            "with useEventID documents are updated, which no data stream allows: remove `useEventID`, or name an index \
             that is none",
        ),
        (
            "no write index is defined for alias",
            "give one index of the alias `is_write_index: true`",
        ),
        (
            "shards open",
            "the cluster has all the shards that it may have: remove old indices, write fewer (an indexFormat of \
             months), or raise cluster.max_shards_per_node",
        ),
        (
            "the final mapping would have more than 1 type",
            "the index has documents of another type: set `type` to that",
        ),
        (
            "type is missing",
            "this is Elasticsearch 6 or older, which wants a type: set `type: _doc`",
        ),
        (
            "pipeline with id",
            "make that ingest pipeline, or take it out of the index's settings",
        ),
        (
            "unavailable_shards_exception",
            "the index's primary shard is not there: see the cluster's health",
        ),
    ];
    let known = KNOWN.iter().find(|(part, _)| text.contains(part));
    if let Some((_, advice)) = known {
        return Some(advice);
    }
    match status {
        401 => Some(CREDENTIALS),
        403 => Some(PRIVILEGES),
        404 => Some("check `index`"),
        429 => Some("the cluster is busy"),
        _ => None,
    }
}

const MISFIT: &str = "the field has another type in this index: give it one in an index template that fits all events \
    (`flattened` for labels and annotations), or leave it out with a layout";

/// Advice where this event does not fit the index: so that the next ones do.
fn for_this_event(text: &str) -> &'static str {
    /// What an error holds, and what to do.
    const KNOWN: &[(&str, &str)] = &[
        (
            "Limit of total fields",
            "labels and annotations make a field each: map them as `flattened` (OpenSearch: `flat_object`), raise \
             index.mapping.total_fields.limit, or leave them out with a layout",
        ),
        (
            "strict_dynamic_mapping_exception",
            "the index takes known fields only: add this one to its mapping, or leave it out with a layout",
        ),
        (
            "data stream timestamp field",
            "a document of a data stream needs one `@timestamp`, a date: change the layout",
        ),
        ("must be different objects", "a layout has to be a map"),
        ("mapp", MISFIT),
        ("document_parsing_exception", MISFIT),
    ];
    let known = KNOWN.iter().find(|(part, _)| text.contains(part));
    known.map_or("", |(_, advice)| advice)
}
