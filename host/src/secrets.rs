//! `${env:NAME}` and `${file:/path}`: in a plugin's configuration they become placeholders before the plugin
//! sees them; in a key of the host they become what they stand for.

use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_runtime::Secrets;

/// Where secrets come from.
pub struct Sources<'a> {
    /// The environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The folders below which `${file:…}` may read.
    pub directories: &'a [PathBuf],
}

/// The configuration as JSON text with placeholders, and what they stand for. No value is ever in an error.
///
/// # Errors
/// All secrets that cannot be had.
pub fn hide(config: &Value, sources: &Sources<'_>) -> Result<(String, Secrets), Vec<String>> {
    let secrets = Secrets::default();
    let mut errors = Vec::new();
    let mut config = config.clone();
    hide_in(&mut config, sources, &secrets, &mut errors);
    if errors.is_empty() {
        Ok((config.to_string(), secrets))
    } else {
        Err(errors)
    }
}

/// A text of the host's own configuration, with what its references stand for. No value is ever in an error.
///
/// # Errors
/// All secrets that cannot be had.
pub fn reveal(text: &str, sources: &Sources<'_>) -> Result<String, Vec<String>> {
    let mut errors = Vec::new();
    let revealed = replace_in(text, sources, Ok, &mut errors);
    if errors.is_empty() {
        Ok(revealed)
    } else {
        Err(errors)
    }
}

fn hide_in(value: &mut Value, sources: &Sources<'_>, secrets: &Secrets, errors: &mut Vec<String>) {
    match value {
        Value::String(text) => *text = hide_in_text(text, sources, secrets, errors),
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| hide_in(item, sources, secrets, errors)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| hide_in(member, sources, secrets, errors)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hide_in_text(
    text: &str,
    sources: &Sources<'_>,
    secrets: &Secrets,
    errors: &mut Vec<String>,
) -> String {
    let keep = |secret| {
        let kept = secrets.keep(secret);
        kept.map_err(|error| format!("no random numbers for a secret: {error}"))
    };
    replace_in(text, sources, keep, errors)
}

/// The text with what `by` makes of the secret in place of each reference.
fn replace_in(
    text: &str,
    sources: &Sources<'_>,
    by: impl Fn(String) -> Result<String, String>,
    errors: &mut Vec<String>,
) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, kind, name, after)) = next_reference(rest) {
        replaced.push_str(before);
        let secret = match kind {
            Kind::Environment => from_environment(name, sources),
            Kind::File => from_file(name, sources),
        };
        match secret.and_then(&by) {
            Ok(instead) => replaced.push_str(&instead),
            Err(error) => errors.push(error),
        }
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

enum Kind {
    Environment,
    File,
}

/// The first reference in a text: what is before it, its kind and name, what is after it.
fn next_reference(text: &str) -> Option<(&str, Kind, &str, &str)> {
    let found = [("${env:", Kind::Environment), ("${file:", Kind::File)]
        .into_iter()
        .filter_map(|(opening, kind)| Some((text.find(opening)?, opening, kind)))
        .min_by_key(|(at, ..)| *at)?;
    let (at, opening, kind) = found;
    let (name, after) = text[at + opening.len()..].split_once('}')?;
    Some((&text[..at], kind, name, after))
}

fn from_environment(name: &str, sources: &Sources<'_>) -> Result<String, String> {
    (sources.environment)(name).ok_or_else(|| {
        format!(
            "${{env:{name}}}: the environment variable is not set; set it, or remove the reference"
        )
    })
}

fn from_file(name: &str, sources: &Sources<'_>) -> Result<String, String> {
    let failed = |what: &str| format!("${{file:{name}}}: {what}");
    // Links are followed before the folder is compared: a ConfigMap or Secret volume is made of links.
    let path = Path::new(name)
        .canonicalize()
        .map_err(|error| failed(&error.to_string()))?;
    let allowed = sources
        .directories
        .iter()
        .filter_map(|folder| folder.canonicalize().ok());
    if !allowed.into_iter().any(|folder| path.starts_with(folder)) {
        return Err(failed(
            "not below any of secrets.directories; add its folder there",
        ));
    }
    let secret = std::fs::read_to_string(&path).map_err(|error| failed(&error.to_string()))?;
    Ok(secret.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(config: &Value, directories: &[PathBuf]) -> Result<(String, Secrets), Vec<String>> {
        let environment = |name: &str| (name == "KEY").then(|| "hunter2".to_owned());
        hide(
            config,
            &Sources {
                environment: &environment,
                directories,
            },
        )
    }

    #[test]
    fn a_plugin_gets_placeholders_and_the_rest_unchanged() {
        let config = json!({"apiKey": "Bearer ${env:KEY}", "n": [1, "${other}", "$x ${env:"]});
        let (text, _) = check(&config, &[]).expect("KEY is set");
        assert!(
            !text.contains("hunter2") && !text.contains("env:KEY"),
            "{text}"
        );
        let hidden: Value = serde_json::from_str(&text).expect("JSON");
        assert!(
            hidden["apiKey"]
                .as_str()
                .expect("text")
                .starts_with("Bearer weir-secret-")
        );
        assert_eq!(hidden["n"], config["n"]);
    }

    #[test]
    fn the_host_gets_what_a_reference_stands_for() {
        let environment = |name: &str| (name == "KEY").then(|| "hunter2".to_owned());
        let sources = Sources {
            environment: &environment,
            directories: &[],
        };
        assert_eq!(
            reveal("a ${env:KEY} b", &sources),
            Ok("a hunter2 b".to_owned())
        );
        assert_eq!(
            reveal("${env:KEY", &sources),
            Ok("${env:KEY".to_owned()),
            "no reference"
        );
        let errors = reveal("${env:KEY} ${env:NOPE}", &sources).expect_err("one is not there");
        assert!(
            errors.len() == 1 && errors[0].contains("NOPE") && !errors[0].contains("hunter2"),
            "{errors:?}"
        );
    }

    #[test]
    fn all_that_is_missing_is_reported() {
        let config =
            json!({"a": "${env:NOPE}", "b": ["${env:NADA} ${env:NIL}"], "c": "${file:/no/such}"});
        let errors = check(&config, &[]).expect_err("nothing is there");
        assert_eq!(errors.len(), 4, "{errors:?}");
        assert!(
            errors[0].contains("NOPE") && errors[3].contains("/no/such"),
            "{errors:?}"
        );
    }

    #[test]
    fn files_are_read_below_the_allowed_folders_only() {
        let folder = std::env::temp_dir().join(format!("weir-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join("key");
        std::fs::write(&file, "hunter3\n").expect("a file");
        let config = json!({"key": format!("${{file:{}}}", file.display())});
        let refused = check(&config, &[]).expect_err("no folder is allowed");
        assert!(refused[0].contains("secrets.directories"), "{refused:?}");
        let (text, _) =
            check(&config, std::slice::from_ref(&folder)).expect("the folder is allowed");
        assert!(
            text.contains("weir-secret-") && !text.contains("hunter3"),
            "{text}"
        );
        std::fs::remove_dir_all(folder).expect("it is ours");
    }
}
