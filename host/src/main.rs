//! `weir`: reads the command line, runs the command, ends with its exit code.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use weir::cli::{Cli, Command, Plugin};
use weir::commands::{
    EXIT_FAILED, Surroundings, capture, check, plugin, plugin_bench, plugin_build, plugin_inspect,
    plugin_languages, plugin_new, plugin_pack, plugin_test, print_line, run, say,
};
use weir_runtime::Compiler;

fn main() -> ExitCode {
    let cli = Cli::parse(); // ends with 2 on wrong usage, 0 on --help and --version
    let Some(surroundings) = surroundings() else {
        return ExitCode::from(EXIT_FAILED);
    };
    let ended = match &cli.command {
        Command::Run(arguments) => run::run(arguments, &surroundings),
        Command::Check(arguments) => check::run(arguments, &surroundings),
        Command::Capture(arguments) => capture::run(arguments),
        Command::Plugin(Plugin::List(arguments)) => plugin::list(arguments, &surroundings),
        Command::Plugin(Plugin::Inspect(arguments)) => {
            plugin_inspect::run(arguments, &surroundings)
        }
        Command::Plugin(Plugin::Test(arguments)) => plugin_test::run(arguments, &surroundings),
        Command::Plugin(Plugin::Bench(arguments)) => plugin_bench::run(arguments, &surroundings),
        Command::Plugin(Plugin::Pack(arguments)) => plugin_pack::run(arguments, &surroundings),
        Command::Plugin(Plugin::New(arguments)) => plugin_new::run(arguments),
        Command::Plugin(Plugin::Build(arguments)) => plugin_build::run(arguments, &surroundings),
        Command::Plugin(Plugin::Languages(arguments)) => plugin_languages::run(arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "weir", &mut script);
            print_line(&String::from_utf8_lossy(&script));
            Ok(ExitCode::SUCCESS)
        }
        Command::Compile => compile(),
    };
    ended.unwrap_or_else(|code| code)
}

/// What Linux shows a process as its own program: also after an upgrade has put another one in its place.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Plugins are compiled by this same program, as a child.
fn surroundings() -> Option<Surroundings> {
    let own = PathBuf::from(OWN_PROGRAM);
    let program = if own.exists() {
        Ok(own)
    } else {
        std::env::current_exe()
    };
    match program {
        Ok(program) => {
            let arguments = vec!["compile".to_owned()];
            Some(Surroundings {
                compiler: Compiler::Child { program, arguments },
            })
        }
        Err(error) => {
            say(&format_args!(
                "weir: cannot find its own program, which compiles plugins: {error}"
            ));
            None
        }
    }
}

fn compile() -> Result<ExitCode, ExitCode> {
    weir_runtime::compile_child(std::io::stdin(), std::io::stdout()).map_err(|error| {
        say(&error);
        ExitCode::from(EXIT_FAILED)
    })?;
    Ok(ExitCode::SUCCESS)
}
