//! Certificates: an authority made for one test, a server's certificate, and those of clients.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

/// Who signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
}

/// What a server offers besides its certificate.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Offer {
    /// HTTP/1.1 only; HTTP/2 too otherwise.
    pub http1_only: bool,
    pub client_needs_certificate: bool,
    /// The certificate is no longer good.
    pub expired: bool,
}

/// A client's certificate with its key.
pub(crate) struct ClientCertificate {
    pub der: Vec<u8>,
    pub pem: String,
    pub key_pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Authority {
        let key = new_key();
        let mut params = named(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("the parameters are good");
        Authority {
            issuer: Issuer::new(params, key),
            certificate,
        }
    }

    /// What clients trust.
    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// What a server shows, under these names, and offers. Clients' certificates must be of this authority; a client
    /// without one gets in unless it needs one.
    pub(crate) fn acceptor(&self, names: &[&str], offer: Offer) -> TlsAcceptor {
        let (certificate, key) = self.server_certificate(names, offer.expired);
        let mut roots = RootCertStore::empty();
        roots
            .add(self.certificate.der().clone())
            .expect("the authority is one");
        let provider = Arc::new(default_provider());
        let mut verifier =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        if !offer.client_needs_certificate {
            verifier = verifier.allow_unauthenticated();
        }
        let verifier = verifier.build().expect("it has an authority");
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has them")
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .expect("the key is that of the certificate");
        config.alpn_protocols = match offer.http1_only {
            true => vec![b"http/1.1".to_vec()],
            false => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        };
        TlsAcceptor::from(Arc::new(config))
    }

    fn server_certificate(
        &self,
        names: &[&str],
        expired: bool,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = new_key();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("the names are good");
        params
            .distinguished_name
            .push(DnType::CommonName, "fake-server");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if expired {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the authority may sign");
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (certificate.der().clone(), key.into())
    }

    pub(crate) fn client(&self, user: &str) -> ClientCertificate {
        let key = new_key();
        let mut params = named(user);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params
            .signed_by(&key, &self.issuer)
            .expect("the authority may sign");
        ClientCertificate {
            der: certificate.der().to_vec(),
            pem: certificate.pem(),
            key_pem: key.serialize_pem(),
        }
    }
}

fn new_key() -> KeyPair {
    KeyPair::generate().expect("the machine has random numbers")
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}
