//! Paths with slashes, by their text only.

use crate::functions::{Function, function};
use crate::value::Value;

pub(super) static FUNCTIONS: &[Function] = &[
    function("base", 1, 1, |_, arguments| {
        Ok(Value::text(base(arguments.text(0)?)))
    }),
    function("osBase", 1, 1, |_, arguments| {
        Ok(Value::text(base(arguments.text(0)?)))
    }),
    function("dir", 1, 1, |_, arguments| {
        Ok(Value::text(directory(arguments.text(0)?)))
    }),
    function("osDir", 1, 1, |_, arguments| {
        Ok(Value::text(directory(arguments.text(0)?)))
    }),
    function("clean", 1, 1, |_, arguments| {
        Ok(Value::text(clean(arguments.text(0)?)))
    }),
    function("osClean", 1, 1, |_, arguments| {
        Ok(Value::text(clean(arguments.text(0)?)))
    }),
    function("ext", 1, 1, |_, arguments| {
        Ok(Value::text(extension(arguments.text(0)?)))
    }),
    function("osExt", 1, 1, |_, arguments| {
        Ok(Value::text(extension(arguments.text(0)?)))
    }),
    function("isAbs", 1, 1, |_, arguments| {
        Ok(Value::Bool(arguments.text(0)?.starts_with('/')))
    }),
    function("osIsAbs", 1, 1, |_, arguments| {
        Ok(Value::Bool(arguments.text(0)?.starts_with('/')))
    }),
];

fn base(path: &str) -> &str {
    if path.is_empty() {
        return ".";
    }
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return "/";
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

fn directory(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |at| at + 1)])
}

fn extension(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rfind('.').map_or("", |at| &name[at..])
}

fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => {
                    parts.pop();
                }
                _ if rooted => {}
                _ => parts.push(".."),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
