//! Real notices of real changes. Each wait is for a notice about one path, so that one left over from before cannot pass for it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use notify::event::{CreateKind, DataChange, Flag, ModifyKind};

use super::*;
use crate::config_map::ConfigMapVolume;
use crate::testing::Folder;

/// Longer than any notice takes; only a test that fails waits for it.
const WAIT: Duration = Duration::from_secs(30);

struct Watched {
    root: Folder,
    notices: Notices,
    seen: Receiver<Option<PathBuf>>,
    directories: Vec<PathBuf>,
    files: Vec<PathBuf>,
}

impl Watched {
    fn new(name: &str, directories: &[&str], files: &[&str]) -> Watched {
        let root = Folder::new(name);
        let (send, seen) = channel();
        let observer = move |path: Option<&Path>| {
            // A test that is over does not care.
            let _ = send.send(path.map(Path::to_owned));
        };
        let paths = |names: &[&str]| names.iter().map(|name| root.path().join(name)).collect();
        Watched {
            notices: Notices::observed(Box::new(observer)),
            seen,
            directories: paths(directories),
            files: paths(files),
            root,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// As at the beginning of each look.
    fn look(&mut self) {
        let warnings = self.notices.watch(&self.directories, &self.files);
        assert_eq!(warnings, [""; 0]);
    }

    /// Waits for a notice about this path.
    fn expect(&self, path: &str) {
        let path = self.path(path);
        loop {
            let seen = self.seen.recv_timeout(WAIT);
            if seen.unwrap_or_else(|_| panic!("no notice about {}", path.display()))
                == Some(path.clone())
            {
                return;
            }
        }
    }

    /// Ends the watcher; all notices that were not waited for.
    fn rest(self) -> Vec<Option<PathBuf>> {
        drop(self.notices);
        let mut rest = Vec::new();
        while let Ok(seen) = self.seen.recv_timeout(WAIT) {
            rest.push(seen);
        }
        rest
    }
}

#[test]
fn what_is_written_replaced_removed_or_allowed_is_noticed() {
    let mut watched = Watched::new("notices-plain", &["plugins"], &["etc/config.yaml"]);
    watched.root.write("plugins/a.wasm", "a");
    watched.root.write("etc/config.yaml", "a");
    watched.look();
    watched.root.write("plugins/b.wasm", "b");
    watched.expect("plugins/b.wasm");
    fs::rename(
        watched.path("plugins/b.wasm"),
        watched.path("plugins/c.wasm"),
    )
    .expect("ours");
    watched.expect("plugins/c.wasm");
    fs::set_permissions(
        watched.path("plugins/a.wasm"),
        fs::Permissions::from_mode(0o600),
    )
    .expect("ours");
    watched.expect("plugins/a.wasm");
    fs::remove_file(watched.path("plugins/a.wasm")).expect("ours");
    watched.expect("plugins/a.wasm");
    watched.root.write("etc/config.yaml", "b");
    watched.expect("etc/config.yaml");
    watched.root.write("etc/.config.yaml.new", "c");
    fs::rename(
        watched.path("etc/.config.yaml.new"),
        watched.path("etc/config.yaml"),
    )
    .expect("ours");
    watched.expect("etc/config.yaml");
}

#[test]
fn reading_and_other_names_give_no_notice() {
    let mut watched = Watched::new("notices-silent", &["plugins"], &["etc/config.yaml"]);
    let plugin = watched.root.write("plugins/a.wasm", "a");
    let config = watched.root.write("etc/config.yaml", "a");
    watched.look();
    for _ in 0..100 {
        fs::read(&plugin).expect("it is there");
        fs::read(&config).expect("it is there");
        fs::read_dir(watched.path("plugins"))
            .expect("it is there")
            .count();
        watched
            .root
            .write("etc/position", "another file of the same folder");
        watched.look();
    }
    // Events are in order: after this one, there are no others of before.
    fs::create_dir(watched.path("plugins/last")).expect("a folder");
    let last = watched.path("plugins/last");
    assert_eq!(watched.seen.recv_timeout(WAIT), Ok(Some(last)));
    assert_eq!(watched.rest(), []);
}

#[test]
fn a_directory_that_comes_later_is_noticed_with_what_is_in_it() {
    let mut watched = Watched::new("notices-later", &["a/b/plugins"], &["a/c/config.yaml"]);
    watched.look();
    fs::create_dir(watched.path("a")).expect("a folder");
    watched.expect("a");
    watched.look();
    fs::create_dir_all(watched.path("a/b/plugins")).expect("a folder");
    watched.expect("a/b");
    watched.look();
    watched.root.write("a/b/plugins/x.wasm", "x");
    watched.expect("a/b/plugins/x.wasm");
    watched.root.write("a/c/config.yaml", "");
    watched.expect("a/c");
    watched.look();
    watched.root.write("a/c/config.yaml", "b");
    watched.expect("a/c/config.yaml");
}

#[test]
fn a_directory_that_was_removed_and_made_anew_is_watched_anew() {
    let mut watched = Watched::new("notices-anew", &["plugins"], &[]);
    for round in 0..20 {
        watched.root.write("plugins/x.wasm", "x");
        watched.look();
        fs::remove_dir_all(watched.path("plugins")).expect("ours");
        if round % 2 == 0 {
            // Also when it is there again before anybody looks.
            fs::create_dir(watched.path("plugins")).expect("a folder");
        }
        watched.expect("plugins");
        watched.look();
        watched.look();
        fs::create_dir_all(watched.path("plugins")).expect("a folder");
        watched.look();
        watched.root.write("plugins/y.wasm", "y");
        watched.expect("plugins/y.wasm");
    }
}

#[test]
fn a_directory_that_another_took_the_place_of_is_watched_anew() {
    let mut watched = Watched::new("notices-place", &["plugins"], &[]);
    fs::create_dir(watched.path("plugins")).expect("a folder");
    watched.look();
    for round in 0..20 {
        let next = format!("next-{round}");
        fs::create_dir(watched.path(&next)).expect("a folder");
        fs::rename(
            watched.path("plugins"),
            watched.path(&format!("old-{round}")),
        )
        .expect("ours");
        fs::rename(watched.path(&next), watched.path("plugins")).expect("ours");
        watched.expect("plugins");
        watched.look();
        watched
            .root
            .write(&format!("old-{round}/old.wasm"), "not watched any more");
        watched.root.write("plugins/new.wasm", "x");
        watched.expect("plugins/new.wasm");
    }
    let rest = watched.rest();
    let old = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.ends_with("old.wasm"));
    assert!(!rest.iter().any(old), "{rest:?}");
}

#[test]
fn changes_behind_links_are_noticed_and_links_that_are_replaced() {
    let mut watched = Watched::new("notices-links", &["plugins"], &[]);
    watched.root.write("releases/1/x.wasm", "x");
    watched.root.write("releases/2/x.wasm", "x");
    let shared = watched.root.write("shared/y.wasm", "y");
    symlink(shared, watched.path("releases/2/y.wasm")).expect("a link");
    symlink("releases/1", watched.path("plugins")).expect("a link");
    watched.look();
    watched.root.write("releases/1/x.wasm", "new");
    watched.expect("releases/1/x.wasm");
    symlink("releases/2", watched.path("next")).expect("a link");
    fs::rename(watched.path("next"), watched.path("plugins")).expect("ours");
    watched.expect("plugins");
    watched.look();
    watched.root.write("shared/y.wasm", "new");
    watched.expect("shared/y.wasm");
}

#[test]
fn each_version_of_a_volume_is_noticed() {
    let mut watched = Watched::new("notices-volume", &["plugins"], &["etc/config.yaml"]);
    let mut plugins = ConfigMapVolume::new(&watched.path("plugins"));
    let mut config = ConfigMapVolume::new(&watched.path("etc"));
    watched.look();
    plugins.write(&[("x.wasm".to_owned(), vec![])].into());
    watched.expect("plugins/..data");
    config.write(&[("config.yaml".to_owned(), vec![])].into());
    watched.expect("etc/config.yaml");
    for number in 0..50 {
        watched.look();
        plugins.write(&[("x.wasm".to_owned(), vec![number])].into());
        watched.expect("plugins/..data");
        config.write(&[("config.yaml".to_owned(), vec![number])].into());
        watched.expect("etc/..data");
    }
}

#[test]
fn other_directories_take_the_place_of_the_first() {
    let mut watched = Watched::new("notices-other", &["one"], &[]);
    fs::create_dir(watched.path("one")).expect("a folder");
    fs::create_dir(watched.path("two")).expect("a folder");
    watched.look();
    watched.directories = vec![watched.path("two")];
    watched.look();
    watched.root.write("one/x.wasm", "not watched any more");
    watched.root.write("two/x.wasm", "x");
    watched.expect("two/x.wasm");
    let one = Some(watched.path("one/x.wasm"));
    assert!(!watched.rest().contains(&one));
}

#[test]
fn errors_say_what_they_mean_and_only_once() {
    let watched = Watched::new("notices-errors", &[], &[]);
    let mut notices = watched.notices;
    let limit = notify::Error::new(ErrorKind::MaxFilesWatch);
    let text = unwatched("/plugins", &limit);
    assert_eq!(
        text,
        "cannot watch /plugins: this user has no inotify watches left on this node; changes there are found by the look every 30 s; raise fs.inotify.max_user_watches to have them found at once"
    );
    let instances = io::Error::from_raw_os_error(rustix::io::Errno::MFILE.raw_os_error());
    let text = unwatched("anything", &notify::Error::io(instances));
    assert!(text.contains("max_user_instances"), "{text}");
    for expected in [1, 0, 0] {
        let broken = notify::Error::generic("broken");
        notices.shared.handle(Err(broken));
        assert_eq!(notices.watch(&[], &[]).len(), expected);
    }
    assert!(notices.watch(&[], &[]).is_empty());
    notices.shared.handle(Err(notify::Error::generic("broken")));
    assert_eq!(notices.watch(&[], &[]).len(), 1, "it had gone");
}

#[test]
fn an_overflow_is_a_notice_and_only_changes_are() {
    let watched = Watched::new("notices-kinds", &["plugins"], &[]);
    let mut notices = watched.notices;
    notices.watch(&[watched.root.path().to_owned()], &[]);
    let path = watched.root.path().join("x");
    let check = |event: Event| {
        notices.shared.handle(Ok(event));
        watched.seen.try_recv().ok()
    };
    let event = |kind| Event::new(kind).add_path(path.clone());
    let changed = Some(Some(path.clone()));
    assert_eq!(
        check(Event::new(EventKind::Other).set_flag(Flag::Rescan)),
        Some(None)
    );
    assert_eq!(check(event(EventKind::Create(CreateKind::File))), changed);
    assert_eq!(
        check(event(EventKind::Modify(ModifyKind::Data(DataChange::Any)))),
        changed
    );
    let closed = |mode| EventKind::Access(AccessKind::Close(mode));
    assert_eq!(check(event(closed(AccessMode::Write))), changed);
    assert_eq!(check(event(closed(AccessMode::Read))), None);
    assert_eq!(
        check(event(EventKind::Access(AccessKind::Open(AccessMode::Any)))),
        None
    );
}
