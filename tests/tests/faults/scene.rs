//! A fake API server, two fake sinks, and a weir between them.

use std::collections::BTreeSet;
use std::path::Path;

use weir_tests::fake_api::{EventSpec, FakeApi, Options};
use weir_tests::fake_http::{self, FakeHttp};
use weir_tests::folder::Folder;
use weir_tests::running::await_so;
use weir_tests::watching::{Pair, Run, State, Watching, pair, states_of};

use crate::counting::Counting;

/// The receiver whose queue is in memory, and the one whose queue is on disk.
pub const RECEIVERS: [&str; 2] = ["hook", "disk"];
pub const HOOK: usize = 0;
pub const DISK: usize = 1;

/// All of it. Sinks in the order of [`RECEIVERS`].
pub struct Scene {
    pub api: FakeApi,
    pub weir: Watching,
    pub sinks: [FakeHttp<Counting>; 2],
    /// What the queue in memory holds: when it is full, it holds up both receivers.
    pub queue_events: usize,
    _access: Folder,
}

impl Scene {
    pub fn new(name: &str) -> Scene {
        let Pair { api, weir, folder } = pair(name, Options::default());
        let sink = || FakeHttp::start(fake_http::Options::default(), Counting::default());
        Scene {
            api,
            weir,
            sinks: [sink(), sink()],
            queue_events: 100,
            _access: folder,
        }
    }

    /// Starts it: `hook` and `disk` are further keys of the two receivers.
    pub fn start(&mut self, hook: &str, disk: &str) {
        let receiver = |index: usize, more: &str| {
            let (name, url) = (RECEIVERS[index], self.sinks[index].url());
            format!(
                "- name: {name}\n  webhook: {{endpoint: \"{url}\", batch: array, cloudEvents: structured}}\n  retry: {{first: 1ms, most: 5ms}}\n  batch: {{events: 3, age: 0s}}\n  {more}\n"
            )
        };
        let config = format!(
            "checkpoint: {{file: position}}\nroute: {{match: [{{receiver: hook}}, {{receiver: disk}}]}}\nreceivers:\n{}{}",
            receiver(HOOK, hook),
            receiver(DISK, disk)
        );
        self.weir.start_with("{backlog: all}", &config);
    }

    /// With a queue in memory, and one on disk.
    pub fn start_usual(&mut self) {
        let memory = format!("queue: {{events: {}}}", self.queue_events);
        self.start(&memory, "queue: {disk: {path: queue, bytes: 64MiB}}");
    }

    /// Starts it for the first time, and waits until it watches and has kept where: from then on no state is missed.
    pub fn start_watching(&mut self) {
        self.start_usual();
        self.api
            .wait_until("a watch is open", |view| view.watches() > 0);
        self.await_positions(0);
    }

    /// So many new events, every third of them repeated: that is another state of it.
    pub fn create(&self, count: usize) {
        for number in 0..count {
            let event = self
                .api
                .create_event(EventSpec::about(&format!("pod-{number}")));
            if number % 3 == 0 {
                let (namespace, name) = weir_tests::watching::name_of(&event);
                self.api.update_event(&namespace, &name);
            }
        }
    }

    /// Every state that there was.
    pub fn expected(&self) -> BTreeSet<State> {
        states_of(&self.api.journal())
    }

    /// Waits until this sink has everything.
    pub fn await_all(&self, sink: usize) {
        let expected = self.expected();
        let what = format!("everything came to {}", RECEIVERS[sink]);
        self.sinks[sink].wait_until(&what, |sink| sink.states() >= expected.len());
        self.nothing_missing(sink, &expected);
    }

    pub fn nothing_missing(&self, sink: usize, expected: &BTreeSet<State>) {
        self.sinks[sink].look(|counting| {
            let missing = counting.missing(expected);
            let name = RECEIVERS[sink];
            assert!(missing.is_empty(), "{name} never got {missing:?}");
            assert_eq!(counting.states(), expected.len(), "states that nobody made");
        });
    }

    /// Waits until the position of every receiver is kept, and at least so far.
    pub fn await_positions(&self, least: u64) {
        let so = || {
            let kept = self.weir.positions();
            kept.len() == RECEIVERS.len() && kept.values().all(|kept| *kept >= least)
        };
        await_so("positions are kept", so);
    }

    /// Waits until the position of one receiver is kept, so far.
    pub fn await_positions_of(&self, sink: usize, least: u64) {
        let so = || self.weir.positions().get(RECEIVERS[sink]) >= Some(&least);
        await_so("the position is kept", so);
    }

    /// Stops it in order; it has delivered everything.
    pub fn stop_all_delivered(&mut self) -> Run {
        let run = self.weir.stop();
        assert_eq!(run.ended.code, Some(0), "{}", run.ended.stderr);
        for name in RECEIVERS {
            assert_eq!(run.ledger["receivers"][name]["waiting"], 0);
            assert_eq!(run.ledger["receivers"][name]["dead"], 0);
            assert_eq!(self.weir.positions()[name], self.api.revision());
        }
        run
    }
}

/// The segments of a queue on disk, in their order.
pub fn segments(queue: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(queue).into_iter().flatten();
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut logs: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "log"))
        .collect();
    logs.sort();
    logs
}

/// Whether a queue on disk holds this text.
pub fn queue_holds(queue: &Path, text: &str) -> bool {
    let holds = |path: &std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap_or_default();
        bytes.windows(text.len()).any(|it| it == text.as_bytes())
    };
    segments(queue).iter().any(holds)
}
