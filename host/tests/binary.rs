//! The binary itself. That it is named here makes `cargo test --workspace` build it, with the features that all tests have.

use std::process::Command;

#[test]
fn it_says_its_version() {
    let said = Command::new(env!("CARGO_BIN_EXE_weir"))
        .arg("--version")
        .output()
        .expect("it was built");
    let version = format!("weir {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8_lossy(&said.stdout), version);
}
