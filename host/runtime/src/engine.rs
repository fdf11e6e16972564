//! The one wasmtime engine of a process, and the thread that ticks its epochs.
//!
//! It never loads or calls a plugin itself: `compile.rs` and `instance.rs` do.

use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::Config;

use crate::error::EngineError;

/// How often the epoch moves on: the resolution of every plugin's time limit.
pub const TICK: Duration = Duration::from_millis(5);

/// Ticks without any call after which the ticker sleeps: waking it costs more than a few ticks.
const QUIET_TICKS: u32 = 20;

/// What a plugin may use of the native stack. Deep recursion ends as a fault, not as a crash.
/// Threads that call plugins need [`CALLER_STACK_BYTES`].
const WASM_STACK_BYTES_MAX: usize = 512 * 1024;

/// The stack that a thread needs that calls plugins: the plugin's own, and as much again for the host.
pub const CALLER_STACK_BYTES: usize = 2 * 1024 * 1024;

/// The engine: cheap to clone; ticking stops with the last clone.
#[derive(Clone)]
pub struct Engine {
    wasmtime: wasmtime::Engine,
    ticker: Arc<Ticker>,
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
            ticker: Arc::new(ticker),
        })
    }

    /// For one instance's calls.
    pub(crate) fn running(&self) -> Running {
        let call = Arc::new(AtomicBool::new(false));
        let mut calls = self
            .ticker
            .shared
            .calls
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        calls.retain(|call| call.strong_count() > 0);
        calls.push(Arc::downgrade(&call));
        drop(calls);
        Running {
            call,
            ticker: Arc::clone(&self.ticker),
        }
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
    shared: Arc<Ticking>,
    thread: Option<JoinHandle<()>>,
}

/// What the ticker shares with the calls that it limits. While none runs, it sleeps.
struct Ticking {
    stop: AtomicBool,
    /// The ticker sleeps, or is about to: a call that begins must wake it.
    asleep: AtomicBool,
    /// One flag for each instance: whether a call of it runs.
    calls: Mutex<Vec<Weak<AtomicBool>>>,
}

impl Ticking {
    fn any_call(&self) -> bool {
        let calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        calls
            .iter()
            .filter_map(Weak::upgrade)
            .any(|call| call.load(Ordering::SeqCst))
    }
}

/// One instance's word to the ticker that a call of it runs.
pub(crate) struct Running {
    call: Arc<AtomicBool>,
    ticker: Arc<Ticker>,
}

impl Running {
    /// Before a call: from now on the epoch moves.
    pub(crate) fn begin(&self) {
        // First the flag, then the look; the ticker does it the other way round, so one of the two sees the other.
        self.call.store(true, Ordering::SeqCst);
        if self.ticker.shared.asleep.load(Ordering::SeqCst) {
            self.ticker.wake();
        }
    }

    /// After the call.
    pub(crate) fn end(&self) {
        self.call.store(false, Ordering::Release);
    }
}

impl Ticker {
    fn start(engine: wasmtime::Engine) -> std::io::Result<Ticker> {
        let shared = Arc::new(Ticking {
            stop: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            calls: Mutex::default(),
        });
        let ticking = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("weir-epoch".into())
            .spawn(move || tick(&engine, &ticking))?;
        Ok(Ticker {
            shared,
            thread: Some(thread),
        })
    }

    fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

/// Ticks while calls run, and a little longer; then sleeps until the next one begins.
fn tick(engine: &wasmtime::Engine, ticking: &Ticking) {
    let mut quiet_ticks = 0;
    while !ticking.stop.load(Ordering::Acquire) {
        quiet_ticks = if ticking.any_call() {
            0
        } else {
            quiet_ticks + 1
        };
        if quiet_ticks < QUIET_TICKS {
            std::thread::park_timeout(TICK);
            engine.increment_epoch();
            continue;
        }
        ticking.asleep.store(true, Ordering::SeqCst);
        if !ticking.any_call() && !ticking.stop.load(Ordering::SeqCst) {
            std::thread::park();
        }
        ticking.asleep.store(false, Ordering::SeqCst);
        quiet_ticks = 0;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.wake();
        if let Some(thread) = self.thread.take() {
            // The ticker's loop cannot panic; there is nothing to report.
            let _ = thread.join();
        }
    }
}
