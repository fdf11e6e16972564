//! Measures the queue on the disk that a folder is on: `measure FOLDER [EVENTS]`. It makes and removes `FOLDER/measured`, and takes at most
//! 1.3 GB (1 000 000 events, the most) and half a minute or so. The figures of README.md are from it.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use weir_spool::{Entry, Pushed, Spool};

const EVENTS_MAX: u64 = 1_000_000;
const BYTES_MAX: u64 = 2 << 30;
const EACH: Duration = Duration::from_secs(3);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let events = arguments.get(1).map_or(Ok(100_000), |text| text.parse());
    let (Some(folder), Ok(events)) = (arguments.first(), events) else {
        eprintln!("measure FOLDER [EVENTS]");
        process::exit(64);
    };
    let folder = PathBuf::from(folder).join("measured");
    if folder.exists() {
        eprintln!("{} is there already; remove it", folder.display());
        process::exit(1);
    }
    outage(&folder, events.min(EVENTS_MAX));
    let _ = fs::remove_dir_all(&folder);
    append(&folder);
}

/// How fast portions get durable.
fn append(folder: &Path) {
    let document = "x".repeat(1200);
    for (threads, size) in [(1, 1), (4, 1), (1, 16), (1, 256), (4, 256)] {
        let (spool, _) = Spool::open(folder, BYTES_MAX).expect("the folder can be used");
        let entry = Entry {
            version: 0,
            document: &document,
        };
        let portion = vec![entry; size];
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while start.elapsed() < EACH {
                        match spool.push(&portion, "", 0).expect("the disk works") {
                            Pushed::Kept => {}
                            Pushed::Full => drop(spool.drop_oldest(100_000)),
                        }
                    }
                });
            }
        });
        let last = spool
            .read(0, 1, 0)
            .ok()
            .and_then(|records| Some(records.first()?.sequence));
        let pushed = last.unwrap_or(1) - 1 + spool.len();
        let rate = pushed as f64 / start.elapsed().as_secs_f64();
        println!("{threads} threads push portions of {size}: {rate:.0} events/s");
        drop(spool);
        let _ = fs::remove_dir_all(folder);
    }
}

/// A sink is away, the process is started anew, and the sink is there again.
fn outage(folder: &Path, events: u64) {
    let document = "x".repeat(1200);
    let entry = Entry {
        version: 0,
        document: &document,
    };
    let portion = vec![entry; 256];
    let (spool, _) = Spool::open(folder, BYTES_MAX).expect("the folder can be used");
    let start = Instant::now();
    while spool.len() < events
        && spool
            .push(&portion, "", 0)
            .is_ok_and(|it| it == Pushed::Kept)
    {}
    report("filled", start, folder, &spool);
    drop(spool);
    let start = Instant::now();
    let (spool, _) = Spool::open(folder, BYTES_MAX).expect("the folder can be used");
    report("opened", start, folder, &spool);
    let start = Instant::now();
    while let Some(last) = spool
        .read(0, 256, 1 << 20)
        .ok()
        .and_then(|mut records| records.pop())
    {
        spool.remove_through(last.sequence).expect("the disk works");
    }
    report("drained", start, folder, &spool);
}

fn report(what: &str, start: Instant, folder: &Path, spool: &Spool) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let memory: Vec<&str> = status
        .lines()
        .filter(|line| {
            line.starts_with("VmRSS") || line.starts_with("RssAnon") || line.starts_with("VmHWM")
        })
        .collect();
    let sizes = fs::read_dir(folder).into_iter().flatten().flatten();
    let on_disk: u64 = sizes
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum();
    println!(
        "{what} in {:.2} s: {} events, {:.1} MB of files, {}",
        start.elapsed().as_secs_f64(),
        spool.len(),
        on_disk as f64 / 1e6,
        memory.join(", ").replace('\t', " ")
    );
}
