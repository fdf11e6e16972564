//! Reading a stream, line by line, until it ends, breaks, or what it brings cannot be handed on.

use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout};
use weir_event::frame::Framer;
use weir_event::{Seen, WatchKind};

use super::{GOOD_STREAM, Gone, HELD_UP_MOST, State, Stop, Surroundings, Watch, fill, oldest_ms};
use crate::failure::Failure;
use crate::request::Stream;
use crate::status::{Phase, Restart};

/// How long the server keeps a stream open, in seconds: at least, and up to so much longer, at random, so that many
/// watches do not come back together. As client-go has it.
const STREAM_LEAST_S: u32 = 300;
const STREAM_MORE_S: u32 = 300;
/// A stream that the server should have ended this long ago is dead.
const STREAM_GRACE: Duration = Duration::from_secs(30);
/// A stream that brings nothing for so long is asked about: it may be dead, or wait for a version that is far away.
const SILENCE: Duration = Duration::from_secs(60);
/// The answer to that must come within this time.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// How a stream ended.
enum Ended {
    /// In order.
    Clean,
    /// 410, in a line.
    Expired,
    /// The server's version is below ours.
    History(u64),
    /// Nobody takes what was read.
    HeldUp,
}

/// What a line means for the stream.
enum Line {
    On,
    Expired,
    Failed(Failure),
}

impl Watch {
    /// Opens a stream behind `seen` and reads it to its end.
    pub(super) async fn watch(&mut self) -> Result<State, Stop> {
        self.surroundings.status.phase(Phase::Connecting);
        self.await_kept().await;
        // A watch from a version that is still to come is accepted, and silent for ever.
        let newest = self.newest().await?;
        if newest < self.seen {
            return self.history(newest).await;
        }
        let client = self.surroundings.connection.client();
        let seconds = STREAM_LEAST_S + random_below(STREAM_MORE_S);
        let selection = self.settings.selection.clone();
        let stream = match selection.watch(&client, self.seen, seconds).await {
            Ok(stream) => stream,
            Err(Failure::Expired { .. }) => return Ok(self.expired().await),
            Err(failure) => return Err(failure.into()),
        };
        self.surroundings.status.phase(Phase::Watching);
        self.surroundings.status.alive();
        self.surroundings.status.seen(self.seen, None);
        let (opened, seen) = (Instant::now(), self.seen);
        let until = opened + Duration::from_secs(u64::from(seconds)) + STREAM_GRACE;
        let ended = self.read(stream, until).await;
        let good = opened.elapsed() >= GOOD_STREAM || self.seen > seen;
        if good {
            self.backoff.reset();
            self.listed_in_vain = false;
        }
        // What was read is good, however the stream ended.
        let handed_on = self.hand_on().await;
        let ended = ended?;
        handed_on?;
        Ok(match ended {
            Ended::Clean => {
                self.surroundings.status.restarted(Restart::End);
                if !good {
                    let message = "the server ended the watch at once".to_owned();
                    let action = Box::new(self.settings.selection.action("watch"));
                    return Err(Failure::Network { action, message }.into());
                }
                State::Watch
            }
            Ended::HeldUp => {
                self.surroundings.status.restarted(Restart::HeldUp);
                State::Watch
            }
            Ended::Expired => self.expired().await,
            Ended::History(newest) => return self.history(newest).await,
        })
    }

    async fn read(&mut self, mut stream: Stream, until: Instant) -> Result<Ended, Stop> {
        let mut framer = Framer::new();
        loop {
            // What is there already is read before anything is handed on.
            let bytes = match stream.next().now_or_never() {
                Some(bytes) => bytes?,
                None => {
                    self.close_chunk();
                    if !self.hand_on_soon().await? {
                        return Ok(Ended::HeldUp);
                    }
                    match timeout(SILENCE, stream.next()).await {
                        Ok(bytes) => bytes?,
                        Err(_) => {
                            if let Some(ended) = self.ask(until).await? {
                                return Ok(ended);
                            }
                            continue;
                        }
                    }
                }
            };
            let Some(bytes) = bytes else {
                // A line that the end cuts off is none: it comes again.
                self.surroundings.status.alive();
                return Ok(Ended::Clean);
            };
            self.surroundings.status.line();
            framer.push(&bytes);
            match self.lines(&mut framer) {
                Line::On => {}
                Line::Expired => return Ok(Ended::Expired),
                Line::Failed(failure) => return Err(failure.into()),
            }
            if !self.ready.is_empty() && !self.hand_on_soon().await? {
                return Ok(Ended::HeldUp);
            }
        }
    }

