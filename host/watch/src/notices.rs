//! Notices that something may have changed in plugin directories or the configuration, from inotify.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind};
use notify::{Config, ErrorKind, Event, INotifyWatcher, RecursiveMode, Watcher};

use crate::looks::PERIOD;
use crate::plan::{Inode, Interest, Plan};

/// How often it is begun anew within a call when links change meanwhile; then a notice has the caller come again.
const PASSES_MAX: usize = 5;
/// The most different errors of the watcher that are kept for the next call.
const ERRORS_MAX: usize = 16;

/// Is told of what there is notice of: the path, if it is known.
type Observer = Box<dyn Fn(Option<&Path>) + Send + Sync>;

/// Watches. Ends with its value.
pub struct Notices {
    shared: Arc<Shared>,
    /// `None` until it could be made.
    watcher: Option<INotifyWatcher>,
    watched: BTreeMap<PathBuf, Inode>,
    /// The warnings of the last call.
    warned: BTreeSet<String>,
}

impl fmt::Debug for Notices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let watched = self.watched.keys();
        f.debug_set().entries(watched).finish()
    }
}

impl Notices {
    /// Watches nothing yet. `wake` is called for each notice, on the watcher's thread, and must not block: a notice means nothing
    /// but "look again". Reading gives none.
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Notices {
        Notices::observed(Box::new(move |_| wake()))
    }

    fn observed(observer: Observer) -> Notices {
        Notices {
            shared: Arc::new(Shared {
                observer,
                interests: Mutex::default(),
                errors: Mutex::default(),
            }),
            watcher: None,
            watched: BTreeMap::new(),
            warned: BTreeSet::new(),
        }
    }

    /// Sets what is watched: all that happens in the directories and to the files, whether they exist or not. To be called at the
    /// beginning of each look, before anything is read: what was made, removed or linked elsewhere since the last call is watched
    /// anew then, and what lost its watch.
    ///
    /// Gives what cannot be watched, and why; the same warning again only after a call without it. Nothing more can go wrong:
    /// what is not watched is found by the look every 30 s.
    pub fn watch(&mut self, directories: &[PathBuf], files: &[PathBuf]) -> Vec<String> {
        let mut warnings = BTreeSet::new();
        let mut is_settled = false;
        for _ in 0..PASSES_MAX {
            let plan = Plan::of(directories, files);
            warnings = plan.warning().into_iter().collect();
            // What was linked elsewhere before the watches were there gave no notice, so the second pass looks again.
            is_settled = !self.apply(plan, &mut warnings);
            if is_settled {
                break;
            }
        }
        if !is_settled {
            (self.shared.observer)(None);
        }
        warnings.append(&mut lock(&self.shared.errors));
        let new = warnings.difference(&self.warned).cloned().collect();
        self.warned = warnings;
        new
    }

    /// Watches what the plan says, and nothing else; says whether that is other than before.
    fn apply(&mut self, plan: Plan, warnings: &mut BTreeSet<String>) -> bool {
        if self.watcher.is_none() {
            match start(&self.shared) {
                Ok(watcher) => self.watcher = Some(watcher),
                Err(error) => {
                    warnings.insert(unwatched("anything", &error));
                }
            }
        }
        let Some(watcher) = &mut self.watcher else {
            return false;
        };
        let folders = plan.folders();
        let wanted: BTreeMap<_, _> = folders
            .iter()
            .map(|(path, (inode, _))| (path.clone(), *inode))
            .collect();
        let interests = folders.into_iter();
        *lock(&self.shared.interests) = interests
            .map(|(path, (_, interest))| (path, interest))
            .collect();
        for (path, inode) in &self.watched {
            if wanted.get(path) != Some(inode) {
                // It fails for one that went with its folder.
                let _ = watcher.unwatch(path);
            }
        }
        // Also those that are watched already. notify drops a watch by its path, so a late event about a folder that was removed
        // takes the watch of its successor; and a watch ends when its file system is unmounted.
        for path in wanted.keys() {
            if let Err(error) = watcher.watch(path, RecursiveMode::NonRecursive) {
                warnings.insert(unwatched(&path.display().to_string(), &error));
            }
        }
        let is_other = self.watched != wanted;
        self.watched = wanted;
        is_other
    }
}

/// What the watcher's thread needs.
struct Shared {
    observer: Observer,
    interests: Mutex<BTreeMap<PathBuf, Interest>>,
    errors: Mutex<BTreeSet<String>>,
}

impl Shared {
    fn handle(&self, event: notify::Result<Event>) {
        match event {
            Ok(event) if event.need_rescan() => (self.observer)(None),
            Ok(event) if is_change(&event.kind) => {
                let mut paths = event.paths.iter();
                if let Some(path) = paths.find(|path| self.counts(path)) {
                    (self.observer)(Some(path));
                }
            }
            Ok(_) => {}
            Err(error) => {
                let mut errors = lock(&self.errors);
                if errors.len() < ERRORS_MAX {
                    errors.insert(unwatched("all folders", &error));
                }
                drop(errors);
                (self.observer)(None);
            }
        }
    }

    /// Whether it is a watched folder itself, or a name in one that counts.
    fn counts(&self, path: &Path) -> bool {
        let interests = lock(&self.interests);
        let in_folder = || {
            interests
                .get(path.parent()?)?
                .includes(path.file_name()?)
                .then_some(())
        };
        interests.contains_key(path) || in_folder().is_some()
    }
}

/// Whether something is other than before. Opening and reading is not, else the look itself would give notice; a file that was
/// open for writing and is closed is.
fn is_change(kind: &EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    }
}

fn start(shared: &Arc<Shared>) -> notify::Result<INotifyWatcher> {
    let shared = Arc::clone(shared);
    INotifyWatcher::new(move |event| shared.handle(event), Config::default())
}

/// What cannot be watched, why, what it means and what can be done.
fn unwatched(what: &str, error: &notify::Error) -> String {
    let too_many = |error: &io::Error| {
        let code = error.raw_os_error();
        code == Some(rustix::io::Errno::MFILE.raw_os_error())
    };
    let (why, advice) = match &error.kind {
        ErrorKind::MaxFilesWatch => (
            "this user has no inotify watches left on this node".to_owned(),
            "; raise fs.inotify.max_user_watches to have them found at once",
        ),
        ErrorKind::Io(error) if too_many(error) => (
            "this user has no inotify instances left on this node, or the process no file handles"
                .to_owned(),
            "; raise fs.inotify.max_user_instances or RLIMIT_NOFILE to have them found at once",
        ),
        ErrorKind::Io(error) => (error.to_string(), ""),
        _ => (error.to_string(), ""),
    };
    let seconds = PERIOD.as_secs();
    format!(
        "cannot watch {what}: {why}; changes there are found by the look every {seconds} s{advice}"
    )
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
