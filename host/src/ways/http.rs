//! HTTP for one use of a plugin, through `weir-outbound`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use weir_outbound::{Client, Endpoint, Hider, Options, Origin, Reveal, Settings};
use weir_runtime::{Outbound, Request, Response, Secrets};

use crate::config;

/// How often certificates and keys are looked at for a change.
const FILES_CHECKED_EVERY: Duration = Duration::from_secs(1);

/// The HTTP client of this process, with the proxies of its environment.
///
/// # Errors
/// When a variable for a proxy is wrong, or the system refuses a thread.
pub fn http_client() -> Result<Client, String> {
    Client::new(&Options {
        environment: &|name| std::env::var(name).ok(),
        files_checked_every: FILES_CHECKED_EVERY,
    })
}

/// What one use may reach.
pub struct Http {
    endpoint: Endpoint,
}

impl Http {
    /// Over the process's client: the origins of the use's own configuration, and those that are allowed beside.
    ///
    /// # Errors
    /// When a file of `tls` cannot be used.
    pub fn new(
        client: &Client,
        http: &config::Http,
        granted: Vec<Origin>,
        secrets: Arc<Secrets>,
    ) -> Result<Http, String> {
        let endpoint = client.endpoint(Settings {
            granted,
            allowed: http.allow.clone(),
            tls: http.tls.clone(),
            timeout: http.timeout,
            connect_timeout: http.connect_timeout,
            read_timeout: http.read_timeout,
            compression: http.compression,
            response_bytes_max: http.response_bytes,
            secrets: Arc::new(Revealing::new(secrets)),
        })?;
        Ok(Http { endpoint })
    }
}

impl Outbound for Http {
    fn send(&self, request: Request) -> Result<Response, String> {
        let Request {
            method,
            url,
            headers,
            body,
            timeout_ms,
        } = request;
        let timeout = Some(Duration::from_millis(u64::from(timeout_ms)));
        let request = weir_outbound::Request {
            method,
            url,
            headers,
            body,
            timeout: timeout.filter(|timeout| !timeout.is_zero()),
        };
        let answer = self.endpoint.send(request);
        let answer = answer.map_err(|error| error.to_string())?;
        Ok(Response {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        })
    }
}

/// The secrets of a use. Who finds them in an answer is made once, and anew when a plugin made another.
struct Revealing {
    secrets: Arc<Secrets>,
    hider: Mutex<Option<(usize, Arc<Hider>)>>,
}

impl Revealing {
    fn new(secrets: Arc<Secrets>) -> Revealing {
        Revealing {
            secrets,
            hider: Mutex::default(),
        }
    }

    fn hider(&self) -> Option<Arc<Hider>> {
        let count = self.secrets.count();
        let mut hider = self.hider.lock().unwrap_or_else(PoisonError::into_inner);
        match &*hider {
            Some((of, hider)) if *of == count => Some(Arc::clone(hider)),
            _ => {
                let pairs = self.secrets.pairs();
                let pairs = pairs
                    .iter()
                    .map(|(placeholder, secret)| (&**placeholder, &**secret));
                let made = Arc::new(Hider::new(pairs).ok()?);
                *hider = Some((count, Arc::clone(&made)));
                Some(made)
            }
        }
    }
}

impl Reveal for Revealing {
    fn reveal(&self, text: &str, bytes_max: usize) -> Option<String> {
        self.secrets.reveal(text, bytes_max)
    }

    fn hide(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self.hider() {
            Some(hider) => hider.hide(bytes),
            // Rather nothing than a secret.
            None => Some(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_that_a_plugin_made_are_found_too() {
        let secrets = Arc::new(Secrets::default());
        let revealing = Revealing::new(Arc::clone(&secrets));
        assert_eq!(revealing.hide(b"open sesame"), None);
        let placeholder = secrets.keep("open sesame".into()).expect("random bytes");
        let hidden = revealing.hide(b"he said open sesame");
        let expected = format!("he said {placeholder}");
        assert_eq!(hidden.as_deref(), Some(expected.as_bytes()));
        assert_eq!(
            revealing.reveal(&placeholder, 100).as_deref(),
            Some("open sesame")
        );
    }
}
