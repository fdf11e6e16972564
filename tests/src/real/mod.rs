//! Real servers for the tests of sinks: started here from what Maven has of them, on 127.0.0.1, with their data in a
//! folder of the test. `cargo xtask test --real` builds them and says where they are; without that they do not run.

pub mod search;
