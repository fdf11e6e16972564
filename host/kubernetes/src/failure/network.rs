//! What an error below HTTP means: it is looked for in the whole chain, since each layer wraps it once more.

use std::error::Error;
use std::io;

use kube::client::AuthError;

use super::{Action, Failure};

/// Causes that are followed: a chain that names itself must not hang.
const CAUSES_MAX: usize = 16;
/// Characters of an exec plugin's standard error that are shown.
const PLUGIN_CHARACTERS_MAX: usize = 300;

/// What to do about errors that name their cause. The text is what rustls, hyper and the system say.
const REMEDIES: &[(&str, &str)] = &[
    (
        "UnknownIssuer",
        "the API server's certificate is signed by a CA that is not trusted here: set certificate-authority of the \
         kubeconfig's cluster to the CA that signed it",
    ),
    (
        "certificate expired",
        "the API server's certificate is out of date, or this machine's clock is wrong",
    ),
    (
        "certificate not valid yet",
        "this machine's clock is behind, or the API server's certificate is not valid yet",
    ),
    (
        "not valid for name",
        "use one of the certificate's names as the kubeconfig's server, or set tls-server-name to one",
    ),
    (
        "CaUsedAsEndEntity",
        "the API server shows the certificate of a CA as its own: give it a server certificate",
    ),
    (
        "InvalidContentType",
        "what answers does not speak TLS: check the kubeconfig's server (http or https) and the proxy",
    ),
    (
        "received fatal alert",
        "the API server does not accept the client certificate: renew it in the kubeconfig",
    ),
    (
        "dns error",
        "check the name in the kubeconfig's server, and the resolver",
    ),
    (
        "Connection refused",
        "is the API server running at the kubeconfig's server, and reachable from here?",
    ),
];

/// The class of an error that is no answer of the server.
pub(super) fn classify(error: &kube::Error, action: &Action) -> Failure {
    let action = Box::new(action.clone());
    // kube's own first layer ("ServiceError: …") repeats what it wraps.
    let first: &(dyn Error + 'static) = error;
    let mut causes = Vec::new();
    let mut current = error.source().or(Some(first));
    while let Some(cause) = current.take_if(|_| causes.len() < CAUSES_MAX) {
        if let Some(auth) = cause.downcast_ref::<AuthError>() {
            let message = credentials(auth);
            return Failure::Credentials { action, message };
        }
        if is_timeout(cause) {
            return Failure::Timeout { action };
        }
        causes.push(cause.to_string());
        current = cause.source();
    }
    match error {
        kube::Error::Auth(auth) => Failure::Credentials {
            action,
            message: credentials(auth),
        },
        _ => Failure::Network {
            action,
            message: with_remedy(join(&causes)),
        },
    }
}

fn is_timeout(cause: &(dyn Error + 'static)) -> bool {
    cause
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        || cause.is::<tokio::time::error::Elapsed>()
}

/// Never the plugin's standard output, which may hold a token.
fn credentials(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecRun { cmd, out } => {
            let text = String::from_utf8_lossy(&out.stderr);
            let text = short(&text, PLUGIN_CHARACTERS_MAX);
            format!(
                "the exec plugin {cmd:?} of the kubeconfig failed ({}): {text}",
                out.status
            )
        }
        AuthError::AuthExecStart(error) => format!(
            "the exec plugin of the kubeconfig could not be started: {error}: install it, or put it on the PATH"
        ),
        // Its text quotes what it could not read.
        AuthError::AuthExecParse(_) | AuthError::ParseTokenKey(_) => {
            "what the exec plugin of the kubeconfig printed is no ExecCredential".to_owned()
        }
        other => join(&chain(other)),
    }
}

fn chain(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes = Vec::new();
    let mut current = Some(error);
    while let Some(cause) = current.take_if(|_| causes.len() < CAUSES_MAX) {
        causes.push(cause.to_string());
        current = cause.source();
    }
    causes
}

/// One line; what an outer layer already says is not repeated.
fn join(causes: &[String]) -> String {
    let mut text = String::new();
    for cause in causes {
        if text.contains(cause.as_str()) {
            continue;
        }
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(cause);
    }
    short(&text, super::TEXT_CHARACTERS_MAX)
}

fn with_remedy(text: String) -> String {
    match REMEDIES.iter().find(|(sign, _)| text.contains(sign)) {
        Some((_, remedy)) => format!("{text}: {remedy}"),
        None => text,
    }
}

/// The first so many characters on one line.
pub(super) fn short(text: &str, characters: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > characters {
            break;
        }
    }
    match line.char_indices().nth(characters) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
