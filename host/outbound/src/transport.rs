//! Connections that endpoints with the same TLS share, made anew when its files change.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;

use crate::connect::Connector;
use crate::proxy::Proxies;
use crate::tls::{Tls, prepare};

/// A connection that nobody used for this long is closed. Shorter than load balancers wait (AWS: 350 s, nginx: 75 s
/// and up), longer than a batch takes to fill.
const IDLE: Duration = Duration::from_secs(60);
/// More are closed when their request is done. Each thread has one request at a time.
const IDLE_PER_SERVER_MAX: usize = 16;
/// HTTP/2: a connection with requests on it is asked whether it is alive, and has this long to say so.
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// hyper's client with its pool.
pub(crate) type Http = Client<Connector, Full<Bytes>>;

/// What endpoints have in common that share connections.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) tls: Tls,
    pub(crate) connect_timeout: Duration,
}

/// What all transports of a process have in common.
pub(crate) struct Common {
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) system_roots: Arc<RootCertStore>,
    /// Files are looked at before a request, at most this often.
    pub(crate) files_checked_every: Duration,
}

pub(crate) struct Transport {
    key: Key,
    state: Mutex<State>,
}

struct State {
    http: Http,
    /// Of the files that `http` was made from, or that could not be used.
    stamps: Vec<Stamp>,
    checked: Instant,
    /// What was wrong with the files when they were last read.
    problem: Option<String>,
}

/// Tells whether a file, or what a link leads to, is still the same: device, inode, length, times of writing and of
/// changing. None where there is no file.
type Stamp = Option<[i64; 7]>;

impl Transport {
    /// Reads the files. An error is about one of them.
    pub(crate) fn new(key: Key, common: &Common) -> Result<Transport, String> {
        let stamps = stamps(&key.tls);
        let http = connect(&key, common)?;
        let state = Mutex::new(State {
            http,
            stamps,
            checked: Instant::now(),
            problem: None,
        });
        Ok(Transport { key, state })
    }

    /// With the files as they are now, or as they last could be used.
    pub(crate) fn http(&self, common: &Common) -> Http {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.key.tls.files().next().is_none()
            || state.checked.elapsed() < common.files_checked_every
        {
            return state.http.clone();
        }
        state.checked = Instant::now();
        // Before they are read: what changes in between is seen next time.
        let stamps = stamps(&self.key.tls);
        let changed = stamps != state.stamps;
        if !changed && state.problem.is_none() {
            return state.http.clone();
        }
        state.stamps = stamps;
        match connect(&self.key, common) {
            Ok(http) => {
                tracing::info!(files = %self.files(), "TLS files have changed and are used from now on");
                state.http = http;
                state.problem = None;
            }
            Err(problem) => {
                if changed || state.problem.as_ref() != Some(&problem) {
                    tracing::warn!(%problem, "TLS files have changed and cannot be used; what they were before is used still");
                }
                state.problem = Some(problem);
            }
        }
        state.http.clone()
    }

    fn files(&self) -> String {
        let files = self.key.tls.files().map(|file| file.display().to_string());
        files.collect::<Vec<_>>().join(", ")
    }
}

fn connect(key: &Key, common: &Common) -> Result<Http, String> {
    let tls = prepare(&key.tls, &common.system_roots)?;
    let connector = Connector::new(tls, &common.proxies, key.connect_timeout);
    Ok(Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_SERVER_MAX)
        .pool_timer(TokioTimer::new())
        .timer(TokioTimer::new())
        .http2_keep_alive_interval(PING_INTERVAL)
        .http2_keep_alive_timeout(PING_TIMEOUT)
        .build(connector))
}

fn stamps(tls: &Tls) -> Vec<Stamp> {
    tls.files().map(stamp).collect()
}

fn stamp(file: &Path) -> Stamp {
    let found = file.metadata().ok()?;
    Some([
        found.dev().cast_signed(),
        found.ino().cast_signed(),
        found.len().cast_signed(),
        found.mtime(),
        found.mtime_nsec(),
        found.ctime(),
        found.ctime_nsec(),
    ])
}
