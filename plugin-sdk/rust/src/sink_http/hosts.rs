//! Several servers of one service: what one does not answer, another may.

use super::{Address, describe};
use crate::http::{Request, Response};
use crate::{Error, Result, host};

/// How long a server is left out after its first failure; doubled with each that follows.
const REST_MS: u64 = 1000;
/// The longest that a server is left out.
const REST_MS_MAX: u64 = 60_000;

/// Servers of which any will do. The one that worked last is asked first; one that failed is left out for a while
/// (1 s, doubled up to 1 min), as long as there is another.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    hosts: Vec<Host>,
    current: usize,
}

#[derive(Clone, Debug)]
struct Host {
    address: Address,
    failures: u32,
    rests_until_ms: u64,
}

impl Hosts {
    /// Reads the addresses of a setting with this name.
    ///
    /// # Errors
    /// There is none, or one is no address; the error names the setting.
    pub fn new<T: AsRef<str>>(setting: &str, addresses: &[T]) -> Result<Hosts> {
        if addresses.is_empty() {
            Err(format!("{setting}: expected at least one address"))?;
        }
        let mut hosts = Vec::with_capacity(addresses.len());
        for (index, text) in addresses.iter().enumerate() {
            let address = Address::new(text.as_ref())
                .map_err(|error| format!("{setting}[{index}]: {}", error.message()))?;
            hosts.push(Host {
                address,
                failures: 0,
                rests_until_ms: 0,
            });
        }
        Ok(Hosts { hosts, current: 0 })
    }

    /// The addresses, in the order of the configuration.
    pub fn addresses(&self) -> impl Iterator<Item = &Address> {
        self.hosts.iter().map(|host| &host.address)
    }

    /// Sends a request whose `url` is a path, as `/_bulk`, to a server that answers: each is tried at most once. The
    /// next is tried where there is no response, and at 502, 503 and 504. An address that came with credentials
    /// adds them where the request has no `authorization`.
    ///
    /// # Errors
    /// None answered: what failed at each. Where the last one answered with such a status, that is the response.
    pub fn send(&mut self, request: &Request) -> Result<Response> {
        let order = self.order(host::now());
        let mut errors = Vec::new();
        for (tries, index) in order.iter().enumerate() {
            let host = &mut self.hosts[*index];
            let sent = host.request(request).send();
            if !is_unwell(&sent) {
                host.failures = 0;
                host.rests_until_ms = 0;
                self.current = *index;
                return sent;
            }
            host.fail();
            if sent.is_ok() && tries + 1 == order.len() {
                // The last response alone would not tell what failed before it.
                if !errors.is_empty() {
                    host::warn(named(&errors));
                }
                return sent;
            }
            let error = sent.map_or_else(Error::into_message, |response| describe(&response));
            errors.push((host.address.origin().to_owned(), error));
        }
        Err(told(&errors).into())
    }

    /// Where to try: the current one and those after it, without those that rest, unless all do.
    fn order(&self, now_ms: u64) -> Vec<usize> {
        let count = self.hosts.len();
        let all = (0..count).map(|offset| (self.current + offset) % count);
        let (rested, resting): (Vec<usize>, Vec<usize>) =
            all.partition(|index| self.hosts[*index].rests_until_ms <= now_ms);
        if rested.is_empty() { resting } else { rested }
    }
}

impl Host {
    fn request(&self, request: &Request) -> Request {
        let mut request = request.clone();
        request.url = self.address.join(&request.url);
        let has_own = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some(value) = self.address.authorization().filter(|_| !has_own) {
            request = request.header("authorization", value);
        }
        request
    }

    fn fail(&mut self) {
        let doublings = self.failures.min(REST_MS_MAX.ilog2());
        self.rests_until_ms = host::now() + (REST_MS << doublings).min(REST_MS_MAX);
        self.failures += 1;
    }
}

fn is_unwell(sent: &Result<Response>) -> bool {
    match sent {
        Ok(response) => matches!(response.status, 502..=504),
        Err(error) => !error.message().starts_with("too large"),
    }
}

/// One server needs no name: the reader knows it.
fn told(errors: &[(String, String)]) -> String {
    if let [(_, error)] = errors {
        return error.clone();
    }
    named(errors)
}

fn named(errors: &[(String, String)]) -> String {
    let each: Vec<String> = errors
        .iter()
        .map(|(origin, error)| format!("{origin}: {error}"))
        .collect();
    each.join("; ")
}
