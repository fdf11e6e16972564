//! Dead letters among what is replayed: each goes to its receiver alone, past routes and filters, which it has been through.

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::receivers::Receivers;

/// How `deliver::dead_letters` begins a line; no event begins so.
const BEGINNING: &[u8] = b"{\"receiver\":";

#[derive(Deserialize)]
struct Letter<'a> {
    receiver: String,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// A dead letter that cannot be sent.
#[derive(Debug, Error)]
pub(super) enum LetterError {
    /// It is not one, or only half.
    #[error("a dead letter that cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It is for nobody.
    #[error(
        "a dead letter for the receiver `{0}`, which the configuration does not have; expected one of: {1}"
    )]
    Unknown(String, String),
}

/// The event in a value, and the slot of its receiver where it is a dead letter.
pub(super) fn open<'a>(
    value: &'a [u8],
    receivers: &Receivers,
) -> Result<(Option<usize>, &'a [u8]), LetterError> {
    if !value.trim_ascii_start().starts_with(BEGINNING) {
        return Ok((None, value));
    }
    let letter: Letter<'a> = serde_json::from_slice(value)?;
    match receivers.slot(&letter.receiver) {
        Some(slot) => Ok((Some(slot), letter.event.get().as_bytes())),
        None => {
            let receivers = receivers.now();
            let names: Vec<&str> = receivers.iter().map(|(name, _)| name.as_str()).collect();
            Err(LetterError::Unknown(letter.receiver, names.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_told_from_an_event() {
        let receivers = Receivers::new([("dump".to_owned(), 4), ("search".to_owned(), 2)]);
        let letter =
            br#"{"receiver":"search","reason":"no","time":"t","id":"u/1","event":{"a":1}}"#;
        let opened = open(letter, &receivers).expect("a letter");
        assert_eq!(opened, (Some(2), &br#"{"a":1}"#[..]));
        let event = br#"{"metadata":{}}"#;
        assert_eq!(
            open(event, &receivers).expect("an event"),
            (None, &event[..])
        );
        let half = open(br#"{"receiver":"search","reason":"#, &receivers);
        assert!(matches!(half, Err(LetterError::Unreadable(_))));
        let other = open(br#"{"receiver":"gone","event":{}}"#, &receivers);
        let text = other.expect_err("nobody").to_string();
        assert!(
            text.contains("`gone`") && text.contains("dump, search"),
            "{text}"
        );
    }
}
