//! What a plugin may use: memory, tables, its own processor time.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::ResourceLimiter;

use crate::engine::TICK;

/// Elements of all tables; an element takes eight bytes.
pub(crate) const TABLE_ELEMENTS_MAX: usize = 100_000;

/// Memories, tables and core instances of one plugin. A core module needs one or two of each, Python's
/// component some dozens; each memory reserves gigabytes of address space.
const MEMORIES_MAX: usize = 32;
const TABLES_MAX: usize = 256;
const CORE_INSTANCES_MAX: usize = 512;

/// `setup` and the start of an instance may take this long at least: an interpreter starts up in it.
const SETUP_TIME_LEAST: Duration = Duration::from_secs(2);

/// The limits of one use of a plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of linear memory, all of a plugin's memories together.
    pub memory_bytes: usize,
    /// Processor time of one call. Checked at each [`TICK`].
    pub time: Duration,
}

impl Limits {
    /// What a filter may use where nothing is configured.
    pub const FILTER: Limits = Limits {
        memory_bytes: 32 << 20,
        time: Duration::from_millis(100),
    };
    /// What a sink may use where nothing is configured: it holds a batch and builds a request of it.
    pub const SINK: Limits = Limits {
        memory_bytes: 64 << 20,
        time: Duration::from_secs(1),
    };

    pub(crate) fn setup_time(&self) -> Duration {
        self.time.max(SETUP_TIME_LEAST)
    }
}

/// How much of one thing all of a plugin may have together, and how much it was granted.
#[derive(Debug)]
struct Allowance {
    most: usize,
    granted: usize,
    /// What was granted last: the growth may fail all the same.
    last: usize,
    refused: bool,
}

impl Allowance {
    fn new(most: usize) -> Allowance {
        Allowance {
            most,
            granted: 0,
            last: 0,
            refused: false,
        }
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let more = desired.saturating_sub(current);
        let fits = more <= self.most.saturating_sub(self.granted);
        self.last = if fits { more } else { 0 };
        self.granted += self.last;
        self.refused |= !fits;
        fits
    }

    fn growth_failed(&mut self) {
        self.granted -= std::mem::take(&mut self.last);
    }
}

/// Refuses growth past the limits, and remembers that it did: the crash that follows has a reason.
#[derive(Debug)]
pub(crate) struct Limiter {
    /// Bytes of all memories.
    memory: Allowance,
    /// Elements of all tables.
    table: Allowance,
}

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Limiter {
        Limiter {
            memory: Allowance::new(limits.memory_bytes),
            table: Allowance::new(TABLE_ELEMENTS_MAX),
        }
    }

    /// A call begins: what was refused in an earlier one does not explain a crash in this.
    pub(crate) fn start(&mut self) {
        self.memory.refused = false;
        self.table.refused = false;
    }

    /// Bytes of memory that were granted.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.memory.granted
    }

    /// Whether memory was refused since the call began.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory.refused
    }

    /// Whether table elements were refused since the call began.
    pub(crate) fn table_refused(&self) -> bool {
        self.table.refused
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.memory.grow(current, desired))
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory.growth_failed();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(self.table.grow(current, desired))
    }

    fn table_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.table.growth_failed();
        Ok(())
    }

    fn memories(&self) -> usize {
        MEMORIES_MAX
    }

    fn tables(&self) -> usize {
        TABLES_MAX
    }

    fn instances(&self) -> usize {
        CORE_INSTANCES_MAX
    }
}

/// Measures one call. Reading the clock costs as much as a small call, so nothing is read at its start:
/// the first tick in a call notes the thread's processor time, later ticks compare. Waiting in a host call
/// uses none, so a slow server does not count.
#[derive(Debug)]
pub(crate) struct CallClock {
    limit: Duration,
    used_at_first_tick: Option<Duration>,
}

impl CallClock {
    pub(crate) fn new(limit: Duration) -> CallClock {
        CallClock {
            limit,
            used_at_first_tick: None,
        }
    }

    pub(crate) fn start(&mut self, limit: Duration) {
        self.limit = limit;
        self.used_at_first_tick = None;
    }

    /// At a tick: whether the call may go on. Up to a tick passed before the first, and the next one may be
    /// late: a call ends up to two ticks early rather than late. The first tick itself never ends one.
    pub(crate) fn may_go_on(&mut self) -> bool {
        let now = processor_time();
        let Some(first) = self.used_at_first_tick else {
            self.used_at_first_tick = Some(now);
            return true;
        };
        now.saturating_sub(first) + 2 * TICK < self.limit
    }
}

/// Processor time of this thread, so far.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
