//! Directories that are there, that are not, with all kinds of things in them, and that change under the reader.

use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FileType, Mode};

use super::*;
use crate::config_map::ConfigMapVolume;
use crate::testing::Folder;

fn is_wasm(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "wasm")
}

fn list_one(directory: &Path) -> Result<Listed, DirectoryError> {
    let directories = [directory.to_owned()];
    let mut snapshot = Snapshot::read(&directories, is_wasm, &Limits::default());
    assert_eq!(snapshot.directories.len(), 1);
    let directory = snapshot.directories.remove(0);
    assert_eq!(directory.path, directories[0]);
    directory.listed
}

fn paths(listed: &Listed) -> Vec<&Path> {
    listed
        .files
        .iter()
        .map(|file| file.path.as_path())
        .collect()
}

#[test]
fn files_are_found_by_name_and_read_on_demand() {
    let root = Folder::new("snapshot-plain");
    let b = root.write("b.wasm", "b");
    let a = root.write("a.wasm", "a");
    root.write(".hidden.wasm", "");
    root.write("README.md", "");
    let listed = list_one(root.path()).expect("it can be listed");
    assert_eq!(paths(&listed), [&a, &b]);
    assert!(listed.problems.is_empty() && listed.version.is_none());
    assert_eq!(listed.files[1].read(1).expect("it is there"), b"b");
    let error = listed.files[1].read(0).expect_err("too much").to_string();
    assert!(
        error.ends_with("b.wasm has 1 bytes, and files of at most 0 are read; make it smaller"),
        "{error}"
    );
}

