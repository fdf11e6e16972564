//! The host's functions by the names of the contract: the real ones in a module, the double's natively.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::{
    filter::weir::plugin::{change, event, host, http, secret, state},
    sink::weir::plugin::{batch, file, output, template},
};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::double::{
    batch, change, event, file, host, http, output, secret, state, template,
};
