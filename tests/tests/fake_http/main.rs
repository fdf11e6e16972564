//! The fake HTTP servers (`tests/src/fake_http`): that they fail as they are told, and refuse what the real ones refuse.

mod elasticsearch;
mod faults;
mod loki;
mod tls;
mod webhook;
