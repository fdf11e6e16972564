//! What goes into a ConfigMap, and what does not.

use serde_json::{Value, json};

use super::*;

fn item(name: &str, wasm: Vec<u8>) -> Item {
    Item {
        name: name.to_owned(),
        wasm,
        tests: None,
    }
}

/// Bytes that gzip cannot make smaller.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..count).map(next).collect()
}

fn keys(made: &ConfigMap) -> Vec<&str> {
    made.packed
        .iter()
        .map(|packed| packed.key.as_str())
        .collect()
}

#[test]
fn small_plugins_stay_as_they_are_and_large_ones_are_packed() {
    let items = [
        item("small", vec![0; PLAIN_BYTES_MAX]),
        item("large", vec![0; PLAIN_BYTES_MAX + 1]),
        item("noise", noise(PLAIN_BYTES_MAX + 1)),
    ];
    let made = ConfigMap::new(&items).expect("it fits");
    assert_eq!(keys(&made), ["large.wasm.gz", "noise.wasm", "small.wasm"]);
    let sum: usize = made.packed.iter().map(|packed| packed.value_bytes).sum();
    assert_eq!(made.bytes(), sum);
}

#[test]
fn what_fits_only_when_packed_is_packed() {
    let mut items: Vec<Item> = (0..20)
        .map(|number| item(&format!("p{number:02}"), vec![0; PLAIN_BYTES_MAX]))
        .collect();
    let made = ConfigMap::new(&items).expect("it fits");
    assert!(
        keys(&made).iter().all(|key| key.ends_with(".gz")),
        "{made:?}"
    );
    items.truncate(16);
    let made = ConfigMap::new(&items).expect("exactly 1 MiB");
    assert_eq!(
        (made.bytes(), keys(&made)[0]),
        (CONFIG_MAP_BYTES_MAX, "p00.wasm")
    );
    items[0].tests = Some("x".to_owned());
    let made = ConfigMap::new(&items).expect("packed");
    assert_eq!(keys(&made)[0], "p00.wasm.gz");
}

#[test]
fn what_does_not_fit_says_how_large_each_is() {
    let items = [item("a", noise(900_000)), item("b", noise(200_000))];
    let Err(PackError::TooLarge { bytes, packed }) = ConfigMap::new(&items) else {
        panic!("1.1 MB do not fit");
    };
    assert_eq!((bytes, packed.len()), (1_100_000, 2));
    assert!(packed[0].gzip_bytes > 900_000);
}

#[test]
fn names_make_keys_and_each_but_once() {
    let error = |items: &[Item]| ConfigMap::new(items).expect_err("refused");
    let twice = [item("a", vec![1]), item("a", vec![2])];
    assert_eq!(error(&twice), PackError::Twice("a".to_owned()));
    for name in ["ü", "a b", "..a", &"x".repeat(249)] {
        let key = format!("{name}.wasm");
        assert_eq!(error(&[item(name, vec![1])]), PackError::Key(key));
    }
    let long = "x".repeat(248);
    assert!(ConfigMap::new(&[item(&long, vec![1])]).is_ok());
}

/// A manifest, read as kubectl would.
fn read(yaml: &str) -> Value {
    serde_yaml::from_str(yaml).expect("YAML")
}

#[test]
fn the_manifest_is_read_back_and_always_the_same() {
    let items = || {
        let mut with_tests = item("b", noise(1000));
        with_tests.tests = Some("- expect: accept\n".to_owned());
        [item("a", vec![0; 100_000]), with_tests]
    };
    let yaml = |items: &[Item]| {
        let made = ConfigMap::new(items).expect("it fits");
        made.to_yaml("123", Some("weir"))
    };
    let text = yaml(&items());
    let mut turned = items();
    turned.reverse();
    assert_eq!(text, yaml(&turned));
    assert!(
        text.contains("data:\n  b.test.yaml: |\n    - expect: accept\nbinaryData:"),
        "{text}"
    );
    let read = read(&text);
    let expected =
        json!({"name": "123", "namespace": "weir", "labels": {"app.kubernetes.io/name": "weir"}});
    assert_eq!(read["metadata"], expected);
    let bytes = read["binaryData"]["b.wasm"].as_str().expect("a text");
    assert_eq!(BASE64_STANDARD.decode(bytes).expect("base64"), noise(1000));
    let packed = read["binaryData"]["a.wasm.gz"].as_str().expect("a text");
    assert!(packed.len() < 1000);
}

#[test]
fn self_tests_are_read_back_as_they_were_whatever_is_in_them() {
    for text in [
        "- {config: {a: \"é\"}, expect: accept}\r\n# end \n\n",
        "- a: |\n    b\n\n  c: d\n",
        "  - indented: 1\n",
        "\n- after an empty line: 1\n",
        "no line feed",
        "",
        "\n",
        "- tab:\t1\n",
        "- trailing: space \n",
        "- back\\slash: \"quote\"",
        "- odd: \u{85}\u{2028}\u{feff}\u{1}\u{7f}",
        "# comment: only\n- x\n",
        "--- \n- x\n",
        "...\n",
    ] {
        let mut one = item("a", vec![1]);
        one.tests = Some(text.to_owned());
        let made = ConfigMap::new(&[one]).expect("it fits");
        let yaml = made.to_yaml("x", None);
        assert_eq!(read(&yaml)["data"]["a.test.yaml"], json!(text), "{yaml}");
    }
}
