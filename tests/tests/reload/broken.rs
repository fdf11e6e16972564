//! What is not good is not taken: what ran goes on, it is said why, and a good file heals it.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use super::scene::{STAMPED, Scene, stamping};

/// A good plugin.
fn redact() -> Vec<u8> {
    std::fs::read(weir_tests::program::plugins().join("redact.wasm")).expect("it is built")
}

/// Each with what is said of it.
fn uploads() -> Vec<(&'static str, &'static str, Vec<u8>, &'static str)> {
    let whole = redact();
    let half = whole[..whole.len() / 2].to_vec();
    let hostile = |name: &str| {
        std::fs::read(weir_tests::program::tests(&format!("hostile/{name}.wat")))
            .expect("it is there")
    };
    vec![
        ("half", "stamp.wasm", half, "was it copied whole?"),
        (
            "text",
            "stamp.wasm",
            b"hello".to_vec(),
            "its text does not assemble",
        ),
        ("empty", "stamp.wasm", Vec::new(), "is no WebAssembly"),
        (
            "sink",
            "stamp.wat",
            hostile("lines-sink"),
            "is a sink; expected a filter",
        ),
        (
            "newer",
            "stamp.wat",
            hostile("import-0.1.7-unknown"),
            "needs contract 0.1.7 or later",
        ),
        ("import", "stamp.wat", hostile("import-env"), "imports"),
        (
            "setup",
            "stamp.wat",
            hostile("setup-refused"),
            "setup answered an error",
        ),
        (
            "loop",
            "stamp.wat",
            hostile("loop-setup"),
            "ran past its time limit",
        ),
        (
            "50 MB",
            "stamp.wat",
            vec![b' '; 50 << 20],
            "is no WebAssembly",
        ),
    ]
}

#[test]
fn a_broken_version_is_pending_and_a_good_one_heals() {
    let mut scene = Scene::new("reload-broken");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    let mut version = 1;
    for (name, file, bytes, said) in uploads() {
        if file != "stamp.wat" {
            // Two files with one stem would be another mistake.
            scene.volume.replace("stamp.wat", file, bytes);
        } else {
            scene.volume.put(file, bytes);
        }
        live.running.await_new("a change is not taken", said);
        assert_eq!(live.version(), version.to_string(), "{name}");
        version += 1;
        if file != "stamp.wat" {
            scene.volume.replace(file, "stamp.wat", stamping(version));
        } else {
            scene.volume.put("stamp.wat", stamping(version));
        }
        live.await_version(&version.to_string());
    }
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let ledger = scene.ledger();
    assert_eq!(ledger["receivers"]["out"]["delivered"], ledger["received"]);
}

#[test]
fn a_file_that_cannot_be_read_or_is_none_is_said_and_heals() {
    let mut scene = Scene::new("reload-unreadable");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    assert_eq!(live.version(), "1");
    // Two files for one plugin.
    scene.volume.put("stamp.wasm", redact());
    live.running
        .await_new("a change is not taken", "two files for plugin `stamp`");
    scene.volume.remove("stamp.wasm");
    live.running.await_said("nothing is pending any more");
    // Others in the directory matter to nobody: many, a folder, a link that goes round in circles, one that may not be read.
    for number in 0..500 {
        std::fs::write(scene.path(&format!("volume/unused-{number}.wasm")), b"no").expect("ours");
    }
    std::fs::create_dir(scene.path("volume/folder.wasm")).expect("ours");
    let round = scene.path("volume/round.wasm");
    std::os::unix::fs::symlink(&round, &round).expect("ours");
    std::fs::set_permissions(
        scene.path("volume/unused-1.wasm"),
        Permissions::from_mode(0o0),
    )
    .expect("ours");
    scene.volume.put("stamp.wat", stamping(2));
    live.await_version("2");
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}

#[test]
fn a_version_that_fails_its_own_tests_is_not_taken() {
    let mut scene = Scene::new("reload-self-test");
    scene.volume.put("stamp.wat", stamping(1));
    scene.configure(STAMPED);
    let mut live = scene.start();
    let expecting = |version: u32| {
        let label = format!("{{change: {{/metadata/labels/version: \"{version}\"}}}}");
        format!("- {{name: stamps, event: {{reason: Test}}, expect: {label}}}\n")
    };
    // The test comes with its version, in one swap of the volume.
    scene.volume.put_all(&[
        ("stamp.wat", stamping(2)),
        ("stamp.test.yaml", expecting(3)),
    ]);
    live.running.await_new("a change is not taken", "stamps");
    assert_eq!(live.version(), "1");
    scene.volume.put("stamp.test.yaml", expecting(2));
    live.await_version("2");
    let ended = live.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
}
