//! Reading a list: all pages, then the events by version.

use weir_event::{EventRef, Fields};

use super::{Backlog, State, Stop, Watch, fill, oldest_ms};
use crate::failure::Failure;
use crate::relist::{Listed, PageEvents};
use crate::request::Page;
use crate::status::Phase;

/// Events that are asked for at once: about half a megabyte.
const PAGE_EVENTS: u32 = 500;

impl Watch {
    pub(super) async fn list(&mut self, above: u64, first: bool) -> Result<State, Stop> {
        self.surroundings.status.phase(Phase::Listing);
        let client = self.surroundings.connection.client();
        let selection = self.settings.selection.clone();
        let mut page = selection.page(&client, PAGE_EVENTS, None).await?;
        let version = page.version;
        if version < above {
            return self.history(version).await;
        }
        let mut listed = Listed::default();
        loop {
            self.surroundings.status.line();
            let next = page.next.take();
            listed.add(self.read_page(&page, above, version, first));
            let Some(next) = next else { break };
            page = match selection.page(&client, PAGE_EVENTS, Some(next)).await {
                // The pages took longer than the server keeps versions. It offers to go on at a newer one: what
                // changed meanwhile comes from the watch, which starts at the version of the first page.
                Err(Failure::Expired {
                    continue_token: Some(next),
                    ..
                }) => selection.page(&client, PAGE_EVENTS, Some(next)).await?,
                other => other?,
            };
        }
        tracing::info!(
            watch = self.surroundings.status.name,
            events = listed.len(),
            packed_bytes = listed.bytes(),
            version,
            "listed"
        );
        self.hand_on_listed(listed, version).await?;
        Ok(State::Watch)
    }

    /// Takes what is new of a page.
    fn read_page(&mut self, page: &Page, above: u64, version: u64, first: bool) -> PageEvents {
        let mut events = PageEvents::default();
        let backlog = match self.settings.backlog {
            Backlog::Within(within) if first => Some(within),
            _ => None,
        };
        // The shorter of the two decides.
        let within = match (backlog, self.settings.max_age) {
            (Some(backlog), Some(age)) => Some(backlog.min(age)),
            (backlog, age) => backlog.or(age),
        };
        let oldest_ms = oldest_ms(within);
        let (mut duplicates, mut too_old) = (0, 0);
        let accounts = std::sync::Arc::clone(&self.surroundings.accounts);
        let watch = self.surroundings.status.name.as_str();
        let read = self.reader.read(&page.body, &mut |event| match event {
            Ok(event) => {
                let of_event = event.resource_version().parse().unwrap_or(version);
                if of_event <= above && above > 0 {
                    duplicates += 1;
                } else if oldest_ms.is_some_and(|oldest| event.timestamp() < oldest) {
                    too_old += 1;
                } else if of_event <= version {
                    events.push(of_event, event.document());
                }
            }
            Err(error) => accounts.malformed(watch, &[], &error),
        });
        if let Err(error) = read {
            // Its head was read, so it is a list; then what is in it is too.
            accounts.malformed(watch, &page.body, &error);
        }
        accounts.duplicates(duplicates);
        accounts.too_old(too_old);
        events
    }

    async fn hand_on_listed(&mut self, listed: Listed, version: u64) -> Result<(), Stop> {
        let mut merge = listed.into_merge();
        while let Some((of_event, document)) = merge.next() {
            self.seen = of_event;
            match Fields::scan(document) {
                Ok(fields) => {
                    let event = EventRef::new(document, &fields);
                    fill(&mut self.filling, &mut self.ready, event);
                    let event_ms = event.timestamp();
                    self.surroundings.status.seen(of_event, Some(event_ms));
                }
                Err(error) => debug_assert!(false, "a document that we made: {error}"),
            }
            if !self.ready.is_empty() {
                self.hand_on_within(None).await?;
            }
        }
        self.seen = version;
        self.moved = true;
        self.surroundings.status.seen(version, None);
        self.hand_on().await?;
        Ok(())
    }
}
