//! A weir whose plugins lie in a volume as kubelet writes it, over events from its standard input.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::ledger;
use weir_tests::live::{self, Plugins};
use weir_tests::program::{plugins, weir};
use weir_tests::running::{Ended, Running};

/// The scene: a folder with the configuration, and the volume below it.
pub struct Scene {
    folder: Folder,
    pub volume: Plugins,
}

impl Scene {
    pub fn new(name: &str) -> Scene {
        let folder = Folder::new(name);
        let volume = Plugins::new(&folder.path().join("volume"));
        Scene { folder, volume }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Another configuration, as an editor writes it: beside the old one, then over it. `filters` and so on are added to what every
    /// configuration here has.
    pub fn configure(&self, more: &str) {
        let (bundled, volume) = (plugins(), self.path("volume"));
        let text = format!(
            "source: {{replay: {{path: \"-\"}}}}\nadmin: {{listen: \"127.0.0.1:0\"}}\nplugins: {{directories: [\"{}\", \"{}\"]}}\n{more}",
            bundled.display(),
            volume.display(),
        );
        let new = self.folder.write(".config.yaml.new", text);
        std::fs::rename(new, self.path("config.yaml")).expect("the same folder");
    }

    pub fn start(&self) -> Live {
        let config = self.path("config.yaml").to_string_lossy().into_owned();
        let ledger = self.path("ledger.json").to_string_lossy().into_owned();
        let mut running = Running::start(&mut weir(["run", "-c", &config, "--ledger", &ledger]));
        running.await_live("start", 1);
        let said: Value = running
            .await_line("probes and metrics")
            .parse()
            .expect("log lines are JSON");
        let admin = said["address"].as_str().expect("its address").to_owned();
        Live {
            running,
            sent: 0,
            admin,
        }
    }

    /// The ledger, whose sums must be right.
    pub fn ledger(&self) -> Value {
        let ledger = ledger::read(&self.path("ledger.json"));
        assert_eq!(ledger::problems(&ledger), [""; 0], "{ledger}");
        ledger
    }
}

/// It runs.
pub struct Live {
    pub running: Running,
    sent: usize,
    /// Where it answers.
    admin: String,
}

impl Live {
    /// Sends one event; gives its number.
    pub fn send(&mut self) -> usize {
        self.sent += 1;
        let pod = format!("pod-{}", self.sent % 7);
        let event = weir_tests::event(self.sent, &pod, 0);
        self.running.write(event.as_bytes());
        self.sent
    }

    /// Sends one event, and gives its document as it came out.
    pub fn round(&mut self) -> Value {
        let number = self.send();
        let line = self.running.line();
        assert_eq!(weir_tests::number_of(&line), number, "{line}");
        line.parse().expect("a document is JSON")
    }

    /// The label that [`stamping`] sets, of an event that goes through now.
    pub fn version(&mut self) -> String {
        let document = self.round();
        let label = &document["metadata"]["labels"]["version"];
        label.as_str().unwrap_or("none").to_owned()
    }

    /// Sends events until the label is this.
    pub fn await_version(&mut self, version: &str) {
        let deadline = std::time::Instant::now() + weir_tests::running::DEADLINE;
        loop {
            let now = self.version();
            if now == version {
                return;
            }
            assert!(
                std::time::Instant::now() < deadline,
                "still {now}, not {version}"
            );
            std::thread::yield_now();
        }
    }

    /// The status and the body of a GET.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path)
    }

    /// The status and the body of a POST without a body.
    pub fn post(&self, path: &str) -> (u16, String) {
        self.ask("POST", path)
    }

    /// What `/plugins` says.
    pub fn plugins(&self) -> Value {
        let (status, body) = self.get("/plugins");
        assert_eq!(status, 200, "{body}");
        body.parse().expect("JSON")
    }

    fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.admin).expect("it listens");
        let (host, end) = (
            &self.admin,
            "Content-Length: 0\r\nConnection: close\r\n\r\n",
        );
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{end}").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a body");
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        (status.expect("a status"), body.to_owned())
    }

    /// How many were sent.
    pub fn sent(&self) -> usize {
        self.sent
    }

    pub fn end(self) -> Ended {
        self.running.end()
    }
}

/// A filter that sets the label `version`; each version is another file.
pub fn stamping(version: u32) -> String {
    live::stamping("version", version)
}

/// A route of everything through the filter `stamp` to standard output, at once.
pub const STAMPED: &str = "filters: [{name: stamp, plugin: stamp}]
route: {filters: [stamp], match: [{receiver: out}]}
receivers: [{name: out, stdout: {}, batch: {age: 0s}}]
";
