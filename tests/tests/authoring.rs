//! A plugin of one's own, as its author meets it: a new folder, a build, what is said where something is missing.
//!
//! Nothing here needs a compiler but weir: the language is WebAssembly text, or the command is the author's own.

use std::process::Command;

use serde_json::Value;
use weir_tests::folder::Folder;
use weir_tests::program::{tests, weir};
use weir_tests::running::{Ended, run};

/// Runs weir with tools from these folders only.
fn with_path(path: &str, folder: &Folder, arguments: &[&str]) -> Ended {
    let mut command: Command = weir(arguments);
    run(command.env("PATH", path).current_dir(folder.path()), b"")
}

/// Runs weir where a shell is, and no compiler is looked for.
fn author(folder: &Folder, arguments: &[&str]) -> Ended {
    with_path("/usr/bin:/bin", folder, arguments)
}

fn out(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stdout).into_owned()
}

/// A command that ends so, and says all of this on standard error.
fn says(ended: &Ended, code: i32, parts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{}", ended.stderr);
    for part in parts {
        assert!(
            ended.stderr.contains(part),
            "lacks {part}: {}",
            ended.stderr
        );
    }
}

/// A folder `mine` whose own command is the build.
fn own(name: &str, manifest: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("mine/plugin.yaml", manifest);
    let source = std::fs::read(tests("plugins/stamp.wat")).expect("it is there");
    folder.write("mine/source.wat", source);
    folder
}

fn plugin(folder: &Folder) -> Vec<u8> {
    std::fs::read(folder.path().join("mine/mine.wasm")).expect("it was built")
}

#[test]
fn a_new_plugin_builds_and_passes_its_self_tests() {
    for kind in ["filter", "transform", "sink"] {
        let folder = Folder::new("authoring-new");
        let made = author(
            &folder,
            &[
                "plugin",
                "new",
                "some/mine",
                "--lang",
                "wat",
                "--kind",
                kind,
            ],
        );
        let steps = [
            "plugin.wat   the plugin: begin here",
            "cd some/mine",
            "weir plugin build",
            "weir plugin test",
        ];
        says(&made, 0, &steps);
        let built = author(&folder, &["plugin", "build", "some/mine"]);
        says(&built, 0, &[]);
        let role = if kind == "sink" { "sink" } else { "filter" };
        let line = out(&built);
        assert!(
            line.starts_with(&format!("some/mine/mine.wasm: {role}, ")),
            "{line}"
        );
        assert!(
            line.contains(" gzip), contract 0.1.0, uses ") && line.lines().count() == 1,
            "{line}"
        );
        let tested = author(&folder, &["plugin", "test", "some/mine/mine.wasm"]);
        says(&tested, 0, &[": 0 failed"]);
        let shown = author(
            &folder,
            &[
                "plugin",
                "inspect",
                "some/mine/mine.wasm",
                "--output",
                "json",
            ],
        );
        let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
        assert_eq!(
            (&shown["name"], &shown["version"]),
            (&"mine".into(), &"0.1.0".into())
        );
        assert!(
            shown["description"]
                .as_str()
                .is_some_and(|text| !text.is_empty()),
            "{shown}"
        );
    }
}

#[test]
fn a_new_plugin_needs_a_name_a_language_and_an_empty_folder() {
    let folder = Folder::new("authoring-refused");
    folder.write("there/file", "");
    let new = |name, lang| author(&folder, &["plugin", "new", name, "--lang", lang]);
    says(
        &new("Mine", "wat"),
        2,
        &["Mine is no name for a plugin: expected lower-case letters"],
    );
    says(&new("2nd", "wat"), 2, &["2nd is no name"]);
    says(&new("a/..", "wat"), 2, &["is no name"]);
    says(
        &new("there", "wat"),
        2,
        &["the folder there is there and not empty"],
    );
    says(&new("there/file", "wat"), 2, &["cannot use there/file"]);
    says(
        &new("mine", "pyton"),
        2,
        &["no language `pyton`; did you mean `python`?"],
    );
    says(
        &new("mine", "cobol"),
        2,
        &[
            "no language `cobol` (expected one of: wat, c, rust",
            "`build:`",
        ],
    );
    says(
        &author(&folder, &["plugin", "new", "mine"]),
        2,
        &["--lang <LANGUAGE>"],
    );
    assert!(!folder.path().join("mine").exists(), "nothing is made");
}

