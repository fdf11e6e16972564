//! `urlParse` and `urlJoin`: URLs to dicts and back.

use std::rc::Rc;

use crate::functions::{Arguments, Function, function};
use crate::limits::Budget;
use crate::value::{Entries, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("urlParse", 1, 1, parse),
    function("urlJoin", 1, 1, join),
];

fn parse<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let url = arguments.text(0)?;
    let invalid = |why: &str| format!("unable to parse url {url:?}: {why}");
    if url.chars().any(char::is_control) {
        return Err(invalid("it has a control character"));
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (scheme, rest) = scheme(rest).map_err(invalid)?;
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (mut opaque, mut authority, mut path) = ("", "", rest);
    if !scheme.is_empty() && !rest.starts_with('/') {
        (opaque, path) = (rest, "");
    } else if let Some(after) = rest.strip_prefix("//") {
        let end = after.find('/').unwrap_or(after.len());
        (authority, path) = after.split_at(end);
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let port = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let name = port.map_or(host, |(name, _)| name);
    if host.contains('[') && !name.ends_with(']') {
        return Err(invalid("the bracket of the host is not closed"));
    }
    if port.is_none() && !host.ends_with(']') && host.contains(':') {
        return Err(invalid("the port is no number"));
    }
    let hostname = name.trim_start_matches('[').trim_end_matches(']');
    let path = unescape(path).ok_or_else(|| invalid("an escape is not valid"))?;
    let fragment = unescape(fragment).ok_or_else(|| invalid("an escape is not valid"))?;
    let members = [
        ("scheme", scheme.to_ascii_lowercase()),
        ("host", host.to_owned()),
        ("hostname", hostname.to_owned()),
        ("path", path),
        ("query", query.to_owned()),
        ("opaque", opaque.to_owned()),
        ("fragment", fragment),
        ("userinfo", user.to_owned()),
    ];
    let entries: Entries<'a> = members
        .into_iter()
        .map(|(key, text)| (Rc::from(key), Value::text(text)))
        .collect();
    Ok(Value::map(entries))
}

/// The scheme before a colon, and the rest.
fn scheme(url: &str) -> Result<(&str, &str), &'static str> {
    for (at, character) in url.char_indices() {
        match character {
            'a'..='z' | 'A'..='Z' => {}
            '0'..='9' | '+' | '-' | '.' if at > 0 => {}
            ':' if at == 0 => return Err("the scheme is missing"),
            ':' => return Ok((&url[..at], &url[at + 1..])),
            _ => break,
        }
    }
    let first = url.split('/').next().unwrap_or(url);
    if first.contains(':') && !url.starts_with('/') {
        return Err("the first segment of the path has a colon");
    }
    Ok(("", url))
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = std::str::from_utf8(after.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &after[2..];
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn escape(text: &str, kept: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        let character = char::from(byte);
        if byte.is_ascii_alphanumeric() || kept.contains(character) {
            escaped.push(character);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

fn join<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let map = arguments.map(0)?;
    let part = |key: &str| match map.member(key) {
        None => Ok(String::new()),
        Some(Value::Text(text)) => Ok(text.to_string()),
        Some(other) => Err(format!(
            "unable to parse {key} key, must be of type string, but {} found",
            other.kind()
        )),
    };
    let (scheme, host, path) = (part("scheme")?, part("host")?, part("path")?);
    let (query, opaque, fragment) = (part("query")?, part("opaque")?, part("fragment")?);
    let user = part("userinfo")?;
    let mut url = String::new();
    if !scheme.is_empty() {
        url = format!("{scheme}:");
    }
    if opaque.is_empty() {
        if !(scheme.is_empty() && host.is_empty() && user.is_empty()) {
            if !host.is_empty() || !path.is_empty() || !user.is_empty() {
                url.push_str("//");
            }
            if !user.is_empty() {
                url.push_str(&user);
                url.push('@');
            }
            url.push_str(&escape(&host, "-_.~!$&'()*+,;=:[]<>\"%"));
        }
        if !path.is_empty() && !path.starts_with('/') && !host.is_empty() {
            url.push('/');
        }
        url.push_str(&escape(&path, "-_.~$&+,/:;=@!'()*"));
    } else {
        url.push_str(&opaque);
    }
    if !query.is_empty() {
        url.push('?');
        url.push_str(&query);
    }
    if !fragment.is_empty() {
        url.push('#');
        url.push_str(&escape(&fragment, "-_.~$&+,/:;=?@!()*"));
    }
    Ok(Value::text(url))
}
