//! The event at hand.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::raw::{change, event};
use crate::{Error, Result};

/// The event at hand. Every call asks the host: keep what is needed twice.
///
/// A field that the event lacks reads as `""` or 0. Pointers (RFC 6901) address the document as sinks
/// get it: the core/v1 form, without managedFields. Reads see the changes made earlier in the same call.
#[derive(Debug)]
pub struct Event {
    place: Option<Place>,
}

/// Where in a batch. The function travels along so that a filter's module never refers to
/// `batch.select`, which its world does not have.
#[derive(Clone, Copy, Debug)]
struct Place {
    index: u32,
    select: fn(u32),
}

impl Event {
    /// The one event of a filter's call.
    pub(crate) fn at_hand() -> Event {
        Event { place: None }
    }

    /// The event at an index of a sink's batch.
    pub(crate) fn in_batch(index: u32, select: fn(u32)) -> Event {
        Event {
            place: Some(Place { index, select }),
        }
    }

    fn select(&self) {
        if let Some(Place { index, select }) = self.place {
            select(index);
        }
    }

    /// Identity of this observation, the same after every restart: `<uid>/<resourceVersion>`.
    #[must_use]
    pub fn id(&self) -> String {
        self.select();
        event::id()
    }

    /// `Normal`, `Warning`, or what the reporter wrote.
    #[must_use]
    pub fn severity(&self) -> String {
        self.select();
        event::severity()
    }

    /// Why the event was made, one word: `BackOff`.
    #[must_use]
    pub fn reason(&self) -> String {
        self.select();
        event::reason()
    }

    /// The text for people.
    #[must_use]
    pub fn message(&self) -> String {
        self.select();
        event::message()
    }

    /// Namespace of the event.
    #[must_use]
    pub fn namespace(&self) -> String {
        self.select();
        event::namespace()
    }

    /// Kind of the object that the event is about.
    #[must_use]
    pub fn object_kind(&self) -> String {
        self.select();
        event::object_kind()
    }

    /// Name of the object that the event is about.
    #[must_use]
    pub fn object_name(&self) -> String {
        self.select();
        event::object_name()
    }

    /// Reporting component.
    #[must_use]
    pub fn component(&self) -> String {
        self.select();
        event::component()
    }

    /// Node or instance that reported it.
    #[must_use]
    pub fn node(&self) -> String {
        self.select();
        event::node()
    }

    /// How often it has been seen, 1 where it does not say.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.select();
        event::count()
    }

    /// When it was last seen, milliseconds since the Unix epoch.
    #[must_use]
    pub fn timestamp(&self) -> u64 {
        self.select();
        event::timestamp()
    }

    /// The string at a pointer, without quotes; none where there is no string.
    #[must_use]
    pub fn text(&self, pointer: &str) -> Option<String> {
        self.select();
        event::text(pointer)
    }

    /// The JSON text at a pointer; `""` is the whole event. None where there is nothing.
    #[must_use]
    pub fn json(&self, pointer: &str) -> Option<String> {
        self.select();
        event::json(pointer)
    }

    /// The value at a pointer, read by serde. None where there is nothing.
    ///
    /// # Errors
    /// What is there is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, pointer: &str) -> Result<Option<T>> {
        let Some(json) = self.json(pointer) else {
            return Ok(None);
        };
        serde_json::from_str(&json)
            .map(Some)
            .map_err(|error| at(pointer, &error))
    }

    /// Puts a value at a pointer, creating objects on the way; `-` appends to an array.
    ///
    /// # Errors
    /// serde cannot write the value, or something on the way is no object or array.
    pub fn set<T: Serialize + ?Sized>(&mut self, pointer: &str, value: &T) -> Result {
        let json = serde_json::to_string(value).map_err(|error| at(pointer, &error))?;
        self.set_json(pointer, &json)
    }

    /// Puts a JSON text at a pointer, as [`Event::set`] does.
    ///
    /// # Errors
    /// The text is not JSON, or something on the way is no object or array.
    pub fn set_json(&mut self, pointer: &str, json: &str) -> Result {
        change::set(pointer, json).map_err(Error::from)
    }

    /// Removes what is at a pointer, if anything.
    pub fn remove(&mut self, pointer: &str) {
        change::remove(pointer);
    }

    /// Adds an event behind this one; it goes on after this filter, also when this one is dropped.
    ///
    /// # Errors
    /// serde cannot write the value, it is not an event, or there are too many.
    pub fn emit<T: Serialize + ?Sized>(&mut self, event: &T) -> Result {
        let json = serde_json::to_string(event)?;
        self.emit_json(&json)
    }

    /// Adds an event from its JSON text, as [`Event::emit`] does.
    ///
    /// # Errors
    /// The text is not an event, or there are too many.
    pub fn emit_json(&mut self, json: &str) -> Result {
        change::emit(json).map_err(Error::from)
    }
}

fn at(pointer: &str, error: &serde_json::Error) -> Error {
    format!("{pointer}: {error}").into()
}
