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
fn lay_out(layout: &Layout, item: &Item) -> Result<String, String> {
    let event = Event::parse(item.document.as_str()).map_err(|error| format!("layout: {error}"))?;
    layout
        .render(&event)
        .map_err(|error| format!("layout: {error}"))
}

impl Round {
    /// With what is sent for each event where there is a layout; none where there is nothing to send. And the events that no
    /// layout can be made of, with why.
    pub(super) fn new(
        items: Vec<Item>,
        layout: Option<&Layout>,
    ) -> (Option<Round>, Vec<(Item, String)>) {
        let mut round = Round {
            items: Vec::with_capacity(items.len()),
            laid_out: Vec::new(),
        };
        let Some(layout) = layout else {
            round.items = items;
            return (Some(round), Vec::new());
        };
        let mut dead = Vec::new();
        for item in items {
            match lay_out(layout, &item) {
                Ok(text) => {
                    round.laid_out.push(text);
                    round.items.push(item);
                }
                Err(reason) => dead.push((item, reason)),
            }
        }
        ((!round.items.is_empty()).then_some(round), dead)
    }

    pub(super) fn deliver(self, sink: &mut Sink) -> Answer {
        let Round { items, laid_out } = self;
        let mut documents: Vec<Document> = items.iter().map(|item| item.document.clone()).collect();
        match sink.deliver(&mut documents, laid_out) {
            Ok(delivered) => decided(items, delivered),
            // A plugin that cannot even be set up says nothing about these events.
            Err(Failure::Fault(fault)) if fault.call == "deliver" => Answer::Broke {
                items,
                fault: fault.to_string(),
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
