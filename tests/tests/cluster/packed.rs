//! What `weir plugin pack` prints is what a real API server takes, and what a mounted volume of it holds is what weir loads.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use weir_tests::cluster::place::Place;
use weir_tests::config_map::ConfigMapVolume;
use weir_tests::folder::Folder;
use weir_tests::program::{plugins, weir};
use weir_tests::running;

/// Bundled plugins that are packed, one that has self-tests beside it among them.
const PACKED: [&str; 3] = ["drop-reasons", "redact", "stdout"];

/// Printed, tried, created, read back, laid out as kubelet does, and listed.
pub fn packed(place: &Place) {
    let files = PACKED.map(|name| plugins().join(format!("{name}.wasm")));
    let mut pack = weir(["plugin", "pack", "--namespace", &place.namespace]);
    let packed = running::run(pack.args(files), b"");
    assert_eq!(packed.code, Some(0), "{}", packed.stderr);

    for tried in [
        ["create", "--dry-run=client", "--validate=strict", "-f", "-"],
        ["create", "--dry-run=server", "--validate=strict", "-f", "-"],
    ] {
        place.kubectl.run(&tried, &packed.stdout);
    }
    let made = place
        .kubectl
        .objects(&["create", "-f", "-"], &packed.stdout);
    let [map] = made.as_slice() else {
        panic!("{made:?} is not one object");
    };

    let mut held: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, text) in map["data"].as_object().into_iter().flatten() {
        let text = text.as_str().expect("data is text");
        held.insert(name.clone(), text.as_bytes().to_vec());
    }
    for (name, text) in map["binaryData"].as_object().expect("it has binary data") {
        let bytes = BASE64_STANDARD.decode(text.as_str().expect("it is text"));
        held.insert(name.clone(), bytes.expect("it is base64"));
    }
    assert!(held.contains_key("redact.test.yaml"), "{:?}", held.keys());

    let folder = Folder::new("packed");
    ConfigMapVolume::new(folder.path()).write(&held);
    let mut list = weir(["plugin", "list", "--plugins"]);
    let listed = running::run(list.arg(folder.path()), b"");
    let table = String::from_utf8_lossy(&listed.stdout);
    assert_eq!(listed.code, Some(0), "{table}{}", listed.stderr);
    for name in PACKED {
        assert!(table.lines().any(|row| row.starts_with(name)), "{table}");
    }
}
