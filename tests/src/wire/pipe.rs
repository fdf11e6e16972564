//! The body of an answer, fed while it is read: bytes, an end, a break or a freeze. What was fed before a break goes
//! out before it, which hyper alone does not promise.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::gate::{Gate, Mark};

enum Item {
    Bytes(Bytes),
    Break,
    /// The number of thaws when it was said.
    Freeze(u64),
}

/// The side that is fed. Dropping it ends the body. Like the server's buffers it has no bound.
pub(crate) struct Feed {
    sender: UnboundedSender<Item>,
    waiting: Arc<AtomicUsize>,
    gate: Arc<Gate>,
}

/// The side that hyper reads.
pub(crate) struct Pipe {
    receiver: UnboundedReceiver<Item>,
    waiting: Arc<AtomicUsize>,
    gate: Arc<Gate>,
    /// What is out when all that was read is out.
    mark: Mark,
    held: Option<Item>,
}

/// Both sides of a body on a connection.
pub(crate) fn pipe(gate: &Arc<Gate>) -> (Feed, Pipe) {
    let (sender, receiver) = unbounded_channel();
    let waiting = Arc::new(AtomicUsize::new(0));
    let feed = Feed {
        sender,
        waiting: waiting.clone(),
        gate: gate.clone(),
    };
    let pipe = Pipe {
        receiver,
        waiting,
        gate: gate.clone(),
        // The headers go first, also before a break behind nothing.
        mark: gate.mark_behind(Mark::default(), 1),
        held: None,
    };
    (feed, pipe)
}

impl Feed {
    pub(crate) fn bytes(&self, bytes: impl Into<Bytes>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.send(Item::Bytes(bytes.into()));
    }

    /// Breaks the body off, behind all that was fed.
    pub(crate) fn break_off(&self) {
        self.send(Item::Break);
    }

    /// Freezes the connection, behind all that was fed, unless it is thawed before that.
    pub(crate) fn freeze(&self) {
        self.send(Item::Freeze(self.gate.thaws()));
    }

    /// How many pieces hyper has not read yet.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Waits until nobody reads any more.
    pub(crate) async fn closed(&self) {
        self.sender.closed().await;
    }

    fn send(&self, item: Item) {
        // Nobody reads any more: then nobody misses it.
        let _ = self.sender.send(item);
    }
}

impl Body for Pipe {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            let item = match self.held.take() {
                Some(item) => Some(item),
                None => ready!(self.receiver.poll_recv(context)),
            };
            let item = match item {
                None => return Poll::Ready(None),
                Some(Item::Bytes(bytes)) => {
                    self.waiting.fetch_sub(1, Ordering::Relaxed);
                    self.mark = self.gate.mark_behind(self.mark, bytes.len());
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                Some(item) => item,
            };
            if !self.gate.is_past(self.mark, context) {
                self.held = Some(item);
                return Poll::Pending;
            }
            match item {
                Item::Freeze(thaws) => self.gate.freeze_since(thaws),
                _ => return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            }
        }
    }
}
