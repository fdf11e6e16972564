//! `weir plugin new`: a folder with a plugin to begin with.

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use super::plugin_languages::{how_to_install, on_this_machine};
use super::{EXIT_FAILED, EXIT_USAGE, failed, say};
use crate::author::{self, File, Language, NAME_EXPECTED, Ready, Template};
use crate::cli::{New, NewKind};

/// Makes the folder.
///
/// # Errors
/// With the exit code, after the error was said: then nothing was made, or what could be.
pub fn run(arguments: &New) -> Result<ExitCode, ExitCode> {
    let usage = |problem: String| failed(EXIT_USAGE, &problem);
    let language = language(&arguments.lang).map_err(usage)?;
    let folder = &arguments.name;
    let name = folder.file_name().and_then(|name| name.to_str());
    let name = name.filter(|name| author::is_name(name)).ok_or_else(|| {
        usage(format!(
            "{} is no name for a plugin: expected {NAME_EXPECTED}",
            folder.display()
        ))
    })?;
    refuse_used(folder).map_err(usage)?;
    let template = match arguments.kind {
        NewKind::Filter => Template::Filter,
        NewKind::Transform => Template::Transform,
        NewKind::Sink => Template::Sink,
    };
    let files =
        author::scaffold(name, language, template).map_err(|error| failed(EXIT_FAILED, &error))?;
    for file in &files {
        write(folder, file).map_err(|error| {
            let path = folder.join(&file.path);
            failed(
                EXIT_FAILED,
                &format_args!("cannot write {}: {error}", path.display()),
            )
        })?;
    }
    tell(folder, language, template, &files);
    Ok(ExitCode::SUCCESS)
}

fn language(word: &str) -> Result<Language, String> {
    Language::find(word).ok_or_else(|| {
        let near = Language::near(word).map(|near| format!("; did you mean `{near}`?"));
        let names: Vec<_> = Language::all().map(Language::name).collect();
        format!(
            "no language `{word}`{} (expected one of: {}). A plugin in any other language needs a folder with a plugin.yaml that \
             has `language: other` and `build:`",
            near.unwrap_or_default(),
            names.join(", ")
        )
    })
}

/// Only a folder that is not there, or is empty, is written to.
fn refuse_used(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(format!(
                "the folder {shown} is there and not empty: expected a new one"
            )),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot use {shown}: {error}")),
    }
}

fn write(folder: &Path, file: &File) -> io::Result<()> {
    let path = folder.join(&file.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, &file.bytes)
}

/// Files that are listed: the crate of the SDK has many.
const LISTED_DEEP: &str = "sdk/";

fn tell(folder: &Path, language: Language, template: Template, files: &[File]) {
    let shown = folder.display();
    let (kind, language_name) = (template.label(), language.name());
    say(&format_args!("made {shown}: a {kind} in {language_name}"));
    for file in files
        .iter()
        .filter(|file| !file.path.starts_with(LISTED_DEEP))
    {
        let note = if file.path == language.source() {
            "   the plugin: begin here"
        } else {
            ""
        };
        say(&format_args!("  {}{note}", file.path));
    }
    if files.iter().any(|file| file.path.starts_with(LISTED_DEEP)) {
        say(&format_args!("  {LISTED_DEEP}…"));
    }
    say(&format_args!(
        "next:\n  cd {}\n  weir plugin build\n  weir plugin test",
        author::quoted(&shown.to_string())
    ));
    match on_this_machine(language, Some(folder)) {
        Ok(Ready { fetch: None, .. }) => {}
        Ok(Ready {
            fetch: Some(fetch), ..
        }) => say(&format_args!(
            "the first build fetches {} into {}",
            fetch.missing, fetch.makes
        )),
        Err(missing) => say(&format_args!(
            "before that: {}\n{}",
            missing.what,
            how_to_install(&missing)
        )),
    }
}
