//! Sending requests, and what becomes of the entries that Loki does not take.
//!
//! - 2xx: all are stored.
//! - 400 about entries: the refused ones are told from the others, which Loki has stored (`refused`). A time that is
//!   refused becomes the present one, structured metadata that is refused is left away, a line that is too long is
//!   rejected. Only where that cannot be told is a request sent again, in parts: Loki stores an entry with the same
//!   time, line and metadata once.
//! - 413 and the like: the request is halved.
//! - Anything else comes again later. It stops what goes with the same headers (one tenant), not the others.
//!
//! Not `sink_http::deliver`, which knows pieces as accepted or not at all: here a part of one may be.

use std::time::Duration;

use weir_plugin::http::{Request, Response};
use weir_plugin::sink_http::{Answer, excerpt};
use weir_plugin::{Batch, Outcome, Result, host};

use crate::push::{self, Headers, Push, Stream};
use crate::refused::{self, AgainstLabels, Refusal};
use crate::{OutOfOrder, Ready, time};

/// What is left after so many requests in a call comes again.
const REQUESTS_MOST: u32 = 256;
const LINE_TOO_LONG: &str = "shorten the document by a `layout`, or raise max_line_size in Loki's limits_config (or set max_line_size_truncate)";

/// One call of `deliver`.
pub(crate) struct Delivery<'a> {
    ready: &'a mut Ready,
    batch: &'a Batch,
    /// The next one last.
    waiting: Vec<Push>,
    requests: u32,
    /// Headers that nothing more goes with in this call, and why.
    stopped: Vec<(Headers, String)>,
    wait: Option<Duration>,
    /// How many events come again, and why the last one does.
    retried: u32,
    reason: String,
}

impl Delivery<'_> {
    pub(crate) fn new<'a>(
        ready: &'a mut Ready,
        batch: &'a Batch,
        mut pushes: Vec<Push>,
    ) -> Delivery<'a> {
        pushes.reverse();
        Delivery {
            ready,
            batch,
            waiting: pushes,
            requests: 0,
            stopped: Vec::new(),
            wait: None,
            retried: 0,
            reason: String::new(),
        }
    }

    /// Sends all there is, and marks what was not accepted.
    pub(crate) fn run(mut self) -> Outcome {
        while let Some(push) = self.waiting.pop() {
            let mut stopped = self.stopped.iter();
            if let Some((_, reason)) = stopped.find(|(headers, _)| *headers == push.headers) {
                self.retry(&push, reason.clone());
            } else if self.requests >= REQUESTS_MOST {
                let reason = format!("{REQUESTS_MOST} requests were not enough for this batch");
                self.retry(&push, reason);
            } else {
                self.requests += 1;
                let sent = self.send(&push);
                self.settle(push, sent);
            }
        }
        if let Some(wait) = self.wait {
            self.batch.retry_after(wait);
        }
        if self.retried > 0 && self.retried == self.batch.size() {
            return Outcome::Retry(self.reason);
        }
        Outcome::Done
    }

    fn send(&self, push: &Push) -> Result<Response> {
        let request = Request::post(self.ready.address.url())
            .header("content-type", "application/json")
            .body(push.json());
        self.ready.send(request, &push.headers)
    }

    fn settle(&mut self, push: Push, sent: Result<Response>) {
        match meaning(&sent) {
            Answer::Accepted => {}
            Answer::Busy { reason, wait } => {
                self.wait = self.wait.max(wait);
                self.retry(&push, reason.clone());
                if sent.is_ok() {
                    self.stopped.push((push.headers, reason));
                } else {
                    // Nobody answers there: that is so for every tenant.
                    for push in std::mem::take(&mut self.waiting) {
                        self.retry(&push, reason.clone());
                    }
                }
            }
            Answer::TooLarge(reason) | Answer::Failed(reason) => self.halve(push, &reason),
            Answer::Refused(reason) => {
                let text =
                    sent.map_or_else(|_| String::new(), |response| response.text().into_owned());
                self.sort_out(push, &text, &reason);
            }
        }
    }

    /// Deals with a refusal, whose whole text is `text`; `reason` is for people.
    fn sort_out(&mut self, mut push: Push, text: &str, reason: &str) {
        if let Some((ignored, of)) = refused::behind(text) {
            return self.move_behind(push, ignored, of, reason);
        }
        let labels = || push.streams.iter().map(|stream| &stream.labels);
        if let Some(against) = refused::against_labels(text, labels()) {
            return self.settle_labels(push, against, reason);
        }
        let refusal = refused::read(text, labels());
        let long = push.take(&mut |entry| refusal.is_length(entry));
        push::mark(
            &long,
            self.batch,
            Batch::reject,
            &format!("{reason}: {LINE_TOO_LONG}"),
        );
        let wrong_time = push.take(&mut |entry| refusal.is_time(entry));
        let bare = push.take(&mut |entry| refusal.is_metadata(entry));
        if long.is_empty() && wrong_time.is_empty() && bare.is_empty() {
            return self.halve(push, reason);
        }
        let headers = push.headers.clone();
        self.send_bare(headers.clone(), bare, &refusal, reason);
        self.send_now(headers, wrong_time, reason);
        if !refusal.is_whole && !push.streams.is_empty() {
            self.waiting.push(push);
        }
    }

    /// Entries too far behind the newest of their stream. The answer is about one stream of the request.
    fn move_behind(&mut self, mut push: Push, ignored: usize, of: usize, reason: &str) {
        if push.streams.len() > 1 {
            return self.send_first(push.by_stream());
        }
        // Fewer are told of where Loki has cut the stream in shards: which entry is in which is not said.
        if of != push.entries().count() || ignored == 0 {
            return self.halve(push, reason);
        }
        let mut taken = 0;
        let first = push.take(&mut |_| {
            taken += 1;
            taken <= ignored
        });
        self.send_now(push.headers, first, reason);
    }

    fn settle_labels(&mut self, push: Push, against: AgainstLabels, reason: &str) {
        if push.streams.len() > 1 {
            return self.send_first(push.by_stream());
        }
        match against {
            AgainstLabels::Configuration(hint) => {
                self.retry(&push, format!("{reason}: {hint}"));
            }
            AgainstLabels::Event(hint) => self.reject(&push, &format!("{reason}: {hint}")),
        }
    }

    /// Sends entries again without what Loki does not want beside them.
    fn send_bare(
        &mut self,
        headers: Headers,
        mut streams: Vec<Stream>,
        refusal: &Refusal,
        reason: &str,
    ) {
        if streams.is_empty() {
            return;
        }
        if refusal.no_metadata && std::mem::take(&mut self.ready.metadata) {
            host::warn(format!(
                "{reason}: events go without it from now on. Set `structuredMetadata: false`, or in Loki's limits_config \
                 allow_structured_metadata: true (with schema v13)"
            ));
        }
        host::count("bare_entries", count(&streams));
        for entry in streams.iter_mut().flat_map(|stream| &mut stream.entries) {
            entry.metadata.clear();
        }
        self.send_first(vec![Push { headers, streams }]);
    }

    /// Sends entries again with the present time, in their order, behind all the others: they are the newest then.
    fn send_now(&mut self, headers: Headers, mut streams: Vec<Stream>, reason: &str) {
        if streams.is_empty() {
            return;
        }
        if self.ready.out_of_order == OutOfOrder::Reject {
            let reason =
                format!("{reason}: `outOfOrder: now` sends such events with the present time");
            return push::mark(&streams, self.batch, Batch::reject, &reason);
        }
        let push = |streams| Push { headers, streams };
        if streams
            .iter()
            .flat_map(|stream| &stream.entries)
            .any(|entry| entry.is_moved)
        {
            let reason = format!(
                "{reason}: that was the present time, so the clocks of weir and Loki differ"
            );
            return self.retry(&push(streams), reason);
        }
        if !std::mem::replace(&mut self.ready.has_told_of_moving, true) {
            host::warn(format!(
                "{reason}: such events get the present time; their own is in the document, and beside it as `event_time`"
            ));
        }
        host::count("moved_entries", count(&streams));
        let now_ns = time::now();
        for stream in &mut streams {
            for (entry, offset) in stream.entries.iter_mut().zip(0..) {
                if self.ready.metadata && !entry.metadata.is_empty() {
                    let own = ("event_time".to_owned(), time::show(entry.at_ns));
                    push::add_metadata(&mut entry.metadata, [own]);
                }
                entry.at_ns = now_ns + offset;
                entry.is_moved = true;
            }
        }
        self.waiting.insert(0, push(streams));
    }

    fn halve(&mut self, push: Push, reason: &str) {
        match push.halves() {
            Ok(halves) => self.send_first(halves),
            Err(push) => self.reject(&push, reason),
        }
    }

    fn send_first(&mut self, mut pushes: Vec<Push>) {
        pushes.reverse();
        self.waiting.append(&mut pushes);
    }

    fn retry(&mut self, push: &Push, reason: String) {
        self.retried += count(&push.streams);
        push::mark(&push.streams, self.batch, Batch::retry, &reason);
        self.reason = reason;
    }

    fn reject(&self, push: &Push, reason: &str) {
        push::mark(&push.streams, self.batch, Batch::reject, reason);
    }
}

