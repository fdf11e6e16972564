//! Faults: what a kill, a dead sink, a full or damaged disk and a clock that goes backwards cost. Whatever happens, every
//! state that the API server had reaches every receiver, and only what was not acknowledged comes again.
//!
//! `counting` is the sink, `scene` a cluster with two sinks and a weir between them.

mod clock;
mod counting;
mod damage;
mod kill;
mod outage;
mod scene;
mod small_disk;
