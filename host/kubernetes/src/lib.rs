//! Everything of weir that speaks to a Kubernetes API server: watching events, keeping positions, electing a leader,
//! looking up what events are about, announcing what people should know of weir.
//!
//! ```text
//! Connection ─► Watch (list, stream) ─► Enricher ─► Message, to who spreads events
//! ```
//!
//! All of it is async and runs on one thread; nothing here blocks for long, and no plugin runs here. Only this
//! crate names kube, and of ours it names only `weir-event`. It reads no configuration of weir.

pub mod announce;
pub mod backoff;
pub mod config_map;
pub mod connect;
mod exchange;
pub mod failure;
pub mod gap;
pub mod lease;
mod limit;
pub mod lookup;
mod random;
pub mod relist;
mod report;
pub mod request;
pub mod status;
#[cfg(test)]
mod testing;
pub mod watch;

pub use exchange::Clients;
