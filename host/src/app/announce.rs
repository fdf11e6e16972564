//! What people should know and may not find in a log: said as an event about weir's own pod, where there is one.

use weir_kubernetes::announce::{Announcement, Announcements, Kind};

/// What was being done, in the words of events.k8s.io.
const ACTION: &str = "Reload";

/// Where things are said.
#[derive(Clone, Default)]
pub(super) struct Announce(pub(super) Announcements);

impl Announce {
    /// Says it, for the record; the reason is one word in camel case.
    pub(super) fn record(&self, reason: &'static str, note: String) {
        self.say(Kind::Normal, reason, note);
    }

    /// Says that somebody has to do something.
    pub(super) fn warn(&self, reason: &'static str, note: String) {
        self.say(Kind::Warning, reason, note);
    }

    fn say(&self, kind: Kind, reason: &'static str, note: String) {
        self.0.announce(Announcement {
            kind,
            reason,
            action: ACTION,
            note,
        });
    }
}
