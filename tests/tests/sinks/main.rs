//! The bundled sinks in the real binary, against strict fakes of their servers.

mod check;
mod elasticsearch;
mod file;
mod loki;
mod tls;
mod webhook;
