//! What a sink implements.

use serde::de::DeserializeOwned;

use crate::{Batch, Result};

/// Delivers batches of events.
///
/// The implementing type is read from the configuration by serde, as for a [`Filter`](crate::Filter).
pub trait Sink: DeserializeOwned {
    /// Checks the configuration and prepares; called once, before the first batch.
    ///
    /// # Errors
    /// Refuses the configuration. Name the setting: `hosts: expected at least one`.
    fn setup(&mut self) -> Result {
        Ok(())
    }

    /// Delivers what is in the batch, and marks what was not accepted.
    ///
    /// # Errors
    /// The whole batch comes again.
    fn deliver(&mut self, batch: &Batch) -> Result<Outcome>;
}

/// A sink that can say whether it would work. Register it as `sink-probe`.
pub trait Probe: Sink {
    /// What was found, a line for each finding; it writes nothing.
    ///
    /// # Errors
    /// What would keep the sink from working.
    fn probe(&mut self) -> Result<String>;
}

/// What became of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All that was not rejected or marked for retry has been accepted.
    Done,
    /// Nothing was accepted; the whole batch comes again.
    Retry(String),
    /// Nothing will ever be accepted; the whole batch goes to the dead letters.
    Reject(String),
}

impl Outcome {
    /// [`Outcome::Retry`] with this reason.
    #[must_use]
    pub fn retry(reason: impl Into<String>) -> Outcome {
        Outcome::Retry(reason.into())
    }

    /// [`Outcome::Reject`] with this reason.
    #[must_use]
    pub fn reject(reason: impl Into<String>) -> Outcome {
        Outcome::Reject(reason.into())
    }
}
