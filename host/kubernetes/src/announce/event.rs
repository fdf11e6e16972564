//! An Event object of events.k8s.io/v1, within the limits that the API server sets. No input or output.

use jiff::Timestamp;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use serde_json::{Value, json};

use super::queue::Waiting;
use super::{Kind, OwnPod};

/// Who reports, in all events of every weir.
pub const REPORTING_CONTROLLER: &str = "weir.dev/weir";
/// The most that a note may have. A longer one ends with "…".
pub const NOTE_BYTES_MAX: usize = 1024;
/// The longest name of an object.
const NAME_BYTES_MAX: usize = 253;
/// The longest name of who reports; a pod's may be longer.
const INSTANCE_BYTES_MAX: usize = 128;
/// A dot and 64 bits in hexadecimal.
const SUFFIX_BYTES_MAX: usize = 17;

/// Gives each object a name of its own.
#[derive(Default)]
pub(super) struct Names {
    last: u64,
}

impl Names {
    /// `<pod>.<nanoseconds since 1970>`, as client-go names its events, but never twice.
    pub(super) fn next(&mut self, pod: &str, now: Timestamp) -> String {
        let now = u64::try_from(now.as_nanosecond()).unwrap_or_default();
        self.last = now.max(self.last.saturating_add(1));
        // What is before the dot must not end with one, or with a hyphen.
        let room = NAME_BYTES_MAX - SUFFIX_BYTES_MAX;
        let pod = beginning(pod, room).trim_end_matches(['.', '-']);
        format!("{pod}.{:x}", self.last)
    }
}

/// What is created.
pub(super) fn event(pod: &OwnPod, name: &str, waiting: &Waiting) -> Event {
    let announcement = &waiting.announcement;
    let kind = match announcement.kind {
        Kind::Normal => "Normal",
        Kind::Warning => "Warning",
    };
    Event {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(pod.namespace().to_owned()),
            ..ObjectMeta::default()
        },
        event_time: Some(MicroTime(waiting.first)),
        // A series begins with the second.
        series: (waiting.times > 1).then_some(EventSeries {
            count: waiting.times,
            last_observed_time: MicroTime(waiting.last),
        }),
        reporting_controller: Some(REPORTING_CONTROLLER.to_owned()),
        reporting_instance: Some(beginning(pod.name(), INSTANCE_BYTES_MAX).to_owned()),
        regarding: Some(pod.reference()),
        action: Some(announcement.action.to_owned()),
        reason: Some(announcement.reason.to_owned()),
        note: Some(announcement.note.clone()),
        type_: Some(kind.to_owned()),
        ..Event::default()
    }
}

/// The one part of an event that may change.
pub(super) fn series(count: i32, last: Timestamp) -> Value {
    json!({"series": EventSeries { count, last_observed_time: MicroTime(last) }})
}

/// Cuts a note that is too long, and shows that it is cut.
pub(super) fn cut(note: &mut String) {
    const CUT: &str = "…";
    if note.len() > NOTE_BYTES_MAX {
        note.truncate(note.floor_char_boundary(NOTE_BYTES_MAX - CUT.len()));
        note.push_str(CUT);
    }
}

fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_also_within_one_nanosecond_and_when_the_clock_goes_back() {
        let mut names = Names::default();
        let now = Timestamp::from_nanosecond(0x18a5_0000_0000_0000).unwrap();
        assert_eq!(names.next("weir-7d", now), "weir-7d.18a5000000000000");
        assert_eq!(names.next("weir-7d", now), "weir-7d.18a5000000000001");
        assert_eq!(
            names.next("weir-7d", Timestamp::UNIX_EPOCH),
            "weir-7d.18a5000000000002"
        );
    }

    #[test]
    fn a_long_pod_s_name_leaves_room_for_the_number() {
        let pod = format!("{}-.{}", "a".repeat(234), "b".repeat(17));
        let name = Names::default().next(&pod, Timestamp::now());
        assert!(
            name.starts_with(&format!("{}.1", "a".repeat(234))),
            "{name}"
        );
        assert!(name.len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn a_long_note_is_cut_at_a_character() {
        for (note, expected) in [
            ("x".repeat(1024), "x".repeat(1024)),
            ("x".repeat(1025), format!("{}…", "x".repeat(1021))),
            ("ä".repeat(600), format!("{}…", "ä".repeat(510))),
        ] {
            let mut found = note;
            cut(&mut found);
            assert_eq!(found, expected);
            assert!(found.len() <= NOTE_BYTES_MAX);
        }
    }
}
