//! The command line: what there is to type. No behaviour.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

/// Routes Kubernetes events through WebAssembly plugins.
///
/// weir reads events, passes each through the filters and transforms of a route tree, and delivers what
/// is left through sinks. Filters and sinks are WebAssembly files in a directory: drop one in and name
/// it in the configuration.
///
/// Exit codes: 0 done, 1 the work failed, 2 the usage or the configuration is wrong. Data goes to standard
/// output, text for people to standard error.
#[derive(Debug, Parser)]
#[command(name = "weir", version, max_term_width = 100)]
#[command(after_long_help = "Start here:
  weir check -c config.yaml             is everything right? all mistakes at once, with their lines
  weir run -c config.yaml               run
  weir plugin list                      which plugins are there
  weir plugin test FILTER events.ndjson what would this plugin do to these events
  weir plugin new NAME --lang LANGUAGE  begin a plugin of your own")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Where a running weir is asked, unless said otherwise.
const ADMIN_URL: &str = "http://127.0.0.1:2112";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run until the source ends or a signal comes.
    ///
    /// With `source.replay` weir ends with 0 when everything that was read is delivered. SIGTERM and SIGINT
    /// stop reading and deliver what was read, for at most `shutdown.deadline`; a second one stops at once.
    Run(Run),
    /// Validate the configuration, and load and set up every plugin it uses.
    ///
    /// Prints all mistakes at once, each with line, column, what was found and what was expected. Exit
    /// code 2 if there is one.
    Check(Check),
    /// Record live events of a cluster as NDJSON on standard output.
    ///
    /// What comes out is what `source.replay` and `weir plugin test` read. The selection is that of
    /// `source.kubernetes` in the configuration, if one is given; no plugin runs, nothing is looked up, and no position
    /// is kept.
    Capture(Capture),
    /// Look at plugins, try them, and write your own.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Print a completion script for a shell.
    ///
    /// For example: weir completions bash > /etc/bash_completion.d/weir
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Compile a plugin from standard input to standard output (the host calls this itself).
    #[command(hide = true)]
    Compile,
}

/// Which configuration.
#[derive(Debug, Args)]
pub struct ConfigFile {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "config.yaml")]
    pub config: PathBuf,
}

/// Which cluster.
#[derive(Debug, Args)]
pub struct Cluster {
    /// The kubeconfig to use. Default: $KUBECONFIG, else ~/.kube/config, else the pod's service account.
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use. Default: its current one.
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
}

/// `weir run`.
#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub config: ConfigFile,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub cluster: Cluster,
    /// Write the ledger (how many events came, went where, and why) as JSON at the end.
    #[arg(long, value_name = "FILE")]
    pub ledger: Option<PathBuf>,
}

