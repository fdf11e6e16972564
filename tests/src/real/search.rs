//! A real OpenSearch or Elasticsearch: one node, HTTP without a password, data that outlives it.
//!
//! `tests/servers/` has their Maven projects. This Elasticsearch is 7.17, the last whose HTTP module Maven has; data
//! streams are not in it (they are in its x-pack, which Maven has not).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::running::Running;

/// Documents in one page of a search.
const PAGE: usize = 1000;

/// How long a start may take: 10 s of a core, on a machine that has other things to do.
const START: Duration = Duration::from_secs(300);

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// OpenSearch 2.19.
    OpenSearch,
    /// Elasticsearch 7.17.
    Elasticsearch,
}

impl Product {
    /// The variable that says where it was built to.
    pub fn variable(self) -> &'static str {
        match self {
            Product::OpenSearch => "WEIR_OPENSEARCH",
            Product::Elasticsearch => "WEIR_ELASTICSEARCH",
        }
    }

    /// The folder with its `classes/` and `lib/`.
    ///
    /// # Errors
    /// With what to do where it was not built.
    pub fn find(self) -> Result<PathBuf, String> {
        let variable = self.variable();
        let value = std::env::var_os(variable).filter(|value| !value.is_empty());
        let Some(folder) = value.map(PathBuf::from) else {
            return Err(format!(
                "{variable} is not set: `cargo xtask test --real` builds it and sets it"
            ));
        };
        if folder.join("lib").is_dir() && folder.join("classes").is_dir() {
            return Ok(folder);
        }
        Err(format!(
            "{variable} is {}, which has no lib/ and classes/: run `cargo xtask test --real`",
            folder.display()
        ))
    }

    fn class(self) -> &'static str {
        match self {
            Product::OpenSearch => "weir.tests.OpenSearchNode",
            Product::Elasticsearch => "weir.tests.ElasticsearchNode",
        }
    }
}

/// A node; dropping it ends it.
pub struct Node {
    product: Product,
    built: PathBuf,
    data: PathBuf,
    address: SocketAddr,
    /// None while it is stopped.
    running: Option<Running>,
}

impl Node {
    /// Starts one with its data in this folder, and waits until it takes documents (about 10 s).
    pub fn start(product: Product, data: &Path) -> Node {
        let mut node = Node {
            product,
            built: product.find().unwrap_or_else(|why| panic!("{why}")),
            data: data.to_owned(),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            running: None,
        };
        node.start_again();
        node
    }

    /// Its URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Tells it to stop, and waits for its end.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            let ended = running.end();
            assert_eq!(ended.code, Some(0), "it said: {}", ended.stderr);
        }
    }

    /// Kills it, and waits for its end. What it has acknowledged is in its folder.
    pub fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::KILL);
            running.await_end();
        }
    }

    /// Starts it again: the same port, the same data.
    pub fn start_again(&mut self) {
        if self.running.is_some() {
            return;
        }
        let mut classes = self.built.join("classes").into_os_string();
        classes.push(":");
        classes.push(self.built.join("lib").join("*"));
        let mut command = Command::new("java");
        // What it runs it does not run for long.
        let quick = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];
        command
            .args(["-Xms128m", "-Xmx512m"])
            .args(quick)
            .arg("-cp");
        command.arg(classes).arg(self.product.class());
        command.arg(&self.data).arg(self.address.port().to_string());
        let mut running = Running::start(&mut command);
        let ready = running.line_within(START);
        let address = ready.strip_prefix("ready http://");
        let address = address.and_then(|address| address.parse().ok());
        self.address = address.unwrap_or_else(|| panic!("it said {ready:?}, not where it listens"));
        self.running = Some(running);
        // It answers before it has read what it had.
        let health = self.get("/_cluster/health?wait_for_status=yellow&timeout=50s");
        assert_eq!(health["timed_out"], false, "{health}");
    }

    /// Asks for what must be answered with 2xx; gives the JSON of the answer.
    pub fn get(&self, path: &str) -> Value {
        succeeded(path, self.client().get(path))
    }

    /// Posts JSON, which must be answered with 2xx; gives the JSON of the answer.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        succeeded(path, self.client().post(path, body))
    }

    /// Puts JSON, which must be answered with 2xx; gives the JSON of the answer.
    pub fn put(&self, path: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/json")];
        let answer = self
            .client()
            .request("PUT", path, &headers, body.to_string());
        succeeded(path, answer)
    }

    /// A bulk request as it is; gives the JSON of the answer.
    pub fn bulk(&self, lines: &str) -> Value {
        let headers = [("content-type", "application/x-ndjson")];
        let answer = self
            .client()
            .request("POST", "/_bulk", &headers, lines.to_owned());
        succeeded("/_bulk", answer)
    }

    /// Has searches see all that was written to an index.
    pub fn refresh(&self, index: &str) {
        self.get(&format!("/{index}/_refresh"));
    }

    /// How many documents an index or a data stream has, after a refresh.
    pub fn count(&self, index: &str) -> u64 {
        self.refresh(index);
        let answer = self.get(&format!("/{index}/_count"));
        answer["count"].as_u64().expect("a count has a count")
    }

    /// All documents of an index or a data stream as search gives them (`_id`, `_source`, `_version`), sorted by id,
    /// after a refresh.
    pub fn documents(&self, index: &str) -> Vec<Value> {
        self.refresh(index);
        let query = json!({"size": PAGE, "sort": ["_doc"], "version": true});
        let mut page = self.post(&format!("/{index}/_search?scroll=1m"), &query);
        let mut all = Vec::new();
        loop {
            let hits = page["hits"]["hits"].as_array().expect("a page has hits");
            if hits.is_empty() {
                break;
            }
            all.extend(hits.iter().cloned());
            let next = json!({"scroll": "1m", "scroll_id": page["_scroll_id"]});
            page = self.post("/_search/scroll", &next);
        }
        all.sort_by(|one, other| id(one).cmp(id(other)));
        all
    }

    /// The ids of all documents, sorted, after a refresh.
    pub fn ids(&self, index: &str) -> Vec<String> {
        let documents = self.documents(index);
        documents.iter().map(|it| id(it).to_owned()).collect()
    }

    /// A client of it, for what must not succeed.
    pub fn client(&self) -> Client {
        Client::plain(self.address)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Killed, so that nothing of it is left when its folder is removed.
        if let Some(running) = self.running.take() {
            running.signal_if_running(Signal::KILL);
        }
    }
}

fn id(hit: &Value) -> &str {
    hit["_id"].as_str().expect("a hit has an id")
}

fn succeeded(path: &str, answer: Result<Answer, String>) -> Value {
    let answer = answer.unwrap_or_else(|why| panic!("{path}: {why}"));
    assert!(answer.code < 300, "{path}: {answer:?}");
    answer.json()
}
