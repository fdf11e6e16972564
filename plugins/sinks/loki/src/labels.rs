//! The labels of a stream: which there are, and how many different sets of them may come up.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use weir_plugin::template::Template;
use weir_plugin::{BatchEvent, Result, host};

use crate::of_setting;

/// Loki's `max_label_names_per_series`.
const LABELS_MOST: usize = 15;
/// Loki's `max_label_value_length`, in bytes.
pub(crate) const VALUE_BYTES_MOST: usize = 2048;
/// Loki's `max_label_name_length`, in bytes.
const NAME_BYTES_MOST: usize = 1024;
/// In place of what varies, once there are too many streams.
pub(crate) const OTHER: &str = "__other__";
/// So that every stream has a label, and Grafana shows a name for its service.
const JOB: (&str, &str) = ("job", "weir");
const HOUR_MS: u64 = 3_600_000;

/// A label that weir takes from the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    Cluster,
    Namespace,
    Type,
    Kind,
    Reason,
    Component,
    Node,
}

impl Known {
    const ALL: [Known; 7] = [
        Known::Cluster,
        Known::Namespace,
        Known::Type,
        Known::Kind,
        Known::Reason,
        Known::Component,
        Known::Node,
    ];

    fn of_name(name: &str) -> Result<Known> {
        let found = Known::ALL.into_iter().find(|known| known.name() == name);
        found.ok_or_else(|| {
            format!(
                "labels: `{name}` is none, expected some of cluster, namespace, type, kind, reason, component, node; \
                 others go in `streamLabels`"
            )
            .into()
        })
    }

    fn name(self) -> &'static str {
        match self {
            Known::Cluster => "cluster",
            Known::Namespace => "namespace",
            Known::Type => "type",
            Known::Kind => "kind",
            Known::Reason => "reason",
            Known::Component => "component",
            Known::Node => "node",
        }
    }

    fn value(self, event: &BatchEvent<'_>) -> String {
        match self {
            Known::Cluster => event.text("/clusterName").unwrap_or_default(),
            Known::Namespace => event.namespace(),
            Known::Type => event.severity(),
            Known::Kind => event.object_kind(),
            Known::Reason => event.reason(),
            Known::Component => event.component(),
            Known::Node => event.node(),
        }
    }
}

#[derive(Clone, Debug)]
enum Source {
    Known(Known),
    Written(Template),
}

impl Source {
    /// Whether it may be another for each event, in a way that has no end.
    fn varies(&self, value: &str) -> bool {
        match self {
            Source::Known(Known::Cluster) => false,
            Source::Known(Known::Type) => !matches!(value, "Normal" | "Warning"),
            Source::Known(_) => true,
            Source::Written(template) => !template.is_constant(),
        }
    }
}

/// Labels as the configuration holds them: names and templates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        deserializer.deserialize_map(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map of names to texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut written = Written::default();
        while let Some(label) = map.next_entry()? {
            written.0.push(label);
        }
        Ok(written)
    }
}

/// Names and values, in the order of the configuration's own labels, then `job`, then the known ones.
pub(crate) type Set = Vec<(String, String)>;

/// What makes the labels of an event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels {
    /// Each with its name.
    sources: Vec<(String, Source)>,
}

impl Labels {
    /// Of known labels, and of those written in the configuration, which win.
    ///
    /// # Errors
    /// A name that Loki keeps for itself, two that become one, or too many.
    pub(crate) fn new(known: &[String], written: Written) -> Result<Labels> {
        let mut sources: Vec<(String, Source)> = Vec::new();
        let has = |sources: &[(String, Source)], name: &str| {
            sources.iter().any(|(known, _)| known == name)
        };
        for (name, text) in written.0 {
            let valid = valid_name(&name)?;
            if has(&sources, &valid) {
                Err(format!(
                    "streamLabels.{name}: another label becomes `{valid}` as well"
                ))?;
            }
            let template = Template::new(text)
                .map_err(|error| of_setting(&format!("streamLabels.{name}"), &error))?;
            sources.push((valid, Source::Written(template)));
        }
        let (name, value) = JOB;
        if !has(&sources, name) {
            sources.push((name.to_owned(), Source::Written(Template::new(value)?)));
        }
        for name in known {
            let known = Known::of_name(name)?;
            if !has(&sources, name) {
                sources.push((name.clone(), Source::Known(known)));
            }
        }
        if sources.len() > LABELS_MOST {
            Err(format!(
                "streamLabels: {} labels with those of `labels` and `job`, expected at most {LABELS_MOST}: Loki \
                 refuses more; put the rest into the layout",
                sources.len()
            ))?;
        }
        Ok(Labels { sources })
    }

