//! What this process used: for the last log line, for benchmarks that read it, and for metrics.
//!
//! All but the processor time comes from proc(5): `None` where the system does not tell.

use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, clock_gettime};

/// In what proc(5) counts: USER_HZ, the same on all processors that weir is built for, whatever the kernel's own clock is.
const TICKS_A_SECOND: f64 = 100.0;

/// Processor time of all threads so far, user and system.
pub fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// The most memory that was resident, in KiB.
pub fn peak_resident_kib() -> Option<u64> {
    status_kib("VmHWM:")
}

/// The memory that is resident now, in KiB.
pub fn resident_kib() -> Option<u64> {
    status_kib("VmRSS:")
}

/// Files, sockets and the like that are open now.
pub fn open_files() -> Option<u64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // Without the one that reads the folder.
    Some(count.saturating_sub(1))
}

/// When the process started, to a hundredth of a second. Where the clock is set meanwhile, so is this.
pub fn started() -> Option<SystemTime> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name before it, in brackets, may hold anything; then the 22nd field of all is the 20th.
    let (_, fields) = stat.rsplit_once(')')?;
    let ticks: f64 = fields.split_ascii_whitespace().nth(19)?.parse().ok()?;
    let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
    let age = uptime - ticks / TICKS_A_SECOND;
    SystemTime::now().checked_sub(Duration::try_from_secs_f64(age.max(0.0)).ok()?)
}

fn status_kib(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_process_has_used_something() {
        assert!(processor_time() > Duration::ZERO);
        assert!(peak_resident_kib().is_none_or(|kib| kib > 100));
        assert!(resident_kib().is_none_or(|kib| kib > 100));
        assert!(open_files().is_none_or(|count| count > 1));
        let age = started().and_then(|started| started.elapsed().ok());
        // A test binary runs for less than an hour.
        assert!(age.is_none_or(|age| age < Duration::from_secs(3600)));
    }
}
