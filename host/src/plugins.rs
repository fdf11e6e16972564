//! Which plugin files there are, and loading those that a configuration uses.
//!
//! Directories are searched in order and a later one wins. Within one directory a name must be unique.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use weir_runtime::{Cache, Compiler, Engine, LoadError, Plugin, split_name};

use crate::config::Plugins;

/// Why the plugin directories cannot be used, or a plugin cannot be had.
#[derive(Debug, Error)]
pub enum PluginError {
    /// A directory cannot be listed.
    #[error("plugins.directories: cannot list {folder}: {error}")]
    List {
        /// The directory.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// Two files of one directory have the same stem.
    #[error("two files for plugin `{name}`: {first} and {second}; remove one")]
    Twice {
        /// The stem.
        name: String,
        /// One file.
        first: String,
        /// The other.
        second: String,
    },
    /// No directory has it.
    #[error("no plugin `{name}` in {searched}{hint}")]
    Missing {
        /// The stem.
        name: String,
        /// Where it was looked for.
        searched: String,
        /// What is there, or was meant.
        hint: String,
    },
    /// Its file cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// The plugin files of all directories, by name.
#[derive(Debug)]
pub struct Catalogue {
    folders: Vec<PathBuf>,
    files: BTreeMap<String, PathBuf>,
}

impl Catalogue {
    /// Lists the directories.
    ///
    /// # Errors
    /// When one cannot be listed, or holds two files for one plugin.
    pub fn read(folders: &[PathBuf]) -> Result<Catalogue, PluginError> {
        let mut files = BTreeMap::new();
        for folder in folders {
            files.extend(list(folder)?);
        }
        Ok(Catalogue {
            folders: folders.to_vec(),
            files,
        })
    }

    /// The files, by plugin name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files
            .iter()
            .map(|(name, path)| (name.as_str(), path.as_path()))
    }

    /// The file of the plugin with this name.
    ///
    /// # Errors
    /// When there is none; the error names what is there.
    pub fn find(&self, name: &str) -> Result<&Path, PluginError> {
        self.files
            .get(name)
            .map(PathBuf::as_path)
            .ok_or_else(|| self.missing(name))
    }

    fn missing(&self, name: &str) -> PluginError {
        let searched: Vec<String> = self
            .folders
            .iter()
            .map(|folder| folder.display().to_string())
            .collect();
        let names = || self.files.keys().map(String::as_str);
        let near = names()
            .map(|there| (strsim::jaro_winkler(there, name), there))
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match near {
            Some((likeness, there)) if likeness > 0.8 => format!("; did you mean `{there}`?"),
            Some(_) => format!("; there are: {}", names().collect::<Vec<_>>().join(", ")),
            None => "; there are no plugins there: put its file there, or set plugins.directories"
                .to_owned(),
        };
        PluginError::Missing {
            name: name.to_owned(),
            searched: searched.join(", "),
            hint,
        }
    }
}

fn list(folder: &Path) -> Result<BTreeMap<String, PathBuf>, PluginError> {
    let failed = |error| PluginError::List {
        folder: folder.display().to_string(),
        error,
    };
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some((name, _)) = split_name(&path) else {
            continue;
        };
        if path.is_dir() {
            continue;
        }
        if let Some(other) = files.get(&name) {
            let mut both = [other.display().to_string(), path.display().to_string()];
            both.sort();
            let [first, second] = both;
            return Err(PluginError::Twice {
                name,
                first,
                second,
            });
        }
        files.insert(name, path);
    }
    Ok(files)
}

/// Loads plugins, each file once.
pub struct Loader {
    engine: Engine,
    compiler: Compiler,
    cache: Option<Cache>,
    catalogue: Catalogue,
    loaded: BTreeMap<String, Arc<Plugin>>,
}

impl Loader {
    /// For the directories and the cache of a configuration.
    ///
    /// # Errors
    /// When a directory cannot be used. A cache that cannot be is a warning.
    pub fn new(
        engine: Engine,
        compiler: Compiler,
        plugins: &Plugins,
    ) -> Result<Loader, PluginError> {
        let folders = directories(plugins);
        // The folder beside the program need not be there: nobody named it.
        let is_absent =
            plugins.directories.is_empty() && !folders.iter().any(|folder| folder.exists());
        let catalogue = if is_absent {
            Catalogue {
                folders,
                files: BTreeMap::new(),
            }
        } else {
            Catalogue::read(&folders)?
        };
        let cache = open_cache(plugins.cache.as_deref());
        Ok(Loader {
            engine,
            compiler,
            cache,
            catalogue,
            loaded: BTreeMap::new(),
        })
    }

