//! From a configuration to plugins that are loaded, checked and set up: what `weir run` needs and
//! `weir check` wants to know. All problems are found at once.

mod problem;
mod replayed;
mod self_tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use weir_outbound::Client;
use weir_runtime::{
    Failure, Filter, Limits, NoOutput, OnError, Output, Plugin, Secrets, Sink, Use,
};

use crate::config::{self, Config, Position, ReplayPath};
use crate::plugins::{Loader, PluginError};
use crate::secrets::{self, Sources};
use crate::ways::{AppendedFile, GoTemplates, Http, granted_origins, granted_path};

pub use problem::{Problem, StartError};
use replayed::check_file;
use self_tests::{granted_limits, of_config};

/// An address is shorter.
const ADDRESS_BYTES_MAX: usize = 8 * 1024;

/// What is known of a use that runs: what the next configuration is compared with, and what goes on in it.
#[derive(Clone)]
pub struct Known {
    /// The filter's or receiver's name.
    pub name: String,
    /// Its plugin.
    pub plugin: Arc<Plugin>,
    /// What all its instances share.
    pub of: Arc<Use>,
    /// Its file is gone since it was loaded.
    pub is_gone: bool,
    /// Since when this version runs.
    pub since: SystemTime,
    /// All that it was made of but its plugin.
    made_of: [u8; 32],
    /// The file that it appends to.
    file: Option<Arc<AppendedFile>>,
    /// A digest of the self-tests beside its plugin's file.
    tests: Option<[u8; 32]>,
}

/// A filter of the configuration.
pub struct FilterUse {
    /// What the next configuration needs to know of it.
    pub known: Arc<Known>,
    /// What happens to events for which it fails.
    pub on_error: OnError,
    /// One for each lane, or none where its file is gone; `None`: those that run go on.
    pub instances: Option<Vec<Filter>>,
}

/// The sink of a receiver.
pub struct SinkUse {
    /// What the next configuration needs to know of it.
    pub known: Arc<Known>,
    /// Its instance.
    pub sink: NewSink,
}

/// The instance of a sink.
pub enum NewSink {
    /// The one that runs goes on.
    Same,
    /// Another one.
    Fresh(Box<Sink>),
    /// None: its file is gone.
    Gone,
}

/// All plugins of a configuration, set up, by its indices.
pub struct Prepared {
    /// The filters.
    pub filters: Vec<FilterUse>,
    /// The receivers' sinks.
    pub sinks: Vec<SinkUse>,
}

/// What plugins are set up with, beside their configuration.
pub struct Ways {
    /// Standard output.
    pub output: Arc<dyn Output>,
    /// HTTP.
    pub client: Client,
    /// How many instances of a filter there are.
    pub lanes: usize,
}

/// What runs, as far as the next configuration goes on with it.
#[derive(Clone, Default)]
pub struct Before {
    /// The filters.
    pub filters: Vec<Arc<Known>>,
    /// The receivers.
    pub sinks: Vec<Arc<Known>>,
}

