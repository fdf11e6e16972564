//! Every template gives what real Go gives: `conformance/` says how its `cases.json` came about.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_template::{Event, Template};

#[derive(Deserialize)]
struct Outcomes {
    events: BTreeMap<String, String>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    event: String,
    template: String,
    output: String,
    error: Option<String>,
    /// What weir is meant to give instead of what Go does.
    weir: Option<String>,
    reason: Option<String>,
}

/// What a template gives, or the line that its error names, and the error.
fn outcome(template: &str, event: &str) -> Result<String, (usize, String)> {
    let event = Event::parse(event).expect("an event");
    let parsed = Template::parse(template).map_err(|error| (error.line, error.to_string()))?;
    parsed
        .render(&event)
        .map_err(|error| (error.line, error.to_string()))
}

/// The line in Go's `template: template:3:7: …`; a panic names none.
fn line(error: &str) -> Option<usize> {
    let rest = error.strip_prefix("template: template:")?;
    rest.split(':').next()?.parse().ok()
}

/// What is wrong with a case, if anything is.
fn complaint(case: &Case, event: &str) -> Option<String> {
    let got = outcome(&case.template, event);
    if let Some(weir) = &case.weir {
        let differs = case.error.is_some() || case.output != *weir;
        let meant = got.as_ref() == Ok(weir) && differs && case.reason.is_some();
        return (!meant).then(|| {
            format!(
                "want {weir:?} where Go gives {:?}\n got {got:?}",
                case.output
            )
        });
    }
    match (&case.error, &got) {
        (None, Ok(text)) if *text == case.output => None,
        (None, _) => Some(format!("want {:?}\n got {got:?}", case.output)),
        (Some(error), Err((got, _))) if line(error).is_none_or(|line| line == *got) => None,
        (Some(error), _) => Some(format!("want an error as {error:?}\n got {got:?}")),
    }
}

#[test]
fn templates_give_what_go_gives() {
    let outcomes: Outcomes =
        serde_json::from_str(include_str!("../conformance/cases.json")).expect("the outcomes");
    assert!(
        outcomes.cases.len() >= 250,
        "{} cases",
        outcomes.cases.len()
    );
    let mut complaints = Vec::new();
    for case in &outcomes.cases {
        if let Some(complaint) = complaint(case, &outcomes.events[&case.event]) {
            complaints.push(format!("{} on {}\n{complaint}", case.template, case.event));
        }
    }
    assert!(
        complaints.is_empty(),
        "{} cases differ:\n\n{}",
        complaints.len(),
        complaints.join("\n\n")
    );
}
