//! `weir plugin build`: from a folder with a `plugin.yaml` to a plugin that is checked.
//!
//! An earlier plugin stays as it is until the new one is good.

use std::fs;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use weir_runtime::{Plugin, PluginFile, overruled, with_description};

use super::plugin;
use super::plugin_languages::{how_to_install, on_this_machine};
use super::{EXIT_FAILED, EXIT_USAGE, Surroundings, count, failed, print_line, say};
use crate::author::{
    self, Fetch, Language, Manifest, ManifestError, Ready, Recipe, SCRATCH, Step, Taken,
};
use crate::cli::{Build, PluginPlace};
use crate::pack::{CONFIG_MAP_BYTES_MAX, gzip};

/// Builds the plugin.
///
/// # Errors
/// With the exit code, after the error was said.
pub fn run(arguments: &Build, surroundings: &Surroundings) -> Result<ExitCode, ExitCode> {
    let folder = arguments.folder.as_path();
    let manifest = Manifest::load(folder).map_err(|error| manifest_failed(&error))?;
    let recipe = match &manifest.build {
        author::Build::Language(language) => language_recipe(*language, folder)?,
        author::Build::Command { command, output } => author::command(command, output),
    };
    let made = make(&recipe, folder)?;
    let file = format!("{}.wasm", manifest.name);
    let path = folder.join(&file);
    let fail = |error: &dyn std::fmt::Display| failed(EXIT_FAILED, error);
    // Unpacks and assembles, too.
    let raw = PluginFile::of(&path, made).map_err(|error| fail(&error))?;
    let wasm = with_description(&raw.wasm, &manifest.description())
        .map_err(|problem| fail(&format_args!("what was built: {problem}")))?;
    let built = PluginFile::of(&path, wasm.clone()).map_err(|error| fail(&error))?;
    // No other plugin is looked for.
    let place = PluginPlace {
        directories: vec![folder.join(SCRATCH)],
        config: None,
    };
    let loader = plugin::open(&place, surroundings)?;
    let plugin = loader.compile(built).map_err(|error| fail(&error))?;
    put(folder, &file, &wasm)
        .map_err(|error| fail(&format_args!("cannot write {}: {error}", path.display())))?;
    for key in overruled(&wasm, &manifest.description()) {
        say(&format_args!(
            "warning: `{key}` of plugin.yaml has no effect: the plugin's code says otherwise, in its section `weir` (Rust: Cargo.toml \
             and register!); `weir plugin inspect {file}` shows what counts"
        ));
    }
    report(&plugin, &wasm);
    Ok(ExitCode::SUCCESS)
}

fn manifest_failed(error: &ManifestError) -> ExitCode {
    let ManifestError::Invalid(errors) = error else {
        return failed(EXIT_USAGE, error);
    };
    say(errors);
    say(&count(errors.0.len(), "mistake"));
    ExitCode::from(EXIT_USAGE)
}

/// How the language's plugins are built, after what is missing and can be fetched was fetched.
fn language_recipe(language: Language, folder: &Path) -> Result<Recipe, ExitCode> {
    let look = || {
        on_this_machine(language, Some(folder)).map_err(|missing| {
            let how = how_to_install(&missing);
            failed(EXIT_USAGE, &format_args!("{}\n{how}", missing.what))
        })
    };
    let mut ready = look()?;
    if let Some(fetch) = &ready.fetch {
        run_fetch(fetch, folder)?;
        ready = look()?;
    }
    if let Ready {
        fetch: Some(fetch), ..
    } = &ready
    {
        let (missing, makes) = (fetch.missing, fetch.makes);
        return Err(failed(
            EXIT_FAILED,
            &format_args!(
                "{missing} is not in {makes} after all: is it in the folder's package.json or requirements.txt?"
            ),
        ));
    }
    author::recipe(language, &ready, folder).map_err(|error| failed(EXIT_FAILED, &error))
}

fn run_fetch(fetch: &Fetch, folder: &Path) -> Result<(), ExitCode> {
    let (missing, makes) = (fetch.missing, fetch.makes);
    say(&format_args!(
        "{missing} is neither here nor on PATH: making {makes}"
    ));
    for (program, arguments) in &fetch.commands {
        let program = match program.is_relative() {
            true => std::path::absolute(folder.join(program))
                .map_err(|error| failed(EXIT_FAILED, &error))?,
            false => program.clone(),
        };
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        run_step(
            &Step::new(&program, arguments.collect(), folder),
            folder,
            false,
        )?;
    }
    Ok(())
}

