//! A watch: the lines that it owes, in order, from a cursor in the store's log. It keeps no queue of its own, so that
//! compaction behind an open watch costs it nothing, as with the real server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::event;
use super::fault::What;
use super::form::Form;
use super::json;
use super::kinds::Kind;
use super::list::prefix;
use super::query::ListOptions;
use super::selector::Selector;
use super::state::{Shared, State};
use super::status::Status;
use super::store::{Action, Change, Step, Store};
use crate::wire::pipe::Feed;

/// What a watch was asked for, checked.
pub(super) struct Watch {
    pub kind: Kind,
    pub namespace: String,
    pub options: ListOptions,
    pub selector: Selector,
    pub form: Form,
    /// What goes wrong with it.
    pub fault: Option<What>,
}

/// A watch that was begun: its first lines, and where it goes on.
pub(super) struct Begun {
    lines: VecDeque<String>,
    /// None where the first lines are all.
    cursor: Option<Cursor>,
    /// How often all watches had been cut, and ended.
    cut: u64,
    ended: u64,
    /// How often what hangs had been released.
    released: u64,
}

/// Where a watch is in the log.
struct Cursor {
    /// The next step.
    at: usize,
    /// Changes up to this revision are none of its business.
    after: u64,
    /// Bookmarks before this step were not for it.
    bookmarks_from: usize,
}

/// How the stream goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    /// Nothing more until this many releases.
    StalledUntil(u64),
    Over,
}

impl Begun {
    fn new(state: &State, lines: Vec<String>, at: usize, after: u64) -> Begun {
        Begun {
            lines: lines.into(),
            cursor: Some(Cursor {
                at,
                after,
                bookmarks_from: state.store.log().len(),
            }),
            cut: state.watches_cut,
            ended: state.watches_ended,
            released: state.released,
        }
    }

    /// A stream that is an ERROR line and nothing else.
    pub(super) fn refused(state: &State, status: &Status) -> Begun {
        let mut begun = Begun::new(state, vec![error_line(status)], 0, 0);
        begun.cursor = None;
        begun
    }
}

impl Watch {
    /// The first lines and where to go on, or a refusal: of a resourceVersion that is expired, or none.
    pub(super) fn begin(&self, state: &State) -> Result<Begun, Status> {
        let store = &state.store;
        let text = self.options.resource_version.as_str();
        let after: u64 = match text {
            "" => 0,
            text => text.parse().map_err(|_| Status::bad_watch_version(text))?,
        };
        let now = store.log().len();
        if self.options.send_initial_events {
            let current = store.revision();
            if after > current {
                return Err(Status::too_large_version_to_watch(after, current));
            }
            return Ok(Begun::new(state, self.initial(store), now, 0));
        }
        if after == 0 {
            return Ok(Begun::new(state, Vec::new(), now, 0));
        }
        // The first revision that is needed is the one behind.
        if after + 1 < store.compacted() {
            return Err(match state.options.watch_cache {
                Some(_) => Status::older_than_cache(after, store.compacted()),
                None => Status::expired_watch(),
            });
        }
        let at = store.log().partition_point(|step| match step {
            Step::Change(Change { revision, .. }) | Step::Bookmark(revision) => *revision <= after,
        });
        Ok(Begun::new(state, Vec::new(), at, after))
    }

    /// All that is there, in key order, and the bookmark that ends it.
    fn initial(&self, store: &Store) -> Vec<String> {
        let (table, prefix) = (self.kind.table(), prefix(&self.namespace));
        let states = store.at(&table, &prefix, "", store.revision());
        let selected = states.filter(|(_, object)| self.selector.selects(object));
        let mut lines: Vec<String> = selected
            .map(|(_, object)| self.line(Action::Added.name(), object))
            .collect();
        if self.options.bookmarks {
            let end = json!({"k8s.io/initial-events-end": "true"});
            lines.push(self.bookmark(store.revision(), Some(end)));
        }
        lines
    }

    /// Moves the cursor to the end of the log; gives the lines on the way.
    fn go_on(&self, log: &[Step], cursor: &mut Cursor) -> Vec<String> {
        let mut lines = Vec::new();
        // A restored backup makes the log shorter; then this watch is cut anyway.
        for (at, step) in log.iter().enumerate().skip(cursor.at) {
            lines.extend(match step {
                Step::Change(change) if change.revision > cursor.after => self.change(change),
                Step::Bookmark(revision)
                    if at >= cursor.bookmarks_from && self.options.bookmarks =>
                {
                    Some(self.bookmark(*revision, None))
                }
                _ => None,
            });
        }
        cursor.at = log.len();
        lines
    }

    /// A change that moves an object into or out of the selection is an ADDED or a DELETED here.
    fn change(&self, change: &Change) -> Option<String> {
        let prefix = prefix(&self.namespace);
        if *change.table != *self.kind.table() || !change.path.starts_with(&prefix) {
            return None;
        }
        let is = change.action != Action::Deleted && self.selector.selects(&change.object);
        let was = change.previous.as_deref();
        let was = was.filter(|previous| self.selector.selects(previous));
        match (was, is) {
            (None, true) => Some(self.line("ADDED", &change.object)),
            (Some(_), true) => Some(self.line("MODIFIED", &change.object)),
            (Some(previous), false) => {
                let mut last = previous.clone();
                last["metadata"]["resourceVersion"] = change.revision.to_string().into();
                Some(self.line("DELETED", &last))
            }
            (None, false) => None,
        }
    }

