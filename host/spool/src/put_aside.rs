//! Mending files: what is damaged gets another name and is never deleted, what can be read is copied.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::disk;
use crate::error::{self, SpoolError};
use crate::segment::{self, PREFIX_BYTES};

const LOG: &str = ".log";
const NEW: &str = ".new";
const SALVAGED: &str = ".salvaged";
const BUFFER_BYTES: usize = 256 << 10;

/// Which bytes of a file are not kept.
#[derive(Debug, Default)]
pub(crate) struct Keep {
    bad: Vec<(u64, u64)>,
    end: Option<u64>,
}

impl Keep {
    /// These bytes are damaged.
    pub(crate) fn bad(&mut self, from: u64, to: u64) {
        self.bad.push((from, to));
    }

    /// Nothing from here on counts.
    pub(crate) fn end(&mut self, at: u64) {
        self.end = Some(self.end.map_or(at, |end| end.min(at)));
    }

    /// Where the bytes end that count, in a file of that size.
    pub(crate) fn end_of(&self, size: u64) -> u64 {
        self.end.unwrap_or(size).min(size)
    }

    pub(crate) fn is_damaged(&self) -> bool {
        !self.bad.is_empty()
    }

    pub(crate) fn has_bad_since(&self, offset: u64) -> bool {
        self.bad.last().is_some_and(|(_, to)| *to > offset)
    }

    /// How many bytes are not kept.
    pub(crate) fn bad_bytes(&self, size: u64) -> u64 {
        let kept: u64 = self.kept(size).iter().map(|(from, to)| to - from).sum();
        size.saturating_sub(kept + PREFIX_BYTES)
    }

    /// The stretches of frames that are kept.
    fn kept(&self, size: u64) -> Vec<(u64, u64)> {
        let end = self.end_of(size);
        let mut kept = Vec::new();
        let mut from = PREFIX_BYTES;
        for (bad_from, bad_to) in &self.bad {
            kept.push((from, (*bad_from).min(end)));
            from = *bad_to;
        }
        kept.push((from, end));
        kept.retain(|(from, to)| from < to);
        kept
    }
}

/// Finishes or undoes what an earlier start was busy with, and lists the segments in order.
pub(crate) fn tidy(folder: &Path) -> Result<Vec<u64>, SpoolError> {
    let mut firsts = Vec::new();
    let mut salvaged = Vec::new();
    for entry in fs::read_dir(folder).map_err(error::disk("list", folder))? {
        let entry = entry.map_err(error::disk("list", folder))?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if segment::first_in(name, NEW).is_some() {
            let path = entry.path();
            fs::remove_file(&path).map_err(error::disk("remove", &path))?;
        }
        firsts.extend(segment::first_in(name, LOG));
        salvaged.extend(segment::first_in(name, SALVAGED));
    }
    for first in salvaged {
        let path = segment::path(folder, first);
        let copy = path.with_extension(&SALVAGED[1..]);
        if firsts.contains(&first) {
            // The copy may not be whole; it is made again.
            fs::remove_file(&copy).map_err(error::disk("remove", &copy))?;
        } else {
            disk::rename(&copy, &path, folder).map_err(error::disk("name", &path))?;
            firsts.push(first);
        }
    }
    firsts.retain(|first| *first > 0);
    firsts.sort_unstable();
    Ok(firsts)
}

/// Puts a file aside, and what can be read of it in its place. The name of the former, the size of the latter.
pub(crate) fn mend(
    folder: &Path,
    path: &Path,
    keep: &Keep,
    size: u64,
) -> Result<(PathBuf, u64), SpoolError> {
    let copy = path.with_extension(&SALVAGED[1..]);
    let kept = copy_kept(path, &copy, &keep.kept(size)).map_err(error::disk("mend", &copy))?;
    let aside = name_aside(path);
    disk::rename(path, &aside, folder).map_err(error::disk("put aside", path))?;
    disk::rename(&copy, path, folder).map_err(error::disk("name", path))?;
    Ok((aside, kept))
}

/// Cuts off what an interrupted write left.
pub(crate) fn cut(path: &Path, end: u64) -> Result<(), SpoolError> {
    let file = OpenOptions::new().write(true).open(path);
    file.and_then(|file| disk::cut(&file, end).and_then(|()| disk::sync(&file)))
        .map_err(error::disk("cut", path))
}

fn copy_kept(from: &Path, to: &Path, kept: &[(u64, u64)]) -> io::Result<u64> {
    let mut source = File::open(from)?;
    let file = disk::create(to)?;
    disk::write_all_at(&file, &segment::prefix(segment::FORMAT), 0)?;
    let mut offset = PREFIX_BYTES;
    let mut buffer = vec![0; BUFFER_BYTES];
    for (begin, end) in kept {
        source.seek(SeekFrom::Start(*begin))?;
        let mut stretch = (&mut source).take(end - begin);
        loop {
            let count = segment::read_up_to(&mut stretch, &mut buffer)?;
            if count == 0 {
                break;
            }
            disk::write_all_at(&file, &buffer[..count], offset)?;
            offset += count as u64;
        }
    }
    disk::sync(&file)?;
    Ok(offset)
}

/// The time is for people only; a name that is taken gets a number.
fn name_aside(path: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let time_s = now.map_or(0, |since| since.as_secs());
    let named = |extension: String| path.with_extension(extension);
    let mut name = named(format!("log.damaged-{time_s}"));
    let mut number = 1;
    while name.exists() {
        name = named(format!("log.damaged-{time_s}-{number}"));
        number += 1;
    }
    name
}
