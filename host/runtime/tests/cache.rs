//! The cache of compiled plugins, and compiler processes that do not do what they should.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use common::*;
use weir_runtime::{Cache, Compiler, Plugin};

/// A cache in a folder that it makes.
fn cache(name: &str) -> (Cache, Folder) {
    let folder = Folder::new(&format!("cache-{name}"));
    std::fs::remove_dir(&*folder).expect("it is ours and empty");
    (Cache::open(&folder).expect("it is made"), folder)
}

fn load_with(compiler: &Compiler, cache: Option<&Cache>) -> Result<Plugin, String> {
    Plugin::load(engine(), compiler, cache, &hostile("drop-pulled"))
        .map_err(|error| error.problem.to_string())
}

fn absent() -> Compiler {
    Compiler::Child {
        program: "/nowhere/weir".into(),
        arguments: Vec::new(),
    }
}

/// A compiler that is this shell script.
fn script(script: &str) -> Compiler {
    Compiler::Child {
        program: "/bin/sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[test]
fn the_second_load_compiles_nothing() {
    let (cache, folder) = cache("second");
    load_with(&Compiler::InProcess, Some(&cache)).expect("it compiles");
    let made = files(&folder);
    assert_eq!(made.len(), 1);
    assert!(made[0].extension().is_some_and(|ending| ending == "cwasm"));
    let mode = std::fs::metadata(&made[0]).expect("a file").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    load_with(&absent(), Some(&cache)).expect("no compiler is needed");
    assert!(load_with(&absent(), None).is_err());
}

#[test]
fn a_damaged_file_is_compiled_again() {
    let (cache, folder) = cache("damaged");
    load_with(&Compiler::InProcess, Some(&cache)).expect("it compiles");
    let path = files(&folder).remove(0);
    let good = std::fs::read(&path).expect("a file");
    for bad in [
        Vec::new(),
        vec![0; good.len()],
        good[..good.len() / 2].to_vec(),
        b"#!/bin/sh".to_vec(),
    ] {
        std::fs::write(&path, &bad).expect("a file");
        let mut loaded = None;
        let lines = logged(|| loaded = Some(load_with(&Compiler::InProcess, Some(&cache))));
        loaded.expect("it ran").expect("compiled again");
        assert_eq!(lines.len(), 1);
        assert!(lines[0].starts_with("WARN a cached compilation is not usable"));
        assert_eq!(std::fs::read(&path).expect("a file").len(), good.len());
    }
    load_with(&absent(), Some(&cache)).expect("and kept");
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let folder = Folder::new("cache-open");
    for mode in [0o777, 0o720, 0o702] {
        std::fs::set_permissions(&*folder, PermissionsExt::from_mode(mode)).expect("it is ours");
        let error = Cache::open(&folder).expect_err("others can write it");
        assert!(
            error.ends_with(&format!(
                "others can write it (mode {mode:o}); chmod 700 it"
            )),
            "{error}"
        );
    }
    std::fs::set_permissions(&*folder, PermissionsExt::from_mode(0o700)).expect("it is ours");
    Cache::open(&folder).expect("only we can");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = Folder::new("cache-file");
    let file = folder.join("file");
    std::fs::write(&file, b"").expect("a file");
    let error = Cache::open(&file.join("cache")).expect_err("no folder");
    assert!(
        error.starts_with(&format!("plugin cache {}/cache: ", file.display())),
        "{error}"
    );
}

#[test]
fn a_cache_that_vanished_costs_a_compilation_not_the_plugin() {
    let (cache, folder) = cache("gone");
    std::fs::remove_dir_all(&*folder).expect("it is ours");
    let mut loaded = None;
    let lines = logged(|| loaded = Some(load_with(&Compiler::InProcess, Some(&cache))));
    loaded.expect("it ran").expect("it loads");
    assert!(
        lines[0].starts_with(
            "WARN cannot write the plugin cache; the plugin is compiled at each start"
        ),
        "{lines:?}"
    );
}

#[test]
fn many_threads_may_load_one_plugin() {
    let (cache, folder) = cache("threads");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                load_with(&Compiler::InProcess, Some(&cache)).expect("it loads");
            });
        }
    });
    assert_eq!(files(&folder).len(), 1);
    load_with(&absent(), Some(&cache)).expect("the file is whole");
}

/// What is said of a compiler that is this script, with a cache that stays empty.
fn check_script(name: &str, body: &str, expected: &str) {
    let (cache, folder) = cache(name);
    let problem = load_with(&script(body), Some(&cache)).expect_err("no machine code");
    assert!(problem.contains(expected), "{body}: {problem}");
    assert_eq!(files(&folder), Vec::<PathBuf>::new());
}

#[test]
fn a_compiler_that_is_not_there_is_named() {
    let problem = load_with(&absent(), None).expect_err("no compiler");
    assert!(
        problem.starts_with(
            "cannot be compiled: cannot start the compiler process /nowhere/weir: No such file"
        ),
        "{problem}"
    );
}

#[test]
fn a_compiler_that_fails_says_why() {
    check_script("refused", "echo 'is damaged' >&2; exit 1", "is damaged");
    check_script(
        "silent",
        "exit 1",
        "ended with exit status: 1 and said nothing",
    );
    check_script(
        "usage",
        "echo 'no such option' >&2; exit 2",
        "ended with exit status: 2: no such option",
    );
    check_script(
        "killed",
        "kill -9 $$",
        "it ran out of memory, or was killed",
    );
    check_script("segv", "kill -11 $$", "SIGSEGV");
    check_script(
        "cpu",
        "kill -24 $$",
        "it needed more than 120 s of processor time",
    );
}

#[test]
fn a_compiler_that_answers_something_else_is_not_believed() {
    let expected = "gave no code that this weir can use";
    check_script("nothing", "true", expected);
    check_script("echo", "cat", expected);
    check_script("text", "echo hello", expected);
}

#[test]
fn a_compiler_that_talks_without_listening_does_not_hang() {
    // It never reads, and fills every pipe.
    check_script("flood", "yes", "it wrote far more than machine code");
    check_script(
        "complain",
        "head -c 10000000 /dev/zero >&2; exit 3",
        "ended with exit status: 3",
    );
}

#[test]
fn a_compiler_gets_no_environment() {
    check_script(
        "environment",
        "test -z \"$HOME$CARGO_MANIFEST_DIR\" && echo clean >&2; exit 1",
        "clean",
    );
}
