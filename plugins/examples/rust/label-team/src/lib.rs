//! A transform, which is a filter that changes events: labels each event with the team of its namespace.
//!
//! ```yaml
//! config: {teams: {shop: payments, web: frontend}}
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir_plugin::{Event, Filter, Result, Verdict, host, state};

/// The same message of the same namespace goes on once in this time.
const QUIET: Duration = Duration::from_secs(60);

/// The configuration, read by serde: what is missing or of the wrong type is refused, with its name.
#[derive(Deserialize)]
struct LabelTeam {
    /// The team of each namespace.
    teams: BTreeMap<String, String>,
}

impl Filter for LabelTeam {
    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        let namespace = event.namespace();

        // A field of `self` would count for this instance alone, and there is one for each lane of weir.
        // What is in `state` is shared by all of them; `add` is atomic, and outlives a reload.
        let key = format!("{namespace}/{}", event.message());
        if state::add(&key, 1, Some(QUIET)) > 1 {
            host::count("throttled", 1);
            return Ok(Verdict::drop("seen within a minute"));
        }

        let Some(team) = self.teams.get(&namespace) else {
            return Ok(Verdict::Keep);
        };
        // A pointer (RFC 6901) says where; serde writes the value. Objects on the way are created.
        event.set("/metadata/labels/team", team)?;
        event.remove("/metadata/annotations");
        host::count("labelled", 1);
        // Changes count only with this answer: after an error or a panic there were none.
        Ok(Verdict::Keep)
    }
}

weir_plugin::register!(filter: LabelTeam);

/// `cargo test` runs these natively, against a double of the host.
#[cfg(test)]
mod tests {
    use weir_plugin::serde_json::{Value, json};
    use weir_plugin::testing::{self, FilterUnderTest};

    use super::*;

    fn filter() -> Result<FilterUnderTest<LabelTeam>> {
        testing::filter(json!({"teams": {"shop": "payments"}}))
    }

    fn event_in(namespace: &str) -> Value {
        let metadata = json!({"namespace": namespace, "annotations": {"secret": "x"}});
        testing::event(json!({"metadata": metadata}))
    }

    #[test]
    fn events_of_a_team_s_namespace_are_labelled() -> Result {
        let mut filter = filter()?;
        let run = filter.process(event_in("shop"));

        assert_eq!(run.verdict, Ok(Verdict::Keep));
        assert_eq!(run.event["metadata"]["labels"]["team"], "payments");
        assert_eq!(run.event["metadata"].get("annotations"), None);
        assert_eq!(filter.host.counters["labelled"], 1);
        Ok(())
    }

    #[test]
    fn other_events_stay_as_they_are() -> Result {
        let run = filter()?.process(event_in("other"));
        assert_eq!(
            (run.verdict, run.event),
            (Ok(Verdict::Keep), event_in("other"))
        );
        Ok(())
    }

    #[test]
    fn a_message_goes_on_once_a_minute() -> Result {
        let mut filter = filter()?;
        assert_eq!(filter.process(event_in("shop")).verdict, Ok(Verdict::Keep));
        let again = filter.process(event_in("shop")).verdict;
        assert_eq!(again, Ok(Verdict::drop("seen within a minute")));

        // The clock of the double moves when a test moves it.
        filter.host.now_ms += 60_000;
        assert_eq!(filter.process(event_in("shop")).verdict, Ok(Verdict::Keep));
        Ok(())
    }
}
