//! The real compiling child: this test is its own compiler, which is why it has no harness.

mod common;

use common::*;
use weir_runtime::{Cache, Compiler, Plugin, compile_child};

const CHILD: &str = "--compile-child";

fn main() {
    if std::env::args().nth(1).as_deref() == Some(CHILD) {
        let compiled = compile_child(std::io::stdin(), std::io::stdout());
        if let Err(problem) = compiled {
            eprintln!("{problem}");
            std::process::exit(1);
        }
        return;
    }
    let compiler = Compiler::Child {
        program: std::env::current_exe().expect("a path"),
        arguments: vec![CHILD.into()],
    };
    a_child_compiles(&compiler);
    a_childs_refusal_is_the_problem_itself(&compiler);
    println!("test result: ok. 2 passed (without a harness)");
}

fn a_child_compiles(compiler: &Compiler) {
    let folder = Folder::new("child-cache");
    let cache = Cache::open(&folder).expect("a folder");
    for name in ["drop-pulled", "wasi", "lines-sink"] {
        for cache in [None, Some(&cache), Some(&cache)] {
            let plugin = Plugin::load(engine(), compiler, cache, &hostile(name));
            assert_eq!(plugin.unwrap_or_else(|error| panic!("{error}")).name, name);
        }
    }
}

fn a_childs_refusal_is_the_problem_itself(compiler: &Compiler) {
    for name in ["both", "no-realloc", "import-0.2.0", "import-0.1.7-unknown"] {
        let error = Plugin::load(engine(), compiler, None, &hostile(name)).expect_err("refused");
        assert_eq!(error.problem.to_string(), load_error(name));
    }
}
