//! A receiver of CloudEvents in batches that counts arrivals by uid and resourceVersion.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use weir_tests::fake_http::{Fault, Handler, Reply, Request};
use weir_tests::watching::{State, state};

/// One arrival of a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// In which of the test's rounds.
    pub round: usize,
    /// Whether the sender could see the answer, if it lived.
    pub answered: bool,
}

/// What arrived.
#[derive(Default)]
pub struct Counting {
    arrivals: BTreeMap<State, Vec<Arrival>>,
    round: usize,
    in_round: usize,
    order: Vec<State>,
}

impl Counting {
    /// What arrives from now on belongs to this round.
    pub fn begin_round(&mut self, round: usize) {
        self.round = round;
        self.in_round = 0;
    }

    /// How many arrivals this round has.
    pub fn in_round(&self) -> usize {
        self.in_round
    }

    /// How many states ever arrived.
    pub fn states(&self) -> usize {
        self.arrivals.len()
    }

    /// Of these states, those that never arrived.
    pub fn missing<'a>(&self, states: &'a BTreeSet<State>) -> Vec<&'a State> {
        let missing = |state: &&State| !self.arrivals.contains_key(*state);
        states.iter().filter(missing).collect()
    }

    /// All arrivals of each state, in their order.
    pub fn arrivals(&self) -> &BTreeMap<State, Vec<Arrival>> {
        &self.arrivals
    }

    /// All arrivals, in their order.
    pub fn order(&self) -> &[State] {
        &self.order
    }

    /// Arrivals beyond the first of each state.
    pub fn repeats(&self) -> usize {
        self.arrivals.values().map(|came| came.len() - 1).sum()
    }
}

impl Handler for Counting {
    fn answer(&mut self, request: &Request) -> Reply {
        let Ok(Value::Array(events)) = serde_json::from_slice(&request.body) else {
            return Reply::text(400, "expected a list of CloudEvents");
        };
        let arrival = Arrival {
            round: self.round,
            answered: request.fault != Some(Fault::LostAnswer),
        };
        for event in &events {
            let state = state(&event["data"]);
            self.order.push(state.clone());
            self.arrivals.entry(state).or_default().push(arrival);
            self.in_round += 1;
        }
        Reply::empty(204)
    }
}
