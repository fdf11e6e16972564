//! Running other programs, and saying so.

use std::process::{Command, Stdio};

/// Why a command of ours failed, in words for who called it.
#[derive(Debug)]
pub struct Failed(pub String);

/// Says on standard error what comes next.
pub fn say(what: &str) {
    eprintln!("==> {what}");
}

/// The cargo that called us.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<(), Failed> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|error| Failed(format!("cannot run {program}: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failed(format!("{} ended with {status}", shown(command))))
    }
}

/// Whether a program can be run and ends well; shows nothing.
pub fn works(command: &mut Command) -> bool {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    quiet.status().is_ok_and(|status| status.success())
}

/// What a program prints; `None` where it cannot be run or fails.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Installs Debian's packages, and says so first; `otherwise` is what to do on a machine without apt-get.
pub fn apt_install(what: &str, packages: &[&str], otherwise: &str) -> Result<(), Failed> {
    if !works(Command::new("apt-get").arg("--version")) {
        return Err(Failed(format!(
            "{otherwise}, or use a machine with apt-get"
        )));
    }
    say(&format!(
        "installing {what}: apt-get install {}",
        packages.join(" ")
    ));
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        // What apt-get prints is not our data.
        command
            .args(arguments)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdout(std::io::stderr());
        command
    };
    run(&mut apt(&["-qq", "update"]))?;
    let mut install = apt(&["-qq", "install", "-y", "--no-install-recommends"]);
    run(install.args(packages))
}
