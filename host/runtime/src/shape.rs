//! What can be seen of a plugin's WebAssembly without compiling it: its imports, exports, memory, and which tools made it.
//!
//! Lifting goes by it, and `weir plugin inspect` shows it, also of a file that no plugin can be made of.

use std::collections::BTreeSet;

use wasmparser::{Encoding, ExternalKind, Parser, Payload, ProducersSectionReader, TypeRef};

use crate::error::LoadProblem;

/// WASI preview 1, which lifting stubs.
pub(crate) const WASI: &str = "wasi_snapshot_preview1";
/// Bytes of a page of memory.
const PAGE_BYTES: u64 = 1 << 16;
/// Tools that are kept: each is a line of text.
const TOOLS_MAX: usize = 32;

/// What was found. Of a component, what its core modules import and export is not in it: that is wired inside.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// A component, not a core module.
    pub is_component: bool,
    /// A custom section of a core module says which world it was built for.
    pub is_typed: bool,
    /// What it imports: each module (of a component: each interface) once, with the names in it (of a component: none).
    pub imports: Vec<Imported>,
    /// The functions and memories that it exports; of a component, all.
    pub exports: Vec<String>,
    /// Bytes that its memories, those of inner modules too, have at the start.
    pub memory_bytes: u64,
    /// A memory of it has 64-bit addresses.
    pub has_memory64: bool,
    /// A memory of it is shared between threads.
    pub has_shared_memory: bool,
    /// The tools that made it, as far as they left their names.
    pub tools: BTreeSet<Tool>,
}

/// What is imported from one module or interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The module's or interface's name.
    pub module: String,
    /// Names in it, in order, each once.
    pub names: Vec<String>,
}

/// An entry of the custom section `producers`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tool {
    /// `language`, `processed-by` or `sdk`.
    pub role: String,
    /// Such as `Rust`, `clang`.
    pub name: String,
    /// Free text, may be empty.
    pub version: String,
}

impl Shape {
    /// Reads as far as it can be read; with what was wrong there, if anything was.
    pub fn read(wasm: &[u8]) -> (Shape, Option<LoadProblem>) {
        let mut shape = Shape {
            is_component: Parser::is_component(wasm),
            ..Shape::default()
        };
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(wasm) {
            let read = payload.and_then(|payload| shape.take(payload, &mut depth));
            if let Err(error) = read {
                return (shape, Some(LoadProblem::Damaged(error.to_string())));
            }
        }
        (shape, None)
    }

    fn take(&mut self, payload: Payload<'_>, depth: &mut usize) -> wasmparser::Result<()> {
        let is_outermost = *depth == 1;
        match payload {
            Payload::Version { encoding, .. } => {
                *depth += 1;
                debug_assert!(*depth > 1 || self.is_component == (encoding == Encoding::Component));
            }
            Payload::End(_) => *depth -= 1,
            Payload::CustomSection(section) => {
                self.is_typed |= section.name().starts_with("component-type");
                if section.name() == "producers" {
                    // It is free text for people: one that cannot be read is no harm.
                    let reader = wasmparser::BinaryReader::new(section.data(), 0);
                    let _ = ProducersSectionReader::new(reader)
                        .and_then(|producers| self.read_tools(producers));
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import?;
                    if let TypeRef::Memory(memory) = import.ty {
                        self.note_memory(memory);
                    }
                    if is_outermost {
                        self.note_import(import.module, import.name);
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.note_memory(memory?);
                }
            }
            Payload::ExportSection(section) if is_outermost => {
                for export in section {
                    let export = export?;
                    if matches!(export.kind, ExternalKind::Func | ExternalKind::Memory) {
                        self.exports.push(export.name.to_owned());
                    }
                }
            }
            Payload::ComponentImportSection(section) if is_outermost => {
                for import in section {
                    self.note_import(import?.name.name, "");
                }
            }
            Payload::ComponentExportSection(section) if is_outermost => {
                for export in section {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_import(&mut self, module: &str, name: &str) {
        let known = self.imports.iter().position(|known| known.module == module);
        let at = known.unwrap_or_else(|| {
            self.imports.push(Imported {
                module: module.to_owned(),
                names: Vec::new(),
            });
            self.imports.len() - 1
        });
        let names = &mut self.imports[at].names;
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    fn note_memory(&mut self, memory: wasmparser::MemoryType) {
        self.memory_bytes = self
            .memory_bytes
            .saturating_add(memory.initial.saturating_mul(PAGE_BYTES));
        self.has_memory64 |= memory.memory64;
        self.has_shared_memory |= memory.shared;
    }

    fn read_tools(&mut self, producers: ProducersSectionReader<'_>) -> wasmparser::Result<()> {
        for field in producers {
            let field = field?;
            for value in field.values {
                let value = value?;
                if self.tools.len() < TOOLS_MAX {
                    self.tools.insert(Tool {
                        role: field.name.to_owned(),
                        name: value.name.to_owned(),
                        version: value.version.to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether it exports this.
    pub fn exports(&self, name: &str) -> bool {
        self.exports.iter().any(|export| export == name)
    }

    /// The names that it imports from this module; none where it does not.
    pub fn imported_from(&self, module: &str) -> &[String] {
        let found = self.imports.iter().find(|import| import.module == module);
        found.map_or(&[], |import| &import.names)
    }

    /// The functions of WASI preview 1 that it asks for, which are answered by stubs.
    pub fn wasi(&self) -> &[String] {
        self.imported_from(WASI)
    }

    /// Whether one of the tools that made it has this name.
    pub(crate) fn is_made_with(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }
}
