//! Lists. Each function gives a new list; none changes its argument.

use super::convert::int;
use super::defaults::empty;
use super::reflect::deep_equal;
use crate::functions::{Arguments, Function, MANY, function};
use crate::limits::Budget;
use crate::value::{ANY, Value};

pub(super) static FUNCTIONS: &[Function] = &[
    function("list", 0, MANY, list),
    function("tuple", 0, MANY, list),
    function("first", 1, 1, first),
    function("mustFirst", 1, 1, first),
    function("last", 1, 1, last),
    function("mustLast", 1, 1, last),
    function("rest", 1, 1, rest),
    function("mustRest", 1, 1, rest),
    function("initial", 1, 1, initial),
    function("mustInitial", 1, 1, initial),
    function("append", 2, 2, push),
    function("push", 2, 2, push),
    function("mustAppend", 2, 2, push),
    function("mustPush", 2, 2, push),
    function("prepend", 2, 2, prepend),
    function("mustPrepend", 2, 2, prepend),
    function("concat", 0, MANY, concat),
    function("reverse", 1, 1, reverse),
    function("mustReverse", 1, 1, reverse),
    function("uniq", 1, 1, uniq),
    function("mustUniq", 1, 1, uniq),
    function("without", 1, MANY, without),
    function("mustWithout", 1, MANY, without),
    function("has", 2, 2, has),
    function("mustHas", 2, 2, has),
    function("compact", 1, 1, compact),
    function("mustCompact", 1, 1, compact),
    function("slice", 1, MANY, slice),
    function("mustSlice", 1, MANY, slice),
    function("chunk", 2, 2, chunk),
    function("mustChunk", 2, 2, chunk),
];

fn list<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    Ok(Value::list(arguments.0.to_vec()))
}

fn first<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    Ok(arguments
        .list(0)?
        .items
        .first()
        .cloned()
        .unwrap_or(Value::Nil))
}

fn last<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    Ok(arguments
        .list(0)?
        .items
        .last()
        .cloned()
        .unwrap_or(Value::Nil))
}

fn rest<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    Ok(match arguments.list(0)?.items.split_first() {
        Some((_, rest)) => Value::list(rest.to_vec()),
        None => Value::nil_list(ANY),
    })
}

fn initial<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    Ok(match arguments.list(0)?.items.split_last() {
        Some((_, initial)) => Value::list(initial.to_vec()),
        None => Value::nil_list(ANY),
    })
}

fn push<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut items = arguments.items(0)?;
    items.push(arguments.get(1).clone());
    Ok(Value::list(items))
}

fn prepend<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut items = vec![arguments.get(1).clone()];
    items.extend(arguments.list(0)?.items.iter().cloned());
    Ok(Value::list(items))
}

fn concat<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut items = Vec::new();
    for at in 0..arguments.len() {
        items.extend(arguments.list(at)?.items.iter().cloned());
    }
    Ok(if items.is_empty() {
        Value::nil_list(ANY)
    } else {
        Value::list(items)
    })
}

fn reverse<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut items = arguments.items(0)?;
    items.reverse();
    Ok(Value::list(items))
}

fn contains(budget: &mut Budget, items: &[Value<'_>], wanted: &Value<'_>) -> Result<bool, String> {
    for item in items {
        if deep_equal(budget, wanted, item, 0)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut kept: Vec<Value<'a>> = Vec::new();
    for item in arguments.list(0)?.items.iter() {
        if !contains(budget, &kept, item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn without<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let mut kept = Vec::new();
    for item in arguments.list(0)?.items.iter() {
        if !contains(budget, arguments.from(1), item)? {
            kept.push(item.clone());
        }
    }
    Ok(Value::list(kept))
}

fn has<'a>(budget: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    if matches!(arguments.get(1), Value::Nil) {
        return Ok(Value::Bool(false));
    }
    contains(budget, &arguments.list(1)?.items, arguments.get(0)).map(Value::Bool)
}

fn compact<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let items = arguments.list(0)?.items.iter();
    Ok(Value::list(
        items.filter(|item| !empty(item)).cloned().collect(),
    ))
}

fn slice<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let Value::List(list) = arguments.get(0) else {
        let kind = arguments.get(0).kind();
        return Err(format!("list should be type of slice or array but {kind}"));
    };
    if list.items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = int(arguments.get(1));
    let end = if arguments.len() > 2 {
        int(arguments.get(2))
    } else {
        list.items.len() as i64
    };
    let place = |at: i64| usize::try_from(at).unwrap_or(usize::MAX);
    match list.items.get(place(start)..place(end)) {
        Some(items) => Ok(Value::list_of(list.element, items.to_vec())),
        None => Err(format!(
            "slice index out of bounds: {start} to {end} of {}",
            list.items.len()
        )),
    }
}

fn chunk<'a>(_: &mut Budget, arguments: &Arguments<'_, 'a>) -> Result<Value<'a>, String> {
    let size = usize::try_from(arguments.int(0)?)
        .ok()
        .filter(|size| *size > 0);
    let size = size.ok_or_else(|| "the size of a chunk has to be more than 0".to_owned())?;
    let chunks = arguments.list(1)?.items.chunks(size);
    let lists = chunks.map(|items| Value::list(items.to_vec())).collect();
    Ok(Value::list_of("[]interface {}", lists))
}
