//! What the documents print is what happens: the README's plugin, its configuration and its output, and the
//! configuration that shows every key.

use std::ffi::OsString;

use weir_tests::folder::Folder;
use weir_tests::program::{examples, plugins, tests, weir, workspace};
use weir_tests::running::{Ended, run};

fn read(path: &str) -> String {
    let path = workspace().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a document in this language.
fn blocks<'a>(document: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let after = document.split(fence.as_str()).skip(1);
    after
        .filter_map(|block| block.split("```").next())
        .collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn good(ended: Ended) -> Ended {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended
}

#[test]
fn the_ten_lines_of_the_readme_are_the_plugin_that_is_built() {
    let plugin = read("plugins/examples/rust/ten-lines/src/lib.rs");
    for document in ["README.md", "plugin-sdk/rust/README.md"] {
        let document_text = read(document);
        let printed = blocks(&document_text, "rust");
        assert_eq!(printed.first(), Some(&plugin.as_str()), "{document}");
    }
    let lines = plugin
        .lines()
        .filter(|line| !line.trim().is_empty() && line.trim() != "}")
        .count();
    assert!(lines <= 10, "{lines} lines");
}

#[test]
fn the_readme_shows_what_the_plugin_really_does() {
    let readme = read("README.md");
    let shown = blocks(&readme, "console").remove(0);
    let plugin = examples().join("ten-lines.wasm");
    let events = tests("data/events-core-v1.ndjson.gz");
    let arguments = [
        OsString::from("plugin"),
        "test".into(),
        plugin.into_os_string(),
        events.into_os_string(),
    ];
    let ended = good(run(
        weir(arguments).args(["--with", "{reasons: [Pulled]}"]),
        b"",
    ));
    let said = text(&ended.stdout) + &ended.stderr;
    let output = shown.lines().skip(2).filter(|line| *line != "…");
    for line in output {
        assert!(
            said.lines().any(|said| said == line),
            "does not print {line:?}"
        );
    }
}

#[test]
fn the_readme_s_configuration_runs() {
    let readme = read("README.md");
    let folder = Folder::new("readme");
    let config = folder.write("config.yaml", blocks(&readme, "yaml").remove(0));
    folder.write(
        "events.ndjson",
        std::fs::read(tests("data/few.ndjson")).expect("recorded events"),
    );
    for (name, from) in [("ten-lines", examples()), ("stdout", plugins())] {
        let file = format!("{name}.wasm");
        folder.write(
            &format!("plugins/{file}"),
            std::fs::read(from.join(&file)).expect("a built plugin"),
        );
    }
    let config = config.into_os_string();
    good(run(
        &mut weir([OsString::from("check"), "-c".into(), config.clone()]),
        b"",
    ));
    let ended = good(run(
        &mut weir([OsString::from("run"), "-c".into(), config]),
        b"",
    ));
    let lines = text(&ended.stdout);
    assert!(lines.lines().count() > 10, "{lines}");
    assert!(!lines.contains(r#""reason":"Pulled""#), "{lines}");
}

#[test]
fn the_configuration_of_every_key_is_right() {
    let config = workspace().join("deploy/config.yaml");
    // Where it lies, the bundled plugins are not beside the program: they are given as its only change.
    let with_plugins = std::fs::read_to_string(config)
        .expect("it is there")
        .replace(
            "directories: []\n\nsecrets",
            &format!("directories: [{:?}]\n\nsecrets", plugins()),
        );
    let folder = Folder::new("every-key");
    folder.write(
        "tests/data/events-core-v1.ndjson.gz",
        std::fs::read(tests("data/events-core-v1.ndjson.gz")).expect("recorded"),
    );
    let config = folder
        .write("deploy/config.yaml", with_plugins)
        .into_os_string();
    good(run(
        &mut weir([OsString::from("check"), "-c".into(), config]),
        b"",
    ));
}
