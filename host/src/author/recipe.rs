//! How each language's plugin is built: the commands, in order, and where what they make is found.
//!
//! Function names are kept, so that a trap's report shows them; what is for debuggers is taken out afterwards
//! (`weir_runtime::with_description`). What a build leaves on its way is in [`SCRATCH`].

use std::fmt;
use std::path::{Path, PathBuf};

use super::language::Language;
use super::needs::{DEBIAN_RUST, DEBIAN_RUST_LINKER, RUST_TARGET, Ready};
use super::tools::Tool;
use super::world::world;

/// A folder in the plugin's folder for what a build makes on its way. Hidden: plugins are not looked for in it.
pub const SCRATCH: &str = ".weir";
const MADE: &str = ".weir/plugin.wasm";

/// A command that runs in the plugin's folder.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables that it gets besides those there are.
    pub variables: Vec<(&'static str, String)>,
    /// The program as it is shown.
    shown: String,
}

/// Where the plugin is, when all steps are done.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A file in the plugin's folder; text is assembled.
    File(PathBuf),
    /// The last `.wasm` file that the last step, a `cargo build`, says it made, in JSON lines on its standard output.
    CargoArtifact,
}

/// How a plugin is built.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What runs, in order.
    pub steps: Vec<Step>,
    /// What is taken then.
    pub taken: Taken,
}

/// Why there is no recipe.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The source cannot be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not known which world the source is of.
    #[error("{} {why}", file.display())]
    World {
        /// The file.
        file: PathBuf,
        /// Why.
        why: &'static str,
    },
}

/// How a plugin in this language is built, with the tools that are there.
///
/// # Errors
/// When its source does not say what it is; only where a tool must be told.
pub fn recipe(language: Language, ready: &Ready, folder: &Path) -> Result<Recipe, RecipeError> {
    let kitchen = Kitchen { ready, folder };
    let file = |steps| Recipe {
        steps,
        taken: Taken::File(MADE.into()),
    };
    Ok(match language {
        Language::Wat => Recipe {
            steps: Vec::new(),
            taken: Taken::File(language.source().into()),
        },
        Language::C => file(vec![kitchen.c(language)]),
        Language::Rust => Recipe {
            steps: vec![kitchen.rust()],
            taken: Taken::CargoArtifact,
        },
        Language::Zig => file(vec![kitchen.first(&[
            "build-exe",
            language.source(),
            "-target",
            "wasm32-freestanding",
            "-fno-entry",
            "-rdynamic",
            "-O",
            "ReleaseSafe",
            "-fno-strip",
            "--stack",
            "65536",
            "--cache-dir",
            ".weir/zig",
            "-femit-bin=.weir/plugin.wasm",
        ])]),
        Language::Go => {
            let build = [
                "build",
                "-buildmode=c-shared",
                "-trimpath",
                "-buildvcs=false",
                "-ldflags=-w",
                "-o",
                MADE,
                ".",
            ];
            let mut step = kitchen.first(&build);
            step.variables = vec![("GOOS", "wasip1".into()), ("GOARCH", "wasm".into())];
            file(vec![step])
        }
        Language::AssemblyScript => file(vec![kitchen.first(&[
            language.source(),
            "-o",
            MADE,
            "-Oz",
            "--debug",
            "--runtime",
            "incremental",
            "--exportStart",
            "_initialize",
            "--use",
            "abort=weir/abort_",
            "--use",
            "seed=weir/seed_",
        ])]),
        Language::JavaScript => {
            let world = kitchen.world(language)?;
            file(vec![kitchen.javascript(language.source(), world)])
        }
        Language::TypeScript => {
            let world = kitchen.world(language)?;
            let bundle = [
                language.source(),
                "--bundle",
                "--format=esm",
                "--platform=neutral",
                "--external:weir:*",
                "--log-level=warning",
                "--outfile=.weir/plugin.js",
            ];
            let bundle = kitchen.step("esbuild", &bundle);
            file(vec![bundle, kitchen.javascript(".weir/plugin.js", world)])
        }
        Language::Python => {
            let world = kitchen.world(language)?;
            file(vec![kitchen.first(&[
                "-d",
                "wit",
                "-w",
                world,
                "componentize",
                "--stub-wasi",
                "plugin",
                "-o",
                MADE,
            ])])
        }
    })
}

