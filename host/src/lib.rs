//! weir: a router of events, with filters and sinks in WebAssembly.
//!
//! ```text
//! source ─► lanes: the route tree, filters (wasm) in it ─► queue ─► deliver ─► sink (wasm)
//!   ▲                                                       one per receiver     │
//!   └────────────────────────── acknowledgements, by chunk ◄─────────────────────┘
//! ```
//!
//! One direction, no loops. `app` puts the stages together; `ARCHITECTURE.md` says who may import whom.

pub mod ack;
pub mod admin;
pub mod app;
pub mod author;
pub mod bench;
pub mod cli;
pub mod commands;
pub mod config;
pub mod deliver;
pub mod fixtures;
pub mod health;
pub mod ledger;
pub mod lines;
pub mod metrics;
pub mod output;
pub mod pack;
pub mod pipeline;
pub mod plugins;
pub mod position;
pub mod prepare;
pub mod queue;
pub mod receivers;
pub mod route;
pub mod secrets;
pub mod shutdown;
pub mod source;
pub mod status;
pub mod telemetry;
pub mod usage;
pub mod ways;
