//! A property: whatever happens to the cluster, to the connection and to weir itself, nothing that the cluster still had is
//! missing; what comes again followed the last kept position; and order is kept for one object among first attempts.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rustix::process::Signal;
use serde_json::Value;
use weir_tests::fake_api::{ADMIN, EventSpec, FakeApi, Fault, Options, What};
use weir_tests::folder::Folder;
use weir_tests::watching::{State, Watching, last_states_of, state, states_of};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    /// So many events about one of five pods.
    Create {
        pod: u8,
        count: u8,
    },
    /// An earlier event is seen again.
    Repeat(u8),
    /// All events of one pod expire.
    Expire(u8),
    /// Watches break, end, or their connections are reset.
    Cut,
    End,
    Reset,
    /// What is older than now can only be listed.
    Compact,
    /// The next request or stream goes wrong.
    Fault(u8),
    /// Weir has delivered all that there is; only where it runs.
    Settle,
    /// It is stopped, killed, or where it does not run, started.
    Stop,
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..5u8, 1..20u8).prop_map(|(pod, count)| Step::Create { pod, count }),
        4 => any::<u8>().prop_map(Step::Repeat),
        1 => (0..5u8).prop_map(Step::Expire),
        1 => Just(Step::Cut),
        1 => Just(Step::End),
        1 => Just(Step::Reset),
        1 => Just(Step::Compact),
        2 => (0..5u8).prop_map(Step::Fault),
        2 => Just(Step::Settle),
        2 => Just(Step::Stop),
        2 => Just(Step::Kill),
    ]
}

fn fault(number: u8) -> Fault {
    match number {
        0 => Fault::once(What::CutAfterLines(2)).watches(),
        1 => Fault::once(What::CutInsideLine(1)).watches(),
        2 => Fault::once(What::status(500, "InternalError", "etcd is away")),
        3 => Fault::once(What::CleanEndAfterLines(1)).watches(),
        _ => Fault::once(What::CutAfterBytes(700)).no_watches(),
    }
}

/// What the test knows of a run of weir.
struct World {
    api: FakeApi,
    weir: Watching,
    _folder: Folder,
    runs: bool,
    created: Vec<(String, String)>,
    /// What each receiver had settled when weir was killed, with how many documents had come by then.
    kept: Vec<(usize, BTreeMap<String, u64>)>,
}

