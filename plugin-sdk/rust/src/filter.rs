//! What a filter implements.

use serde::de::DeserializeOwned;

use crate::{Event, Result};

/// Keeps, changes or drops events.
///
/// The implementing type is read from the configuration by serde: its fields are the settings. What
/// is not a setting is `#[serde(skip)]`, or the type is made from another with `#[serde(try_from)]`.
pub trait Filter: DeserializeOwned {
    /// Checks the configuration and prepares; called once, before the first event.
    ///
    /// # Errors
    /// Refuses the configuration. Name the setting: `reasons: expected at least one`.
    fn setup(&mut self) -> Result {
        Ok(())
    }

    /// Decides about the event at hand, and may change it.
    ///
    /// # Errors
    /// The host then does what the filter's `onError` says, and no change is made.
    fn process(&mut self, event: &mut Event) -> Result<Verdict>;
}

/// What becomes of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on, with the changes made to it.
    Keep,
    /// It ends here. Why, in a few words: the same words are one row in the drop metrics.
    Drop(String),
}

impl Verdict {
    /// [`Verdict::Drop`] with these words.
    #[must_use]
    pub fn drop(why: impl Into<String>) -> Verdict {
        Verdict::Drop(why.into())
    }
}