#[test]
fn an_own_command_builds_and_what_it_leaves_is_described_and_checked() {
    let manifest = "name: mine\nversion: 2.1.0\ndescription: Says so\nlanguage: other\nonError: drop\n\
                    build: echo building; mkdir -p out; cp source.wat out/it.wat\noutput: out/it.wat\n";
    let folder = own("authoring-own", manifest);
    let built = author(&folder, &["plugin", "build", "mine"]);
    says(&built, 0, &["+ sh -c 'echo building; ", "\nbuilding\n"]);
    assert!(
        out(&built).starts_with("mine/mine.wasm: filter, "),
        "{}",
        out(&built)
    );
    assert!(plugin(&folder).starts_with(b"\0asm"), "text is assembled");
    let shown = author(
        &folder,
        &["plugin", "inspect", "mine/mine.wasm", "--output", "json"],
    );
    let shown: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    let said =
        ["version", "description", "onError"].map(|key| shown[key].as_str().unwrap_or_default());
    assert_eq!(said, ["2.1.0", "Says so", "drop"]);

    // What the command does not build again gets the manifest's new version all the same.
    let again = manifest
        .replace("2.1.0", "2.1.1")
        .replace("out/it.wat\n", "mine.wasm\n");
    folder.write(
        "mine/plugin.yaml",
        again.replace("cp source.wat out/it.wat", "true"),
    );
    folder.write("mine/mine.wasm", plugin(&folder));
    says(&author(&folder, &["plugin", "build", "mine"]), 0, &[]);
    let shown = author(&folder, &["plugin", "inspect", "mine/mine.wasm"]);
    assert!(
        out(&shown).contains("version      2.1.1"),
        "{}",
        out(&shown)
    );
}

#[test]
fn a_build_that_fails_leaves_the_earlier_plugin() {
    let manifest = |build: &str| format!("name: mine\nbuild: {build}\noutput: out.wat\n");
    let folder = own("authoring-fails", &manifest("cp source.wat out.wat"));
    says(&author(&folder, &["plugin", "build", "mine"]), 0, &[]);
    let before = plugin(&folder);
    for (build, said) in [
        (
            "echo no >&2; exit 3",
            "the build failed: sh ended with exit status: 3",
        ),
        (
            "rm out.wat",
            "cannot read mine/out.wat, which the build should have left",
        ),
        ("echo '(module' > out.wat", "its text does not assemble"),
        ("echo '(module)' > out.wat", "exports neither `process`"),
        ("echo text > out.wat", "its text does not assemble"),
    ] {
        folder.write("mine/plugin.yaml", manifest(&format!("\"{build}\"")));
        says(&author(&folder, &["plugin", "build", "mine"]), 1, &[said]);
        assert_eq!(plugin(&folder), before, "{build}");
    }
}

#[test]
fn a_wrong_manifest_is_told_with_all_its_mistakes() {
    let folder = own("authoring-manifest", "nam: mine\nlanguage: pyton\n");
    let wrong = author(&folder, &["plugin", "build", "mine"]);
    let parts = [
        "mine/plugin.yaml:1:1: name: missing",
        "mine/plugin.yaml:1:1: nam: unknown key; did you mean \"name\"?",
        "mine/plugin.yaml:2:11: language: found the text \"pyton\"; did you mean \"python\"?",
        "3 mistakes",
    ];
    says(&wrong, 2, &parts);
    let none = author(&folder, &["plugin", "build"]);
    says(
        &none,
        2,
        &["there is no ./plugin.yaml: `weir plugin build` builds a folder that has one"],
    );
}

#[test]
fn a_missing_tool_is_named_with_what_installs_it() {
    let folder = own("authoring-missing", "name: mine\nlanguage: c\n");
    let empty = folder.path().join("empty").display().to_string();
    let built = with_path(&empty, &folder, &["plugin", "build", "mine"]);
    let install = "apt-get install -y --no-install-recommends clang-19 lld-19";
    says(
        &built,
        2,
        &["there is no C compiler for WebAssembly", install, "15.0.7"],
    );

    let listed = with_path(
        &empty,
        &folder,
        &["plugin", "languages", "--output", "json"],
    );
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
    let rows = listed.as_array().expect("a list");
    assert_eq!(rows.len(), 9);
    for row in rows {
        let is_text = row["language"] == "wat";
        assert_eq!(
            (row["ready"] == true, row["missing"].is_null()),
            (is_text, is_text),
            "{row}"
        );
    }
    assert_eq!(rows[1]["install"], install);
    let listed = with_path(&empty, &folder, &["plugin", "languages"]);
    assert!(
        out(&listed).contains("MISSING: there is no `go`"),
        "{}",
        out(&listed)
    );
}
