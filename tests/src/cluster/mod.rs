//! A real API server for the tests, with the real weir before it: one that is started here, or one that is there.
//!
//! - `KUBEBUILDER_ASSETS` names a folder with `etcd` and `kube-apiserver`, as envtest has it: [`server`] starts them.
//! - else, with `WEIR_KUBERNETES` set (`cargo xtask test --kubernetes` does), `KUBECONFIG` names a cluster. There only
//!   [`place`]s are used: namespaces that are made for one test, and removed again.
//! - else nothing can be run, and [`find`] says what to set.
//!
//! All is done with `kubectl`, which shares nothing with weir; [`record`] is what a watch of its own saw.

pub mod access;
pub mod kubectl;
pub mod place;
pub mod record;
pub mod server;

use std::path::{Path, PathBuf};

/// What a real API server can be had from.
pub enum Cluster {
    /// Programs to start one with.
    Own(Programs),
    /// One that somebody else uses too.
    Given {
        /// The program `kubectl`.
        kubectl: PathBuf,
        /// Its kubeconfig.
        kubeconfig: PathBuf,
    },
}

/// Programs of Kubernetes.
#[derive(Clone)]
pub struct Programs {
    /// The store.
    pub etcd: PathBuf,
    /// The API server.
    pub apiserver: PathBuf,
    /// What talks to it.
    pub kubectl: PathBuf,
}

/// Looks for a way to a real API server.
///
/// # Errors
/// With what to set where there is none.
pub fn find() -> Result<Cluster, String> {
    let assets = variable("KUBEBUILDER_ASSETS");
    let kubectl = || {
        kubectl(assets.as_deref())
            .ok_or_else(|| "there is no kubectl in KUBEBUILDER_ASSETS or PATH".to_owned())
    };
    if let Some(assets) = &assets {
        let program = |name: &str| {
            let path = assets.join(name);
            let missing = || format!("KUBEBUILDER_ASSETS has no {}", path.display());
            path.is_file().then(|| path.clone()).ok_or_else(missing)
        };
        return Ok(Cluster::Own(Programs {
            etcd: program("etcd")?,
            apiserver: program("kube-apiserver")?,
            kubectl: kubectl()?,
        }));
    }
    match variable("KUBECONFIG") {
        Some(kubeconfig) if variable("WEIR_KUBERNETES").is_some() => Ok(Cluster::Given {
            kubectl: kubectl()?,
            kubeconfig,
        }),
        Some(_) => Err(
            "KUBECONFIG names a cluster; set WEIR_KUBERNETES=1 to use it, in namespaces weir-test-…"
                .to_owned(),
        ),
        None => Err(
            "set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver (setup-envtest gets them), or KUBECONFIG"
                .to_owned(),
        ),
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}

fn kubectl(assets: Option<&Path>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = assets.map(Path::to_owned).into_iter();
    folders
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join("kubectl"))
        .find(|program| program.is_file())
}
