//! What can be seen of a plugin's WebAssembly without compiling it: its imports, exports, memory, and which tools made it.
//!
//! Lifting goes by it, and `weir plugin inspect` shows it, also of a file that no plugin can be made of.

use std::collections::{BTreeSet, HashMap, HashSet};

use wasmparser::{Encoding, ExternalKind, Parser, Payload, ProducersSectionReader, TypeRef};

use crate::error::LoadProblem;
use crate::logs::clean;

/// WASI preview 1, which lifting stubs.
pub(crate) const WASI: &str = "wasi_snapshot_preview1";
/// Bytes of a page of memory.
const PAGE_BYTES: u64 = 1 << 16;
/// Tools that are kept: each is a line of text.
const TOOLS_MAX: usize = 32;
/// Bytes of a name that are kept.
const NAME_BYTES_MAX: usize = 500;

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
    /// Where in `imports` a module is, and which names of it were noted: there may be hundreds of thousands.
    places: HashMap<String, (usize, HashSet<String>)>,
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

/// A name out of a file, for terminals and logs. None of the contract's is changed by it.
fn safe(name: &str) -> String {
    clean(name, NAME_BYTES_MAX)
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
                shape.places = HashMap::new();
                return (shape, Some(LoadProblem::Damaged(error.to_string())));
            }
        }
        shape.places = HashMap::new();
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
                        // Another module of the component has it, or nobody does.
                        self.note_memory(memory, is_outermost);
                    }
                    if is_outermost {
                        self.note_import(import.module, import.name);
                    }
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.note_memory(memory?, true);
                }
            }
            Payload::ExportSection(section) if is_outermost => {
                for export in section {
                    let export = export?;
                    if matches!(export.kind, ExternalKind::Func | ExternalKind::Memory) {
                        self.exports.push(safe(export.name));
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
                    self.exports.push(safe(export?.name.name));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn note_import(&mut self, module: &str, name: &str) {
        let (module, name) = (safe(module), safe(name));
        let imports = &mut self.imports;
        let (at, names) = self.places.entry(module).or_insert_with_key(|module| {
            imports.push(Imported {
                module: module.clone(),
                names: Vec::new(),
            });
            (imports.len() - 1, HashSet::new())
        });
        if !name.is_empty() && names.insert(name.clone()) {
            imports[*at].names.push(name);
        }
    }

    fn note_memory(&mut self, memory: wasmparser::MemoryType, is_own: bool) {
        if is_own {
            let bytes = memory.initial.saturating_mul(PAGE_BYTES);
            self.memory_bytes = self.memory_bytes.saturating_add(bytes);
        }
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
                        role: safe(field.name),
                        name: safe(value.name),
                        version: safe(value.version),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Shape {
        let (shape, problem) = Shape::read(&wat::parse_str(text).expect("valid text"));
        assert!(problem.is_none(), "{problem:?}");
        shape
    }

    #[test]
    fn names_are_safe_to_show_and_each_there_once() {
        let text = r#"(module
            (import "a\1b[2J\0aall is well" "f" (func)) (import "b" "f" (func))
            (import "a\1b[2J\0aall is well" "g" (func)) (import "b" "f" (func)))"#;
        let imports = shape(text).imports;
        let names: Vec<_> = imports.iter().map(|import| import.names.len()).collect();
        assert_eq!(names, [2, 1]);
        assert!(!imports[0].module.contains(char::is_control), "{imports:?}");
    }

    #[test]
    fn a_memory_that_modules_of_a_component_share_counts_once() {
        let text = r#"(component
            (core module $a (memory (export "m") 16))
            (core module $b (import "a" "m" (memory 16)))
            (core instance $a (instantiate $a))
            (core instance (instantiate $b (with "a" (instance $a)))))"#;
        assert_eq!(shape(text).memory_bytes, 16 * PAGE_BYTES);
        let imported = shape(r#"(module (import "env" "memory" (memory 2)))"#);
        assert_eq!(imported.memory_bytes, 2 * PAGE_BYTES);
    }
}
