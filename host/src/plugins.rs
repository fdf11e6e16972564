//! Which plugin files there are, and loading those that a configuration uses.
//!
//! Directories are searched in order and a later one wins. Within one directory a name must be unique.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;
use weir_runtime::{
    Cache, Compiler, Engine, LoadError, PLUGIN_BYTES_MAX, Plugin, PluginFile, split_name,
};
use weir_watch::{DirectoryError, FileError, Found, Identity, Snapshot, Version};

use crate::config::Plugins;

/// Why the plugin directories cannot be used, or a plugin cannot be had.
#[derive(Debug, Error)]
pub enum PluginError {
    /// A directory cannot be listed.
    #[error("plugins.directories: {0}")]
    List(#[from] DirectoryError),
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
    /// Its file cannot be read.
    #[error("plugin file: {0}")]
    File(String),
    /// What is there becomes something else just now.
    #[error("plugin file: {0}")]
    Passing(FileError),
    /// Its file cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl PluginError {
    /// Whether it is likely to be otherwise at the next look, without anybody's doing.
    pub fn is_passing(&self) -> bool {
        match self {
            PluginError::List(error) => error.is_passing(),
            PluginError::Passing(_) => true,
            _ => false,
        }
    }
}

/// The plugin files of all directories, by name, as of one moment.
#[derive(Debug, Default)]
pub struct Catalogue {
    folders: Vec<Folder>,
    files: BTreeMap<String, Found>,
    /// What is named like a plugin's file and is none.
    problems: BTreeMap<String, FileError>,
    /// The versions of the volumes that the directories are of.
    versions: Vec<Version>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    is_there: bool,
}

impl Catalogue {
    /// Lists the directories; one that is not there yet is empty.
    ///
    /// # Errors
    /// When one cannot be listed, or holds two files for one plugin.
    pub fn read(folders: &[PathBuf]) -> Result<Catalogue, PluginError> {
        let wanted = |path: &Path| split_name(path).is_some();
        let snapshot = Snapshot::read(folders, wanted, &weir_watch::Limits::default());
        let mut catalogue = Catalogue::default();
        for directory in snapshot.directories {
            let is_there = match directory.listed {
                Ok(listed) => {
                    catalogue.versions.extend(listed.version);
                    let problems = listed.problems.into_iter();
                    let named =
                        problems.filter_map(|problem| Some((name(problem.path())?, problem)));
                    catalogue.problems.extend(named);
                    catalogue.files.extend(by_name(listed.files)?);
                    true
                }
                Err(DirectoryError::Absent { .. }) => false,
                Err(error) => return Err(error.into()),
            };
            let path = directory.path;
            catalogue.folders.push(Folder { path, is_there });
        }
        Ok(catalogue)
    }

    /// Whether it is of another version of a volume than something that was read from the same one: the two do not belong
    /// together.
    pub fn is_torn_from(&self, other: &Version) -> bool {
        let mut versions = self.versions.iter();
        versions.any(|version| version.is_torn_from(other))
    }

    /// The files, by plugin name.
    pub fn files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files
            .iter()
            .map(|(name, found)| (name.as_str(), found.path.as_path()))
    }

    /// The file of the plugin with this name.
    ///
    /// # Errors
    /// When there is none; the error names what is there.
    pub fn find(&self, name: &str) -> Result<&Found, PluginError> {
        match (self.files.get(name), self.problems.get(name)) {
            (Some(found), _) => Ok(found),
            (None, Some(problem)) => Err(PluginError::File(problem.to_string())),
            (None, None) => Err(self.missing(name)),
        }
    }

    fn missing(&self, name: &str) -> PluginError {
        let searched = self.folders.iter().map(|folder| {
            let note = if folder.is_there {
                ""
            } else {
                " (which is not there)"
            };
            format!("{}{note}", folder.path.display())
        });
        let searched: Vec<String> = searched.collect();
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

fn name(path: &Path) -> Option<String> {
    split_name(path).map(|(name, _)| name)
}

fn by_name(found: Vec<Found>) -> Result<BTreeMap<String, Found>, PluginError> {
    let mut files: BTreeMap<String, Found> = BTreeMap::new();
    for found in found {
        let Some(name) = name(&found.path) else {
            continue;
        };
        if let Some(other) = files.get(&name) {
            let mut both = [&other.path, &found.path].map(|path| path.display().to_string());
            both.sort();
            let [first, second] = both;
            return Err(PluginError::Twice {
                name,
                first,
                second,
            });
        }
        files.insert(name, found);
    }
    Ok(files)
}

/// Loads plugins, each file once as long as it stays as it is.
pub struct Loader {
    engine: Engine,
    compiler: Compiler,
    cache: Option<Cache>,
    catalogue: Catalogue,
    /// By the path of their files.
    loaded: BTreeMap<PathBuf, Loaded>,
}

struct Loaded {
    identity: Identity,
    plugin: Arc<Plugin>,
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
        Ok(Loader {
            engine,
            compiler,
            cache: open_cache(plugins.cache.as_deref()),
            catalogue: Catalogue::read(&directories(plugins))?,
            loaded: BTreeMap::new(),
        })
    }

    /// Lists the directories again: what is loaded from here on is what is there now.
    ///
    /// # Errors
    /// When a directory cannot be used: then nothing has changed.
    pub fn look(&mut self, plugins: &Plugins) -> Result<(), PluginError> {
        self.catalogue = Catalogue::read(&directories(plugins))?;
        let files = &self.catalogue.files;
        let is_there = |path: &PathBuf| files.values().any(|found| found.path == *path);
        self.loaded.retain(|path, _| is_there(path));
        Ok(())
    }

    /// What there is.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The plugin with this name. What is as it was is not read again, and what has the same bytes is the same plugin.
    ///
    /// # Errors
    /// When there is none, or its file cannot be used.
    pub fn load(&mut self, name: &str) -> Result<Arc<Plugin>, PluginError> {
        let found = self.catalogue.find(name)?;
        let before = self.loaded.get(&found.path);
        if let Some(before) = before.filter(|before| found.identity.is_still(&before.identity)) {
            return Ok(Arc::clone(&before.plugin));
        }
        let bytes = found
            .read(PLUGIN_BYTES_MAX)
            .map_err(|error| match error.is_passing() {
                true => PluginError::Passing(error),
                false => PluginError::File(error.to_string()),
            })?;
        let file = PluginFile::of(&found.path, bytes)?;
        let plugin = match before.filter(|before| before.plugin.digest == file.digest) {
            Some(before) => Arc::clone(&before.plugin),
            None => Arc::new(self.compile(file)?),
        };
        let loaded = Loaded {
            identity: found.identity,
            plugin: Arc::clone(&plugin),
        };
        self.loaded.insert(found.path.clone(), loaded);
        Ok(plugin)
    }

    /// The plugin in this file, wherever it lies.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn load_file(&self, path: &Path) -> Result<Plugin, LoadError> {
        self.compile(PluginFile::read(path)?)
    }

    /// The plugin of a file that was read before, or is yet to be written.
    ///
    /// # Errors
    /// When it is no plugin.
    pub fn compile(&self, file: PluginFile) -> Result<Plugin, LoadError> {
        Plugin::from_file(&self.engine, &self.compiler, self.cache.as_ref(), file)
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
