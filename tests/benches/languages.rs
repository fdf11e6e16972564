//! What a plugin costs in each language: the reference filter `drop-reasons`, as `weir plugin new` makes it, over the same events.
//!
//! `cargo xtask bench`; or `cargo bench -p weir-tests --bench languages` with `WEIR_BIN`. Languages whose toolchain is missing are named.

#![allow(missing_docs, reason = "a program")]

use weir_tests::authors::{languages, type_line};
use weir_tests::folder::Folder;

fn main() {
    if std::env::var_os("WEIR_BIN").is_none() {
        eprintln!("languages: did not run: no WEIR_BIN; use `cargo xtask bench`");
        return;
    }
    let folder = Folder::new("bench-languages");
    let mut files = Vec::new();
    for language in languages() {
        let name = language.language;
        if !language.ready {
            eprintln!("languages: {name} did NOT run: {}", language.install);
            continue;
        }
        let line = format!("weir plugin new {name} --lang {name} && weir plugin build {name}");
        type_line(&line, folder.path()).unwrap_or_else(|error| panic!("{name}: {error}"));
        files.push(format!("{name}/{name}.wasm"));
    }
    let line = format!("weir plugin bench {}", files.join(" "));
    println!(
        "{}",
        type_line(&line, folder.path()).expect("every plugin can be measured")
    );
}
