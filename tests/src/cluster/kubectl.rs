//! `kubectl` with one kubeconfig.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::running::{self, DEADLINE, Ended, Running};

/// The program, and whose credentials it uses.
#[derive(Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    cache: PathBuf,
}

impl Kubectl {
    /// With a folder for what it remembers of the server.
    pub fn new(program: &Path, kubeconfig: &Path, cache: &Path) -> Kubectl {
        Kubectl {
            program: program.to_owned(),
            kubeconfig: kubeconfig.to_owned(),
            cache: cache.to_owned(),
        }
    }

    /// The kubeconfig, for a weir with the same rights.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(&self.kubeconfig);
        command.arg("--cache-dir").arg(&self.cache);
        command.args(arguments);
        command
    }

    /// Runs it to its end, however that is.
    pub fn attempt(&self, arguments: &[&str], input: &[u8]) -> Ended {
        running::run(&mut self.command(arguments), input)
    }

    /// Runs it; it must work. Gives what it prints.
    pub fn run(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let ended = self.attempt(arguments, input);
        let (code, said) = (ended.code, &ended.stderr);
        assert_eq!(code, Some(0), "kubectl {arguments:?}: {said}");
        ended.stdout
    }

    /// The objects that it prints; lists are taken apart.
    pub fn objects(&self, arguments: &[&str], input: &[u8]) -> Vec<Value> {
        let printed = self.run(&[arguments, &["-o", "json"]].concat(), input);
        objects(&printed)
    }

    /// One object.
    pub fn object(&self, arguments: &[&str]) -> Value {
        let mut objects = self.objects(arguments, b"");
        assert_eq!(objects.len(), 1, "kubectl {arguments:?} prints one object");
        objects.remove(0)
    }

    /// What the server answers to a GET.
    pub fn raw(&self, path: &str) -> Value {
        let answer = self.run(&["get", "--raw", path], b"");
        serde_json::from_slice(&answer).expect("the API server answers JSON")
    }

    /// A GET whose answer goes on.
    pub fn stream(&self, path: &str) -> Running {
        Running::start(&mut self.command(&["get", "--raw", path]))
    }

    /// Runs it until it works and what it prints is wanted: what depends on the server's own memory, such as its
    /// view of roles, is not there at once.
    pub fn until(&self, arguments: &[&str], wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let ended = self.attempt(arguments, b"");
            if wanted(&String::from_utf8_lossy(&ended.stdout)) {
                return;
            }
            let late = Instant::now() > deadline;
            assert!(!late, "kubectl {arguments:?}: {ended:?}");
        }
    }
}

fn objects(printed: &[u8]) -> Vec<Value> {
    let values = serde_json::Deserializer::from_slice(printed).into_iter::<Value>();
    let mut objects = Vec::new();
    for value in values {
        let mut value = value.expect("kubectl prints JSON");
        match value.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) => objects.extend(items),
            _ => objects.push(value),
        }
    }
    objects
}
