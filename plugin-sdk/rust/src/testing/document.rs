//! Reading and changing a document by pointer (RFC 6901), as the contract describes it.

use serde_json::{Map, Value};

/// Puts a value at a pointer, creating objects on the way; `-` appends to an array.
///
/// # Errors
/// The pointer is malformed, or something on the way is no object or array; then nothing was changed.
pub(crate) fn set(document: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    let tokens = tokens(pointer).ok_or_else(|| format!("{pointer}: not a JSON pointer"))?;
    let mut place = &mut *document;
    let mut rest = tokens.iter();
    // Only what exists is walked here, so that nothing is created before all of it is known to fit.
    while let Some(token) = rest.next() {
        place = match place {
            Value::Object(members) => {
                if !members.contains_key(token) {
                    let value = wrap(rest.as_slice(), value);
                    members.insert(token.clone(), value);
                    return Ok(());
                }
                &mut members[token.as_str()]
            }
            Value::Array(items) if token == "-" => {
                let value = wrap(rest.as_slice(), value);
                items.push(value);
                return Ok(());
            }
            Value::Array(items) => index(token)
                .and_then(|index| items.get_mut(index))
                .ok_or_else(|| format!("{pointer}: the array has no element {token:?}"))?,
            _ => {
                return Err(format!(
                    "{pointer}: what holds {token:?} is neither an object nor an array"
                ));
            }
        };
    }
    *place = value;
    Ok(())
}

/// Removes what is at a pointer, if anything.
pub(crate) fn remove(document: &mut Value, pointer: &str) {
    let Some(tokens) = tokens(pointer) else {
        return;
    };
    let Some((last, _)) = tokens.split_last() else {
        return;
    };
    let parent = &pointer[..pointer.rfind('/').unwrap_or(0)];
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(last);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = index(last).filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// The value inside of new objects, outermost first.
fn wrap(tokens: &[String], value: Value) -> Value {
    tokens.iter().rev().fold(value, |inner, token| {
        Value::Object(Map::from_iter([(token.clone(), inner)]))
    })
}

fn tokens(pointer: &str) -> Option<Vec<String>> {
    if pointer.is_empty() {
        return Some(Vec::new());
    }
    let tokens = pointer.strip_prefix('/')?.split('/');
    Some(
        tokens
            .map(|token| token.replace("~1", "/").replace("~0", "~"))
            .collect(),
    )
}

fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+']);
    if plain { token.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(pointer: &str, expected: Result<Value, &str>) {
        let before = json!({"a": {"b": 1}, "list": [1, 2], "x/y": {"~": 0}});
        let mut document = before.clone();
        match (set(&mut document, pointer, json!("new")), expected) {
            (Ok(()), Ok(expected)) => assert_eq!(document, expected, "{pointer}"),
            (Err(message), Err(expected)) => {
                assert_eq!(message, expected);
                assert_eq!(document, before, "{pointer}: nothing may change");
            }
            (answer, expected) => panic!("{pointer}: {answer:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn setting_replaces_creates_and_appends() {
        let kept = json!({"a": {"b": 1}, "list": [1, 2], "x/y": {"~": 0}});
        let with = |pointer: &str, value: Value| {
            let mut document = kept.clone();
            *document.pointer_mut(pointer).unwrap() = value;
            Ok(document)
        };
        check("", Ok(json!("new")));
        check("/a/b", with("/a/b", json!("new")));
        check("/a/c/d", with("/a", json!({"b": 1, "c": {"d": "new"}})));
        check("/list/1", with("/list/1", json!("new")));
        check("/list/-", with("/list", json!([1, 2, "new"])));
        check(
            "/list/-/deep",
            with("/list", json!([1, 2, {"deep": "new"}])),
        );
        check("/x~1y/~0", with("/x~1y/~0", json!("new")));
    }

    #[test]
    fn setting_refuses_what_does_not_fit() {
        check("a", Err("a: not a JSON pointer"));
        check(
            "/a/b/c",
            Err("/a/b/c: what holds \"c\" is neither an object nor an array"),
        );
        check("/list/2", Err("/list/2: the array has no element \"2\""));
        check("/list/01", Err("/list/01: the array has no element \"01\""));
    }

    #[test]
    fn removing_takes_members_and_elements_only() {
        let mut document = json!({"a": {"b": 1}, "list": [1, 2], "x/y": 0});
        for pointer in [
            "/a/b",
            "/list/0",
            "/x~1y",
            "/none/at/all",
            "/list/7",
            "a",
            "",
        ] {
            remove(&mut document, pointer);
        }
        assert_eq!(document, json!({"a": {}, "list": [2]}));
    }
}