    /// After a silence: whether the server is there, and where.
    async fn ask(&mut self, until: Instant) -> Result<Option<Ended>, Failure> {
        if Instant::now() > until {
            return Err(self.silent());
        }
        let newest = timeout(PROBE_TIMEOUT, self.newest()).await;
        let newest = newest.map_err(|_| self.silent())??;
        if newest < self.seen {
            return Ok(Some(Ended::History(newest)));
        }
        self.surroundings.status.alive();
        Ok(None)
    }

    fn silent(&self) -> Failure {
        Failure::timeout(&self.settings.selection.action("watch"))
    }

    /// Hands on what is ready; `false` where that takes too long: an open stream that nobody reads only fills the
    /// server.
    async fn hand_on_soon(&mut self) -> Result<bool, Gone> {
        let handed_on = self.hand_on_within(Some(HELD_UP_MOST)).await?;
        if !handed_on {
            let watch = self.surroundings.status.name.as_str();
            tracing::warn!(
                watch,
                "what is read cannot be delivered: a queue is full; the watch is closed and goes on when there is room"
            );
            self.surroundings.status.phase(Phase::HeldUp);
        }
        Ok(handed_on)
    }

    /// Reads the lines that are there.
    fn lines(&mut self, framer: &mut Framer) -> Line {
        let oldest_ms = oldest_ms(self.settings.max_age);
        while let Some(frame) = framer.next_frame() {
            let line = match frame.value {
                Ok(value) => self.line(value, oldest_ms),
                Err(error) => {
                    self.malformed(&[], &error);
                    Line::On
                }
            };
            if !matches!(line, Line::On) {
                return line;
            }
        }
        Line::On
    }

    fn line(&mut self, value: &[u8], oldest_ms: Option<u64>) -> Line {
        let Watch {
            reader,
            filling,
            ready,
            surroundings,
            seen,
            moved,
            ..
        } = self;
        let read = reader.read(value, &mut |event| {
            // An item of a list would be an error here; a watch has none.
            let Ok(event) = event else { return };
            let version = event.resource_version().parse().unwrap_or(*seen);
            *seen = version.max(*seen);
            *moved = true;
            let event_ms = event.timestamp();
            surroundings.status.seen(*seen, Some(event_ms));
            if oldest_ms.is_some_and(|oldest| event_ms < oldest) {
                surroundings.accounts.too_old(1);
            } else {
                fill(filling, ready, event);
            }
        });
        match read {
            Ok(Seen::Ignored {
                kind: WatchKind::Error,
                message,
                code,
                ..
            }) => self.error_line(code, message),
            Ok(Seen::Ignored {
                resource_version, ..
            }) => {
                if let Ok(version) = resource_version.parse::<u64>() {
                    self.seen = self.seen.max(version);
                    self.moved = true;
                    self.surroundings.status.seen(self.seen, None);
                }
                Line::On
            }
            Ok(_) => Line::On,
            Err(error) => {
                self.malformed(value, &error);
                Line::On
            }
        }
    }

    fn error_line(&self, code: u16, message: String) -> Line {
        match code {
            410 => Line::Expired,
            _ => Line::Failed(Failure::Server {
                action: Box::new(self.settings.selection.action("watch")),
                status: code,
                message,
                retry_after: None,
            }),
        }
    }

    fn malformed(&self, value: &[u8], error: &dyn std::error::Error) {
        let Surroundings {
            accounts, status, ..
        } = &self.surroundings;
        accounts.malformed(&status.name, value, error);
    }
}

/// A random number below this one; 0 where there is no randomness.
fn random_below(most: u32) -> u32 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => u32::from_le_bytes(bytes) % most,
        Err(_) => 0,
    }
}
