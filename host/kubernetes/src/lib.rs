//! Everything of weir that speaks to a Kubernetes API server.

pub mod backoff;
pub mod failure;
mod random;
