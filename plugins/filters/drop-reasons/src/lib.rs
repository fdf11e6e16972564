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
        Ok(if self.reasons.contains(&reason) { Verdict::drop(format!("reason {reason}")) } else { Verdict::Keep })
    }
}

weir_plugin::register!(filter: DropReasons);
