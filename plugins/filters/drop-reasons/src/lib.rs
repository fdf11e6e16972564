//! The filter `drop-reasons`: drops events whose reason is listed.
//!
//! ```yaml
//! plugin: drop-reasons
//! config: {reasons: [Pulled, Created]}
//! ```
//!
//! Names are compared exactly, case and all. The drop metrics have one row for each reason: `reason Pulled`.

use serde::Deserialize;
use weir_plugin::{Event, Filter, Result, Verdict};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DropReasons {
    reasons: Vec<String>,
}

impl Filter for DropReasons {
    fn setup(&mut self) -> Result {
        if self.reasons.is_empty() {
            Err("reasons: expected at least one")?;
        }
        Ok(())
    }

    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        let reason = event.reason();
        Ok(if self.reasons.contains(&reason) {
            Verdict::drop(format!("reason {reason}"))
        } else {
            Verdict::Keep
        })
    }
}

weir_plugin::register!(filter: DropReasons);

#[cfg(test)]
mod tests {
    use weir_plugin::serde_json::{Value, json};
    use weir_plugin::testing;

    use super::*;

    fn refused(config: Value, expected: &str) {
        let error = testing::filter::<DropReasons>(config).unwrap_err();
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn listed_reasons_are_dropped_by_their_exact_name() {
        let mut filter =
            testing::filter::<DropReasons>(json!({"reasons": ["Pulled", "Created"]})).unwrap();
        for (reason, expected) in [
            ("Pulled", Verdict::drop("reason Pulled")),
            ("Created", Verdict::drop("reason Created")),
            ("pulled", Verdict::Keep),
            ("PulledAll", Verdict::Keep),
            ("", Verdict::Keep),
        ] {
            let event = testing::event(json!({"reason": reason}));
            let run = filter.process(event.clone());
            assert_eq!((run.verdict, run.event), (Ok(expected), event), "{reason}");
        }
    }

    #[test]
    fn an_event_without_a_reason_is_kept() {
        let mut filter = testing::filter::<DropReasons>(json!({"reasons": ["Pulled"]})).unwrap();
        assert_eq!(
            filter
                .process(testing::event(json!({"reason": null})))
                .verdict,
            Ok(Verdict::Keep)
        );
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_its_field() {
        refused(json!({"reasons": []}), "reasons: expected at least one");
        refused(json!({}), "missing field `reasons`");
        refused(
            json!({"reasons": "Pulled"}),
            "reasons: invalid type: string \"Pulled\", expected a sequence",
        );
        refused(
            json!({"reasons": ["Pulled", 7]}),
            "reasons[1]: invalid type: integer `7`, expected a string",
        );
        refused(
            json!({"reasons": ["a"], "mode": 1}),
            "mode: unknown field `mode`, expected `reasons`",
        );
    }
}
