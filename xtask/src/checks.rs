//! `cargo xtask test` and `cargo xtask bench`, after the build.

use std::path::Path;
use std::process::Command;

use crate::BUNDLED;
use crate::shell::{Failed, cargo, run, say, works};

/// Everything, cheapest first; stops at the first failure.
pub fn test(dist: &Path) -> Result<(), Failed> {
    say("format");
    run(cargo().args(["fmt", "--all", "--check"]))?;
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
    shape.args(BUNDLED.map(|name| dist.join("plugins").join(format!("{name}.wasm"))));
    run(shape.stdout(std::process::Stdio::null()))?;
    say("tests of the host, of the SDK and the plugins (natively), cases, hostile plugins");
    run(with_dist(
        cargo().args(["test", "--release", "--workspace"]),
        dist,
    ))?;
    say("documentation");
    let mut doc = cargo();
    doc.args(["doc", "--release", "--workspace", "--no-deps", "--quiet"]);
    run(doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    optional("deny", &["deny", "check", "licenses", "bans", "sources"])
}

/// The benchmarks: criterion's of the runtime, then the whole way of an event.
pub fn bench(dist: &Path) -> Result<(), Failed> {
    let packages = [
        "--package",
        "weir-event",
        "--package",
        "weir-runtime",
        "--package",
        "weir",
    ];
    run(with_dist(
        cargo().arg("bench").args(packages).args(["--benches"]),
        dist,
    ))
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
