//! Whatever order things come in: a position never passes an unsettled event of its receiver, never goes back, and is where
//! the watch is when all is settled.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SLOTS: usize = 4;
const WATCHES: usize = 2;

/// What happens next. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// A chunk of a watch, whose events have so many versions.
    Start(usize, u64),
    /// All of a watch was handed on.
    Seen(usize),
    /// A lane passes a chunk on, with so many events for each slot.
    PassOn(usize, [usize; SLOTS]),
    /// Some events of a receiver are settled.
    Settle(usize),
    Add(usize),
    /// Settles what it has, and removes it.
    Retire(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let watch = 0..WATCHES;
    let step = prop_oneof![
        4 => (watch.clone(), 1_u64..5).prop_map(|(watch, versions)| Step::Start(watch, versions)),
        2 => watch.prop_map(Step::Seen),
        4 => (any::<usize>(), prop::array::uniform4(0_usize..3))
            .prop_map(|(chunk, events)| Step::PassOn(chunk, events)),
        5 => any::<usize>().prop_map(Step::Settle),
        1 => (0..SLOTS).prop_map(Step::Add),
        1 => (0..SLOTS).prop_map(Step::Retire),
    ];
    prop::collection::vec(step, 0..120)
}

struct Chunk {
    ack: Ack,
    watch: usize,
    lowest: u64,
}

/// Events of a chunk that a receiver has to settle.
struct Owed {
    ack: Arc<Ack>,
    slot: usize,
    watch: usize,
    lowest: u64,
    events: usize,
}

/// What there should be.
struct Model {
    progress: Arc<Progress>,
    versions: [u64; WATCHES],
    seen: [u64; WATCHES],
    pipeline: Vec<Chunk>,
    owed: Vec<Owed>,
    /// The last positions of those that are active.
    active: BTreeMap<usize, [Option<u64>; WATCHES]>,
}

impl Model {
    fn new() -> Model {
        Model {
            progress: Progress::new(WATCHES),
            versions: [0; WATCHES],
            seen: [0; WATCHES],
            pipeline: Vec::new(),
            owed: Vec::new(),
            active: BTreeMap::new(),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Start(watch, versions) => {
                let lowest = self.versions[watch] + 1;
                self.versions[watch] += versions;
                let ack = self.progress.start_chunk(watch, lowest);
                self.pipeline.push(Chunk { ack, watch, lowest });
            }
            Step::Seen(watch) => self.saw(watch),
            Step::PassOn(chunk, events) if !self.pipeline.is_empty() => {
                let chunk = self.pipeline.remove(chunk % self.pipeline.len());
                self.pass_on(chunk, events);
            }
            Step::Settle(which) if !self.owed.is_empty() => {
                let which = which % self.owed.len();
                self.settle(which);
            }
            Step::PassOn(..) | Step::Settle(_) => {}
            Step::Add(slot) => {
                self.progress.add(slot);
                self.active.entry(slot).or_insert([None; WATCHES]);
            }
            Step::Retire(slot) => {
                while let Some(which) = self.owed.iter().position(|owed| owed.slot == slot) {
                    self.settle(which);
                }
                self.progress.retire(slot);
                self.active.remove(&slot);
            }
        }
    }

    fn saw(&mut self, watch: usize) {
        self.seen[watch] = self.versions[watch];
        self.progress.seen(watch, self.seen[watch]);
    }

    fn pass_on(&mut self, chunk: Chunk, events: [usize; SLOTS]) {
        let Chunk { ack, watch, lowest } = chunk;
        let expected: Vec<(usize, usize)> = self.active.keys().map(|s| (*s, events[*s])).collect();
        ack.expect_all(&expected);
        let ack = Arc::new(ack);
        let owed = expected.into_iter().filter(|(_, events)| *events > 0);
        self.owed.extend(owed.map(|(slot, events)| Owed {
            ack: Arc::clone(&ack),
            slot,
            watch,
            lowest,
            events,
        }));
    }

    fn settle(&mut self, which: usize) {
        let owed = &mut self.owed[which];
        owed.ack.settle(owed.slot, 1);
        owed.events -= 1;
        if owed.events == 0 {
            self.owed.remove(which);
        }
    }

    /// The lowest version that a receiver may have or get and has not settled.
    fn unsettled(&self, slot: usize, watch: usize) -> Option<u64> {
        let owed = self.owed.iter().filter(|owed| owed.slot == slot);
        let owed = owed.map(|owed| (owed.watch, owed.lowest));
        let pipeline = self
            .pipeline
            .iter()
            .map(|chunk| (chunk.watch, chunk.lowest));
        let all = owed.chain(pipeline).filter(|(of, _)| *of == watch);
        all.map(|(_, lowest)| lowest).min()
    }

    fn check(&mut self) {
        for slot in 0..SLOTS {
            for watch in 0..WATCHES {
                let position = self.progress.position(slot, watch);
                let unsettled = self.unsettled(slot, watch);
                let Some(last) = self.active.get_mut(&slot) else {
                    assert_eq!(position, None);
                    continue;
                };
                let Some(position) = position else {
                    assert_eq!((last[watch], self.seen[watch]), (None, 0), "it has begun");
                    continue;
                };
                assert!(unsettled.is_none_or(|unsettled| position < unsettled));
                assert!(last[watch] <= Some(position), "it went back");
                if unsettled.is_none() {
                    assert_eq!(position, self.seen[watch]);
                }
                last[watch] = Some(position);
            }
        }
        assert_eq!(
            self.progress.is_complete(),
            self.owed.is_empty() && self.pipeline.is_empty()
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn positions_say_what_is_settled(steps in steps()) {
        let mut model = Model::new();
        for step in steps {
            model.step(step);
            model.check();
        }
        while let Some(chunk) = model.pipeline.pop() {
            model.pass_on(chunk, [1; SLOTS]);
        }
        while !model.owed.is_empty() {
            model.settle(0);
        }
        (0..WATCHES).for_each(|watch| model.saw(watch));
        model.check();
    }
}
