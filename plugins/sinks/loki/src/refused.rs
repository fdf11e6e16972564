//! What Loki refuses, read from the text of a 400. The rest of such a request it has stored.
//!
//! The texts are those of `pkg/validation/validate.go` and `pkg/ingester/stream.go`, from 2.4 to 3.7. What is read is
//! the limit that was missed and not which entries missed it: that follows from the limit, and older versions
//! name one of many.

use crate::labels::Set;
use crate::push::Entry;
use crate::time;

const NS_OF_SECOND: u64 = 1_000_000_000;

/// Why entries were refused; a request can meet several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The newest second that is too old for the tenant (`reject_old_samples_max_age`).
    pub(crate) too_old: Option<u64>,
    /// The oldest second that is too far in the future (`creation_grace_period`).
    pub(crate) too_new: Option<u64>,
    /// Bytes that a line may have.
    pub(crate) line_bytes: Option<usize>,
    /// Structured metadata is not allowed at all.
    pub(crate) no_metadata: bool,
    /// Bytes that structured metadata may have.
    pub(crate) metadata_bytes: Option<usize>,
    /// How many fields of structured metadata there may be.
    pub(crate) metadata_fields: Option<usize>,
    /// Whether that is all that was refused.
    pub(crate) is_whole: bool,
}

impl Refusal {
    /// Whether the time of this entry is why it was refused.
    pub(crate) fn is_time(&self, entry: &Entry) -> bool {
        let second = entry.at_ns / NS_OF_SECOND;
        self.too_old.is_some_and(|newest| second <= newest)
            || self.too_new.is_some_and(|oldest| second >= oldest)
    }

    /// Whether the length of this entry is why it was refused.
    pub(crate) fn is_length(&self, entry: &Entry) -> bool {
        self.line_bytes.is_some_and(|most| entry.line.len() > most)
    }

    /// Whether the structured metadata of this entry is why it was refused.
    pub(crate) fn is_metadata(&self, entry: &Entry) -> bool {
        let most = |limit: Option<usize>, size: usize| limit.is_some_and(|most| size > most);
        self.no_metadata && !entry.metadata.is_empty()
            || most(self.metadata_bytes, entry.metadata_bytes())
            || most(self.metadata_fields, entry.metadata.len())
    }
}

/// Reads the distributor's answer: errors that are told apart by `; `, each perhaps behind `3 errors like: `.
///
/// Labels come from events, and stand in the text: where one could be taken for an error, nothing is read.
pub(crate) fn read<'a>(text: &str, mut labels: impl Iterator<Item = &'a Set>) -> Refusal {
    let mut refusal = Refusal::default();
    if labels.any(|set| set.iter().any(|(_, value)| value.contains("; "))) {
        return refusal;
    }
    let mut is_whole = true;
    for error in text.trim().split("; ") {
        let error = match error.split_once(" errors like: ") {
            Some((count, error)) if count.bytes().all(|c| c.is_ascii_digit()) => error,
            _ => error,
        };
        is_whole &= read_error(error, &mut refusal).is_some();
    }
    refusal.is_whole = is_whole;
    refusal
}

fn read_error(error: &str, refusal: &mut Refusal) -> Option<()> {
    if let Some(rest) = begins(error, "max entry size '") {
        refusal.line_bytes = Some(number(rest)?);
        return Some(());
    }
    if let Some(rest) = begins(error, "entry for stream '") {
        let end = behind_last(rest, "' has timestamp too ")?;
        let (which, time) = end.split_once(": ")?;
        let second = time::seconds(time.split(',').next()?)?;
        match which {
            "old" => {
                refusal.too_old = Some(refusal.too_old.map_or(second, |other| other.max(second)))
            }
            "new" => {
                refusal.too_new = Some(refusal.too_new.map_or(second, |other| other.min(second)))
            }
            _ => return None,
        }
        return Some(());
    }
    read_metadata_error(begins(error, "stream '")?, refusal)
}

