//! `weir:plugin/output` and `weir:plugin/batch`: what sinks deliver.

use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use crate::context::{Batch, Context, Hand, Said};
use crate::error::Misuse;
use crate::logs::clean;

/// Bytes of a reason for a rejection or retry.
const REASON_BYTES_MAX: usize = 1024;

type Store<'a> = StoreContextMut<'a, Context>;

pub(super) fn define_output(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("write", |store: Store<'_>, (bytes,): (WasmList<u8>,)| {
        let lines = bytes.as_le_slice(&store);
        Ok((match (&store.data().hand, lines.last()) {
            (Hand::Batch(_), None) => Ok(()),
            (Hand::Batch(_), Some(b'\n')) => store.data().of.output.write(lines),
            (Hand::Batch(_), Some(_)) => {
                Err("expected whole lines: the last byte must be a line feed".to_owned())
            }
            _ => Err("there is nothing to deliver: write in deliver".to_owned()),
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
        Ok((batch_at(&mut store, index)?.documents[index as usize]
            .event()
            .document()
            .to_owned(),))
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
    let all = batch(store.data()).map_or(&[][..], |batch| &batch.documents);
    let chosen = all.get(start as usize..end as usize).ok_or_else(|| {
        let size = all.len();
        Misuse(format!(
            "documents {start} to {end} of a batch of {size}: expected start <= end <= {size}"
        ))
    })?;
    let bytes: usize = chosen
        .iter()
        .map(|document| document.as_str().len() + 1)
        .sum();
    let mut lines = Vec::with_capacity(bytes);
    for document in chosen {
        lines.extend_from_slice(document.as_str().as_bytes());
        lines.push(b'\n');
    }
    Ok(lines)
}
