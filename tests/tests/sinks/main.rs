//! The bundled sinks in the real binary, against strict fakes of their servers.

mod check;
mod elasticsearch;
mod file;
mod kee;
mod loki;
mod secrets;
mod tls;
mod webhook;
