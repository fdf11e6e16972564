//! Writing what was looked up into a document, in one pass.

use std::ops::Range;

use weir_event::{EventRef, Fields};

use super::cache::Answer;

/// What a document gets.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Additions<'a> {
    /// Of the involved object.
    pub object: Option<&'a Answer>,
    /// A JSON object; "" for none.
    pub namespace_labels: &'a str,
    /// A JSON object; "" for none.
    pub node_labels: &'a str,
}

/// Writes the event's document with the additions into `out`; the answer is where its fields stand. `None`: nothing
/// is to be added, and `out` is as it was. None of the members may be there yet, but `deleted` may.
pub(super) fn splice(
    event: EventRef<'_>,
    additions: Additions<'_>,
    out: &mut String,
) -> Option<Fields> {
    let (members, deleted) = match additions.object {
        Some(Answer::Found(found)) => (found.members(), found.deleted),
        Some(Answer::Gone) => ("", true),
        _ => ("", false),
    };
    let in_object = !members.is_empty() || deleted;
    let labels = [
        (",\"namespaceLabels\":", additions.namespace_labels),
        (",\"nodeLabels\":", additions.node_labels),
    ];
    if !in_object && labels.iter().all(|(_, labels)| labels.is_empty()) {
        return None;
    }
    let document = event.document();
    let end = document.len().checked_sub(1)?;
    out.clear();
    let mut splicer = Splicer {
        document,
        fields: *event.fields(),
        copied: 0,
        out,
    };
    if in_object {
        splicer.change_object(event, members, deleted);
    }
    for (name, labels) in labels {
        if !labels.is_empty() {
            splicer.replace(end..end, &[name, labels]);
        }
    }
    Some(splicer.finish())
}

/// Copies a document, and other text in place of pieces of it, which must come in their order.
struct Splicer<'a> {
    document: &'a str,
    /// Of the document as it will be with the pieces that are replaced already.
    fields: Fields,
    copied: usize,
    out: &'a mut String,
}

impl Splicer<'_> {
    fn change_object(&mut self, event: EventRef<'_>, members: &str, deleted: bool) {
        let object = event.json("/involvedObject").unwrap_or("{}");
        let Some(close) = self.end_of(object).checked_sub(1) else {
            return;
        };
        let mut comma = if object.len() > 2 { "," } else { "" };
        if deleted {
            if let Some(value) = event.json("/involvedObject/deleted") {
                let end = self.end_of(value);
                self.replace(end - value.len()..end, &["true"]);
            } else {
                self.replace(close..close, &[comma, "\"deleted\":true"]);
                comma = ",";
            }
        }
        if !members.is_empty() {
            self.replace(close..close, &[comma, members]);
        }
    }

    fn replace(&mut self, range: Range<usize>, pieces: &[&str]) {
        self.out.push_str(&self.document[self.copied..range.start]);
        let start = self.out.len();
        for piece in pieces {
            self.out.push_str(piece);
        }
        let bytes = self.out.len() - start;
        self.fields = self.fields.after_splice(start..start + range.len(), bytes);
        self.copied = range.end;
    }

    fn finish(self) -> Fields {
        self.out.push_str(&self.document[self.copied..]);
        self.fields
    }

    /// The position behind a part of the document.
    fn end_of(&self, part: &str) -> usize {
        part.as_ptr().addr() - self.document.as_ptr().addr() + part.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::cache::Found;
    use super::*;

    fn found(members: &str, deleted: bool) -> Answer {
        Answer::Found(Arc::new(Found {
            text: members.into(),
            members_bytes: members.len(),
            labels: 0..0,
            deleted,
        }))
    }

    fn check(object: &str, answer: Option<Answer>, labels: [&str; 2], expected: Option<&str>) {
        let document = format!(r#"{{"metadata":{{}},"involvedObject":{object},"type":"Normal"}}"#);
        let fields = Fields::scan(&document).expect("a document");
        let event = EventRef::new(&document, &fields);
        let additions = Additions {
            object: answer.as_ref(),
            namespace_labels: labels[0],
            node_labels: labels[1],
        };
        let mut out = String::from("old");
        let spliced = splice(event, additions, &mut out);
        assert_eq!(spliced.is_some(), expected.is_some());
        if let Some(expected) = expected {
            assert_eq!(
                out,
                format!(r#"{{"metadata":{{}},"involvedObject":{expected}}}"#)
            );
            assert_eq!(spliced, Some(Fields::scan(&out).expect("a document")));
        }
    }

    #[test]
    fn members_go_behind_the_objects_own() {
        let labels = r#""labels":{"a":"b"}"#;
        check(
            r#"{"deleted":false}"#,
            Some(found(labels, false)),
            ["", ""],
            Some(r#"{"deleted":false,"labels":{"a":"b"}},"type":"Normal""#),
        );
        check(
            r#"{"deleted":false,"kind":"Pod"}"#,
            Some(found(labels, true)),
            ["", ""],
            Some(r#"{"deleted":true,"kind":"Pod","labels":{"a":"b"}},"type":"Normal""#),
        );
        check(
            "{}",
            Some(found(labels, true)),
            ["", ""],
            Some(r#"{"deleted":true,"labels":{"a":"b"}},"type":"Normal""#),
        );
        check(
            "{}",
            Some(found(labels, false)),
            ["", ""],
            Some(r#"{"labels":{"a":"b"}},"type":"Normal""#),
        );
        check(
            r#"{"kind":"Pod"}"#,
            Some(Answer::Gone),
            ["", ""],
            Some(r#"{"kind":"Pod","deleted":true},"type":"Normal""#),
        );
    }

    #[test]
    fn labels_go_to_the_end_of_the_document() {
        check(
            "{}",
            None,
            [r#"{"a":"b"}"#, r#"{"c":"d"}"#],
            Some(r#"{},"type":"Normal","namespaceLabels":{"a":"b"},"nodeLabels":{"c":"d"}"#),
        );
        check(
            r#"{"deleted":false}"#,
            Some(Answer::Gone),
            ["", r#"{"c":"d"}"#],
            Some(r#"{"deleted":true},"type":"Normal","nodeLabels":{"c":"d"}"#),
        );
    }

    #[test]
    fn nothing_to_add_is_no_change() {
        check("{}", None, ["", ""], None);
        check("{}", Some(found("", false)), ["", ""], None);
        for answer in [Answer::Failed, Answer::Refused] {
            check("{}", Some(answer), ["", ""], None);
        }
    }
}
