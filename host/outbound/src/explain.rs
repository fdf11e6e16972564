//! From the errors of libraries to a class and what to do about it.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::connect::{Cause, ConnectError, Phase};
use crate::failure::{Class, Failure};
use crate::resolve::Refused;

/// An error, its causes, and theirs. `std::io::Error` leaves itself out of its own `source`.
struct Causes<'a>(Option<&'a (dyn Error + 'static)>);

impl<'a> Iterator for Causes<'a> {
    type Item = &'a (dyn Error + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0.take()?;
        self.0 = match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(inner) => Some(inner),
            None => error.source(),
        };
        Some(error)
    }
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    Causes(Some(error)).find_map(|cause| cause.downcast_ref())
}

/// The text of the innermost cause, which says the most.
fn text(error: &(dyn Error + 'static)) -> String {
    let last = Causes(Some(error)).last().unwrap_or(error);
    last.to_string().chars().take(500).collect()
}

/// Of an error that a request ended with.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> Failure {
    if let Some(error) = find::<ConnectError>(error) {
        return not_connected(error);
    }
    if let Some(error) = find::<rustls::Error>(error) {
        return Failure::new(Class::Tls, tls(error));
    }
    let text = text(error);
    // HTTP/2 keeps only the text of what ended its connection.
    if text.contains("received fatal alert") {
        return Failure::new(Class::Tls, format!("{text}: {CLIENT_CERTIFICATE}"));
    }
    let detail = match find::<hyper::Error>(error) {
        Some(error) if error.is_incomplete_message() => {
            "the connection ended before the answer did; did the server, or something before it, restart?".to_owned()
        }
        Some(error) if error.is_parse() => {
            format!("what it sent is not HTTP ({text}); does it expect https://?")
        }
        _ => format!("the connection was lost before the answer was complete: {text}"),
    };
    Failure::new(Class::BrokenAnswer, detail)
}

fn not_connected(error: &ConnectError) -> Failure {
    let through = match &error.proxy {
        Some(proxy) => format!("through the proxy {proxy}: "),
        None => String::new(),
    };
    let cause = match &error.cause {
        Cause::Elapsed(limit) => {
            let missing = match error.phase {
                Phase::Lookup => "the name could not be looked up; does DNS work here?",
                Phase::Connect => {
                    "it did not accept a connection; does a firewall or network policy let weir through?"
                }
                Phase::Proxy => "the proxy did not open the way",
                Phase::Tls => "TLS was not ready; is it a server of TLS?",
            };
            let detail = format!("{through}within {limit:?}: {missing}");
            return Failure::new(Class::Timeout, detail);
        }
        Cause::Failed(cause) => cause.as_ref(),
    };
    if let Some(refused) = find::<Refused>(cause) {
        let detail = format!(
            "{through}the name stands for {refused}, which is refused; name that address in place of the name if it is meant"
        );
        return Failure::new(Class::NotGranted, detail);
    }
    let text = text(cause);
    let (class, detail) = match error.phase {
        Phase::Lookup => (
            Class::NameLookup,
            format!("{text}; is the name right, and does DNS know it here?"),
        ),
        Phase::Connect if is_elapsed(cause) => (
            Class::Timeout,
            "it did not accept a connection; does a firewall or network policy let weir through?"
                .to_owned(),
        ),
        Phase::Connect => (
            Class::Connect,
            format!("{text}; is it running, and does a network policy let weir through?"),
        ),
        Phase::Proxy => (
            Class::Connect,
            format!("{text}; may the proxy reach the server, and are its credentials right?"),
        ),
        Phase::Tls => (Class::Tls, not_secured(cause)),
    };
    Failure::new(class, format!("{through}{detail}"))
}

/// The limit of one address of several.
fn is_elapsed(error: &(dyn Error + 'static)) -> bool {
    find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
        || find::<tokio::time::error::Elapsed>(error).is_some()
}

const CLIENT_CERTIFICATE: &str = "the server does not accept the client's certificate, or wants one; see http.tls.certFile and keyFile";

fn not_secured(error: &(dyn Error + 'static)) -> String {
    match find::<rustls::Error>(error) {
        Some(error) => tls(error),
        None => format!(
            "the server ended the connection during the handshake: {}; is it a server of TLS?",
            text(error)
        ),
    }
}

fn tls(error: &rustls::Error) -> String {
    let advice = match error {
        rustls::Error::InvalidCertificate(error) => certificate(error),
        rustls::Error::InvalidMessage(_) => {
            "the server answered with something else than TLS; is it http://?"
        }
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::DecryptError,
        ) => CLIENT_CERTIFICATE,
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the server knows nothing by this name; see http.tls.serverName"
        }
        rustls::Error::AlertReceived(_) | rustls::Error::PeerIncompatible(_) => {
            "server and client have no version or cipher in common; TLS 1.2 or later is needed"
        }
        _ => "the handshake failed",
    };
    format!("{advice} ({error})")
}

fn certificate(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is signed by nobody known here; put its CA into http.tls.caFile"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name; put one of its names into http.tls.serverName"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired; renew it, or set the clock of this host"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; is the clock of this host right?"
        }
        _ => "the server's certificate is not accepted",
    }
}
