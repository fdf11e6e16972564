//! Component → machine code, in a child process, once for each content digest.
//!
//! Cranelift keeps the memory it once used, and a compiler's crash must stay outside of the host. The
//! host never reads compiled code from a plugin directory: only from its own cache folder, which nobody
//! else can write.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use wasmtime::component::Component;

use crate::engine::Engine;
use crate::error::LoadProblem;
use crate::file::PluginFile;

/// Files kept in the cache; the ones used longest ago go first.
const CACHE_FILES_MAX: usize = 128;

/// Processor time of one compilation. A Python interpreter takes five seconds.
const COMPILE_SECONDS_MAX: u64 = 120;

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

/// Where compiled code is kept from start to start.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// Opens the folder, making it (mode 0700) where it is missing.
    ///
    /// # Errors
    /// When it cannot be made, is somebody else's, or can be written by others: whoever can write there
    /// can run code in the host.
    pub fn open(folder: &Path) -> Result<Cache, String> {
        let at = |error: std::io::Error| format!("plugin cache {}: {error}", folder.display());
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(at)?;
        let metadata = std::fs::metadata(folder).map_err(at)?;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(format!(
                "plugin cache {}: belongs to another user",
                folder.display()
            ));
        }
        if metadata.mode() & 0o022 != 0 {
            let mode = metadata.mode() & 0o777;
            return Err(format!(
                "plugin cache {}: others can write it (mode {mode:o}); chmod 700 it",
                folder.display()
            ));
        }
        let probe = folder.join(format!(".probe-{}", std::process::id()));
        std::fs::write(&probe, b"")
            .and_then(|()| std::fs::remove_file(&probe))
            .map_err(at)?;
        Ok(Cache {
            folder: folder.to_path_buf(),
        })
    }

    fn path(&self, digest: &str, compatibility: &str) -> PathBuf {
        self.folder.join(format!("{digest}-{compatibility}.cwasm"))
    }

    /// Temporary file, then rename: a reader sees the whole file or none.
    fn store(&self, path: &Path, code: &[u8]) -> std::io::Result<()> {
        let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&temporary)?;
        let written = file
            .write_all(code)
            .and_then(|()| std::fs::rename(&temporary, path));
        if written.is_err() {
            // The error of the write is the one to report.
            let _ = std::fs::remove_file(&temporary);
        }
        self.prune();
        written
    }

    /// Keeps the folder bounded; what cannot be removed is tried again next time.
    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().ends_with(".cwasm"))
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort();
        let surplus = files.len().saturating_sub(CACHE_FILES_MAX);
        for (_, path) in files.into_iter().take(surplus) {
            let _ = std::fs::remove_file(path);
        }
    }
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
    if let Some((_, path)) = &cached
        && path.exists()
    {
        match from_file(engine, path) {
            Ok(component) => return Ok(component),
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
                return from_file(engine, path)
                    .map_err(|error| LoadProblem::Compile(format!("{error:#}")));
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "cannot write the plugin cache; the plugin is compiled at each start");
            }
        }
    }
    from_code(engine, &code).map_err(|error| LoadProblem::Compile(format!("{error:#}")))
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
        .map_err(|error| LoadProblem::Compile(format!("{error:#}")))
}

fn run_child(program: &Path, arguments: &[String], wasm: &[u8]) -> Result<Vec<u8>, LoadProblem> {
    let broken = |what: &str, error: std::io::Error| {
        LoadProblem::Compile(format!(
            "{what} the compiler process {}: {error}",
            program.display()
        ))
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| broken("cannot start", error))?;
    if let Some(mut input) = child.stdin.take() {
        // A child that died early says why on its standard error: that is the better message.
        let _ = input.write_all(wasm);
    }
    let output = child
        .wait_with_output()
        .map_err(|error| broken("cannot await", error))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    match output.status.code() {
        // The child's whole text is one problem already worded.
        Some(1) => Err(LoadProblem::Refused(said)),
        _ => Err(LoadProblem::Compile(format!(
            "the compiler process ended with {}: {said}",
            output.status
        ))),
    }
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
    let _ = setrlimit(Resource::Cpu, limit(COMPILE_SECONDS_MAX));
    let _ = setrlimit(Resource::As, limit(COMPILE_BYTES_MAX));
    let _ = setrlimit(Resource::Core, limit(0));
}
