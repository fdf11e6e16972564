//! Events from a file or standard input: NDJSON of events or watch lines, or what `kubectl get events
//! -o json` prints; dead letters; gzip too.
//!
//! What is malformed is counted, reported with its line, and skipped. Reading never blocks where it could
//! not be told to stop: an idle input is waited for with `poll`, in short turns.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use weir_event::frame::{Frame, Framer};
use weir_event::{ReadError, Reader, Seen, WatchKind};
use weir_runtime::{LogLimit, clean};

use crate::config::{Repeat, Replay, ReplayPath};
use crate::ledger::Ledger;
use crate::receivers::Receivers;
use crate::shutdown::{Phase, Shutdown};
use crate::source::input::{Input, Renewed};
use crate::source::letter;
use crate::source::pace::Pace;
use crate::source::{LanesGone, MALFORMED_LINES_A_SECOND_MAX, Spread, beginning};

/// How long an idle input is waited for before looking whether to stop.
const TURN: Duration = Duration::from_millis(100);
/// How often the end of a followed file is looked at.
const FOLLOW_TURN: Duration = Duration::from_millis(200);
/// A wait for an event to be due is not worth less than this.
const WAIT_MIN: Duration = Duration::from_millis(1);

/// Why replaying ended early.
#[derive(Debug, Error)]
pub enum ReplayError {
    /// The file could not be opened.
    #[error("source.replay: cannot open {path}: {error}")]
    Open {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Reading failed in the middle.
    #[error("source.replay: cannot read {path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Growing gzip files are not written by anything we know, and cannot be told from cut-off ones.
    #[error("source.replay: {path}: a gzip file cannot be followed: unpack it, or remove `follow`")]
    Packed {
        /// The file.
        path: String,
    },
}

/// Whether to go on.
enum Flow {
    On,
    Stop,
}

/// A source that replays.
pub struct Source {
    config: Replay,
    reader: Reader,
    spread: Spread,
    /// A dead letter goes to its receiver alone.
    receivers: Arc<Receivers>,
    pace: Option<Pace>,
    ledger: Arc<Ledger>,
    shutdown: Arc<Shutdown>,
    complaints: LogLimit,
    /// Events that were handed on.
    events: u64,
    /// The followed file cannot be looked at.
    missing: bool,
}

impl Source {
    /// Reads what `config` says, and hands events to `spread`.
    pub fn new(
        config: Replay,
        cluster_name: &str,
        spread: Spread,
        receivers: Arc<Receivers>,
        ledger: Arc<Ledger>,
        shutdown: Arc<Shutdown>,
    ) -> Source {
        let pace = config
            .rate
            .map(|rate| Pace::new(rate.get(), Instant::now()));
        let reader = Reader::new(cluster_name);
        let complaints = LogLimit::new(MALFORMED_LINES_A_SECOND_MAX);
        Source {
            config,
            reader,
            spread,
            receivers,
            pace,
            ledger,
            shutdown,
            complaints,
            events: 0,
            missing: false,
        }
    }

    /// Reads until the end, or until the process drains.
    ///
    /// # Errors
    /// When the input cannot be opened or read. What was read before goes on.
    pub fn run(mut self) -> Result<(), ReplayError> {
        let ended = self.rounds();
        // Where the lanes have ended there is nobody left to flush to, and nothing to report: the process aborts.
        let _ = self.spread.flush();
        ended
    }

    fn rounds(&mut self) -> Result<(), ReplayError> {
        let mut round = 0;
        loop {
            let events = self.events;
            if matches!(self.once()?, Flow::Stop) {
                return Ok(());
            }
            round += 1;
            if matches!(self.config.repeat, Repeat::Times(times) if round >= u64::from(times.get()))
            {
                return Ok(());
            }
            // A file without events that is repeated for ever would only burn processor time.
            if self.events == events {
                self.shutdown.wait(FOLLOW_TURN, Phase::Draining);
            }
        }
    }

    fn once(&mut self) -> Result<Flow, ReplayError> {
        let mut input = Input::open(&self.config.path).map_err(|error| ReplayError::Open {
            path: path_text(&self.config.path),
            error,
        })?;
        let mut framer = Framer::new();
        loop {
            let read = match self.read(&mut input, &mut framer) {
                Ok(Some(read)) => read,
                Ok(None) => return Ok(Flow::Stop),
                Err(error) => {
                    // What is left is the last value that can be had.
                    framer.finish();
                    let _ = self.frames(&mut framer);
                    return Err(error);
                }
            };
            let ended = read == 0 && !self.config.follow;
            if ended {
                framer.finish();
            }
            framer.filled(read);
            if self.frames(&mut framer).is_err() || self.shutdown.phase() >= Phase::Draining {
                return Ok(Flow::Stop);
            }
            if ended {
                return Ok(Flow::On);
            }
            if read == 0 && matches!(self.await_growth(&mut input, &mut framer), Flow::Stop) {
                return Ok(Flow::Stop);
            }
        }
    }

