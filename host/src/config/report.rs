//! Collects errors and warnings while a configuration is checked, and finds what was meant.
//!
//! Every check writes here and goes on, so that all errors are told at once. It prints nothing.

use std::path::Path;

use super::error::{ConfigError, ErrorKind, Position};

/// How many errors are told: more than anyone reads at once.
const ERRORS_MOST: usize = 100;
/// How many names an error text lists: a screen.
const NAMES_SHOWN_MOST: usize = 50;
/// How many names are compared with one that was misspelt: each costs a microsecond, and there may be many
/// errors.
const NAMES_COMPARED_MOST: usize = 200;

/// What was found wrong so far.
pub(crate) struct Report<'a> {
    /// The name of the file, for error texts.
    pub(crate) file: &'a str,
    /// The folder that relative paths are relative to.
    pub(crate) base: &'a Path,
    pub(crate) errors: Vec<ConfigError>,
    pub(crate) warnings: Vec<ConfigError>,
}

impl<'a> Report<'a> {
    pub(crate) fn new(file: &'a str, base: &'a Path) -> Self {
        Self {
            file,
            base,
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Adds an error; what is expected and what to do can be added to what is returned.
    pub(crate) fn error(
        &mut self,
        kind: ErrorKind,
        at: Position,
        path: &str,
        problem: String,
    ) -> &mut ConfigError {
        self.errors.push(self.entry(kind, at, path, problem));
        let last = self.errors.len() - 1;
        &mut self.errors[last]
    }

    /// Adds a warning.
    pub(crate) fn warn(&mut self, at: Position, path: &str, problem: &str) -> &mut ConfigError {
        self.warnings
            .push(self.entry(ErrorKind::Warning, at, path, problem.to_owned()));
        let last = self.warnings.len() - 1;
        &mut self.warnings[last]
    }

    /// The errors and the warnings, each by position. Of very many errors only the first.
    pub(crate) fn finish(self) -> (Vec<ConfigError>, Vec<ConfigError>) {
        let (mut errors, mut warnings) = (self.errors, self.warnings);
        errors.sort_by_key(|error| error.at);
        warnings.sort_by_key(|warning| warning.at);
        if errors.len() > ERRORS_MOST {
            let more = errors.len() - ERRORS_MOST;
            errors.truncate(ERRORS_MOST);
            if let Some(last) = errors.last_mut() {
                last.help = Some(format!("and {more} more errors"));
            }
        }
        (errors, warnings)
    }

    fn entry(&self, kind: ErrorKind, at: Position, path: &str, problem: String) -> ConfigError {
        ConfigError {
            file: self.file.to_owned(),
            at,
            path: path.to_owned(),
            kind,
            problem,
            found: None,
            expected: None,
            help: None,
        }
    }
}

impl ConfigError {
    pub(crate) fn found(&mut self, found: impl Into<String>) -> &mut Self {
        self.found = Some(found.into());
        self
    }

    pub(crate) fn expected(&mut self, expected: impl Into<String>) -> &mut Self {
        self.expected = Some(expected.into());
        self
    }

    pub(crate) fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// Adds `did you mean "…"?` if one of the names is close to what was written.
    pub(crate) fn did_you_mean<'n>(
        &mut self,
        written: &str,
        names: impl IntoIterator<Item = &'n str>,
    ) -> &mut Self {
        match closest(written, names) {
            Some(name) => self.help(format!("did you mean {name:?}?")),
            None => self,
        }
    }
}

/// The name closest to what was written, if it is close: one edit, or one for each three characters.
pub(crate) fn closest<'n>(
    written: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    // Comparing takes time by the length; no key is that long.
    const WRITTEN_MOST_BYTES: usize = 100;
    if written.len() > WRITTEN_MOST_BYTES {
        return None;
    }
    let lower = written.to_lowercase();
    let most = (written.chars().count() / 3).max(1);
    let mut best: Option<(usize, &str)> = None;
    for name in names.into_iter().take(NAMES_COMPARED_MOST) {
        let distance = strsim::damerau_levenshtein(&lower, &name.to_lowercase());
        if distance <= most
            && distance < name.chars().count()
            && best.is_none_or(|(least, _)| distance < least)
        {
            best = Some((distance, name));
        }
    }
    best.map(|(_, name)| name)
}

/// A key below a path: `a.b`, or `a["x/y"]` if the key is no plain name.
pub(crate) fn join(path: &str, key: &str) -> String {
    const KEY_MOST_CHARACTERS: usize = 100;
    if let Some((cut, _)) = key.char_indices().nth(KEY_MOST_CHARACTERS) {
        return format!("{path}[{:?}…]", &key[..cut]);
    }
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path.is_empty(), plain) {
        (true, true) => key.to_owned(),
        (false, true) => format!("{path}.{key}"),
        (_, false) => format!("{path}[{key:?}]"),
    }
}

/// `one of: a, b, c`; of very many names only the first.
pub(crate) fn one_of<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.into_iter().take(NAMES_SHOWN_MOST + 1).collect();
    if names.len() > NAMES_SHOWN_MOST {
        names[NAMES_SHOWN_MOST] = "…";
    }
    match names.as_slice() {
        [only] => (*only).to_owned(),
        _ => format!("one of: {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names() {
        let names = ["receiver", "reason", "type", "host", "apiVersion"];
        for (written, expected) in [
            ("receivr", Some("receiver")),
            ("Receiver", Some("receiver")),
            ("reciever", Some("receiver")),
            ("tpye", Some("type")),
            ("kind", None),
            ("x", None),
            ("api_version", Some("apiVersion")),
        ] {
            assert_eq!(closest(written, names), expected, "{written}");
        }
    }
}
