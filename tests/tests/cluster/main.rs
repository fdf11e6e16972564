//! The whole weir against a real API server: `weir_tests::cluster` says which one, and what to set.
//!
//! A test that cannot be run is shown as ignored, with the reason. With `WEIR_KUBERNETES` set, which is what
//! `cargo xtask test --kubernetes` does, it is a failure if none can be. One after another: a test may restart the server.

mod delivery;
mod packed;
mod rights;
mod server;

use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use weir_tests::cluster::kubectl::Kubectl;
use weir_tests::cluster::place::Place;
use weir_tests::cluster::server::{Server, Settings};
use weir_tests::cluster::{Cluster, find};
use weir_tests::folder::Folder;

/// A test by its name.
type InNamespace = (&'static str, fn(&Place));
type WithServer = (&'static str, fn(&mut Server));

/// Tests that use nothing but a namespace of their own.
const IN_A_NAMESPACE: &[InNamespace] = &[
    (
        "what_is_there_and_what_comes_is_delivered_once",
        delivery::first_start,
    ),
    ("repeats_are_events", delivery::repeats),
    (
        "a_stop_and_a_start_miss_and_repeat_nothing",
        delivery::restart,
    ),
    (
        "after_a_kill_only_what_follows_the_kept_position_comes_again",
        delivery::kill,
    ),
    (
        "both_forms_of_the_api_give_the_same_events",
        delivery::both_forms,
    ),
    ("a_config_map_keeps_the_position", delivery::config_map),
    (
        "a_killed_leader_is_followed_within_the_lease_s_time",
        delivery::killed_leader,
    ),
    (
        "a_leader_that_stops_hands_over_at_once",
        delivery::stopped_leader,
    ),
    ("packed_plugins_are_taken_and_load", packed::packed),
];

/// Tests that need a server of their own.
const WITH_A_SERVER: &[WithServer] = &[
    ("the_manifests_are_valid", rights::manifests),
    ("the_default_role_is_enough", rights::default_role),
    (
        "each_missing_right_is_named_with_what_to_apply",
        rights::missing_rights,
    ),
    (
        "a_right_that_is_granted_later_is_enough",
        rights::granted_later,
    ),
    (
        "rights_in_some_namespaces_are_enough_for_them",
        rights::namespaced,
    ),
    (
        "what_was_compacted_while_weir_was_away_is_listed",
        server::compacted_while_away,
    ),
    (
        "a_compaction_while_weir_watches_costs_nothing",
        server::compacted_while_watching,
    ),
    (
        "nothing_is_missed_while_the_server_is_told_to_restart",
        server::restarted,
    ),
    (
        "nothing_is_missed_while_the_server_is_killed",
        server::killed,
    ),
    ("events_that_expire_are_no_events", server::expired),
    ("a_store_that_was_restored_is_read_anew", server::restored),
];

/// What the tests run against.
struct World {
    cluster: Cluster,
    /// Started by the first test that needs it; one that a failed test had is not used again.
    server: Mutex<Option<Server>>,
    /// For what kubectl remembers.
    folder: Folder,
}

impl World {
    fn with_server(&self, test: impl FnOnce(&mut Server)) {
        let Cluster::Own(programs) = &self.cluster else {
            panic!("set KUBEBUILDER_ASSETS");
        };
        let mut place = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let mut server = place
            .take()
            .unwrap_or_else(|| Server::start(programs, Settings::default()));
        server.with_settings(&Settings::default());
        test(&mut server);
        *place = Some(server);
    }

    fn in_namespace(&self, test: fn(&Place)) {
        match &self.cluster {
            Cluster::Own(_) => self.with_server(|server| test(&Place::new(&server.kubectl))),
            Cluster::Given {
                kubectl,
                kubeconfig,
            } => {
                test(&Place::new(&Kubectl::new(
                    kubectl,
                    kubeconfig,
                    self.folder.path(),
                )));
            }
        }
    }
}

fn trials(world: &Arc<World>) -> Vec<Trial> {
    let own = matches!(world.cluster, Cluster::Own(_));
    let mut trials = Vec::new();
    for (name, test) in IN_A_NAMESPACE {
        let world = Arc::clone(world);
        trials.push(Trial::test(*name, move || {
            world.in_namespace(*test);
            Ok(())
        }));
    }
    for (name, test) in WITH_A_SERVER {
        let world = Arc::clone(world);
        let trial = Trial::test(*name, move || {
            world.with_server(test);
            Ok(())
        });
        trials.push(if own {
            trial
        } else {
            not_run(trial, "set KUBEBUILDER_ASSETS: it restarts the server")
        });
    }
    trials
}

fn not_run(trial: Trial, why: &str) -> Trial {
    trial
        .with_kind(format!("not run: {why}"))
        .with_ignored_flag(true)
}

/// All tests, where none can be run.
fn none(why: &str) -> Vec<Trial> {
    let names = IN_A_NAMESPACE.iter().map(|(name, _)| *name);
    names
        .chain(WITH_A_SERVER.iter().map(|(name, _)| *name))
        .map(|name| {
            let failed = Failed::from(format!("not run: {why}"));
            not_run(Trial::test(name, move || Err(failed)), why)
        })
        .collect()
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let world = match find() {
        Ok(cluster) => Arc::new(World {
            cluster,
            server: Mutex::new(None),
            folder: Folder::new("cluster-kubectl"),
        }),
        Err(why) => {
            eprintln!("the suite against a real API server did NOT run: {why}");
            let conclusion = libtest_mimic::run(&arguments, none(&why));
            let wanted = std::env::var_os("WEIR_KUBERNETES").is_some() && !arguments.list;
            return if wanted {
                ExitCode::FAILURE
            } else {
                conclusion.exit_code()
            };
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials(&world));
    // `World` is dropped in the end, and with it the server.
    conclusion.exit_code()
}
