//! The fake API server against the recorded replies of a real one (`tests/src/fake_api`): what it says must be what
//! was recorded, byte for byte where that is possible.

mod access;
mod client;
mod commands;
mod faults;
mod lists;
mod objects;
mod protocol;
mod watches;
