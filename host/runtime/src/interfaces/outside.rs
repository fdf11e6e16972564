//! `weir:plugin/http` and `weir:plugin/secret`: the way out, and what it needs.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, WasmList, WasmStr};

use crate::context::{Context, Hand};
use crate::error::Misuse;
use crate::outbound::{Request, origin};

type Store<'a> = StoreContextMut<'a, Context>;

#[derive(ComponentType, Lift)]
#[component(record)]
struct WireRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: WasmList<u8>,
    timeout: u32,
}

#[derive(ComponentType, Lower)]
#[component(record)]
struct WireResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(super) fn define_http(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap("send", |store: Store<'_>, (wire,): (WireRequest,)| {
        let body = wire.body.as_le_slice(&store).to_vec();
        let WireRequest {
            method,
            url,
            headers,
            timeout,
            ..
        } = wire;
        Ok((send(
            store.data(),
            Request {
                method,
                url,
                headers,
                body,
                timeout_ms: timeout,
            },
        ),))
    })
}

fn send(context: &Context, request: Request) -> Result<WireResponse, String> {
    if matches!(context.hand, Hand::Empty) && !context.probing {
        return Err(
            "not granted: there is no HTTP in setup; make requests in process, deliver or probe"
                .into(),
        );
    }
    let origin = origin(&request.url);
    match context.of.outbound.send(request) {
        Ok(response) => Ok(WireResponse {
            status: response.status,
            headers: response.headers,
            body: response.body,
        }),
        Err(error) => {
            context.of.log.line(
                tracing::Level::WARN,
                &format!("HTTP request to {origin} failed: {error}"),
            );
            Err(error)
        }
    }
}

pub(super) fn define_secret(linker: &mut LinkerInstance<'_, Context>) -> wasmtime::Result<()> {
    linker.func_wrap(
        "basic",
        |store: Store<'_>, (user, password): (WasmStr, WasmStr)| {
            let placeholder = store
                .data()
                .of
                .secrets
                .basic(&user.to_str(&store)?, &password.to_str(&store)?);
            Ok((placeholder.map_err(Misuse)?,))
        },
    )?;
    linker.func_wrap(
        "hmac-sha256",
        |store: Store<'_>, (key, data): (WasmStr, WasmList<u8>)| {
            let data = data.as_le_slice(&store);
            let mac = store
                .data()
                .of
                .secrets
                .hmac_sha256(&key.to_str(&store)?, data);
            Ok((mac.map_err(Misuse)?,))
        },
    )
}
