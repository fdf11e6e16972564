//! A weir that watches a cluster: its configuration, its runs, and what it delivered, held against what the cluster had.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use serde_json::Value;

use crate::fake_api::{ADMIN, Action, Entry, EventSpec, FakeApi, Options};
use crate::folder::Folder;
use crate::program::{plugins, tests, weir};
use crate::running::{Ended, Running};
use crate::{document, ledger};

/// An event as it was at one time: uid and resourceVersion.
pub type State = (String, u64);

/// A weir with a folder of its own; started and stopped as often as a test wants.
pub struct Watching {
    folder: Folder,
    kubeconfig: PathBuf,
    running: Option<Running>,
    /// Whether it looks up what events are about. Not at first: that takes requests and time.
    pub lookups: bool,
    /// What further runs have in their environment. Nothing at first.
    pub environment: Vec<(&'static str, String)>,
    /// Documents that came in the runs so far, in order.
    pub documents: Vec<Value>,
}

/// How a run ended.
pub struct Run {
    /// The process.
    pub ended: Ended,
    /// Its ledger; null where it was killed.
    pub ledger: Value,
}

impl Watching {
    /// One that uses this kubeconfig and is not started.
    pub fn new(name: &str, kubeconfig: &Path) -> Watching {
        let folder = Folder::new(name);
        Watching {
            folder,
            kubeconfig: kubeconfig.to_owned(),
            running: None,
            lookups: false,
            environment: Vec::new(),
            documents: Vec::new(),
        }
    }

    /// A file of its folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts it: `source` is what stands in `source.kubernetes`, `more` are further top-level keys. It has one receiver
    /// that writes a line an event at once.
    pub fn start(&mut self, source: &str, more: &str) {
        let receivers = "route: {match: [{receiver: dump}]}\nreceivers: [{name: dump, stdout: {}, batch: {age: 0s}}]\n";
        self.start_with(source, &format!("{more}\n{receivers}"));
    }

    /// Starts it, with the receivers in `more`.
    pub fn start_with(&mut self, source: &str, more: &str) {
        let config = self.written(source, more);
        self.start_as_written(&config);
    }

    /// Replaces the configuration of the running process: a new file over the old one.
    pub fn configure(&self, source: &str, more: &str) {
        let new = self
            .folder
            .write(".config.yaml.new", self.written(source, more));
        std::fs::rename(new, self.file("config.yaml")).expect("the same folder");
    }

    fn written(&self, source: &str, more: &str) -> String {
        let (bundled, own, hostile) = (plugins(), tests("plugins"), tests("hostile"));
        let omit = !self.lookups;
        format!(
            "source: {{kubernetes: {source}}}\nomitLookup: {omit}\nplugins: {{directories: [{bundled:?}, {own:?}, {hostile:?}]}}\n{more}\n"
        )
    }

    /// Starts it with this configuration.
    pub fn start_as_written(&mut self, config: &str) {
        assert!(self.running.is_none(), "it runs already");
        let config = self.folder.write("config.yaml", config);
        // What an earlier run left must not be taken for this one's.
        let _ = std::fs::remove_file(self.file("ledger.json"));
        let mut command = weir(["run", "-c"]);
        command.arg(config);
        command.envs(self.environment.iter().cloned());
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command.arg("--ledger").arg(self.file("ledger.json"));
        self.running = Some(Running::start(&mut command));
    }

    /// The running process.
    pub fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("it was started")
    }

    /// Waits for so many more documents.
    pub fn take(&mut self, count: usize) {
        for _ in 0..count {
            let line = self.running().line();
            self.keep(line.as_bytes());
        }
    }

    /// Waits until a state has come.
    pub fn take_until(&mut self, state: &State) {
        while !self.states().contains(state) {
            self.take(1);
        }
    }

    /// Waits until all of these have come.
    pub fn take_all(&mut self, states: &BTreeSet<State>) {
        let came = self.states();
        let mut missing: BTreeSet<&State> = states.difference(&came).collect();
        while !missing.is_empty() {
            self.take(1);
            missing.remove(&state(self.documents.last().expect("one came")));
        }
    }

    /// Stops it in order; what was read is delivered.
    pub fn stop(&mut self) -> Run {
        self.end(Signal::TERM)
    }

    /// Kills it.
    pub fn kill(&mut self) -> Run {
        self.end(Signal::KILL)
    }

    /// Waits for it to end by itself, or sends a signal first.
    pub fn end(&mut self, signal: Signal) -> Run {
        let running = self.running.take().expect("it was started");
        if signal == Signal::TERM {
            running.signal_when_started(signal);
        } else {
            running.signal(signal);
        }
        self.ended(running)
    }