fn read_metadata_error(error: &str, refusal: &mut Refusal) -> Option<()> {
    let limit = || number(behind_last(error, " limit: '")?);
    if error.contains("' includes structured metadata, but this feature is disallowed") {
        refusal.no_metadata = true;
    } else if error.contains("' has structured metadata too large: '") {
        refusal.metadata_bytes = Some(limit()?);
    } else if error.contains("' has too many structured metadata labels: '") {
        refusal.metadata_fields = Some(limit()?);
    } else {
        return None;
    }
    Some(())
}

/// The rest behind a beginning, in any case: 2.4 wrote `Max entry size`.
fn begins<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(beginning.len())?;
    start.eq_ignore_ascii_case(beginning).then_some(rest)
}

/// What follows the last of these marks: labels, which may hold one, stand before it.
fn behind_last<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    let mut rest = text.split_once(mark)?.1;
    while let Some((_, after)) = rest.split_once(mark) {
        rest = after;
    }
    Some(rest)
}

fn number(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    text[..end].parse().ok()
}

/// How many of how many entries of one stream an ingester refused, because newer ones had come before:
/// `entry with timestamp … ignored, reason: 'entry too far behind, …',\n… total ignored: 12 out of 40 for stream: {…}`.
///
/// It refuses what is older than a time which grows only with what it accepts; so of entries in order of time, as
/// they are sent, they are the first.
pub(crate) fn behind(text: &str) -> Option<(usize, usize)> {
    let reason = begins(text.trim_start(), "entry with timestamp ")?
        .split_once("reason: '")?
        .1;
    if !reason.starts_with("entry too far behind") && !reason.starts_with("entry out of order") {
        return None;
    }
    let (ignored, rest) = text
        .split_once("total ignored: ")?
        .1
        .split_once(" out of ")?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((ignored.parse().ok()?, rest[..end].parse().ok()?))
}

