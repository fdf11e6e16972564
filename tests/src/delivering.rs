//! A weir that delivers to servers of a test: its configuration, its runs, and what it left.
//!
//! Retries are quick and dead letters go to a file, unless a receiver says otherwise.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::folder::Folder;
use crate::ledger;
use crate::program::{plugins, tests, weir};
use crate::running::{Ended, Running, run};

/// A configuration in a folder of its own, over the few recorded events.
pub struct Delivering {
    folder: Folder,
    config: Value,
    environment: Vec<(String, String)>,
}

impl Delivering {
    /// One receiver, `out`, with this sink: `{"webhook": {…}}`, perhaps with further keys of a receiver.
    pub fn to(name: &str, sink: Value) -> Delivering {
        let mut delivering = Delivering {
            folder: Folder::new(name),
            config: json!({
                "source": {"replay": {"path": tests("data/few.ndjson")}},
                "plugins": {"directories": [plugins()]},
                "route": {"match": []},
                "receivers": [],
            }),
            environment: Vec::new(),
        };
        delivering.add("out", sink);
        delivering
    }

    /// A further receiver, to which everything goes as well.
    #[must_use]
    pub fn and(mut self, name: &str, sink: Value) -> Delivering {
        self.add(name, sink);
        self
    }

    fn add(&mut self, name: &str, sink: Value) {
        let mut receiver = json!({
            "name": name, "batch": {"age": "10ms"}, "retry": {"first": "10ms", "most": "50ms"},
            "deadLetters": {"path": format!("dead-{name}.ndjson")},
        });
        let keys = sink.as_object().expect("a receiver is a map").clone();
        receiver.as_object_mut().expect("it is a map").extend(keys);
        let list = |value: &mut Value, item| value.as_array_mut().expect("a list").push(item);
        list(&mut self.config["receivers"], receiver);
        list(
            &mut self.config["route"]["match"],
            json!({"receiver": name}),
        );
    }

    /// With a key of the top level, in place of what was there.
    #[must_use]
    pub fn with(mut self, key: &str, value: Value) -> Delivering {
        self.config[key] = value;
        self
    }

    /// With a text in place of another wherever that stands, as for a path that is known only now.
    #[must_use]
    pub fn replacing(mut self, from: &str, to: &str) -> Delivering {
        let text = self.config.to_string().replace(from, to);
        self.config = text.parse().expect("it is still JSON");
        self
    }

    /// With these events, a line each.
    #[must_use]
    pub fn events(self, lines: &str) -> Delivering {
        let path = self.folder.write("events.ndjson", lines);
        self.with("source", json!({"replay": {"path": path}}))
    }

    /// With the events of standard input.
    #[must_use]
    pub fn live(self) -> Delivering {
        self.with("source", json!({"replay": {"path": "-"}}))
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Delivering {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// A path in its folder, to which its configuration's paths are relative.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Its folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let config = self.folder.write("config.yaml", self.config.to_string());
        let mut command = weir([verb, "-c"]);
        command.arg(config).args(arguments);
        let variables = self.environment.iter();
        command.envs(variables.map(|(name, value)| (name, value)));
        command
    }

    /// Starts `weir run`.
    pub fn start(&self) -> Running {
        let ledger = self.path("ledger.json").to_string_lossy().into_owned();
        Running::start(&mut self.command("run", &["--ledger", &ledger]))
    }

    /// Runs it to its end, its input being at its end; the ledger's sums must be right.
    pub fn run(&self) -> Ended {
        let ended = self.start().end();
        let problems = ledger::problems(&self.whole_ledger());
        assert_eq!(problems, [""; 0], "{}", ended.stderr);
        ended
    }

    /// `weir check --connect`: its exit code, and its JSON.
    pub fn check(&self) -> (Option<i32>, Value) {
        let arguments = ["--connect", "--output", "json"];
        let ended = run(&mut self.command("check", &arguments), &[]);
        let said = serde_json::from_slice(&ended.stdout);
        let said = said.unwrap_or_else(|error| panic!("{error} in {ended:?}"));
        (ended.code, said)
    }

    /// What it left when it ended.
    pub fn whole_ledger(&self) -> Value {
        ledger::read(&self.path("ledger.json"))
    }

    /// A count of a receiver, as `delivered`.
    pub fn count(&self, receiver: &str, name: &str) -> i64 {
        ledger::number(&self.whole_ledger()["receivers"][receiver][name])
    }

    /// The dead letters of a receiver; none where there is no file.
    pub fn letters(&self, receiver: &str) -> Vec<Value> {
        let path = self.path(&format!("dead-{receiver}.ndjson"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a letter is JSON"))
            .collect()
    }
}

/// The few recorded events.
pub fn few() -> Vec<Value> {
    let text = std::fs::read_to_string(tests("data/few.ndjson")).expect("it is in the tree");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect()
}

/// What tells one observation of an event from all others: `uid/resourceVersion`.
pub fn id(event: &Value) -> String {
    let part = |name: &str| event["metadata"][name].as_str().unwrap_or_default();
    format!("{}/{}", part("uid"), part("resourceVersion"))
}
