//! Component → machine code, in a child process, once for each content digest.
//!
//! Cranelift keeps the memory it once used, and a compiler's crash must stay outside of the host. The
//! host never reads compiled code from a plugin directory: only from its own cache folder, which nobody
//! else can write.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use wasmtime::component::Component;

use crate::cache::Cache;
use crate::child::run_child;

use crate::engine::Engine;
use crate::error::LoadProblem;
use crate::file::PluginFile;

/// Processor time of one compilation. A Python interpreter takes five seconds.
pub(crate) const COMPILE_SECONDS_MAX: u64 = 120;

/// Address space of the compiling child.
const COMPILE_BYTES_MAX: u64 = 8 << 30;

/// How components are compiled.
#[derive(Clone, Debug)]
pub enum Compiler {
    /// In a child: this program with these arguments reads a plugin's WebAssembly from standard input and
    /// writes machine code to standard output: [`compile_child`].
    Child {
        /// The program, as a rule the host's own.
        program: PathBuf,
        /// Its arguments.
        arguments: Vec<String>,
    },
    /// In this process: for tests, benches and short-lived tools.
    InProcess,
}

/// Gives the plugin's compiled component, from the cache where it is there. A cache that cannot be
/// written costs a compilation each start, not the start.
pub(crate) fn compile(
    engine: &Engine,
    compiler: &Compiler,
    cache: Option<&Cache>,
    file: &PluginFile,
) -> Result<Component, LoadProblem> {
    let cached = cache.map(|cache| (cache, cache.path(&file.digest, &engine.compatibility())));
    if let Some((cache, path)) = &cached
        && path.exists()
    {
        match from_file(engine, path) {
            Ok(component) => {
                cache.note_use(path);
                return Ok(component);
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "a cached compilation is not usable; compiling again");
            }
        }
    }
    let code = match compiler {
        Compiler::Child { program, arguments } => run_child(program, arguments, &file.wasm)?,
        Compiler::InProcess => to_code(engine, &file.wasm)?,
    };
    if let Some((cache, path)) = &cached {
        match cache.store(path, &code) {
            Ok(()) => {
                return from_file(engine, path).map_err(|error| {
                    cache.forget(path);
                    unusable(compiler, &error)
                });
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "cannot write the plugin cache; the plugin is compiled at each start");
            }
        }
    }
    from_code(engine, &code).map_err(|error| unusable(compiler, &error))
}

/// What the compiler made is not for this engine.
fn unusable(compiler: &Compiler, error: &wasmtime::Error) -> LoadProblem {
    LoadProblem::Compile(match compiler {
        Compiler::InProcess => format!("{error:#}"),
        Compiler::Child { program, .. } => format!(
            "the compiler process {} gave no code that this weir can use ({error:#}): expected the same \
             version of weir",
            program.display()
        ),
    })
}

/// The file's code is mapped, not read: it costs no memory of its own.
#[allow(
    unsafe_code,
    reason = "the file was written by this module in a folder that only we can write"
)]
fn from_file(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: `Cache::open` refuses folders that others can write, and only `Cache::store` writes there.
    unsafe { Component::deserialize_file(engine.wasmtime(), path) }
}

#[allow(
    unsafe_code,
    reason = "the bytes come from our own compiler: this process or our child"
)]
fn from_code(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are what `to_code` made, here or at the other end of our own child's pipe.
    unsafe { Component::deserialize(engine.wasmtime(), code) }
}

fn to_code(engine: &Engine, wasm: &[u8]) -> Result<Vec<u8>, LoadProblem> {
    let component = crate::lift::lift(wasm)?;
    engine
        .wasmtime()
        .precompile_component(&component)
        .map_err(|error| {
            let said = format!("{error:#}");
            let advice = crate::advice::about_compiler(&said);
            LoadProblem::Compile(format!("{said}{advice}"))
        })
}

/// What the child does: reads a plugin, lifts and compiles it, writes machine code.
///
/// # Errors
/// The text for standard error; the caller ends with exit code 1.
pub fn compile_child(input: impl Read, mut output: impl Write) -> Result<(), String> {
    limit_child();
    let mut wasm = Vec::new();
    input
        .take(crate::file::PLUGIN_BYTES_MAX)
        .read_to_end(&mut wasm)
        .map_err(|error| format!("cannot read the plugin: {error}"))?;
    let engine = Engine::new().map_err(|error| error.to_string())?;
    let code = to_code(&engine, &wasm).map_err(|problem| problem.to_string())?;
    output
        .write_all(&code)
        .and_then(|()| output.flush())
        .map_err(|error| format!("cannot hand over the code: {error}"))
}

/// A plugin made to blow up the compiler takes the child down, and nothing else. Where limits cannot be
/// set, the child runs without.
fn limit_child() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let processor = Rlimit {
        current: Some(COMPILE_SECONDS_MAX),
        // Above it, so that the signal says what it was.
        maximum: Some(COMPILE_SECONDS_MAX + 5),
    };
    let _ = setrlimit(Resource::Cpu, processor);
    let _ = setrlimit(Resource::As, limit(COMPILE_BYTES_MAX));
    let _ = setrlimit(Resource::Core, limit(0));
}
