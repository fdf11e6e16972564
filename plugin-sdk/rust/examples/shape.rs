//! Shows what core modules import, export and say about themselves, and fails where one is no plugin.
//!
//! `cargo run -p weir-plugin --example shape target/dist/plugins/*.wasm`

use std::process::ExitCode;

use serde_json::{Value, json};
use wasmparser::{Parser, Payload};

/// The prefix of all imports of the contract.
const CONTRACT: &str = "weir:plugin/";
const BYTES_MAX: usize = 150_000;

fn main() -> ExitCode {
    let mut answer = ExitCode::SUCCESS;
    for file in std::env::args().skip(1) {
        let shape = std::fs::read(&file)
            .map_err(|error| error.to_string())
            .and_then(|module| Shape::read(&module));
        let shown = match shape {
            Ok(shape) => {
                let problems = shape.problems();
                if !problems.is_empty() {
                    answer = ExitCode::FAILURE;
                }
                json!({"file": file, "bytes": shape.bytes, "imports": shape.imports, "exports": shape.exports,
                    "description": shape.descriptions, "types": shape.types, "problems": problems})
            }
            Err(problem) => {
                answer = ExitCode::FAILURE;
                json!({"file": file, "problems": [problem]})
            }
        };
        println!("{shown:#}");
    }
    answer
}

#[derive(Default)]
struct Shape {
    bytes: usize,
    imports: Vec<String>,
    exports: Vec<String>,
    descriptions: Vec<Value>,
    /// Worlds with exports: what the module says it is.
    types: Vec<String>,
}

impl Shape {
    fn read(module: &[u8]) -> Result<Shape, String> {
        let mut shape = Shape {
            bytes: module.len(),
            ..Shape::default()
        };
        for payload in Parser::new(0).parse_all(module) {
            shape.add(payload.map_err(|error| error.to_string())?)?;
        }
        Ok(shape)
    }

    fn add(&mut self, payload: Payload<'_>) -> Result<(), String> {
        match payload {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    let import = import.map_err(|error| error.to_string())?;
                    self.imports
                        .push(format!("{}#{}", import.module, import.name));
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports {
                    self.exports
                        .push(export.map_err(|error| error.to_string())?.name.to_owned());
                }
            }
            Payload::CustomSection(section) if section.name() == "weir" => {
                let description = serde_json::from_slice(section.data());
                self.descriptions
                    .push(description.map_err(|error| format!("section weir: {error}"))?);
            }
            Payload::CustomSection(section) if describes_exports(section.name()) => {
                self.types.push(section.name().to_owned());
            }
            _ => {}
        }
        Ok(())
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let world = ["process", "deliver"]
            .into_iter()
            .filter(|name| self.has(name))
            .count();
        if world != 1 {
            problems.push("exports neither or both of process and deliver".to_owned());
        }
        for name in ["memory", "cabi_realloc", "setup"] {
            if !self.has(name) {
                problems.push(format!("does not export {name}"));
            }
        }
        let foreign = self
            .imports
            .iter()
            .filter(|import| !import.starts_with(CONTRACT));
        problems.extend(
            foreign.map(|import| format!("imports {import}, which is not of the contract")),
        );
        let expected = match (self.has("process"), self.has("probe")) {
            (true, _) => ":filter:",
            (false, true) => ":sink-probe:",
            (false, false) => ":sink:",
        };
        if !matches!(&self.types[..], [one] if one.contains(expected)) {
            problems.push(format!("is not described as {expected} once"));
        }
        if self.descriptions.len() != 1 {
            problems.push(format!(
                "has {} sections named weir, expected 1",
                self.descriptions.len()
            ));
        }
        if self.bytes > BYTES_MAX {
            problems.push(format!(
                "has {} bytes, expected at most {BYTES_MAX}",
                self.bytes
            ));
        }
        problems
    }

    fn has(&self, export: &str) -> bool {
        self.exports.iter().any(|name| name == export)
    }
}

/// The bindings add a section for each world's imports, too.
fn describes_exports(section: &str) -> bool {
    section.starts_with("component-type:") && section.ends_with("imports and exports")
}
