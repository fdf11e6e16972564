//! A loaded plugin: compiled, linked, described. Instances are made from it.

use std::path::{Path, PathBuf};

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use crate::advice;
use crate::cache::Cache;
use crate::compile::{Compiler, compile};
use crate::context::Context;
use crate::engine::Engine;
use crate::error::{LoadError, LoadProblem};
use crate::file::{Description, PluginFile};
use crate::interfaces;
use crate::shape::Shape;

/// The contract's package.
pub(crate) const PACKAGE: &str = "weir:plugin/";
/// What all versions of the contract that this host runs begin with.
const CONTRACT_MINOR: &str = "0.1";
/// The newest released contract.
pub const CONTRACT_VERSION: &str = "0.1.0";

/// Which world a plugin is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Keeps, changes or drops events.
    Filter,
    /// Delivers batches.
    Sink,
    /// A sink that can be asked whether it would work.
    SinkProbe,
}

impl Kind {
    /// The world's name in the contract.
    pub fn world(self) -> &'static str {
        match self {
            Kind::Filter => "filter",
            Kind::Sink => "sink",
            Kind::SinkProbe => "sink-probe",
        }
    }

    /// `filter` or `sink`: where in a configuration it can be used.
    pub fn role(self) -> &'static str {
        if self == Kind::Filter {
            "filter"
        } else {
            "sink"
        }
    }

    /// `neither` words what to do where it exports no plugin's function.
    pub(crate) fn of_exports(
        exports: impl Fn(&str) -> bool,
        neither: impl FnOnce() -> String,
    ) -> Result<Kind, LoadProblem> {
        match (exports("process"), exports("deliver"), exports("probe")) {
            (true, false, _) => Ok(Kind::Filter),
            (false, true, false) => Ok(Kind::Sink),
            (false, true, true) => Ok(Kind::SinkProbe),
            (true, true, _) => Err(LoadProblem::NoWorld(
                "exports both `process` (a filter) and `deliver` (a sink): expected one of them; \
                 make two plugins of it"
                    .into(),
            )),
            (false, false, _) => Err(LoadProblem::NoWorld(neither())),
        }
    }
}

/// A plugin, ready to be instantiated any number of times.
pub struct Plugin {
    /// The file's stem.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Which world it is of.
    pub kind: Kind,
    /// What it says of itself.
    pub description: Description,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// What it may use: each import as `interface.function`, e.g. `event.reason`.
    pub imports: Vec<String>,
    /// The contract it was built for, or [`CONTRACT_VERSION`] where it imports nothing.
    pub contract: String,
    pub(crate) engine: Engine,
    pub(crate) linked: InstancePre<Context>,
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Plugin")
            .field("name", &self.name)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    /// Reads, lifts, compiles (or takes from the cache) and links a plugin.
    ///
    /// # Errors
    /// Whatever is wrong with the file, with what to do about it.
    pub fn load(
        engine: &Engine,
        compiler: &Compiler,
        cache: Option<&Cache>,
        path: &Path,
    ) -> Result<Plugin, LoadError> {
        Plugin::from_file(engine, compiler, cache, PluginFile::read(path)?)
    }

    /// As [`load`](Plugin::load), of a file that was read before.
    ///
    /// # Errors
    /// As [`load`](Plugin::load).
    pub fn from_file(
        engine: &Engine,
        compiler: &Compiler,
        cache: Option<&Cache>,
        file: PluginFile,
    ) -> Result<Plugin, LoadError> {
        let path = file.path.clone();
        let fail = |problem| LoadError {
            file: path.clone(),
            problem,
        };
        let component = compile(engine, compiler, cache, &file).map_err(fail)?;
        Plugin::link(engine, file, &component).map_err(fail)
    }

