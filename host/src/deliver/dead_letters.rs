//! Dead letters: events that will never be delivered, as NDJSON, on the disk before they are settled.
//!
//! A line is `{"receiver":…,"reason":…,"time":…,"id":…,"event":…}`: the event as it was after the filters, and before the
//! receiver's layout. `source.replay` reads such lines and sends each to its receiver alone, past routes and filters.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use thiserror::Error;
use weir_event::Document;

use super::{Delivery, Ended};
use crate::lines;
use crate::queue::{Item, Receipt};

/// How long a dead letter that cannot be written is held before the next try.
const DEAD_LETTER_PAUSE: Duration = Duration::from_secs(5);

/// A file of dead letters, shared by the receivers that name it.
pub struct DeadLetters {
    path: PathBuf,
    file: Mutex<File>,
}

/// It cannot be used.
#[derive(Debug, Error)]
#[error("{path}: {error}")]
pub struct DeadLetterError {
    path: String,
    error: std::io::Error,
}

impl DeadLetters {
    /// Opens a file for appending, and makes it if it is missing: only its owner may read what it will hold.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn open(path: &Path) -> Result<DeadLetters, DeadLetterError> {
        let file = lines::open(path).map_err(|error| failed(path, error))?;
        Ok(DeadLetters {
            path: path.to_owned(),
            file: Mutex::new(file),
        })
    }

    /// Appends whole lines; they are on the disk when this returns. After an error none of them is in the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, letters: &str) -> Result<(), DeadLetterError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // It may have been moved away, to send them again: what comes now belongs into a new one.
        if !lines::is_at(&file, &self.path) {
            *file = lines::open(&self.path).map_err(|error| failed(&self.path, error))?;
        }
        lines::append(&mut file, letters.as_bytes()).map_err(|error| failed(&self.path, error))
    }
}

fn failed(path: &Path, error: std::io::Error) -> DeadLetterError {
    let path = path.display().to_string();
    DeadLetterError { path, error }
}

/// One line.
pub(super) fn letter(receiver: &str, document: &Document, reason: &str) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let event = document.event();
    format!(
        "{{\"receiver\":{},\"reason\":{},\"time\":{},\"id\":{},\"event\":{}}}\n",
        text(receiver),
        text(reason),
        text(&Timestamp::now().to_string()),
        text(&event.id()),
        document.as_str()
    )
}

impl Delivery {
    /// Events that will never be delivered: they are settled once their dead letters are on the disk.
    pub(super) fn bury(
        &mut self,
        receipt: &Receipt,
        dead: Vec<(Item, String)>,
    ) -> Result<(), Ended> {
        if dead.is_empty() {
            return Ok(());
        }
        let letters_of =
            |(item, reason): &(Item, String)| letter(&self.settings.name, &item.document, reason);
        let text: String = dead.iter().map(letters_of).collect();
        // A change may name another file meanwhile, or none.
        while let Some(letters) = self.settings.dead_letters.clone()
            && let Err(error) = letters.write(&text)
        {
            tracing::error!(
                receiver = self.settings.name,
                events = dead.len(),
                "dead letters: {error}; the events are kept, and it is tried again"
            );
            if self.exchange.is_given_up() {
                return self.give_up_items(receipt, dead.iter().map(|(item, _)| item));
            }
            self.wait(DEAD_LETTER_PAUSE)?;
            self.replaced |= self.take_change();
        }
        for (item, reason) in &dead {
            self.say_rejected(item, reason);
            receipt.settle(item);
        }
        receipt.flush();
        self.settings.counts.dead(dead.len());
        Ok(())
    }

    fn say_rejected(&self, item: &Item, reason: &str) {
        if let Some(left_out) = self.rejections.admit() {
            let event = item.document.event().id();
            let kept = if self.settings.dead_letters.is_some() {
                "it is among the dead letters"
            } else {
                "without deadLetters it is lost"
            };
            tracing::error!(
                receiver = self.settings.name,
                event,
                reason,
                left_out,
                "an event will never be delivered; {kept}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use weir_event::{EventRef, Fields};

    fn document(text: &str) -> Document {
        let fields = Fields::scan(text).expect("an event");
        Document::new(EventRef::new(text, &fields))
    }

    #[test]
    fn a_letter_is_one_line_with_the_event_as_it_is() {
        let event = r#"{"metadata":{"uid":"u","resourceVersion":"7"},"involvedObject":{},"message":"a\nb"}"#;
        let line = letter("search", &document(event), "says \"no\"\n");
        assert_eq!(line.matches('\n').count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["event"].to_string(), event);
        assert_eq!(
            (
                read["receiver"].as_str(),
                read["id"].as_str(),
                read["reason"].as_str()
            ),
            (Some("search"), Some("u/7"), Some("says \"no\"\n"))
        );
        assert!(
            read["time"]
                .as_str()
                .is_some_and(|time| time.ends_with('Z'))
        );
    }
}