    fn line(&self, action: &str, object: &Value) -> String {
        let object = self.form.object(&self.kind, object);
        json::line(&json!({"type": action, "object": object}))
    }

    fn bookmark(&self, revision: u64, annotations: Option<Value>) -> String {
        let mut object = json!({"metadata": {"resourceVersion": revision.to_string()}});
        if let Some(annotations) = annotations {
            object["metadata"]["annotations"] = annotations;
        }
        if self.kind.is_event() {
            object = event::stored(&object);
        } else if self.form == Form::Whole {
            object["spec"] = json!({});
            object["status"] = json!({});
        }
        self.line("BOOKMARK", &object)
    }
}

/// A watch that is open; it is counted from before its headers until its end.
pub(super) struct Open {
    shared: Arc<Shared>,
    number: u64,
}

impl Open {
    pub(super) fn new(shared: &Arc<Shared>, state: &mut State) -> Open {
        state.watches_opened += 1;
        state.watches.push(state.watches_opened);
        Open {
            shared: shared.clone(),
            number: state.watches_opened,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let number = self.number;
        self.shared
            .change(|state| state.watches.retain(|open| *open != number));
    }
}

/// Feeds a stream from its first line to its end.
pub(super) async fn run(watch: Watch, begun: Begun, feed: Feed, open: Open) {
    let timeout = watch.options.timeout_s;
    let feeding = async {
        let mut stream = Stream {
            watch,
            feed: &feed,
            lines: 0,
        };
        stream.feed_all(&open.shared, begun).await;
    };
    let time_is_up = async {
        match timeout {
            Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = feeding => {}
        () = feed.closed() => {}
        () = time_is_up => {}
    }
}

/// A stream that is being fed.
struct Stream<'a> {
    watch: Watch,
    feed: &'a Feed,
    /// How many lines went into it.
    lines: u64,
}

impl Stream<'_> {
    async fn feed_all(&mut self, shared: &Shared, begun: Begun) {
        let mut version = shared.subscribe();
        // What came since it was begun is looked for before the first wait.
        version.mark_changed();
        let (mut lines, mut cursor) = (begun.lines, begun.cursor);
        let mut released = begun.released;
        let mut flow = self.before_line(released);
        loop {
            while flow == Flow::On
                && let Some(line) = lines.pop_front()
            {
                flow = self.feed_line(&line, released);
            }
            let Some(cursor) = cursor.as_mut().filter(|_| flow != Flow::Over) else {
                return;
            };
            if version.changed().await.is_err() {
                return;
            }
            let go_on = shared.look(|state| {
                if state.watches_cut > begun.cut {
                    self.feed.break_off();
                    return false;
                }
                if state.watches_ended > begun.ended || self.is_too_slow(state) {
                    return false;
                }
                released = state.released;
                lines.extend(self.watch.go_on(state.store.log(), cursor));
                true
            });
            if !go_on {
                return;
            }
            if let Flow::StalledUntil(releases) = flow
                && released >= releases
            {
                flow = Flow::On;
            }
        }
    }

    /// A watch cache gives up on a reader that lets so many lines wait.
    fn is_too_slow(&self, state: &State) -> bool {
        let lines_max = state.options.watch_cache;
        lines_max.is_some_and(|lines_max| self.feed.waiting() > lines_max)
    }

    /// One line, with what goes wrong before and behind it.
    fn feed_line(&mut self, line: &str, released: u64) -> Flow {
        if self.watch.fault == Some(What::CutInsideLine(self.lines)) {
            self.feed.bytes(line[..half(line)].to_owned());
            self.feed.break_off();
            return Flow::Over;
        }
        self.feed.bytes(line.to_owned());
        self.lines += 1;
        self.before_line(released)
    }

    /// What goes wrong before the next line.
    fn before_line(&mut self, released: u64) -> Flow {
        let so_far = self.lines;
        let stalled = Flow::StalledUntil(released + 1);
        match &self.watch.fault {
            Some(What::CutAfterLines(lines)) if *lines == so_far => {
                self.feed.break_off();
                Flow::Over
            }
            Some(What::CleanEndAfterLines(lines)) if *lines == so_far => Flow::Over,
            Some(What::StallAfterLines(lines)) if *lines == so_far => stalled,
            Some(What::FreezeAfterLines(lines)) if *lines == so_far => {
                self.feed.freeze();
                stalled
            }
            Some(What::GarbageLine { after_lines, text }) if *after_lines == so_far => {
                self.feed.bytes(format!("{text}\n"));
                Flow::On
            }
            Some(What::Error {
                after_lines,
                code,
                reason,
                message,
            }) if *after_lines == so_far => {
                let status = Status::new(*code, reason, message.clone());
                self.feed.bytes(error_line(&status));
                Flow::Over
            }
            _ => Flow::On,
        }
    }
}

fn error_line(status: &Status) -> String {
    json::line(&json!({"type": "ERROR", "object": status.body()}))
}

/// The middle of a line, between two characters.
fn half(line: &str) -> usize {
    let mut at = line.len() / 2;
    while !line.is_char_boundary(at) {
        at -= 1;
    }
    at
}
