use serde::Deserialize;
use weir_plugin::{Event, Filter, Result, Verdict};

#[derive(Deserialize)]
struct DropReasons { reasons: Vec<String> }

impl Filter for DropReasons {
    fn process(&mut self, event: &mut Event) -> Result<Verdict> {
        Ok(if self.reasons.contains(&event.reason()) { Verdict::drop("listed") } else { Verdict::Keep })
    }
}

weir_plugin::register!(filter: DropReasons);
