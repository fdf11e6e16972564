//! The sink `stdout`: every event as one line of JSON on standard output.
//!
//! It writes the documents as the host lays them out, all of a batch at once. It has no settings of its own;
//! `layout` and `deDot`, which users may write in its block, are the host's and never reach it.

use serde::Deserialize;
use weir_plugin::{Batch, Outcome, Result, Sink, output};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stdout {}

impl Sink for Stdout {
    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        Ok(match output::write(&batch.documents(0..batch.size())) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error.into_message()),
        })
    }
}

weir_plugin::register!(sink: Stdout);
