//! Lookups under way: each object is asked for once, however many events wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::Settings;
use super::cache::{Answer, Cache, Entry, Found, with_jitter};
use super::counters::{Counters, add};
use super::discovery::{Discovery, Resource};
use super::metadata;
use super::requests::{Failure, Reply, Requests};
use super::target::Target;

/// How long what was found is believed; each object up to a fifth less.
const FOUND_LIFETIME: Duration = Duration::from_secs(300);

/// How long an object is believed to be gone.
const GONE_LIFETIME: Duration = Duration::from_secs(60);

/// How long nothing is asked about an object after that failed.
const FAILURE_LIFETIME: Duration = Duration::from_secs(10);

/// What is known of a part of an event.
#[derive(Debug)]
pub(super) enum Slot {
    /// There is nothing to look up.
    Unwanted,
    /// It was looked up.
    Known(Answer),
    /// It is being looked up.
    Waiting {
        /// Where the answer arrives.
        landing: Landing,
        /// What was found once, for when it cannot be looked up anew.
        stale: Option<Arc<Found>>,
    },
}

/// Where the answer arrives.
type Landing = watch::Receiver<Option<Answer>>;

impl Slot {
    /// What the lookup came to, if there was one.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Known(answer) => Some(answer),
            Self::Unwanted | Self::Waiting { .. } => None,
        }
    }

    /// Waits until the answer is there, or until the deadline: then it failed, and what is known from before counts.
    pub async fn wait(&mut self, deadline: Instant, counters: &Counters) {
        let Self::Waiting { landing, stale } = self else {
            return;
        };
        let landed = match timeout_at(deadline, landing.wait_for(Option::is_some)).await {
            Ok(Ok(answer)) => answer.clone(),
            Ok(Err(_)) | Err(_) => None,
        };
        let answer = match landed.unwrap_or(Answer::Failed) {
            Answer::Failed => match stale.take() {
                Some(found) => {
                    add(&counters.stale, 1);
                    Answer::Found(found)
                }
                None => Answer::Failed,
            },
            answer => answer,
        };
        *self = Self::Known(answer);
    }
}

/// Everything that lookups share.
#[derive(Debug)]
pub(super) struct Lookups {
    pub settings: Settings,
    pub counters: Arc<Counters>,
    requests: Requests,
    discovery: Discovery,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cache: Cache,
    /// By key. It grows with what waits for a place before its deadline, and each of that belongs to an event.
    flights: HashMap<Arc<str>, Landing>,
}

/// One lookup under way. However its task ends, those who wait for it learn of it.
struct Flight {
    lookups: Arc<Lookups>,
    key: Arc<str>,
    landing: watch::Sender<Option<Answer>>,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.lookups.locked().flights.remove(&self.key);
    }
}

impl Lookups {
    pub fn new(requests: Requests, settings: Settings, counters: Arc<Counters>) -> Self {
        Self {
            requests,
            discovery: Discovery::new(),
            state: Mutex::new(State {
                cache: Cache::new(settings.cache),
                flights: HashMap::new(),
            }),
            settings,
            counters,
        }
    }

    /// What is known of an object; where nothing is, a task in `tasks` asks for it, if it can start before the
    /// deadline. `version`: the resourceVersion of the object that the event knows, 0 for any.
    pub fn ask(
        self: &Arc<Self>,
        key: &str,
        version: u64,
        deadline: Instant,
        tasks: &Mutex<JoinSet<()>>,
    ) -> Slot {
        let mut state = self.locked();
        if let Some(answer) = state.cache.get(key, version, Instant::now()) {
            add(&self.counters.hits, 1);
            return Slot::Known(answer);
        }
        // Who holds events back wants to know how it is now.
        let stale = if self.settings.hold {
            None
        } else {
            state.cache.stale(key)
        };
        if let Some(landing) = state.flights.get(key) {
            add(&self.counters.misses, 1);
            let landing = landing.clone();
            return Slot::Waiting { landing, stale };
        }
        let target = Target::of_key(key);
        match self.discovery.known(target.api_version, target.kind) {
            Some(Err(answer)) => {
                add(&self.counters.hits, 1);
                return Slot::Known(answer);
            }
            Some(Ok(resource)) if resource.is_off() => {
                add(&self.counters.hits, 1);
                return Slot::Known(Answer::Refused);
            }
            _ => add(&self.counters.misses, 1),
        }
        let key: Arc<str> = key.into();
        let (sender, landing) = watch::channel(None);
        state.flights.insert(Arc::clone(&key), landing.clone());
        drop(state);
        let flight = Flight {
            lookups: Arc::clone(self),
            key,
            landing: sender,
        };
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(fly(flight, version, deadline));
        Slot::Waiting { landing, stale }
    }

