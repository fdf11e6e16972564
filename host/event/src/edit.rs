//! Changing a document: splices in its text, by JSON pointer.
//!
//! All bytes that an edit does not mean stay as they are, with one exception: where a key on the
//! pointer's way stands twice in its object, the earlier ones, which no reader sees, are taken out,
//! so that nothing stays behind in the text that an edit was to replace or remove.
//!
//! A document stays an event: its `metadata` and `involvedObject` are objects after any edit.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::ReadError;
use crate::fields::{Field, Fields, type_name};
use crate::json::{DEPTH_MAX, Invalid, Scanner, compact_into, encode_into};
use crate::pointer::{index, members, parts};

/// Why a `set` was refused. The document is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The pointer is not as RFC 6901 has it.
    #[error(
        "no JSON pointer: '{pointer}' (it must be \"\" or start with '/'; '~' is written ~0 and '/' ~1)"
    )]
    Pointer {
        /// The pointer.
        pointer: String,
    },
    /// The value is no JSON, or would be nested too deep.
    #[error("the value for '{pointer}' is {source}")]
    Value {
        /// The pointer.
        pointer: String,
        /// What is wrong with it.
        source: ReadError,
    },
    /// On the way stands something that has no members.
    #[error("cannot set '{pointer}': on the way is {found}")]
    NoContainer {
        /// The pointer.
        pointer: String,
        /// What stands there.
        found: &'static str,
    },
    /// A part of the pointer is no index of the array that it goes into.
    #[error(
        "cannot set '{pointer}': '{part}' is no index of an array of {len}, which takes 0 to {len} or -"
    )]
    Index {
        /// The pointer.
        pointer: String,
        /// The part.
        part: String,
        /// How many items the array has.
        len: usize,
    },
    /// `-` appends to an array, and there is none.
    #[error("cannot set '{pointer}': there is no array to append to")]
    NoArray {
        /// The pointer.
        pointer: String,
    },
    /// The document would be no event any more.
    #[error("cannot set '{pointer}': {source}")]
    NoEvent {
        /// The pointer.
        pointer: String,
        /// What would be missing.
        source: ReadError,
    },
    /// The document would be larger than [`DOCUMENT_BYTES_MAX`](crate::DOCUMENT_BYTES_MAX).
    #[error(
        "cannot set '{pointer}': the event would have {bytes} bytes, more than the {} that are allowed",
        crate::DOCUMENT_BYTES_MAX
    )]
    TooLarge {
        /// The pointer.
        pointer: String,
        /// What it would have.
        bytes: usize,
    },
}

/// Members that are taken out by an edit: from the name's quote to the end of the value.
type Shadowed = Vec<Range<usize>>;

/// Puts a JSON value at a pointer (RFC 6901).
///
/// The value is checked and compacted. Objects are created where the pointer goes through nothing or
/// null. In an array an index replaces, the array's length or `-` appends. "" replaces the document.
///
/// # Errors
///
/// See [`EditError`].
pub fn set(document: &mut String, pointer: &str, json: &str) -> Result<(), EditError> {
    let way = way(pointer)?;
    let json = checked(pointer, json, way.len())?;
    if way.is_empty() {
        Fields::scan(&json).map_err(|source| EditError::NoEvent {
            pointer: pointer.to_owned(),
            source,
        })?;
        document.clear();
        document.push_str(&json);
        return Ok(());
    }
    if let [only] = &*way
        && is_required(only)
        && !json.starts_with('{')
    {
        let expected = "an object, without which it is no event";
        let source = ReadError::shape(0, expected, type_name(&json));
        return Err(EditError::NoEvent {
            pointer: pointer.to_owned(),
            source,
        });
    }
    let mut shadowed = Shadowed::new();
    let place = find_place(document, pointer, &way, &mut shadowed)?;
    let new: Cow<'_, str> = match &place.missing {
        Some(missing) => Cow::Owned(wrap(missing, &json)),
        None => json,
    };
    let bytes = document.len() - place.range.len() + new.len();
    if bytes > crate::DOCUMENT_BYTES_MAX {
        return Err(EditError::TooLarge {
            pointer: pointer.to_owned(),
            bytes,
        });
    }
    document.replace_range(place.range, &new);
    take_out(document, &shadowed);
    Ok(())
}

