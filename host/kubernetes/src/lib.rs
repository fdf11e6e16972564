//! Everything of weir that speaks to a Kubernetes API server.

pub mod backoff;
pub mod config_map;
mod exchange;
pub mod failure;
pub mod lease;
mod random;
#[cfg(test)]
mod testing;

pub use exchange::Clients;