/// The author's own command.
pub fn command(line: &str, output: &Path) -> Recipe {
    let step = Step {
        program: "sh".into(),
        arguments: vec!["-c".into(), line.to_owned()],
        variables: Vec::new(),
        shown: "sh".into(),
    };
    Recipe {
        steps: vec![step],
        taken: Taken::File(output.to_owned()),
    }
}

/// What steps are made of.
struct Kitchen<'a> {
    ready: &'a Ready,
    folder: &'a Path,
}

impl Kitchen<'_> {
    fn c(&self, language: Language) -> Step {
        let compiler: &[&str] = match self.tool(0).name {
            "zig" => &["cc", "-target", "wasm32-freestanding"],
            _ => &["--target=wasm32", "-Wl,--stack-first"],
        };
        let common = [
            // For the names: without it zig strips, and so does a wasm-opt, which clang runs if it is on PATH.
            "-g",
            "-Oz",
            "-flto",
            "-nostdlib",
            "-Wall",
            "-Wl,--no-entry",
            "-Wl,--export-memory",
            "-Wl,-z,stack-size=16384",
            "-o",
            MADE,
            language.source(),
        ];
        self.first(&[compiler, &common].concat())
    }

    fn rust(&self) -> Step {
        let mut arguments = vec![
            "build",
            "--release",
            "--target",
            RUST_TARGET,
            "--message-format",
            "json-render-diagnostics",
        ];
        let mut variables = Vec::new();
        if let Some(rustc) = self
            .ready
            .tools
            .iter()
            .find(|tool| tool.name == DEBIAN_RUST)
        {
            arguments.push("-Zbuild-std=std,panic_abort");
            variables = vec![
                ("RUSTC", rustc.path.display().to_string()),
                ("RUSTDOC", "/usr/bin/rustdoc".into()),
                ("RUSTC_BOOTSTRAP", "1".into()),
                (
                    "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
                    DEBIAN_RUST_LINKER.into(),
                ),
            ];
        }
        let mut step = self.first(&arguments);
        step.variables = variables;
        step
    }

    fn javascript(&self, source: &str, world: &str) -> Step {
        let arguments = [
            "--wit",
            "wit",
            "--js",
            source,
            "-n",
            world,
            "--sync",
            "--stub-wasi",
            "--opt-size",
            "-o",
            MADE,
        ];
        self.step("componentize-qjs", &arguments)
    }

    fn world(&self, language: Language) -> Result<&'static str, RecipeError> {
        let file = self.folder.join(language.source());
        let source = std::fs::read_to_string(&file).map_err(|source| RecipeError::Read {
            file: file.clone(),
            source,
        })?;
        world(&source, language == Language::Python).map_err(|why| RecipeError::World { file, why })
    }

    /// A command of the tool that makes the plugin.
    fn first(&self, arguments: &[&str]) -> Step {
        self.of(self.tool(0), arguments)
    }

    fn step(&self, tool: &str, arguments: &[&str]) -> Step {
        let tools = &self.ready.tools;
        let found = tools.iter().position(|found| found.name == tool);
        self.of(self.tool(found.unwrap_or_default()), arguments)
    }

    fn tool(&self, index: usize) -> &Tool {
        let tool = self.ready.tools.get(index);
        tool.expect("a language that is ready has its tools")
    }

    fn of(&self, tool: &Tool, arguments: &[&str]) -> Step {
        let arguments = tool.arguments.iter().chain(arguments);
        Step::new(
            &tool.path,
            arguments.map(|argument| (*argument).to_owned()).collect(),
            self.folder,
        )
    }
}

