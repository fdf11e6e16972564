//! `weir:plugin/batch`, and where sinks deliver to beside HTTP: `weir:plugin/output` and `weir:plugin/file`; and
//! `weir:plugin/template`.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, WasmList, WasmStr};

use crate::context::{Batch, Context, Hand, Said};
use crate::error::Misuse;
use crate::logs::clean;
use crate::ways::Rotation;

/// Bytes of a reason for a rejection or retry.
const REASON_BYTES_MAX: usize = 1024;

type Store<'a> = StoreContextMut<'a, Context>;

pub(super) fn define_output(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("write", |store: Store<'_>, (bytes,): (WasmList<u8>,)| {
        let lines = bytes.as_le_slice(&store);
        let context = store.data();
        Ok((whole_lines(context, lines, |lines| {
            context.of.output.write(lines)
        }),))
    })
}

/// Whole lines, of a batch that is at hand.
fn whole_lines(
    context: &Context,
    lines: &[u8],
    write: impl FnOnce(&[u8]) -> Result<(), String>,
) -> Result<(), String> {
    match (&context.hand, lines.last()) {
        (Hand::Batch(_), None) => Ok(()),
        (Hand::Batch(_), Some(b'\n')) => write(lines),
        (Hand::Batch(_), Some(_)) => {
            Err("expected whole lines: the last byte must be a line feed".to_owned())
        }
        _ => Err("there is nothing to deliver: write in deliver".to_owned()),
    }
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct WireRotation {
    size: u32,
    every: u32,
    backups: u32,
    age: u32,
    compress: bool,
}

pub(super) fn define_file(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    type Parameters = (WasmStr, WasmList<u8>, WireRotation);
    linker.func_wrap(
        "append",
        |store: Store<'_>, (path, lines, rotation): Parameters| {
            let path = path.to_str(&store)?;
            let lines = lines.as_le_slice(&store);
            let context = store.data();
            let rotation = Rotation {
                size_mib: rotation.size,
                every_minutes: rotation.every,
                backups: rotation.backups,
                age_days: rotation.age,
                compress: rotation.compress,
            };
            Ok((whole_lines(context, lines, |lines| {
                context.of.files.append(&path, lines, rotation)
            }),))
        },
    )
}

pub(super) fn define_template(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("check", |store: Store<'_>, (template,): (WasmStr,)| {
        let template = template.to_str(&store)?;
        Ok((store.data().of.templates.check(&template),))
    })?;
    linker.func_wrap("render", |mut store: Store<'_>, (template,): (WasmStr,)| {
        let template = template.to_str(&store)?.into_owned();
        let context = store.data_mut();
        let of = std::sync::Arc::clone(&context.of);
        Ok((match context.hand.event() {
            Some(event) => of.templates.render(&template, event.document()),
            None => Err("there is no event: render in deliver".to_owned()),
        },))
    })
}

pub(super) fn define_batch(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("size", |store: Store<'_>, ()| {
        Ok((batch(store.data()).map_or(0, |batch| {
            u32::try_from(batch.documents.len()).unwrap_or(u32::MAX)
        }),))
    })?;
    linker.func_wrap("select", |mut store: Store<'_>, (index,): (u32,)| {
        let batch = batch_at(&mut store, index)?;
        batch.selected = index as usize;
        Ok(())
    })?;
    linker.func_wrap("document", |mut store: Store<'_>, (index,): (u32,)| {
        Ok((batch_at(&mut store, index)?.text(index as usize).to_owned(),))
    })?;
    linker.func_wrap("documents", |store: Store<'_>, (start, end): (u32, u32)| {
        Ok((documents(&store, start, end)?,))
    })?;
    linker.func_wrap(
        "reject",
        |mut store: Store<'_>, (index, reason): (u32, WasmStr)| {
            let reason = clean(&reason.to_str(&store)?, REASON_BYTES_MAX);
            batch_at(&mut store, index)?.said[index as usize] = Some(Said::Reject(reason));
            Ok(())
        },
    )?;
    linker.func_wrap(
        "retry",
        |mut store: Store<'_>, (index, reason): (u32, WasmStr)| {
            let reason = clean(&reason.to_str(&store)?, REASON_BYTES_MAX);
            batch_at(&mut store, index)?.said[index as usize] = Some(Said::Retry(reason));
            Ok(())
        },
    )?;
    linker.func_wrap(
        "retry-after",
        |mut store: Store<'_>, (milliseconds,): (u32,)| {
            if let Hand::Batch(batch) = &mut store.data_mut().hand {
                batch.retry_after_ms = milliseconds;
            }
            Ok(())
        },
    )
}

fn batch(context: &Context) -> Option<&Batch> {
    match &context.hand {
        Hand::Batch(batch) => Some(batch),
        _ => None,
    }
}

/// The batch, if it has this index; past the end is a trap, as the contract says.
fn batch_at<'a>(store: &'a mut Store<'_>, index: u32) -> wasmtime::Result<&'a mut Batch> {
    let Hand::Batch(batch) = &mut store.data_mut().hand else {
        return Err(past_the_end(index, 0));
    };
    let size = batch.documents.len();
    if (index as usize) < size {
        Ok(batch)
    } else {
        Err(past_the_end(index, size))
    }
}

fn past_the_end(index: u32, size: usize) -> wasmtime::Error {
    Misuse(format!(
        "index {index} is past the end of a batch of {size}"
    ))
    .into()
}

fn documents(store: &Store<'_>, start: u32, end: u32) -> wasmtime::Result<Vec<u8>> {
    let none = Batch::default();
    let batch = batch(store.data()).unwrap_or(&none);
    let size = batch.documents.len();
    let (first, last) = (start as usize, end as usize);
    if first > last || last > size {
        let text = format!(
            "documents {start} to {end} of a batch of {size}: expected start <= end <= {size}"
        );
        return Err(Misuse(text).into());
    }
    let chosen = || (first..last).map(|index| batch.text(index));
    let mut lines = Vec::with_capacity(chosen().map(|text| text.len() + 1).sum());
    for text in chosen() {
        lines.extend_from_slice(text.as_bytes());
        lines.push(b'\n');
    }
    Ok(lines)
}
