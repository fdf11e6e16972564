//! A process that runs: its lines as they come, its end. Every wait has a deadline.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How long any condition may take on a slow machine. A test that waits so long has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// Waits for what no channel tells: files.
pub fn await_so(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !so() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::yield_now();
    }
}

/// A process, with its output read in the background.
pub struct Running {
    pid: Pid,
    /// Where it reads from; dropped to end its input.
    pub stdin: Option<ChildStdin>,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    said: String,
    /// How much of it [`Running::await_new`] has been through.
    given: usize,
    ended: Receiver<ExitStatus>,
}

/// How a process ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// What it wrote to standard output and was not taken before.
    pub stdout: Vec<u8>,
    /// All that it wrote to standard error.
    pub stderr: String,
}

impl Running {
    /// Starts it with pipes on all three sides.
    pub fn start(command: &mut Command) -> Running {
        command.stdout(Stdio::piped());
        let mut child = spawn(command);
        let stdout = lines(child.stdout.take().expect("it is piped"));
        Running::of(child, stdout)
    }

    /// Starts it with standard output going elsewhere. Takes the command, which would hold that open.
    pub fn start_to(mut command: Command, stdout: Stdio) -> Running {
        command.stdout(stdout);
        let child = spawn(&mut command);
        Running::of(child, lines(std::io::empty()))
    }

    fn of(mut child: Child, stdout: Receiver<Vec<u8>>) -> Running {
        let pid = Pid::from_child(&child);
        let stderr = lines(child.stderr.take().expect("it is piped"));
        let stdin = child.stdin.take();
        let (sender, ended) = channel();
        std::thread::spawn(move || {
            if let Ok(status) = child.wait() {
                let _ = sender.send(status);
            }
        });
        Running {
            pid,
            stdin,
            stdout,
            stderr,
            said: String::new(),
            given: 0,
            ended,
        }
    }

