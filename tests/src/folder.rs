//! Folders that are removed again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::program::target;

/// A folder of its own for one test, in the target folder.
pub struct Folder(PathBuf);

impl Folder {
    /// A new one; `name` is for people who find it.
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{number}", std::process::id());
        let path = target().join("weir-tests/tmp").join(name);
        std::fs::create_dir_all(&path).expect("a folder can be made in the target folder");
        Folder(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file in it, with the folders on its way; gives its path.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        let parent = path.parent().expect("it is in this folder");
        std::fs::create_dir_all(parent).expect("a folder can be made");
        std::fs::write(&path, contents).expect("a file can be written");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left over is in the target folder, and harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder can be made");
    for entry in std::fs::read_dir(from).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        let to = to.join(path.file_name().expect("an entry has a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).expect("a file can be copied");
        }
    }
}
