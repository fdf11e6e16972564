//! Folders of tests, removed again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of its own for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new one; `name` is for people who find it. Its path has no links.
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("weir-watch-{}-{number}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).expect("a temporary folder");
        Folder(fs::canonicalize(path).expect("it is there"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it, with the folders on its way; gives its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        let parent = path.parent().expect("it is in this folder");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::write(&path, contents).expect("a file can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}
