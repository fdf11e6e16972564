//! `layout`: what a receiver's documents look like, as a map or list of templates.

use std::sync::Arc;

use weir_template::Layout;

use super::error::ErrorKind;
use super::fields::Field;
use super::plugin_config::plain_json;
use super::report::{Report, join};
use super::tree::{Kind, Node};

/// A layout; errors name the text that is wrong.
pub(super) fn layout(field: &Field<'_>, report: &mut Report<'_>) -> Option<Arc<Layout>> {
    if !matches!(field.node.kind, Kind::Map(_) | Kind::List(_)) {
        field.mismatch("a map or list of templates", report);
        return None;
    }
    if !lint(field.node, &field.path, report) {
        return None;
    }
    let value = plain_json(field.node, &field.path, report);
    match Layout::parse(&value) {
        Ok(layout) => Some(Arc::new(layout)),
        Err(errors) => {
            for (place, error) in errors {
                let node = find(field.node, &place).unwrap_or(field.node);
                let path = format!("{}.{place}", field.path);
                report
                    .error(ErrorKind::Value, node.at, &path, error.to_string())
                    .expected("a Go template, as kubernetes-event-exporter has them");
            }
            None
        }
    }
}

/// The value at a path such as `endpoint.labels[1]`.
fn find<'t>(node: &'t Node, path: &str) -> Option<&'t Node> {
    let mut steps = path
        .split(['.', '['])
        .map(|step| step.trim_end_matches(']'))
        .filter(|step| !step.is_empty());
    steps.try_fold(node, |node, step| match &node.kind {
        Kind::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.key == step)?;
            Some(&entry.value)
        }
        Kind::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// Secrets have no place in a document; what is no text means something else in KEE. All of it is looked at, whatever is wrong.
fn lint(node: &Node, path: &str, report: &mut Report<'_>) -> bool {
    match &node.kind {
        Kind::Map(entries) => {
            let mut good = true;
            for entry in entries {
                good &= lint(&entry.value, &join(path, &entry.key), report);
            }
            good
        }
        Kind::List(items) => {
            let mut good = true;
            for (index, item) in items.iter().enumerate() {
                good &= lint(item, &format!("{path}[{index}]"), report);
            }
            good
        }
        Kind::String(_) => {
            let secret = ["${env:", "${file:"]
                .into_iter()
                .find(|secret| node.written.contains(secret));
            if let Some(secret) = secret {
                report
                    .error(
                        ErrorKind::Value,
                        node.at,
                        path,
                        format!("a secret (`{secret}…}}`) in a layout"),
                    )
                    .expected("text and templates")
                    .help("a document is no place for a secret; `${NAME}` puts in what is none");
            }
            secret.is_none()
        }
        Kind::Null | Kind::Bool(_) | Kind::Integer(_) | Kind::Float(_) => {
            report
                .warn(node.at, path, "a value that is no text is sent as it is")
                .help("kubernetes-event-exporter sends null in its place");
            true
        }
    }
}
