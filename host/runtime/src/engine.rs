//! The one wasmtime engine of a process, and the thread that ticks its epochs.
//!
//! It never loads or calls a plugin itself: `compile.rs` and `instance.rs` do.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::Config;

use crate::error::EngineError;

/// How often the epoch moves on: the resolution of every plugin's time limit.
pub const TICK: Duration = Duration::from_millis(5);

/// What a plugin may use of the native stack. Deep recursion ends as a fault, not as a crash.
/// Threads that call plugins need [`CALLER_STACK_BYTES`].
const WASM_STACK_BYTES_MAX: usize = 512 * 1024;

/// The stack that a thread needs that calls plugins: the plugin's own, and as much again for the host.
pub const CALLER_STACK_BYTES: usize = 2 * 1024 * 1024;

/// The engine: cheap to clone; ticking stops with the last clone.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    _ticker: Arc<Ticker>,
}

impl Engine {
    /// Makes the engine and starts its ticker thread.
    ///
    /// # Errors
    /// When the machine cannot run compiled WebAssembly, or no thread can be started.
    pub fn new() -> Result<Engine, EngineError> {
        let wasmtime = wasmtime::Engine::new(&config()).map_err(EngineError::Unsupported)?;
        let ticker = Ticker::start(wasmtime.clone()).map_err(EngineError::Thread)?;
        Ok(Engine {
            wasmtime,
            _ticker: Arc::new(ticker),
        })
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.wasmtime
    }

    /// Changes whenever code that was compiled before cannot be used any more: another wasmtime,
    /// another processor, another setting, another way to lift.
    pub(crate) fn compatibility(&self) -> String {
        let mut hasher = StableHasher(Sha256::new());
        crate::lift::LIFT_VERSION.hash(&mut hasher);
        self.wasmtime
            .precompile_compatibility_hash()
            .hash(&mut hasher);
        crate::file::hex(&hasher.0.finalize()[..8])
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        // Halves the cost of a call; no plugin of contract 0.1 is asynchronous.
        .concurrency_support(false)
        .epoch_interruption(true)
        .max_wasm_stack(WASM_STACK_BYTES_MAX);
    config
}

/// The standard library's hasher may change between releases; a cache key may not.
struct StableHasher(Sha256);

impl Hasher for StableHasher {
    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        u64::from_le_bytes(std::array::from_fn(|index| digest[index]))
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

/// Owns the thread that moves the epoch; dropping it ends and awaits the thread.
struct Ticker {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> std::io::Result<Ticker> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping: Weak<AtomicBool> = Arc::downgrade(&stop);
        let thread = std::thread::Builder::new()
            .name("weir-epoch".into())
            .spawn(move || {
                loop {
                    std::thread::park_timeout(TICK);
                    match stopping.upgrade() {
                        Some(stop) if !stop.load(Ordering::Relaxed) => engine.increment_epoch(),
                        _ => return,
                    }
                }
            })?;
        Ok(Ticker {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The ticker's loop cannot panic; there is nothing to report.
            let _ = thread.join();
        }
    }
}
