//! The receivers that there are now: their names and slots, for who goes by names (kept positions, dead letters, metrics).

use std::sync::{Arc, PoisonError, RwLock};

/// Names and slots, in the order of the configuration.
pub type Names = Arc<[(String, usize)]>;

/// The receivers that there are now; replaced as a whole.
#[derive(Debug, Default)]
pub struct Receivers(RwLock<Names>);

impl Receivers {
    /// These.
    pub fn new(names: impl IntoIterator<Item = (String, usize)>) -> Receivers {
        Receivers(RwLock::new(names.into_iter().collect()))
    }

    /// Those of this moment.
    pub fn now(&self) -> Names {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on there are these. A new one is named before it is added to `Progress`, so that its kept position is
    /// found when a watch begins. One that was removed is named until it has settled everything, so that its position is kept
    /// so long, and not any more when it is retired there.
    pub fn replace(&self, names: impl IntoIterator<Item = (String, usize)>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = names.into_iter().collect();
    }

    /// The slot of the receiver with this name.
    pub fn slot(&self, name: &str) -> Option<usize> {
        let now = self.now();
        now.iter().find(|(of, _)| of == name).map(|(_, slot)| *slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_replaced_as_a_whole() {
        let receivers = Receivers::new([("dump".to_owned(), 0), ("search".to_owned(), 1)]);
        let before = receivers.now();
        receivers.replace([("search".to_owned(), 1), ("chat".to_owned(), 2)]);
        assert_eq!(
            ["dump", "search", "chat"].map(|name| receivers.slot(name)),
            [None, Some(1), Some(2)]
        );
        assert_eq!(before.len(), 2, "who looked before goes on with that");
    }
}
