//! What weir's end-to-end tests share. They run the real binary and look at what comes out of it; nothing
//! here links to weir, so that nothing here can be wrong in the same way.
//!
//! `README.md` says how to write a case. Never a sleep: each wait is on a condition, with a deadline.

pub mod authors;
pub mod case;
pub mod client;
pub mod cluster;
pub mod config_map;
pub mod delivering;
pub mod document;
pub mod fake_api;
pub mod fake_http;
pub mod folder;
pub mod input;
pub mod ledger;
pub mod live;
pub mod program;
pub mod real;
pub mod running;
pub mod tidy;
pub mod watching;
mod wire;

/// An event of core/v1 on one line: the `number`th, about a Pod of this name; a word in its message says its number.
pub fn event(number: usize, pod: &str, padding: usize) -> String {
    let padding = "x".repeat(padding);
    format!(
        r#"{{"kind":"Event","apiVersion":"v1","metadata":{{"name":"e.{number}","namespace":"default","uid":"uid-{number}","resourceVersion":"{number}"}},"involvedObject":{{"kind":"Pod","namespace":"default","name":"{pod}"}},"reason":"Test","message":"number {number} {padding}","type":"Normal"}}"#
    ) + "\n"
}

/// The number of an event that [`event`] made, from its document.
pub fn number_of(document: &str) -> usize {
    let document: serde_json::Value = serde_json::from_str(document).expect("a document");
    let version = document["metadata"]["resourceVersion"].as_str();
    version
        .and_then(|version| version.parse().ok())
        .expect("an event of these tests")
}
