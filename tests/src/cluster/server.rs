//! An etcd and a kube-apiserver of our own: without controllers, so that only the test writes events.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::Programs;
use super::access::{ADMIN_TOKEN, Access};
use super::kubectl::Kubectl;
use crate::folder::{Folder, copy};
use crate::running::Running;

/// How the API server is started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long events live, as `--event-ttl` has it.
    pub event_ttl: &'static str,
    /// How often the server has etcd forget old versions, as `--etcd-compaction-interval` has it; "0" is never.
    pub compaction: &'static str,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            event_ttl: "1h",
            compaction: "0",
        }
    }
}

/// The two processes; dropping it ends them.
pub struct Server {
    folder: Folder,
    programs: Programs,
    settings: Settings,
    access: Access,
    etcd_port: u16,
    etcd_peer_port: u16,
    port: u16,
    etcd: Option<Running>,
    api: Option<Running>,
    /// With all rights.
    pub kubectl: Kubectl,
}

impl Server {
    /// Starts both and waits until they are ready.
    pub fn start(programs: &Programs, settings: Settings) -> Server {
        let folder = Folder::new("cluster");
        let access = Access::new(&folder);
        let port = free_port();
        let admin = folder.path().join("admin.kubeconfig");
        let cache = folder.path().join("kubectl");
        let mut server = Server {
            kubectl: Kubectl::new(&programs.kubectl, &admin, &cache),
            programs: programs.clone(),
            settings,
            access,
            etcd_port: free_port(),
            etcd_peer_port: free_port(),
            port,
            etcd: None,
            api: None,
            folder,
        };
        let url = server.url();
        server
            .access
            .kubeconfig(&admin, &url, ADMIN_TOKEN, "default");
        server.start_etcd();
        server.start_api();
        server
    }

    /// Where the API server listens.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// Restarts the API server unless it has these settings.
    pub fn with_settings(&mut self, settings: &Settings) {
        if self.settings != *settings {
            self.settings = settings.clone();
            self.stop_api(Signal::KILL);
            self.start_api();
        }
    }

    /// A `kubectl`, and a kubeconfig, for who has this token.
    pub fn kubectl_with(&self, name: &str, token: &str, namespace: &str) -> Kubectl {
        let file = self.folder.path().join(format!("{name}.kubeconfig"));
        self.access.kubeconfig(&file, &self.url(), token, namespace);
        let cache = self.folder.path().join("kubectl");
        Kubectl::new(&self.programs.kubectl, &file, &cache)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("etcd")
    }

    fn start_etcd(&mut self) {
        let client = format!("http://127.0.0.1:{}", self.etcd_port);
        let peer = format!("http://127.0.0.1:{}", self.etcd_peer_port);
        let mut command = Command::new(&self.programs.etcd);
        command.arg("--data-dir").arg(self.data());
        command.args(["--name", "one", "--unsafe-no-fsync", "--log-level", "info"]);
        command.args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
        ]);
        command.args([
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
        ]);
        command.args(["--initial-cluster", &format!("one={peer}")]);
        let etcd = self.etcd.insert(Running::start(&mut command));
        etcd.await_said("ready to serve client requests");
    }

    /// Starts the API server, and waits until it is ready.
    pub fn start_api(&mut self) {
        let (access, settings) = (&self.access, &self.settings);
        let mut command = Command::new(&self.programs.apiserver);
        let flags = [
            (
                "etcd-servers",
                format!("http://127.0.0.1:{}", self.etcd_port),
            ),
            ("bind-address", "127.0.0.1".to_owned()),
            ("advertise-address", "127.0.0.1".to_owned()),
            ("secure-port", self.port.to_string()),
            ("endpoint-reconciler-type", "none".to_owned()),
            ("authorization-mode", "RBAC".to_owned()),
            (
                "service-account-issuer",
                "https://kubernetes.default.svc".to_owned(),
            ),
            ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
            // Also how long it waits, told to stop, for the watches that are open.
            ("request-timeout", "15s".to_owned()),
            ("event-ttl", settings.event_ttl.to_owned()),
            ("etcd-compaction-interval", settings.compaction.to_owned()),
        ];
        for (name, value) in flags {
            command.arg(format!("--{name}={value}"));
        }
        let files = [
            ("tls-cert-file", &access.certificate),
            ("tls-private-key-file", &access.key),
            ("token-auth-file", &access.tokens),
            ("service-account-key-file", &access.accounts_public_key),
            ("service-account-signing-key-file", &access.accounts_key),
        ];
        for (name, file) in files {
            command.arg(format!("--{name}")).arg(file);
        }
        let api = self.api.insert(Running::start(&mut command));
        api.await_said("Serving securely on");
        self.kubectl.until(&["get", "--raw", "/readyz"], |answer| {
            answer.starts_with("ok")
        });
        // Made by the server itself, a little later.
        self.kubectl
            .until(&["get", "namespace", "default", "-o", "name"], |name| {
                name.contains("default")
            });
    }

    /// Ends the API server with a signal, and waits until it is gone.
    pub fn stop_api(&mut self, signal: Signal) {
        stop(&mut self.api, signal);
    }

    /// Has etcd forget all versions but the last.
    pub fn compact(&self) {
        let newest = self.etcd("kv/range", &json!({"key": "AA=="}));
        let revision = newest["header"]["revision"].clone();
        let compacted = self.etcd(
            "kv/compaction",
            &json!({"revision": revision, "physical": true}),
        );
        assert!(compacted["header"].is_object(), "{compacted}");
    }

    /// A call of etcd's HTTP gateway.
    fn etcd(&self, call: &str, body: &Value) -> Value {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.etcd_port)).expect("etcd listens");
        let length = body.len();
        write!(
            stream,
            "POST /v3/{call} HTTP/1.0\r\nHost: etcd\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .expect("etcd reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("etcd answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("an answer has a body");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer}"))
    }

    /// Stops both, copies what etcd has, and starts them again. Gives the copy.
    pub fn back_up(&mut self) -> PathBuf {
        let backup = self.folder.path().join("backup");
        let data = self.data();
        self.while_stopped(|| copy(&data, &backup));
        backup
    }

    /// Stops both, and starts them with a copy of the data.
    pub fn restore(&mut self, backup: &Path) {
        let data = self.data();
        self.while_stopped(|| {
            std::fs::remove_dir_all(&data).expect("etcd has stopped");
            copy(backup, &data);
        });
    }

    fn while_stopped(&mut self, change: impl FnOnce()) {
        self.stop_api(Signal::KILL);
        stop(&mut self.etcd, Signal::TERM);
        change();
        self.start_etcd();
        self.start_api();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for process in [self.api.take(), self.etcd.take()].into_iter().flatten() {
            process.signal_if_running(Signal::KILL);
            process.await_end();
        }
    }
}

fn stop(process: &mut Option<Running>, signal: Signal) {
    let process = process.take().expect("it runs");
    process.signal(signal);
    process.await_end();
}

/// A port that nobody listens on now.
fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("there is a free port");
    listener.local_addr().expect("it is bound").port()
}