/// What Loki has against the labels of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AgainstLabels {
    /// It comes from the configuration, weir's or Loki's: mending that lets the events through.
    Configuration(&'static str),
    /// It comes from the event.
    Event(&'static str),
}

/// Finds an error about labels, with what to do. Words that stand in a label of the request are no error.
pub(crate) fn against_labels<'a>(
    text: &str,
    mut labels: impl Iterator<Item = &'a Set>,
) -> Option<AgainstLabels> {
    use AgainstLabels::{Configuration, Event};
    let found = [
        (
            " label names; limit ",
            Configuration(
                "use fewer `labels` and `streamLabels`, or raise max_label_names_per_series in Loki's limits_config",
            ),
        ),
        (
            "has label name too long",
            Configuration(
                "shorten the name in `streamLabels`, or raise max_label_name_length in Loki's limits_config",
            ),
        ),
        (
            "has duplicate label name",
            Configuration("remove one of them from `streamLabels`"),
        ),
        (
            "missing required labels",
            Configuration(
                "add them to `streamLabels`: Loki's limits_config enforces them (enforced_labels)",
            ),
        ),
        (
            "has label value too long",
            Event(
                "shorten it in `streamLabels` (`trunc`), or raise max_label_value_length in Loki's limits_config",
            ),
        ),
    ];
    let (part, what) = found.into_iter().find(|(part, _)| text.contains(part))?;
    let is_label = labels.any(|set| set.iter().any(|(_, value)| value.contains(part)));
    (!is_label).then_some(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = r#"{job="weir", namespace="shop", service_name="weir"}"#;

    fn check(text: &str, expected: Refusal) {
        let labels = vec![("job".to_owned(), "weir".to_owned())];
        assert_eq!(read(text, [labels].iter()), expected, "{text}");
    }

    #[test]
    fn times_are_read_to_the_second() {
        check(
            &format!(
                "entry for stream '{STREAM}' has timestamp too old: 2026-11-16T14:45:30Z, oldest acceptable timestamp is: 2026-11-16T14:45:31Z\n"
            ),
            Refusal {
                too_old: Some(1_794_840_330),
                is_whole: true,
                ..Refusal::default()
            },
        );
        check(
            &format!(
                "2 errors like: entry for stream '{STREAM}' has timestamp too old: 2026-11-16T14:45:30Z; 1 errors like: entry for stream '{STREAM}' has timestamp too old: 2026-11-16T16:45:32+02:00; 1 errors like: entry for stream '{STREAM}' has timestamp too new: 2026-11-23T15:00:00Z"
            ),
            Refusal {
                too_old: Some(1_794_840_332),
                too_new: Some(1_795_446_000),
                is_whole: true,
                ..Refusal::default()
            },
        );
    }

    #[test]
    fn limits_are_read() {
        check(
            &format!(
                "Max entry size '262144' bytes exceeded for stream '{STREAM}' while adding an entry with length '300000' bytes"
            ),
            Refusal {
                line_bytes: Some(262_144),
                is_whole: true,
                ..Refusal::default()
            },
        );
        check(
            &format!(
                "stream '{STREAM}' includes structured metadata, but this feature is disallowed. Please see `limits_config.allow_structured_metadata` or contact your Loki administrator to enable it"
            ),
            Refusal {
                no_metadata: true,
                is_whole: true,
                ..Refusal::default()
            },
        );
        check(
            &format!(
                "stream '{STREAM}' has structured metadata too large: '70000' bytes, limit: '65536' bytes. Please see `x`"
            ),
            Refusal {
                metadata_bytes: Some(65_536),
                is_whole: true,
                ..Refusal::default()
            },
        );
        check(
            &format!(
                "stream '{STREAM}' has too many structured metadata labels: '9', limit: '4'. Please see `x`"
            ),
            Refusal {
                metadata_fields: Some(4),
                is_whole: true,
                ..Refusal::default()
            },
        );
    }

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        for text in [
            "",
            "loghttp.PushRequest.Streams: decode slice",
            "stream 'x' is odd",
            "entry for stream 'x",
        ] {
            check(text, Refusal::default());
        }
        check(
            &format!(
                "max entry size '9' bytes exceeded for stream '{STREAM}' while adding; something new"
            ),
            Refusal {
                line_bytes: Some(9),
                ..Refusal::default()
            },
        );
        let forged = vec![("x".to_owned(), "'; max entry size '1' bytes".to_owned())];
        let text = "stream '{x=\"'; max entry size '1' bytes\"}' has duplicate label name: 'x'";
        assert_eq!(read(text, [forged].iter()), Refusal::default());
        let forged = vec![("x".to_owned(), "has label value too long".to_owned())];
        let text = "entry for stream '{x=\"has label value too long\"}' has timestamp too old: x";
        assert_eq!(against_labels(text, [&forged].into_iter()), None);
        assert!(against_labels(text, [].iter()).is_some());
    }

    #[test]
    fn what_is_behind_is_counted() {
        let text = format!(
            "entry with timestamp 2026-11-23 13:00:00 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2026-11-23T13:00:00Z, oldest acceptable timestamp is: 2026-11-23T13:45:31Z',\nuser 'fake', total ignored: 12 out of 40 for stream: {STREAM}\n"
        );
        assert_eq!(behind(&text), Some((12, 40)));
        let old = format!(
            "entry with timestamp 2021-11-23 13:00:00 +0000 UTC ignored, reason: 'entry out of order' for stream: {STREAM},\ntotal ignored: 1 out of 2"
        );
        assert_eq!(behind(&old), Some((1, 2)));
        assert_eq!(behind("entry for stream"), None);
        let limited = "entry with timestamp t ignored, reason: 'Per stream rate limit exceeded',\nuser 'fake', total ignored: 1 out of 2 for";
        assert_eq!(behind(limited), None);
    }
}
