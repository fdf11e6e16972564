//! `cargo xtask test` and `cargo xtask bench`, after the build.

use std::path::Path;
use std::process::Command;

use crate::bundled;
use crate::languages::Languages;
use crate::servers::{self, Server};
use crate::shell::{Failed, cargo, run, say, works};

/// Where a real API server comes from; tests/src/cluster/mod.rs says more.
const SERVER_VARIABLES: [&str; 2] = ["KUBEBUILDER_ASSETS", "KUBECONFIG"];

/// Rust that authors begin with, and the SDK's conformance plugins.
const RUST_TEMPLATES: [&str; 5] = [
    "plugins/examples/rust/drop-reasons/src/lib.rs",
    "plugins/examples/rust/label-team/src/lib.rs",
    "plugins/examples/rust/post/src/lib.rs",
    "plugin-sdk/rust/conformance/filter/src/lib.rs",
    "plugin-sdk/rust/conformance/sink/src/lib.rs",
];

/// Suites that are asked for, besides what always runs.
#[derive(Clone, Copy, Default)]
pub struct Suites {
    /// Against a real API server.
    pub kubernetes: bool,
    /// Against real servers of the sinks.
    pub real: bool,
    /// Plugins in every language: one whose toolchain is missing is a failure.
    pub languages: bool,
}

impl Suites {
    /// The flags of `test`.
    pub fn of(flags: &[&str]) -> Result<Suites, Failed> {
        let mut suites = Suites::default();
        for flag in flags {
            match *flag {
                "--kubernetes" => suites.kubernetes = true,
                "--real" => suites.real = true,
                "--languages" => suites.languages = true,
                other => {
                    return Err(Failed(format!(
                        "`{other}` is no flag of `cargo xtask test`: --kubernetes, --real, --languages"
                    )));
                }
            }
        }
        Ok(suites)
    }
}

/// Everything, and the suites that are asked for.
pub fn test(
    dist: &Path,
    suites: Suites,
    servers: &[Server],
    languages: &Languages,
) -> Result<(), Failed> {
    everywhere(dist, suites, languages)?;
    if suites.kubernetes {
        say("the whole weir against a real API server");
        let mut suite = suite("cluster");
        // With it, a suite that cannot run is one that fails.
        suite.env("WEIR_KUBERNETES", "1");
        run(with_dist(&mut suite, dist))?;
    } else {
        say(
            "the suite against a real API server did NOT run: `cargo xtask test --kubernetes` runs it",
        );
    }
    if !suites.real {
        say(
            "the suites against real servers of sinks did NOT run: `cargo xtask test --real` runs them",
        );
        return Ok(());
    }
    say("real servers of sinks");
    let mut suite = suite("real");
    for server in servers {
        suite.env(server.variable, &server.folder);
    }
    run(with_dist(&mut suite, dist))
}

fn suite(name: &str) -> Command {
    let mut suite = cargo();
    suite.args(["test", "--release", "--package", "weir-tests"]);
    suite.args(["--test", name]);
    suite
}

/// Looks whether the suite against a real API server has one, before anything is built.
pub fn kubernetes_can_run() -> Result<(), Failed> {
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if SERVER_VARIABLES.iter().any(is_set) {
        return Ok(());
    }
    Err(Failed(
        "the suite against a real API server did NOT run: set KUBEBUILDER_ASSETS to a folder with etcd and \
         kube-apiserver (setup-envtest gets them), or KUBECONFIG to a cluster where it may make namespaces"
            .to_owned(),
    ))
}

/// Cheapest first; stops at the first failure.
fn everywhere(dist: &Path, suites: Suites, languages: &Languages) -> Result<(), Failed> {
    say("format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
    // No members of the workspace: they are what authors begin with.
    let mut templates = Command::new("rustfmt");
    templates.args(["--check", "--edition", "2024"]);
    run(templates.args(RUST_TEMPLATES.map(|file| crate::root().join(file))))?;
    say("lints");
    run(cargo().args([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    say("the shape of the bundled modules");
    let mut shape = cargo();
    shape.args([
        "run",
        "--quiet",
        "--release",
        "--package",
        "weir-plugin",
        "--example",
        "shape",
        "--",
    ]);
    shape.args(bundled().map(|(_, name)| dist.join("plugins").join(format!("{name}.wasm"))));
    run(shape.stdout(std::process::Stdio::null()))?;
    say(
        "tests of the host, of the SDK and the plugins (natively), cases, hostile plugins, languages",
    );
    let mut tests = cargo();
    tests.args(["test", "--release", "--workspace"]);
    languages.hand_over(&mut tests, suites.languages);
    // The suites against real servers are asked for, never found by chance.
    tests.env_remove("WEIR_KUBERNETES");
    SERVER_VARIABLES
        .into_iter()
        .chain(servers::VARIABLES)
        .for_each(|name| {
            tests.env_remove(name);
        });
    run(with_dist(&mut tests, dist))?;
    say("documentation");
    let mut doc = cargo();
    doc.args(["doc", "--release", "--workspace", "--no-deps", "--quiet"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    optional("deny", &["deny", "check", "licenses", "bans", "sources"])
}

/// The benchmarks: criterion's of the runtime, then the whole way of an event, then delivery, reloads and languages.
pub fn bench(dist: &Path, languages: &Languages) -> Result<(), Failed> {
    let packages = [
        "--package",
        "weir-event",
        "--package",
        "weir-runtime",
        "--package",
        "weir",
        "--package",
        "weir-tests",
    ];
    let mut bench = cargo();
    bench.arg("bench").args(packages).args(["--benches"]);
    languages.hand_over(&mut bench, false);
    run(with_dist(&mut bench, dist))
}

/// The tests run the real binary and the real plugins.
fn with_dist<'a>(command: &'a mut Command, dist: &Path) -> &'a mut Command {
    command
        .env("WEIR_BIN", dist.join("weir"))
        .env("WEIR_PLUGINS", dist.join("plugins"))
        .env("WEIR_EXAMPLES", dist.join("examples"))
}

/// A check by a tool that not every machine has; says clearly where it did not run.
fn optional(tool: &str, arguments: &[&str]) -> Result<(), Failed> {
    if works(cargo().args([tool, "--version"])) {
        say(&format!("cargo {}", arguments.join(" ")));
        return run(cargo().args(arguments));
    }
    say(&format!(
        "cargo-{tool} is not installed: `cargo {}` did not run",
        arguments.join(" ")
    ));
    Ok(())
}
