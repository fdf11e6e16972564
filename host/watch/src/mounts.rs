//! Files and folders that were mounted by themselves (`subPath`): these never change, and the log must say so.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

/// The mounts as this process sees them (proc_pid_mountinfo(5)).
const MOUNTS: &str = "/proc/self/mountinfo";

/// Whether the file or folder was mounted with `subPath`, or as a single file: its content is what it was when the container
/// started, whatever becomes of the ConfigMap or of the file on the node. Only a restart of the container shows a new version.
///
/// Told by the mount that it lies in: the mount point is a file, or what is mounted lies in one of kubelet's timestamped
/// directories. `false` where that cannot be told (no such path, no `/proc`).
pub fn is_sub_path(path: &Path) -> bool {
    let (Ok(real), Ok(mounts)) = (fs::canonicalize(path), fs::read(MOUNTS)) else {
        return false;
    };
    is_pinned(&mounts, &real, real.is_file())
}

/// The mount that the path is in is the one with the longest mount point; of several there, the last covers the others.
fn is_pinned(mounts: &[u8], real: &Path, is_file: bool) -> bool {
    let mounts = mounts.split(|byte| *byte == b'\n').filter_map(mount);
    let Some((root, point)) = mounts
        .filter(|(_, point)| real.starts_with(point))
        .max_by_key(|(_, point)| point.components().count())
    else {
        return false;
    };
    (is_file && point == real) || root.components().any(is_timestamped)
}

/// kubelet keeps the names that begin with two dots for itself.
pub(crate) fn is_timestamped(component: Component<'_>) -> bool {
    matches!(component, Component::Normal(name) if name.as_bytes().starts_with(b".."))
}

/// The root (what of the file system is mounted) and the mount point of one line.
fn mount(line: &[u8]) -> Option<(PathBuf, PathBuf)> {
    let mut fields = line.split(|byte| *byte == b' ').skip(3);
    Some((unescaped(fields.next()?), unescaped(fields.next()?)))
}

/// Space, tab, line feed and backslash are written as a backslash and three octal digits.
fn unescaped(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, after)) = rest.split_first() {
        let escaped = (*first == b'\\').then(|| after.get(..3).and_then(octal));
        if let Some(Some(byte)) = escaped {
            bytes.push(byte);
            rest = &after[3..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    PathBuf::from(OsString::from_vec(bytes))
}

fn octal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(text, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a pod: a ConfigMap on the node's disk, a file of one with `subPath`, a folder of a Secret (a tmpfs) with `subPath`,
    /// and a single file of the node.
    const POD: &str = r"1 0 0:50 / / rw,relatime master:1 - overlay overlay rw
2 1 254:1 /var/lib/kubelet/pods/u/volumes/kubernetes.io~configmap/p /plugins ro,relatime - ext4 /dev/sda1 rw
3 1 254:1 /var/lib/kubelet/pods/u/volumes/kubernetes.io~configmap/c/..2026_11_24_10_00_00.1/config.yaml /etc/weir/config.yaml ro - ext4 /dev/sda1 rw
4 1 0:60 /..2026_11_24_10_00_00.2/sub /secrets ro - tmpfs tmpfs rw
5 1 254:1 /srv/a\040file /with\040space ro - ext4 /dev/sda1 rw
";

    fn check(path: &str, is_file: bool) -> bool {
        is_pinned(POD.as_bytes(), Path::new(path), is_file)
    }

    #[test]
    fn a_volume_is_no_sub_path_nor_is_a_file_in_it() {
        assert!(!check("/plugins", false));
        assert!(!check("/plugins/..2026_11_24_09_00_00.9/x.wasm", true));
        assert!(!check("/etc/weir", false), "the image's own folder");
    }

    #[test]
    fn what_was_mounted_by_itself_is() {
        assert!(check("/etc/weir/config.yaml", true));
        assert!(
            check("/secrets/x.wasm", true),
            "a file of a folder with subPath"
        );
        assert!(check("/with space", true), "a single file of the node");
    }

    #[test]
    fn lines_that_are_no_mounts_are_passed_over() {
        assert!(!is_pinned(b"\n1 2 3\nx", Path::new("/plugins"), false));
        assert_eq!(unescaped(br"/a\134\0"), Path::new(r"/a\\0"));
    }

    #[test]
    fn a_file_of_this_machine_was_not_mounted_by_itself() {
        let program = std::env::current_exe().expect("this program has a path");
        assert!(!is_sub_path(&program));
        assert!(!is_sub_path(Path::new("/no/such/file")));
    }
}