    /// Reads what comes next; `None` where it is time to stop. Where nothing can be read now, what was
    /// read goes on its way before we wait.
    fn read(
        &mut self,
        input: &mut Input,
        framer: &mut Framer,
    ) -> Result<Option<usize>, ReplayError> {
        let mut timeout = Duration::ZERO;
        loop {
            let read = input
                .read_within(framer.space(), timeout)
                .map_err(|error| ReplayError::Read {
                    path: path_text(&self.config.path),
                    error,
                })?;
            if self.config.follow && input.is_packed() {
                return Err(ReplayError::Packed {
                    path: path_text(&self.config.path),
                });
            }
            if read.is_some() {
                return Ok(read);
            }
            if self.shutdown.phase() >= Phase::Draining || self.spread.flush().is_err() {
                return Ok(None);
            }
            timeout = TURN;
        }
    }

    /// At the end of a followed file: waits, and starts again where it was replaced or cut.
    fn await_growth(&mut self, input: &mut Input, framer: &mut Framer) -> Flow {
        if self.spread.flush().is_err()
            || self.shutdown.wait(FOLLOW_TURN, Phase::Draining) >= Phase::Draining
        {
            return Flow::Stop;
        }
        let ReplayPath::File(path) = &self.config.path else {
            return Flow::On;
        };
        let renewed = input.renew(path);
        match &renewed {
            Ok(_) if self.missing => {
                tracing::info!(file = %path.display(), "the followed file is there again");
            }
            Err(error) if !self.missing => {
                tracing::warn!(file = %path.display(), %error, "cannot look at the followed file; waiting for it");
            }
            _ => {}
        }
        self.missing = renewed.is_err();
        if let Ok(Renewed::Changed) = renewed {
            // What the old file ended with and no newline is a value all the same.
            framer.finish();
            if self.frames(framer).is_err() {
                return Flow::Stop;
            }
            *framer = Framer::new();
        }
        Flow::On
    }

    fn frames(&mut self, framer: &mut Framer) -> Result<(), LanesGone> {
        while let Some(frame) = framer.next_frame() {
            self.frame(&frame)?;
        }
        Ok(())
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<(), LanesGone> {
        let Source {
            reader,
            spread,
            receivers,
            pace,
            shutdown,
            ledger,
            complaints,
            events,
            ..
        } = self;
        let value = match frame.value {
            Ok(value) => value,
            Err(error) => {
                malformed(ledger, complaints, frame.line, &[], &error);
                return Ok(());
            }
        };
        let (receiver, value) = match letter::open(value, receivers) {
            Ok(opened) => opened,
            Err(error) => {
                malformed(ledger, complaints, frame.line, value, &error);
                return Ok(());
            }
        };
        let mut pushed = Ok(());
        let seen = reader.read(value, &mut |event: Result<_, ReadError>| match event {
            Ok(_) if pushed.is_err() => {}
            Ok(event) => {
                *events += 1;
                let waited = pace
                    .as_mut()
                    .map_or(Ok(()), |pace| wait(pace, shutdown, spread));
                pushed = waited.and_then(|()| spread.push_for(receiver, 0, 0, event));
            }
            Err(error) => malformed(ledger, complaints, frame.line, value, &error),
        });
        match seen {
            Ok(Seen::Ignored {
                kind: WatchKind::Error,
                message,
                code,
                ..
            }) => {
                let message = clean(&message, 1024);
                tracing::warn!(
                    line = frame.line,
                    code,
                    message,
                    "the recorded watch stream holds an error"
                );
            }
            Ok(_) => {}
            Err(error) => malformed(ledger, complaints, frame.line, value, &error),
        }
        pushed
    }
}

fn malformed(
    ledger: &Ledger,
    complaints: &LogLimit,
    line: u64,
    value: &[u8],
    error: &dyn std::error::Error,
) {
    ledger.malformed();
    if let Some(left_out) = complaints.admit() {
        tracing::warn!(
            line,
            start = beginning(value),
            left_out,
            "malformed input skipped: {error}"
        );
    }
}

fn path_text(path: &ReplayPath) -> String {
    match path {
        ReplayPath::Stdin => "standard input".to_owned(),
        ReplayPath::File(path) => path.display().to_string(),
    }
}

/// Waits until the next event is due; what came before it goes on its way meanwhile. While the process
/// drains nothing waits: what was read is delivered, and the time for that is short.
fn wait(pace: &mut Pace, shutdown: &Shutdown, spread: &mut Spread) -> Result<(), LanesGone> {
    let left = pace.left(Instant::now());
    // Shorter waits than this are made up for by a later one.
    if left >= WAIT_MIN {
        spread.flush()?;
        shutdown.wait(left, Phase::Draining);
    }
    pace.went();
    Ok(())
}
