//! `weir:plugin/event` and `weir:plugin/change`: the event at hand.

use std::borrow::Cow;

use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmStr};
use weir_event::{EventRef, Fields, Reader};

use crate::context::{Context, EMITTED_BYTES_MAX, EMITTED_EVENTS_MAX, Hand, Working};

/// Bytes of a pointer: taken apart it needs many times its length. No key of an event is as long.
const POINTER_BYTES_MAX: usize = 16 * 1024;

type Store<'a> = StoreContextMut<'a, Context>;

pub(super) fn define_event(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("id", |mut store: Store<'_>, ()| {
        Ok((read(&mut store, |event| event.id()),))
    })?;
    text_getter(linker, "severity", |event| event.severity())?;
    text_getter(linker, "reason", |event| event.reason())?;
    text_getter(linker, "message", |event| event.message())?;
    text_getter(linker, "namespace", |event| event.namespace())?;
    text_getter(linker, "object-kind", |event| event.object_kind())?;
    text_getter(linker, "object-name", |event| event.object_name())?;
    text_getter(linker, "component", |event| event.component())?;
    text_getter(linker, "node", |event| event.node())?;
    linker.func_wrap("count", |mut store: Store<'_>, ()| {
        Ok((read(&mut store, |event| event.count()),))
    })?;
    linker.func_wrap("timestamp", |mut store: Store<'_>, ()| {
        Ok((read(&mut store, |event| event.timestamp()),))
    })?;
    linker.func_wrap("text", |mut store: Store<'_>, (pointer,): (WasmStr,)| {
        with_pointer(&mut store, &pointer, |event, pointer| {
            event.text(pointer).map(Cow::into_owned)
        })
    })?;
    linker.func_wrap("json", |mut store: Store<'_>, (pointer,): (WasmStr,)| {
        with_pointer(&mut store, &pointer, |event, pointer| {
            event.json(pointer).map(str::to_owned)
        })
    })
}

fn text_getter(
    linker: &mut LinkerInstance<'_, Context>,
    name: &str,
    get: fn(EventRef<'_>) -> Cow<'_, str>,
) -> wasmtime::Result<()> {
    linker.func_wrap(name, move |mut store: Store<'_>, ()| {
        Ok((store
            .data_mut()
            .hand
            .event()
            .map_or_else(String::new, |event| get(event).into_owned()),))
    })
}

/// A field of the event at hand; empty where there is none.
fn read<T: Default>(store: &mut Store<'_>, get: impl Fn(EventRef<'_>) -> T) -> T {
    store.data_mut().hand.event().map_or_else(T::default, get)
}

/// Reads at a pointer that lies in the plugin's memory.
fn with_pointer(
    store: &mut Store<'_>,
    pointer: &WasmStr,
    get: impl Fn(EventRef<'_>, &str) -> Option<String>,
) -> wasmtime::Result<(Option<String>,)> {
    let pointer = pointer.to_str(&*store)?;
    if pointer.len() > POINTER_BYTES_MAX {
        return Ok((None,));
    }
    let pointer = pointer.into_owned();
    Ok((store
        .data_mut()
        .hand
        .event()
        .and_then(|event| get(event, &pointer)),))
}

pub(super) fn define_change(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "set",
        |mut store: Store<'_>, (pointer, json): (WasmStr, WasmStr)| {
            let pointer = pointer.to_str(&store)?;
            if pointer.len() > POINTER_BYTES_MAX {
                let bytes = pointer.len();
                return Ok((Err(format!(
                    "set: a pointer of {bytes} bytes; expected at most {POINTER_BYTES_MAX}"
                )),));
            }
            let pointer = pointer.into_owned();
            let json = json.to_str(&store)?.into_owned();
            Ok((working(&mut store).and_then(|event| event.set(&pointer, &json)),))
        },
    )?;
    linker.func_wrap("remove", |mut store: Store<'_>, (pointer,): (WasmStr,)| {
        let pointer = pointer.to_str(&store)?;
        if pointer.len() > POINTER_BYTES_MAX {
            return Ok(()); // nothing is there
        }
        let pointer = pointer.into_owned();
        if let Ok(event) = working(&mut store) {
            event.remove(&pointer);
        }
        Ok(())
    })?;
    linker.func_wrap("emit", |mut store: Store<'_>, (json,): (WasmStr,)| {
        let json = json.to_str(&store)?.into_owned();
        Ok((working(&mut store).and_then(|event| emit(event, &json)),))
    })
}

fn working<'a>(store: &'a mut Store<'_>) -> Result<&'a mut Working, String> {
    match &mut store.data_mut().hand {
        Hand::Event(working) => Ok(working),
        _ => Err("there is no event at hand: change it in process".into()),
    }
}

/// Reads the emitted event as any other, and gives it its identity: what the contract calls
/// `<id>#<filter>.<n>` is written into its uid and resourceVersion, so that it stays with it.
fn emit(working: &mut Working, json: &str) -> Result<(), String> {
    if working.emitted.len() >= working.emits_max {
        return Err(format!(
            "emit: more than {EMITTED_EVENTS_MAX} events for one event"
        ));
    }
    working.emitted_bytes += json.len();
    if working.emitted_bytes > EMITTED_BYTES_MAX {
        return Err(format!(
            "emit: more than {EMITTED_BYTES_MAX} bytes in one call"
        ));
    }
    let mut document = read_one(json)?;
    let parent = working.id();
    let (uid, version) = parent.rsplit_once('/').unwrap_or((&parent, ""));
    let version = format!("{version}#{}.{}", working.scope, working.emitted.len() + 1);
    for (pointer, value) in [
        ("/metadata/uid", uid),
        ("/metadata/resourceVersion", &version),
    ] {
        let value = serde_json::Value::from(value).to_string();
        weir_event::edit::set(&mut document, pointer, &value)
            .map_err(|error| format!("emit: {error}"))?;
    }
    Fields::scan(&document).map_err(|error| format!("emit: {error}"))?;
    working.emitted.push(document);
    Ok(())
}

fn read_one(json: &str) -> Result<String, String> {
    let (mut first, mut count) = (None, 0);
    let mut each = |event: Result<EventRef<'_>, weir_event::ReadError>| {
        count += 1;
        if count == 1 {
            first = Some(event.map(|event| event.document().to_owned()));
        }
    };
    Reader::new("")
        .read(json.as_bytes(), &mut each)
        .map_err(|error| format!("emit: {error}"))?;
    match first {
        Some(document) if count == 1 => document.map_err(|error| format!("emit: {error}")),
        _ => Err(format!("emit: expected one event, found {count}")),
    }
}
