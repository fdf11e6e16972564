//! What all plugins of a process share: one thread for connections, and the connections themselves.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::endpoint::{Endpoint, Settings};
use crate::failure::{Class, Failure};
use crate::proxy::Proxies;
use crate::tls::system_roots;
use crate::transport::{Common, Key, Transport};

/// Lookups of names at one time; the system's function blocks.
const LOOKUPS_MAX: usize = 8;
/// A thread that looked a name up is kept for the next one this long.
const LOOKUP_THREAD_IDLE: Duration = Duration::from_secs(10);

/// How a client is made.
pub struct Options<'a> {
    /// The environment, of which the proxies are read.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// TLS files are looked at before a request, but not more often than this.
    pub files_checked_every: Duration,
}

impl Default for Options<'_> {
    /// The environment of the process, and files looked at once a second.
    fn default() -> Self {
        Options {
            environment: &|name| std::env::var(name).ok(),
            files_checked_every: Duration::from_secs(1),
        }
    }
}

/// The HTTP client of a process, with one thread named `weir-http`. Clones are the same client.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    common: Common,
    transports: Mutex<HashMap<Key, Weak<Transport>>>,
    handle: Handle,
    /// None once it was stopped.
    runtime: Mutex<Option<Runtime>>,
    stopped: AtomicBool,
}

impl Client {
    /// Starts the thread. Reads the proxies and the system's root certificates, once.
    ///
    /// # Errors
    /// A variable that should be the address of a proxy and is not, or no thread.
    pub fn new(options: &Options<'_>) -> Result<Client, String> {
        let common = Common {
            proxies: Arc::new(Proxies::of(options.environment)?),
            system_roots: system_roots(),
            files_checked_every: options.files_checked_every,
        };
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(LOOKUPS_MAX)
            .thread_keep_alive(LOOKUP_THREAD_IDLE)
            .thread_name("weir-http")
            .enable_io()
            .enable_time()
            .build()
            .map_err(|error| format!("the thread for HTTP cannot be started: {error}"))?;
        let shared = Arc::new(Shared {
            common,
            transports: Mutex::default(),
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            stopped: AtomicBool::new(false),
        });
        Ok(Client { shared })
    }

    /// One use of a plugin. Endpoints with the same TLS and `connect_timeout` share their connections.
    ///
    /// # Errors
    /// A TLS file that cannot be read, or is not what it should be.
    pub fn endpoint(&self, settings: Settings) -> Result<Endpoint, String> {
        let key = Key {
            tls: settings.tls.clone(),
            connect_timeout: settings.connect_timeout,
        };
        let transport = self.transport(key)?;
        Ok(Endpoint::new(self.clone(), transport, settings))
    }

    /// Every request that is under way, and every later one, ends at once with [`Class::Stopping`]. Does not wait.
    pub fn stop(&self) {
        self.shared.stop();
    }

    pub(crate) fn common(&self) -> &Common {
        &self.shared.common
    }

    fn transport(&self, key: Key) -> Result<Arc<Transport>, String> {
        let mut transports = self
            .shared
            .transports
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        transports.retain(|_, transport| transport.strong_count() > 0);
        if let Some(transport) = transports.get(&key).and_then(Weak::upgrade) {
            return Ok(transport);
        }
        let transport = Arc::new(Transport::new(key.clone(), self.common())?);
        transports.insert(key, Arc::downgrade(&transport));
        Ok(transport)
    }

    /// Runs it on the client's thread while this one waits.
    pub(crate) fn wait_for<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> Result<T, Failure> {
        let (done, outcome) = oneshot::channel();
        // It ends with its runtime, or by its own limit of time; nobody else waits for it.
        drop(self.shared.handle.spawn(async move {
            // The receiver waits below.
            let _ = done.send(work.await);
        }));
        match outcome.blocking_recv() {
            Ok(outcome) => outcome,
            Err(_) if self.shared.stopped.load(Ordering::Acquire) => {
                let detail = "weir is ending; the request was given up";
                Err(Failure::new(Class::Stopping, detail))
            }
            Err(_) => {
                let detail = "the request was lost; this is a bug in weir";
                Err(Failure::new(Class::BrokenAnswer, detail))
            }
        }
    }
}

impl Shared {
    fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Its tasks are dropped, and with them what the requests' threads wait for.
        if let Some(runtime) = runtime {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::Tls;

    #[test]
    fn connections_are_shared_where_they_are_made_alike() {
        let client = Client::new(&Options::default()).expect("a thread");
        let transport = |server_name: Option<&str>| {
            let tls = Tls {
                server_name: server_name.map(str::to_owned),
                ..Tls::default()
            };
            let connect_timeout = Duration::from_secs(1);
            let key = Key {
                tls,
                connect_timeout,
            };
            client.transport(key).expect("no files")
        };
        let one = transport(None);
        assert!(Arc::ptr_eq(&one, &transport(None)));
        assert!(!Arc::ptr_eq(&one, &transport(Some("other"))));
        let kept = client.shared.transports.lock().expect("no panic").len();
        assert!(kept <= 2, "{kept}: those that nobody uses go");
    }
}
