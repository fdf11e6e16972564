//! The ledger that weir writes, and its sums.

use std::path::Path;

use serde_json::Value;

/// Reads a ledger file.
pub fn read(path: &Path) -> Value {
    let text = std::fs::read(path).expect("weir wrote its ledger");
    serde_json::from_slice(&text).expect("the ledger is JSON")
}

/// Which sums of DESIGN.md, "The ledger", do not hold; empty where both do.
pub fn problems(ledger: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let came = number(&ledger["received"]) + number(&ledger["emitted"]);
    let filtered: i64 = members(&ledger["filtered"])
        .flat_map(members)
        .map(number)
        .sum();
    let errors: i64 = members(&ledger["errors"])
        .map(|row| number(&row["dropped"]))
        .sum();
    let decided: i64 = ["routed", "unrouted", "duplicates", "tooOld"]
        .iter()
        .map(|name| number(&ledger[*name]))
        .sum();
    if came != decided + filtered + errors {
        problems.push(format!(
            "{came} events came, {} were decided about",
            decided + filtered + errors
        ));
    }
    for (name, row) in ledger["receivers"].as_object().into_iter().flatten() {
        let sum = |names: &[&str]| names.iter().map(|name| number(&row[*name])).sum::<i64>();
        let (came, went) = (
            sum(&["recovered", "enqueued"]),
            sum(&["delivered", "dead", "dropped", "waiting"]),
        );
        if came != went {
            problems.push(format!("receiver {name}: {came} came, {went} went"));
        }
    }
    problems
}

/// A count that must be there.
pub fn number(value: &Value) -> i64 {
    value
        .as_i64()
        .unwrap_or_else(|| panic!("no count in the ledger: {value}"))
}

fn members(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_object().into_iter().flat_map(|map| map.values())
}

/// Whether all of `part` is in `whole`.
pub fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|there| contains(there, value))),
        _ => whole == part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn wrong_sums_are_seen() {
        let mut ledger = json!({
            "received": 5, "emitted": 1, "routed": 3, "unrouted": 0, "duplicates": 0, "tooOld": 0,
            "filtered": {"a": {"x": 1, "y": 1}}, "errors": {"b": {"kept": 7, "dropped": 1}},
            "receivers": {"out": {"recovered": 0, "enqueued": 4, "delivered": 1, "dead": 1, "dropped": 1, "waiting": 1}},
        });
        assert_eq!(problems(&ledger), [""; 0]);
        ledger["received"] = 6.into();
        ledger["receivers"]["out"]["dead"] = 0.into();
        assert_eq!(problems(&ledger).len(), 2);
    }
}
