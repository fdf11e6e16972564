//! What the program carries: the files that `build.rs` found in the repository, and the names of the templates.

include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// The bytes of a file of the repository.
pub(super) fn file(path: &str) -> Option<&'static [u8]> {
    let found = FILES.binary_search_by(|(there, _)| (*there).cmp(path));
    found.ok().map(|index| FILES[index].1)
}

/// A file that is text.
pub(super) fn text(path: &str) -> Option<&'static str> {
    std::str::from_utf8(file(path)?).ok()
}

/// The files below a folder: the rest of each path, and the bytes.
pub(super) fn below(folder: &str) -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES
        .iter()
        .filter_map(move |(path, bytes)| Some((path.strip_prefix(folder)?, *bytes)))
}
