//! One call of a sink, and what it says of each event.

use std::time::Duration;

use weir_event::Document;
use weir_runtime::{Delivered, Failure, Outcome, Said, Sink};
use weir_template::{Event, Layout};

use crate::queue::Item;

/// The events of one call.
pub(super) struct Round {
    items: Vec<Item>,
    laid_out: Vec<String>,
}

/// What became of them.
pub(super) enum Answer {
    /// The sink decided about some of them at least, or asked for single ones again.
    Decided {
        accepted: Vec<Item>,
        rejected: Vec<(Item, String)>,
        again: Vec<Item>,
        /// Why those come again.
        reason: String,
        retry_after: Duration,
    },
    /// All of them are to come again.
    Again {
        items: Vec<Item>,
        reason: String,
        retry_after: Duration,
    },
    /// The plugin broke; its next instance is a fresh one.
    Broke { items: Vec<Item>, fault: String },
}

/// What is sent for an event.
pub(super) fn lay_out(layout: &Layout, item: &Item) -> Result<String, String> {
    let event = Event::parse(item.document.as_str()).map_err(|error| format!("layout: {error}"))?;
    layout
        .render(&event)
        .map_err(|error| format!("layout: {error}"))
}

impl Round {
    /// With what is sent for each event where there is a layout: who calls has seen that it can be made.
    pub(super) fn new(items: Vec<Item>, layout: Option<&Layout>) -> Round {
        let text = |layout: &Layout| {
            let each = items.iter().map(|item| lay_out(layout, item));
            each.map(|text| text.unwrap_or_else(|reason| reason))
                .collect()
        };
        Round {
            laid_out: layout.map(text).unwrap_or_default(),
            items,
        }
    }

    pub(super) fn deliver(self, sink: &mut Sink) -> Answer {
        let Round { items, laid_out } = self;
        let mut documents: Vec<Document> = items.iter().map(|item| item.document.clone()).collect();
        match sink.deliver(&mut documents, laid_out) {
            Ok(delivered) => decided(items, delivered),
            Err(failure @ Failure::Fault(_)) => Answer::Broke {
                items,
                fault: failure.to_string(),
            },
            Err(failure) => Answer::Again {
                items,
                reason: failure.to_string(),
                retry_after: Duration::ZERO,
            },
        }
    }
}

fn decided(items: Vec<Item>, delivered: Delivered) -> Answer {
    let retry_after = Duration::from_millis(u64::from(delivered.retry_after_ms));
    match delivered.outcome {
        Outcome::Retry(reason) => Answer::Again {
            items,
            reason,
            retry_after,
        },
        Outcome::Reject(reason) => Answer::Decided {
            accepted: Vec::new(),
            rejected: items
                .into_iter()
                .map(|item| (item, reason.clone()))
                .collect(),
            again: Vec::new(),
            reason: String::new(),
            retry_after,
        },
        Outcome::Done => each(items, delivered.said, retry_after),
    }
}

/// The sink said something of single events.
fn each(items: Vec<Item>, said: Vec<Option<Said>>, retry_after: Duration) -> Answer {
    let (mut accepted, mut rejected, mut again) = (Vec::new(), Vec::new(), Vec::new());
    let mut reason_again = String::new();
    for (item, said) in items.into_iter().zip(said) {
        match said {
            None => accepted.push(item),
            Some(Said::Reject(reason)) => rejected.push((item, reason)),
            Some(Said::Retry(reason)) => {
                reason_again = reason;
                again.push(item);
            }
        }
    }
    if accepted.is_empty() && rejected.is_empty() && !again.is_empty() {
        return Answer::Again {
            items: again,
            reason: reason_again,
            retry_after,
        };
    }
    Answer::Decided {
        accepted,
        rejected,
        again,
        reason: reason_again,
        retry_after,
    }
}