/// Removes what is at a pointer, if anything. "" removes nothing; `/metadata` and `/involvedObject`
/// are emptied.
pub fn remove(document: &mut String, pointer: &str) {
    let Ok(way) = way(pointer) else { return };
    let Some((last, parents)) = way.split_last() else {
        return;
    };
    let mut shadowed = Shadowed::new();
    let mut range = 0..document.len();
    for part in parents {
        match step(document, range, part, &mut shadowed) {
            Step::Found { value, .. } => range = value,
            _ => return,
        }
    }
    let Step::Found { value, entry } = step(document, range, last, &mut shadowed) else {
        return;
    };
    if parents.is_empty() && is_required(last) {
        document.replace_range(value, "{}");
    } else {
        shadowed.push(entry);
    }
    take_out(document, &shadowed);
}

/// Without these a document is no event.
fn is_required(member: &str) -> bool {
    matches!(member, "metadata" | "involvedObject")
}

/// The decoded parts of a pointer.
fn way(pointer: &str) -> Result<Vec<Cow<'_, str>>, EditError> {
    let error = || EditError::Pointer {
        pointer: pointer.to_owned(),
    };
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return Err(error());
    }
    parts(pointer).map(|part| part.ok_or_else(error)).collect()
}

/// The value, compact, if it is JSON and may stand this deep.
fn checked<'a>(pointer: &str, json: &'a str, depth: usize) -> Result<Cow<'a, str>, EditError> {
    let mut scanner = Scanner::inside(json, depth.min(DEPTH_MAX));
    let result = scanner.value().and_then(|()| scanner.end());
    if depth > DEPTH_MAX || result.is_err() {
        let source = ReadError::from_fault(json, scanner.fault);
        return Err(EditError::Value {
            pointer: pointer.to_owned(),
            source,
        });
    }
    if !scanner.spaced {
        return Ok(Cow::Borrowed(json));
    }
    let mut compact = String::with_capacity(json.len());
    compact_into(json, &mut compact);
    Ok(Cow::Owned(compact))
}

/// Where a value goes.
struct Place<'a> {
    /// What is replaced; empty where it is inserted.
    range: Range<usize>,
    missing: Option<Missing<'a>>,
}

/// What must be written around a value where nothing is yet.
struct Missing<'a> {
    comma: bool,
    /// The name of the new member; `None` in an array.
    name: Option<&'a str>,
    /// Objects to be created inside it, by the name of their only member.
    objects: &'a [Cow<'a, str>],
}

fn find_place<'a>(
    document: &str,
    pointer: &str,
    way: &'a [Cow<'a, str>],
    shadowed: &mut Shadowed,
) -> Result<Place<'a>, EditError> {
    let mut range = 0..document.len();
    for (at, part) in way.iter().enumerate() {
        let objects = &way[at + 1..];
        let (comma, name, insert_at) = match step(document, range.clone(), part, shadowed) {
            Step::Found { value, .. } => {
                range = value;
                continue;
            }
            Step::NoMember { empty } => (!empty, Some(&**part), range.end - 1),
            Step::EndOfArray { len } => (len > 0, None, range.end - 1),
            Step::NoItem { len } => {
                let (pointer, part) = (pointer.to_owned(), part.clone().into_owned());
                return Err(EditError::Index { pointer, part, len });
            }
            Step::NoContainer if &document[range.clone()] == "null" => {
                no_dash(pointer, &way[at..])?;
                return Ok(Place {
                    range,
                    missing: Some(Missing {
                        comma: false,
                        name: None,
                        objects: &way[at..],
                    }),
                });
            }
            Step::NoContainer => {
                let found = type_name(&document[range]);
                return Err(EditError::NoContainer {
                    pointer: pointer.to_owned(),
                    found,
                });
            }
        };
        no_dash(pointer, objects)?;
        return Ok(Place {
            range: insert_at..insert_at,
            missing: Some(Missing {
                comma,
                name,
                objects,
            }),
        });
    }
    Ok(Place {
        range,
        missing: None,
    })
}

