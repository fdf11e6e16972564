//! The threads of a run: the lanes, and how any of them is started.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::Sender;
use weir_event::Chunk;
use weir_runtime::CALLER_STACK_BYTES;

use super::{Live, Shared};
use crate::ack::Ack;
use crate::config::Route;
use crate::pipeline::{self, Door, Generation, Lane, LaneFilter, NewFilter, Outlet, ToLane};
use crate::prepare::FilterUse;
use crate::shutdown::{Phase, Shutdown};
use crate::source::CHUNKS_WAITING_MAX;

/// The lanes, started.
#[derive(Default)]
pub(super) struct Lanes {
    pub(super) threads: Vec<JoinHandle<()>>,
    /// Where their chunks come from.
    pub(super) chunks: Vec<Sender<(Chunk, Ack)>>,
    /// Where their generations come from; they have none yet, and take one before their first chunk.
    pub(super) control: Vec<ToLane>,
}

pub(super) fn start_lanes(count: usize, shared: &Shared) -> std::io::Result<Lanes> {
    let mut lanes = Lanes::default();
    for index in 0..count {
        let (control, generations) = pipeline::control();
        let (sender, chunks) = crossbeam_channel::bounded(CHUNKS_WAITING_MAX);
        let name = format!("weir-lane-{index}");
        let lane = Lane::new(
            generations,
            Arc::clone(&shared.ledger),
            Arc::clone(&shared.shutdown),
        )
        .beating(shared.heartbeats.add(name.clone()));
        lanes
            .threads
            .push(thread(name, &shared.shutdown, move || lane.run(&chunks))?);
        lanes.chunks.push(sender);
        lanes.control.push(control);
    }
    Ok(lanes)
}

/// Has all lanes go by these routes, filters and ways to receivers, as soon as each is through with its chunk.
pub(super) fn to_lanes(
    lanes: &[ToLane],
    route: &Route,
    mut filters: Vec<FilterUse>,
    slots: &[usize],
    outlets: &[(Arc<Door>, bool)],
    live: &Arc<Live>,
) {
    let route = Arc::new(route.clone());
    for lane in lanes {
        let of_lane = |(used, slot): (&mut FilterUse, &usize)| new_filter(used, *slot);
        let outlet = |(door, de_dot): &(Arc<Door>, bool)| Outlet {
            door: Arc::clone(door),
            de_dot: *de_dot,
        };
        let generation = Generation {
            route: Arc::clone(&route),
            filters: filters.iter_mut().zip(slots).map(of_lane).collect(),
            outlets: outlets.iter().map(outlet).collect(),
            live: Some(Arc::clone(live) as _),
        };
        lane.send(generation);
    }
}

fn new_filter(used: &mut FilterUse, slot: usize) -> NewFilter {
    let on_error = used.on_error;
    match &mut used.instances {
        None => NewFilter::Same { slot, on_error },
        Some(instances) => {
            let name = used.known.name.clone();
            let filter = LaneFilter::new(slot, name, instances.pop(), on_error);
            NewFilter::Fresh(Box::new(filter))
        }
    }
}

/// A thread that may call plugins. Its panic aborts the process: without it nothing can go on.
pub(super) fn thread<T: Send + 'static>(
    name: String,
    shutdown: &Arc<Shutdown>,
    run: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<JoinHandle<T>> {
    let sentinel = Sentinel(Arc::clone(shutdown));
    let builder = std::thread::Builder::new()
        .name(name)
        .stack_size(CALLER_STACK_BYTES);
    builder.spawn(move || {
        let _sentinel = sentinel;
        run()
    })
}

/// Dropped by a panic, it ends every wait of the process. The panic's message is on standard error already.
struct Sentinel(Arc<Shutdown>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let thread = std::thread::current();
            tracing::error!(
                thread = thread.name(),
                "a thread panicked: this is a bug in weir; stopping"
            );
            self.0.advance(Phase::Aborting);
        }
    }
}