#[test]
fn odd_things_do_not_keep_others_from_being_found() {
    let root = Folder::new("snapshot-odd");
    let path = |name| root.path().join(name);
    let good = root.write("good.wasm", "good");
    std::fs::create_dir(path("folder.wasm")).expect("a folder");
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path("pipe.wasm"), FileType::Fifo, mode, 0)
        .expect("a pipe");
    symlink("loop.wasm", path("loop.wasm")).expect("a link");
    symlink("nowhere", path("dangling.wasm")).expect("a link");
    symlink("good.wasm", path("link.wasm")).expect("a link");
    let large = path("large.wasm");
    let file = std::fs::File::create(&large).expect("a file");
    file.set_len(50 << 20).expect("a hole takes no space");
    let listed = list_one(root.path()).expect("it can be listed");
    assert_eq!(
        paths(&listed),
        [&good, &large, &path("link.wasm")].map(Path::new)
    );
    assert_eq!(listed.dangling, [path("dangling.wasm")]);
    let problems: Vec<_> = listed.problems.iter().map(ToString::to_string).collect();
    assert!(problems[0].ends_with("folder.wasm is a folder, and not a file; rename or remove it"));
    assert!(problems[1].starts_with("cannot read") && problems[1].contains("loop.wasm"));
    assert!(
        problems[2].ends_with("pipe.wasm is a named pipe, and not a file; rename or remove it")
    );
    let error = listed.files[1].read(16 << 20).expect_err("too large");
    assert!(
        matches!(
            error,
            FileError::TooLarge {
                bytes: 52_428_800,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_directory_that_cannot_be_listed_is_said_and_the_others_are() {
    let root = Folder::new("snapshot-directories");
    let file = root.write("file", "");
    root.write("good/a.wasm", "");
    let path = |name| root.path().join(name);
    symlink("loop", path("loop")).expect("a link");
    let directories = [path("absent"), file, path("loop"), path("good")];
    let snapshot = Snapshot::read(&directories, is_wasm, &Limits::default());
    let listed = |index: usize| &snapshot.directories[index].listed;
    let error = |index| {
        listed(index)
            .as_ref()
            .expect_err("it is no directory")
            .to_string()
    };
    assert!(matches!(listed(0), Err(DirectoryError::Absent { .. })));
    assert!(error(0).ends_with("absent"), "{}", error(0));
    assert!(error(1).contains("file: Not a directory"), "{}", error(1));
    assert!(error(2).contains("symbolic links"), "{}", error(2));
    assert_eq!(listed(3).as_ref().expect("it can be").files.len(), 1);
}

#[test]
fn a_directory_is_bounded() {
    let root = Folder::new("snapshot-many");
    for number in 0..500 {
        root.write(&format!("{number:03}.wasm"), "");
    }
    root.write("README.md", "");
    let check = |files_max, entries_max| {
        let limits = Limits {
            files_max,
            entries_max,
        };
        let mut snapshot = Snapshot::read(&[root.path().to_owned()], is_wasm, &limits);
        let listed = snapshot.directories.remove(0).listed;
        let error = |error: DirectoryError| {
            let error = error.to_string();
            error.replace(&root.path().display().to_string(), "PATH")
        };
        listed.map(|listed| listed.files.len()).map_err(error)
    };
    assert_eq!(check(500, 501), Ok(500));
    let advice = "move what does not belong there elsewhere";
    assert_eq!(
        check(499, 501),
        Err(format!("PATH has more than 499 files; {advice}"))
    );
    assert_eq!(
        check(500, 500),
        Err(format!("PATH has more than 500 entries; {advice}"))
    );
}

#[test]
fn a_version_that_was_listed_is_not_mixed_with_the_next() {
    let root = Folder::new("snapshot-stale");
    let path = root.write("x.wasm", "old");
    let listed = list_one(root.path()).expect("it can be listed");
    root.write("y.wasm", "new");
    std::fs::rename(root.path().join("y.wasm"), &path).expect("it can be replaced");
    let error = listed.files[0].read(10).expect_err("it is another file");
    assert!(error.is_passing(), "{error}");
    std::fs::remove_file(&path).expect("it is ours");
    let error = listed.files[0].read(10).expect_err("it is gone");
    assert!(error.is_passing(), "{error}");
}

/// In a volume: what is in `..data` counts, under the names that users see, whether its links are there yet or not.
#[test]
fn a_volume_s_links_may_be_late_or_stale() {
    let root = Folder::new("snapshot-links");
    let mut volume = ConfigMapVolume::new(root.path());
    volume.write(
        &[
            ("a.wasm".to_owned(), vec![1]),
            ("b.wasm".to_owned(), vec![2]),
        ]
        .into(),
    );
    let path = |name| root.path().join(name);
    std::fs::remove_file(path("b.wasm")).expect("its link");
    symlink("..data/c.wasm", path("c.wasm")).expect("the link of one that is gone");
    let beside = root.write("d.wasm", "beside");
    let listed = list_one(root.path()).expect("it can be listed");
    assert_eq!(paths(&listed), [path("a.wasm"), path("b.wasm"), beside]);
    assert!(listed.dangling.is_empty() && listed.problems.is_empty());
    assert_eq!(listed.files[1].read(1).expect("it is there"), [2]);
}

#[test]
fn directories_of_one_volume_are_of_one_version() {
    let root = Folder::new("snapshot-torn");
    let volume = root.path().join("volume");
    for version in ["..1", "..2"] {
        root.write(&format!("volume/{version}/one/a.wasm"), "");
        root.write(&format!("volume/{version}/two/b.wasm"), "");
    }
    let link = |to: &str, name: &str| symlink(to, volume.join(name)).expect("a link");
    link("..1", "..data");
    link("..data/one", "one");
    link("..2/two", "two");
    let directories = [volume.join("one"), volume.join("two")];
    let snapshot = Snapshot::read(&directories, is_wasm, &Limits::default());
    assert!(snapshot.directories[0].listed.is_ok());
    let error = snapshot.directories[1]
        .listed
        .as_ref()
        .expect_err("of another version");
    assert!(error.is_passing(), "{error}");
    std::fs::remove_file(volume.join("two")).expect("the link");
    link("..data/two", "two");
    let snapshot = Snapshot::read(&directories, is_wasm, &Limits::default());
    let version = |index: usize| {
        let listed = snapshot.directories[index].listed.as_ref();
        listed.expect("of one version").version.clone()
    };
    assert_eq!(version(0), version(1));
    assert_eq!(version(0).expect("a volume").path(), volume.join("..1"));
}

/// What version `number` of the volume has: other names and other contents than the ones before and after.
fn version(number: u32) -> BTreeMap<String, Vec<u8>> {
    let names = [
        "always".to_owned(),
        format!("only-{}", number % 5),
        format!("some-{}", number % 2),
    ];
    let file = |name| (format!("{name}.wasm"), number.to_le_bytes().repeat(100));
    names.into_iter().map(file).collect()
}

/// What a snapshot has, read; `None` if another version came meanwhile.
fn read(directory: &Path) -> Option<BTreeMap<String, Vec<u8>>> {
    let listed = match list_one(directory) {
        Ok(listed) => listed,
        Err(error) => {
            assert!(error.is_passing(), "{error}");
            return None;
        }
    };
    assert!(
        listed.problems.is_empty() && listed.dangling.is_empty(),
        "{listed:?}"
    );
    let mut files = BTreeMap::new();
    for file in &listed.files {
        let name = file
            .path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        match file.read(1 << 20) {
            Ok(bytes) => files.insert(name, bytes),
            Err(error) => {
                assert!(error.is_passing(), "{error}");
                return None;
            }
        };
    }
    Some(files)
}

/// While versions are swapped as fast as they can be, each snapshot has all of one version and nothing of another.
fn check_swaps(name: &str, swaps: u32, volume: impl FnOnce(&Path) -> ConfigMapVolume) {
    let root = Folder::new(name);
    let mut volume = volume(root.path());
    volume.write(&version(0));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 1..swaps {
                volume.write(&version(number));
            }
            is_over.store(true, Ordering::Release);
        });
        let mut last = 0;
        loop {
            let is_last = is_over.load(Ordering::Acquire);
            if let Some(files) = read(root.path()) {
                let bytes = &files["always.wasm"];
                let number = u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"));
                assert!(files == version(number), "a mixture: {:?}", files.keys());
                assert!(number >= last, "an older version than before");
                last = number;
            }
            if is_last {
                break;
            }
        }
        assert_eq!(last, swaps - 1, "the last version is seen");
    });
}

#[test]
fn a_snapshot_is_of_one_version_however_fast_they_change() {
    check_swaps("snapshot-swaps", 1000, ConfigMapVolume::new);
}

#[test]
fn a_snapshot_is_of_one_version_with_older_kubelets() {
    let volume = |path: &Path| ConfigMapVolume::new(path).links_first();
    check_swaps("snapshot-swaps-old", 1000, volume);
}
