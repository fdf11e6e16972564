//! At no moment do two hold the lease, whatever the network, the clocks and the processes do.

use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use super::super::Status;
use super::*;
use crate::random::Random;
use crate::testing::{Conduct, End};

/// Virtual time of one case in which things go wrong.
const TIME: Duration = Duration::from_secs(600);

/// Virtual time after it in which nothing does. A machine pauses 35 s at most, a holder lasts 90 s.
const CALM: Duration = Duration::from_secs(300);

/// Of wall clocks that are wrong.
const CLOCKS: [fn() -> Timestamp; 4] = [
    Timestamp::now,
    || Timestamp::now() + SignedDuration::from_hours(30),
    || Timestamp::now() - SignedDuration::from_hours(5),
    || Timestamp::UNIX_EPOCH,
];

/// All processes of one case, also those that ended.
#[derive(Clone, Default)]
struct World(Arc<Mutex<Vec<Arc<Status>>>>);

impl World {
    fn enter(&self, status: &Arc<Status>) {
        self.0.lock().unwrap().push(Arc::clone(status));
    }

    fn holders(&self) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter()
            .filter(|status| status.holds())
            .map(|status| status.identity().to_owned())
            .collect()
    }

    fn acquired(&self) -> u64 {
        let all = self.0.lock().unwrap();
        all.iter()
            .map(|status| status.snapshot().counts.acquired)
            .sum()
    }
}

/// Without the margin between the two that the host insists on: so nothing that is unsafe is hidden by it.
fn sharp(identity: &str) -> Settings {
    Settings {
        duration: DEADLINE,
        ..settings(identity)
    }
}

fn up_to(random: &mut Random, seconds: f64) -> Duration {
    Duration::from_secs_f64(random.fraction() * seconds)
}

/// One request in `rate` goes wrong in some way; all are slow by some amount.
fn conduct(random: &mut Random, rate: f64) -> Conduct {
    let slow = if random.fraction() < rate { 8.0 } else { 0.3 };
    let before = up_to(random, slow);
    let after = up_to(random, slow);
    let wrong = match random.number() % 6 {
        _ if random.fraction() >= rate => Conduct::well(),
        0 => Conduct::lose(End::Break),
        1 => Conduct::lose(End::Hang),
        2 => Conduct::end(End::Break),
        3 => Conduct::end(End::Hang),
        4 => Conduct::refuse(503, "no"),
        _ => Conduct::refuse(429, "busy"),
    };
    Conduct {
        before,
        after,
        ..wrong
    }
}

/// The machines that are cut off now; each in turn is, for a while, and is not, for a while.
struct Cuts(Vec<(Instant, bool)>);

impl Cuts {
    fn is_cut(&mut self, machine: u64, random: &mut Random) -> bool {
        let now = Instant::now();
        let (until, cut) = &mut self.0[machine as usize];
        if now >= *until {
            *cut = !*cut;
            *until = now + up_to(random, 40.0);
        }
        *cut
    }
}

/// A machine on which one process after the other runs: they lead, are stopped, crash, or do not run for a while.
async fn machine(world: World, server: Server, number: u64, seed: u64) {
    let mut random = Random::seeded(seed);
    let clock = CLOCKS[random.number() as usize % CLOCKS.len()];
    for start in 0.. {
        let identity = format!("{number}-{start}");
        let mut elector =
            Elector::new(server.client(number), sharp(&identity)).for_test(random.number(), clock);
        world.enter(&elector.status());
        sleep(up_to(&mut random, 5.0)).await;
        run(&world, &mut elector, &mut random).await;
        sleep(up_to(&mut random, 30.0)).await;
    }
}

/// A process's life.
async fn run(world: &World, elector: &mut Elector, random: &mut Random) {
    let me = elector.status();
    loop {
        let mut held = elector.acquire().await;
        let others: Vec<_> = world
            .holders()
            .into_iter()
            .filter(|holder| holder != me.identity())
            .collect();
        assert!(others.is_empty(), "{} and {others:?} hold", me.identity());
        let found: u64 = held.position().map_or(0, |text| text.parse().unwrap());
        let acquired = Instant::now();
        let position = || Some((found + since(acquired).as_secs()).to_string());
        let time = up_to(random, 90.0);
        let lost = timeout(time, held.renew_loop(position)).await.is_ok();
        assert!(!lost || !me.holds());
        match random.number() % 4 {
            // It crashes.
            0 => return,
            // It does not run for a while, and goes on.
            1 => {
                sleep(up_to(random, 30.0)).await;
                let time = up_to(random, 30.0);
                let _ = timeout(time, held.renew_loop(position)).await;
                let _ = held.release(position()).await;
            }
            // It lets go in the same process, without a release.
            2 if lost => {}
            _ => {
                let _ = held.release(position()).await;
                return;
            }
        }
    }
}

/// Looks all the time.
async fn watch(world: World) {
    loop {
        let holders = world.holders();
        assert!(holders.len() <= 1, "{holders:?} hold");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Positions never go back, from one record to the next.
async fn follow(server: Server) {
    let mut last = 0;
    loop {
        if let Some(lease) = server.get(PATH)
            && let Some(text) = lease["metadata"]["annotations"]["weir.dev/position"].as_str()
        {
            let position: u64 = text.parse().unwrap();
            assert!(position >= last, "{position} after {last}");
            last = position;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// How often one acquired the lease after things had stopped going wrong.
async fn simulate(machines: u64, rate: f64, seed: u64) -> u64 {
    let world = World::default();
    let server = Server::new();
    let mut random = Random::seeded(seed);
    let seeds: Vec<u64> = (0..machines).map(|_| random.number()).collect();
    let mut cuts = Cuts(vec![(Instant::now(), true); machines as usize]);
    let calm = Instant::now() + TIME;
    server.plan(move |call| match cuts.is_cut(call.client, &mut random) {
        _ if Instant::now() >= calm => Conduct::well(),
        true => Conduct::lose(End::Hang),
        false => conduct(&mut random, rate),
    });
    let mut tasks = tokio::task::JoinSet::new();
    for (number, seed) in (0..).zip(seeds) {
        tasks.spawn(machine(world.clone(), server.clone(), number, seed));
    }
    tasks.spawn(watch(world.clone()));
    tasks.spawn(follow(server));
    run_for(TIME, &mut tasks).await;
    let acquired = world.acquired();
    run_for(CALM, &mut tasks).await;
    world.acquired() - acquired
}

/// None of them ends but by a failed assertion.
async fn run_for(time: Duration, tasks: &mut tokio::task::JoinSet<()>) {
    if let Ok(Some(ended)) = timeout(time, tasks.join_next()).await {
        ended.unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_time: 60_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn never_two(machines in 2..5_u64, rate in 0.0..0.6_f64, seed: u64) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        let acquired = runtime.block_on(simulate(machines, rate, seed));
        prop_assert!(acquired > 0);
    }
}
