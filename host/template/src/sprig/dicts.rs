//! Dicts. `set`, `unset` and `merge` change their first argument, as in sprig. Labels can be read like
//! a dict, which Go's types forbid.

use std::rc::Rc;

use super::defaults::empty;
use crate::format::text_of;
use crate::functions::{Arguments, Function, MANY, function};
use crate::limits::{Budget, DEPTH_MAX};
use crate::value::{ANY, Entries, Map, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("dict", 0, MANY, dict),
    function("get", 2, 2, |_, arguments| {
        let found = arguments.map(0)?.member(arguments.text(1)?);
        Ok(found.unwrap_or(Value::borrowed("")))
    }),
    function("set", 3, 3, set),
    function("unset", 2, 2, |_, arguments| {
        let map = dict_of(arguments.get(0))?;
        map.entries.borrow_mut().remove(arguments.text(1)?);
        Ok(arguments.get(0).clone())
    }),
    function("hasKey", 2, 2, |_, arguments| {
        Ok(Value::Bool(
            arguments.map(0)?.member(arguments.text(1)?).is_some(),
        ))
    }),
    function("pluck", 1, MANY, pluck),
    function("keys", 0, MANY, keys),
    function("values", 1, 1, |_, arguments| {
        let members = arguments.map(0)?.members().unwrap_or_default();
        Ok(Value::list(
            members.into_iter().map(|(_, value)| value).collect(),
        ))
    }),
    function("pick", 1, MANY, |_, arguments| choose(arguments, true)),
    function("omit", 1, MANY, |_, arguments| choose(arguments, false)),
    function("merge", 1, MANY, |budget, arguments| {
        merge_all(budget, arguments, false)
    }),
    function("mustMerge", 1, MANY, |budget, arguments| {
        merge_all(budget, arguments, false)
    }),
    function("mergeOverwrite", 1, MANY, |budget, arguments| {
        merge_all(budget, arguments, true)
    }),
    function("mustMergeOverwrite", 1, MANY, |budget, arguments| {
        merge_all(budget, arguments, true)
    }),
    function("dig", 3, MANY, dig),
    function("deepCopy", 1, 1, |budget, arguments| {
        deep_copy(budget, arguments.get(0), 0)
    }),
    function("mustDeepCopy", 1, 1, |budget, arguments| {
        deep_copy(budget, arguments.get(0), 0)
    }),
];

fn dict<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut entries = Entries::new();
    for pair in arguments.0.chunks(2) {
        let key = text_of(budget.output(), &pair[0])?;
        budget.memory(key.len())?;
        let value = pair.get(1).cloned().unwrap_or(Value::borrowed(""));
        entries.insert(key.into(), value);
    }
    Ok(Value::map(entries))
}

fn dict_of<'s, 'a>(value: &'s Value<'a>) -> Result<&'s Map<'a>, String> {
    match value {
        Value::Map(map) if map.element == ANY => Ok(map),
        other => Err(format!(
            "wrong type: expected map[string]interface {{}}, got {}",
            other.type_name()
        )),
    }
}

fn set<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let map = dict_of(arguments.get(0))?;
    let (key, value) = (arguments.text(1)?, arguments.get(2));
    outside(budget, map, value, 0)?;
    budget.memory(key.len() + 3 * size_of::<Value<'_>>())?;
    map.entries.borrow_mut().insert(key.into(), value.clone());
    Ok(arguments.get(0).clone())
}

/// Refuses to put a dict into itself: it could never be printed nor freed.
fn outside(
    budget: &mut Budget,
    map: &Map<'_>,
    value: &Value<'_>,
    depth: usize,
) -> Result<(), String> {
    budget.steps(1)?;
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    match value {
        Value::Map(inner) if inner.address() == map.address() => {
            Err("a dict cannot be put into itself".to_owned())
        }
        Value::Map(inner) => {
            let entries = inner.entries.borrow();
            entries
                .values()
                .try_for_each(|value| outside(budget, map, value, depth + 1))
        }
        Value::List(list) => list
            .items
            .iter()
            .try_for_each(|value| outside(budget, map, value, depth + 1)),
        _ => Ok(()),
    }
}

