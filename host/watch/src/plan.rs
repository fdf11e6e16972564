//! Which folders have to be watched for some directories and files, and what in each of them counts. Looks at the disk,
//! watches nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::looks::PERIOD;
use crate::pinned::inode;

/// The most folders that are watched: links in a plugin directory may lead anywhere.
const FOLDERS_MAX: usize = 256;
/// The most entries of a plugin directory that are looked at for links.
const ENTRIES_MAX: usize = 100_000;
/// The most links on the way of one path, as in the kernel (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// Device and inode.
pub(crate) type Inode = (u64, u64);

/// What counts of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// All that happens in it.
    All,
    /// What happens to these names; they need not be there.
    Names(BTreeSet<OsString>),
}

impl Interest {
    pub fn includes(&self, name: &OsStr) -> bool {
        match self {
            Interest::All => true,
            Interest::Names(names) => names.contains(name),
        }
    }

    fn widen(&mut self, other: Interest) {
        match (self, other) {
            (Interest::All, _) => {}
            (of, Interest::All) => *of = Interest::All,
            (Interest::Names(names), Interest::Names(more)) => names.extend(more),
        }
    }
}

/// The folders to watch, none of them twice: inotify has one watch for a folder, whatever paths lead to it.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By inode: the path, without links, and what counts.
    folders: BTreeMap<Inode, (PathBuf, Interest)>,
    is_full: bool,
}

impl Plan {
    /// What these need as things are now.
    pub fn of(directories: &[PathBuf], files: &[PathBuf]) -> Plan {
        let mut plan = Plan::default();
        for directory in directories {
            plan.add_directory(directory);
        }
        for file in files {
            plan.add_file(file);
        }
        plan
    }

    /// The folders, by path.
    pub fn folders(self) -> BTreeMap<PathBuf, (Inode, Interest)> {
        let folders = self.folders.into_iter();
        folders
            .map(|(inode, (path, interest))| (path, (inode, interest)))
            .collect()
    }

    /// What is not watched that should be.
    pub fn warning(&self) -> Option<String> {
        self.is_full.then(|| {
            format!(
                "links of the plugin directories and the configuration lead through more than {FOLDERS_MAX} folders; what changes in the others is found by the look every {} s",
                PERIOD.as_secs()
            )
        })
    }

    /// A directory: all in it, and where the links in it lead.
    fn add_directory(&mut self, directory: &Path) {
        let Some(real) = self.follow(directory) else {
            return;
        };
        let Ok(entries) = fs::read_dir(&real) else {
            // A file in its place, or no permission: a change of that is seen from outside.
            return self.add_named(&real);
        };
        self.add(&real, Interest::All);
        for entry in entries.take(ENTRIES_MAX).flatten() {
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            if is_link && !entry.file_name().as_bytes().starts_with(b".") {
                self.add_file(&entry.path());
            }
        }
    }

    /// A file: its name in the folder that it really lies in, and the links on the way.
    fn add_file(&mut self, file: &Path) {
        if let Some(real) = self.follow(file) {
            self.add_named(&real);
        }
    }

    /// Follows a path as the kernel does; gives where it leads, without links. Each link on the way counts, and where the path
    /// leads nowhere, the name that is missing in the last folder that is there.
    fn follow(&mut self, path: &Path) -> Option<PathBuf> {
        let mut real = PathBuf::from("/");
        let mut rest = parts(&std::path::absolute(path).ok()?);
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == ".." {
                real.pop();
                continue;
            }
            let next = real.join(&name);
            let kind = fs::symlink_metadata(&next).map(|metadata| metadata.file_type());
            let is_link = kind.as_ref().is_ok_and(fs::FileType::is_symlink);
            let is_passable = kind.is_ok_and(|kind| kind.is_dir() || rest.is_empty());
            if is_passable && !is_link {
                real = next;
                continue;
            }
            self.add_name(&real, name);
            links += 1;
            if !is_link || links > LINKS_MAX {
                return None;
            }
            let target = fs::read_link(&next).ok()?;
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            rest.extend(parts(&target));
        }
        Some(real)
    }

    /// A path without links, seen from its folder.
    fn add_named(&mut self, real: &Path) {
        if let (Some(folder), Some(name)) = (real.parent(), real.file_name()) {
            self.add_name(folder, name.to_owned());
        }
    }

    fn add_name(&mut self, folder: &Path, name: OsString) {
        self.add(folder, Interest::Names(BTreeSet::from([name])));
    }

    /// A folder that is gone again is left out: the plan is made anew until nothing changes.
    fn add(&mut self, folder: &Path, interest: Interest) {
        let Ok(inode) = inode(folder) else { return };
        if let Some((_, known)) = self.folders.get_mut(&inode) {
            known.widen(interest);
        } else if self.folders.len() < FOLDERS_MAX {
            self.folders.insert(inode, (folder.to_owned(), interest));
        } else {
            self.is_full = true;
        }
    }
}

