//! The connection to an API server: where its address and credentials come from, and how it is renewed.
//!
//! As kubectl does it: `--kubeconfig`, else `$KUBECONFIG` (a list of files), else `~/.kube/config`, else the service
//! account of the pod. A kubeconfig that is there and broken is an error, never a reason to look further.
//!
//! kube's client reads a token file anew each minute, asks an exec plugin or an OIDC provider again when its
//! token expires, and re-reads the CA of a service account. All else (client certificates, the CA of a
//! kubeconfig, a connection that is dead and does not know it) is renewed by making the client anew:
//! [`Connection::renew`].

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::exchange::Clients;
use crate::failure::{Action, Failure};

/// A server that has not accepted a connection within this time is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A request that could not be written within this time never will be.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// Where a pod finds the namespace that it runs in.
const POD_NAMESPACE_FILE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// What the command line says of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// `--kubeconfig`: this file and no other.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`: this one of the kubeconfig in place of its current one.
    pub context: Option<String>,
}

/// A connection that many share. A client is cheap to clone; take one for each request.
pub struct Connection {
    access: Access,
    client: Mutex<Client>,
    generation: AtomicU64,
    /// Of the API server, for log lines.
    server: String,
    namespace: String,
}

impl Connection {
    /// Reads the credentials. Nothing is sent yet. On the async runtime that will use it.
    ///
    /// # Errors
    /// [`Failure::Credentials`] where there are none, or they cannot be read.
    pub async fn open(access: Access) -> Result<Arc<Connection>, Failure> {
        let config = access.config().await?;
        let (server, namespace) = (
            config.cluster_url.to_string(),
            config.default_namespace.clone(),
        );
        Ok(Arc::new(Connection {
            access,
            client: Mutex::new(client(config)?),
            generation: AtomicU64::new(0),
            server,
            namespace,
        }))
    }

    /// A connection over a client that is there, for tests. It is never renewed.
    pub fn of(client: Client) -> Arc<Connection> {
        let namespace = client.default_namespace().to_owned();
        Arc::new(Connection {
            access: Access::default(),
            client: Mutex::new(client),
            generation: AtomicU64::new(u64::MAX),
            server: String::new(),
            namespace,
        })
    }

    /// The client as it is now.
    pub fn client(&self) -> Client {
        self.client
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often it was renewed: to be given to [`Connection::renew`], so that many who see the same failure renew
    /// once.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes the client anew from the files as they are now, unless somebody did since `generation`.
    ///
    /// # Errors
    /// [`Failure::Credentials`]; then the old client stays.
    pub async fn renew(&self, generation: u64) -> Result<(), Failure> {
        if generation == u64::MAX || self.generation() != generation {
            return Ok(());
        }
        let renewed = client(self.access.config().await?)?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = renewed;
        self.generation.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Who hands out clients, for parts that need nothing else of a connection.
    pub fn clients(self: &Arc<Self>) -> Clients {
        let connection = Arc::clone(self);
        Arc::new(move || connection.client())
    }

    /// The API server's address.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace of the pod, else of the kubeconfig's context, else `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }
}

/// Whether this process runs in a pod with a service account.
pub fn is_in_cluster() -> bool {
    std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() && Path::new(POD_NAMESPACE_FILE).exists()
}

impl Access {
    /// Reads what there is.
    async fn config(&self) -> Result<Config, Failure> {
        let mut config = self.source().await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.write_timeout = Some(WRITE_TIMEOUT);
        // We know better what may be sent again, and when.
        config.default_retry = false;
        let agent = HeaderValue::from_static(concat!("weir/", env!("CARGO_PKG_VERSION")));
        config.headers.push((http::header::USER_AGENT, agent));
        Ok(config)
    }

    async fn source(&self) -> Result<Config, Failure> {
        let options = KubeConfigOptions {
            context: self.context.clone(),
            ..KubeConfigOptions::default()
        };
        let credentials = |error: &dyn std::error::Error, what: String| {
            let causes = std::iter::successors(error.source(), |cause| cause.source());
            let mut message = format!("{what}: {error}");
            for cause in causes.map(ToString::to_string) {
                if !message.ends_with(&cause) {
                    message = format!("{message}: {cause}");
                }
            }
            no_way(message)
        };
        if let Some(file) = &self.kubeconfig {
            let failed = |error: kube::config::KubeconfigError| {
                credentials(&error, format!("kubeconfig {}", file.display()))
            };
            let kubeconfig = Kubeconfig::read_from(file).map_err(failed)?;
            return Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .map_err(failed);
        }
        let variable = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
        let home = std::env::home_dir().map(|home| home.join(".kube").join("config"));
        let of_home = home.filter(|file| file.exists());
        if variable.is_some() || of_home.is_some() {
            let from = match (&variable, &of_home) {
                (Some(files), _) => format!("kubeconfig of $KUBECONFIG ({})", files.display()),
                (None, Some(file)) => format!("kubeconfig {}", file.display()),
                (None, None) => unreachable!("one of them is there"),
            };
            return Config::from_kubeconfig(&options)
                .await
                .map_err(|error| credentials(&error, from));
        }
        if let Some(context) = &self.context {
            let message = format!(
                "no kubeconfig that could have the context {context:?}: there is neither $KUBECONFIG nor ~/.kube/config"
            );
            return Err(no_way(message));
        }
        if std::env::var_os("KUBERNETES_SERVICE_HOST").is_none() {
            let message = "no way to a cluster: there is neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config, and this is no pod of a cluster (no $KUBERNETES_SERVICE_HOST)".to_owned();
            return Err(no_way(message));
        }
        let in_cluster = "service account of the pod (is automountServiceAccountToken false?)";
        Config::incluster().map_err(|error| credentials(&error, in_cluster.to_owned()))
    }
}

fn client(config: Config) -> Result<Client, Failure> {
    Client::try_from(config).map_err(|error| Failure::from_kube(error, &CONNECT))
}

/// What is done when no request was made yet.
const CONNECT: Action = Action {
    verb: "connect",
    group: "",
    resource: "to the API server",
    namespace: None,
    name: None,
};

fn no_way(message: String) -> Failure {
    Failure::Credentials {
        action: Box::new(CONNECT),
        message,
    }
}