    /// What there is.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The plugin with this name.
    ///
    /// # Errors
    /// When there is none, or its file cannot be used.
    pub fn load(&mut self, name: &str) -> Result<Arc<Plugin>, PluginError> {
        if let Some(plugin) = self.loaded.get(name) {
            return Ok(Arc::clone(plugin));
        }
        let path = self.catalogue.find(name)?.to_path_buf();
        let plugin = Arc::new(self.load_file(&path)?);
        self.loaded.insert(name.to_owned(), Arc::clone(&plugin));
        Ok(plugin)
    }

    /// The plugin in this file, wherever it lies.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn load_file(&self, path: &Path) -> Result<Plugin, LoadError> {
        Plugin::load(&self.engine, &self.compiler, self.cache.as_ref(), path)
    }
}

/// Where plugins are looked for: what is configured, else `plugins/` beside the program.
pub fn directories(plugins: &Plugins) -> Vec<PathBuf> {
    if !plugins.directories.is_empty() {
        return plugins.directories.clone();
    }
    let program = std::env::current_exe().ok();
    program
        .and_then(|program| Some(program.parent()?.join("plugins")))
        .into_iter()
        .collect()
}

/// The configured folder, else the user's cache folder; `None` where neither can be used.
fn open_cache(configured: Option<&Path>) -> Option<Cache> {
    let folder = match configured {
        Some(folder) => folder.to_path_buf(),
        None => user_cache()?,
    };
    Cache::open(&folder)
        .map_err(|error| tracing::warn!("{error}; plugins are compiled at each start"))
        .ok()
}

/// The XDG base directory specification's cache folder, with our name.
fn user_cache() -> Option<PathBuf> {
    let folder = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    if base.is_none() {
        tracing::warn!(
            "no cache folder (neither HOME nor XDG_CACHE_HOME is set); plugins are compiled at each start"
        );
    }
    base.map(|base| base.join("weir").join("plugins"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, files: &[&str]) -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("weir-catalogue-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        for file in files {
            std::fs::write(folder.join(file), b"").expect("a file");
        }
        folder
    }

    #[test]
    fn a_later_directory_wins_and_hidden_files_are_not_seen() {
        let bundled = folder("bundled", &["a.wasm", "b.wasm", "README.md"]);
        let own = folder("own", &["b.wat", ".c.wasm", "..data.wasm"]);
        let catalogue = Catalogue::read(&[bundled.clone(), own.clone()]).expect("two good folders");
        let found: Vec<_> = catalogue.files().collect();
        assert_eq!(
            found,
            [
                ("a", bundled.join("a.wasm").as_path()),
                ("b", own.join("b.wat").as_path())
            ]
        );
        for folder in [bundled, own] {
            std::fs::remove_dir_all(folder).expect("it is ours");
        }
    }

    #[test]
    fn two_files_for_one_plugin_are_an_error_that_names_both() {
        let twice = folder("twice", &["a.wasm", "a.wat"]);
        let error = Catalogue::read(std::slice::from_ref(&twice))
            .expect_err("two files")
            .to_string();
        assert!(
            error.contains("a.wasm") && error.contains("a.wat"),
            "{error}"
        );
        std::fs::remove_dir_all(twice).expect("it is ours");
    }

    #[test]
    fn a_missing_plugin_is_told_from_a_misspelt_one() {
        let some = folder("some", &["drop-reasons.wasm", "redact.wasm"]);
        let catalogue = Catalogue::read(std::slice::from_ref(&some)).expect("a good folder");
        let error = |name| catalogue.find(name).expect_err("not there").to_string();
        assert!(
            error("drop-reason").contains("did you mean `drop-reasons`?"),
            "{}",
            error("drop-reason")
        );
        assert!(
            error("x").contains("there are: drop-reasons, redact"),
            "{}",
            error("x")
        );
        std::fs::remove_dir_all(some).expect("it is ours");
    }
}
