//! From the checked configuration to what `weir-kubernetes` takes. Pure, but for names of this machine.

use std::sync::Arc;

use weir_kubernetes::request::Selection;
use weir_kubernetes::watch::{Accounts, Backlog, Settings};
use weir_kubernetes::{lease, lookup};
use weir_runtime::LogLimit;

use crate::config::{self, EventsApi, OnMissing};
use crate::ledger::Ledger;
use crate::source::{MALFORMED_LINES_A_SECOND_MAX, beginning};

/// The watches of a configuration: a namespace each, or one "" for all.
pub fn watch_names(config: &config::Kubernetes) -> Vec<String> {
    if config.namespaces.is_empty() {
        vec![String::new()]
    } else {
        config.namespaces.clone()
    }
}

/// How a watch is shown to people.
pub(super) fn shown(name: &str) -> &str {
    if name.is_empty() { "all" } else { name }
}

pub(super) fn watch(
    config: &config::Kubernetes,
    name: &str,
    position: Option<u64>,
    cluster_name: &str,
) -> Settings {
    let backlog = match config.backlog {
        config::Backlog::All => Backlog::All,
        config::Backlog::None => Backlog::None,
        config::Backlog::Within(within) => Backlog::Within(within),
    };
    Settings {
        selection: selection(config, name),
        position,
        backlog,
        max_age: config.max_age,
        gap_events: config.gap_events,
        cluster_name: cluster_name.to_owned(),
    }
}

/// What the server is asked for: it leaves out what is not wanted.
pub(super) fn selection(config: &config::Kubernetes, name: &str) -> Selection {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let excluded = config
        .exclude_namespaces
        .iter()
        .map(|name| format!("metadata.namespace!={name}"));
    let fields: Vec<String> = given(&config.field_selector)
        .into_iter()
        .chain(excluded)
        .collect();
    Selection {
        events_v1: config.api == EventsApi::EventsV1,
        namespace: given(name),
        fields: given(&fields.join(",")),
        labels: given(&config.label_selector),
    }
}

pub(super) fn lease(election: &config::LeaderElection, own_namespace: &str) -> lease::Settings {
    let namespace = election.lease_namespace.as_deref();
    lease::Settings {
        name: election.lease_name.clone(),
        namespace: namespace.unwrap_or(own_namespace).to_owned(),
        identity: lease::identity(&own_name()),
        duration: election.lease_duration,
        renew_deadline: election.renew_deadline,
        retry_period: election.retry_period,
    }
}

/// The pod's name, which is its host name unless it says otherwise.
fn own_name() -> String {
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    std::env::var("POD_NAME").unwrap_or(name)
}

pub(super) fn lookup(lookup: &config::Lookup) -> lookup::Settings {
    lookup::Settings {
        labels: lookup.labels,
        annotations: lookup.annotations,
        owners: lookup.owners,
        namespace_labels: lookup.namespace_labels,
        node_labels: lookup.node_labels,
        cache: lookup.cache,
        qps: lookup.qps,
        burst: lookup.burst,
        deadline: lookup.deadline,
        hold: lookup.on_missing == OnMissing::Hold,
    }
}

/// Counts in the ledger what the watches do not hand on.
pub(super) struct Counting {
    ledger: Arc<Ledger>,
    complaints: LogLimit,
}

impl Counting {
    pub(super) fn new(ledger: Arc<Ledger>) -> Counting {
        Counting {
            ledger,
            complaints: LogLimit::new(MALFORMED_LINES_A_SECOND_MAX),
        }
    }
}

impl Accounts for Counting {
    fn malformed(&self, watch: &str, value: &[u8], error: &dyn std::error::Error) {
        self.ledger.malformed();
        if let Some(left_out) = self.complaints.admit() {
            tracing::warn!(
                watch,
                start = beginning(value),
                left_out,
                "what the API server sent is no event and was skipped: {error}"
            );
        }
    }

    fn duplicates(&self, events: usize) {
        self.ledger.left_out(events, 0);
    }

    fn too_old(&self, events: usize) {
        self.ledger.left_out(0, events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(source: &str) -> config::Kubernetes {
        let text = format!("source: {{kubernetes: {source}}}");
        let config = config::Config::parse(&text, "test", Path::new(""), &|_| None);
        match config.expect("a configuration").source {
            config::Source::Kubernetes(kubernetes) => *kubernetes,
            config::Source::Replay(_) => panic!("not this one"),
        }
    }

    #[test]
    fn the_server_leaves_out_what_is_not_wanted() {
        let config = config(
            "{fieldSelector: type=Warning, labelSelector: a=b, excludeNamespaces: [kube-system, x]}",
        );
        assert_eq!(watch_names(&config), [""]);
        let selection = selection(&config, "");
        let fields =
            "type=Warning,metadata.namespace!=kube-system,metadata.namespace!=x".to_owned();
        assert_eq!(selection.fields, Some(fields));
        assert_eq!(selection.labels.as_deref(), Some("a=b"));
        assert_eq!((selection.events_v1, selection.namespace), (false, None));
    }

    #[test]
    fn a_namespace_has_a_watch_of_its_own() {
        let config = config("{namespaces: [shop, cart], api: events.k8s.io/v1}");
        assert_eq!(watch_names(&config), ["shop", "cart"]);
        let selection = selection(&config, "cart");
        assert_eq!(selection.namespace.as_deref(), Some("cart"));
        assert_eq!(
            (selection.events_v1, selection.fields, selection.labels),
            (true, None, None)
        );
    }
}
