//! The event.
