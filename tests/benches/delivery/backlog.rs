//! A million events that wait on disk, and then do not.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use weir_tests::client::Client;

use crate::server::{Server, closed_port};
use crate::{Setup, delivered, end, measured};

const EVENTS: usize = 1_000_000;
/// A disk that is slower than this is not worth waiting for.
const QUEUE_MOST: Duration = Duration::from_secs(300);

/// Prints what it costs.
pub fn show(setup: &Setup) {
    let (sink, admin) = (closed_port(), closed_port());
    let queue = setup.folder.path().join("queue");
    let receiver = format!(
        "webhook: {{endpoint: \"http://{sink}\", batch: ndjson}}\n  retry: {{first: 100ms, most: 200ms}}\n  queue: {{disk: {{path: {queue:?}, bytes: 4GiB}}}}"
    );
    let begun = Instant::now();
    let running = setup.start(
        &receiver,
        &format!("admin: {{listen: \"{admin}\"}}"),
        EVENTS,
    );
    let waiting = await_waiting(&Client::plain(admin), begun);
    let queued = begun.elapsed().as_secs_f64();
    let status = status(&running.pid());
    let bytes: u64 = std::fs::read_dir(&queue)
        .expect("the queue is there")
        .map(|entry| entry.and_then(|entry| entry.metadata()))
        .map(|metadata| metadata.expect("it is there").len())
        .sum();
    println!("\n{waiting} events wait on disk, their sink is away");
    println!(
        "  queued in {queued:.1} s: {:.0} events/s",
        waiting as f64 / queued
    );
    println!(
        "  files {:.0} MiB; memory now {}, at most {}",
        bytes as f64 / 1048576.0,
        status.0,
        status.1
    );
    let drain = Instant::now();
    let _server = Server::listen(sink);
    let last = end(running);
    let whole = measured(&last, drain);
    assert_eq!(delivered(&last), waiting);
    println!(
        "  delivered in {:.1} s: {:.0} events/s; in all {:.1} µs CPU/event, peak RSS {:.1} MiB",
        whole.wall_ms / 1000.0,
        waiting as f64 * 1000.0 / whole.wall_ms,
        whole.cpu_ms * 1000.0 / waiting as f64,
        whole.peak_rss_mib
    );
}

/// Until all of them wait.
fn await_waiting(admin: &Client, begun: Instant) -> usize {
    // Nobody sends: this is the time between two questions.
    let (_never, pause) = channel::<()>();
    loop {
        let _ = pause.recv_timeout(Duration::from_millis(50));
        let metrics = admin.get("/metrics").map(|answer| answer.text());
        let waiting = metrics.ok().and_then(|text| {
            let line = text
                .lines()
                .find(|line| line.starts_with("weir_receiver_waiting{"))?;
            line.rsplit(' ').next()?.parse::<f64>().ok()
        });
        if let Some(waiting) = waiting.filter(|waiting| *waiting >= EVENTS as f64) {
            return waiting as usize;
        }
        assert!(
            begun.elapsed() < QUEUE_MOST,
            "{waiting:?} events are queued"
        );
    }
}

/// Resident memory of a process: now and at most, as the kernel says it.
fn status(pid: &str) -> (String, String) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        format!("{:.1} MiB", kib.expect("proc(5) has it") / 1024.0)
    };
    (field("VmRSS:"), field("VmHWM:"))
}
