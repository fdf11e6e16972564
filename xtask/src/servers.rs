//! Real servers for the tests of sinks: each is a Maven project of `tests/servers/`, built to `target/servers/` as a
//! folder of classes and one of jars (100 MB are downloaded the first time, in 50 s; then Maven has them).

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Failed, apt_install, run, say, works};

const DEBIAN_PACKAGES: [&str; 2] = ["maven", "openjdk-17-jdk-headless"];
/// The projects, each with the variable that says where it is.
const PROJECTS: [(&str, &str); 2] = [
    ("opensearch", VARIABLES[0]),
    ("elasticsearch", VARIABLES[1]),
];
/// Variables of the suite `real`; tests/src/real/ reads them.
pub const VARIABLES: [&str; 2] = ["WEIR_OPENSEARCH", "WEIR_ELASTICSEARCH"];

/// A server that was built.
pub struct Server {
    /// Says where it is.
    pub variable: &'static str,
    /// Where it is.
    pub folder: PathBuf,
}

/// Builds all of them.
pub fn build(projects: &Path, to: &Path) -> Result<Vec<Server>, Failed> {
    let has_java = works(Command::new("javac").arg("-version"));
    if !has_java || !works(Command::new("mvn").arg("--version")) {
        let otherwise = "install Maven and a JDK of Java 17 for `--real`";
        apt_install("Maven and Java", &DEBIAN_PACKAGES, otherwise)?;
    }
    let build = |(name, variable): (&str, &'static str)| {
        let folder = to.join(name);
        build_one(&projects.join(name), &folder)?;
        Ok(Server { variable, folder })
    };
    PROJECTS.into_iter().map(build).collect()
}

fn build_one(project: &Path, to: &Path) -> Result<(), Failed> {
    say(&format!(
        "building {} with Maven, which downloads what it has not",
        project.display()
    ));
    let libraries = to.join("lib");
    // Else the jars of an older version would stay there.
    if libraries.exists() {
        let failed = |error| Failed(format!("cannot remove {}: {error}", libraries.display()));
        std::fs::remove_dir_all(&libraries).map_err(failed)?;
    }
    let maven = |offline: bool| {
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--no-transfer-progress", "--quiet"]);
        if offline {
            maven.arg("--offline");
        }
        maven.arg("--file").arg(project.join("pom.xml"));
        maven.arg(format!("-Dto={}", to.display()));
        maven.args(["compiler:compile", "dependency:copy-dependencies"]);
        maven.arg(format!("-DoutputDirectory={}", libraries.display()));
        maven.stdout(std::io::stderr());
        maven
    };
    // A machine that has all needs no network.
    if works(&mut maven(true)) {
        return Ok(());
    }
    run(&mut maven(false))
}
