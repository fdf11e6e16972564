//! Watching without lanes, receivers or positions: the documents one by one, for `weir capture`.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use weir_kubernetes::connect::{Access, Connection};
use weir_kubernetes::status::WatchStatus;
use weir_kubernetes::watch::{Message, Surroundings, Watch};

use super::plan::{self, shown, watch_names};
use super::{MESSAGES_WAITING_MAX, SourceError};
use crate::config;
use crate::ledger::Ledger;

/// Gives each event's document to `each`, from the configured backlog on, until it answers `false` or `stop` comes
/// to pass. Nothing is looked up.
///
/// # Errors
/// When there is no way to the cluster, or it will never accept what it is asked. Everything else is logged and tried
/// again.
pub fn capture(
    config: &config::Kubernetes,
    cluster_name: &str,
    access: Access,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(&str) -> bool,
) -> Result<(), SourceError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let connection = Connection::open(access).await?;
        let (out, mut messages) = mpsc::channel(MESSAGES_WAITING_MAX);
        let accounts = Arc::new(plan::Counting::new(Arc::new(Ledger::new())));
        let mut watches = JoinSet::new();
        for (index, name) in watch_names(config).iter().enumerate() {
            let surroundings = Surroundings {
                connection: Arc::clone(&connection),
                out: out.clone(),
                accounts: Arc::clone(&accounts) as _,
                status: Arc::new(WatchStatus::new(shown(name), None)),
                enricher: None,
                kept: None,
            };
            let settings = plan::watch(config, name, None, cluster_name);
            watches.spawn(Watch::new(index, settings, surroundings).run());
        }
        drop(out);
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                failure = super::mistake(&mut watches) => return Err(failure.into()),
                () = &mut stop => return Ok(()),
                message = messages.recv() => {
                    let Some(message) = message else { return Ok(()) };
                    if let Message::Events { chunk, .. } = message
                        && !chunk.iter().all(|event| each(event.document()))
                    {
                        return Ok(());
                    }
                }
            }
        }
    })
}