fn pluck<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let key = arguments.text(0)?;
    let mut found = Vec::new();
    for at in 1..arguments.len() {
        found.extend(arguments.map(at)?.member(key));
    }
    Ok(Value::list(found))
}

fn keys<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut keys = Vec::new();
    for at in 0..arguments.len() {
        let members = arguments.map(at)?.members().unwrap_or_default();
        keys.extend(members.into_iter().map(|(key, _)| Value::Text(key)));
    }
    Ok(Value::list_of("string", keys))
}

fn choose<'a>(arguments: &Arguments<'_, 'a>, named: bool) -> Result<Value<'a>, String> {
    let mut names = Vec::with_capacity(arguments.len());
    for at in 1..arguments.len() {
        names.push(arguments.text(at)?);
    }
    names.sort_unstable();
    let members = arguments.map(0)?.members().unwrap_or_default();
    let chosen = members
        .into_iter()
        .filter(|(key, _)| names.binary_search(&&**key).is_ok() == named);
    Ok(Value::map(
        chosen
            .map(|(key, value)| (Rc::from(&*key), value))
            .collect(),
    ))
}

fn merge_all<'a>(
    budget: &mut Budget,
    arguments: &Arguments<'_, 'a>,
    overwrite: bool,
) -> Result<Value<'a>, String> {
    let target = dict_of(arguments.get(0))?;
    for at in 1..arguments.len() {
        merge(budget, target, arguments.map(at)?, overwrite, 0)?;
    }
    Ok(arguments.get(0).clone())
}

/// mergo's rules: what the target lacks or has empty is taken; dicts on both sides are merged.
fn merge<'a>(
    budget: &mut Budget,
    target: &Map<'a>,
    source: &Value<'a>,
    overwrite: bool,
    depth: usize,
) -> Result<(), String> {
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    for (key, value) in source.members().unwrap_or_default() {
        budget.steps(1)?;
        let present = target.entries.borrow().get(&*key).cloned();
        match present {
            Some(Value::Map(inner)) if matches!(value, Value::Map(_)) && inner.element == ANY => {
                merge(budget, &inner, &value, overwrite, depth + 1)?;
            }
            Some(present) if !empty(&present) && !overwrite => {}
            Some(_) if overwrite && empty(&value) => {}
            _ => {
                outside(budget, target, &value, depth)?;
                budget.memory(key.len() + 3 * size_of::<Value<'_>>())?;
                target.entries.borrow_mut().insert(Rc::from(&*key), value);
            }
        }
    }
    Ok(())
}

/// `dig "a" "b" default dict`.
fn dig<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let last = arguments.len() - 1;
    let mut value = arguments.map(last)?.clone();
    for at in 0..last - 1 {
        if !matches!(value, Value::Map(_) | Value::Labels(_)) {
            return Err(format!(
                "expected map[string]interface {{}} below key {:?}, got {}",
                arguments.text(at - 1)?,
                value.type_name()
            ));
        }
        match value.member(arguments.text(at)?) {
            Some(member) => value = member,
            None => return Ok(arguments.get(last - 1).clone()),
        }
    }
    Ok(value)
}

fn deep_copy<'a>(
    budget: &mut Budget,
    value: &Value<'a>,
    depth: usize,
) -> Result<Value<'a>, String> {
    budget.steps(1)?;
    budget.memory(value.bytes())?;
    if depth > DEPTH_MAX {
        return Err(format!("a value is nested deeper than {DEPTH_MAX}"));
    }
    Ok(match value {
        Value::Map(map) => {
            let mut entries = Entries::new();
            for (key, value) in map.entries.borrow().iter() {
                entries.insert(key.clone(), deep_copy(budget, value, depth + 1)?);
            }
            Value::map_of(map.element, entries)
        }
        Value::List(list) => {
            let mut items = Vec::with_capacity(list.items.len());
            for item in list.items.iter() {
                items.push(deep_copy(budget, item, depth + 1)?);
            }
            Value::list_of(list.element, items)
        }
        other => other.clone(),
    })
}
