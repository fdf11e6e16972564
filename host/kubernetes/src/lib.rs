//! Everything of weir that speaks to a Kubernetes API server.
