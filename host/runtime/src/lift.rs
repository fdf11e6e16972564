//! A core module becomes a component of the world that its exports choose.
//!
//! Any compiler's output is welcome: the canonical names, the standard mangling (`cm32p2|…`), and
//! modules that import WASI preview 1, which get stubs that grant nothing.

use std::collections::BTreeSet;

use wasmparser::{ExternalKind, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use crate::error::LoadProblem;
use crate::plugin::{Kind, PACKAGE, check_version, contract_of, explain_link, foreign_import};

/// Part of the compile cache's key: raise it when lifting makes another component of the same file.
pub(crate) const LIFT_VERSION: u32 = 2;

/// The contract, as released.
pub const CONTRACT: &str = include_str!("../../../plugin-sdk/wit/0.1.0/weir.wit");

/// What names of the standard mangling begin with.
const MANGLED: &str = "cm32p2|";
const WASI: &str = "wasi_snapshot_preview1";
const WASI_STUB: &str = include_str!("nowasi.wat");
const WASI_STUB_WORLD: &str = "package weir:stub; world stub { import weir:plugin/host@0.1.0; }";

/// Lifts a core module; a component is passed on as it is.
///
/// # Errors
/// When it is damaged, exports no plugin, or imports what the contract lacks: each says what to do.
pub fn lift(wasm: &[u8]) -> Result<Vec<u8>, LoadProblem> {
    let shape = Shape::read(wasm)?;
    if shape.component {
        return Ok(wasm.to_vec());
    }
    let kind = Kind::of_exports(|name| shape.exports_plugin_function(name))?;
    let newest_patch = shape.check_imports(kind)?;
    shape.check_exports()?;
    let mut module = wasm.to_vec();
    if !shape.typed {
        let (resolve, world) = world(kind)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(|error| LoadProblem::Lift(chain(error)))?;
    }
    encode(&module, shape.wasi).map_err(|error| explain(&error, newest_patch, kind))
}

fn world(kind: Kind) -> Result<(Resolve, WorldId), LoadProblem> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("weir.wit", CONTRACT)
        .map_err(|error| LoadProblem::Lift(chain(error)))?;
    let world = resolve
        .select_world(&[package], Some(kind.world()))
        .map_err(|error| LoadProblem::Lift(chain(error)))?;
    Ok((resolve, world))
}

/// The stub has a world of its own: the plugin may import nothing of the contract's `host` itself.
fn stub_world() -> Result<(Resolve, WorldId), String> {
    let mut resolve = Resolve::default();
    resolve.push_str("weir.wit", CONTRACT).map_err(chain)?;
    let package = resolve
        .push_str("stub.wit", WASI_STUB_WORLD)
        .map_err(chain)?;
    let world = resolve
        .select_world(&[package], Some("stub"))
        .map_err(chain)?;
    Ok((resolve, world))
}

fn encode(module: &[u8], wasi: bool) -> Result<Vec<u8>, String> {
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .module(module)
        .map_err(chain)?;
    if wasi {
        let mut stub = wat::parse_str(WASI_STUB).map_err(chain)?;
        let (resolve, world) = stub_world()?;
        embed_component_metadata(&mut stub, &resolve, world, StringEncoding::UTF8)
            .map_err(chain)?;
        encoder = encoder.adapter(WASI, &stub).map_err(chain)?;
    }
    encoder.encode().map_err(chain)
}

/// An error with all its causes, which is how wit-component's errors print in full.
fn chain(error: impl std::fmt::Display) -> String {
    format!("{error:#}")
}

/// What can be seen of a module without compiling it.
#[derive(Default)]
struct Shape {
    component: bool,
    /// A custom section says which world it was built for.
    typed: bool,
    wasi: bool,
    /// The modules that it imports from, each once.
    imports: BTreeSet<String>,
    exports: Vec<String>,
}

