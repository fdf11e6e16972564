//! A compiler for wasm32-unknown-unknown: the toolchain's own, or Debian's.
//!
//! Where rustup can fetch, it adds the target. Where it cannot, Debian's `rustc-web` has the sources of the
//! standard library, and cargo builds it from them (52 s, once).

use std::fmt;
use std::path::Path;
use std::process::Command;

use crate::shell::{Failed, apt_install, cargo, output, run, say, works};

const TARGET: &str = "wasm32-unknown-unknown";
const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "libstd-rust-web-dev", "rust-web-src", "lld-19"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std";
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-19";

/// What builds plugins on this machine.
#[derive(Clone, Copy, Debug)]
pub enum Toolchain {
    /// The Rust that builds the host, with the target installed.
    Own,
    /// Debian's, which builds the standard library itself.
    Debian,
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Toolchain::Own => "with the toolchain's own wasm target",
            Toolchain::Debian => {
                "with Debian's rustc-web; the first time it builds the standard library"
            }
        })
    }
}

impl Toolchain {
    /// What there is, else what can be installed.
    pub fn find() -> Result<Toolchain, Failed> {
        if has_target() {
            return Ok(Toolchain::Own);
        }
        if is_debian_ready() {
            return Ok(Toolchain::Debian);
        }
        if works(Command::new("rustup").arg("--version")) {
            say(&format!(
                "the wasm target is missing: rustup target add {TARGET}"
            ));
            if run(Command::new("rustup").args(["target", "add", TARGET])).is_ok() && has_target() {
                return Ok(Toolchain::Own);
            }
        }
        install_debian()?;
        Ok(Toolchain::Debian)
    }

    /// `cargo build` for plugins; the caller adds packages.
    pub fn cargo_build(self, target_folder: &Path) -> Command {
        let mut command = cargo();
        command
            .args([
                "build",
                "--profile",
                "wasm",
                "--target",
                TARGET,
                "--target-dir",
            ])
            .arg(target_folder);
        if matches!(self, Toolchain::Debian) {
            command
                .args(["-Zbuild-std=std,panic_abort"])
                .env("RUSTC", DEBIAN_RUSTC)
                .env("RUSTDOC", "/usr/bin/rustdoc")
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", DEBIAN_LINKER);
        }
        command
    }
}

fn has_target() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let folder = output(Command::new(rustc).args(["--print", "target-libdir", "--target", TARGET]));
    folder.is_some_and(|folder| Path::new(&folder).is_dir())
}

fn is_debian_ready() -> bool {
    [DEBIAN_RUSTC, DEBIAN_SOURCES, DEBIAN_LINKER]
        .iter()
        .all(|path| Path::new(path).exists())
}

fn install_debian() -> Result<(), Failed> {
    let otherwise =
        format!("run `rustup target add {TARGET}` (there is no compiler for it on this machine)");
    apt_install("Debian's compiler for wasm", &DEBIAN_PACKAGES, &otherwise)?;
    if is_debian_ready() {
        return Ok(());
    }
    Err(Failed(format!(
        "Debian's packages are installed, but one of {DEBIAN_RUSTC}, {DEBIAN_SOURCES}, {DEBIAN_LINKER} is missing"
    )))
}
