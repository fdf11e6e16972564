//! Files that are there, that are not, that are something else, and that change.

use std::fs::{FileTimes, OpenOptions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::config_map::ConfigMapVolume;
use crate::testing::Folder;

fn pipe(path: &Path) {
    let kind = rustix::fs::FileType::Fifo;
    let mode = Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).expect("a pipe can be made");
}

fn error(path: &Path) -> String {
    let error = read_file(path, 10).expect_err("it cannot be read");
    error
        .to_string()
        .replace(&path.display().to_string(), "PATH")
}

#[test]
fn a_file_is_read_up_to_the_limit() {
    let root = Folder::new("file-limit");
    let path = root.write("config.yaml", "0123456789");
    let contents = read_file(&path, 10).expect("it fits");
    assert_eq!(contents.bytes, b"0123456789");
    assert_eq!((contents.identity.bytes(), contents.version), (10, None));
    root.write("config.yaml", "0123456789a");
    assert_eq!(
        error(&path),
        "PATH has 11 bytes, and files of at most 10 are read; make it smaller"
    );
}

#[test]
fn what_is_no_file_is_said_and_never_waited_for() {
    let root = Folder::new("file-kinds");
    let path = |name| root.path().join(name);
    pipe(&path("pipe"));
    symlink("loop", path("loop")).expect("a link");
    symlink("nowhere", path("dangling")).expect("a link");
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("a socket");
    assert_eq!(
        error(root.path()),
        "PATH is a folder, and not a file; rename or remove it"
    );
    assert_eq!(
        error(&path("pipe")),
        "PATH is a named pipe, and not a file; rename or remove it"
    );
    assert_eq!(
        error(Path::new("/dev/null")),
        "PATH is a device, and not a file; rename or remove it"
    );
    assert!(
        error(&path("loop")).contains("symbolic links"),
        "{}",
        error(&path("loop"))
    );
    assert_eq!(error(&path("dangling")), "there is no file PATH");
    assert_eq!(error(&path("absent/file")), "there is no file PATH");
    assert!(error(&path("socket")).starts_with("cannot read PATH"));
}

/// A file's identity, as if it was looked at so many milliseconds after it was changed.
fn seen_after(path: &Path, milliseconds: i128) -> Identity {
    let mut identity = Identity::of(&fs::metadata(path).expect("it is there"));
    identity.seen = identity.changed + milliseconds * 1_000_000;
    identity
}

#[test]
fn an_identity_tells_what_was_changed_replaced_or_touched() {
    let root = Folder::new("file-identity");
    let path = root.write("x.wasm", "old");
    let now = |path: &Path| Identity::of(&fs::metadata(path).expect("it is there"));
    let before = seen_after(&path, 1000);
    assert!(now(&path).is_still(&before), "reading changes nothing");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    // Coarse clocks: the change may fall into the same step, which is what the margin is for.
    let touched = now(&path);
    assert!(!touched.is_still(&before) || touched.changed == before.changed);
    let before = seen_after(&path, 1000);
    root.write("x.wasm", "longer");
    assert!(!now(&path).is_still(&before), "another size");
    let before = seen_after(&path, 1000);
    root.write("y.wasm", "longer");
    fs::rename(root.path().join("y.wasm"), &path).expect("it can be replaced");
    assert!(!now(&path).is_still(&before), "another inode");
    let before = seen_after(&path, 1000);
    let file = OpenOptions::new()
        .write(true)
        .open(&path)
        .expect("it is there");
    let times = FileTimes::new().set_modified(UNIX_EPOCH);
    file.set_times(times).expect("it is ours");
    assert!(!now(&path).is_still(&before), "another time");
}

#[test]
fn a_file_that_had_just_been_changed_is_read_again() {
    let root = Folder::new("file-step");
    let path = root.write("x.wasm", "x");
    let now = Identity::of(&fs::metadata(&path).expect("it is there"));
    assert!(!now.is_still(&seen_after(&path, 0)));
    assert!(!now.is_still(&seen_after(&path, 99)));
    assert!(now.is_still(&seen_after(&path, 101)));
    assert!(
        !now.is_still(&seen_after(&path, -1000)),
        "the clock was set back"
    );
}

#[test]
fn the_version_of_a_volume_is_told() {
    let root = Folder::new("file-version");
    let mut volume = ConfigMapVolume::new(root.path());
    let mut read = |number: u8| {
        volume.write(&[("config.yaml".to_owned(), vec![number])].into());
        let contents = read_file(&root.path().join("config.yaml"), 10).expect("it is there");
        assert_eq!(contents.bytes, [number]);
        let version = contents.version.expect("it is in a volume");
        let current = fs::read_link(root.path().join("..data")).expect("a link");
        assert_eq!(version.path(), root.path().join(current));
        version
    };
    let (first, second) = (read(1), read(2));
    assert!(first.is_torn_from(&second) && !first.is_torn_from(&first));
    let elsewhere = Version::of(Path::new("/etc/weir/..1/config.yaml")).expect("a version");
    assert!(!first.is_torn_from(&elsewhere), "another volume");
}

#[test]
fn a_file_is_of_one_version_however_fast_they_change() {
    let root = Folder::new("file-swaps");
    let mut volume = ConfigMapVolume::new(root.path());
    let content = |number: u16| vec![number.to_le_bytes(); 4096].concat();
    let mut write = |number| volume.write(&[("config.yaml".to_owned(), content(number))].into());
    write(0);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..1000).for_each(&mut write);
            is_over.store(true, Ordering::Release);
        });
        let path = root.path().join("config.yaml");
        let mut read = 0;
        loop {
            let is_last = is_over.load(Ordering::Acquire);
            match read_file(&path, 1 << 20) {
                Ok(contents) => {
                    let number = u16::from_le_bytes([contents.bytes[0], contents.bytes[1]]);
                    assert!(contents.bytes == content(number), "a mixture");
                    read += 1;
                }
                Err(error) => assert!(!is_last && error.is_passing(), "{error}"),
            }
            if is_last {
                break;
            }
        }
        assert!(read > 0);
    });
}