/// Loads and sets up every plugin that the configuration uses, filters once for each lane. What was made of the same before
/// goes on. A plugin whose file is gone is no error where it was there before and nothing else of its use changed:
/// `onError` decides about its events.
///
/// # Errors
/// Every problem, in the order of the file.
pub fn prepare(
    config: &Config,
    loader: &mut Loader,
    ways: &Ways,
    before: &Before,
) -> Result<Prepared, Vec<StartError>> {
    let environment = |name: &str| std::env::var(name).ok();
    let sources = Sources {
        environment: &environment,
        directories: &config.secrets.directories,
    };
    let mut preparing = Preparing {
        loader,
        sources,
        ways,
        base: &config.base,
        before,
        granted: granted_limits(config),
        tested: BTreeMap::new(),
        errors: Vec::new(),
    };
    if let config::Source::Replay(replay) = &config.source {
        preparing.check_replay(replay);
    }
    let mut filters = Vec::new();
    for (index, filter) in config.filters.iter().enumerate() {
        let made = preparing.filter(filter);
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
    ways: &'a Ways,
    /// The configuration's folder.
    base: &'a Path,
    before: &'a Before,
    /// For each plugin what its uses grant, the most of each.
    granted: BTreeMap<&'a str, Limits>,
    /// The plugins whose self-tests ran, and how many there are.
    tested: BTreeMap<String, usize>,
    errors: Vec<StartError>,
}

/// A use, and whether it is to be made.
enum Found {
    /// It runs, and goes on.
    Same(Arc<Known>),
    /// It ran, and its file is gone.
    Gone(Arc<Known>),
    /// It is to be made of this, after what ran before under its name.
    New(Ingredients, Option<Arc<Known>>),
}

/// What a use is made of.
struct Ingredients {
    plugin: Arc<Plugin>,
    /// Its configuration as the plugin reads it, and what stands behind the placeholders.
    text: String,
    secrets: Arc<Secrets>,
    made_of: [u8; 32],
    tests: Option<[u8; 32]>,
}

/// A filter or a receiver of the configuration, as far as both have it.
struct Wanted<'a> {
    name: &'a str,
    plugin: &'a str,
    role: &'static str,
    config: &'a serde_json::Value,
    limits: config::Limits,
    http: &'a config::Http,
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

    fn filter(&mut self, filter: &config::Filter) -> Result<FilterUse, Vec<Problem>> {
        let http = config::Http {
            allow: filter.allow.clone(),
            ..config::Http::default()
        };
        let wanted = Wanted {
            name: &filter.name,
            plugin: &filter.plugin,
            role: "filter",
            config: &filter.config,
            limits: filter.limits,
            http: &http,
        };
        let (known, instances) = match self.find(&wanted, &self.before.filters)? {
            Found::Same(known) => (known, None),
            Found::Gone(known) => (known, Some(Vec::new())),
            Found::New(ingredients, before) => {
                let plugin = Arc::clone(&ingredients.plugin);
                let made_of = (ingredients.made_of, ingredients.tests);
                let of = self.new_use(&wanted, ingredients)?;
                let of = Arc::new(continuing(of, &plugin, before.as_deref()));
                let instance = |_| Filter::new(Arc::clone(&plugin), Arc::clone(&of));
                let instances: Result<Vec<_>, _> =
                    (0..self.ways.lanes.max(1)).map(instance).collect();
                let instances = instances.map_err(|failure| refused(&plugin, failure))?;
                self.log_loaded("filter", &filter.name, &plugin);
                let known = Known::new(&wanted, plugin, of, made_of, None);
                (Arc::new(known), Some(instances))
            }
        };
        let on_error = match filter.on_error {
            Some(config::OnError::Keep) => OnError::Keep,
            Some(config::OnError::Drop) => OnError::Drop,
            Some(config::OnError::Hold) => OnError::Hold,
            None => known.plugin.description.on_error.unwrap_or_default(),
        };
        Ok(FilterUse {
            known,
            on_error,
            instances,
        })
    }

    fn sink(&mut self, receiver: &config::Receiver) -> Result<SinkUse, Vec<Problem>> {
        let wanted = Wanted {
            name: &receiver.name,
            plugin: &receiver.plugin,
            role: "sink",
            config: &receiver.config,
            limits: receiver.limits,
            http: &receiver.http,
        };
        let (ingredients, before) = match self.find(&wanted, &self.before.sinks)? {
            Found::Same(known) => {
                let sink = NewSink::Same;
                return Ok(SinkUse { known, sink });
            }
            Found::Gone(known) => {
                let sink = NewSink::Gone;
                return Ok(SinkUse { known, sink });
            }
            Found::New(ingredients, before) => (ingredients, before),
        };
        let plugin = Arc::clone(&ingredients.plugin);
        let made_of = (ingredients.made_of, ingredients.tests);
        let mut of = continuing(
            self.new_use(&wanted, ingredients)?,
            &plugin,
            before.as_deref(),
        );
        let file = self.file(&plugin, &receiver.config, before.as_deref());
        if let Some(file) = &file {
            of = of.with_files(Arc::clone(file) as _);
        }
        let of = of
            .with_output(Arc::clone(&self.ways.output))
            .with_templates(Arc::new(GoTemplates::default()));
        let of = Arc::new(of);
        let sink = Sink::new(Arc::clone(&plugin), Arc::clone(&of))
            .map_err(|failure| refused(&plugin, failure))?;
        self.log_loaded("receiver", &receiver.name, &plugin);
        let known = Known::new(&wanted, plugin, of, made_of, file);
        Ok(SinkUse {
            known: Arc::new(known),
            sink: NewSink::Fresh(Box::new(sink)),
        })
    }

    /// The file that a sink may append to. Two versions that follow each other have the same one: it knows how much is in it,
    /// and takes one line after the other.
    fn file(
        &self,
        plugin: &Plugin,
        config: &serde_json::Value,
        before: Option<&Known>,
    ) -> Option<Arc<AppendedFile>> {
        let mut imports = plugin.imports.iter();
        let appends = imports.any(|import| import.starts_with("file."));
        let (written, path) = granted_path(config, self.base).filter(|_| appends)?;
        let same = before.and_then(|before| before.file.clone());
        let same = same.filter(|file| file.is_of(&written, &path));
        Some(same.unwrap_or_else(|| Arc::new(AppendedFile::new(written, path))))
    }

    /// Compares what is wanted with what runs.
    fn find(&mut self, wanted: &Wanted<'_>, running: &[Arc<Known>]) -> Result<Found, Vec<Problem>> {
        let before = running.iter().find(|known| known.name == wanted.name);
        let before = before.cloned();
        let (text, secrets) = secrets::hide(wanted.config, &self.sources)
            .map_err(|errors| errors.into_iter().map(Problem::Secret).collect::<Vec<_>>())?;
        let made_of = made_of(wanted, &text, &secrets);
        let unchanged = before
            .as_ref()
            .filter(|known| known.made_of == made_of && known.plugin.name == wanted.plugin);
        let plugin = match (self.loader.load(wanted.plugin), unchanged) {
            (Err(PluginError::Missing { .. }), Some(known)) if known.is_gone => {
                return Ok(Found::Same(Arc::clone(known)));
            }
            (Err(PluginError::Missing { .. }), Some(known)) => {
                let gone = Known {
                    is_gone: true,
                    ..Known::clone(known)
                };
                return Ok(Found::Gone(Arc::new(gone)));
            }
            (loaded, _) => loaded.map_err(|error| vec![Problem::Plugin(error)])?,
        };
        let found = plugin.kind.role();
        if found != wanted.role {
            return Err(vec![Problem::Role {
                plugin: wanted.plugin.to_owned(),
                file: plugin.path.display().to_string(),
                found,
                expected: wanted.role,
            }]);
        }
        let beside = self_tests::beside(&plugin).map_err(|problem| vec![problem])?;
        let tests = beside
            .as_ref()
            .map(|(_, bytes)| Sha256::digest(bytes).into());
        let is_same = |known: &&Arc<Known>| {
            !known.is_gone
                && known.tests == tests
                && known.plugin.digest == plugin.digest
                && known.plugin.path == plugin.path
        };
        if let Some(known) = unchanged.filter(is_same) {
            return Ok(Found::Same(Arc::clone(known)));
        }
        self.self_test(&plugin, beside)
            .map_err(|problem| vec![problem])?;
        let ingredients = Ingredients {
            plugin,
            text,
            secrets: Arc::new(secrets),
            made_of,
            tests,
        };
        Ok(Found::New(ingredients, before))
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

    fn new_use(&self, wanted: &Wanted<'_>, made: Ingredients) -> Result<Use, Vec<Problem>> {
        let Ingredients {
            plugin,
            text,
            secrets,
            ..
        } = made;
        let limits = of_config(wanted.limits);
        // What the plugin reads, so that what is granted is what it can ask for.
        let hidden: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let reveal = |text: &str| {
            let revealed = secrets.reveal(text, ADDRESS_BYTES_MAX);
            revealed.unwrap_or_default()
        };
        let granted = granted_origins(&hidden, &reveal);
        let outbound = Http::new(
            &self.ways.client,
            wanted.http,
            granted,
            Arc::clone(&secrets),
        );
        let outbound = outbound.map_err(|error| vec![Problem::Tls(error)])?;
        Ok(Use::new(wanted.name, &plugin.name, text, limits)
            .with_secrets(secrets)
            .with_outbound(Arc::new(outbound)))
    }
}

impl Known {
    fn new(
        wanted: &Wanted<'_>,
        plugin: Arc<Plugin>,
        of: Arc<Use>,
        (made_of, tests): ([u8; 32], Option<[u8; 32]>),
        file: Option<Arc<AppendedFile>>,
    ) -> Known {
        Known {
            name: wanted.name.to_owned(),
            plugin,
            of,
            is_gone: false,
            since: SystemTime::now(),
            made_of,
            file,
            tests,
        }
    }
}

/// Another version of a plugin goes on with the state and counters of the use.
fn continuing(of: Use, plugin: &Plugin, before: Option<&Known>) -> Use {
    match before.filter(|before| before.plugin.name == plugin.name) {
        Some(before) => of.continuing(Arc::clone(&before.of.standing)),
        None => of,
    }
}

/// A digest of all that a use is made of but its plugin, with the secrets themselves: another password is another use.
fn made_of(wanted: &Wanted<'_>, text: &str, secrets: &Secrets) -> [u8; 32] {
    let revealed = secrets.reveal(text, usize::MAX);
    let mut digest = Sha256::new();
    let rest = format!("{:?} {:?}", wanted.limits, wanted.http);
    for part in [wanted.plugin, &revealed.unwrap_or_default(), &rest] {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
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