impl Step {
    /// A command without variables. A program in the plugin's folder is shown with its path there, any other with its name.
    pub fn new(program: &Path, arguments: Vec<String>, folder: &Path) -> Step {
        let own = std::path::absolute(folder).ok();
        let own = own.and_then(|folder| Some(program.strip_prefix(folder).ok()?.to_owned()));
        let name = program.file_name().map_or(program, Path::new);
        let shown = match own {
            Some(own) => format!("./{}", own.display()),
            None => name.display().to_string(),
        };
        Step {
            program: program.to_owned(),
            arguments,
            variables: Vec::new(),
            shown,
        }
    }
}

/// As it could be typed into a shell.
impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            write!(out, "{name}={} ", quoted(value))?;
        }
        out.write_str(&quoted(&self.shown))?;
        for argument in &self.arguments {
            write!(out, " {}", quoted(argument))?;
        }
        Ok(())
    }
}

/// As a shell reads one word.
pub fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &'static str, path: &str, arguments: &'static [&'static str]) -> Tool {
        Tool {
            name,
            path: path.into(),
            arguments,
            version: String::new(),
        }
    }

    fn shown(language: Language, tools: Vec<Tool>, folder: &Path) -> Vec<String> {
        let ready = Ready { tools, fetch: None };
        let recipe = recipe(language, &ready, folder).expect("there is one");
        recipe.steps.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn commands_are_shown_as_they_can_be_typed() {
        let go = shown(
            Language::Go,
            vec![tool("go", "/opt/go/bin/go", &[])],
            Path::new("/p"),
        );
        let expected = "GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags=-w -o .weir/plugin.wasm .";
        assert_eq!(go, [expected]);
        let zig = [tool("zig", "/usr/bin/python3", &["-m", "ziglang"])].to_vec();
        let c = shown(Language::C, zig, Path::new("/p"));
        assert!(
            c[0].starts_with("python3 -m ziglang cc -target wasm32-freestanding -g "),
            "{c:?}"
        );
        let own = vec![tool("asc", "/p/node_modules/.bin/asc", &[])];
        let own = shown(Language::AssemblyScript, own, Path::new("/p"));
        assert!(
            own[0].starts_with("./node_modules/.bin/asc plugin.ts "),
            "{own:?}"
        );
        let own = command("make 'a b' && cp x y", Path::new("x.wasm"));
        assert_eq!(
            own.steps[0].to_string(),
            r"sh -c 'make '\''a b'\'' && cp x y'"
        );
    }

    #[test]
    fn rust_of_debian_builds_its_standard_library() {
        let cargo = || tool("cargo", "/c/cargo", &[]);
        let own = shown(Language::Rust, vec![cargo()], Path::new("/p"));
        assert!(
            own[0].starts_with("cargo build --release --target wasm32-unknown-unknown "),
            "{own:?}"
        );
        let debian = vec![cargo(), tool(DEBIAN_RUST, "/usr/bin/rustc", &[])];
        let debian = shown(Language::Rust, debian, Path::new("/p"));
        for part in [
            "RUSTC=/usr/bin/rustc ",
            "RUSTC_BOOTSTRAP=1 ",
            "-Zbuild-std=std,panic_abort",
        ] {
            assert!(debian[0].contains(part), "lacks {part}: {debian:?}");
        }
    }

    #[test]
    fn typescript_is_bundled_and_its_world_is_told() {
        let folder = std::env::temp_dir().join(format!("weir-recipe-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let source = folder.join("plugin.ts");
        std::fs::write(&source, "export function deliver() {}").expect("it can be written");
        let tools = vec![
            tool("componentize-qjs", "/n/componentize-qjs", &[]),
            tool("esbuild", "/n/esbuild", &[]),
        ];
        let steps = shown(Language::TypeScript, tools, &folder);
        assert!(
            steps[0].starts_with("esbuild plugin.ts --bundle "),
            "{steps:?}"
        );
        assert!(
            steps[1].contains("--js .weir/plugin.js -n sink --sync "),
            "{steps:?}"
        );
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }
}
