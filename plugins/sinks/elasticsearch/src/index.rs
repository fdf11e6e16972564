//! Which index an event goes to.

use weir_plugin::time::Time;
use weir_plugin::{Result, host};

use crate::layout;

/// Elasticsearch's own limit.
const NAME_BYTES_MAX: usize = 255;
/// What no name may hold.
const FORBIDDEN: &str = "\\/*?\"<>| ,#:";

/// The name of an index, a data stream or an alias, which may hold the event's time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Index {
    before: String,
    /// Of Go's `time`.
    layout: String,
    after: String,
}

impl Index {
    /// A name that is the same for all events.
    ///
    /// # Errors
    /// It is no name of an index.
    pub(crate) fn named(name: &str) -> Result<Index> {
        if name.contains(['{', '}']) {
            Err(format!(
                "index: `{name}` is taken as it is; the event's time goes in `indexFormat: kube-events-{{2006-01-02}}`"
            ))?;
        }
        let index = Index {
            before: name.to_owned(),
            ..Index::default()
        };
        index.checked("index")
    }

    /// kubernetes-event-exporter's form: what is between the first `{` and the last `}` is a layout of Go's `time`.
    ///
    /// # Errors
    /// It has more than one group, its layout cannot name an index, or it makes no name of an index.
    pub(crate) fn format(format: &str) -> Result<Index> {
        let (before, layout, after) = match (format.find('{'), format.rfind('}')) {
            (Some(from), Some(to)) if from < to => {
                (&format[..from], &format[from + 1..to], &format[to + 1..])
            }
            (None, None) => (format, "", ""),
            _ => Err(format!(
                "indexFormat: `{format}` has one brace without the other"
            ))?,
        };
        if layout.contains(['{', '}']) {
            Err(format!(
                "indexFormat: `{format}` has more than one group: the layout is all between the first {{ and the last \
                 }}, so write one, as in `kube-events-{{2006-01-02}}`"
            ))?;
        }
        let index = Index {
            before: before.to_owned(),
            layout: layout.to_owned(),
            after: after.to_owned(),
        };
        layout::check(layout).map_err(|error| format!("indexFormat: {error}"))?;
        index.checked("indexFormat")
    }

    /// The name for a time, in milliseconds since the Unix epoch.
    pub(crate) fn at(&self, milliseconds: u64) -> String {
        let mut name = self.before.clone();
        if !self.layout.is_empty() {
            layout::write(&self.layout, &Time::new(milliseconds), &mut name);
        }
        name.push_str(&self.after);
        name
    }

    /// The time changes digits and names of months only, so that one name stands for all.
    fn checked(self, setting: &str) -> Result<Index> {
        let name = self.at(host::now());
        check(&name).map_err(|why| format!("{setting}: `{name}` is no name of an index: {why}"))?;
        Ok(self)
    }
}

fn check(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("it is empty".to_owned());
    }
    if name == "." || name == ".." {
        return Err("expected more than dots".to_owned());
    }
    if name.starts_with(['-', '_', '+']) {
        return Err("it may not begin with `-`, `_` or `+`".to_owned());
    }
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err("it has to be in lower case".to_owned());
    }
    let forbidden = |c: &char| FORBIDDEN.contains(*c) || c.is_control();
    if let Some(character) = name.chars().find(forbidden) {
        return Err(format!("it may not hold {character:?}"));
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(format!(
            "it has {} bytes, at most {NAME_BYTES_MAX} are allowed",
            name.len()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(index: Result<Index>, expected: &str) {
        assert_eq!(index.unwrap_err().message(), expected);
    }

    #[test]
    fn a_format_holds_the_time() {
        let at = |format: &str| Index::format(format).unwrap().at(1_795_445_131_000);
        assert_eq!(at("kube-events-{2006-01-02}"), "kube-events-2026-11-23");
        assert_eq!(at("{2006}-events"), "2026-events");
        assert_eq!(at("events-2006"), "events-2006", "only what is in braces");
        assert_eq!(at("e-{Jan-06}-x"), "e-nov-26-x");
        assert_eq!(Index::named("a.b-1").unwrap().at(0), "a.b-1");
    }

    #[test]
    fn two_groups_are_the_trap_that_they_are() {
        refused(
            Index::format("kube-{2006}-{01}"),
            "indexFormat: `kube-{2006}-{01}` has more than one group: the layout is all between the first { and the \
             last }, so write one, as in `kube-events-{2006-01-02}`",
        );
        refused(
            Index::format("kube-{2006"),
            "indexFormat: `kube-{2006` has one brace without the other",
        );
        assert!(
            Index::format("k-{15:04}")
                .unwrap_err()
                .message()
                .starts_with("indexFormat: `04` ")
        );
    }

    #[test]
    fn names_are_those_that_elasticsearch_takes() {
        for (name, why) in [
            ("", "it is empty"),
            ("..", "expected more than dots"),
            ("_all", "it may not begin with `-`, `_` or `+`"),
            ("Kube", "it has to be in lower case"),
            ("a b", "it may not hold ' '"),
            ("a/b", "it may not hold '/'"),
            ("a:b", "it may not hold ':'"),
        ] {
            refused(
                Index::named(name),
                &format!("index: `{name}` is no name of an index: {why}"),
            );
        }
        let long = "a".repeat(256);
        assert!(
            Index::named(&long)
                .unwrap_err()
                .message()
                .ends_with("it has 256 bytes, at most 255 are allowed")
        );
        refused(
            Index::named("kube-{2006}"),
            "index: `kube-{2006}` is taken as it is; the event's time goes in `indexFormat: kube-events-{2006-01-02}`",
        );
    }
}
