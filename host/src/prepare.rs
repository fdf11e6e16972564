//! From a configuration to plugins that are loaded, checked and set up: what `weir run` needs and
//! `weir check` wants to know. All problems are found at once.

use std::sync::Arc;

use thiserror::Error;
use weir_runtime::{Failure, Filter, Limits, NoOutput, OnError, Output, Plugin, Sink, Use};

use crate::config::{self, Config, Position, ReplayPath};
use crate::plugins::{Loader, PluginError};
use crate::secrets::{self, Sources};

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
    /// A secret cannot be had.
    #[error("{0}")]
    Secret(String),
    /// The replayed file is not there.
    #[error("cannot read {file}: {error}")]
    File {
        /// The file.
        file: String,
        /// Why.
        error: std::io::Error,
    },
}

/// A filter of the configuration, ready to be instantiated in each lane.
pub struct FilterUse {
    /// Its plugin.
    pub plugin: Arc<Plugin>,
    /// What its instances share.
    pub of: Arc<Use>,
    /// What happens to events for which it fails.
    pub on_error: OnError,
}

impl FilterUse {
    /// An instance for one lane.
    ///
    /// # Errors
    /// When `setup` refuses or breaks.
    pub fn instance(&self) -> Result<Filter, Failure> {
        Filter::new(Arc::clone(&self.plugin), Arc::clone(&self.of))
    }
}

/// A receiver of the configuration with its sink.
pub struct SinkUse {
    /// Its plugin.
    pub plugin: Arc<Plugin>,
    /// What its instances share.
    pub of: Arc<Use>,
    /// The first instance.
    pub sink: Sink,
}

/// All plugins of a configuration, by its indices.
pub struct Prepared {
    /// The filters.
    pub filters: Vec<FilterUse>,
    /// The receivers' sinks.
    pub sinks: Vec<SinkUse>,
}

/// Loads and sets up every plugin that the configuration uses.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn prepare(
    config: &Config,
    loader: &mut Loader,
    output: &Arc<dyn Output>,
) -> Result<Prepared, Vec<StartError>> {
    let mut errors = Vec::new();
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources {
        environment: &environment,
        directories: &config.secrets.directories,
    };
    check_source(config, &mut errors);
    let mut filters = Vec::new();
    for (index, filter) in config.filters.iter().enumerate() {
        let path = format!("filters[{index}] ({})", filter.name);
        collect(
            filter_use(filter, loader, &sources),
            filter.at,
            path,
            &mut filters,
            &mut errors,
        );
    }
    let mut sinks = Vec::new();
    for (index, receiver) in config.receivers.iter().enumerate() {
        let path = format!("receivers[{index}] ({})", receiver.name);
        collect(
            sink_use(receiver, loader, &sources, output),
            receiver.at,
            path,
            &mut sinks,
            &mut errors,
        );
    }
    if errors.is_empty() {
        Ok(Prepared { filters, sinks })
    } else {
        Err(errors)
    }
}

fn collect<T>(
    made: Result<T, Vec<Problem>>,
    at: Position,
    path: String,
    uses: &mut Vec<T>,
    errors: &mut Vec<StartError>,
) {
    match made {
        Ok(made) => uses.push(made),
        Err(problems) => {
            errors.extend(problems.into_iter().map(|problem| StartError {
                at,
                path: path.clone(),
                problem,
            }));
        }
    }
}

fn check_source(config: &Config, errors: &mut Vec<StartError>) {
    let config::Source::Replay(replay) = &config.source;
    if let ReplayPath::File(file) = &replay.path
        && let Err(error) = std::fs::File::open(file)
    {
        let problem = Problem::File {
            file: file.display().to_string(),
            error,
        };
        errors.push(StartError {
            at: replay.at,
            path: "source.replay.path".into(),
            problem,
        });
    }
}

fn filter_use(
    filter: &config::Filter,
    loader: &mut Loader,
    sources: &Sources<'_>,
) -> Result<FilterUse, Vec<Problem>> {
    let plugin = load(loader, &filter.plugin, "filter")?;
    let of = new_use(
        &filter.name,
        &plugin,
        &filter.config,
        filter.limits,
        sources,
    )?;
    let on_error = match filter.on_error {
        Some(config::OnError::Keep) => OnError::Keep,
        Some(config::OnError::Drop) => OnError::Drop,
        Some(config::OnError::Hold) => OnError::Hold,
        None => plugin.description.on_error.unwrap_or_default(),
    };
    let made = FilterUse {
        plugin,
        of: Arc::new(of),
        on_error,
    };
    match made.instance() {
        Ok(_) => Ok(made),
        Err(failure) => Err(vec![Problem::Setup {
            plugin: made.plugin.label(),
            failure,
        }]),
    }
}

fn sink_use(
    receiver: &config::Receiver,
    loader: &mut Loader,
    sources: &Sources<'_>,
    output: &Arc<dyn Output>,
) -> Result<SinkUse, Vec<Problem>> {
    let plugin = load(loader, &receiver.plugin, "sink")?;
    let of = new_use(
        &receiver.name,
        &plugin,
        &receiver.config,
        receiver.limits,
        sources,
    )?;
    let of = Arc::new(of.with_output(Arc::clone(output)));
    match Sink::new(Arc::clone(&plugin), Arc::clone(&of)) {
        Ok(sink) => Ok(SinkUse { plugin, of, sink }),
        Err(failure) => Err(vec![Problem::Setup {
            plugin: plugin.label(),
            failure,
        }]),
    }
}

fn load(
    loader: &mut Loader,
    name: &str,
    expected: &'static str,
) -> Result<Arc<Plugin>, Vec<Problem>> {
    let plugin = loader
        .load(name)
        .map_err(|error| vec![Problem::Plugin(error)])?;
    let found = plugin.kind.role();
    if found == expected {
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

fn new_use(
    name: &str,
    plugin: &Plugin,
    config: &serde_json::Value,
    limits: config::Limits,
    sources: &Sources<'_>,
) -> Result<Use, Vec<Problem>> {
    let hidden = secrets::hide(config, sources);
    let (text, secrets) =
        hidden.map_err(|errors| errors.into_iter().map(Problem::Secret).collect::<Vec<_>>())?;
    let limits = Limits {
        memory_bytes: limits.memory_bytes,
        time: limits.time,
    };
    Ok(Use::new(name, &plugin.name, text, limits).with_secrets(secrets))
}

/// What sinks write to while they are only checked: nothing.
pub fn no_output() -> Arc<dyn Output> {
    Arc::new(NoOutput)
}
