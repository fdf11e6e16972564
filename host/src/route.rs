//! Rules: whether an event matches. Pure, and in KEE's meaning.

use regex::Regex;
use weir_event::EventRef;

use crate::config::Rule;

/// Whether every condition of the rule holds; a rule without conditions matches all.
pub fn matches(rule: &Rule, event: EventRef<'_>) -> bool {
    // The cheapest and most selective first.
    text(&rule.type_, || event.severity())
        && text(&rule.reason, || event.reason())
        && text(&rule.namespace, || event.namespace())
        && text(&rule.kind, || event.object_kind())
        && text(&rule.api_version, || event.object_api_version())
        && text(&rule.component, || event.source_component())
        && text(&rule.host, || event.source_host())
        && rule
            .min_count
            .is_none_or(|least| event.raw_count() >= least)
        && text(&rule.message, || event.message())
        && map(&rule.labels, event, "/involvedObject/labels")
        && map(&rule.annotations, event, "/involvedObject/annotations")
}

fn text<'a>(pattern: &Option<Regex>, value: impl FnOnce() -> std::borrow::Cow<'a, str>) -> bool {
    pattern
        .as_ref()
        .is_none_or(|pattern| pattern.is_match(&value()))
}

/// Each key must be there, and its value match.
fn map(patterns: &[(String, Regex)], event: EventRef<'_>, pointer: &str) -> bool {
    patterns.iter().all(|(key, pattern)| {
        event
            .string_map(pointer)
            .any(|(name, value)| name == key.as_str() && pattern.is_match(&value))
    })
}

/// The first of these rules that matches.
pub fn any(rules: &[Rule], event: EventRef<'_>) -> bool {
    rules.iter().any(|rule| matches(rule, event))
}
