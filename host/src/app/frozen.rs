//! What a running process cannot change: it keeps what it started with, and says that a restart is needed.

use crate::config::{Admin, Checkpoint, Config, LogFormat, Source};

/// Of the configuration that the process started with.
pub(super) struct Frozen {
    source: Source,
    checkpoint: Checkpoint,
    cluster_name: String,
    admin: Option<Admin>,
    log_format: LogFormat,
    cache: Option<std::path::PathBuf>,
}

impl Frozen {
    pub(super) fn of(config: &Config) -> Frozen {
        Frozen {
            source: config.source.clone(),
            checkpoint: config.checkpoint.clone(),
            cluster_name: config.cluster_name.clone(),
            admin: config.admin.clone(),
            log_format: config.log.format,
            cache: config.plugins.cache.clone(),
        }
    }

    /// Puts what cannot change into a new configuration; gives the keys that would have changed.
    pub(super) fn keep(&self, config: &mut Config) -> Vec<String> {
        let mut changed = Vec::new();
        if let (Source::Replay(kept), Source::Replay(now)) = (&self.source, &mut config.source) {
            // Where it stands in the file is no part of it.
            now.at = kept.at;
        }
        let token = |admin: &Option<Admin>| Some(admin.as_ref()?.token.as_ref()?.at);
        if let Some(at) = token(&self.admin)
            && let Some(admin) = &mut config.admin
            && let Some(token) = &mut admin.token
        {
            token.at = at;
        }
        keep("source", &self.source, &mut config.source, &mut changed);
        let checkpoint = &mut config.checkpoint;
        keep("checkpoint", &self.checkpoint, checkpoint, &mut changed);
        let name = &mut config.cluster_name;
        keep("clusterName", &self.cluster_name, name, &mut changed);
        keep("admin", &self.admin, &mut config.admin, &mut changed);
        let format = &mut config.log.format;
        keep("logFormat", &self.log_format, format, &mut changed);
        let cache = &mut config.plugins.cache;
        keep("plugins.cache", &self.cache, cache, &mut changed);
        changed
    }
}

fn keep<T: PartialEq + Clone>(key: &str, kept: &T, now: &mut T, changed: &mut Vec<String>) {
    if kept != now {
        changed.push(key.to_owned());
        kept.clone_into(now);
    }
}