    /// Waits until it ends by itself.
    pub fn await_end(&mut self) -> Run {
        let running = self.running.take().expect("it was started");
        self.ended(running)
    }

    fn ended(&mut self, running: Running) -> Run {
        let ended = running.await_end();
        for line in ended.stdout.split(|byte| *byte == b'\n') {
            // A killed process may leave the beginning of a line.
            if !line.is_empty() && (ended.code.is_some() || line.ends_with(b"}")) {
                self.keep(line);
            }
        }
        let file = self.file("ledger.json");
        let ledger = if file.exists() {
            let ledger = ledger::read(&file);
            assert_eq!(ledger::problems(&ledger), [""; 0], "{}", ended.stderr);
            ledger
        } else {
            Value::Null
        };
        Run { ended, ledger }
    }

    fn keep(&mut self, line: &[u8]) {
        let problems = document::problems(line);
        assert!(
            problems.is_empty(),
            "{problems:?} in {}",
            String::from_utf8_lossy(line)
        );
        self.documents
            .push(serde_json::from_slice(line).expect("it was looked at"));
    }

    /// The states that came, in order, repeats included.
    pub fn sequence(&self) -> Vec<State> {
        self.documents.iter().map(state).collect()
    }

    /// The states that came.
    pub fn states(&self) -> BTreeSet<State> {
        self.sequence().into_iter().collect()
    }

    /// Checks that these states came and no others, each once.
    #[track_caller]
    pub fn came_once(&self, expected: &BTreeSet<State>) {
        assert_eq!(&self.states(), expected);
        assert_eq!(self.documents.len(), expected.len(), "nothing comes twice");
    }

    /// The positions that are kept in the file `position`: by receiver, of the watch of all namespaces.
    pub fn positions(&self) -> BTreeMap<String, u64> {
        self.positions_of("")
    }

    /// The same of the watch of a namespace.
    pub fn positions_of(&self, watch: &str) -> BTreeMap<String, u64> {
        let Ok(text) = std::fs::read(self.file("position")) else {
            return BTreeMap::new();
        };
        let kept: Value = serde_json::from_slice(&text).expect("positions are JSON");
        let receivers = kept["watches"][watch]["receivers"].as_object().cloned();
        let version = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        receivers
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, version(&value).expect("a version")))
            .collect()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal_if_running(Signal::KILL);
        }
    }
}

/// The state in a document, or in an event as the API server gives it.
pub fn state(event: &Value) -> State {
    let metadata = &event["metadata"];
    let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
    (
        text("uid"),
        text("resourceVersion").parse().expect("a version"),
    )
}

/// The states that an event source had, deletions left out.
pub fn states_of(journal: &[Entry]) -> BTreeSet<State> {
    let seen = journal
        .iter()
        .filter(|entry| entry.action != Action::Deleted);
    seen.map(|entry| (entry.uid.clone(), entry.revision))
        .collect()
}

/// The last state of each event that was not deleted.
pub fn last_states_of(journal: &[Entry]) -> BTreeSet<State> {
    let mut last = BTreeMap::new();
    for entry in journal {
        match entry.action {
            Action::Deleted => last.remove(&entry.uid),
            _ => last.insert(entry.uid.clone(), entry.revision),
        };
    }
    last.into_iter().collect()
}

/// A server and a weir for it.
pub struct Pair {
    /// The server.
    pub api: FakeApi,
    /// Not started.
    pub weir: Watching,
    /// Where the kubeconfig is.
    pub folder: Folder,
}

/// A server, and a weir that may do everything in it.
pub fn pair(name: &str, options: Options) -> Pair {
    let mut api = FakeApi::start(options);
    let folder = Folder::new(&format!("{name}-access"));
    let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
    let weir = Watching::new(name, &kubeconfig);
    Pair { api, weir, folder }
}

/// So many new events about as many pods; gives their states.
pub fn create(api: &FakeApi, count: usize) -> Vec<State> {
    let event =
        |number: usize| state(&api.create_event(EventSpec::about(&format!("pod-{number}"))));
    (0..count).map(event).collect()
}

/// Of different objects, which may come in any order.
pub fn set(states: &[State]) -> BTreeSet<State> {
    states.iter().cloned().collect()
}

/// Waits until a watch is open.
pub fn await_watch(api: &FakeApi) {
    api.wait_until("a watch is open", |view| view.watches() > 0);
}

/// The namespace and the name of an event.
pub fn name_of(event: &Value) -> (String, String) {
    let text = |name: &str| {
        event["metadata"][name]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (text("namespace"), text("name"))
}
