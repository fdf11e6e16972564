//! What can be wrong with a configuration, and how it is shown.
//!
//! It only holds and prints: finding errors is `tree`'s and `check`'s work. Called by whoever shows a
//! configuration's errors; [`ConfigError`] serialises for `weir check --output json`.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// A place in the file. Both count from 1, columns in characters; line 0 means nowhere.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The class of an error: a fixed label for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorKind {
    /// The text is no YAML, or YAML that is not accepted here (several documents, too large).
    Syntax,
    /// A key is there twice.
    Duplicate,
    /// No such key.
    UnknownKey,
    /// A required key is not there.
    Missing,
    /// A value of the wrong type.
    Type,
    /// A value of the right type that is not allowed.
    Value,
    /// A name that names nothing, or names two things.
    Reference,
    /// A pattern that is no regular expression.
    Pattern,
    /// A configuration that people run without knowing what it does.
    Trap,
    /// Not an error: allowed, but probably not meant.
    Warning,
}

/// One error (or warning) in a configuration.
///
/// Its text is `file:line:column: path: problem; help (expected …)`, the place where there is one. It never holds a value that came
/// from the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigError {
    /// The name of the file as it was given.
    pub file: String,
    /// Where.
    #[serde(flatten)]
    pub at: Position,
    /// The path of the key, such as `route.routes[0].match[1].minCount`; "" is the whole file.
    pub path: String,
    /// The class.
    pub kind: ErrorKind,
    /// What is wrong, with what was found.
    pub problem: String,
    /// What was found, if that is a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// What was expected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.at.line > 0 {
            write!(f, ":{}:{}", self.at.line, self.at.column)?;
        }
        f.write_str(": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        if self.kind == ErrorKind::Warning {
            f.write_str("warning: ")?;
        }
        f.write_str(&self.problem)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        if let Some(expected) = &self.expected {
            write!(f, " (expected {expected})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// All errors of a configuration, by position; never empty. Prints one a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Why a configuration file could not be used. Exit code 2 in every case.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Read {
        /// The file as it was given.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The file is no UTF-8.
    #[error("the configuration {} is not UTF-8 text (byte {offset})", path.display())]
    NotText {
        /// The file as it was given.
        path: PathBuf,
        /// The first byte that is wrong, from 0.
        offset: usize,
    },
    /// The file is too large.
    #[error("the configuration {} is too large: at most {most_bytes} bytes are read", path.display())]
    TooLarge {
        /// The file as it was given.
        path: PathBuf,
        /// The limit.
        most_bytes: usize,
    },
    /// What it says is wrong.
    #[error(transparent)]
    Invalid(#[from] ConfigErrors),
}

impl LoadError {
    /// Everything that is wrong, an item each.
    pub fn items(&self) -> Vec<String> {
        match self {
            LoadError::Invalid(errors) => errors.0.iter().map(ToString::to_string).collect(),
            LoadError::Read { source, .. } => vec![format!("{self}: {source}")],
            LoadError::NotText { .. } | LoadError::TooLarge { .. } => vec![self.to_string()],
        }
    }
}