impl Shape {
    fn read(wasm: &[u8]) -> Result<Shape, LoadProblem> {
        let mut shape = Shape::default();
        for payload in wasmparser::Parser::new(0).parse_all(wasm) {
            match payload.map_err(|error| LoadProblem::Damaged(error.to_string()))? {
                Payload::Version {
                    encoding: wasmparser::Encoding::Component,
                    ..
                } => {
                    shape.component = true;
                    return Ok(shape);
                }
                Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                    shape.typed = true;
                }
                Payload::ImportSection(section) => shape.read_imports(section)?,
                Payload::ExportSection(section) => {
                    for export in section {
                        let export =
                            export.map_err(|error| LoadProblem::Damaged(error.to_string()))?;
                        if matches!(export.kind, ExternalKind::Func | ExternalKind::Memory) {
                            shape.exports.push(export.name.to_owned());
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }

    fn exports(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export == name)
    }

    fn exports_plugin_function(&self, name: &str) -> bool {
        self.exports(name) || self.exports(&format!("cm32p2||{name}"))
    }

    fn read_imports(
        &mut self,
        section: wasmparser::ImportSectionReader<'_>,
    ) -> Result<(), LoadProblem> {
        for import in section.into_imports() {
            let import = import.map_err(|error| LoadProblem::Damaged(error.to_string()))?;
            self.wasi |= import.module == WASI;
            if !self.imports.contains(import.module) {
                self.imports.insert(import.module.to_owned());
            }
        }
        Ok(())
    }

    /// The encoder's own words do not say what to do. Gives the newest patch release of the contract that
    /// is imported. A module that brings its types may import more than the contract: linking sees to it.
    fn check_imports(&self, kind: Kind) -> Result<u32, LoadProblem> {
        let mut newest_patch = 0;
        for name in &self.imports {
            let plain = name.strip_prefix(MANGLED).unwrap_or(name);
            let Some((interface, version)) = plain
                .strip_prefix(PACKAGE)
                .and_then(|rest| rest.split_once('@'))
            else {
                if self.typed || name == WASI {
                    continue;
                }
                return Err(LoadProblem::Import(foreign_import(name)));
            };
            // The standard mangling names no patch release.
            if name == plain || version.matches('.').count() > 1 {
                newest_patch = newest_patch.max(check_version(name, version)?);
            } else {
                check_version(name, &format!("{version}.0"))?;
            }
            let (here, there) = match kind {
                Kind::Filter => ("filter", "sink"),
                Kind::Sink | Kind::SinkProbe => ("sink", "filter"),
            };
            let only_there = match kind {
                Kind::Filter => ["batch", "output"].as_slice(),
                Kind::Sink | Kind::SinkProbe => ["change"].as_slice(),
            };
            if only_there.contains(&interface) {
                return Err(LoadProblem::Import(format!(
                    "imports `{name}`, which is for a {there}, and exports a {here}: expected one or the other"
                )));
            }
        }
        Ok(newest_patch)
    }

    /// The encoder's own words for these do not say what to do.
    fn check_exports(&self) -> Result<(), LoadProblem> {
        let mangled = self
            .exports
            .iter()
            .any(|export| export.starts_with(MANGLED));
        let (memory, realloc) = if mangled {
            ("cm32p2_memory", "cm32p2_realloc")
        } else {
            ("memory", "cabi_realloc")
        };
        for (name, advice) in [
            (memory, "export its linear memory under this name"),
            (
                realloc,
                "export an allocator (old pointer, old length, alignment, new length) -> pointer",
            ),
        ] {
            if !self.exports(name) {
                return Err(LoadProblem::MissingExport { name, advice });
            }
        }
        if !self.exports_plugin_function("setup") {
            let advice = "export it: it takes the configuration as JSON and may accept anything";
            return Err(LoadProblem::MissingExport {
                name: "setup",
                advice,
            });
        }
        Ok(())
    }
}

/// Adds what to do to the encoder's words.
fn explain(error: &str, newest_patch: u32, kind: Kind) -> LoadProblem {
    // Where it stopped matters, on what way the encoder came there does not.
    let said = [
        "module was not valid: ",
        "failed to decode world from module: ",
    ]
    .into_iter()
    .find_map(|way| error.split_once(way).map(|(_, said)| said))
    .unwrap_or(error);
    if said.contains(PACKAGE) {
        return explain_link(said, &contract_of(newest_patch), kind);
    }
    let advice = if said.contains(WASI) {
        "weir's WASI stub has all of preview 1: rebuild without what needs this"
    } else if said.contains("cabi_realloc") {
        "export cabi_realloc (wit-bindgen 0.60 dropped it: use 0.58)"
    } else {
        "compare its imports and exports with plugin-sdk/wit"
    };
    LoadProblem::Lift(format!("{said}; {advice}"))
}
