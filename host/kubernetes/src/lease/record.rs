//! A Lease object as it is in the API server. No input or output.
//!
//! The object is kept as it came, and only what weir owns in it is changed: labels, other annotations and fields
//! of newer versions stay.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

/// Where the position is.
pub const POSITION_ANNOTATION: &str = "weir.dev/position";
/// What all annotations of an object may have together, keys and values, as the API server counts.
pub const ANNOTATIONS_BYTES_MAX: usize = 256 << 10;
/// The longest time a record may ask others to wait; a larger number in it is a mistake or an attack.
const DURATION_MOST: Duration = Duration::from_secs(3600);

/// The least that a time in a record can differ by.
const MICROSECOND: SignedDuration = SignedDuration::from_micros(1);

/// One Lease.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record(Value);

/// The position does not fit into the annotations.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the position has {bytes} bytes with the lease's other annotations, more than the {ANNOTATIONS_BYTES_MAX} that \
     the API server takes: use a checkpoint.file or fewer receivers and namespaces"
)]
pub(crate) struct TooLarge {
    bytes: usize,
}

impl Record {
    /// One that does not exist yet, held by nobody.
    pub(crate) fn new(namespace: &str, name: &str) -> Self {
        Self(json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {},
        }))
    }

    /// Reads an answer of the API server.
    ///
    /// # Errors
    ///
    /// Says what is not as in a Lease.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if value["kind"] != "Lease" {
            return Err(format!("expected a Lease, found kind {}", value["kind"]));
        }
        if !value["metadata"]["resourceVersion"].is_string() {
            return Err("a Lease without metadata.resourceVersion".to_owned());
        }
        let absent_or_object = |value: &Value| value.is_null() || value.is_object();
        if !absent_or_object(&value["spec"]) || !absent_or_object(&value["metadata"]["annotations"])
        {
            return Err("a Lease whose spec or annotations are no object".to_owned());
        }
        Ok(Self(value))
    }

    /// As it is sent.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }

    /// Changes with each write. "" for a new one.
    pub(crate) fn version(&self) -> &str {
        self.0["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default()
    }

    /// Who holds it; `None` if nobody does.
    pub(crate) fn holder(&self) -> Option<&str> {
        self.0["spec"]["holderIdentity"]
            .as_str()
            .filter(|holder| !holder.is_empty())
    }

    /// How long others wait after the last change; `otherwise` if it does not say.
    pub(crate) fn duration(&self, otherwise: Duration) -> Duration {
        match self.0["spec"]["leaseDurationSeconds"].as_u64() {
            None | Some(0) => otherwise,
            Some(seconds) => Duration::from_secs(seconds).min(DURATION_MOST),
        }
    }

    /// How often the holder changed.
    pub(crate) fn transitions(&self) -> i64 {
        self.0["spec"]["leaseTransitions"]
            .as_i64()
            .unwrap_or_default()
    }

    /// The annotation with the position.
    pub(crate) fn position(&self) -> Option<&str> {
        self.0["metadata"]["annotations"][POSITION_ANNOTATION].as_str()
    }

    /// `holder` holds it from `now` on. The record always changes, also where the clock stands still: others must
    /// see each renewal, and a write that changes nothing gets no new resourceVersion.
    pub(crate) fn take(&mut self, holder: &str, duration: Duration, now: Timestamp) {
        if self.holder() != Some(holder) {
            // A new object has no holder before; a released one had one.
            let transitions = match self.version() {
                "" => 0,
                _ => self
                    .transitions()
                    .saturating_add(1)
                    .min(i64::from(i32::MAX)),
            };
            let spec = self.spec();
            spec.insert("leaseTransitions".to_owned(), json!(transitions));
            spec.insert("acquireTime".to_owned(), micro_time(now));
        }
        let spec = self.spec();
        spec.insert("holderIdentity".to_owned(), json!(holder));
        spec.insert("leaseDurationSeconds".to_owned(), seconds(duration));
        let time = match micro_time(now) {
            time if spec.get("renewTime") == Some(&time) => micro_time(now + MICROSECOND),
            time => time,
        };
        spec.insert("renewTime".to_owned(), time);
    }

    /// Nobody holds it from `now` on; who looks next may take it at once.
    pub(crate) fn release(&mut self, now: Timestamp) {
        let spec = self.spec();
        spec.insert("holderIdentity".to_owned(), json!(""));
        // 0 is not valid.
        spec.insert("leaseDurationSeconds".to_owned(), json!(1));
        spec.insert("renewTime".to_owned(), micro_time(now));
    }

    /// Puts the position into the annotation.
    ///
    /// # Errors
    ///
    /// It does not fit; then nothing is changed.
    pub(crate) fn set_position(&mut self, position: &str) -> Result<(), TooLarge> {
        let annotations = object(&mut self.0["metadata"], "annotations");
        let others: usize = annotations
            .iter()
            .filter(|(key, _)| *key != POSITION_ANNOTATION)
            .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
            .sum();
        let bytes = others + POSITION_ANNOTATION.len() + position.len();
        if bytes > ANNOTATIONS_BYTES_MAX {
            return Err(TooLarge { bytes });
        }
        annotations.insert(POSITION_ANNOTATION.to_owned(), json!(position));
        Ok(())
    }

    fn spec(&mut self) -> &mut Map<String, Value> {
        object(&mut self.0, "spec")
    }
}