    /// The labels of an event, without empty ones.
    ///
    /// # Errors
    /// A template cannot be rendered for this event.
    pub(crate) fn of(&self, event: &BatchEvent<'_>) -> Result<Set> {
        let mut set = Set::with_capacity(self.sources.len());
        for (name, source) in &self.sources {
            let mut value = match source {
                Source::Known(known) => known.value(event),
                Source::Written(template) => template
                    .render(event)
                    .map_err(|error| of_setting(&format!("streamLabels.{name}"), &error))?,
            };
            cut(&mut value, VALUE_BYTES_MOST);
            if !value.is_empty() {
                set.push((name.clone(), value));
            }
        }
        if set.is_empty() {
            set.push((JOB.0.to_owned(), JOB.1.to_owned()));
        }
        Ok(set)
    }

    /// Replaces all that varies by [`OTHER`]; answers what was there.
    pub(crate) fn blur(&self, set: &mut Set) -> Set {
        let mut were = Set::new();
        for (name, value) in set {
            let source = self.sources.iter().find(|(known, _)| known == name);
            if source.is_some_and(|(_, source)| source.varies(value)) {
                were.push((name.clone(), std::mem::replace(value, OTHER.to_owned())));
            }
        }
        were
    }
}

/// A name as Loki takes it: `[a-zA-Z_][a-zA-Z0-9_]*`.
fn valid_name(name: &str) -> Result<String> {
    if name.is_empty() || name.len() > NAME_BYTES_MOST {
        Err(format!(
            "streamLabels: `{name}` is no name for a label, expected 1 to {NAME_BYTES_MOST} bytes"
        ))?;
    }
    let valid: String = name
        .chars()
        .enumerate()
        .map(|(index, c)| match c {
            '0'..='9' if index > 0 => c,
            'a'..='z' | 'A'..='Z' => c,
            _ => '_',
        })
        .collect();
    if valid.starts_with("__") {
        Err(format!(
            "streamLabels.{name}: Loki keeps names that begin with `__` for itself"
        ))?;
    }
    Ok(valid)
}

/// Cuts a text between characters, so that it has at most this many bytes.
pub(crate) fn cut(text: &mut String, bytes_most: usize) {
    text.truncate(text.floor_char_boundary(bytes_most));
}

/// Counts the streams of an hour, so that a label that never repeats does not flood Loki's index.
///
/// Eight bytes a stream, and no more streams than it admits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    most: usize,
    /// In order.
    seen: Vec<u64>,
    since_ms: u64,
    has_warned: bool,
}

impl Guard {
    pub(crate) fn new(most: usize) -> Guard {
        Guard {
            most,
            ..Guard::default()
        }
    }

    /// Whether this stream of this tenant is known, or there is room for it. Says so once an hour if not.
    pub(crate) fn admits(&mut self, headers: &[(String, String)], set: &Set) -> bool {
        let now_ms = host::now();
        if now_ms.saturating_sub(self.since_ms) >= HOUR_MS {
            *self = Guard {
                since_ms: now_ms,
                ..Guard::new(self.most)
            };
        }
        let key = hash(headers.iter().chain(set));
        let Err(place) = self.seen.binary_search(&key) else {
            return true;
        };
        if self.seen.len() < self.most {
            self.seen.insert(place, key);
            return true;
        }
        if !self.has_warned {
            self.has_warned = true;
            host::warn(format!(
                "more than {} streams within an hour: in further ones the labels that vary are `{OTHER}`; use labels \
                 with fewer values, or raise `maxStreams` and Loki's limit",
                self.most
            ));
        }
        host::count("blurred_streams", 1);
        false
    }
}

/// FNV-1a, each text with an end that no text holds. Who finds two streams of one hash wins a stream.
fn hash<'a>(pairs: impl Iterator<Item = &'a (String, String)>) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for (name, value) in pairs {
        let bytes = name
            .bytes()
            .chain([0xff])
            .chain(value.bytes())
            .chain([0xff]);
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_made_valid() {
        for (name, expected) in [
            ("app", "app"),
            ("app.kubernetes.io/name", "app_kubernetes_io_name"),
            ("2nd", "_nd"),
            ("_x", "_x"),
            ("größe", "gr__e"),
        ] {
            assert_eq!(valid_name(name).unwrap(), expected);
        }
        assert!(valid_name("__tenant_id__").is_err() && valid_name("-.x").is_err());
        assert!(valid_name("").is_err());
    }

    #[test]
    fn texts_are_cut_between_characters() {
        let mut text = "aü".to_owned();
        cut(&mut text, 2);
        assert_eq!(text, "a");
    }
}
