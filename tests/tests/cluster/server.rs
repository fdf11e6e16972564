//! What a server and its store do: compaction, restarts, events that expire, a store that was restored.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use weir_tests::cluster::place::{Place, states};
use weir_tests::cluster::record::Record;
use weir_tests::cluster::server::{Server, Settings};
use weir_tests::watching::Watching;

const CHECKPOINT: &str = "checkpoint: {file: position}";
/// All events, also those that other tests left.
const ALL: &str = "{backlog: all}";

fn weir(name: &str, server: &Server) -> Watching {
    Watching::new(name, server.kubectl.kubeconfig())
}

pub fn compacted_while_away(server: &mut Server) {
    let place = Place::new(&server.kubectl);
    let mut record = Record::start(&server.kubectl, None);
    let mut weir = weir("cluster-compacted", server);
    weir.start(ALL, CHECKPOINT);
    let first = place.create(20);
    record.take_until(&states(&first));
    weir.take_all(record.states());
    weir.stop();
    let between = place.repeat(&first);
    let last = place.repeat(&first);
    // More than a page.
    let away = [place.create(400), place.create(300)].concat();
    record.take_until(&states(&[last, away].concat()));
    server.compact();
    let mut wanted = record.states().clone();
    for state in states(&between) {
        wanted.remove(&state);
    }
    weir.start(ALL, CHECKPOINT);
    weir.take_all(&wanted);
    let run = weir.stop();
    assert!(
        run.ended.stderr.contains(r#""class":"states""#),
        "{}",
        run.ended.stderr
    );
    // A server may still give some of what it compacts; that is never owed.
    let came = weir.states();
    assert!(
        came.is_superset(&wanted),
        "all but what nobody can have any more: {:?} are missing",
        wanted.difference(&came)
    );
    assert!(came.is_subset(record.states()), "nothing that never was");
    assert_eq!(weir.documents.len(), came.len(), "nothing comes twice");
}

pub fn compacted_while_watching(server: &mut Server) {
    let place = Place::new(&server.kubectl);
    let mut record = Record::start(&server.kubectl, None);
    let mut weir = weir("cluster-compaction", server);
    weir.start(ALL, CHECKPOINT);
    let mut events = place.create(50);
    for _ in 0..3 {
        events = place.repeat(&events);
        // The server compacts what is minutes old. What no watch has read yet is another matter: it is cut off, and a gap.
        record.take_until(&states(&events));
        weir.take_all(record.states());
        server.compact();
    }
    let run = weir.stop();
    weir.came_once(record.states());
    assert!(
        !run.ended.stderr.contains("no longer has"),
        "{}",
        run.ended.stderr
    );
}

pub fn restarted(server: &mut Server) {
    restart(server, Signal::TERM);
}

pub fn killed(server: &mut Server) {
    restart(server, Signal::KILL);
}

/// Events are written all the time; the server goes and comes back twice.
fn restart(server: &mut Server, signal: Signal) {
    let place = Place::new(&server.kubectl);
    let mut record = Record::start(&server.kubectl, None);
    let mut weir = weir("cluster-restarted", server);
    weir.start(ALL, CHECKPOINT);
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ending = SetAtEnd(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                place.try_to_create(20);
            }
        });
        for _ in 0..2 {
            weir.take(20);
            server.stop_api(signal);
            weir.running().await_said("will be tried again");
            server.start_api();
            record.resume();
        }
        weir.take(20);
        drop(ending);
    });
    let last = place.create(1);
    record.take_until(&states(&last));
    weir.take_all(record.states());
    let run = weir.stop();
    weir.came_once(record.states());
    assert_eq!(run.ended.code, Some(0), "{}", run.ended.stderr);
}

/// Ends the writer also where the test fails.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub fn expired(server: &mut Server) {
    server.with_settings(&Settings {
        event_ttl: "5s",
        compaction: "3s",
    });
    let place = Place::new(&server.kubectl);
    let mut record = place.record();
    let mut weir = weir("cluster-expired", server);
    weir.start(&place.source(""), CHECKPOINT);
    let burst = states(&place.create(100));
    record.take_until(&burst);
    weir.take_all(record.states());
    record.take_until_deleted(&burst);
    let after = states(&place.create(1));
    record.take_until(&after);
    weir.take_all(record.states());
    let run = weir.stop();
    assert_eq!(weir.documents.len(), 101, "deletions are no events");
    assert_eq!(run.ledger["received"], 101);
    assert_eq!(&weir.states(), record.states());
}

pub fn restored(server: &mut Server) {
    let place = Place::new(&server.kubectl);
    let backed_up = place.create(10);
    let backup = server.back_up();
    let mut weir = weir("cluster-restored", server);
    weir.start(&place.source(""), CHECKPOINT);
    // More than what the server itself writes when it starts.
    let lost = [place.create(400), place.create(400)].concat();
    weir.take(backed_up.len() + lost.len());
    server.restore(&backup);
    weir.running().await_said("restored from a backup");
    weir.take(backed_up.len());
    let new = place.create(5);
    weir.take(new.len());
    let run = weir.stop();
    assert!(
        run.ended
            .stderr
            .contains("resourceVersion is below the position"),
        "{}",
        run.ended.stderr
    );
    let again: std::collections::BTreeSet<_> = weir.sequence()[810..].iter().cloned().collect();
    let wanted = states(&[backed_up, new].concat()).into_iter().collect();
    assert_eq!(again, wanted, "what it has now, and what comes");
}
