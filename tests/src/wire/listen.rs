//! Listening: accepts connections and has each served in a task. Stopping breaks off all connections and keeps the
//! port, so that a server can come back at the same address.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Instant;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::running::DEADLINE;

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// A server that listens.
pub(crate) struct Listening {
    stop: oneshot::Sender<()>,
    accepting: JoinHandle<()>,
}

/// A port that nobody else can take; connections to it are refused.
pub(crate) fn reserve(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// The same for a port that was listened on. A child process that is being started just now has the listener open, too,
/// until it becomes another program.
pub(crate) async fn reserve_again(address: SocketAddr) -> io::Result<TcpSocket> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match reserve(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::task::yield_now().await;
            }
            done => return done,
        }
    }
}

impl Listening {
    /// Begins, inside of a runtime.
    pub(crate) fn start<F>(
        socket: TcpSocket,
        serve: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Listening>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = socket.listen(BACKLOG)?;
        let (stop, stopped) = oneshot::channel();
        let accepting = tokio::spawn(accept(listener, serve, stopped));
        Ok(Listening { stop, accepting })
    }

    /// Closes the listener and breaks off all connections.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        let _ = self.accepting.await;
    }
}

async fn accept<F>(
    listener: TcpListener,
    serve: impl Fn(TcpStream) -> F,
    mut stopped: oneshot::Receiver<()>,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                connections.spawn(serve(stream));
            },
            Some(_) = connections.join_next() => {}
            _ = &mut stopped => break,
        }
    }
    drop(listener);
    connections.shutdown().await;
}
