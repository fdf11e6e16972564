//! From a configuration to plugins that are loaded, checked and set up: what `weir run` needs and
//! `weir check` wants to know. All problems are found at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use thiserror::Error;
use weir_outbound::Client;
use weir_runtime::{Failure, Filter, Limits, NoOutput, OnError, Output, Plugin, Sink, Use};

use crate::config::{self, Config, Position, ReplayPath};
use crate::fixtures;
use crate::plugins::{Loader, PluginError};
use crate::secrets::{self, Sources};
use crate::ways::{AppendedFile, GoTemplates, Http, granted_origins, granted_path};

/// An address is shorter.
const ADDRESS_BYTES_MAX: usize = 8 * 1024;

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
    /// The replayed file is not there.
    #[error("cannot read {file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}

/// A filter of the configuration.
pub struct FilterUse {
    /// What happens to events for which it fails.
    pub on_error: OnError,
    /// One for each lane.
    pub instances: Vec<Filter>,
}

/// All plugins of a configuration, set up, by its indices.
pub struct Prepared {
    /// The filters.
    pub filters: Vec<FilterUse>,
    /// The receivers' sinks.
    pub sinks: Vec<SinkUse>,
}

/// The sink of a receiver.
pub struct SinkUse {
    /// Its instance.
    pub sink: Sink,
    /// What all its instances share.
    pub of: Arc<Use>,
}

/// Loads, tests and sets up every plugin that the configuration uses, filters once for each lane.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn prepare(
    config: &Config,
    loader: &mut Loader,
    output: &Arc<dyn Output>,
    client: &Client,
    lanes: usize,
) -> Result<Prepared, Vec<StartError>> {
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources {
        environment: &environment,
        directories: &config.secrets.directories,
    };
    let mut preparing = Preparing {
        loader,
        sources,
        output,
        client,
        base: &config.base,
        granted: granted_limits(config),
        tested: BTreeMap::new(),
        errors: Vec::new(),
    };
    if let config::Source::Replay(replay) = &config.source {
        preparing.check_replay(replay);
    }
    let mut filters = Vec::new();
    for (index, filter) in config.filters.iter().enumerate() {
        let made = preparing.filter(filter, lanes);
        filters.extend(preparing.note(
            made,
            filter.at,
            format!("filters[{index}] ({})", filter.name),
        ));
    }
    let mut sinks = Vec::new();
    for (index, receiver) in config.receivers.iter().enumerate() {
        let made = preparing.sink(receiver);
        sinks.extend(preparing.note(
            made,
            receiver.at,
            format!("receivers[{index}] ({})", receiver.name),
        ));
    }
    if preparing.errors.is_empty() {
        Ok(Prepared { filters, sinks })
    } else {
        Err(preparing.errors)
    }
}

/// What making a use needs, and the errors so far.
struct Preparing<'a> {
    loader: &'a mut Loader,
    sources: Sources<'a>,
    output: &'a Arc<dyn Output>,
    client: &'a Client,
    /// The configuration's folder.
    base: &'a Path,
    /// For each plugin what its uses grant, the most of each.
    granted: BTreeMap<&'a str, Limits>,
    /// The plugins whose self-tests ran, and how many there are.
    tested: BTreeMap<String, usize>,
    errors: Vec<StartError>,
}

