//! What the fake servers have in common below HTTP: listening, certificates, connections that can be frozen and
//! broken off, bodies that are fed while they are read, and a state that can be waited for.

pub(crate) mod gate;
pub(crate) mod listen;
pub(crate) mod pipe;
pub(crate) mod shared;
pub(crate) mod tls;
