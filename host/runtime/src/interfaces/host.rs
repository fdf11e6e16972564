//! `weir:plugin/host` and `weir:plugin/state`: what every plugin may use.

use std::time::{SystemTime, UNIX_EPOCH};

use tracing::Level;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, WasmList, WasmStr};

use crate::context::Context;
use crate::error::Misuse;

type Store<'a> = StoreContextMut<'a, Context>;

#[derive(Clone, Copy, ComponentType, Lift)]
#[component(enum)]
#[repr(u8)]
#[allow(
    dead_code,
    reason = "guests make these values: the derived Lift reads the discriminant"
)]
enum LogLevel {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warn")]
    Warn,
    #[component(name = "error")]
    Error,
}

pub(super) fn define_host(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "log",
        |store: Store<'_>, (level, message): (LogLevel, WasmStr)| {
            let level = match level {
                LogLevel::Debug => Level::DEBUG,
                LogLevel::Info => Level::INFO,
                LogLevel::Warn => Level::WARN,
                LogLevel::Error => Level::ERROR,
            };
            store.data().of.log.line(level, &message.to_str(&store)?);
            Ok(())
        },
    )?;
    linker.func_wrap(
        "print",
        |mut store: Store<'_>, (fd, bytes): (u8, WasmList<u8>)| {
            let bytes = bytes.as_le_slice(&store).to_vec();
            store.data_mut().print(fd, &bytes);
            Ok(())
        },
    )?;
    linker.func_wrap("now", |_: Store<'_>, ()| {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok((u64::try_from(since.as_millis()).unwrap_or(u64::MAX),))
    })?;
    linker.func_wrap("random", |mut store: Store<'_>, ()| {
        let number = store.data_mut().random.next();
        Ok((number.map_err(|error| Misuse(format!("no random numbers: {error}")))?,))
    })?;
    linker.func_wrap("count", |store: Store<'_>, (name, by): (WasmStr, u32)| {
        store.data().of.count(&name.to_str(&store)?, by);
        Ok(())
    })
}

pub(super) fn define_state(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("get", |store: Store<'_>, (key,): (WasmStr,)| {
        Ok((store.data().of.get(&key.to_str(&store)?),))
    })?;
    linker.func_wrap(
        "put",
        |store: Store<'_>, (key, value, ttl): (WasmStr, WasmList<u8>, u32)| {
            let value = value.as_le_slice(&store).to_vec();
            store.data().of.put(&key.to_str(&store)?, value, ttl);
            Ok(())
        },
    )?;
    linker.func_wrap(
        "add",
        |store: Store<'_>, (key, by, ttl): (WasmStr, i32, u32)| {
            Ok((store.data().of.add(&key.to_str(&store)?, by, ttl),))
        },
    )
}