impl World {
    fn new() -> World {
        let mut api = FakeApi::start(Options::default());
        let folder = Folder::new("property-access");
        let kubeconfig = api.kubeconfig(folder.path(), ADMIN);
        World {
            api,
            weir: Watching::new("property", &kubeconfig),
            _folder: folder,
            runs: false,
            created: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// `late` is dead until the end.
    fn start(&mut self, late: &str) {
        let more = format!(
            "checkpoint: {{file: position}}\nshutdown: {{deadline: 10ms}}\nroute: {{match: [{{receiver: well}}, {{receiver: late}}]}}\nreceivers:\n  - {{name: well, tag-sink: {{receiver: well}}, batch: {{events: 7, age: 2ms}}}}\n  - {{name: late, {late}: {{receiver: late}}, retry: {{first: 1ms, most: 5ms}}, batch: {{age: 0s}}}}\n"
        );
        self.weir.start_with("{backlog: all}", &more);
        self.runs = true;
    }

    fn end(&mut self, signal: Signal) {
        self.weir.end(signal);
        self.runs = false;
        self.kept
            .push((self.weir.documents.len(), self.weir.positions()));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Create { pod, count } => {
                for _ in 0..*count {
                    let event = self
                        .api
                        .create_event(EventSpec::about(&format!("pod-{pod}")));
                    let text = |name: &str| {
                        event["metadata"][name]
                            .as_str()
                            .unwrap_or_default()
                            .to_owned()
                    };
                    self.created.push((text("namespace"), text("name")));
                }
            }
            Step::Repeat(number) if !self.created.is_empty() => {
                let (namespace, name) = &self.created[usize::from(*number) % self.created.len()];
                if self.api.object("Event", namespace, name).is_some() {
                    self.api.update_event(namespace, name);
                }
            }
            Step::Repeat(_) => {}
            Step::Expire(pod) => {
                let pod = format!("pod-{pod}");
                self.api
                    .expire_events(|event| event["involvedObject"]["name"] == pod.as_str());
            }
            Step::Cut => self.api.cut_all_watches(),
            Step::End => self.api.end_all_watches(),
            Step::Reset => self.api.reset_connections(),
            Step::Compact => {
                self.api.compact();
            }
            Step::Fault(number) => self.api.fault(fault(*number)),
            Step::Settle if self.runs => self.await_last("well"),
            Step::Settle => {}
            Step::Stop | Step::Kill if !self.runs => self.start("sink-error"),
            Step::Stop => self.end(Signal::TERM),
            Step::Kill => self.end(Signal::KILL),
        }
    }

    /// Waits until a receiver has the last state of every event that lives.
    fn await_last(&mut self, receiver: &str) {
        let mut missing = last_states_of(&self.api.journal());
        self.of(receiver).iter().for_each(|state| {
            missing.remove(state);
        });
        while !missing.is_empty() {
            self.weir.take(1);
            let document = self.weir.documents.last().expect("it was taken");
            if document["receiver"] == receiver {
                missing.remove(&state(document));
            }
        }
    }

    fn of(&self, receiver: &str) -> Vec<State> {
        of(&self.weir.documents, receiver)
    }
}

fn of(documents: &[Value], receiver: &str) -> Vec<State> {
    let mine = documents
        .iter()
        .filter(|document| document["receiver"] == receiver);
    mine.map(state).collect()
}

fn check(world: &World, steps: &[Step]) {
    let journal = world.api.journal();
    let (all, last) = (states_of(&journal), last_states_of(&journal));
    // Without compaction every state can still be had, whatever else happens.
    let compacted = steps.iter().any(|step| matches!(step, Step::Compact));
    // What was created before the first start and expired since was never there for us.
    for receiver in ["well", "late"] {
        let came: BTreeSet<State> = world.of(receiver).into_iter().collect();
        assert!(came.is_subset(&all), "{receiver} got what never was");
        let lost: Vec<_> = last.difference(&came).collect();
        assert!(lost.is_empty(), "{receiver} misses {lost:?}");
        let first_start = first_seen(world);
        if !compacted {
            let watched = all.iter().filter(|(_, version)| *version > first_start);
            let lost: Vec<_> = watched.filter(|state| !came.contains(*state)).collect();
            assert!(lost.is_empty(), "{receiver} misses states {lost:?}");
        }
        in_order(&world.of(receiver), &journal_objects(world));
    }
    for (documents, positions) in &world.kept {
        for (receiver, position) in positions {
            let before: BTreeSet<State> = of(&world.weir.documents[..*documents], receiver)
                .into_iter()
                .collect();
            for again in of(&world.weir.documents[*documents..], receiver) {
                assert!(
                    again.1 > *position,
                    "{receiver} got {again:?} again, which was settled at {position}: {}",
                    before.contains(&again)
                );
            }
        }
    }
}

/// The version of the first list: what was repeated before it has only its last state.
fn first_seen(world: &World) -> u64 {
    let requests = world.api.requests();
    let watch = requests
        .iter()
        .find(|request| request.parameter("watch") == "true");
    watch.map_or(u64::MAX, |request| {
        request
            .parameter("resourceVersion")
            .parse()
            .expect("a version")
    })
}

fn journal_objects(world: &World) -> BTreeMap<String, String> {
    let entries = world.api.journal().into_iter();
    entries.map(|entry| (entry.uid, entry.object)).collect()
}

/// First attempts come in the order of versions, for each object.
fn in_order(states: &[State], objects: &BTreeMap<String, String>) {
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for state in states {
        if seen.insert(state.clone()) {
            let before = last.insert(&objects[&state.0], state.1);
            assert!(before < Some(state.1), "{state:?} came after {before:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_is_lost_and_little_comes_twice(steps in prop::collection::vec(step(), 5..40)) {
        let mut world = World::new();
        world.start("sink-error");
        world.api.wait_until("a watch is open", |view| view.watches() > 0);
        steps.iter().for_each(|step| world.step(step));
        if world.runs {
            world.end(Signal::TERM);
        }
        world.api.clear_faults();
        world.start("tag-sink");
        world.await_last("well");
        world.await_last("late");
        world.end(Signal::TERM);
        check(&world, &steps);
    }
}