    /// Writes to its standard input.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().expect("its input was not ended");
        stdin.write_all(bytes).expect("it reads its input");
        stdin.flush().expect("it reads its input");
    }

    /// The next line of standard output, without the newline.
    pub fn line(&mut self) -> String {
        self.line_within(DEADLINE)
    }

    /// The same for who may take longer, or less, than [`DEADLINE`].
    pub fn line_within(&mut self, time: Duration) -> String {
        match self.stdout.recv_timeout(time) {
            Ok(line) => String::from_utf8(line).expect("standard output is UTF-8"),
            Err(error) => panic!("no line came: {error}; it said: {}", self.said_now()),
        }
    }

    /// Waits until standard error has a text; gives the first line with it.
    pub fn await_line(&mut self, text: &str) -> String {
        self.await_said(text);
        let line = self.said.lines().find(|line| line.contains(text));
        line.expect("the text is in one line").to_owned()
    }

    /// Waits until standard error has a text.
    pub fn await_said(&mut self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        while !self.said.contains(text) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(line) => self.said.push_str(&as_line(&line)),
                Err(error) => panic!("it never said {text:?}: {error}; it said: {}", self.said),
            }
        }
    }

    /// Waits until standard error has a line with both texts that no earlier call of this gave.
    pub fn await_new(&mut self, text: &str, more: &str) -> String {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let rest = &self.said[self.given..];
            let found = rest.match_indices('\n').scan(0, |from, (at, _)| {
                Some((std::mem::replace(from, at + 1), at))
            });
            let found = found
                .map(|(from, to)| (&rest[from..to], to))
                .find(|(line, _)| line.contains(text) && line.contains(more));
            if let Some((line, to)) = found {
                let line = line.to_owned();
                self.given += to + 1;
                return line;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.stderr.recv_timeout(left) {
                Ok(line) => self.said.push_str(&as_line(&line)),
                Err(error) => panic!(
                    "it never said {text:?} with {more:?}: {error}; it said: {}",
                    self.said
                ),
            }
        }
    }

    /// Waits until a change of this is live for the `nth` time.
    pub fn await_live(&mut self, changed: &str, nth: usize) {
        let changed = format!("\"changed\":\"{changed}\"");
        let deadline = Instant::now() + DEADLINE;
        let is_it = |line: &&str| line.contains("\"live\"") && line.contains(&changed);
        while self.said_now().lines().filter(is_it).count() < nth {
            assert!(
                Instant::now() < deadline,
                "it was never live; it said: {}",
                self.said
            );
            std::thread::yield_now();
        }
    }

    /// The next line of standard output, where there is one already.
    pub fn line_now(&mut self) -> Option<String> {
        let line = self.stdout.try_recv().ok()?;
        Some(String::from_utf8(line).expect("standard output is UTF-8"))
    }

    fn said_now(&mut self) -> &str {
        while let Ok(line) = self.stderr.try_recv() {
            self.said.push_str(&as_line(&line));
        }
        &self.said
    }

    /// Its number, as in `/proc`.
    pub fn pid(&self) -> String {
        self.pid.as_raw_nonzero().to_string()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).expect("the process runs");
    }

    /// Sends a signal, if there is still somebody to get it.
    pub fn signal_if_running(&self, signal: Signal) {
        let _ = kill_process(self.pid, signal);
    }

    /// Sends a signal as soon as the process has installed its handlers for it: until then it would just die.
    pub fn signal_when_started(&self, signal: Signal) {
        let status = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let deadline = Instant::now() + DEADLINE;
        while !catches(&status, signal) {
            assert!(Instant::now() < deadline, "it never caught {signal:?}");
            std::thread::yield_now();
        }
        self.signal(signal);
    }

    /// Has it stop in order after so long.
    pub fn end_after(&self, time: Duration) {
        let pid = self.pid;
        std::thread::spawn(move || {
            std::thread::park_timeout(time);
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        });
    }

    /// Ends its input and waits for its end.
    pub fn end(mut self) -> Ended {
        drop(self.stdin.take());
        self.await_end()
    }

    /// Waits for its end; its input stays open.
    pub fn await_end(mut self) -> Ended {
        let status = match self.ended.recv_timeout(DEADLINE) {
            Ok(status) => status,
            Err(error) => {
                let _ = kill_process(self.pid, Signal::KILL);
                panic!("it did not end: {error}; it said: {}", self.said_now());
            }
        };
        let mut stdout = Vec::new();
        for line in rest(&self.stdout) {
            stdout.extend_from_slice(&line);
            stdout.push(b'\n');
        }
        for line in rest(&self.stderr) {
            self.said.push_str(&as_line(&line));
        }
        Ended {
            code: status.code(),
            stdout,
            stderr: std::mem::take(&mut self.said),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only of a test that has failed, or does not care: nothing of it goes on.
        if let Err(TryRecvError::Empty) = self.ended.try_recv() {
            self.signal_if_running(Signal::KILL);
        }
    }
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("cannot start {command:?}: {error}"),
    }
}

/// Whether a process catches a signal: the mask `SigCgt` of proc(5).
fn catches(status: &str, signal: Signal) -> bool {
    let text = std::fs::read_to_string(status).expect("the process runs");
    let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.expect("proc(5) has SigCgt") >> (signal.as_raw() - 1) & 1 == 1
}

fn as_line(line: &[u8]) -> String {
    format!("{}\n", String::from_utf8_lossy(line))
}

/// The lines of a stream; the channel closes with it.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// What is left in a stream whose process has ended.
fn rest(lines: &Receiver<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut rest = Vec::new();
    loop {
        match lines.recv_timeout(DEADLINE) {
            Ok(line) => rest.push(line),
            Err(RecvTimeoutError::Disconnected) => return rest,
            Err(RecvTimeoutError::Timeout) => panic!("a child of it holds its output open"),
        }
    }
}

/// Runs a command to its end, with this input.
pub fn run(command: &mut Command, input: &[u8]) -> Ended {
    let mut running = Running::start(command);
    let mut stdin = running.stdin.take().expect("it is piped");
    let input = input.to_vec();
    // In a thread, because a process that does not read must not hold us up. It may end before it read all.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let ended = running.await_end();
    writer.join().expect("writing does not panic");
    ended
}
