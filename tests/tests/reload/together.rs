//! What changed together is taken together, in whatever order it arrives.

use weir_tests::live;

use super::scene::{STAMPED, Scene, stamping};

#[test]
fn a_configuration_waits_for_its_plugin() {
    let mut scene = Scene::new("reload-together");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    scene.configure(
        "filters: [{name: stamp, plugin: stamp}, {name: more, plugin: more}]
route: {filters: [stamp, more], match: [{receiver: out}]}
receivers: [{name: out, stdout: {}, batch: {age: 0s}}]
",
    );
    live.running
        .await_new("a change is not taken", "no plugin `more`");
    // A new version of what is configured already waits with it: the two belong together.
    scene.volume.put("stamp.wat", stamping(2));
    assert_eq!(live.version(), "1");
    scene.volume.put("more.wat", live::stamping("more", 7));
    live.await_version("2");
    let document = live.round();
    assert_eq!(document["metadata"]["labels"]["more"], "7");
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_wrong_configuration_changes_nothing_and_a_right_one_heals() {
    let mut scene = Scene::new("reload-wrong");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    scene.configure(&STAMPED.replace("receiver: out", "receiver: aut"));
    live.running.await_new("a change is not taken", "aut");
    assert_eq!(live.version(), "1");
    // Keys that only a restart takes are said, and the rest is taken.
    scene.configure(&format!(
        "clusterName: other\n{}",
        STAMPED.replace("age: 0s", "age: 1ms")
    ));
    live.running
        .await_new("taken only by a restart", "clusterName");
    let document = live.round();
    assert_ne!(document["clusterName"], "other");
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_hangup_has_the_files_looked_at() {
    let mut scene = Scene::new("reload-hangup");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    scene.configure(&STAMPED.replace("stamp}", "stump}"));
    live.running
        .await_new("a change is not taken", "no plugin `stump`");
    // Nothing has changed; who asks is told again.
    live.running.signal(rustix::process::Signal::HUP);
    live.running
        .await_new("a change is not taken", "no plugin `stump`");
    assert_eq!(live.version(), "1");
    assert_eq!(live.end().code, Some(0));
}