/// The names of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config_map::ConfigMapVolume;
    use crate::testing::Folder;
    use std::os::unix::fs::symlink;

    /// The folders below this one that the plan has, each with `*` for all or the names that count.
    fn check(root: &Path, directories: &[&str], files: &[&str], expected: &[(&str, &str)]) {
        let paths =
            |names: &[&str]| -> Vec<_> { names.iter().map(|name| root.join(name)).collect() };
        let plan = Plan::of(&paths(directories), &paths(files));
        let folders = plan.folders().into_iter();
        let found: Vec<_> = folders
            .map(|(path, (_, interest))| {
                let path = path.strip_prefix(root).expect("all is below the root");
                let names = match interest {
                    Interest::All => "*".to_owned(),
                    Interest::Names(names) => {
                        let names = names.iter().map(|name| name.to_string_lossy());
                        names.collect::<Vec<_>>().join(" ")
                    }
                };
                (path.display().to_string(), names)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, names)| ((*path).to_owned(), (*names).to_owned()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_directory_is_watched_itself_and_a_file_through_its_folder() {
        let root = Folder::new("plan-plain");
        root.write("plugins/x.wasm", "x");
        root.write("etc/config.yaml", "");
        let expected = [("etc", "config.yaml"), ("plugins", "*")];
        check(root.path(), &["plugins"], &["etc/config.yaml"], &expected);
        let both = [("etc", "*")];
        check(root.path(), &["etc"], &["etc/config.yaml"], &both);
    }

    #[test]
    fn what_is_not_there_is_waited_for_in_the_nearest_folder_that_is() {
        let root = Folder::new("plan-absent");
        root.write("etc/a", "");
        let expected = [("etc", "weir")];
        check(root.path(), &["etc/weir/plugins"], &[], &expected);
        check(root.path(), &[], &["etc/weir/config.yaml"], &expected);
        check(
            root.path(),
            &[],
            &["etc/config.yaml"],
            &[("etc", "config.yaml")],
        );
        check(root.path(), &["etc/a/b"], &[], &[("etc", "a")]);
        check(root.path(), &["etc/a"], &[], &[("etc", "a")]);
    }

    #[test]
    fn links_count_where_they_lie_and_where_they_lead() {
        let root = Folder::new("plan-links");
        root.write("releases/5/x.wasm", "x");
        root.write("shared/y.wasm", "y");
        symlink("releases/current", root.path().join("plugins")).expect("a link");
        symlink("5", root.path().join("releases/current")).expect("a link");
        symlink("../../shared/y.wasm", root.path().join("releases/5/y.wasm")).expect("a link");
        symlink("nowhere/z", root.path().join("releases/5/z.wasm")).expect("a link");
        let expected = [
            ("", "plugins"),
            ("releases", "current"),
            ("releases/5", "*"),
            ("shared", "y.wasm"),
        ];
        check(root.path(), &["plugins"], &[], &expected);
    }

    #[test]
    fn links_that_go_in_circles_are_followed_to_an_end() {
        let root = Folder::new("plan-circle");
        symlink("b", root.path().join("a")).expect("a link");
        symlink("a", root.path().join("b")).expect("a link");
        check(root.path(), &["a"], &["b"], &[("", "a b")]);
    }

    #[test]
    fn a_volume_is_watched_with_its_timestamped_directory() {
        let root = Folder::new("plan-volume");
        let mut volume = ConfigMapVolume::new(&root.path().join("volume"));
        volume.write(&[("x.wasm".to_owned(), vec![1])].into());
        let data = fs::read_link(root.path().join("volume/..data")).expect("a link");
        let data = format!("volume/{}", data.display());
        let directory = [("volume", "*"), (data.as_str(), "x.wasm")];
        check(root.path(), &["volume"], &[], &directory);
        let file = [("volume", "..data x.wasm"), (data.as_str(), "x.wasm")];
        check(root.path(), &[], &["volume/x.wasm"], &file);
    }

    #[test]
    fn the_number_of_folders_is_bounded_and_said() {
        let root = Folder::new("plan-many");
        fs::create_dir(root.path().join("plugins")).expect("a folder");
        for number in 0..300 {
            root.write(&format!("far/{number}/x"), "");
            let link = root.path().join(format!("plugins/{number}"));
            symlink(format!("../far/{number}/x"), link).expect("a link");
        }
        let plan = Plan::of(&[root.path().join("plugins")], &[]);
        assert!(plan.warning().expect("a warning").contains("256 folders"));
        assert_eq!(plan.folders().len(), FOLDERS_MAX);
    }
}