fn count(streams: &[Stream]) -> u32 {
    let entries: usize = streams.iter().map(|stream| stream.entries.len()).sum();
    u32::try_from(entries).expect("a batch has fewer than 2^32 events")
}

/// What an answer means, where Loki means something of its own.
fn meaning(sent: &Result<Response>) -> Answer {
    let answer = Answer::of(sent);
    let Ok(response) = sent else {
        return answer;
    };
    let text = response.text();
    let has = |part: &str| text.contains(part);
    let told = || format!("answered {} ({})", response.status, excerpt(&response.body));
    let busy = |hint: &str| Answer::busy(format!("{}: {hint}", told()));
    match response.status {
        // Its `block_ingestion_status_code`: nothing was stored.
        260 => busy("Loki is told to take nothing from this tenant (block_ingestion_until)"),
        400 | 401 if has("no org id") => busy("Loki has tenants: set `tenant`"),
        401 => busy("check `username` and `password`, or `bearerToken`"),
        404 => busy("nothing takes events there: `url` ends with /loki/api/v1/push, as a rule"),
        400 if has("request body too large") || has("message size too large") => {
            Answer::TooLarge(told())
        }
        500 if has("ResourceExhausted") || has("larger than max") => Answer::TooLarge(told()),
        500 => busy("Loki failed"),
        429 => match answer {
            Answer::Busy { reason, wait } => Answer::Busy {
                reason: format!("{reason}{}", limit_hint(&text)),
                wait,
            },
            answer => answer,
        },
        _ => answer,
    }
}

fn limit_hint(text: &str) -> &'static str {
    if text.contains("active stream limit") {
        ": use `labels` with fewer values or a lower `maxStreams`, or raise max_global_streams_per_user in Loki's limits_config"
    } else if text.contains("er stream rate limit") {
        ": use a further label, or raise per_stream_rate_limit in Loki's limits_config"
    } else if text.contains("ingestion rate limit") {
        ": it goes on when Loki admits it; ingestion_rate_mb in its limits_config raises the limit"
    } else {
        ""
    }
}
