//! A filter: drops events whose reason is in a list.
//!
//! ```yaml
//! config: {reasons: [Pulled, Created]}
//! ```

use serde::Deserialize;
use weir_plugin::{Event, Filter, Result, Verdict};

/// The configuration, read by serde: what is missing or of the wrong type is refused, with its name.
#[derive(Deserialize)]
struct DropReasons {
    reasons: Vec<String>,
}

impl Filter for DropReasons {
    /// Called once for each instance, before its first event. An error refuses the configuration.
    fn setup(&mut self) -> Result {
        if self.reasons.is_empty() {
            Err("reasons: expected at least one")?;
        }
        Ok(())
    }

    /// Called for each event: `Ok(Verdict::Keep)`, `Ok(Verdict::drop(why))`, or an `Err` (then `onError` decides).
    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        // Each getter asks the host and copies the text: keep what is needed twice.
        let reason = event.reason();
        if self.reasons.contains(&reason) {
            // The words are one row in the drop metrics: name a cause, not an event.
            return Ok(Verdict::drop(format!("reason {reason}")));
        }
        Ok(Verdict::Keep)
    }
}

weir_plugin::register!(filter: DropReasons);

/// `cargo test` runs these natively, against a double of the host.
#[cfg(test)]
mod tests {
    use weir_plugin::serde_json::json;
    use weir_plugin::testing;

    use super::*;

    #[test]
    fn listed_reasons_are_dropped() -> Result {
        let mut filter = testing::filter::<DropReasons>(json!({"reasons": ["Pulled"]}))?;

        let run = filter.process(testing::event(json!({"reason": "Pulled"})));
        assert_eq!(run.verdict, Ok(Verdict::drop("reason Pulled")));

        let run = filter.process(testing::event(json!({"reason": "Failed"})));
        assert_eq!(run.verdict, Ok(Verdict::Keep));
        Ok(())
    }

    #[test]
    fn an_empty_list_is_refused() {
        let refused = testing::filter::<DropReasons>(json!({"reasons": []}));
        assert!(refused.is_err_and(|error| error.message().contains("reasons")));
    }
}
