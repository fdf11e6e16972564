//! Sending a batch in pieces: what is too large or refused as a whole is halved until single events are isolated.

use std::rc::Rc;

use super::Answer;
use crate::{Batch, Outcome, Result};

/// How often a call halves pieces. What is left then comes again; by then all that was isolated is settled.
const SPLITS_MAX: u32 = 128;
/// This many failures in a row, beyond those that isolate one event, are taken for the server's.
const FAILURES_MAX: u32 = 3;

/// Sends pieces of a batch in order, and marks what was not accepted.
///
/// A piece is a list of events in order, and what they have in common: [`whole`], [`each`], or what
/// [`group`](super::group) and [`Headers::group`](super::Headers::group) make. `send` is called with one piece at a time
/// and answers for it; it may mark some of the piece itself and answer [`Answer::Accepted`] for the others. An error
/// of `send` is [`Answer::of`] it.
///
/// - [`Answer::Busy`]: nothing more is sent; this piece and all after it come again.
/// - [`Answer::Refused`], [`Answer::TooLarge`]: a piece of several events is halved, a single event is rejected.
/// - [`Answer::Failed`]: a piece is halved, a single event comes again; after several failures in a row, more than
///   it takes to isolate one event, nothing more is sent.
///
/// At most 128 pieces are halved in a call, so that it ends; what is left comes again.
pub fn deliver<K>(
    batch: &Batch,
    pieces: impl IntoIterator<Item = (K, Vec<u32>)>,
    send: impl FnMut(&K, &[u32]) -> Result<Answer>,
) -> Outcome {
    let pieces = pieces.into_iter().filter(|(_, events)| !events.is_empty());
    let mut open: Vec<_> = pieces
        .map(|(key, events)| Piece {
            key: Rc::new(key),
            events,
        })
        .collect();
    let longest = open.iter().map(|piece| piece.events.len()).max();
    open.reverse();
    let mut delivery = Delivery {
        batch,
        open,
        settled: false,
        splits: 0,
        failures: 0,
        failures_max: FAILURES_MAX + longest.unwrap_or(1).ilog2(),
    };
    delivery.run(send)
}

/// All events as one piece.
#[must_use]
pub fn whole(batch: &Batch) -> [((), Vec<u32>); 1] {
    [((), (0..batch.size()).collect())]
}

/// Every event as a piece of its own.
pub fn each(batch: &Batch) -> impl Iterator<Item = ((), Vec<u32>)> + use<> {
    (0..batch.size()).map(|index| ((), vec![index]))
}

struct Piece<K> {
    key: Rc<K>,
    events: Vec<u32>,
}

struct Delivery<'a, K> {
    batch: &'a Batch,
    /// What is still to be sent, the first last.
    open: Vec<Piece<K>>,
    /// Whether anything was accepted or marked.
    settled: bool,
    splits: u32,
    /// In a row.
    failures: u32,
    failures_max: u32,
}

impl<K> Delivery<'_, K> {
    fn run(&mut self, mut send: impl FnMut(&K, &[u32]) -> Result<Answer>) -> Outcome {
        while let Some(piece) = self.open.pop() {
            let answer = send(&piece.key, &piece.events);
            let answer = answer.unwrap_or_else(|error| Answer::of(&Err(error)));
            let is_failure = matches!(answer, Answer::Failed(_));
            self.failures = if is_failure { self.failures + 1 } else { 0 };
            let reason = match answer {
                Answer::Accepted => {
                    self.settled = true;
                    continue;
                }
                Answer::Busy { reason, wait } => {
                    if let Some(wait) = wait {
                        self.batch.retry_after(wait);
                    }
                    return self.give_back(&piece, reason);
                }
                Answer::Failed(reason) | Answer::Refused(reason) | Answer::TooLarge(reason) => {
                    reason
                }
            };
            let is_alone = piece.events.len() == 1;
            if self.failures >= self.failures_max || !is_alone && self.splits >= SPLITS_MAX {
                return self.give_back(&piece, reason);
            }
            match piece.events[..] {
                [event] if is_failure => self.batch.retry(event, &reason),
                [event] => self.batch.reject(event, &reason),
                _ => self.halve(piece),
            }
            self.settled |= is_alone;
        }
        Outcome::Done
    }

    fn halve(&mut self, mut first: Piece<K>) {
        self.splits += 1;
        let second = Piece {
            events: first.events.split_off(first.events.len() / 2),
            key: Rc::clone(&first.key),
        };
        self.open.extend([second, first]);
    }

    /// This piece and all that is open come again.
    fn give_back(&mut self, piece: &Piece<K>, reason: String) -> Outcome {
        let open = self.open.iter().chain([piece]);
        let left: Vec<u32> = open
            .flat_map(|piece| piece.events.iter().copied())
            .collect();
        if !self.settled && left.len() == self.batch.size() as usize {
            return Outcome::Retry(reason);
        }
        for index in left {
            self.batch.retry(index, &reason);
        }
        Outcome::Done
    }
}
