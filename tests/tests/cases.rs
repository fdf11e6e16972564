//! Every folder of `cases/` is a test of its name.

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use weir_tests::case::Cases;

fn main() {
    let cases = Arc::new(Cases::new());
    let trial = |name: String| {
        let cases = Arc::clone(&cases);
        Trial::test(name.clone(), move || cases.run(&name).map_err(Into::into))
    };
    let trials: Vec<Trial> = Cases::names().into_iter().map(trial).collect();
    assert!(!trials.is_empty(), "there are no cases");
    let conclusion = libtest_mimic::run(&Arguments::from_args(), trials);
    drop(cases); // `exit` runs no destructors, and the folder of the cases is to be removed
    conclusion.exit();
}