impl Preparing<'_> {
    fn note<T>(&mut self, made: Result<T, Vec<Problem>>, at: Position, path: String) -> Option<T> {
        match made {
            Ok(made) => Some(made),
            Err(problems) => {
                let error = |problem| StartError {
                    at,
                    path: path.clone(),
                    problem,
                };
                self.errors.extend(problems.into_iter().map(error));
                None
            }
        }
    }

    fn check_replay(&mut self, replay: &config::Replay) {
        if let ReplayPath::File(file) = &replay.path {
            let file_problem = |error| {
                vec![Problem::File {
                    file: file.display().to_string(),
                    error,
                }]
            };
            let checked = check_file(file).map_err(file_problem);
            self.note(checked, replay.at, "source.replay.path".to_owned());
        }
    }

    fn filter(&mut self, filter: &config::Filter, lanes: usize) -> Result<FilterUse, Vec<Problem>> {
        let plugin = self.load(&filter.plugin, "filter")?;
        let http = config::Http {
            allow: filter.allow.clone(),
            ..config::Http::default()
        };
        let of = self.new_use(&filter.name, &plugin, &filter.config, filter.limits, &http)?;
        let of = Arc::new(of);
        let on_error = match filter.on_error {
            Some(config::OnError::Keep) => OnError::Keep,
            Some(config::OnError::Drop) => OnError::Drop,
            Some(config::OnError::Hold) => OnError::Hold,
            None => plugin.description.on_error.unwrap_or_default(),
        };
        let instance = |_| Filter::new(Arc::clone(&plugin), Arc::clone(&of));
        let instances: Result<Vec<_>, _> = (0..lanes.max(1)).map(instance).collect();
        let instances = instances.map_err(|failure| refused(&plugin, failure))?;
        self.log_loaded("filter", &filter.name, &plugin);
        Ok(FilterUse {
            on_error,
            instances,
        })
    }

    fn sink(&mut self, receiver: &config::Receiver) -> Result<SinkUse, Vec<Problem>> {
        let plugin = self.load(&receiver.plugin, "sink")?;
        let (config, http) = (&receiver.config, &receiver.http);
        let mut of = self.new_use(&receiver.name, &plugin, config, receiver.limits, http)?;
        let appends = plugin
            .imports
            .iter()
            .any(|import| import.starts_with("file."));
        if let Some((written, path)) = granted_path(config, self.base).filter(|_| appends) {
            of = of.with_files(Arc::new(AppendedFile::new(written, path)));
        }
        let of = of
            .with_output(Arc::clone(self.output))
            .with_templates(Arc::new(GoTemplates::default()));
        let of = Arc::new(of);
        let sink = Sink::new(Arc::clone(&plugin), Arc::clone(&of))
            .map_err(|failure| refused(&plugin, failure))?;
        self.log_loaded("receiver", &receiver.name, &plugin);
        Ok(SinkUse { sink, of })
    }

    fn load(&mut self, name: &str, expected: &'static str) -> Result<Arc<Plugin>, Vec<Problem>> {
        let plugin = self
            .loader
            .load(name)
            .map_err(|error| vec![Problem::Plugin(error)])?;
        let found = plugin.kind.role();
        if found == expected {
            self.self_test(&plugin).map_err(|problem| vec![problem])?;
            return Ok(plugin);
        }
        let file = plugin.path.display().to_string();
        Err(vec![Problem::Role {
            plugin: name.to_owned(),
            file,
            found,
            expected,
        }])
    }

    /// Runs a plugin's self-tests, once however many uses it has. What failed is said at the first.
    fn self_test(&mut self, plugin: &Arc<Plugin>) -> Result<(), Problem> {
        if self.tested.contains_key(&plugin.name) {
            return Ok(());
        }
        self.tested.insert(plugin.name.clone(), 0);
        let limits = self.granted.get(plugin.name.as_str()).copied();
        let limits = limits.unwrap_or_else(|| fixtures::default_limits(plugin.kind));
        let checked = fixtures::read_beside(plugin).and_then(|beside| {
            let beside = beside
                .as_ref()
                .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
            fixtures::check(plugin, beside, limits)
        });
        let passed = checked.map_err(|problem| Problem::SelfTests {
            plugin: plugin.label(),
            problem,
        })?;
        self.tested.insert(plugin.name.clone(), passed);
        Ok(())
    }

    /// What runs, for who reads the log after an incident.
    fn log_loaded(&self, role: &str, name: &str, plugin: &Plugin) {
        tracing::info!(
            role,
            name,
            plugin = plugin.name,
            version = plugin.description.version,
            file = %plugin.path.display(),
            digest = plugin.digest,
            self_tests = self.tested.get(&plugin.name),
            "plugin loaded"
        );
    }

    fn new_use(
        &self,
        name: &str,
        plugin: &Plugin,
        config: &serde_json::Value,
        limits: config::Limits,
        http: &config::Http,
    ) -> Result<Use, Vec<Problem>> {
        let (text, secrets) = secrets::hide(config, &self.sources)
            .map_err(|errors| errors.into_iter().map(Problem::Secret).collect::<Vec<_>>())?;
        let limits = of_config(limits);
        let secrets = Arc::new(secrets);
        // What the plugin reads, so that what is granted is what it can ask for.
        let hidden: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let reveal = |text: &str| {
            let revealed = secrets.reveal(text, ADDRESS_BYTES_MAX);
            revealed.unwrap_or_default()
        };
        let granted = granted_origins(&hidden, &reveal);
        let outbound = Http::new(self.client, http, granted, Arc::clone(&secrets));
        let outbound = outbound.map_err(|error| vec![Problem::Tls(error)])?;
        Ok(Use::new(name, &plugin.name, text, limits)
            .with_secrets(secrets)
            .with_outbound(Arc::new(outbound)))
    }
}

fn of_config(limits: config::Limits) -> Limits {
    Limits {
        memory_bytes: limits.memory_bytes,
        time: limits.time,
    }
}

/// What the uses of each plugin grant it, the most of each: a plugin that needs more than the default needs it in its
/// self-tests too.
fn granted_limits(config: &Config) -> BTreeMap<&str, Limits> {
    let filters = config.filters.iter();
    let filters = filters.map(|filter| (filter.plugin.as_str(), filter.limits));
    let receivers = config.receivers.iter();
    let receivers = receivers.map(|receiver| (receiver.plugin.as_str(), receiver.limits));
    let mut granted: BTreeMap<&str, Limits> = BTreeMap::new();
    for (plugin, limits) in filters.chain(receivers) {
        let most = granted.entry(plugin).or_insert_with(|| of_config(limits));
        most.memory_bytes = most.memory_bytes.max(limits.memory_bytes);
        most.time = most.time.max(limits.time);
    }
    granted
}

/// Whether a file can be replayed. Only a regular file is opened: whoever writes to a FIFO would take us
/// for its reader, and be told that it has gone.
fn check_file(file: &Path) -> std::io::Result<()> {
    let metadata = std::fs::metadata(file)?;
    if metadata.is_dir() {
        let text = "is a directory; expected a file with one event a line";
        return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, text));
    }
    if metadata.is_file() {
        std::fs::File::open(file)?;
    }
    Ok(())
}

fn refused(plugin: &Plugin, failure: Failure) -> Vec<Problem> {
    vec![Problem::Setup {
        plugin: plugin.label(),
        failure,
    }]
}

/// What sinks write to while they are only checked: nothing.
pub fn no_output() -> Arc<dyn Output> {
    Arc::new(NoOutput)
}
