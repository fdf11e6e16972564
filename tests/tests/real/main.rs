//! Tests with real servers: `weir_tests::real` says which. `cargo xtask test --real` runs them.
//!
//! A test that cannot be run is shown as ignored, with the reason. One after another: each server takes a core.

mod delivery;
mod search;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use weir_tests::real::search::Product;

/// Tests of one server.
type WithProduct = (&'static str, fn(Product));

const SEARCH: &[WithProduct] = &[
    (
        "what_was_acknowledged_is_there_after_a_kill",
        search::restarts,
    ),
    ("a_bulk_request_is_answered_as_by_the_fake", search::bulk),
    (
        "all_events_are_there_by_six_lines_of_configuration",
        delivery::six_lines,
    ),
    ("an_outage_costs_and_doubles_nothing", delivery::outage),
];

fn trials(product: Product) -> Vec<Trial> {
    let missing = product.find().err();
    if let Some(why) = &missing {
        eprintln!("the suite against a real {product:?} did NOT run: {why}");
    }
    let trial = |(name, test): &WithProduct| {
        let test = *test;
        let trial = Trial::test(format!("{product:?}::{name}"), move || {
            test(product);
            Ok(())
        });
        match &missing {
            Some(why) => trial
                .with_kind(format!("not run: {why}"))
                .with_ignored_flag(true),
            None => trial,
        }
    };
    SEARCH.iter().map(trial).collect()
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let mut all = trials(Product::OpenSearch);
    all.extend(trials(Product::Elasticsearch));
    libtest_mimic::run(&arguments, all).exit_code()
}
