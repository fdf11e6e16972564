//! A plugin that breaks all the time: the others go on, it is quarantined, and another version ends that.

use serde_json::Value;
use weir_tests::program::tests;

use super::scene::{Scene, stamping};

fn hostile(name: &str) -> Vec<u8> {
    std::fs::read(tests(&format!("hostile/{name}.wat"))).expect("it is there")
}

/// Two filters: one that breaks, one that is good.
fn beside(limits: &str) -> String {
    format!(
        "filters: [{{name: bad, plugin: bad, limits: {{{limits}}}}}, {{name: stamp, plugin: stamp}}]
route: {{filters: [bad, stamp], match: [{{receiver: out}}]}}
receivers: [{{name: out, stdout: {{}}, batch: {{age: 0s}}}}]
"
    )
}

#[test]
fn a_plugin_that_loops_is_quarantined_and_released_when_it_is_replaced() {
    let mut scene = Scene::new("reload-quarantine");
    scene.volume.put("stamp.wat", stamping(1));
    scene.volume.put("bad.wat", hostile("loop-process"));
    scene.configure(&beside("time: 20ms"));
    let mut live = scene.start();
    // Each event goes on, and through the other plugin.
    for _ in 0..15 {
        assert_eq!(live.version(), "1");
    }
    live.running.await_said("quarantined, it breaks too often");
    let report = live.plugins();
    let bad = &report["uses"][0];
    assert_eq!(bad["state"], "quarantined", "{report}");
    assert!(
        bad["quarantine"]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("past its time limit"))
    );
    assert!(bad["faults"].as_u64() >= Some(20));
    assert_eq!(report["uses"][1]["state"], "running");
    // It is not called any more.
    let calls = bad["calls"].clone();
    live.version();
    assert_eq!(live.plugins()["uses"][0]["calls"], calls);
    let metrics = live.get("/metrics").1;
    assert!(
        metrics.contains(r#"weir_plugin_quarantined{use="bad",role="filter"} 1"#),
        "{metrics}"
    );
    // Another version is called at once.
    scene.volume.put("bad.wat", stamping(5));
    live.running.await_live("filter bad", 1);
    live.version();
    let report = live.plugins();
    assert_eq!(report["uses"][0]["state"], "running", "{report}");
    assert_eq!(report["uses"][0]["quarantine"], Value::Null);
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["out"]["delivered"], ledger["received"]);
}

#[test]
fn every_kind_of_breaking_ends_in_quarantine_and_costs_no_event() {
    for name in [
        "trap",
        "stack",
        "memory-grow",
        "pointer-outside",
        "verdict-invalid",
        "realloc-loop",
    ] {
        let mut scene = Scene::new(&format!("reload-quarantine-{name}"));
        scene.volume.put("stamp.wat", stamping(1));
        scene.volume.put("bad.wat", hostile(name));
        scene.configure(&beside("time: 20ms, memory: 1MiB"));
        let mut live = scene.start();
        for _ in 0..40 {
            assert_eq!(live.version(), "1", "{name}");
        }
        let report = live.plugins();
        let state = report["uses"][0]["state"].as_str();
        let faults = report["uses"][0]["faults"].as_u64().unwrap_or(0);
        assert!(
            state == Some("quarantined") || faults == 0,
            "{name}: {report}"
        );
        let ended = live.end();
        assert_eq!(ended.code, Some(0), "{name}: {}", ended.stderr);
        let ledger = scene.ledger();
        assert_eq!(ledger["receivers"]["out"]["delivered"], 40, "{name}");
    }
}

#[test]
fn what_is_pending_is_shown_and_a_request_has_it_tried_again() {
    let mut scene = Scene::new("reload-status");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(super::scene::STAMPED);
    let mut live = scene.start();
    live.version();
    let report = live.plugins();
    assert_eq!(report["pending"], Value::Null, "{report}");
    assert_eq!(report["uses"][0]["plugin"], "stamp");
    assert_eq!(report["uses"][1]["role"], "receiver");
    scene.volume.put("stamp.wat", "(module");
    live.running.await_new("a change is not taken", "stamp");
    let report = live.plugins();
    let reasons = report["pending"]["reasons"].to_string();
    assert!(reasons.contains("does not assemble"), "{report}");
    assert_eq!(report["pending"]["restartWouldFail"], true);
    assert!(live.get("/metrics").1.contains("\nweir_reload_pending 1\n"));
    let (status, answer) = live.post("/reload");
    assert_eq!(status, 409, "{answer}");
    assert_eq!(live.version(), "1");
    scene.volume.put("stamp.wat", stamping(2));
    let (status, answer) = live.post("/reload");
    assert_eq!(status, 200, "{answer}");
    assert_eq!(live.version(), "2");
    assert_eq!(live.plugins()["pending"], Value::Null);
    assert_eq!(live.end().code, Some(0));
}
