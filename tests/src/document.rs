//! The shape of the documents that sinks get, as KEE's users' pipelines read it.

use serde_json::Value;

/// What is wrong with a line as a document; empty where it is right.
pub fn problems(line: &[u8]) -> Vec<String> {
    let document: Value = match serde_json::from_slice(line) {
        Ok(document) => document,
        Err(error) => return vec![format!("no JSON: {error}")],
    };
    let there = |pointer: &str| document.pointer(pointer).is_some();
    let mut problems = Vec::new();
    for pointer in ["/kind", "/apiVersion", "/metadata/managedFields"] {
        if there(pointer) {
            problems.push(format!("it has {pointer}"));
        }
    }
    for pointer in ["/metadata", "/involvedObject"] {
        if !document.pointer(pointer).is_some_and(Value::is_object) {
            problems.push(format!("{pointer} is no object"));
        }
    }
    if !document["clusterName"].is_string() {
        problems.push("clusterName is no string".into());
    }
    if !document["involvedObject"]["deleted"].is_boolean() {
        problems.push("involvedObject.deleted is no boolean".into());
    }
    problems
}

/// What order is kept for: the involved object, and the receiver where the line says it.
pub fn order_key(document: &Value) -> String {
    let object = &document["involvedObject"];
    [
        &document["receiver"],
        &object["kind"],
        &object["namespace"],
        &object["name"],
    ]
    .map(Value::to_string)
    .join(" ")
}
