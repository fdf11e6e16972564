//! `cargo xtask …`: all automation of weir, without dependencies.
//!
//! Each command says what it does before it does it, on standard error; only data goes to standard output.

mod checks;
mod languages;
mod servers;
mod shell;
mod wasm;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use shell::{Failed, cargo, run, say};

const HELP: &str = "cargo xtask COMMAND

  build     the release binary at target/dist/weir, the bundled plugins at target/dist/plugins
  plugins   only the plugins
  demo      build, then run recorded real events through a filter and a transform to standard output
  test      everything: format, lints, build, unit tests, cases, hostile plugins, documentation
            --kubernetes: and the suite against a real API server; tests/README.md says what it needs
            --real: and the suites against a real OpenSearch and Elasticsearch, which it gets with Maven
            --languages: and plugins in every language; installs what is missing (without it: in those that are there)
  languages the toolchains of all languages that plugins are written in: installs what is missing
  bench     benchmarks of the runtime, of the whole way of an event, and of the languages of plugins
";

/// The bundled plugins: packages, each with the names that its plugin ships under.
const BUNDLED: [(&str, &[&str]); 7] = [
    ("stdout", &["stdout"]),
    ("elasticsearch", &["elasticsearch", "opensearch"]),
    ("webhook", &["webhook"]),
    ("file", &["file"]),
    ("loki", &["loki"]),
    ("drop-reasons", &["drop-reasons"]),
    ("redact", &["redact"]),
];
/// Where the packages of plugins are.
const PLUGIN_FOLDERS: [&str; 3] = ["plugins/filters", "plugins/sinks", "plugins/examples/rust"];
/// Plugins that are built to be tried, and not shipped.
const EXAMPLES: [&str; 1] = ["ten-lines"];
/// A ConfigMap holds 1 MiB: bundled plugins must leave room for others.
const PLUGIN_BYTES_MAX: u64 = 150_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["build"] => build(),
        ["plugins"] => plugins(),
        ["demo"] => demo(),
        ["test", ref flags @ ..] => checks::Suites::of(flags).and_then(test),
        ["languages"] => languages().install(&root()),
        ["bench"] => build().and_then(|()| checks::bench(&dist(), &languages())),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed(why)) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Places in the workspace.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

fn dist() -> PathBuf {
    target().join("dist")
}

fn languages() -> languages::Languages {
    languages::Languages::below(&target())
}

fn build() -> Result<(), Failed> {
    say("building weir");
    run(cargo().args(["build", "--release", "--package", "weir"]))?;
    install_weir()?;
    plugins()
}

fn install_weir() -> Result<u64, Failed> {
    install(&target().join("release").join("weir"), &dist().join("weir"))
}

/// weir and all tests in one go: built by itself it has other features of tokio than beside its tests, and all that
/// stands on tokio (kube, hyper) would be compiled twice.
fn build_with_tests() -> Result<(), Failed> {
    say("building weir and its tests");
    run(cargo().args(["test", "--release", "--workspace", "--no-run"]))?;
    install_weir()?;
    plugins()
}

/// What a suite needs is looked for before anything is built.
fn test(suites: checks::Suites) -> Result<(), Failed> {
    if suites.kubernetes {
        checks::kubernetes_can_run()?;
    }
    let servers = match suites.real {
        true => servers::build(&root().join("tests/servers"), &target().join("servers"))?,
        false => Vec::new(),
    };
    let languages = languages();
    if suites.languages {
        languages.install(&root())?;
    }
    build_with_tests()?;
    checks::test(&dist(), suites, &servers, &languages)
}

fn plugins() -> Result<(), Failed> {
    let toolchain = wasm::Toolchain::find()?;
    say(&format!("building plugins ({toolchain})"));
    let mut build = toolchain.cargo_build(&target().join("wasm"));
    let packages = BUNDLED.iter().map(|(package, _)| package);
    packages.chain(&EXAMPLES).for_each(|package| {
        build.args(["--package", package]);
    });
    run(&mut build)?;
    for (package, name) in bundled() {
        let size = collect(package, name, "plugins")?;
        if size > PLUGIN_BYTES_MAX {
            return Err(Failed(format!(
                "plugin {package} has {size} bytes; at most {PLUGIN_BYTES_MAX} are allowed"
            )));
        }
    }
    EXAMPLES
        .into_iter()
        .try_for_each(|package| collect(package, package, "examples").map(drop))
}

/// Each name that a plugin ships under, with its package.
fn bundled() -> impl Iterator<Item = (&'static str, &'static str)> {
    let each = |(package, names): (&'static str, &'static [&'static str])| {
        names.iter().map(move |name| (package, *name))
    };
    BUNDLED.into_iter().flat_map(each)
}

/// Puts a built plugin under a name of its own (cargo writes `-` as `_`), with its self-tests beside it.
fn collect(package: &str, name: &str, folder: &str) -> Result<u64, Failed> {
    let built = format!(
        "wasm/wasm32-unknown-unknown/wasm/{}.wasm",
        package.replace('-', "_")
    );
    let folder = dist().join(folder);
    collect_self_tests(package, &folder.join(format!("{name}.test.yaml")))?;
    install(&target().join(built), &folder.join(format!("{name}.wasm")))
}

/// Copies `<package>.test.yaml` from the package's folder; takes away what an earlier build left where there is none.
fn collect_self_tests(package: &str, to: &Path) -> Result<(), Failed> {
    let file = format!("{package}/{package}.test.yaml");
    let from = PLUGIN_FOLDERS.map(|folder| root().join(folder).join(&file));
    match from.iter().find(|from| from.exists()) {
        Some(from) => install(from, to).map(drop),
        None => match std::fs::remove_file(to) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Failed(format!("cannot remove {}: {error}", to.display())))
            }
            _ => Ok(()),
        },
    }
}

/// Copies beside the old file, then renames: a program that runs keeps its file.
fn install(from: &Path, to: &Path) -> Result<u64, Failed> {
    let failed = |error| {
        Failed(format!(
            "cannot copy {} to {}: {error}",
            from.display(),
            to.display()
        ))
    };
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let temporary = to.with_extension("new");
    let size = std::fs::copy(from, &temporary).map_err(failed)?;
    std::fs::rename(&temporary, to).map_err(failed)?;
    Ok(size)
}

fn demo() -> Result<(), Failed> {
    build()?;
    let config = root().join("tests/demo/config.yaml");
    say(&format!("weir run -c {}", config.display()));
    run(Command::new(dist().join("weir"))
        .arg("run")
        .arg("-c")
        .arg(config))
}
