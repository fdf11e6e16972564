//! The compiling child as the host sees it: a program that gets a plugin on its standard input and answers
//! machine code. Whatever it does, the host gets an answer in bounded time and memory.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::compile::COMPILE_SECONDS_MAX;
use crate::error::LoadProblem;

/// How long it may take by the clock: it is held to processor time by itself, and machines are busy.
const CHILD_TIME_MAX: Duration = Duration::from_secs(5 * COMPILE_SECONDS_MAX);

/// Bytes of machine code: so many for each of the plugin, and so many for any.
const CODE_BYTES_A_BYTE: u64 = 16;
const CODE_BYTES_LEAST: u64 = 16 << 20;

/// Bytes of what it says went wrong.
const SAID_BYTES_MAX: u64 = 16 * 1024;

/// Runs the program on a plugin and gives what it wrote.
pub(crate) fn run_child(
    program: &Path,
    arguments: &[String],
    wasm: &[u8],
) -> Result<Vec<u8>, LoadProblem> {
    let broken = |what: &str, error: std::io::Error| {
        LoadProblem::Compile(format!(
            "cannot {what} the compiler process {}: {error}",
            program.display()
        ))
    };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0) // of its own, so that all of it can be ended
        .spawn()
        .map_err(|error| broken("start", error))?;
    let talked = talk(&mut child, wasm);
    let status = child.wait().map_err(|error| broken("await", error))?;
    let Talked { code, said, ended } = talked.map_err(|error| broken("read from", error))?;
    match ended {
        None if status.success() => Ok(code),
        Some(why) => Err(LoadProblem::Compile(format!(
            "the compiler process {} {why}",
            program.display()
        ))),
        None => Err(explain(program, status, said.trim())),
    }
}

struct Talked {
    code: Vec<u8>,
    said: String,
    /// Why it was ended, where it was.
    ended: Option<&'static str>,
}

/// Writes, reads both streams and watches the clock at once: whichever waited alone could wait for ever.
fn talk(child: &mut Child, wasm: &[u8]) -> std::io::Result<Talked> {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut input), Some(output), Some(errors)) = (input, output, errors) else {
        return Err(std::io::Error::other("it has no pipes"));
    };
    // It is not awaited before this function returns, so the id is its own.
    let group = Pid::from_child(child);
    std::thread::scope(|scope| {
        let (finished, finish) = channel::<()>();
        // One that died early says why on its standard error: that is the better message.
        scope.spawn(move || drop(input.write_all(wasm)));
        let listener = scope.spawn(move || listen(errors));
        let watch = scope.spawn(move || {
            let late = finish.recv_timeout(CHILD_TIME_MAX) == Err(RecvTimeoutError::Timeout);
            if late {
                end(group);
            }
            late
        });
        let mut code = Vec::new();
        let most = CODE_BYTES_LEAST + CODE_BYTES_A_BYTE * wasm.len() as u64;
        let read = output.take(most + 1).read_to_end(&mut code);
        let too_much = code.len() as u64 > most;
        if too_much || read.is_err() {
            end(group);
        }
        let said = listener.join().unwrap_or_default();
        drop(finished);
        let late = watch.join().unwrap_or_default();
        read?;
        let ended = match (late, too_much) {
            (true, _) => Some("was ended: it took longer than ten minutes"),
            (_, true) => Some("was ended: it wrote far more than machine code"),
            _ => None,
        };
        Ok(Talked { code, said, ended })
    })
}

fn end(group: Pid) {
    // The one error there can be is that it ended by itself.
    let _ = kill_process_group(group, Signal::KILL);
}

/// Keeps the first of what it says, and reads on so that it can go on.
fn listen(mut errors: impl Read) -> String {
    let mut said = Vec::new();
    let _ = errors.by_ref().take(SAID_BYTES_MAX).read_to_end(&mut said);
    let _ = std::io::copy(&mut errors, &mut std::io::sink());
    String::from_utf8_lossy(&said).into_owned()
}

fn explain(program: &Path, status: ExitStatus, said: &str) -> LoadProblem {
    // The child's whole text is one problem already worded.
    if status.code() == Some(1) && !said.is_empty() {
        return LoadProblem::Refused(said.to_owned());
    }
    use std::os::unix::process::ExitStatusExt;
    let why = match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::XCPU) => {
            format!(": it needed more than {COMPILE_SECONDS_MAX} s of processor time")
        }
        Some(Signal::KILL) => ": it ran out of memory, or was killed".to_owned(),
        _ if said.is_empty() => " and said nothing".to_owned(),
        _ => format!(": {said}"),
    };
    LoadProblem::Compile(format!(
        "the compiler process {} ended with {status}{why}",
        program.display()
    ))
}
