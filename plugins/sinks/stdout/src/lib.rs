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

#[cfg(test)]
mod tests {
    use weir_plugin::serde_json::{Value, json};
    use weir_plugin::testing;

    use super::*;

    #[test]
    fn a_batch_is_one_write_of_a_line_for_each_event() {
        let mut sink = testing::sink::<Stdout>(json!({})).unwrap();
        let events = [
            testing::event(json!({"reason": "Pulled", "type": "Normal"})),
            testing::event(json!({"message": "two\nlines, «quoted» \u{1b}[31m"})),
            testing::event(json!({"reason": "Killing", "count": 7})),
        ];
        let run = sink.deliver(events.clone());
        assert_eq!(
            (run.outcome, run.rejected.len(), run.retried.len()),
            (Ok(Outcome::Done), 0, 0)
        );
        assert_eq!(sink.host.output.len(), 1);
        let text = String::from_utf8(sink.host.output.remove(0)).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        let lines: Vec<Value> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(lines, events);
    }

    #[test]
    fn a_layout_is_written_as_the_host_made_it() {
        let mut sink = testing::sink::<Stdout>(json!({})).unwrap();
        sink.host.layout = Some(|event| format!("{{\"why\":{}}}", event["reason"]));
        sink.deliver([
            testing::event(json!({})),
            testing::event(json!({"reason": "Pulled"})),
        ]);
        assert_eq!(
            sink.host.output,
            [b"{\"why\":\"BackOff\"}\n{\"why\":\"Pulled\"}\n"]
        );
    }

    #[test]
    fn a_failed_write_brings_the_whole_batch_back() {
        let mut sink = testing::sink::<Stdout>(json!({})).unwrap();
        sink.host.output_errors.push_back("broken pipe".to_owned());
        assert_eq!(
            sink.deliver([testing::event(json!({}))]).outcome,
            Ok(Outcome::retry("broken pipe"))
        );
        assert_eq!(
            sink.deliver([testing::event(json!({}))]).outcome,
            Ok(Outcome::Done)
        );
        assert_eq!(sink.host.output.len(), 1);
    }

    #[test]
    fn it_has_no_settings() {
        let error = testing::sink::<Stdout>(json!({"colour": true})).unwrap_err();
        assert_eq!(
            error.message(),
            "colour: unknown field `colour`, there are no fields"
        );
    }
}
