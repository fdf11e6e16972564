//! A plugin's file is removed: `onError` decides about its events until it is back.

use std::collections::BTreeSet;

use super::scene::{STAMPED, Scene, stamping};

#[test]
fn without_its_plugin_events_go_on_or_wait_or_end_as_on_error_says() {
    for (on_error, kept) in [("keep", 1), ("drop", 0)] {
        let mut scene = Scene::new(&format!("reload-removed-{on_error}"));
        scene.volume.put("stamp.wat", stamping(1));
        let own = format!("{{name: stamp, plugin: stamp, onError: {on_error}}}");
        scene.configure(&STAMPED.replace("{name: stamp, plugin: stamp}", &own));
        let mut live = scene.start();
        assert_eq!(live.version(), "1");
        scene.volume.remove("stamp.wat");
        live.running.await_said("its file is gone");
        live.running.await_live("filter stamp", 1);
        live.send();
        scene.volume.put("stamp.wat", stamping(2));
        live.running.await_live("filter stamp", 2);
        live.send();
        let ended = live.end();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        let ledger = scene.ledger();
        let errors = &ledger["errors"]["stamp"];
        assert_eq!(
            (errors["kept"].as_i64(), errors["dropped"].as_i64()),
            (Some(kept), Some(1 - kept))
        );
    }
}

#[test]
fn an_event_that_is_held_goes_on_when_its_plugin_is_back() {
    let mut scene = Scene::new("reload-held");
    scene.volume.put("stamp.wat", stamping(1));
    let held = STAMPED.replace("plugin: stamp}", "plugin: stamp, onError: hold}");
    scene.configure(&held);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    scene.volume.remove("stamp.wat");
    live.running.await_live("filter stamp", 1);
    let number = live.send();
    scene.volume.put("stamp.wat", stamping(2));
    let line = live.running.line();
    assert_eq!(weir_tests::number_of(&line), number);
    assert!(line.contains(r#""version":"2""#), "{line}");
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_receiver_whose_sink_is_gone_keeps_its_events() {
    let mut scene = Scene::new("reload-sink-gone");
    let stdout = std::fs::read(weir_tests::program::plugins().join("stdout.wasm")).expect("built");
    scene.volume.put("own.wasm", stdout.clone());
    scene.configure(
        "route: {match: [{receiver: out}]}
receivers: [{name: out, own: {}, batch: {age: 0s}}]
",
    );
    let mut live = scene.start();
    live.round();
    scene.volume.remove("own.wasm");
    live.running.await_said("its file is gone");
    live.running.await_said("its events wait");
    let sent: BTreeSet<usize> = (0..5).map(|_| live.send()).collect();
    scene.volume.put("own.wasm", stdout);
    let came = (0..5).map(|_| weir_tests::number_of(&live.running.line()));
    assert_eq!(came.collect::<BTreeSet<_>>(), sent);
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["out"]["delivered"], 6);
}