/// Objects are created on the way, arrays are not.
fn no_dash(pointer: &str, objects: &[Cow<'_, str>]) -> Result<(), EditError> {
    if objects.iter().any(|part| part == "-") {
        return Err(EditError::NoArray {
            pointer: pointer.to_owned(),
        });
    }
    Ok(())
}

fn wrap(missing: &Missing<'_>, json: &str) -> String {
    let mut out = String::with_capacity(json.len() + 64);
    if missing.comma {
        out.push(',');
    }
    if let Some(name) = missing.name {
        encode_into(name, &mut out);
        out.push(':');
    }
    for name in missing.objects {
        out.push('{');
        encode_into(name, &mut out);
        out.push(':');
    }
    out.push_str(json);
    for _ in missing.objects {
        out.push('}');
    }
    out
}

/// What one part of a pointer leads to.
enum Step {
    /// `entry` is the value with its name.
    Found {
        value: Range<usize>,
        entry: Range<usize>,
    },
    NoMember {
        empty: bool,
    },
    EndOfArray {
        len: usize,
    },
    NoItem {
        len: usize,
    },
    NoContainer,
}

fn step(document: &str, range: Range<usize>, part: &str, shadowed: &mut Shadowed) -> Step {
    let text = &document[range.clone()];
    let base = range.start;
    match text.as_bytes().first() {
        Some(b'{') => {
            let mut found: Option<(Range<usize>, Range<usize>)> = None;
            let mut earlier = Shadowed::new();
            let scanned = members(text, |name_start, name, start, end| {
                if name == part {
                    let entry = base + name_start..base + end;
                    earlier.extend(
                        found
                            .replace((base + start..base + end, entry))
                            .map(|(_, entry)| entry),
                    );
                }
            });
            debug_assert!(scanned.is_ok(), "documents are valid");
            match found {
                Some((value, entry)) => {
                    shadowed.append(&mut earlier);
                    Step::Found { value, entry }
                }
                None => Step::NoMember {
                    empty: text.len() == 2,
                },
            }
        }
        Some(b'[') => {
            let wanted = index(part);
            let mut found = None;
            let mut len = 0;
            let mut scanner = Scanner::new(text, 0);
            let scanned: Result<(), Invalid> = scanner.array(|scanner| {
                let start = scanner.at;
                scanner.value()?;
                if wanted == Some(len) {
                    found = Some(base + start..base + scanner.at);
                }
                len += 1;
                Ok(())
            });
            debug_assert!(scanned.is_ok(), "documents are valid");
            match found {
                Some(value) => Step::Found {
                    entry: value.clone(),
                    value,
                },
                None if part == "-" || wanted == Some(len) => Step::EndOfArray { len },
                None => Step::NoItem { len },
            }
        }
        _ => Step::NoContainer,
    }
}

/// Takes out members or items, which stand in rising order, each with one comma beside it. One pass, however
/// many there are: the pieces that stay are found from the back, and then joined.
fn take_out(document: &mut String, entries: &[Range<usize>]) {
    if entries.is_empty() {
        return;
    }
    let bytes = document.as_bytes();
    // From the last to the first; none is empty.
    let mut kept: Vec<Range<usize>> = Vec::new();
    let mut cut = document.len();
    for entry in entries.iter().rev() {
        if entry.end < cut {
            kept.push(entry.end..cut);
        }
        cut = entry.start;
        if bytes[entry.start - 1] == b',' {
            cut -= 1;
        } else if let Some(next) = kept.last_mut().filter(|next| bytes[next.start] == b',') {
            next.start += 1;
            if next.start == next.end {
                kept.pop();
            }
        }
    }
    kept.push(0..cut);
    *document = kept
        .iter()
        .rev()
        .map(|piece| &document[piece.clone()])
        .collect();
}

/// KEE's `deDot`: `.` becomes `_` in the names of the labels and annotations of the event and of the
/// involved object. Of names that become the same the last one stays. `None`: nothing to change.
pub fn de_dot(document: &str) -> Option<String> {
    let fields = Fields::scan(document).ok()?;
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    for field in [Field::Metadata, Field::Object] {
        let span = fields.get(field);
        let scanned = members(span.of(document), |_, name, start, end| {
            let range = span.start() + start..span.start() + end;
            let map = &document[range.clone()];
            if matches!(name, "labels" | "annotations") && map.starts_with('{') {
                changes.extend(map_without_dots(map).map(|map| (range, map)));
            }
        });
        debug_assert!(scanned.is_ok(), "documents are valid");
    }
    if changes.is_empty() {
        return None;
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(document.len());
    let mut copied = 0;
    for (range, map) in changes {
        out.push_str(&document[copied..range.start]);
        out.push_str(&map);
        copied = range.end;
    }
    out.push_str(&document[copied..]);
    Some(out)
}

fn map_without_dots(map: &str) -> Option<String> {
    let mut dotted = false;
    let mut entries: Vec<(String, &str)> = Vec::new();
    members(map, |_, name, start, end| {
        dotted |= name.contains('.');
        entries.push((name.replace('.', "_"), &map[start..end]));
    })
    .ok()?;
    if !dotted {
        return None;
    }
    let mut last = std::collections::BTreeMap::new();
    for (at, (name, _)) in entries.iter().enumerate() {
        last.insert(name.as_str(), at);
    }
    let mut out = String::with_capacity(map.len());
    for (at, (name, value)) in entries.iter().enumerate() {
        if last[name.as_str()] == at {
            out.push(if out.is_empty() { '{' } else { ',' });
            encode_into(name, &mut out);
            out.push(':');
            out.push_str(value);
        }
    }
    out.push('}');
    Some(out)
}
