//! For those who write plugins: a folder to begin with, and the commands that make WebAssembly of it.
//!
//! ```text
//! new:   carried (SDKs, templates, self-tests) ─► scaffold ─► a folder with plugin.yaml
//! build: plugin.yaml ─► manifest ─► tools (on this machine) ─► recipe ─► steps, which the command runs
//! ```
//!
//! It looks for tools and reads a plugin's folder; it writes nothing and runs nothing but tools that are asked for their
//! version. Called by `weir plugin new`, `build` and `languages`.

mod carried;
mod crate_manifest;
mod language;
mod manifest;
mod needs;
mod readme;
mod recipe;
mod scaffold;
mod tools;
mod world;

pub use crate_manifest::NotAlone;
pub use language::Language;
pub use manifest::{Build, MANIFEST_FILE, Manifest, ManifestError, NAME_EXPECTED, is_name};
pub use needs::{Fetch, Missing, Ready, installation, needs};
pub use recipe::{Recipe, RecipeError, SCRATCH, Step, Taken, command, quoted, recipe};
pub use scaffold::{File, NoTemplate, Template, scaffold};
pub use tools::{Run, Tool, Tools, run_quietly};
