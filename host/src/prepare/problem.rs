//! What can be wrong with a configuration beyond its text: plugins, secrets, files, queues.

use thiserror::Error;
use weir_runtime::Failure;

use crate::config::Position;
use crate::plugins::PluginError;

/// Something in the configuration that does not work out.
#[derive(Debug, Error)]
#[error("{path}: {problem}")]
pub struct StartError {
    /// Where in the file.
    pub at: Position,
    /// The configuration's path, with the use's name.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

impl StartError {
    /// Whether only what runs is in its way: a process that starts would come up.
    pub fn is_of_what_runs(&self) -> bool {
        matches!(self.problem, Problem::Draining | Problem::DiskTaken(_))
    }

    /// Whether it is likely to be otherwise in a moment, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        matches!(&self.problem, Problem::Plugin(error) if error.is_passing())
    }

    /// As a line for people: `config.yaml:3:5: filters[0] (quiet): …`.
    pub fn in_file(&self, file: &std::path::Path) -> String {
        format!(
            "{}:{}:{}: {self}",
            file.display(),
            self.at.line,
            self.at.column
        )
    }
}

/// What can be wrong with a use of a plugin.
#[derive(Debug, Error)]
pub enum Problem {
    /// The plugin cannot be had.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A sink where a filter belongs, or the other way round.
    #[error("plugin `{plugin}` ({file}) is a {found}; expected a {expected}")]
    Role {
        /// The plugin.
        plugin: String,
        /// Its file.
        file: String,
        /// What it is.
        found: &'static str,
        /// What belongs here.
        expected: &'static str,
    },
    /// `setup` refused the configuration, or broke.
    #[error("plugin {plugin}: {failure}")]
    Setup {
        /// Name, version and file.
        plugin: String,
        /// The plugin's own text, or how it broke.
        failure: Failure,
    },
    /// Its self-tests cannot be read, or failed: such a version is not taken.
    #[error("plugin {plugin}: {problem}")]
    SelfTests {
        /// Name, version and file.
        plugin: String,
        /// Which, with what was expected and what came; in lines.
        problem: String,
    },
    /// A secret cannot be had.
    #[error("{0}")]
    Secret(String),
    /// A file of `tls` cannot be used.
    #[error("http.tls: {0}")]
    Tls(String),
    /// The receiver's queue on disk cannot be used.
    #[error("queue.disk: {0}")]
    Disk(#[from] weir_spool::SpoolError),
    /// The receiver's file of dead letters cannot be used.
    #[error("deadLetters: {0}")]
    DeadLetters(String),
    /// A receiver of this name was removed, and is still being emptied.
    #[error(
        "the receiver of this name that was removed still delivers what it has; this one begins when that is done, or given up"
    )]
    Draining,
    /// Another receiver of this process has the folder.
    #[error(
        "queue.disk.path is the folder of receiver `{0}`, which still has it: remove that one first and let it end, or restart weir"
    )]
    DiskTaken(String),
    /// The system refused a thread.
    #[error("cannot start a thread for it: {0}")]
    Thread(std::io::Error),
    /// The replayed file is not there.
    #[error("cannot read {file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}