    fn link(
        engine: &Engine,
        file: PluginFile,
        component: &Component,
    ) -> Result<Plugin, LoadProblem> {
        let ty = component.component_type();
        // A foreign import says more of how it was built than a missing export does.
        let (imports, contract) = read_imports(engine, component)?;
        let kind = Kind::of_exports(
            |name| ty.get_export(engine.wasmtime(), name).is_some(),
            || advice::no_world(&Shape::read(&file.wasm).0),
        )?;
        if ty.get_export(engine.wasmtime(), "setup").is_none() {
            return Err(LoadProblem::MissingExport {
                name: "setup",
                advice: advice::SETUP,
            });
        }
        let linked = interfaces::linker(engine, kind)
            .and_then(|linker| linker.instantiate_pre(component))
            .map_err(|error| explain_link(&format!("{error:#}"), &contract, kind))?;
        Ok(Plugin {
            name: file.name,
            path: file.path,
            kind,
            description: file.description,
            digest: file.digest,
            file_bytes: file.file_bytes,
            imports,
            contract,
            engine: engine.clone(),
            linked,
        })
    }

    /// `name version (file)`, as far as known, for messages.
    pub fn label(&self) -> String {
        if self.description.version.is_empty() {
            format!("{} ({})", self.name, self.path.display())
        } else {
            format!(
                "{} {} ({})",
                self.name,
                self.description.version,
                self.path.display()
            )
        }
    }
}

/// The functions a component imports, and for which contract it was built.
fn read_imports(
    engine: &Engine,
    component: &Component,
) -> Result<(Vec<String>, String), LoadProblem> {
    let ty = component.component_type();
    let mut functions = Vec::new();
    let mut newest_patch = 0;
    for (name, import) in ty.imports(engine.wasmtime()) {
        let Some((interface, version)) = name
            .strip_prefix(PACKAGE)
            .and_then(|rest| rest.split_once('@'))
        else {
            return Err(LoadProblem::Import(advice::foreign_import(name, &[])));
        };
        newest_patch = newest_patch.max(check_version(name, version)?);
        if let ComponentItem::ComponentInstance(instance) = import.ty {
            for (function, export) in instance.exports(engine.wasmtime()) {
                if matches!(export.ty, ComponentItem::ComponentFunc(_)) {
                    functions.push(format!("{interface}.{function}"));
                }
            }
        }
    }
    functions.sort();
    Ok((functions, contract_of(newest_patch)))
}

/// The contract of this patch release.
pub(crate) fn contract_of(patch: u32) -> String {
    format!("{CONTRACT_MINOR}.{patch}")
}

/// The patch release of the contract that an import names.
pub(crate) fn check_version(import: &str, version: &str) -> Result<u32, LoadProblem> {
    let patch = version
        .strip_prefix(CONTRACT_MINOR)
        .and_then(|rest| rest.strip_prefix('.'))
        .and_then(|patch| patch.parse().ok());
    patch.ok_or_else(|| {
        LoadProblem::Import(format!(
            "imports `{import}`: this weir runs plugins of contract {CONTRACT_MINOR}; build the plugin with the \
             WIT in plugin-sdk/wit/{CONTRACT_VERSION}, or run a weir that knows {version}"
        ))
    })
}

/// A name that the contract of this version lacks comes from a newer one, or is a mistake.
pub(crate) fn explain_link(error: &str, contract: &str, kind: Kind) -> LoadProblem {
    let newer = contract != CONTRACT_VERSION;
    let world = kind.world();
    LoadProblem::Import(if newer {
        format!(
            "needs contract {contract} or later, this weir has {CONTRACT_VERSION}: {error}; run a newer weir, or \
             build the plugin with the WIT in plugin-sdk/wit/{CONTRACT_VERSION}"
        )
    } else {
        format!(
            "does not fit world `{world}` of weir:plugin@{CONTRACT_VERSION}: {error}; build it with the WIT in \
             plugin-sdk/wit/{CONTRACT_VERSION}"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_contract() {
        let check = |version| check_version("weir:plugin/event", version).ok();
        assert_eq!((check("0.1.0"), check("0.1.17")), (Some(0), Some(17)));
        for other in [
            "0.2.0",
            "1.0.0",
            "0.10.1",
            "0.1.0-rc.1",
            "0.1.0-alpha",
            "0.1",
            "0.1.",
            "",
        ] {
            assert_eq!(check(other), None, "{other}");
        }
    }
}
