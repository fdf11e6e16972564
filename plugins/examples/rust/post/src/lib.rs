//! A sink: sends each batch of events to a URL, a line of JSON an event.
//!
//! ```yaml
//! config: {url: "https://collector.example/events"}
//! ```

use serde::Deserialize;
use weir_plugin::http::Request;
use weir_plugin::{Batch, Outcome, Result, Sink};

/// The configuration, read by serde: what is missing or of the wrong type is refused, with its name.
#[derive(Deserialize)]
struct Post {
    /// May hold secrets, `${env:TOKEN}`: the plugin sees a placeholder, the host puts the secret in.
    url: String,
}

impl Sink for Post {
    /// Called once for each instance, before its first batch. An error refuses the configuration.
    fn setup(&mut self) -> Result {
        if !self.url.starts_with("http://") && !self.url.starts_with("https://") {
            Err("url: expected http://… or https://…")?;
        }
        Ok(())
    }

    /// Called for each batch. `Done`: all is delivered. `Retry`: all of it comes again, after a pause that grows.
    /// `Reject`: nobody will ever take it, so it goes to the dead letters. An `Err` is a retry, too.
    fn deliver(&mut self, batch: &Batch) -> Result<Outcome> {
        let request = Request::post(&self.url)
            .header("content-type", "application/x-ndjson")
            .body(batch.documents(0..batch.size()));
        // The host connects, and only to what this sink's own configuration names; waiting is not counted as its time.
        let response = match request.send() {
            Ok(response) => response,
            Err(error) => return Ok(Outcome::retry(error.message())),
        };

        let status = format!("HTTP {}", response.status);
        Ok(match response.status {
            200..=299 => Outcome::Done,
            429 | 500..=599 => {
                if let Some(pause) = response.retry_after() {
                    batch.retry_after(pause);
                }
                Outcome::retry(status)
            }
            _ => Outcome::reject(status),
        })
    }
}

weir_plugin::register!(sink: Post);

/// `cargo test` runs these natively, against a double of the host.
#[cfg(test)]
mod tests {
    use std::time::Duration;

    use weir_plugin::http::Response;
    use weir_plugin::serde_json::json;
    use weir_plugin::testing::{self, SinkUnderTest};

    use super::*;

    fn sink() -> Result<SinkUnderTest<Post>> {
        testing::sink(json!({"url": "https://collector.example/events"}))
    }

    #[test]
    fn a_batch_is_one_request() -> Result {
        let mut sink = sink()?;
        sink.host.respond(204, "");
        let events = [
            testing::event(json!({})),
            testing::event(json!({"count": 2})),
        ];
        let expected = format!("{}\n{}\n", events[0], events[1]);

        assert_eq!(sink.deliver(events).outcome, Ok(Outcome::Done));
        let [request] = &sink.host.requests[..] else {
            panic!("expected one request, not {}", sink.host.requests.len());
        };
        assert_eq!(request.url, "https://collector.example/events");
        assert_eq!(String::from_utf8_lossy(&request.body), expected);
        Ok(())
    }

    #[test]
    fn a_busy_server_says_when_to_come_again() -> Result {
        let mut sink = sink()?;
        sink.host.responses.push_back(Ok(Response {
            status: 429,
            headers: vec![("Retry-After".to_owned(), "3".to_owned())],
            body: Vec::new(),
        }));

        let run = sink.deliver([testing::event(json!({}))]);
        assert_eq!(run.outcome, Ok(Outcome::retry("HTTP 429")));
        assert_eq!(run.retry_after, Some(Duration::from_secs(3)));
        Ok(())
    }

    #[test]
    fn what_is_refused_is_given_up_and_what_is_not_answered_comes_again() -> Result {
        let mut sink = sink()?;
        sink.host.respond(400, "no");
        sink.host.refuse("connect: refused");
        let mut outcome = || sink.deliver([testing::event(json!({}))]).outcome;

        assert_eq!(outcome(), Ok(Outcome::reject("HTTP 400")));
        assert_eq!(outcome(), Ok(Outcome::retry("connect: refused")));
        Ok(())
    }
}