/// Runs all steps; gives the bytes of what they made.
fn make(recipe: &Recipe, folder: &Path) -> Result<Vec<u8>, ExitCode> {
    let scratch = folder.join(SCRATCH);
    if !recipe.steps.is_empty() {
        fs::create_dir_all(&scratch).map_err(|error| {
            let scratch = scratch.display();
            failed(EXIT_FAILED, &format_args!("cannot make {scratch}: {error}"))
        })?;
    }
    let mut said = String::new();
    for (index, step) in recipe.steps.iter().enumerate() {
        let is_last = index + 1 == recipe.steps.len();
        said = run_step(
            step,
            folder,
            is_last && recipe.taken == Taken::CargoArtifact,
        )?;
    }
    let made = match &recipe.taken {
        Taken::File(path) => folder.join(path),
        Taken::CargoArtifact => artifact(&said).ok_or_else(|| {
            let problem = "cargo made no .wasm file: expected `crate-type = [\"cdylib\"]` under `[lib]` in Cargo.toml";
            failed(EXIT_FAILED, &problem)
        })?,
    };
    fs::read(&made).map_err(|error| {
        let made = made.display();
        failed(
            EXIT_FAILED,
            &format_args!("cannot read {made}, which the build should have left (`output` in plugin.yaml says what it leaves): {error}"),
        )
    })
}

/// Runs a command in the folder, after it was shown. What it prints goes to standard error, or is given.
fn run_step(step: &Step, folder: &Path, is_taken: bool) -> Result<String, ExitCode> {
    say(&format_args!("+ {step}"));
    let ran = || -> io::Result<_> {
        let output = match is_taken {
            true => Stdio::piped(),
            // Standard output is for the one line about the plugin.
            false => Stdio::from(io::stderr().as_fd().try_clone_to_owned()?),
        };
        let variables = step.variables.iter().map(|(name, value)| (name, value));
        let mut child = Command::new(&step.program)
            .args(&step.arguments)
            .envs(variables)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output)
            .spawn()?;
        let mut said = String::new();
        if let Some(mut output) = child.stdout.take() {
            output.read_to_string(&mut said)?;
        }
        Ok((child.wait()?, said))
    };
    let program = step.program.display();
    match ran() {
        Ok((status, said)) if status.success() => Ok(said),
        Ok((status, _)) => Err(failed(
            EXIT_FAILED,
            &format_args!("the build failed: {program} ended with {status}"),
        )),
        Err(error) => Err(failed(
            EXIT_FAILED,
            &format_args!("cannot run {program}: {error}"),
        )),
    }
}

/// The last `.wasm` file that cargo says it made.
fn artifact(said: &str) -> Option<PathBuf> {
    let messages = said
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let made = messages.filter(|message| message["reason"] == "compiler-artifact");
    let mut files = made.filter_map(|message| {
        let files = message["filenames"].as_array()?.iter();
        files
            .filter_map(|file| file.as_str())
            .find(|file| file.ends_with(".wasm"))
            .map(PathBuf::from)
    });
    files.next_back()
}

/// Puts the plugin in its place in one step: what watches the folder never sees half of it.
fn put(folder: &Path, file: &str, wasm: &[u8]) -> io::Result<()> {
    let temporary = folder.join(format!(".{file}.new"));
    fs::write(&temporary, wasm)?;
    fs::rename(&temporary, folder.join(file)).inspect_err(|_| {
        let _ = fs::remove_file(&temporary);
    })
}

fn report(plugin: &Plugin, wasm: &[u8]) {
    let packed = gzip(wasm).len();
    let uses = match plugin.imports.is_empty() {
        true => "nothing".to_owned(),
        false => plugin.imports.join(", "),
    };
    print_line(&format_args!(
        "{}: {}, {} bytes ({} gzip), contract {}, uses {uses}",
        plugin.path.display(),
        plugin.kind.role(),
        grouped(wasm.len()),
        grouped(packed),
        plugin.contract
    ));
    let file = format!("{}.wasm", plugin.name);
    if wasm.len() > CONFIG_MAP_BYTES_MAX {
        let advice = if packed > CONFIG_MAP_BYTES_MAX {
            ", packed neither: it needs an image or another volume".to_owned()
        } else {
            format!(" as it is; packed it does: `weir plugin pack {file}`")
        };
        say(&format!(
            "warning: it does not fit a ConfigMap (1 MiB){advice}"
        ));
    }
}

/// `1,018`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1018, 18_500_000].map(grouped);
        assert_eq!(shown, ["0", "999", "1,018", "18,500,000"]);
    }

    #[test]
    fn the_last_module_that_cargo_made_is_taken() {
        let said = r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}
{"reason":"compiler-artifact","filenames":["/t/a.d","/t/a.wasm"]}
{"reason":"build-finished","success":true}"#;
        assert_eq!(artifact(said), Some("/t/a.wasm".into()));
        assert_eq!(artifact("{}\nno JSON"), None);
    }
}
