//! The self-tests of plugins, run before any use of them is made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use weir_runtime::{Limits, Plugin};

use super::{Preparing, Problem};
use crate::config::{self, Config};
use crate::fixtures;

/// A file of self-tests, and where it is.
pub(super) type Beside = (PathBuf, Vec<u8>);

/// The self-tests beside a plugin's file.
pub(super) fn beside(plugin: &Plugin) -> Result<Option<Beside>, Problem> {
    fixtures::read_beside(plugin).map_err(|problem| Problem::SelfTests {
        plugin: plugin.label(),
        problem,
    })
}

impl Preparing<'_> {
    /// Runs a plugin's self-tests, once however many uses it has. What failed is said at the first.
    pub(super) fn self_test(
        &mut self,
        plugin: &Arc<Plugin>,
        beside: Option<Beside>,
    ) -> Result<(), Problem> {
        if self.tested.contains_key(&plugin.name) {
            return Ok(());
        }
        self.tested.insert(plugin.name.clone(), 0);
        let limits = self.granted.get(plugin.name.as_str()).copied();
        let limits = limits.unwrap_or_else(|| fixtures::default_limits(plugin.kind));
        let beside = beside
            .as_ref()
            .map(|(path, bytes)| (path.as_path(), bytes.as_slice()));
        let checked = fixtures::check(plugin, beside, limits);
        let passed = checked.map_err(|problem| Problem::SelfTests {
            plugin: plugin.label(),
            problem,
        })?;
        self.tested.insert(plugin.name.clone(), passed);
        Ok(())
    }
}

/// What the uses of each plugin grant it, the most of each: a plugin that needs more than the default needs it in its
/// self-tests too.
pub(super) fn granted_limits(config: &Config) -> BTreeMap<&str, Limits> {
    let filters = config.filters.iter();
    let filters = filters.map(|filter| (filter.plugin.as_str(), filter.limits));
    let receivers = config.receivers.iter();
    let receivers = receivers.map(|receiver| (receiver.plugin.as_str(), receiver.limits));
    let mut granted: BTreeMap<&str, Limits> = BTreeMap::new();
    for (plugin, limits) in filters.chain(receivers) {
        let most = granted.entry(plugin).or_insert_with(|| of_config(limits));
        most.memory_bytes = most.memory_bytes.max(limits.memory_bytes);
        most.time = most.time.max(limits.time);
    }
    granted
}

/// A use's limits, as the runtime takes them.
pub(super) fn of_config(limits: config::Limits) -> Limits {
    Limits {
        memory_bytes: limits.memory_bytes,
        time: limits.time,
    }
}
