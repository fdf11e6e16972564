//! A core module becomes a component of the world that its exports choose.
//!
//! Any compiler's output is welcome: the canonical names, the standard mangling (`cm32p2|…`), and
//! modules that import WASI preview 1, which get stubs that grant nothing.

use wasmparser::Parser;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

use crate::advice;
use crate::error::LoadProblem;
use crate::plugin::{Kind, PACKAGE, check_version, contract_of, explain_link};
use crate::shape::{Shape, WASI};

/// Part of the compile cache's key: raise it when lifting makes another component of the same file.
pub(crate) const LIFT_VERSION: u32 = 2;

/// The contract, as released.
pub const CONTRACT: &str = include_str!("../../../plugin-sdk/wit/0.1.0/weir.wit");

/// What names of the standard mangling begin with.
const MANGLED: &str = "cm32p2|";
const WASI_STUB: &str = include_str!("nowasi.wat");
const WASI_STUB_WORLD: &str = "package weir:stub; world stub { import weir:plugin/host@0.1.0; }";

/// Lifts a core module; a component is passed on as it is.
///
/// # Errors
/// When it is damaged, exports no plugin, or imports what the contract lacks: each says what to do.
pub fn lift(wasm: &[u8]) -> Result<Vec<u8>, LoadProblem> {
    if Parser::is_component(wasm) {
        return Ok(wasm.to_vec());
    }
    let (shape, damage) = Shape::read(wasm);
    if let Some(problem) = damage {
        return Err(problem);
    }
    let kind = kind_of(&shape)?;
    let newest_patch = check_imports(&shape, kind)?;
    check_exports(&shape)?;
    let mut module = wasm.to_vec();
    if !shape.is_typed {
        let (resolve, world) = world(kind)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .map_err(|error| LoadProblem::Lift(chain(error)))?;
    }
    let wasi = !shape.wasi().is_empty();
    encode(&module, wasi).map_err(|error| explain(&error, newest_patch, kind))
}

/// The world that its exports choose.
fn kind_of(shape: &Shape) -> Result<Kind, LoadProblem> {
    let kind = Kind::of_exports(
        |name| exports_plugin_function(shape, name),
        || advice::no_world(shape),
    )?;
    advice::never_started(shape).map_or(Ok(kind), |problem| Err(LoadProblem::NoWorld(problem)))
}

fn exports_plugin_function(shape: &Shape, name: &str) -> bool {
    shape.exports(name) || shape.exports(&format!("cm32p2||{name}"))
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
    // With names a trap tells the modules that lifting adds from the plugin's own.
    let mut encoder = ComponentEncoder::default()
        .validate(true)
        .debug_names(true)
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

/// The encoder's own words do not say what to do. Gives the newest patch release of the contract that is imported. A
/// module that brings its types may import more than the contract: linking sees to it.
fn check_imports(shape: &Shape, kind: Kind) -> Result<u32, LoadProblem> {
    if let Some(problem) = advice::memory(shape) {
        return Err(LoadProblem::Refused(problem.to_owned()));
    }
    let mut newest_patch = 0;
    for import in &shape.imports {
        let name = &import.module;
        let plain = name.strip_prefix(MANGLED).unwrap_or(name);
        let Some((interface, version)) = plain
            .strip_prefix(PACKAGE)
            .and_then(|rest| rest.split_once('@'))
        else {
            if name == WASI || shape.is_typed && name.contains([':', '$']) {
                continue;
            }
            let problem = advice::foreign_import(name, &import.names);
            return Err(LoadProblem::Import(problem));
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
fn check_exports(shape: &Shape) -> Result<(), LoadProblem> {
    let mangled = shape
        .exports
        .iter()
        .any(|export| export.starts_with(MANGLED));
    let (memory, realloc) = if mangled {
        ("cm32p2_memory", "cm32p2_realloc")
    } else {
        ("memory", "cabi_realloc")
    };
    for (name, advice) in [(memory, advice::MEMORY), (realloc, advice::REALLOC)] {
        if !shape.exports(name) {
            return Err(LoadProblem::MissingExport { name, advice });
        }
    }
    if !exports_plugin_function(shape, "setup") {
        return Err(LoadProblem::MissingExport {
            name: "setup",
            advice: advice::SETUP,
        });
    }
    Ok(())
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
