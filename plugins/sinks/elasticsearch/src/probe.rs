//! Whether the sink would work, asked of the servers. It writes nothing.

use weir_plugin::http::{Request, Response};
use weir_plugin::sink_http::{describe, quoted};
use weir_plugin::{Probe, Result, host};

use crate::Elasticsearch;
use crate::json;
use crate::server::Server;

impl Probe for Elasticsearch {
    fn probe(&mut self) -> Result<String> {
        let mut findings = Findings::default();
        let Some(server) = self.probe_hosts(&mut findings) else {
            return findings.told();
        };
        if server.is_opensearch() {
            self.probe_user("/_plugins/_security/authinfo", &mut findings);
        } else if self.probe_user("/_security/_authenticate", &mut findings) {
            self.probe_privileges(&mut findings);
        }
        self.probe_index(&mut findings);
        findings.told()
    }
}

/// A line each, and whether one of them keeps the sink from working.
#[derive(Default)]
struct Findings {
    lines: Vec<String>,
    is_bad: bool,
}

impl Findings {
    fn good(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn bad(&mut self, line: impl Into<String>) {
        self.is_bad = true;
        self.lines.push(line.into());
    }

    fn told(self) -> Result<String> {
        let text = self.lines.join("\n");
        if self.is_bad { Err(text)? } else { Ok(text) }
    }
}

impl Elasticsearch {
    /// Every server by itself; one that answers is enough. What the last of those is.
    fn probe_hosts(&self, findings: &mut Findings) -> Option<Server> {
        let mut found = None;
        let mut failed = Vec::new();
        for address in self.hosts.addresses() {
            let mut request = self.authorized(Request::get(address.join("/")));
            if let Some(value) = address
                .authorization()
                .filter(|_| self.authorization.is_none())
            {
                request = request.header("authorization", value);
            }
            let request = request.replacing_headers(self.settings.headers.constant());
            let sent = request.send().map_err(|error| self.explained(error));
            match sent.and_then(|response| Server::read(&response)) {
                Ok(server) => {
                    findings.good(format!(
                        "{}: {server}, cluster `{}`{}",
                        address.origin(),
                        server.cluster,
                        if address.url().starts_with("http://") {
                            "; without TLS: events and credentials can be read on the way"
                        } else {
                            ", over TLS"
                        }
                    ));
                    if server.has_types() && self.settings.kind.is_empty() {
                        findings.bad("this version wants a type: set `type: _doc`");
                    }
                    found = Some(server);
                }
                Err(error) => failed.push(format!("{}: {}", address.origin(), error.message())),
            }
        }
        for line in failed {
            if found.is_some() {
                findings.good(line);
            } else {
                findings.bad(line);
            }
        }
        found
    }

    fn ask(&mut self, request: Request) -> Result<Response> {
        let request = self
            .authorized(request)
            .replacing_headers(self.settings.headers.constant());
        self.hosts.send(&request)
    }

    fn get(&mut self, path: &str) -> Result<Response> {
        self.ask(Request::get(path))
    }

    /// Who the server takes us for; whether it has security at all.
    fn probe_user(&mut self, path: &str, findings: &mut Findings) -> bool {
        let response = match self.get(path) {
            Ok(response) => response,
            Err(error) => {
                findings.bad(format!("credentials: {}", error.message()));
                return false;
            }
        };
        match response.status {
            200..300 => {
                let answer = response.text();
                // Elasticsearch has the one, OpenSearch the other.
                let user = ["username", "user_name"]
                    .map(|key| json::word(&answer, &[key]))
                    .concat();
                findings.good(format!("credentials: accepted, user `{user}`"));
                return true;
            }
            401 => findings.bad(format!(
                "credentials: {}: `apiKey`, or `username` and `password`",
                describe(&response)
            )),
            // No such path.
            400 | 404 | 405 | 500 => {
                findings.good("credentials: the server asks for none (security is off)");
            }
            _ => findings.good(format!("credentials: not known: {}", describe(&response))),
        }
        false
    }

    fn probe_privileges(&mut self, findings: &mut Findings) {
        let index = self.writer.index.at(host::now());
        let write = if self.writer.is_updating {
            "index"
        } else {
            "create_doc"
        };
        let body = format!(
            "{{\"index\":[{{\"names\":[{}],\"privileges\":[\"{write}\",\"auto_configure\"]}}]}}",
            quoted(&index)
        );
        let request = Request::post("/_security/user/_has_privileges")
            .header("content-type", "application/json")
            .body(body);
        let answer = match self.ask(request) {
            Ok(response) if response.is_success() => response,
            Ok(response) => {
                findings.good(format!("privileges: not known: {}", describe(&response)));
                return;
            }
            Err(error) => {
                findings.bad(format!("privileges: {}", error.message()));
                return;
            }
        };
        let answer = answer.text();
        let has =
            |privilege: &str| json::find(&answer, &["index", &index, privilege]) == Some("true");
        if has(write) {
            findings.good(format!("privileges: `{write}` on `{index}`"));
        } else {
            findings.bad(format!(
                "privileges: `{write}` on `{index}` is missing: give it to the role or the API key"
            ));
        }
        if !has("auto_configure") {
            findings.good(format!(
                "privileges: `auto_configure` on `{index}` is missing: it cannot be made by writing, and new fields may be refused"
            ));
        }
    }

    fn probe_index(&mut self, findings: &mut Findings) {
        let index = self.writer.index.at(host::now());
        match self.get(&format!("/{index}/_mapping/field/@timestamp")) {
            Ok(response) if response.is_success() => {
                let kind = match self.get(&format!("/_data_stream/{index}")) {
                    Ok(stream) if stream.is_success() => "data stream",
                    _ => "index",
                };
                findings.good(format!("{kind} `{index}`: it is there"));
                if kind == "data stream" && self.writer.is_updating {
                    findings.bad("useEventID updates documents, which no data stream allows: remove it, or name an index");
                }
                timestamp(findings, &mapped_timestamp(&response.text()));
            }
            Ok(response) if response.status == 404 => self.probe_template(&index, findings),
            Ok(response) => findings.good(format!(
                "index `{index}`: not known: {}",
                describe(&response)
            )),
            Err(error) => findings.bad(format!("index `{index}`: {}", error.message())),
        }
    }

    /// An index that is not there is made of a template, where one fits.
    fn probe_template(&mut self, index: &str, findings: &mut Findings) {
        findings.good(format!(
            "index `{index}`: not there yet; the first event makes it, where cluster and privileges allow"
        ));
        let simulated = self.ask(Request::post(format!(
            "/_index_template/_simulate_index/{index}"
        )));
        if let Ok(response) = simulated
            && response.is_success()
        {
            let path = ["template", "mappings", "properties", "@timestamp", "type"];
            timestamp(findings, &json::word(&response.text(), &path));
        }
    }
}

/// The type of `@timestamp` in an answer to `_mapping/field`, whichever index of a data stream says it.
fn mapped_timestamp(answer: &str) -> String {
    let path = ["mappings", "@timestamp", "mapping", "@timestamp", "type"];
    let mut found = json::values(answer).map(|index| json::word(index, &path));
    found.find(|kind| !kind.is_empty()).unwrap_or_default()
}

fn timestamp(findings: &mut Findings, kind: &str) {
    match kind {
        "" => findings.good("`@timestamp`: no mapping says what it is; by default it becomes a date"),
        "date" | "date_nanos" => findings.good("`@timestamp`: a date"),
        other => findings.bad(format!(
            "`@timestamp`: mapped as {other}, expected date: change the index template, and write to a new index"
        )),
    }
}