/// The object under `key`, made if it is not there.
fn object<'a>(parent: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let value = &mut parent[key];
    if !value.is_object() {
        *value = json!({});
    }
    value.as_object_mut().expect("it was made one just now")
}

/// client-go reads exactly six digits.
fn micro_time(time: Timestamp) -> Value {
    json!(format!("{time:.6}"))
}

fn seconds(duration: Duration) -> Value {
    json!(duration.as_secs().clamp(1, DURATION_MOST.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(15);

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stored() -> Record {
        let text = json!({
            "kind": "Lease",
            "metadata": {"name": "weir", "resourceVersion": "7", "labels": {"a": "b"}, "annotations": {"c": "d"}},
            "spec": {"holderIdentity": "other", "leaseDurationSeconds": 40, "leaseTransitions": 3, "strategy": "x"},
        });
        Record::parse(text.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_new_one_is_taken_without_a_transition() {
        let mut record = Record::new("monitoring", "weir");
        assert_eq!(record.holder(), None);
        record.take("me", DURATION, at("2026-11-23T14:52:36.5Z"));
        assert_eq!(
            record.0,
            json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": "weir", "namespace": "monitoring"},
                "spec": {
                    "leaseTransitions": 0,
                    "acquireTime": "2026-11-23T14:52:36.500000Z",
                    "holderIdentity": "me",
                    "leaseDurationSeconds": 15,
                    "renewTime": "2026-11-23T14:52:36.500000Z",
                },
            })
        );
    }

    #[test]
    fn taking_keeps_what_is_not_ours() {
        let mut record = stored();
        assert_eq!(record.duration(DURATION), Duration::from_secs(40));
        record.take("me", DURATION, at("2026-11-23T14:52:36Z"));
        record.set_position("p").unwrap();
        assert_eq!(record.holder(), Some("me"));
        assert_eq!(record.transitions(), 4);
        assert_eq!(record.position(), Some("p"));
        assert_eq!(record.0["metadata"]["labels"]["a"], "b");
        assert_eq!(record.0["metadata"]["annotations"]["c"], "d");
        assert_eq!(record.0["spec"]["strategy"], "x");
        assert_eq!(record.version(), "7");
    }

    #[test]
    fn renewing_keeps_transitions_and_the_time_of_taking() {
        let mut record = stored();
        record.take("me", DURATION, at("2026-11-23T14:52:36Z"));
        record.take("me", DURATION, at("2026-11-23T14:52:38Z"));
        assert_eq!(record.transitions(), 4);
        assert_eq!(
            record.0["spec"]["acquireTime"],
            "2026-11-23T14:52:36.000000Z"
        );
        assert_eq!(record.0["spec"]["renewTime"], "2026-11-23T14:52:38.000000Z");
    }

    #[test]
    fn each_renewal_is_a_change_even_if_the_clock_stands_still() {
        let mut record = stored();
        let now = at("2026-11-23T14:52:36Z");
        for _ in 0..3 {
            let before = record.clone();
            record.take("me", DURATION, now);
            assert_ne!(record, before);
        }
    }

    #[test]
    fn releasing_leaves_nobody_and_the_position() {
        let mut record = stored();
        record.set_position("p").unwrap();
        record.release(at("2026-11-23T14:52:36Z"));
        assert_eq!(record.holder(), None);
        assert_eq!(record.duration(DURATION), Duration::from_secs(1));
        assert_eq!(record.position(), Some("p"));
    }

    #[test]
    fn a_position_that_does_not_fit_is_refused_and_the_old_one_kept() {
        let mut record = stored();
        record.set_position("old").unwrap();
        let room = ANNOTATIONS_BYTES_MAX - POSITION_ANNOTATION.len() - 2;
        let error = record.set_position(&"x".repeat(room + 1)).unwrap_err();
        assert_eq!(error.bytes, ANNOTATIONS_BYTES_MAX + 1);
        assert_eq!(record.position(), Some("old"));
        record.set_position(&"x".repeat(room)).unwrap();
    }

    #[test]
    fn what_is_no_lease_is_not_read() {
        for (text, error) in [
            ("{", "EOF"),
            (
                r#"{"kind":"Status"}"#,
                "expected a Lease, found kind \"Status\"",
            ),
            (r#"{"kind":"Lease","metadata":{}}"#, "resourceVersion"),
            (
                r#"{"kind":"Lease","metadata":{"resourceVersion":"1"},"spec":[]}"#,
                "no object",
            ),
        ] {
            let found = Record::parse(text.as_bytes()).unwrap_err();
            assert!(found.contains(error), "{found}");
        }
    }

    #[test]
    fn strange_durations_do_not_block_for_ever() {
        for (value, expected) in [
            (json!(null), DURATION),
            (json!(0), DURATION),
            (json!(-5), DURATION),
            (json!(i32::MAX), DURATION_MOST),
        ] {
            let mut record = stored();
            record
                .spec()
                .insert("leaseDurationSeconds".to_owned(), value);
            assert_eq!(record.duration(DURATION), expected);
        }
    }
}
