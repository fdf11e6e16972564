//! What weir's end-to-end tests share. They run the real binary and look at what comes out of it; nothing
//! here links to weir, so that nothing here can be wrong in the same way.
//!
//! `README.md` says how to write a case. Never a sleep: each wait is on a condition, with a deadline.

pub mod case;
pub mod document;
pub mod folder;
pub mod input;
pub mod ledger;
pub mod program;
pub mod running;
pub mod tidy;