    fn remember(&self, key: &Arc<str>, entry: Entry) {
        let mut state = self.locked();
        state.cache.put(Arc::clone(key), entry);
        let (entries, bytes) = (state.cache.len(), state.cache.bytes());
        self.counters.set_cache(entries, bytes);
    }

    /// Asks for an object. The second part is what to remember: how long, and up to which resourceVersion.
    async fn look_up(
        &self,
        target: Target<'_>,
        version: u64,
        deadline: Instant,
    ) -> (Answer, Option<(Duration, u64)>) {
        let Target {
            api_version, kind, ..
        } = target;
        let resource = self
            .discovery
            .resource(&self.requests, api_version, kind, deadline)
            .await;
        let resource = match resource {
            Ok(resource) => resource,
            Err(answer) => return (answer, None),
        };
        let request = resource
            .collection(target.namespace)
            .and_then(|collection| metadata::request(&collection, target.name));
        let Some(request) = request else {
            return (Answer::Refused, Some((GONE_LIFETIME, u64::MAX)));
        };
        let path = request.uri().path().to_owned();
        let wanted = || !resource.is_off();
        let reply = self.requests.get(request, deadline, wanted).await;
        self.judge(reply, target, version, &resource, &path)
    }

    fn judge(
        &self,
        reply: Reply,
        target: Target<'_>,
        version: u64,
        resource: &Resource,
        path: &str,
    ) -> (Answer, Option<(Duration, u64)>) {
        let useless = (Answer::Refused, Some((FAILURE_LIFETIME, u64::MAX)));
        match reply {
            Reply::Body(body) => match metadata::read(&body, target.uid, &self.settings) {
                Ok(read) => {
                    let lifetime = match read.answer {
                        Answer::Found(_) => FOUND_LIFETIME,
                        _ => GONE_LIFETIME,
                    };
                    (read.answer, Some((lifetime, read.version.max(version))))
                }
                Err(error) => {
                    let text = error.to_string();
                    self.requests.failed(Failure::Malformed, path, &text);
                    useless
                }
            },
            Reply::NotFound(body) if metadata::names_an_object(&body) => {
                // With a uid it is gone for good; without one, its successor may be what a later event is about.
                let version = if target.uid.is_empty() {
                    version
                } else {
                    u64::MAX
                };
                (Answer::Gone, Some((GONE_LIFETIME, version)))
            }
            Reply::NotFound(_) => {
                self.discovery.forget(target.api_version, target.kind);
                useless
            }
            Reply::Forbidden => {
                resource.switch_off();
                (Answer::Refused, None)
            }
            Reply::NotSent if resource.is_off() => (Answer::Refused, None),
            Reply::NotSent => (Answer::Failed, None),
            Reply::Useless => useless,
            // Whoever holds events back tries again by a clock of its own.
            Reply::Failed if self.settings.hold => (Answer::Failed, None),
            Reply::Failed => (Answer::Failed, Some((FAILURE_LIFETIME, u64::MAX))),
        }
    }

    /// Nothing is being looked up.
    #[cfg(test)]
    pub fn is_idle(&self) -> bool {
        self.locked().flights.is_empty()
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task of one lookup.
async fn fly(flight: Flight, version: u64, deadline: Instant) {
    let Flight {
        lookups,
        key,
        landing,
    } = &flight;
    let target = Target::of_key(key);
    let (answer, remember) = lookups.look_up(target, version, deadline).await;
    if let Some((lifetime, version)) = remember {
        let entry = Entry {
            answer: answer.clone(),
            until: Instant::now() + with_jitter(lifetime, key),
            version,
        };
        lookups.remember(key, entry);
    }
    landing.send_replace(Some(answer));
}