/// `weir check`.
#[derive(Debug, Args)]
pub struct Check {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub config: ConfigFile,
    /// Also ask each sink whether it would work: is its server there, does it know the credentials, may they write.
    ///
    /// Nothing is written. One line a finding, with what to change. Exit code 1 if one would not work.
    #[arg(long)]
    pub connect: bool,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// `weir capture`.
#[derive(Debug, Args)]
pub struct Capture {
    /// The configuration whose `source.kubernetes` says what to watch. Default: all events, the last 5 minutes first.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub cluster: Cluster,
    /// End after so many events. Default: at a signal.
    #[arg(long, value_name = "EVENTS")]
    pub count: Option<u64>,
    /// End after so many seconds.
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

/// `weir plugin …`.
#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// List the plugins of the directories, and whether each can be loaded; or those that a running weir uses.
    ///
    /// Exit code 1 where one cannot be loaded. With --admin: 1 where a change is not taken, or a plugin is quarantined or its
    /// file is gone, and where there is no answer (nothing is on standard output then).
    List(List),
    /// Show what a plugin is: its world, contract, what it may use, what made it, its size and digest.
    ///
    /// Of a file that cannot be loaded: what can be seen of it, and then why, with what to do. Exit code 1.
    Inspect(Inspect),
    /// Run a plugin's self-tests, or the plugin over a file of events and show what it does to each.
    ///
    /// Without events: the self-tests that stand in the plugin or beside its file, in NAME.test.yaml; a line each.
    /// Exit code 1 if one fails, 2 if there are none.
    ///
    /// With events, a filter: the verdict for each event, and every change. A sink: what it says of the batch; what it
    /// writes goes to standard output. HTTP requests are refused; a self-test with `answers` says what they get.
    Test(Test),
    /// Make a folder with a plugin to begin with: it builds as it is, brings self-tests, and has comments that teach.
    ///
    /// The folder holds all that its build needs of weir, and lies where you like. Then:
    ///
    ///   cd NAME; weir plugin build; weir plugin test
    New(New),
    /// Build the plugin of a folder, as its plugin.yaml says: NAME.wasm.
    ///
    /// Each command is shown before it runs. What comes of it gets the manifest's name, version, description and so on,
    /// where the code does not say them itself (Rust's does), is checked as `weir plugin inspect` does it, and only then takes the
    /// place of an earlier NAME.wasm.
    ///
    /// Exit code 1 where the build fails or makes no plugin; 2 where plugin.yaml is wrong or a tool is missing (with the command
    /// that installs it).
    Build(Build),
    /// List the languages that plugins can be written in here, and what this machine has for them.
    Languages(Languages),
    /// Measure what plugins cost: size, compiling, an instance, a call, memory. Several are compared.
    ///
    /// They are called in turn, round by round, with events that weir brings (real ones, one for each reason) or those of a
    /// file; a sink gets them in batches of 100. Calls and instances are processor time, compiling is by the clock. HTTP requests
    /// are answered at once with 200, and what a sink writes is thrown away.
    ///
    /// DIFFERENCE is that of an event's time from the first plugin's, where it is more than noise: half of the rounds
    /// differ from it by less than the noise. Exit code 1 if a plugin fails; why is below the table.
    Bench(Bench),
    /// Print a ConfigMap of plugins, with the self-tests beside them, for `kubectl apply --server-side -f -`.
    ///
    /// Each is loaded first and must pass its self-tests. What is large is packed (gzip). What does not fit into a ConfigMap
    /// (1 MiB) is refused, with what to do. Exit code 1 where one cannot be loaded or they do not fit.
    Pack(Pack),
}

/// Where plugins are.
#[derive(Debug, Args)]
pub struct PluginPlace {
    /// A directory of plugins; may be given several times, a later one wins. Default: those of the
    /// configuration file where one is given, else `plugins/` beside this program.
    #[arg(long = "plugins", value_name = "DIR")]
    pub directories: Vec<PathBuf>,
    /// Take the directories and the cache from this configuration.
    #[arg(short, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// `weir plugin list`.
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub place: PluginPlace,
    /// Ask a running weir what it uses, how it does, and which change of its files it cannot take.
    ///
    /// URL is that of its `admin.listen`; without one http://127.0.0.1:2112, as after
    /// `kubectl port-forward deploy/weir 2112`. From elsewhere it needs the token of `admin.token`: in $WEIR_ADMIN_TOKEN,
    /// or in a file.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = ADMIN_URL)]
    #[arg(conflicts_with_all = ["directories", "config"])]
    pub admin: Option<String>,
    /// The file with the token. Default: $WEIR_ADMIN_TOKEN.
    #[arg(long, value_name = "FILE", requires = "admin")]
    pub token_file: Option<PathBuf>,
    /// How to print the table.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// `weir plugin inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A plugin's name, or a path to its file.
    pub plugin: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub place: PluginPlace,
    /// How to print it.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// `weir plugin test`.
#[derive(Debug, Args)]
pub struct Test {
    /// A plugin's name, or a path to its file. Default: the plugin that `plugin.yaml` in this folder names.
    pub plugin: Option<String>,
    /// Events, in any form that `source.replay` reads; `-` is standard input. Default: run the self-tests.
    pub events: Option<PathBuf>,
    /// Run the self-tests of this file, in place of the plugin's own.
    #[arg(long, value_name = "FILE", conflicts_with = "events")]
    pub tests: Option<PathBuf>,
    /// The plugin's configuration for these events, as YAML or JSON. Default: {}. A self-test brings its own.
    #[arg(long = "with", value_name = "YAML", requires = "events")]
    pub with: Option<String>,
    /// Show what the plugin logs of every event or test, not only of those that failed.
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub place: PluginPlace,
    /// How to print what a filter did, or how the self-tests went.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// `weir plugin bench`.
#[derive(Debug, Args)]
pub struct Bench {
    /// Names of plugins, or paths to their files. The others are compared with the first.
    #[arg(required = true, value_name = "PLUGIN")]
    pub plugins: Vec<String>,
    /// Events, in any form that `source.replay` reads; `-` is standard input. Default: those that weir brings.
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// The configuration of all the plugins, as YAML or JSON. Default: that of the plugin's first self-test with an event,
    /// else {}.
    #[arg(long = "with", value_name = "YAML")]
    pub with: Option<String>,
    /// The body of what HTTP requests get, where a sink reads it.
    #[arg(long, value_name = "TEXT", default_value = "{}")]
    pub answer: String,
    /// How long each plugin is called.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub place: PluginPlace,
    /// How to print the table.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// `weir plugin new`.
#[derive(Debug, Args)]
pub struct New {
    /// The plugin's name: lower-case letters, digits and `-`. Or a path: the name is its last part.
    pub name: PathBuf,
    /// The language: wat, c, rust, zig, go, assemblyscript, javascript, typescript or python. `weir plugin languages`
    /// says what each needs.
    #[arg(short, long, alias = "language", value_name = "LANGUAGE")]
    pub lang: String,
    /// What to begin with.
    #[arg(short, long, value_enum, default_value_t = NewKind::Filter)]
    pub kind: NewKind,
}

/// What a new plugin begins as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NewKind {
    /// A filter that keeps or drops events.
    Filter,
    /// A filter that changes events, with state and counters.
    Transform,
    /// A sink that delivers batches over HTTP.
    Sink,
}

/// `weir plugin build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The plugin's folder: where plugin.yaml is.
    #[arg(value_name = "DIR", default_value = ".")]
    pub folder: PathBuf,
}

/// `weir plugin languages`.
#[derive(Debug, Args)]
pub struct Languages {
    /// How to print the table.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// The ConfigMap that `deploy/02-deployment.yaml` mounts as a directory of plugins.
pub const PACK_NAME_DEFAULT: &str = "weir-plugins";

/// `weir plugin pack`.
#[derive(Debug, Args)]
pub struct Pack {
    /// Names of plugins, or paths to their files.
    #[arg(required = true, value_name = "PLUGIN")]
    pub plugins: Vec<String>,
    /// The ConfigMap's name. The default is what deploy/02-deployment.yaml mounts at /plugins.
    #[arg(long, value_name = "NAME", default_value = PACK_NAME_DEFAULT)]
    pub name: String,
    /// The ConfigMap's namespace. Default: none in the manifest, so that kubectl decides.
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap would show it")]
    pub place: PluginPlace,
}

/// The form of a command's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// For programs.
    Json,
}
