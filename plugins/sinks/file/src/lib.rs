//! The sink `file`: every event as one line of JSON at the end of a file. `README.md` says what its keys mean.
//!
//! It writes the documents as the host lays them out, all of a batch at once. The host opens, syncs and rotates
//! the file; `layout` and `deDot`, which users may write in its block, are the host's and never reach it.

mod duration;

use serde::Deserialize;
use weir_plugin::file::{self, Rotation};
use weir_plugin::{Batch, Outcome, Result, Sink};

/// kubernetes-event-exporter's (lumberjack's), which takes 0 for it as well.
const DEFAULT_SIZE_MIB: u32 = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct File {
    path: String,
    /// MiB that the file may have; 0: [`DEFAULT_SIZE_MIB`].
    #[serde(default)]
    maxsize: u32,
    /// Days for which files put aside are kept; 0: for ever.
    #[serde(default)]
    maxage: u32,
    /// How many files put aside are kept; 0: all.
    #[serde(default)]
    maxbackups: u32,
    /// A duration such as `24h`, after which a file that is not empty is put aside; none: never.
    #[serde(default)]
    rotate_every: Option<String>,
    /// Whether files put aside are compressed.
    #[serde(default)]
    compress: bool,
    /// What the keys above make together, by `setup`.
    #[serde(skip)]
    rotation: Rotation,
}

impl Sink for File {
    fn setup(&mut self) -> Result {
        if self.path.is_empty() {
            Err("path: expected the name of a file, as /var/log/events.ndjson")?;
        }
        let every = self.rotate_every.as_deref().map(duration::minutes);
        self.rotation = Rotation {
            size: match self.maxsize {
                0 => DEFAULT_SIZE_MIB,
                size => size,
            },
            every: every.transpose()?.unwrap_or(0),
            backups: self.maxbackups,
            age: self.maxage,
            compress: self.compress,
        };
        Ok(())
    }

    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        let lines = batch.documents(0..batch.size());
        Ok(match file::append(&self.path, &lines, self.rotation) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Retry(error.into_message()),
        })
    }
}

weir_plugin::register!(sink: File);

#[cfg(test)]
mod tests {
    use weir_plugin::serde_json::{Value, json};
    use weir_plugin::testing;

    use super::*;

    /// What the host is asked for with this configuration.
    fn check(config: Value, expected: Rotation) {
        let mut sink = testing::sink::<File>(config).unwrap();
        sink.deliver([testing::event(json!({}))]);
        let (path, _, rotation) = sink.host.appended.remove(0);
        assert_eq!((path.as_str(), rotation), ("/data/events.ndjson", expected));
    }

    fn refused(config: Value, expected: &str) {
        let error = testing::sink::<File>(config).unwrap_err();
        assert_eq!(error.message(), expected);
    }

    #[test]
    fn a_batch_is_one_append_of_a_line_for_each_event() {
        let mut sink = testing::sink::<File>(json!({"path": "/data/events.ndjson"})).unwrap();
        let events = [
            testing::event(json!({"reason": "Pulled"})),
            testing::event(json!({"message": "two\nlines"})),
        ];
        let run = sink.deliver(events.clone());
        assert_eq!(run.outcome, Ok(Outcome::Done));
        assert_eq!((run.rejected.len(), run.retried.len()), (0, 0));
        assert_eq!(sink.host.appended.len(), 1);
        let text = String::from_utf8(sink.host.appended.remove(0).1).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        let lines: Vec<Value> = text.lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(lines, events);
    }

    #[test]
    fn a_layout_is_written_as_the_host_made_it() {
        let mut sink = testing::sink::<File>(json!({"path": "/data/events.ndjson"})).unwrap();
        sink.host.layout = Some(|event| format!("{{\"why\":{}}}", event["reason"]));
        sink.deliver([testing::event(json!({}))]);
        assert_eq!(sink.host.appended[0].1, b"{\"why\":\"BackOff\"}\n");
    }

    #[test]
    fn the_keys_are_those_of_kubernetes_event_exporter() {
        let default = Rotation {
            size: 100,
            ..Rotation::default()
        };
        check(json!({"path": "/data/events.ndjson"}), default);
        check(
            json!({"path": "/data/events.ndjson", "maxsize": 0, "maxage": 0, "maxbackups": 0}),
            default,
        );
        check(
            json!({"path": "/data/events.ndjson", "maxsize": 1000, "maxage": 28, "maxbackups": 10,
                "rotateEvery": "24h", "compress": true}),
            Rotation {
                size: 1000,
                every: 24 * 60,
                backups: 10,
                age: 28,
                compress: true,
            },
        );
    }

    #[test]
    fn a_failed_append_brings_the_whole_batch_back() {
        let mut sink = testing::sink::<File>(json!({"path": "/data/events.ndjson"})).unwrap();
        let full = "/data/events.ndjson: no space left on device";
        sink.host.file_errors.push_back(full.to_owned());
        let run = sink.deliver([testing::event(json!({}))]);
        assert_eq!(run.outcome, Ok(Outcome::retry(full)));
        let run = sink.deliver([testing::event(json!({}))]);
        assert_eq!(run.outcome, Ok(Outcome::Done));
        assert_eq!(sink.host.appended.len(), 1);
    }

    #[test]
    fn a_wrong_configuration_is_refused_with_its_field() {
        refused(json!({}), "missing field `path`");
        refused(
            json!({"path": ""}),
            "path: expected the name of a file, as /var/log/events.ndjson",
        );
        refused(
            json!({"path": "/a", "rotateEvery": "90s"}),
            "rotateEvery: `90s` is no whole number of minutes, expected a duration such as 24h or 30m",
        );
        refused(
            json!({"path": "/a", "maxsize": -1}),
            "maxsize: invalid value: integer `-1`, expected u32",
        );
        refused(
            json!({"path": "/a", "maxSize": 1}),
            "maxSize: unknown field `maxSize`, expected one of `path`, `maxsize`, `maxage`, `maxbackups`, \
             `rotateEvery`, `compress`",
        );
    }
}
